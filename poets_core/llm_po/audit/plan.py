"""Which comparison comes next, and with what probability a person is asked about it.

Shares follow Neyman: in proportion to the deviation of a person's label in a stratum, so that people look where they
and the judge are likely to differ. How many labels a pair takes altogether, and which pair is next, follow from what a
label is expected to bring: evidence for the policy that is nearest to being shown best.

Source: Neyman (1934), allocation; Thompson (1933), draws from what is known, so that no pair is given up too soon.
"""

from __future__ import annotations

from math import log, log1p, sqrt

import numpy as np

from poets_core.llm_po.audit.bets import STRATA, lowest
from poets_core.llm_po.audit.compiled import compiled
from poets_core.llm_po.audit.tally import STRATUM_WEIGHT, Tally, predicted, variances, weights
from poets_core.types import F8, I8

FLOOR, PRICE = 0.05, 0.01
"""Smallest probability of an audit (bets are bounded by its inverse), and what a verdict of the judge costs, in labels.
Chosen by benchmarks/audit.py on seeds that are not its own."""
LEAST_MEAN = 0.55
"""Shares are planned as if the better policy of a pair were preferred so often at least: below it no label seems worth
anything."""
SCALES = np.array([0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 0.8, 1.0])
"""Shares of the stratum with the largest deviation that are tried."""
FLATTER = np.array([1.0, 0.5, 0.0])
"""Powers of the variance: 1 is Neyman's allocation; 0 looks everywhere alike, which bounds bets the least."""
TRIED = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
"""Stakes that are tried."""


@compiled
def neyman(variance: F8, largest: float, floor: float) -> F8:
    """Probability of an audit in each stratum, f8 (3,): proportional to the deviation of labels, `floor` at least.

    Args:
        variance: of a person's label, by stratum.
        largest: share of the stratum with the largest deviation.
        floor: in (0, 1]; bets are bounded by it.
    """
    deviation = np.sqrt(variance)
    shares: F8 = np.minimum(np.maximum(largest * deviation / deviation.max(), floor), 1.0)
    return shares


@compiled
def growth(q: F8, f: F8, shares: F8, mean: float) -> tuple[float, float]:
    """Expected growth of log E in one comparison at the best planned stake, nats; and that stake.

    Args:
        q, f, shares: f8 (3,).
        mean: how often people are taken to prefer the first policy; the labels of all strata are moved there alike.
    """
    centre = (q * f).sum()
    # A mean that is not that of the predictions moves the odds of all strata alike.
    odds = mean / (1.0 - mean) * (1.0 - centre) / centre
    # A small share anywhere bounds the stake everywhere: that is why Neyman's shares are not always the best.
    width = 0.5 - lowest(f, shares)
    best, at = 0.0, 0.0
    for stake in TRIED:
        total = 0.0
        for s in range(STRATA):
            h = f[s] * odds / (1.0 - f[s] + f[s] * odds)
            unseen = log1p(stake * (f[s] - 0.5) / width)
            lost = log1p(stake * (f[s] - f[s] / shares[s] - 0.5) / width)
            won = log1p(stake * (f[s] + (1.0 - f[s]) / shares[s] - 0.5) / width)
            total += q[s] * ((1.0 - shares[s]) * unseen + shares[s] * (h * won + (1.0 - h) * lost))
        if total < best:  # growth is concave in the stake
            break
        best, at = total, stake
    return best, at


@compiled
def best_shares(q: F8, f: F8, mean: float, floor: float, price: float, constant: float) -> tuple[F8, float, float]:
    """The shares that bring most evidence for a label, what evidence costs (labels a nat), and the best stake.

    Args:
        q, f: f8 (3,), how likely the strata are and what is predicted in them.
        mean: how often people are taken to prefer the first policy, above 1/2.
        floor: smallest share.
        price: of a verdict of the judge, in labels.
        constant: one share for all strata; 0: planned.
    """
    v = variances(f)
    best, least, at = np.full(STRATA, max(constant, floor)), np.inf, 0.0
    # A grid: the best scale changes by orders of magnitude with gap and agreement, and is flat around its optimum.
    for power in FLATTER:
        for scale in SCALES:
            shares = best if constant > 0.0 else neyman(v**power, scale, floor)
            gain, stake = growth(q, f, shares, mean)
            # Verdicts of the judge are cheap, not free: without a price a share of nearly nothing would be best.
            cost = (price + (q * shares).sum()) / max(gain, 1e-12)
            if cost < least:
                best, least, at = shares, cost, stake
            if constant > 0.0:
                return best, least, at
    return best, least, at


@compiled
def next_pair(
    tally: Tally, left: I8, delta: float, floor: float, price: float, rng: np.random.Generator
) -> tuple[int, int]:
    """Two policies to compare next, the one that may be best first, O(K^2).

    What each policy would cost to be shown best is added up over its opponents, with draws of how often people prefer
    it; of the cheapest policy the dearest duel is next: what decides is the gap to the runner-up.

    Args:
        tally: so far.
        left: i8 (K, K), symmetric: comparisons left of each pair, of one at least.
        delta: largest error.
        floor, price: see `best_shares`.
        rng: of this step.
    """
    k = len(tally.log_e)
    wanted, cost = log(k / delta), np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1, k):
            q, f = weights(tally, i, j), predicted(tally, i, j)
            spread = (q**2 * variances(f) / (tally.labels[i, j] + STRATUM_WEIGHT)).sum()
            # Drawn, not the estimate itself: a policy that began badly is tried again now and then.
            mean = min(max(rng.normal((q * f).sum(), sqrt(spread)), 0.01), 0.99)
            cost[i, j] = _cost(q, f, mean, wanted - tally.log_e[i, j], floor, price)
            cost[j, i] = _cost(q[::-1].copy(), 1.0 - f[::-1], 1.0 - mean, wanted - tally.log_e[j, i], floor, price)
            if left[i, j] < 1:  # what no comparison is left for can no longer be shown
                cost[i, j] += 1e12 * (cost[i, j] > 0.0)
                cost[j, i] += 1e12 * (cost[j, i] > 0.0)
    # Of a policy that needs all its duels the dearest is tried first: if it fails, the others need not be paid for.
    at, most = (0, 0), -1.0
    for best in np.argsort(cost.sum(1), kind="mergesort"):
        for j in range(k):
            if j != best and left[best, j] > 0 and cost[best, j] > most:
                at, most = (best, j), cost[best, j]
        if most >= 0.0:
            break
    return at


@compiled
def _cost(q: F8, f: F8, mean: float, missing: float, floor: float, price: float) -> float:
    """Labels until a policy is expected to be shown better than another."""
    if missing <= 0.0:
        return 0.0
    # Whoever seems to lose cannot be shown best at any price; the clearer, the dearer.
    if mean <= 0.51:
        return 1e9 * (1.0 - mean)
    return missing * best_shares(q, f, mean, floor, price, 0.0)[1]


@compiled
def plan(tally: Tally, i: int, j: int, floor: float, price: float, constant: float) -> tuple[F8, F8, F8]:
    """What is fixed before the next comparison of i and j is made.

    Returns:
        prediction of i and probability of an audit in each stratum, f8 (3,) both, and stakes of the bets on i and on j,
        f8 (2,): nothing is staked on the policy that seems to lose.
    """
    q, f, stakes = weights(tally, i, j), predicted(tally, i, j), np.zeros(2)
    mean = (q * f).sum()
    if mean >= 0.5:
        shares, _, stakes[0] = best_shares(q, f, max(mean, LEAST_MEAN), floor, price, constant)
        return f, shares, stakes
    turned = 1.0 - f[::-1]
    shares, _, stakes[1] = best_shares(q[::-1].copy(), turned, max(1.0 - mean, LEAST_MEAN), floor, price, constant)
    return f, shares[::-1].copy(), stakes


@compiled
def winner(tally: Tally, delta: float) -> int:
    """The policy that people are shown to prefer to every other, -1 while there is none.

    Each of K policies may be named wrongly with probability delta / K: one that is not the best loses or ties some
    duel, and the evidence of that duel exceeds K / delta ever with probability delta / K at most. The union bound is
    over policies alone, because a winner needs all of its duels.
    """
    k = len(tally.log_e)
    for i in range(k):
        least = np.inf
        for j in range(k):
            if j != i:
                least = min(least, tally.log_e[i, j])
        if least >= log(k / delta):
            return i
    return -1
