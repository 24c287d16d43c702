"""Evidence balancing, the sampling rule: compare next what is expected to end the experiment soonest."""

from __future__ import annotations

from math import log, log2

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.duels import Duels, kl_at
from poets_core.types import F8


@compiled
def two_least(values: F8, rng: np.random.Generator) -> tuple[int, int]:
    """Places of the smallest and of the second smallest value, equal ones in random order."""
    first, second = -1, -1
    a = b = np.inf
    for i in range(len(values)):
        v = values[i] + 1e-9 * rng.random()
        if v < a:
            first, second, a, b = i, first, v, a
        elif v < b:
            second, b = i, v
    return first, second


@compiled
def opponent(duels: Duels, j: int, leader: int, delta: float, rng: np.random.Generator) -> int:
    """Who is expected to exclude j with the fewest further comparisons.

    The smallest of many draws is too hopeful, so more are averaged the more opponents there are; and the leader,
    whose duels show at the same time whether it leads rightly, is preferred the more there are to be led.
    """
    k, best, cost = len(duels.score), leader, np.inf
    wanted, draws, discount = log((k - 1) / delta), max(1, int(log2(k)) - 1), (2.0 / k) ** (1.0 / 3.0)
    for i in range(k):
        if i == j:
            continue
        q = 0.0
        for _ in range(draws):
            q += rng.beta(duels.wins[i, j] + 1.0, duels.wins[j, i] + 1.0) / draws
        if q > 1.0 - duels.bound:
            price = max(wanted - duels.against[j, i], 1e-12) / max(kl_at(q, 1.0 - duels.bound), 1e-12)
            price *= discount if i == leader else 1.0
            if price < cost:
                best, cost = i, price
    return best


@compiled
def balance(duels: Duels, memory: F8, delta: float, assume: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Two policies to compare next, O(K).

    The challenger is the second most likely winner by evidence; its opponent is chosen by draws from the
    posterior of its duels, so that no duel is given up for lost.

    Args:
        duels: so far; `judged` counts pairs that are not answered yet too.
        memory: unused (rivals keep their state there).
        delta: largest probability of a wrong verdict.
        assume: whether a Condorcet winner is known to exist.
        rng: randomness of this step.

    Source: LLM-PO (arXiv 2604.08779), the optimal proportions of the unstructured space; chosen by
    benchmarks/llm_po.py on instances that are not its own (docs/decisions/llm-po.md).
    """
    if duels.bound < 0.5 and rng.random() < 0.5:  # equal policies are never excluded: one must be shown to be as good
        shown, _ = two_least(-duels.low, rng)
        return shown, two_least(duels.shown[shown], rng)[0]
    leader, challenger = two_least(duels.score, rng)
    if not assume and duels.score[challenger] >= log(2.0 / delta):
        return leader, two_least(duels.shown[leader], rng)[0]
    return challenger, opponent(duels, challenger, leader, delta, rng)
