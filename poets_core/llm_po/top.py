"""The top k: when k policies are known of which each is beaten by fewer than k others; which pair to ask till then.

For k = 1 that is the Condorcet winner, for which `evidence` has closer rules. Every ordered pair is one hypothesis and
the error is shared among all of them, so that a set may be read off whichever policies it turns out to be.

Source: union bound over the e-processes of `evidence` (Ville); ranks by who is beaten by how many.
"""

from __future__ import annotations

from math import log

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.evidence import NONE, OPEN, Duels
from poets_core.types import F8, I8

TOP = 3
"""What `decide_top` says beside those of `evidence.decide`: the top k are known."""


def top_threshold(policies: int, delta: float) -> float:
    """Return the evidence that a duel needs, nats: delta shared by all ordered pairs."""
    # A pair within the indifference zone has one true hypothesis of each kind in either direction, and evidence for the
    # stricter one implies the other: K (K - 1) is enough for `shown` and `against` together.
    return log(policies * (policies - 1) / delta)


def decide_top(duels: Duels, delta: float, k: int) -> tuple[int, list[int]]:
    """Return `OPEN`, `TOP` with k policies of which each is beaten by fewer than k others, or `NONE`: there are none.

    Args:
        duels: so far.
        delta: largest probability of a wrong verdict.
        k: from 1 to K - 1.
    """
    n, threshold = len(duels.score), top_threshold(len(duels.score), delta)
    others = ~np.eye(n, dtype=np.bool_)
    # `shown` of a row: it holds its own, so that the column does not beat it; `against`: the column does beat it.
    may_beat = ((duels.shown < threshold) & others).sum(1)
    beaten = ((duels.against >= threshold) & others).sum(1)
    inside = np.flatnonzero(may_beat < k)
    if len(inside) >= k:
        # More than k where policies are equally good: those that fewest may beat, and of them the likeliest.
        order = sorted(inside.tolist(), key=lambda i: (int(may_beat[i]), -float(_strength(duels)[i]), i))
        return TOP, sorted(order[:k])
    return (NONE, []) if int((beaten < k).sum()) < k else (OPEN, [])


def may_be_in_top(duels: Duels, delta: float, k: int) -> list[int]:
    """Return the policies that are not known to be beaten by k others, with error delta at every moment."""
    beaten = (duels.against >= top_threshold(len(duels.score), delta)).sum(1)
    return np.flatnonzero(beaten < k).tolist()


@compiled
def _strength(duels: Duels) -> F8:
    """Mean share of wins over the other policies, half a win either way, f8 (K,)."""
    n = len(duels.score)
    out = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if i != j:
                out[i] += (duels.wins[i, j] + 1.0) / (duels.wins[i, j] + duels.wins[j, i] + 2.0) / (n - 1)
    return out


@compiled
def top_pair(
    duels: Duels, left: I8, delta: float, k: int, threshold: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Two policies to compare next, O(K^2): across the edge of the top k, where the evidence is nearest to enough.

    Args:
        duels: so far; left: i8 (K, K): comparisons left of each pair; of one pair at least.
        delta: largest probability of a wrong verdict; k: how many.
        threshold: see `top_threshold`.
        rng: randomness of this step.
    """
    n, strength = len(duels.score), _strength(duels)
    total = duels.judged.sum() / 2.0
    # Forced looks at what was looked at least, fewer and fewer of them, so that no wrong edge stays for ever.
    least, first, second = np.inf, -1, -1
    for i in range(n):
        for j in range(i):
            if left[i, j] > 0:
                seldom = duels.judged[i, j] + 1e-9 * rng.random()
                if seldom < least:
                    least, first, second = seldom, i, j
    if least < np.sqrt(total) - n * (n - 1) / 4.0:
        return first, second
    order = np.argsort(-(strength + 1e-9 * rng.random(n)))
    cost, at_i, at_j = np.inf, -1, -1
    for place in range(k):
        i = order[place]
        for other in range(k, n):
            j = order[other]
            missing = threshold - duels.shown[i, j]
            if missing <= 0.0 or left[i, j] < 1:
                continue
            # A pair that looks even would take for ever; half its price goes to how often it was asked, so that the
            # cheap ones are finished first and the dear ones are not left to the end by bad luck.
            q = (duels.wins[i, j] + 1.0) / (duels.wins[i, j] + duels.wins[j, i] + 2.0)
            price = missing / max((q - 0.5) * (q - 0.5), 1e-4) + duels.judged[i, j]
            if price < cost:
                cost, at_i, at_j = price, i, j
    return (at_i, at_j) if at_i >= 0 else (first, second)
