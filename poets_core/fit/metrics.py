"""Figures of a round, as formulas: disagreement of branches, calibration, effective sample size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import spearmanr


def pairwise_js(log_prob: Float64[np.ndarray, "M n"], branch: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "M M"]:
    """Return the Jensen-Shannon divergence of sequence distributions between branches, nats.

    A Monte Carlo estimate from samples of the branches themselves; NaN for
    pairs of which one has no sample. Small negative estimates are set to 0.

    Args:
        log_prob: of each sample under every branch.
        branch: which branch drew it.
    """
    m = len(log_prob)
    out = np.full((m, m), np.nan)
    for j in range(m):
        out[j, j] = 0.0
        for k in range(j):
            mixture = np.logaddexp(log_prob[j], log_prob[k]) - np.log(2.0)
            # Each of the two expectations over its own samples: E_j log p_j / mix and E_k log p_k / mix.
            parts = [(log_prob[x] - mixture)[branch == x] for x in (j, k)]
            if all(len(p) for p in parts):
                out[j, k] = out[k, j] = max(0.0, 0.5 * (parts[0].mean() + parts[1].mean()))
    return out


def ensemble_js(log_prob: Float64[np.ndarray, "M n"], branch: Int64[np.ndarray, " n"]) -> float:
    """Return the Jensen-Shannon divergence of all branches, nats, between 0 and log M; see `pairwise_js`."""
    mixture = np.logaddexp.reduce(log_prob, axis=0) - np.log(len(log_prob))
    own = log_prob[branch, np.arange(len(branch))]
    # The mean of means: branches count alike, however many samples each has.
    per_branch = [(own - mixture)[branch == k].mean() for k in np.unique(branch)]
    return max(0.0, float(np.mean(per_branch)))


def effective_sample_size(weights: Int64[np.ndarray, "M N"]) -> list[float]:
    """Return (sum w)^2 / sum w^2 of each branch, in observations."""
    w = weights.astype(np.float64)
    return [float(x) for x in w.sum(1) ** 2 / np.maximum((w**2).sum(1), 1.0)]


def error_correlation(
    mean: Float64[np.ndarray, " n"], std: Float64[np.ndarray, " n"], observed: Float64[np.ndarray, " n"]
) -> float | None:
    """Return Spearman's rank correlation of predicted deviation and absolute error; None where either is constant.

    Positive: the ensemble disagrees where it is wrong.

    Args:
        mean, std: what was predicted.
        observed: what came, in the same unit.
    """
    error = np.abs(observed - mean)
    if len(error) < 3 or np.ptp(error) == 0 or np.ptp(std) == 0:
        return None
    return float(spearmanr(std, error).statistic)


def coverage(
    mean: Float64[np.ndarray, " n"], std: Float64[np.ndarray, " n"], observed: Float64[np.ndarray, " n"]
) -> float | None:
    """Return the share of observations within mean +- 2 std, None without any; arguments as in `error_correlation`."""
    inside = np.abs(observed - mean) <= 2.0 * std
    return float(inside.mean()) if len(inside) else None
