"""Experiments against judges with known win probabilities, by the hundred thousand comparisons a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from poets_core.keyed import rng_for
from poets_core.llm_po.compiled import compiled_anew
from poets_core.llm_po.duels import OPEN, Duels, decide, new_duels, tied, won
from poets_core.types import F8, I8

Sampler = Callable[[Duels, F8, float, bool, np.random.Generator], tuple[int, int]]
"""duels, memory, delta, assume, rng -> two policies. Memory is f8 zeros at first, the sampler's own."""
MEMORY = 1
"""Numbers of a sampler's memory, in multiples of K squared plus 8."""


@dataclass(frozen=True)
class Simulated:
    """What simulated experiments came to, one entry each.

    Attributes:
        kind: `duels.OPEN` where the budget was spent, `WINNER` or `NONE`.
        winner: index, -1 where there is none.
        comparisons: ties included.
    """

    kind: I8
    winner: I8
    comparisons: I8


@compiled_anew
def play(
    sampler: Sampler, p: F8, ties: float, delta: float, assume: bool, bound: float, most: int, rng: np.random.Generator
) -> tuple[int, int, int]:
    """One experiment to its verdict, or to `most` comparisons: kind, winner, comparisons."""
    k = len(p)
    duels, memory = new_duels(k, bound), np.zeros(k * k + 8)
    for n in range(1, most + 1):
        i, j = sampler(duels, memory, delta, assume, rng)
        if ties > 0.0 and rng.random() < ties:
            tied(duels, i, j, 1)
            continue
        if rng.random() < p[i, j]:
            won(duels, i, j, 1)
        else:
            won(duels, j, i, 1)
        kind, winner = decide(duels, delta, assume)
        if kind != OPEN:
            return kind, winner, n
    return OPEN, -1, most


def simulate(
    sampler: Sampler, win_probability: F8, *, runs: int, delta: float, assume_condorcet: bool = True,
    tie_zone: float = 0.0, ties: float = 0.0, most: int = 10_000_000, seed: int = 0,
) -> Simulated:  # fmt: skip
    """Play experiments, each with its own keyed randomness.

    Args:
        sampler: `balance.balance`, or one of `rivals.RIVALS`.
        win_probability: f8 (K, K).
        runs: how many.
        delta, assume_condorcet, tie_zone: see `Experiment`.
        ties: probability that a comparison is a tie, whatever the pair.
        most: comparisons after which a run ends undecided.
        seed: key.
    """
    p = np.ascontiguousarray(win_probability, dtype=np.float64)
    found = list(_plays(sampler, p, runs, delta, assume_condorcet, 0.5 - tie_zone, ties, most, seed))
    kind, winner, comparisons = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Simulated(kind, winner, comparisons)


def _plays(
    sampler: Sampler, p: F8, runs: int, delta: float, assume: bool, bound: float, ties: float, most: int, seed: int
) -> Iterator[tuple[int, int, int]]:
    for run in range(runs):
        yield play(sampler, p, ties, delta, assume, bound, most, rng_for(seed, "contest", run))
