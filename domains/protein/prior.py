"""What a site is expected to take before anything is measured: its own letter, or one that evolution exchanges for it.

Source: BLOSUM62, Henikoff and Henikoff, PNAS 89:10915 (1992), as Biopython has it; scores in half bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from Bio.Align import substitution_matrices

from domains.protein.alphabet import FREQUENCIES, LETTERS
from poets_core.types import F8

KEEP = 0.3
"""Chance that a site keeps its own letter, before a substitution is drawn (which may keep it, too)."""
MUTATIONS = 4.0
"""Mutations of a design on average, at most: one of forty mutations is no variant of its parent any more, and dead."""
TEMPERATURE = 4.0
"""Half bits by which a substitution has to score better to be e times as likely. 2.9 would be BLOSUM62's own odds; at 4
its worst exchange is a twelfth as likely as none, so that a few thousand designs hold every letter."""


@lru_cache(maxsize=1)
def scores() -> F8:
    """Return BLOSUM62, f8 (20, 20) in the order of `LETTERS`, half bits."""
    matrix = substitution_matrices.load("BLOSUM62")
    return np.array([[matrix[a][b] for b in LETTERS] for a in LETTERS], dtype=np.float64)


def kept(sites: int, keep: float = KEEP, mutations: float = MUTATIONS) -> float:
    """Return the chance that a site keeps its letter, so that a design has so many mutations on average, at most.

    Args:
        sites: how many there are.
        keep: chance at least, whatever their number.
        mutations: wanted at most.
    """
    return max(keep, 1.0 - mutations / max(sites, 1))


def site_weights(letters: Sequence[str], keep: float = KEEP, temperature: float = TEMPERATURE) -> F8:
    """Return the chance of each letter at each site, f8 (sites, 20), rows sum to 1.

    Args:
        letters: the parent's letter at each site; one that is not of the 20 is unknown, and the site then follows
            the residue frequencies of human proteins.
        keep: chance of the parent's letter on top of what its substitutions give.
        temperature: of the softmax over scores; a large one makes all substitutions alike.
    """
    frequencies = np.array(FREQUENCIES) / sum(FREQUENCIES)
    rows = []
    for letter in letters:
        if letter not in LETTERS:
            rows.append(frequencies)
            continue
        own = LETTERS.index(letter)
        score = scores()[own] / temperature
        chance = np.exp(score - score.max())
        row = (1.0 - keep) * chance / chance.sum()
        row[own] += keep
        rows.append(row)
    return np.array(rows, dtype=np.float64)
