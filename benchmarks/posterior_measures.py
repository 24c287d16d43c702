"""How well predictions of many designs fit what came: rank, density of single values and of sets, coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import spearmanr

from poets_core.types import F8

TOGETHER = 10
"""Designs of a set whose values are predicted jointly."""
ANCHORS = 64
"""Sets at most that are drawn among the designs of one kind."""


@dataclass(frozen=True)
class Predictive:
    """What a model says of n designs at once: a normal distribution of their standardised rewards.

    Attributes:
        mean: of each.
        covariance: of the function at the designs.
        noise: variance that an observation of each has besides, independent of the others; above zero.
    """

    mean: Float64[np.ndarray, " n"]
    covariance: Float64[np.ndarray, "n n"]
    noise: Float64[np.ndarray, " n"]

    @property
    def deviation(self) -> Float64[np.ndarray, " n"]:
        """Deviation of an observation of each design."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance) + self.noise))


def negative_log_density(
    observed: Float64[np.ndarray, " n"], predictive: Predictive, sets: Int64[np.ndarray, "G k"]
) -> Float64[np.ndarray, " G"]:
    """Return minus the logarithm of the joint density of the observations of each set, nats per design.

    With sets of one design it is the marginal one. Source: Osband et al., arXiv 2110.04629: marginal predictions say
    nothing of what a search decides by, which are differences between designs.

    Args:
        observed: standardised rewards.
        predictive: of the same n designs.
        sets: which designs belong together.
    """
    k = sets.shape[1]
    total = predictive.covariance[sets[:, :, None], sets[:, None, :]]
    total[:, np.arange(k), np.arange(k)] += predictive.noise[sets]
    root = np.linalg.cholesky(total)
    white = np.linalg.solve(root, (observed - predictive.mean)[sets][:, :, None])[:, :, 0]
    log_det = 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    return np.asarray(0.5 * ((white**2).sum(1) + log_det + k * np.log(2.0 * np.pi)) / k)


def neighbours(
    features: Float64[np.ndarray, "n D"], rng: np.random.Generator, k: int = TOGETHER
) -> Int64[np.ndarray, "G k"]:
    """Return sets of designs near one another: a random anchor and its nearest others, the first of equally near ones.

    Args:
        features: whose Euclidean distance says what is near.
        rng: draws the anchors, each design once at most.
        k: designs of a set, fewer where there are fewer.
    """
    anchors = rng.permutation(len(features))[:ANCHORS]
    norm = (features**2).sum(1)
    square = norm[anchors, None] + norm[None] - 2.0 * features[anchors] @ features.T
    # Rounded: equal distances must not be told apart by the last bits of a product of matrices. The anchor comes first.
    square = np.round(square, 9)
    square[np.arange(len(anchors)), anchors] = -np.inf
    return np.asarray(np.argsort(square, axis=1, kind="stable")[:, :k], dtype=np.int64)


def measures(
    observed: Float64[np.ndarray, " n"], predictive: Predictive, sets: Int64[np.ndarray, "G k"]
) -> dict[str, float]:
    """Return what a benchmark reports of one model on one kind of designs.

    Returns:
        rank: Spearman's correlation of mean and observation, 0 where the mean is constant, NaN where the truth is.
        marginal, joint: nats per design; worth: marginal minus joint over the same sets, what correlations are worth.
        coverage: share within mean +- 2 deviations of an observation.
        deviation, error: the mean deviation and the root mean square error, to see which of them is off.
    """
    error = observed - predictive.mean
    single = negative_log_density(observed, predictive, np.arange(len(observed))[:, None])
    joint = float(negative_log_density(observed, predictive, sets).mean())
    return {
        "rank": _rank(predictive.mean, observed),
        "marginal": float(single.mean()),
        "joint": joint,
        "worth": float(single[sets].mean()) - joint,
        "coverage": float((np.abs(error) <= 2.0 * predictive.deviation).mean()),
        "deviation": float(predictive.deviation.mean()),
        "error": float(np.sqrt((error**2).mean())),
    }


def _rank(predicted: F8, observed: F8) -> float:
    if np.ptp(observed) == 0.0:
        return float("nan")
    return float(spearmanr(predicted, observed).statistic) if np.ptp(predicted) > 0.0 else 0.0
