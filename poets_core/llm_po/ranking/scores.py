"""Bradley-Terry scores from win probabilities: the likeliest ones, and what the intervals of the pairs leave of them.

Where one score per policy decides every comparison, Pr(i beats j) = sigma(s_i - s_j), the interval of a pair bounds the
difference of two scores, and the bounds of a chain of pairs add up: the tightest bound of every difference is a
shortest path. Nothing new is assumed of the comparisons: it holds for rows that depend on each other too, and shares
the error of the pairs.

Source: Bradley and Terry (1952); difference constraints by Floyd (1962) and Warshall (1962).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linprog
from scipy.special import expit, logit

STEPS = 50
"""Newton steps of the fit, at most."""
MOST_WITH_FEATURES = 64
"""Policies up to which features tighten the scores: each end is a linear program over all pairs."""


def fitted_scores(
    wins: Float64[np.ndarray, "K K"], features: Float64[np.ndarray, "K d"] | None = None
) -> Float64[np.ndarray, " K"]:
    """Return the likeliest scores, their mean 0.

    Every policy also has half a win and half a loss against an average one, so that one without a loss stays finite and
    one that was never compared is average.

    Args:
        wins: how often the row was preferred to the column; fractions where rows count with their clusters.
        features: of the policies, s = features . theta; None: a free score each.
    """
    n = wins + wins.T
    x = np.eye(len(wins)) if features is None else np.asarray(features, dtype=np.float64) - np.mean(features, 0)
    theta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        s = x @ theta
        p, average = expit(s[:, None] - s[None, :]), expit(s)
        slope = (n * p - wins).sum(1) + average - 0.5
        weight = n * p * (1.0 - p)
        curvature = np.diag(weight.sum(1) + average * (1.0 - average)) - weight
        step = np.linalg.solve(x.T @ curvature @ x, x.T @ slope)
        # Far from the optimum the logistic curve is flat and a whole step would overshoot.
        step /= max(1.0, float(np.abs(x @ step).max()))
        theta = theta - step
        if np.abs(step).max() < 1e-10:
            break
    scores = x @ theta
    return np.asarray(scores - scores.mean())


def difference_bounds(upper: Float64[np.ndarray, "K K"]) -> Float64[np.ndarray, "K K"] | None:
    """Return the largest s_i - s_j that all pairs allow together, infinite where none says anything.

    Args:
        upper: entry (i, j) is the upper end of Pr(i beats j); 1 where nothing is known.

    Returns:
        None where no scores at all fit all intervals: then the model is wrong, with the error of the intervals.
    """
    far = logit(upper)
    np.fill_diagonal(far, 0.0)
    for k in range(len(far)):
        far = np.minimum(far, far[:, k, None] + far[None, k, :])
    # A chain that leads back to its policy with less than nothing: s_i < s_i.
    return None if (np.diagonal(far) < -1e-9).any() else far


def with_features(
    far: Float64[np.ndarray, "K K"], features: Float64[np.ndarray, "K d"]
) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]] | None:
    """Return lower and upper ends of s_i - mean(s) where s = features . theta; None where no theta fits all bounds.

    Args:
        far: see `difference_bounds`.
        features: K up to `MOST_WITH_FEATURES`.
    """
    x = np.asarray(features, dtype=np.float64)
    i, j = np.nonzero(np.isfinite(far) & ~np.eye(len(far), dtype=np.bool_))
    differences, bound = x[i] - x[j], far[i, j]
    ends = np.empty((2, len(x)))
    for place, c in enumerate(x - x.mean(0)):
        for side, sign in enumerate((1.0, -1.0)):
            solved = linprog(sign * c, A_ub=differences, b_ub=bound, bounds=(None, None), method="highs")
            if solved.status == 2:
                return None
            # Unbounded, or not solved: nothing is claimed.
            found = solved.fun if solved.status == 0 else None
            ends[side, place] = -sign * np.inf if found is None else sign * found
    return ends[0], ends[1]
