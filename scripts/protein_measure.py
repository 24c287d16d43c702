"""Perplexity of a protein backbone beside residue frequencies and a bigram.

    python scripts/protein_measure.py PROMB [--backbone FOLDER]

All three are measured on the same residues: those of the homology-split
validation sequences. End markers are not counted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from character_tokenizer import BOS, FIRST, PAD
from numpy.typing import NDArray
from protein_data import Split, read_sequences, split
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

Codes = Sequence[NDArray[np.uint8]]
BACKBONE = Path(__file__).resolve().parents[1] / "domains" / "protein" / "backbone"
WINDOW = 512


def load_split(source: Path) -> Split:
    """Return the frozen division the shipped backbone was trained and measured on."""
    return split(read_sequences(source), share=0.04, rng=np.random.default_rng(20260101))


def counted(training: Codes, validation: Codes, longest: int | None = None) -> dict[str, float]:
    """Return the perplexities of residue frequencies and of add-one bigrams on validation residues.

    Args:
        training, validation: sequences as codes 0..19.
        longest: count only the first so many residues of each validation sequence.
    """
    pairs = np.ones((21, 20))  # row 20: the first residue
    for s in training:
        np.add.at(pairs, (np.r_[20, s[:-1]], s), 1)
    bigram = np.log(pairs / pairs.sum(1, keepdims=True))
    unigram = np.log(pairs.sum(0) / pairs.sum())
    cut = [s[:longest] for s in validation]
    total = sum(map(len, cut))
    one = sum(float(unigram[s].sum()) for s in cut)
    two = sum(float(bigram[np.r_[20, s[:-1]], s].sum()) for s in cut)
    return {"unigram": float(np.exp(-one / total)), "bigram": float(np.exp(-two / total)), "counted_residues": total}


@torch.no_grad()
def perplexity(model: torch.nn.Module, validation: Codes, longest: int | None = None, rows: int = 16) -> float:
    """Return the model's perplexity of residues; windows of 512, the first behind <bos>.

    The first residue of a later window is scored behind <bos> too, which can
    only cost the model.
    """
    windows = [s[:longest][i : i + WINDOW] for s in validation for i in range(0, len(s[:longest]), WINDOW)]
    windows.sort(key=len)
    loss, total = 0.0, 0
    for i in range(0, len(windows), rows):
        batch = windows[i : i + rows]
        tokens = torch.full((len(batch), 1 + len(batch[-1])), PAD)
        tokens[:, 0] = BOS
        for row, w in enumerate(batch):
            tokens[row, 1 : 1 + len(w)] = torch.from_numpy(w.astype(np.int64)) + FIRST
        logits = model(input_ids=tokens).logits[:, :-1].float()
        target = tokens[:, 1:].masked_fill(tokens[:, 1:] == PAD, -100)
        loss += float(cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="sum", ignore_index=-100))
        total += sum(map(len, batch))
    return float(np.exp(loss / total))


def figures(model: torch.nn.Module, data: Split) -> dict[str, float]:
    """Return every figure of the model card: over whole sequences, and over the first 60 residues."""
    model.eval()
    whole = counted(data.training, data.validation)
    start = counted(data.training, data.validation, 60)
    total = whole["counted_residues"]
    ours, begins = perplexity(model, data.validation), perplexity(model, data.validation, 60)
    return {
        "perplexity": ours,
        "unigram": whole["unigram"],
        "bigram": whole["bigram"],
        "counted_residues": total,
        "ratio_to_unigram": ours / whole["unigram"],
        "perplexity_first_60": begins,
        "unigram_first_60": start["unigram"],
        "bigram_first_60": start["bigram"],
        "ratio_to_unigram_first_60": begins / start["unigram"],
    }


def throughput(model: torch.nn.Module, rows: int = 32, length: int = 60) -> dict[str, float]:
    """Return tokens a second of sampling and of one forward pass, both (rows, length), one thread."""
    tokens = torch.full((rows, 1), BOS)
    began = time.perf_counter()
    drawn = model.generate(  # type: ignore[operator]
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        top_k=0,
        max_new_tokens=length,
        min_new_tokens=length,
    )
    sampling = time.perf_counter() - began
    began = time.perf_counter()
    with torch.no_grad():
        model(input_ids=drawn)
    forward = time.perf_counter() - began
    return {"sampled_tokens_per_second": rows * length / sampling, "forward_tokens_per_second": drawn.numel() / forward}


def main() -> None:
    """Print the figures of a saved backbone as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("promb", type=Path, help="the promb wheel, or the folder of an installed promb")
    parser.add_argument("--backbone", type=Path, default=BACKBONE)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(arguments.backbone, dtype=torch.float32)
    letters = AutoTokenizer.from_pretrained(arguments.backbone)
    if letters.decode(letters("MKV").input_ids) != "MKV":
        raise SystemExit(f"Expected the tokenizer in {arguments.backbone} to return MKV unchanged.")
    data = load_split(arguments.promb)
    print(json.dumps({**data.facts, **figures(model, data), **throughput(model)}, indent=2))


if __name__ == "__main__":
    main()
