"""Single edits of good sequences: the moves a plateau needs and sampling rarely makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domains.protein.alphabet import LETTERS
from poets_core.types import Design

CROSSOVER, INSERTION, DELETION = 0.25, 0.125, 0.125
"""Shares of the moves where they are possible; the rest are substitutions."""


def edit(elites: Sequence[Design], n: int, minimum: int, maximum: int, *, rng: np.random.Generator) -> list[Design]:
    """Return n single edits or one-point crossovers of elites, each `minimum` to `maximum` long.

    Args:
        elites: (k,) canonical sequences, k >= 1.
        n: how many to return; repeats are possible.
        minimum, maximum: length limits. If they are equal only substitutions
            and crossovers at one point of both parents are made.

    Raises:
        ValueError: no elites.
    """
    if n and not elites:
        raise ValueError("Expected at least one elite to edit, got none.")
    return [_one(elites, minimum, maximum, rng) for _ in range(n)]


def _one(elites: Sequence[Design], minimum: int, maximum: int, rng: np.random.Generator) -> Design:
    parent = elites[int(rng.integers(len(elites)))]
    move = float(rng.random())
    if move < CROSSOVER and len(elites) > 1:
        child = _crossover(parent, elites[int(rng.integers(len(elites)))], minimum, maximum, rng)
        if child != parent:  # a parent crossed with itself, or at a point beyond all differences
            return child
    elif move < CROSSOVER + INSERTION and len(parent) < maximum:
        at = int(rng.integers(len(parent) + 1))
        return parent[:at] + LETTERS[int(rng.integers(20))] + parent[at:]
    elif CROSSOVER + INSERTION <= move < CROSSOVER + INSERTION + DELETION and len(parent) > minimum:
        at = int(rng.integers(len(parent)))
        return parent[:at] + parent[at + 1 :]
    at = int(rng.integers(len(parent)))
    others = LETTERS.replace(parent[at], "")
    return parent[:at] + others[int(rng.integers(len(others)))] + parent[at + 1 :]


def _crossover(a: Design, b: Design, minimum: int, maximum: int, rng: np.random.Generator) -> Design:
    """Join a head of `a` to a tail of `b`; both are cut at the same residue, or where the length limits allow."""
    if len(a) == len(b):
        at = int(rng.integers(1, len(a))) if len(a) > 1 else 0
        return a[:at] + b[at:]
    cut = int(rng.integers(len(a) + 1))
    # the child has cut + (len(b) - from_b) residues
    low, high = max(0, cut + len(b) - maximum), min(len(b), cut + len(b) - minimum)
    if low > high:
        return a
    from_b = int(rng.integers(low, high + 1))
    return a[:cut] + b[from_b:]
