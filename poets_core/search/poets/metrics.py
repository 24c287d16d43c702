"""What a round says about itself: disagreement, calibration, distance to the reference."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from poets_core.types import F8, I8


def pairwise_js(log_prob: F8, branch: I8) -> F8:
    """Jensen-Shannon divergence of sequence distributions between branches, (M, M), nats.

    A Monte Carlo estimate from samples of the branches themselves; NaN for
    pairs of which one has no sample. Small negative estimates are set to 0.

    Args:
        log_prob: f8 (M, n) of each sample under every branch.
        branch: i8 (n,) which branch drew it.
    """
    m = len(log_prob)
    out = np.full((m, m), np.nan)
    for j in range(m):
        out[j, j] = 0.0
        for k in range(j):
            mixture = np.logaddexp(log_prob[j], log_prob[k]) - np.log(2.0)
            parts = [(log_prob[x] - mixture)[branch == x] for x in (j, k)]
            if all(len(p) for p in parts):
                out[j, k] = out[k, j] = max(0.0, 0.5 * (parts[0].mean() + parts[1].mean()))
    return out


def ensemble_js(log_prob: F8, branch: I8) -> float:
    """Jensen-Shannon divergence of all branches, nats, between 0 and log M; see `pairwise_js`."""
    mixture = np.logaddexp.reduce(log_prob, axis=0) - np.log(len(log_prob))
    own = log_prob[branch, np.arange(len(branch))]
    per_branch = [(own - mixture)[branch == k].mean() for k in np.unique(branch)]
    return max(0.0, float(np.mean(per_branch)))


def effective_sample_size(weights: I8) -> list[float]:
    """(sum w)^2 / sum w^2 of each branch, from weights (M, N)."""
    w = weights.astype(np.float64)
    return [float(x) for x in w.sum(1) ** 2 / np.maximum((w**2).sum(1), 1.0)]


def error_correlation(mean: F8, std: F8, observed: F8) -> float | None:
    """Spearman's rank correlation of predicted deviation and absolute error; None where either is constant.

    Positive: the ensemble disagrees where it is wrong.
    """
    error = np.abs(observed - mean)
    if len(error) < 3 or np.ptp(error) == 0 or np.ptp(std) == 0:
        return None
    return float(spearmanr(std, error).statistic)


def coverage(mean: F8, std: F8, observed: F8) -> float | None:
    """Share of observations within mean +- 2 sd, predicted before they were seen; None without any."""
    inside = np.abs(observed - mean) <= 2.0 * std
    return float(inside.mean()) if len(inside) else None
