"""Experiments under a linear Bradley-Terry model against judges with known parameters, under the exact rule."""

from __future__ import annotations

from math import log

import numpy as np

from poets_core.keyed import rng_for
from poets_core.llm_po.bradley_terry import sigmoid
from poets_core.llm_po.compiled import compiled_anew
from poets_core.llm_po.duels import OPEN, WINNER, new_duels, won
from poets_core.llm_po.simulate import Sampler, Simulated
from poets_core.llm_po.structured import check_features
from poets_core.llm_po.structured_state import (
    LEADER,
    MARGIN,
    Structured,
    due,
    new_structured,
    observe,
    refit,
    refit_every,
    track,
)
from poets_core.types import F8


@compiled_anew
def play_structured(
    sampler: Sampler,
    ours: bool,
    state: Structured,
    p: F8,
    delta: float,
    every: int,
    most: int,
    rng: np.random.Generator,
) -> tuple[int, int, int]:
    """One experiment: kind, winner, comparisons. `sampler` chooses the pairs unless they are `ours` to track."""
    k = len(p)
    duels, memory, waiting = new_duels(k, 0.5), np.zeros(k * k + 8), np.zeros(len(state.n))
    for n in range(1, most + 1):
        if ours:
            e = track(state, waiting)
            i, j = state.first[e], state.second[e]
        else:
            i, j = sampler(duels, memory, delta, True, rng)
        if rng.random() >= p[i, j]:
            i, j = j, i
        observe(state, i, j)
        if not ours:
            won(duels, i, j, 1)
        if due(state, every):
            refit(state, ours)
            if state.numbers[MARGIN] >= log(1.0 / delta):
                return WINNER, int(state.numbers[LEADER]), n
    return OPEN, -1, most


def simulate_structured(
    sampler: Sampler | None, theta: F8, features: F8, *, runs: int, delta: float, most: int = 10_000_000, seed: int = 0
) -> Simulated:
    """Play experiments, each with its own keyed randomness.

    Args:
        sampler: one of `rivals.RIVALS`, None for ours (the optimal proportions, tracked).
        theta: f8 (d,); features: f8 (K, d).
        runs, delta, most, seed: see `simulate.simulate`.
    """
    from poets_core.llm_po.rivals import round_robin

    x = check_features(features)
    scores = x @ np.asarray(theta, dtype=np.float64)
    p = np.vectorize(sigmoid)(scores[:, None] - scores[None])
    found = [
        play_structured(
            sampler or round_robin, sampler is None, new_structured(x), p, delta, refit_every(len(x)), most,
            rng_for(seed, "contest", run),
        )
        for run in range(runs)
    ]  # fmt: skip
    kind, winner, comparisons = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return Simulated(kind, winner, comparisons)
