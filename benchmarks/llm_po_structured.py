"""Simulated experiments under a linear Bradley-Terry model: judges with known parameters, the exact stopping rule."""

from __future__ import annotations

from math import log

import numpy as np
from jaxtyping import Float64

from poets_core.keyed import rng_for
from poets_core.llm_po.balance import DuelRule, round_robin
from poets_core.llm_po.bradley_terry import check_features, sigmoid
from poets_core.llm_po.compiled import compiled_anew
from poets_core.llm_po.evidence import OPEN, WINNER, new_duels, won
from poets_core.llm_po.simulate import Simulated
from poets_core.llm_po.structured import (
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
    rule: DuelRule,
    ours: bool,
    state: Structured,
    p: F8,
    delta: float,
    every: int,
    most: int,
    rng: np.random.Generator,
) -> tuple[int, int, int]:
    """One experiment: kind, winner, comparisons. `rule` chooses the pairs unless they are `ours` to track."""
    k = len(p)
    duels, memory, waiting = new_duels(k, 0.5), np.zeros(k * k + 8), np.zeros(len(state.n))
    for n in range(1, most + 1):
        if ours:
            e = track(state, waiting)
            i, j = state.first[e], state.second[e]
        else:
            i, j = rule(duels, memory, delta, True, rng)
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
    rule: DuelRule | None,
    theta: Float64[np.ndarray, " d"],
    features: Float64[np.ndarray, "K d"],
    *,
    runs: int,
    delta: float,
    most: int = 10_000_000,
    seed: int = 0,
) -> Simulated:
    """Play experiments, each with its own keyed randomness.

    Args:
        rule: one of `llm_po_rivals.RIVALS`, None for ours (the optimal proportions, tracked).
        theta, features: Pr(a beats b) = sigma((x_a - x_b) . theta).
        runs, delta, most, seed: see `poets_core.llm_po.simulate.simulate`.
    """
    x = check_features(features)
    scores = x @ np.asarray(theta, dtype=np.float64)
    p = np.vectorize(sigmoid)(scores[:, None] - scores[None])
    plays = [
        play_structured(
            rule or round_robin,
            rule is None,
            new_structured(x),
            p,
            delta,
            refit_every(len(x)),
            most,
            rng_for(seed, "contest", run),
        )
        for run in range(runs)
    ]
    kind, winner, comparisons = np.array(plays, dtype=np.int64).reshape(-1, 3).T
    return Simulated(kind, winner, comparisons)
