"""Freeze values of Ehrlich functions as pytorch-holo 0.0.5 computes them.

It pins numpy < 2, so it runs in an environment of its own:

    python -m venv build/holo && build/holo/bin/pip install pytorch-holo==0.0.5
    build/holo/bin/python scripts/protein_ehrlich_reference.py

The test feeds holo's own matrices, motifs and spacings to our evaluator; the
instances themselves differ, since the random generators do.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from holo.test_functions.closed_form import Ehrlich

OUT = Path(__file__).resolve().parents[1] / "tests" / "domains" / "protein" / "ehrlich_reference.json"
SIZES = [(15, 2, 4, 4), (15, 2, 4, 2), (32, 4, 4, 4), (24, 2, 6, 3), (64, 2, 4, 1), (12, 1, 5, 5), (32, 8, 4, 4)]
"""length, motifs, motif length, quantization"""


def case(length: int, motifs: int, motif_length: int, quantization: int, seed: int) -> dict[str, Any]:
    """Return one function and its values; None marks an infeasible sequence."""
    f = Ehrlich(20, length, motifs, motif_length, quantization, random_seed=seed)
    best = f.optimal_solution()
    generator = torch.Generator().manual_seed(seed)
    near = best.repeat(12, 1)  # the best with more and more elements changed: values between 0 and 1
    for row in range(12):
        at = torch.randperm(length, generator=generator)[: 1 + row // 2]
        near[row, at] = torch.randint(20, (len(at),), generator=generator)
    # runs of one residue each are always feasible and change few motif elements
    for row in range(0, 12, 2):
        cut = int(torch.randint(1, length, (1,), generator=generator))
        near[row] = torch.cat([best[:cut], best[cut - 1].repeat(length - cut)])
    sequences = torch.cat([best[None], f.initial_solution(8), near])
    values = f._evaluate_true(sequences).tolist()
    return {
        "possible": (f.transition_matrix > 0).int().tolist(),
        "motifs": [m.tolist() for m in f.motifs],
        "spacings": [s.tolist() for s in f.spacings],
        "quantization": quantization,
        "optimal": best.tolist(),
        "sequences": sequences.tolist(),
        "values": [None if math.isinf(v) else v for v in values],
    }


if __name__ == "__main__":
    cases = [case(*size, seed) for seed, size in enumerate(SIZES)]
    OUT.write_text(json.dumps({"source": "pytorch-holo 0.0.5", "cases": cases}, separators=(",", ":")) + "\n")
    print(f"{len(cases)} functions, {sum(len(c['values']) for c in cases)} values in {OUT.name}")
