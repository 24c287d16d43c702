"""Simulated experiments: many plays against judges with known win probabilities, 100,000 comparisons a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.keyed import rng_for
from poets_core.llm_po.balance import DuelRule
from poets_core.llm_po.compiled import compiled_anew
from poets_core.llm_po.evidence import OPEN, decide, new_duels, tied, won
from poets_core.types import F8


@dataclass(frozen=True)
class Simulated:
    """What simulated experiments came to, one entry each.

    Attributes:
        kind: `evidence.OPEN` where the budget was spent, `WINNER` or `NONE`.
        winner: index, -1 where there is none.
        comparisons: ties included.
    """

    kind: Int64[np.ndarray, " runs"]
    winner: Int64[np.ndarray, " runs"]
    comparisons: Int64[np.ndarray, " runs"]


@compiled_anew
def play(
    rule: DuelRule, p: F8, ties: float, delta: float, assume: bool, bound: float, most: int, rng: np.random.Generator
) -> tuple[int, int, int]:
    """One experiment to its verdict, or to `most` comparisons: kind, winner, comparisons."""
    k = len(p)
    duels, memory = new_duels(k, bound), np.zeros(k * k + 8)
    for n in range(1, most + 1):
        i, j = rule(duels, memory, delta, assume, rng)
        # No draw where there are no ties: plays without them keep their randomness.
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
    rule: DuelRule,
    win_probability: Float64[np.ndarray, "K K"],
    *,
    runs: int,
    delta: float,
    assume_condorcet: bool = True,
    tie_zone: float = 0.0,
    ties: float = 0.0,
    most: int = 10_000_000,
    seed: int = 0,
) -> Simulated:
    """Play experiments, each with its own keyed randomness: run r is the same whatever is played beside it.

    Args:
        rule: one of `balance.DUEL_RULES`, or of benchmarks/llm_po_rivals.py.
        win_probability: entry (i, j) is Pr(i beats j).
        runs: how many.
        delta, assume_condorcet, tie_zone: see `Experiment`.
        ties: probability that a comparison is a tie, whatever the pair.
        most: comparisons after which a run ends undecided.
        seed: key.
    """
    # Compiled code is made for one memory layout: a transposed matrix would be compiled for anew.
    p = np.ascontiguousarray(win_probability, dtype=np.float64)
    plays = list(_plays(rule, p, runs, delta, assume_condorcet, 0.5 - tie_zone, ties, most, seed))
    kind, winner, comparisons = np.array(plays, dtype=np.int64).reshape(-1, 3).T
    return Simulated(kind, winner, comparisons)


def _plays(
    rule: DuelRule, p: F8, runs: int, delta: float, assume: bool, bound: float, ties: float, most: int, seed: int
) -> Iterator[tuple[int, int, int]]:
    for run in range(runs):
        yield play(rule, p, ties, delta, assume, bound, most, rng_for(seed, "contest", run))
