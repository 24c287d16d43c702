"""How alike amino acids are, by what their side chains are like."""

from __future__ import annotations

import numpy as np

from poets_core.types import F8

LETTERS = "ARNDCQEGHILKMFPSTWYV"
FACTORS = """
 0.57  3.37 -3.66  2.34
-2.80  0.31  2.84  0.25
-2.02 -1.92  0.04 -0.65
-2.46 -0.66 -0.57  0.14
 2.66 -1.52 -3.29 -3.77
-2.54  1.82 -0.82 -1.85
-3.08  3.45  0.05  0.62
 0.15 -3.49 -2.97  2.06
-0.39  1.00 -0.63 -3.49
 3.10  0.37  0.26  1.04
 2.72  1.88  1.92  5.33
-3.89  1.47  1.95  1.17
 1.89  3.88 -1.57 -3.58
 3.12  0.68  2.40 -0.35
-0.58 -4.33 -0.02 -0.21
-1.10 -2.05 -2.19  1.36
-0.65 -1.60 -1.39  0.63
 1.89 -0.09  4.21 -2.77
 0.79 -2.62  4.11 -0.63
 2.64  0.03 -0.67  2.34
"""
"""The first four of the factors that Georgiev (J. Comput. Biol. 16:703, 2009) found in AAindex: hydrophobicity, helix
and turn propensity, bulk, composition and rigidity. By residue, in the order of `LETTERS`."""
OWN = 0.3
"""Part of a residue's effect that is its own; the rest it shares with residues like it."""
NEARNESS = 0.2
"""Residues at the mean squared distance share exp(-0.2) of that rest. Both chosen on tuning seeds of GB1 and PhoQ
(docs/decisions/posterior.md)."""


def alike() -> tuple[str, F8]:
    """Return the letters and the matrix of how alike they are, (20, 20), ones on its diagonal.

    A squared exponential of the distance between factors beside the residue itself.
    """
    factors = np.array([[float(x) for x in row.split()] for row in FACTORS.strip().splitlines()])
    factors = (factors - factors.mean(0)) / factors.std(0)
    square = ((factors[:, None] - factors[None]) ** 2).sum(-1)
    far = square.sum() / (len(LETTERS) * (len(LETTERS) - 1))
    return LETTERS, OWN * np.eye(len(LETTERS)) + (1.0 - OWN) * np.exp(-NEARNESS * square / far)
