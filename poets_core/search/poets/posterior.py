"""Exact draws from the posterior over reward functions that the head's tangent space can express.

f(x) = phi(x)' w with w ~ N(0, a) and observations of variance n is Bayesian linear regression, so it has a
closed form. A branch is one draw by Matheron's rule: a draw of the prior, corrected by what it says wrongly
of perturbed observations (sample-then-optimise, Matthews et al. 2017; randomised prior functions, Osband et
al. 2018, arXiv 1806.03335).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float32, Float64, Int64

from poets_core.types import F8

AMPLITUDE = (np.log(0.5), 1.5)
"""Mean and deviation of the logarithm of the amplitude before any data, in units of reward variance."""
NOISE = (np.log(0.1), 1.0)
"""The same of the noise. A few observations fit without any, and a search that believed it would not look again."""
LIMITS = ((-9.0, 5.0), (-7.0, 2.0))
JITTER = 1e-6


@dataclass(frozen=True)
class Regression:
    """Observations in the eigenbasis of their kernel, a mean per prompt taken out.

    Attributes:
        vectors: orthonormal directions that the means leave over.
        values: eigenvalues of the kernel there.
        amplitude, noise: a and n, chosen by evidence.
    """

    vectors: Float64[np.ndarray, "N K"]
    values: Float64[np.ndarray, " K"]
    amplitude: float
    noise: float

    def solve(self, residual: Float64[np.ndarray, "N ..."]) -> Float64[np.ndarray, "N ..."]:
        """Return P (a P K P + n)^-1 P residual, P taking out the means."""
        # Jitter as well as noise: with hardly any noise two equal designs would make the kernel singular.
        z = self.vectors.T @ residual
        weight = 1.0 / (self.amplitude * self.values + self.noise + JITTER)
        return np.asarray(self.vectors @ (weight.reshape(-1, *[1] * (z.ndim - 1)) * z))

    def project(self, x: Float64[np.ndarray, "M N"]) -> Float64[np.ndarray, "M N"]:
        """Return x without its means."""
        return np.asarray(x @ self.vectors @ self.vectors.T)


def regress(
    features: Float32[np.ndarray, "N P"],
    rewards: Float64[np.ndarray, " N"],
    prompt: Int64[np.ndarray, " N"],
    *,
    amplitude: float | None = None,
) -> Regression:
    """Choose amplitude and noise by evidence: the marginal likelihood with flat means, and weak priors.

    Args:
        features: of the observations.
        rewards: standardised.
        prompt: of each; every prompt has a mean of its own, as the implicit reward has a constant.
        amplitude: taken as it is where given.
    """
    kernel = (features @ features.T).astype(np.float64)
    groups = np.eye(int(prompt.max()) + 1)[prompt]
    groups = groups[:, groups.any(0)]
    # An orthonormal basis of what the means leave over: there the likelihood is the restricted one (Patterson and
    # Thompson 1971), which owes nothing to the means.
    basis = scipy.linalg.qr(groups)[0][:, groups.shape[1] :]
    values, vectors = scipy.linalg.eigh(basis.T @ kernel @ basis)
    values, vectors = np.maximum(values, 0.0), basis @ vectors
    # In the eigenbasis observations are independent: the evidence then costs N operations a time, not N^3.
    z = (vectors.T @ rewards) ** 2

    def cost(theta: F8) -> tuple[float, F8]:
        a, n = np.exp(theta)
        variance = a * values + n + JITTER
        slope = 0.5 * (1.0 / variance - z / variance**2)
        off = (theta - np.array([AMPLITUDE[0], NOISE[0]])) / np.array([AMPLITUDE[1], NOISE[1]])
        value = 0.5 * float((np.log(variance) + z / variance).sum()) + 0.5 * float((off**2).sum())
        own = np.array([float((slope * a * values).sum()), float(n * slope.sum())])
        return value, own + off / np.array([AMPLITUDE[1], NOISE[1]])

    limits, found = list(LIMITS), []
    if amplitude is not None:
        limits[0] = (np.log(amplitude), np.log(amplitude))
    # The evidence may have two maxima: all noise, or hardly any.
    for start in (np.log(0.02), np.log(0.5)):
        first = np.clip(np.array([0.0, start]), [b[0] for b in limits], [b[1] for b in limits])
        found.append(scipy.optimize.minimize(cost, first, jac=True, method="L-BFGS-B", bounds=limits))
    best = min(found, key=lambda x: float(x.fun))
    a, n = np.exp(best.x)
    return Regression(vectors, values, float(a), float(n))


def draw_weights(
    regression: Regression,
    features: Float32[np.ndarray, "N P"],
    rewards: Float64[np.ndarray, " N"],
    prior: Float32[np.ndarray, "M P"],
    perturbation: Float64[np.ndarray, "M N"],
) -> Float32[np.ndarray, "M P"]:
    """Return one draw of the weights for each draw of prior and noise; zeros in their place give the mean.

    Args:
        regression: of these observations.
        features, rewards: the observations.
        prior: standard normal.
        perturbation: standard normal, of the observations.
    """
    # What the prior draw says wrongly of observations; the fit corrects that and leaves the rest of the draw.
    start = prior * np.float32(np.sqrt(regression.amplitude))
    wrong = rewards[None] + np.sqrt(regression.noise) * perturbation - (start @ features.T).astype(np.float64)
    alpha = regression.solve(wrong.T).T
    out: Float32[np.ndarray, "M P"] = start + np.float32(regression.amplitude) * (alpha.astype(np.float32) @ features)
    return out
