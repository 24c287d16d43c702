"""Intervals of win probabilities that hold at every moment: e-processes for every value, inverted.

A value of p stays in its interval while the evidence against it is below a level. The e-process against the true value
exceeds e^level ever with probability at most e^-level (Ville's inequality), so that the interval covers it at all times
together, whatever rule chose the pairs and whoever looks how often. Sharing the error among all pairs makes all their
intervals hold at once (Bonferroni).

Source: Robbins (1970), confidence sequences by mixtures; Waudby-Smith and Ramdas (2024), by betting.
"""

from __future__ import annotations

from math import exp, inf, lgamma, log, log1p, pi

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import gammaln, xlog1py, xlogy

from poets_core.llm_po.clusters import STAKES
from poets_core.llm_po.compiled import compiled
from poets_core.types import F8, I8

HALVINGS = 44
"""Steps of a bisection: the ends are known to 1e-13, and always rounded outwards."""
COARSE = 18
"""The same where one step costs much: to 4e-6."""


def log_mixture(
    wins: Float64[np.ndarray, ...] | Int64[np.ndarray, ...],
    losses: Float64[np.ndarray, ...] | Int64[np.ndarray, ...],
) -> Float64[np.ndarray, ...]:
    """Return the log-likelihood of an order of wins and losses, averaged over Jeffreys' prior, nats."""
    return np.asarray(gammaln(wins + 0.5) + gammaln(losses + 0.5) - gammaln(wins + losses + 1.0) - log(pi))


def evidence_against(
    p: Float64[np.ndarray, ...], wins: Int64[np.ndarray, ...], losses: Int64[np.ndarray, ...]
) -> Float64[np.ndarray, ...]:
    """log E against the win probability p itself, two-sided, in nats: the mixture over the likelihood at p.

    Args:
        p: in [0, 1].
        wins, losses: ties are in neither.
    """
    # xlogy and xlog1py: 0 log 0 is 0, for a policy that always won may have p = 1.
    return np.asarray(log_mixture(wins, losses) - xlogy(wins, p) - xlog1py(losses, -p))


def pair_intervals(
    wins: Int64[np.ndarray, ...], losses: Int64[np.ndarray, ...], level: float
) -> tuple[Float64[np.ndarray, ...], Float64[np.ndarray, ...]]:
    """Return lower and upper ends of win probabilities, elementwise: all p with `evidence_against` up to `level`.

    Each holds at all times with probability at least 1 - e^-level; (0, 1) before any comparison.
    """
    return 1.0 - _upper(losses, wins, level), _upper(wins, losses, level)


def _upper(wins: Int64[np.ndarray, ...], losses: Int64[np.ndarray, ...], level: float) -> Float64[np.ndarray, ...]:
    mixture = log_mixture(wins, losses)
    low = np.asarray(wins / np.maximum(1, wins + losses), dtype=np.float64)
    high = np.ones_like(low)
    # Above the share of wins the evidence grows with p, so that there is one crossing.
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        inside = mixture - xlogy(wins, middle) - xlog1py(losses, -middle) <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    # Nothing speaks against 1 where nothing was lost.
    return np.where(losses == 0, 1.0, high)


# -- clusters ------------------------------------------------------------


def cluster_interval(means: Float64[np.ndarray, " clusters"], level: float) -> tuple[float, float]:
    """Return the interval of the expected mean of a cluster; each end fails with probability e^-level at most.

    Args:
        means: of the outcomes in each complete cluster, ties 1/2; what their rows share does not matter.
        level: nats.
    """
    values, counts = np.unique(means, return_counts=True)
    n = counts.astype(np.float64)
    return 1.0 - float(_cluster_upper(1.0 - values, n, level)), float(_cluster_upper(values, n, level))


@compiled
def _cluster_upper(values: F8, counts: F8, level: float) -> float:
    """Least b at which the bets of `clusters.bet` against "the mean is b or more" have brought `level`; else 1."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        b = 0.5 * (low + high)
        top, sums = -inf, np.empty(len(STAKES))
        for s in range(len(STAKES)):
            total = 0.0
            for c in range(len(values)):
                total += counts[c] * log1p(STAKES[s] * (b - values[c]) / (1.0 - b))
            sums[s] = total
            top = max(top, total)
        mean = 0.0
        for s in range(len(STAKES)):
            mean += exp(sums[s] - top)
        # Each factor grows with b, and so does the evidence.
        if top + log(mean / len(STAKES)) >= level:
            high = b
        else:
            low = b
    return high


# -- crossed clusters ----------------------------------------------------


def crossed_interval(
    wins: Int64[np.ndarray, " draws"], losses: Int64[np.ndarray, " draws"], level: float
) -> tuple[float, float]:
    """Return the interval of a pair whose clusters cross; each end fails with probability e^-level at most.

    Args:
        wins, losses: of each way to take rows that share nothing (`clusters.ways`).
        level: nats.
    """
    pairs, counts = np.unique(np.stack([wins, losses], 1), axis=0, return_counts=True)
    w, lost = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    return 1.0 - float(_crossed_upper(lost, w, counts, level)), float(_crossed_upper(w, lost, counts, level))


@compiled
def _crossed_upper(wins: I8, losses: I8, counts: I8, level: float) -> float:
    """Least b at which `clusters.mean_evidence` against "p is b or more" is `level`; else 1."""
    draws, low, high = counts.sum(), 0.0, 1.0
    spared = max(1, draws // 100)  # as there: the largest hundredth counts as nothing
    for _ in range(COARSE):
        b, found = 0.5 * (low + high), np.empty(len(wins))
        for d in range(len(wins)):
            w, lost = wins[d], losses[d]
            at = max(b, w / (w + lost)) if w + lost else b
            found[d] = lgamma(w + 0.5) + lgamma(lost + 0.5) - lgamma(w + lost + 1.0) - log(pi)
            if w:
                found[d] -= w * log(at)
            if lost:
                found[d] -= lost * log1p(-at)
        order, left, total, top = np.argsort(-found), spared, 0.0, -inf
        for d in order:
            kept = max(0, counts[d] - left)
            left = max(0, left - counts[d])
            if kept and top == -inf:
                top = found[d]
            if kept:
                total += kept * exp(found[d] - top)
        if top > -inf and top + log(total / draws) >= level:
            high = b
        else:
            low = b
    return high
