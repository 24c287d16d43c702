"""How a small backbone is trained on the problem's own corpus, in seconds, when a run starts.

For designs that no published model knows (four mutable positions of one protein, say) the honest reference is a corpus
around the wild type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from poets_core.errors import InvalidModel
from poets_core.keyed import rng_for, seed_for
from poets_core.lm import designed, ngrams
from poets_core.protocols import Check, unheard
from poets_core.types import F8, Vocabulary

SPECIAL = ("<pad>", "<bos>", "<eos>")
PAD, BOS, EOS = range(3)
ROWS = 64
"""Designs of one pass."""
NGRAM_DESIGNS = 1024
"""Designs that the head above n-gram features is trained on: their states are kept, and designs may be long."""
Alike: TypeAlias = tuple[str, F8]
"""Letters, and how alike each two of them are: a positive semidefinite matrix of cosines."""


def tokenizer_for(texts: Sequence[str]) -> Any:
    """Return a tokenizer over the words of the texts, or over their letters if they hold no spaces."""
    words = any(c.isspace() for text in texts for c in text)
    pieces = sorted({p for text in texts for p in (text.split() if words else text)})
    # One token per word or letter, so that a position of a design is a position of the model and the grammar is small.
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*SPECIAL, *pieces])}, unk_token="<pad>"))
    if words:
        core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2]
    )


def library_vocabulary(texts: Sequence[str]) -> Vocabulary:
    """Return the vocabulary that a backbone trained on the texts will have."""
    tokenizer = tokenizer_for(texts)
    words = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    special = set(tokenizer.all_special_ids)
    return Vocabulary(tokens=tuple("" if i in special else w for i, w in enumerate(words)), eos=EOS)


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
    features: Literal["trained", "designed", "n-grams"] = "trained",
    alike: Alike | None = None,
    seed: int,
    check: Check = unheard,
) -> Path:
    """Train a GPT-2-style model on the texts and save it in Hugging Face format.

    Args:
        texts: library designs; minibatches are drawn from them.
        folder: receives config, safetensors weights and tokenizer.
        width, layers, steps, batch, learning_rate: size and training.
        positions: longest sequence the model must be able to read, special tokens included.
        features: unless trained they are laid out (`poets_core.lm.designed`, `poets_core.lm.ngrams`, which has two
            layers) and the head alone is trained.
        alike: how alike letters are, for designed features; letters that it does not know are unlike all others.
        seed: key of the initial weights and of the minibatches.
        check: called before every step; what it raises leaves the folder as it was.

    Returns:
        The folder.

    Raises:
        InvalidModel: no texts, or designs too long for designed features of this width.
    """
    if not texts:
        raise InvalidModel("Expected library designs to train a backbone on, got none.")
    tokenizer = tokenizer_for(texts)
    ids = _padded([[BOS, *c, EOS] for c in tokenizer(list(texts), add_special_tokens=False)["input_ids"]])
    config = _config(len(tokenizer), width, layers, max(ids.shape[1], positions))
    lay: Callable[[Any], None] | None = None
    if features != "trained":
        lay = partial(_laid(config, features, ids.shape[1] - 2), alike=_cosines(tokenizer, alike))
    if features == "n-grams":
        ids = ids[:NGRAM_DESIGNS]
    return _trained(
        config,
        tokenizer,
        ids,
        folder,
        steps=steps,
        batch=batch,
        rate=learning_rate,
        seed=seed,
        key="",
        check=check,
        lay=lay,
        cached=features == "n-grams",
    )


def _laid(config: Any, features: str, places: int) -> Callable[..., None]:
    """Give a model the shape that laid-out features need; return what lays them out."""
    config.tie_word_embeddings = False
    if features == "n-grams":
        ngrams.blocks(config.n_embd, config.vocab_size)  # refused before anything is laid out
        config.n_head, config.n_layer = ngrams.HEADS, ngrams.LAYERS
        return ngrams.lay_out
    config.n_head = designed.heads_for(places, config.n_embd)
    return designed.lay_out


def _cosines(tokenizer: Any, alike: Alike | None) -> Tensor | None:
    """Return how alike the words of a tokenizer are, (V, V); None if nothing is known of its letters."""
    if alike is None:
        return None
    letters, matrix = alike
    out = torch.eye(len(tokenizer))
    at = tokenizer.convert_tokens_to_ids(list(letters))
    known = [k for k, i in enumerate(at) if i != tokenizer.unk_token_id]
    index = torch.tensor([at[k] for k in known])
    out[index[:, None], index] = torch.from_numpy(matrix[np.ix_(known, known)]).float()
    return out


def train_context_backbone(
    families: Sequence[Sequence[str]],
    tokenizer: Any,
    folder: Path,
    *,
    width: int = 32,
    layers: int = 2,
    steps: int = 150,
    batch: int = 64,
    learning_rate: float = 5e-3,
    positions: int = 0,
    seed: int,
    check: Check = unheard,
) -> Path:
    """Train a model like that of `train_library_backbone` that reads related designs and writes one more.

    Every design of a row has its own beginning and end, so that a model of single designs could read the row too.

    Args:
        families: rows of designs that belong together; a design that the tokenizer cannot spell is left out.
        tokenizer: of the library backbone: ids mean the same in both.
        folder, width, layers, steps, batch, learning_rate, positions, seed, check: see there.

    Returns:
        The folder.

    Raises:
        InvalidModel: no families.
    """
    # An unknown word would be read as the unknown token, the same for all of them: such designs teach nothing.
    unknown, rows = tokenizer.unk_token_id, []
    for family in families:
        coded = tokenizer(list(family), add_special_tokens=False)["input_ids"]
        rows.append([i for c in coded if unknown not in c for i in (BOS, *c, EOS)])
    if not any(rows):
        raise InvalidModel("Expected families of designs to train a backbone on, got none that can be spelled.")
    ids = _padded([r for r in rows if r])
    config = _config(len(tokenizer), width, layers, max(ids.shape[1], positions))
    return _trained(
        config,
        tokenizer,
        ids,
        folder,
        steps=steps,
        batch=batch,
        rate=learning_rate,
        seed=seed,
        key="context ",
        check=check,
    )


def _trained(
    config: Any,
    tokenizer: Any,
    ids: Tensor,
    folder: Path,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    key: str,
    check: Check,
    lay: Callable[[Any], None] | None = None,
    cached: bool = False,
) -> Path:
    """Train a model on rows of ids and save it with its tokenizer; `key` tells its random numbers apart.

    With `cached`, what is below the head is run once.
    """
    with torch.random.fork_rng(devices=[]):  # the model's own initialisation draws from torch's generator
        torch.manual_seed(seed_for(seed, f"{key}library weights"))
        model = GPT2LMHeadModel(config)
        if lay is not None:
            lay(model)
    # The learning rate falls to 0 along a cosine: a few hundred steps end in a minimum instead of near one.
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = rng_for(seed, f"{key}library minibatches")
    states = _states(model, ids, check) if cached else None
    model.train()
    for _ in range(steps):
        check()
        drawn = torch.from_numpy(rng.integers(0, len(ids), batch))
        # Cut to the longest of the minibatch: padding counts in no loss, so it need not be computed.
        rows = ids[drawn][:, : int((ids[drawn] != PAD).sum(1).max())]
        if states is None:
            logits = model(input_ids=rows[:, :-1]).logits
        else:
            logits = model.lm_head(states[drawn, : rows.shape[1] - 1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=PAD)
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


@torch.no_grad()
def _states(model: Any, ids: Tensor, check: Check) -> Tensor:
    """Return the states that predict each token but the first, (n, longest - 1, D)."""
    found = []
    for start in range(0, len(ids), ROWS):
        check()
        found.append(model.transformer(input_ids=ids[start : start + ROWS, :-1]).last_hidden_state)
    return torch.cat(found)


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of ids, i64 (n, longest), filled up."""
    ids = torch.full((len(rows), max(map(len, rows))), PAD, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    return ids


def _config(words: int, width: int, layers: int, positions: int) -> Any:
    """A GPT-2 of the given sizes, without dropout."""
    # Absolute positions (GPT-2) rather than rotary ones: with a single layer, what a residue means must depend on its
    # site, and rotary attention does not put the site into its values.
    return GPT2Config(
        vocab_size=words,
        n_embd=width,
        n_layer=layers,
        n_head=max(1, width // 16),
        n_positions=positions,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
