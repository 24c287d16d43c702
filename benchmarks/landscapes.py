"""Landscapes of four sites with every value known, frozen before any method was tuned on them.

A table of 20^4 variants is written once per kind and instance, and searched as
`protein/landscape` like any measured table; the wild type centres the prior.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from domains.protein.alphabet import LETTERS
from poets_core.keyed import rng_for
from poets_core.types import F8, I8

SITES = 4
KINDS = ("nk-smooth", "nk-rugged", "deceptive")
INTERACTIONS = {"nk-smooth": 1, "nk-rugged": 2}
HEIGHTS = (0.4, 0.6, 0.8, 1.0)
WIDTH = 1.0
"""Of a basin, in units of the distance that one far substitution makes."""


def everything() -> I8:
    """All 20^4 variants as codes, i8 (160000, 4)."""
    return np.array(list(itertools.product(range(len(LETTERS)), repeat=SITES)), dtype=np.int64)


def nk(codes: I8, interactions: int, instance: int) -> F8:
    """Kauffman's NK: the mean over sites of a random table of each site and its next `interactions`, f8 (n,)."""
    total = np.zeros(len(codes))
    for site in range(SITES):
        table = rng_for(instance, "nk", interactions, site).random((len(LETTERS),) * (interactions + 1))
        total += table[tuple(codes[:, (site + k) % SITES] for k in range(interactions + 1))]
    return total / SITES


def deceptive(codes: I8, instance: int) -> tuple[F8, I8]:
    """Four basins that share no letter at any site; value f8 (n,) and their centres i8 (4, 4), the poorest first.

    A substitution moves a random distance of .5 to 1 away from a centre; the value is
    the highest of height * exp(-distance^2 / 2 width^2).
    """
    rng = rng_for(instance, "deceptive")
    centres = np.stack([rng.permutation(len(LETTERS))[: len(HEIGHTS)] for _ in range(SITES)], axis=1)
    best = np.zeros(len(codes))
    for height, centre in zip(HEIGHTS, centres, strict=True):
        far = rng.uniform(0.5, 1.0, (SITES, len(LETTERS)))
        far[np.arange(SITES), centre] = 0.0
        distance = far[np.arange(SITES), codes].sum(1)
        best = np.maximum(best, height * np.exp(-(distance**2) / (2.0 * WIDTH**2)))
    return best, centres


def landscape(kind: str, instance: int, folder: Path) -> tuple[Path, str]:
    """Write a landscape if it is not there, values divided by their maximum; return the table and its wild type.

    The wild type of NK is a variant of middling value, that of the deceptive one the centre of its poorest basin.
    """
    codes = everything()
    words = np.array(list(LETTERS))[codes]
    if kind == "deceptive":
        value, centres = deceptive(codes, instance)
        wild_type = "".join(LETTERS[c] for c in centres[0])
    else:
        value = nk(codes, INTERACTIONS[kind], instance)
        wild_type = "".join(words[np.argsort(value, kind="stable")[len(value) // 2]])
    path = folder / f"{kind}-{instance}.parquet"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{instance}.part")
        pd.DataFrame({"variant": ["".join(w) for w in words], "value": value / value.max()}).to_parquet(part)
        part.replace(path)
    return path, wild_type
