"""How much each kind of feature counts: one amplitude for each block, chosen by evidence.

A sum of kernels, each with a variance of its own, is a Gaussian process whose parts marginal likelihood weighs against
one another (Rasmussen and Williams 2006, section 5.4; automatic relevance determination). What designs have in common
that does not matter for their value is so told from what does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float64, Int64

from poets_core.protocols import Check, unheard
from poets_core.search.poets.posterior import AMPLITUDE, JITTER, LIMITS, NOISE
from poets_core.types import F8

FIRST_STEPS, STEPS = 25, 8
"""Steps of the first search for parameters, and of later ones, which go on from where it was."""
FLAT = 100.0
"""Variance of a prompt's mean, in reward variances: as good as flat, and no observation need be projected."""
ROUNDING = 2e-5
"""Added to a kernel's diagonal, in units of its mean: features are in single precision."""


def block_evidence(
    kernels: Sequence[Float64[np.ndarray, "N N"]],
    rewards: Float64[np.ndarray, " N"],
    prompt: Int64[np.ndarray, " N"],
    start: Float64[np.ndarray, " parameters"] | None = None,
    *,
    check: Check = unheard,
) -> Float64[np.ndarray, " parameters"]:
    """Return the logarithms of the blocks' amplitudes and, last, of the noise.

    Args:
        kernels: of each block, mean diagonal about 1.
        rewards: standardised.
        prompt: of each observation; every prompt has a mean of its own.
        start: parameters of the last round.
        check: called before every evaluation.
    """
    blocks, n = len(kernels), len(rewards)
    rounded = [k + ROUNDING * float(np.trace(k)) / n * np.eye(n) for k in kernels]
    base = FLAT * (prompt[:, None] == prompt[None]).astype(np.float64) + JITTER * np.eye(n)
    mean = np.array([AMPLITUDE[0] - np.log(blocks)] * blocks + [NOISE[0]])
    deviation = np.array([AMPLITUDE[1]] * blocks + [NOISE[1]])

    def cost(theta: F8) -> tuple[float, F8]:
        check()
        a, noise = np.exp(theta[:-1]), float(np.exp(theta[-1]))
        whole = base + noise * np.eye(n)
        for amplitude, kernel in zip(a, rounded, strict=True):
            whole += amplitude * kernel
        factor = scipy.linalg.cholesky(whole, lower=True, overwrite_a=True, check_finite=False)
        inverse = np.tril(scipy.linalg.lapack.dpotri(factor, lower=1)[0])
        inverse += np.tril(inverse, -1).T
        weights = inverse @ rewards
        # d cost / d log a = a tr((K^-1 - w w') kernel) / 2, for noise the same with the identity.
        pull = 0.5 * (inverse - np.outer(weights, weights))
        slope = [x * float((pull * k).sum()) for x, k in zip(a, rounded, strict=True)]
        off = (theta - mean) / deviation
        value = 0.5 * float(rewards @ weights) + float(np.log(np.diag(factor)).sum()) + 0.5 * float((off**2).sum())
        return value, np.array([*slope, noise * float(np.trace(pull))]) + off / deviation

    limits = [LIMITS[0]] * blocks + [LIMITS[1]]
    # The evidence may have two maxima: all noise, or hardly any. Later rounds stay in the one that was found.
    starts = [start] if start is not None else [np.array([*mean[:-1], np.log(x)]) for x in (0.1, 0.5)]
    found = [
        scipy.optimize.minimize(
            cost,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=limits,
            options={"maxiter": FIRST_STEPS if start is None else STEPS},
        )
        for x in starts
    ]
    return np.asarray(min(found, key=lambda r: float(r.fun)).x)
