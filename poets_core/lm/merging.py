"""How branches leave as one model: their mean as one adapter, or merged into the weights of the backbone.

The mean of branches is the mean of their deltas, W + (1/M) sum of scaling B_m A_m: a uniform soup of weights (Wortsman
et al. 2022, arXiv 2203.05482) that is exactly one LoRA adapter of M times the rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from poets_core.errors import InvalidModel
from poets_core.lm.adapters import adapter_files, mean_adapter_files
from poets_core.lm.backbone import read_model
from poets_core.lm.ensemble import BranchEnsemble

MERGED_BYTES = 1 << 30
"""Weights of a merged model, at most: it is packed in memory. Larger ones are merged where the adapter is used."""


def write_adapter(ensemble: BranchEnsemble, branches: Sequence[int], folder: Path) -> None:
    """Write one PEFT adapter: that of a branch, or of the mean of several."""
    files = adapter_files(ensemble, branches[0]) if len(branches) == 1 else mean_adapter_files(ensemble, branches)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def write_merged(ensemble: BranchEnsemble, branches: Sequence[int], source: Path, folder: Path) -> None:
    """Write a whole model, and its tokenizer, whose weights hold a branch or the mean of several.

    A head that is tied to the embeddings is untied and written out, so that words are read as they were.

    Args:
        ensemble: the branches.
        branches: which of them.
        source: folder of the backbone's files, read anew: the ensemble's own weights are packed.
        folder: is made if needed.

    Raises:
        InvalidModel: the model is larger than `MERGED_BYTES`, or cannot be read.
    """
    # Not the ensemble's own model: its layers are renumbered, packed, and maybe in another precision.
    model, tokenizer = read_model(source)
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    if size > MERGED_BYTES:
        raise InvalidModel(
            f"Expected a model of at most {MERGED_BYTES / 2**30:.0f} GB to merge, got one of {size / 2**30:.1f} GB. "
            "Export adapters, and merge them where they are used, as their README says."
        )
    # Before anything is added: a change of the head must not become one of the embeddings.
    _untie(model)
    with torch.no_grad():
        for path, layer in ensemble.stack.layers.items():
            weight: Tensor = model.get_submodule(path).weight
            change = _change(layer, branches)
            # GPT-2 keeps its layers the other way round (Conv1D).
            weight += (change.T if layer.base.conv else change).to(weight)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _change(layer: Any, branches: Sequence[int]) -> Float[Tensor, "out in"]:
    """Return the mean over branches of what their adapters add to a weight, float32."""
    a, b = (x.detach().float().cpu() for x in layer.blocks())
    # Branch by branch: all products at once would hold M copies of the largest matrix.
    total: Tensor = torch.stack([layer.shape.scaling * (b[m] @ a[m]) for m in branches]).mean(0)
    return total


def _untie(model: Any) -> None:
    head, table = model.get_output_embeddings(), model.get_input_embeddings()
    if head.weight is table.weight:
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    # So that loading does not tie the head again.
    model.config.tie_word_embeddings = False


def read_back(folder: Path, base: Path | None = None) -> Any:
    """Load what was written, by transformers and peft alone, in evaluation mode.

    Args:
        folder: of a merged model, or of an adapter on `base`.
        base: None for a merged model.
    """
    from transformers import AutoModelForCausalLM

    # Without a line of ours: what is offered must load where this program is not.
    if base is None:
        return AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=torch.float32, trust_remote_code=False, local_files_only=True
        ).eval()
    from peft import PeftModel

    plain = AutoModelForCausalLM.from_pretrained(
        str(base), dtype=torch.float32, trust_remote_code=False, local_files_only=True
    )
    return PeftModel.from_pretrained(plain, str(folder)).eval()


@torch.no_grad()
def plain_log_prob(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> float:
    """Return the log-probability of an answer under a plain model, without any grammar, nats.

    Args:
        model: as transformers or peft load it.
        prompt, answer: token ids; the answer with its end.
    """
    # The token at a place is predicted at the place before it; the last one predicts nothing that is asked for.
    logits = model(torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1].double()
    return float(logits.log_softmax(-1)[torch.arange(len(answer)), torch.tensor(answer)].sum())


def plain_log_probs(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
) -> Float64[np.ndarray, " n"]:
    """Return `plain_log_prob` of each of n prompts with its answer."""
    return np.array([plain_log_prob(model, p, a) for p, a in zip(prompts, answers, strict=True)])
