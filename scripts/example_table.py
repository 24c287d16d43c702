"""Write examples/variants.csv, the table of the tutorial "Your own table".

    python -m scripts.example_table

The table looks like what an assay of three saturated sites gives. No protein was measured: the numbers are made up,
and the same on every machine.

- Each site prefers a hydrophobicity and a volume; a residue that is far from both costs activity.
- Two sites touch: their volumes must fit together, so the best residue of one depends on the other.
- Activity is the exponential of the sum, relative to the wild type, above a background, with 10 % of noise.
- One variant in eight is missing, as variants are in real tables. The wild type is always there.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from poets_core.keyed import rng_for

TARGET = Path(__file__).resolve().parents[1] / "examples" / "variants.csv"
WILD_TYPE = "ATS"
MISSING = 1 / 8
NOISE = 0.1
BACKGROUND = 0.02
"""What the assay reads where there is no activity."""

# Kyte and Doolittle's hydropathy, and side-chain volume in cubic angstrom (Zamyatnin), of the 20 residues.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
_HYDROPATHY = "1.8 2.5 -3.5 -3.5 2.8 -0.4 -3.2 4.5 -3.9 3.8 1.9 -3.5 -1.6 -3.5 -4.5 -0.8 -0.7 4.2 -0.9 -1.3"
_VOLUME = "89 109 111 138 190 60 153 167 169 167 163 114 113 144 174 89 116 140 228 194"
HYDROPATHY = dict(zip(RESIDUES, map(float, _HYDROPATHY.split()), strict=True))
VOLUME = dict(zip(RESIDUES, map(float, _VOLUME.split()), strict=True))
WANTED = ((3.2, 150.0, 1.0), (-0.5, 165.0, 0.8), (-3.0, 140.0, 0.9))
"""Of each site: hydropathy and volume it prefers, and how much it insists."""
ROOM = 280.0
"""Cubic angstrom that sites one and two fill together at best."""


def log_activity(variant: str) -> float:
    """Return the logarithm of the activity, up to a constant."""
    total = 0.0
    for residue, (hydropathy, volume, weight) in zip(variant, WANTED, strict=True):
        total -= weight * (((HYDROPATHY[residue] - hydropathy) / 4.0) ** 2 + ((VOLUME[residue] - volume) / 60.0) ** 2)
    total -= ((VOLUME[variant[0]] + VOLUME[variant[1]] - ROOM) / 60.0) ** 2
    return total - (1.0 if variant[2] == "P" else 0.0)


def main() -> None:
    """Write the table."""
    variants = ["".join(v) for v in itertools.product(RESIDUES, repeat=3)]
    rng = rng_for(0, "example table")
    activity = BACKGROUND + np.exp([log_activity(v) - log_activity(WILD_TYPE) for v in variants])
    activity *= np.exp(NOISE * rng.standard_normal(len(variants)))
    measured = rng.random(len(variants)) >= MISSING
    rows = [
        f"{variant},{value:.3g}"
        for variant, value, kept in zip(variants, activity, measured, strict=True)
        if kept or variant == WILD_TYPE
    ]
    TARGET.write_text("\n".join(["variant,activity", *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
