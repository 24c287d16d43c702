"""A small backbone trained on a problem's own prior, in seconds, when a run starts.

For designs no published model knows (four mutable positions of one protein,
say) the honest prior is a library around the wild type.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from poets_core.errors import InvalidModel
from poets_core.keyed import rng_for, seed_for

SPECIAL = ("<pad>", "<bos>", "<eos>")


def tokenizer_for(texts: Sequence[str]) -> Any:
    """Return a tokenizer over the words of the texts, or over their letters if they hold no spaces."""
    words = any(c.isspace() for text in texts for c in text)
    pieces = sorted({p for text in texts for p in (text.split() if words else text)})
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*SPECIAL, *pieces])}, unk_token="<pad>"))
    if words:
        core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2]
    )


def train_library_backbone(
    texts: Sequence[str],
    folder: Path,
    *,
    width: int = 32,
    layers: int = 1,
    steps: int = 150,
    batch: int = 128,
    learning_rate: float = 5e-3,
    positions: int = 0,
    seed: int,
) -> Path:
    """Train a GPT-2-style model on the texts and save it in Hugging Face format.

    Args:
        texts: library designs; minibatches are drawn from them.
        folder: receives config, safetensors weights and tokenizer.
        width, layers, steps, batch, learning_rate: size and training.
        positions: longest sequence the model must be able to read, special tokens included.
        seed: key of the initial weights and of the minibatches.

    Returns:
        The folder.

    Raises:
        InvalidModel: no texts.
    """
    if not texts:
        raise InvalidModel("Expected library designs to train a backbone on, got none.")
    tokenizer = tokenizer_for(texts)
    coded = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    longest = max(len(c) for c in coded) + 2
    pad, bos, eos = 0, 1, 2
    ids = torch.full((len(coded), longest), pad, dtype=torch.long)
    for i, c in enumerate(coded):
        ids[i, : len(c) + 2] = torch.tensor([bos, *c, eos])
    # Absolute positions (GPT-2) rather than rotary ones: with a single layer, what a residue means
    # must depend on its site, and rotary attention does not put the site into its values.
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=width,
        n_layer=layers,
        n_head=max(1, width // 16),
        n_positions=max(longest, positions),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        pad_token_id=pad,
        bos_token_id=bos,
        eos_token_id=eos,
    )
    with torch.random.fork_rng(devices=[]):  # the model's own initialisation draws from torch's generator
        torch.manual_seed(seed_for(seed, "library weights"))
        model = GPT2LMHeadModel(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = rng_for(seed, "library minibatches")
    model.train()
    for _ in range(steps):
        rows = ids[torch.from_numpy(rng.integers(0, len(ids), batch))]
        rows = rows[:, : int((rows != pad).sum(1).max())]
        logits = model(input_ids=rows[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=pad)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    if not np.isfinite(loss.item()):
        raise InvalidModel(f"Expected a finite training loss of the library backbone, got {loss.item()}.")
    folder.mkdir(parents=True, exist_ok=True)
    model.eval().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder
