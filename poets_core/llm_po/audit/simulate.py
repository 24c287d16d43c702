"""Simulated audits: people with known preferences, a judge with known faults."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from poets_core.llm_po.audit.compiled import compiled
from poets_core.llm_po.audit.plan import next_pair, plan, winner
from poets_core.llm_po.audit.tally import count, new_tally
from poets_core.types import F8


class Audited(NamedTuple):
    """How a simulated audit ended.

    Attributes:
        winner: index, -1 without one.
        labels: of people. judged: comparisons, each with a verdict of the judge.
    """

    winner: int
    labels: int
    judged: int


@compiled
def play(
    people: F8,
    says: F8,
    delta: float,
    floor: float,
    price: float,
    constant: float,
    choose: bool,
    most: int,
    rng: np.random.Generator,
) -> Audited:
    """One audit to its verdict, or to `most` comparisons.

    Args:
        people: f8 (K, K), probability that a person prefers the row to the column.
        says: f8 (K, K, 2, 3), of i < j: probability of the judge's verdict given that a person prefers j (0) or i (1).
        delta: largest error.
        floor, price: see `plan.best_shares`.
        constant: one share for every comparison; 0: planned.
        choose: whether pairs are chosen; else each has its turn.
        most: comparisons.
        rng: of this run.
    """
    k = len(people)
    tally, labels, left = new_tally(k), 0, np.ones((k, k), dtype=np.int64)
    i, j = 0, 0
    for t in range(most):
        if choose:
            a, b = next_pair(tally, left, delta, floor, price, rng)
            i, j = min(a, b), max(a, b)
        else:
            j += 1
            if j == k:
                i, j = (i + 1, i + 2) if i + 2 < k else (0, 1)
        f, shares, stakes = plan(tally, i, j, floor, price, constant)
        # The person's answer exists whether it is asked for or not: the judge's verdict depends on it.
        label = 1 if rng.random() < people[i, j] else 0
        drawn, verdict = rng.random(), 0
        while verdict < 2 and drawn >= says[i, j, label, verdict]:
            drawn -= says[i, j, label, verdict]
            verdict += 1
        audited = rng.random() < shares[verdict]
        labels += audited
        count(tally, i, j, verdict, f, shares, stakes, audited, float(label))
        best = winner(tally, delta)
        if best >= 0:
            return Audited(best, labels, t + 1)
    return Audited(-1, labels, most)
