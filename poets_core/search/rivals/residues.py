"""What describes an amino acid, for surrogates that are to know which residues are alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Float64

from poets_core.errors import InvalidSpec

LETTERS = "ARNDCQEGHILKMFPSTWYV"
"""The order of both tables, which is the one that BLOSUM62 is published in."""
COMPONENTS = 8
"""Of BLOSUM62 that are used; they hold four fifths of its variance."""
FACTORS = 19
"""Of AAindex."""
BLOSUM62 = """
 4 -1 -2 -2  0 -1 -1  0 -2 -1 -1 -1 -1 -2 -1  1  0 -3 -2  0
-1  5  0 -2 -3  1  0 -2  0 -3 -2  2 -1 -3 -2 -1 -1 -3 -2 -3
-2  0  6  1 -3  0  0  0  1 -3 -3  0 -2 -3 -2  1  0 -4 -2 -3
-2 -2  1  6 -3  0  2 -1 -1 -3 -4 -1 -3 -3 -1  0 -1 -4 -3 -3
 0 -3 -3 -3  9 -3 -4 -3 -3 -1 -1 -3 -1 -2 -3 -1 -1 -2 -2 -1
-1  1  0  0 -3  5  2 -2  0 -3 -2  1  0 -3 -1  0 -1 -2 -1 -2
-1  0  0  2 -4  2  5 -2  0 -3 -3  1 -2 -3 -1  0 -1 -3 -2 -2
 0 -2  0 -1 -3 -2 -2  6 -2 -4 -4 -2 -3 -3 -2  0 -2 -2 -3 -3
-2  0  1 -1 -3  0  0 -2  8 -3 -3 -1 -2 -1 -2 -1 -2 -2  2 -3
-1 -3 -3 -3 -1 -3 -3 -4 -3  4  2 -3  1  0 -3 -2 -1 -3 -1  3
-1 -2 -3 -4 -1 -2 -3 -4 -3  2  4 -2  2  0 -3 -2 -1 -2 -1  1
-1  2  0 -1 -3  1  1 -2 -1 -3 -2  5 -1 -3 -1  0 -1 -3 -2 -2
-1 -1 -2 -3 -1  0 -2 -3 -2  1  2 -1  5  0 -2 -1 -1 -1 -1  1
-2 -3 -3 -3 -2 -3 -3 -3 -1  0  0 -3  0  6 -4 -2 -2  1  3 -1
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4  7 -1 -1 -4 -3 -2
 1 -1  1  0 -1  0  0  0 -1 -2 -2  0 -1 -2 -1  4  1 -3 -2 -2
 0 -1  0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1  1  5 -2 -2  0
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1  1 -4 -3 -2 11  2 -3
-2 -2 -2 -3 -2 -1 -2 -3  2 -1 -1 -2 -1  3 -3 -2 -2  2  7 -1
 0 -3 -3 -3 -1 -2 -2 -3 -3  3  1 -2  1 -1 -2 -2  0 -3 -1  4
"""
"""Half bits by residue and residue (Henikoff and Henikoff, PNAS 89:10915, 1992)."""
GEORGIEV = """
 0.57  3.37 -3.66  2.34 -1.07 -0.40  1.23 -2.32 -2.01  1.31 -1.14  0.19  1.66  4.39  0.18 -2.60  1.49  0.46 -4.22
-2.80  0.31  2.84  0.25  0.20 -0.37  3.81  0.98  2.43 -0.99 -4.90  2.09 -3.08  0.82  1.32  0.69 -2.62 -1.49 -2.57
-2.02 -1.92  0.04 -0.65  1.61  2.08  0.40 -2.47 -0.07  7.02  1.32 -2.44  0.37 -0.89  3.13  0.79 -1.54 -1.71 -0.25
-2.46 -0.66 -0.57  0.14  0.75  0.24 -5.15 -1.17  0.73  1.50  1.51  5.61 -3.85  1.28 -1.98  0.05  0.90  1.38 -0.03
 2.66 -1.52 -3.29 -3.77  2.96 -2.23  0.44 -3.49  2.22 -3.78  1.98 -0.43 -1.03  0.93  1.43  1.45 -1.15 -1.64 -1.05
-2.54  1.82 -0.82 -1.85  0.09  0.60  0.25  2.11 -1.92 -1.67  0.70 -0.27 -0.99 -1.56  6.22 -0.18  2.72  4.35  0.92
-3.08  3.45  0.05  0.62 -0.49  0.00 -5.66 -0.11  1.49 -2.26 -1.62 -3.97  2.30 -0.06 -0.35  1.51 -2.29 -1.47  0.15
 0.15 -3.49 -2.97  2.06  0.70  7.47  0.41  1.62 -0.47 -2.90 -0.98 -0.62 -0.11  0.15 -0.53  0.35  0.30  0.32  0.05
-0.39  1.00 -0.63 -3.49  0.05  0.41  1.61 -0.60  3.55  1.52 -2.28 -3.12 -1.45 -0.77 -4.18 -2.91  3.37  1.87  2.17
 3.10  0.37  0.26  1.04 -0.05 -1.18 -0.21  3.45  0.86  1.98  0.89 -1.67 -1.02 -1.21 -1.78  5.71  1.54  2.11 -4.18
 2.72  1.88  1.92  5.33  0.08  0.09  0.27 -4.06  0.43 -1.20  0.67 -0.29 -2.47 -4.79  0.80 -1.43  0.63 -0.24  1.01
-3.89  1.47  1.95  1.17  0.53  0.10  4.01 -0.01 -0.26 -1.66  5.86 -0.06  1.38  1.78 -2.71  1.62  0.96 -1.09  1.36
 1.89  3.88 -1.57 -3.58 -2.55  2.07  0.84  1.85 -2.05  0.78  1.53  2.44 -0.26 -3.09 -1.39 -1.02 -4.32 -1.34  0.09
 3.12  0.68  2.40 -0.35 -0.88  1.62 -0.15 -0.41  4.20  0.73 -0.56  3.54  5.25  1.73  2.14  1.10  0.68  1.46  2.33
-0.58 -4.33 -0.02 -0.21 -8.31 -1.82 -0.12 -1.18  0.00 -0.66  0.64 -0.92 -0.37  0.17  0.36  0.08  0.16 -0.34  0.04
-1.10 -2.05 -2.19  1.36  1.78 -3.36  1.39 -1.21 -2.83  0.39 -2.92  1.27  2.86 -1.88 -2.42  1.75 -2.77  3.36  2.67
-0.65 -1.60 -1.39  0.63  1.35 -2.45 -0.65  3.43  0.34  0.24 -0.53  1.91  2.66 -3.07  0.20 -2.20  3.73 -5.46 -0.73
 1.89 -0.09  4.21 -2.77  0.72  0.86 -1.07 -1.66 -5.87 -0.66 -2.49 -0.30 -0.50  1.64 -0.72  1.75  2.73 -2.20  0.90
 0.79 -2.62  4.11 -0.63  1.89 -0.53 -1.30  1.31 -0.56 -0.95  1.91 -1.26  1.57  0.20 -0.76 -5.19 -2.56  2.87 -3.43
 2.64  0.03 -0.67  2.34  0.64 -2.01 -0.33  3.93 -0.21  1.27  0.43 -1.71 -2.93  4.22  1.06 -1.31 -1.97 -1.21  4.77
"""
"""The 19 factors of the AAindex database by residue (Georgiev 2009, J Comput Biol 16:703, 10.1089/cmb.2008.0173)."""
Kind = Literal["aaindex", "blosum"]


@cache
def residues(kind: Kind, factors: int = FACTORS) -> Float64[np.ndarray, "20 D"]:
    """Return features of the 20 amino acids, in the order of `LETTERS`.

    They are centred, and two residues are apart by the square root of two on average as they are in one-hot, so that
    the same length scales fit.

    Args:
        kind: ``"blosum"``, the leading principal components of BLOSUM62; ``"aaindex"``, the leading factors of AAindex.
        factors: how many of AAindex.
    """
    if kind == "blosum":
        rows = np.array(BLOSUM62.split(), dtype=np.float64).reshape(20, 20)
        u, s, _ = np.linalg.svd(rows - rows.mean(0))
        found = u[:, :COMPONENTS] * s[:COMPONENTS]
    else:
        # All 19 have one variance and are uncorrelated: by all of them any two residues are equally far apart, which to
        # a kernel of distances is one-hot again. The first ones hold most of what the database says.
        found = np.array(GEORGIEV.split(), dtype=np.float64).reshape(20, FACTORS)[:, :factors]
    # One unit for all kinds: the bounds of length scales, and where their fit begins, were found with one-hot.
    found = found - found.mean(0)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)
    return np.asarray(found * np.sqrt(2.0) / apart[np.triu_indices(20, 1)].mean())


def letter_features(
    tokens: Sequence[str], kind: Literal["auto", "one-hot", "aaindex", "blosum"], factors: int = FACTORS
) -> Float64[np.ndarray, "V D"] | None:
    """Return the features of the tokens of a backbone, None where one-hot is to be taken.

    Args:
        tokens: their texts, ``""`` for special ones, which get zeros: an average residue.
        kind: see `residues`; ``"auto"`` is ``"aaindex"`` where every token is an amino acid, else one-hot.
        factors: see `residues`.

    Raises:
        InvalidSpec: a token that is no amino acid, where features of amino acids were asked for.
    """
    wrong = next((t for t in tokens if t and (len(t) > 1 or t not in LETTERS)), None)
    if kind == "one-hot" or (kind == "auto" and wrong is not None):
        return None
    if wrong is not None:
        raise InvalidSpec(
            f"Expected a base model that writes amino acids, one letter a token, for features {kind!r}, got the token "
            f"{wrong!r}. Use 'auto'.",
            field="search.features",
        )
    table = residues("aaindex" if kind == "auto" else kind, factors)
    return np.stack([table[LETTERS.index(t)] if t else np.zeros(table.shape[1]) for t in tokens])
