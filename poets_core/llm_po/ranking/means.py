"""Mean win probability of a policy over all others, with an interval that is tighter than the mean of its pairs'.

Source: one e-process for the whole vector (p_i1, ..., p_iK), the product of those of its pairs, and the largest and
smallest mean over the vectors that it does not contradict: a convex problem with a closed form up to one multiplier.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.special import xlog1py, xlogy

from poets_core.llm_po.ranking.intervals import log_mixture

SEARCH = 60
"""Halvings in the search for the multiplier, on a logarithmic scale from 1e-9 to 1e15."""


def mean_intervals(
    wins: Int64[np.ndarray, "... K K"], counts: Bool[np.ndarray, "... K K"], level: float
) -> tuple[Float64[np.ndarray, "... K"], Float64[np.ndarray, "... K"]]:
    """Return lower and upper ends of each policy's mean win probability over the K - 1 others.

    For pairs whose comparisons are independent given the past. Each policy's interval holds at all times with
    probability at least 1 - e^-level: both ends belong to one e-process.

    Args:
        wins: entry (i, j) is how often i was preferred to j.
        counts: symmetric; pairs that are not used may have any win probability, and so may those never compared.
        level: nats.
    """
    return 1.0 - _upper(np.swapaxes(wins, -1, -2), wins, counts, level), _upper(
        wins, np.swapaxes(wins, -1, -2), counts, level
    )


def _upper(
    wins: Int64[np.ndarray, "... K K"],
    losses: Int64[np.ndarray, "... K K"],
    counts: Bool[np.ndarray, "... K K"],
    level: float,
) -> Float64[np.ndarray, "... K"]:
    k, n = wins.shape[-1], wins + losses
    used = counts & (n > 0) & ~np.eye(k, dtype=np.bool_)
    w, lost = np.where(used, wins, 0), np.where(used, losses, 0)
    total, mixture = w + lost, np.where(used, log_mixture(w, lost), 0.0).sum(-1)
    low, high = np.full(wins.shape[:-1], np.log(1e-9)), np.full(wins.shape[:-1], np.log(1e15))
    # Maximise sum_j p_j - f(p) / eta: each p_j solves eta p^2 + (n - eta) p - w = 0. The larger eta, the further all
    # of them go from the shares of wins, and the more evidence speaks against them: one crossing.
    for _ in range(SEARCH):
        middle = 0.5 * (low + high)
        p = _at(np.exp(middle)[..., None], w, total)
        against = mixture - (xlogy(w, p) + xlog1py(lost, -p)).sum(-1)
        inside = against <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    p = np.where(used, _at(np.exp(high)[..., None], w, total), 1.0)
    return np.asarray((p.sum(-1) - 1.0) / (k - 1))  # the diagonal is not a pair


def _at(
    eta: Float64[np.ndarray, "... 1"], wins: Int64[np.ndarray, "... K K"], total: Int64[np.ndarray, "... K K"]
) -> Float64[np.ndarray, "... K K"]:
    b = total - eta
    root = np.sqrt(b * b + 4.0 * eta * wins)
    # The form without a difference of nearly equal numbers, on each side of b = 0.
    near = 2.0 * wins / np.maximum(b + root, 1e-300)
    far = (root - b) / (2.0 * eta)
    return np.asarray(np.clip(np.where(b > 0.0, near, far), 0.0, 1.0))


def planned_intervals(
    wins: Int64[np.ndarray, "... K K"],
    planned: Int64[np.ndarray, "K K"],
    ends: tuple[Float64[np.ndarray, "... K K"], Float64[np.ndarray, "... K K"]],
    level: float,
) -> tuple[Float64[np.ndarray, "... K"], Float64[np.ndarray, "... K"]]:
    """Return ends of the mean win probabilities where it is known beforehand how many comparisons each pair will have.

    A log knows it. Each comparison then has a weight of its own, 1 / (planned (K - 1)), and one bet on their weighted
    sum costs nothing for the single pairs: with few rows a pair and many policies it is several times tighter. It is at
    its best when all rows are in; what is still to come, and pairs without rows, are bounded by `ends`.

    Args:
        wins: entry (i, j) is how often i was preferred to j.
        planned: symmetric; decided comparisons that each pair will have, as many as there were at least.
        ends: lower and upper ends of the pairs, which hold too.
        level: nats; each end fails with probability e^-level at most.

    Source: Hoeffding (1963) and Azuma (1967), as a supermartingale with one stake.
    """
    k = len(planned)
    weight = np.where(planned > 0, 1.0 / np.maximum(1, planned), 0.0) / (k - 1)
    done = (wins + np.swapaxes(wins, -1, -2)) * weight  # of each pair's part of the mean, what was compared
    spread, in_all = (done * weight).sum(-1), (planned * weight * weight).sum(1)
    # The stake that is best when all rows are in; known beforehand, since it depends on no outcome.
    stake = np.sqrt(8.0 * level / np.maximum(in_all, 1e-300))
    slack = np.where(in_all > 0, stake * spread / 8.0 + level / stake, 0.0)
    rest = np.maximum(1.0 / (k - 1) - done, 0.0) * (1.0 - np.eye(k))
    won = (wins * weight).sum(-1)
    low = won - slack + (rest * ends[0]).sum(-1)
    high = won + slack + (rest * ends[1]).sum(-1)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
