"""The surrogate of the rivals: a Gaussian process over designs, fitted by scikit-learn and sampled exactly."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float64, Int64
from scipy.spatial.distance import pdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from poets_core.protocols import Check, unheard
from poets_core.search.space import ProductSpace
from poets_core.types import F8, I8

JITTER = 1e-6
"""Added to diagonals, in units of the amplitude, so that equal designs have a Cholesky factor."""
SHORTEST, LONGEST = 1.0, 10.0
"""Limits of the length scale, in units of the observations' median distance / sqrt 2. With a shorter one few
observations look like pure noise to the likelihood, and Thompson sampling becomes uniform sampling."""
BLOCK = 8192
"""Designs of a space that are computed at once."""
NGRAMS = 3
"""Longest n-gram that is counted."""


class Posterior(Protocol):
    """What a surrogate says after it was fitted, whatever it is made of."""

    def predict(self, x: F8) -> tuple[F8, F8]:
        """Return mean and standard deviation at n designs by their features (n, D)."""
        ...

    def sample(self, x: F8, draws: int, rng: np.random.Generator) -> F8:
        """Return draws of the reward function at n designs, (draws, n)."""
        ...


@dataclass(frozen=True)
class Process(ABC):
    """A Gaussian process after N observations, whatever its kernel.

    Attributes:
        x: features of the observations.
        y: their rewards, `mean` taken off.
        noise: the noise variance.
        factor: lower Cholesky factor of K + noise.
        theta: logarithms of the kernel's parameters.
    """

    x: Float64[np.ndarray, "N D"]
    y: Float64[np.ndarray, " N"]
    mean: float
    noise: float
    factor: Float64[np.ndarray, "N N"]
    theta: Float64[np.ndarray, " parameters"]

    @property
    @abstractmethod
    def variance(self) -> float:
        """Variance of the function at any design before observations."""

    @abstractmethod
    def kernel(self, a: Float64[np.ndarray, "n D"], b: Float64[np.ndarray, "m D"]) -> Float64[np.ndarray, "n m"]:
        """Return the covariance of the process before any observation, without noise."""

    def solve(self, right: Float64[np.ndarray, "N ..."]) -> Float64[np.ndarray, "N ..."]:
        """Return (K + noise)^-1 right."""
        return np.asarray(scipy.linalg.cho_solve((self.factor, True), right))

    def predict(self, x: Float64[np.ndarray, "n D"]) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
        """Return posterior mean and standard deviation of the function, without noise."""
        across = self.kernel(x, self.x)
        half = scipy.linalg.solve_triangular(self.factor, across.T, lower=True)
        return self.mean + across @ self.solve(self.y), np.sqrt(np.maximum(self.variance - (half**2).sum(0), 0.0))

    def sample(
        self, x: Float64[np.ndarray, "n D"], draws: int, rng: np.random.Generator
    ) -> Float64[np.ndarray, "draws n"]:
        """Return joint draws from the posterior at n designs."""
        across = self.kernel(x, self.x)
        half = scipy.linalg.solve_triangular(self.factor, across.T, lower=True)
        covariance = self.kernel(x, x) - half.T @ half
        covariance[np.diag_indices_from(covariance)] += JITTER * self.variance
        root = np.linalg.cholesky(covariance)
        mean = self.mean + across @ self.solve(self.y)
        return np.asarray(mean + rng.standard_normal((draws, len(x))) @ root.T)


@dataclass(frozen=True)
class Surrogate(Process):
    """A process over functions of features: k(x, x') = s^2 exp(-|x - x'|^2 / 2 l^2), noise on the diagonal.

    Attributes:
        amplitude, length: s^2 and l.
    """

    amplitude: float
    length: float

    @property
    def variance(self) -> float:
        """See `Process`."""
        return self.amplitude

    def kernel(self, a: Float64[np.ndarray, "n D"], b: Float64[np.ndarray, "m D"]) -> Float64[np.ndarray, "n m"]:
        """Return the covariance of the process before any observation, without noise."""
        return np.asarray(self.amplitude * np.exp(-squared_distances(a, b) / (2.0 * self.length**2)))

    def sample_space(
        self,
        space: ProductSpace,
        seen: Int64[np.ndarray, " N"],
        draws: int,
        rng: np.random.Generator,
        check: Check = unheard,
    ) -> Float64[np.ndarray, "draws S"]:
        """Return joint draws from the posterior over a whole space of S designs; `x` must be its one-hot features.

        Args:
            space: a product of positions.
            seen: where the observations lie in the space.
            draws: how many.
            rng: all randomness.
            check: called before every block of designs.
        """
        same = float(np.exp(-1.0 / self.length**2))  # correlation of two tokens at one position
        roots = [np.linalg.cholesky((1.0 - same + JITTER) * np.eye(size) + same) for size in space.shape]
        return self.sample_product(roots, lambda codes: one_hot(codes, space.shape), space, seen, draws, rng, check)

    def sample_product(
        self,
        roots: Sequence[Float64[np.ndarray, "K K"]],
        features: Callable[[I8], F8],
        space: ProductSpace,
        seen: Int64[np.ndarray, " N"],
        draws: int,
        rng: np.random.Generator,
        check: Check = unheard,
    ) -> Float64[np.ndarray, "draws S"]:
        """Return joint draws from the posterior over a whole space, whatever describes a position.

        Args:
            roots: for each position the lower Cholesky factor of its tokens' correlation.
            features: of designs by their codes (n, L), those that `x` is made of.
            space, seen, draws, rng, check: see `sample_space`.

        Source: Matheron's rule, Wilson et al., arXiv 2002.09309.
        """
        # S designs have a covariance of S^2 entries, too many to factor. But the kernel is a product over positions, so
        # its Cholesky factor is the Kronecker product of small ones: white noise, multiplied by one factor along each
        # axis, is an exact draw from the process before any observation.
        out = rng.standard_normal((draws, *space.shape)) * np.sqrt(self.amplitude)
        for axis, root in enumerate(roots, start=1):
            out = np.moveaxis(np.tensordot(out, root, axes=(axis, 1)), -1, axis)
        # Matheron's rule makes it a draw from the posterior: f + k(., X) (K + noise)^-1 (y - f(X) - e), with e drawn as
        # the noise of the observations is. What that draw says wrongly of them is corrected, and spread as the
        # kernel spreads it.
        flat = out.reshape(draws, -1)
        noise = rng.standard_normal((draws, len(seen))) * np.sqrt(self.noise)
        weights = self.solve((self.y - flat[:, seen] - noise).T)
        for start in range(0, len(space), BLOCK):
            check()
            index = np.arange(start, min(start + BLOCK, len(space)))
            flat[:, index] += (self.kernel(features(space.codes(index)), self.x) @ weights).T
        return np.asarray(flat + self.mean)


def fit_surrogate(
    x: Float64[np.ndarray, "N D"],
    y: Float64[np.ndarray, " N"],
    theta: Float64[np.ndarray, " parameters"] | None = None,
    *,
    tune: bool = True,
    check: Check = unheard,
) -> Surrogate:
    """Fit the process to N observations, its parameters by marginal likelihood.

    Args:
        x: features.
        y: rewards.
        theta: parameters to start from; without `tune` the parameters to take.
        tune: whether to fit the parameters.
        check: called before every evaluation of the likelihood.
    """
    mean = float(y.mean())
    if theta is not None and not tune:
        length = float(np.exp(theta[1]))
        kernel = _kernel(length, (length, length)).clone_with_theta(theta)
    else:
        # The scale of distances depends on features and on how far a search has narrowed, so bounds follow the data.
        pairs = pdist(x, "sqeuclidean")
        apart = float(np.sqrt(np.median(pairs) / 2.0)) if len(pairs) and np.median(pairs) > 0 else 1.0
        low, high = SHORTEST * apart, LONGEST * apart
        kernel = _kernel(apart, (low, high))
        if theta is not None:
            start = theta.copy()
            start[1] = np.clip(start[1], np.log(low), np.log(high))
            kernel = kernel.clone_with_theta(start)

    def fitted(
        likelihood: Callable[[F8], tuple[float, F8]], start: F8, bounds: Float64[np.ndarray, "parameters 2"]
    ) -> tuple[F8, float]:
        # What scikit-learn does by itself, but an evaluation of thousands of observations takes a second.
        def heard(theta: F8) -> tuple[float, F8]:
            check()
            return likelihood(theta)

        # Limits in scipy's own form, which it would make of the pairs anyway.
        limits = scipy.optimize.Bounds(bounds[:, 0], bounds[:, 1])
        found = scipy.optimize.minimize(heard, start, method="L-BFGS-B", jac=True, bounds=limits)
        return found.x, float(found.fun)

    process = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=fitted if tune else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound is an answer too
        process.fit(x, y - mean)
    found = process.kernel_
    return Surrogate(
        x=x,
        y=y - mean,
        mean=mean,
        amplitude=float(found.k1.k1.constant_value),
        length=float(found.k1.k2.length_scale),
        noise=float(found.k2.noise_level),
        factor=process.L_,
        theta=found.theta,
    )


def squared_distances(a: Float64[np.ndarray, "n D"], b: Float64[np.ndarray, "m D"]) -> Float64[np.ndarray, "n m"]:
    """Return |a - b|^2 of every pair."""
    # One product of matrices; rounding may take it below 0 for equal designs.
    return np.asarray(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * a @ b.T, 0.0))


def _kernel(length: float, bounds: tuple[float, float]) -> Any:
    return ConstantKernel(1.0, (1e-2, 1e2)) * RBF(length, bounds) + WhiteKernel(0.1, (1e-4, 10.0))


def one_hot(codes: Int64[np.ndarray, "n L"], sizes: Sequence[int]) -> Float64[np.ndarray, "n D"]:
    """Return one-hot features: |x - x'|^2 is twice the Hamming distance.

    Args:
        codes: which of its options stands at each position.
        sizes: (L,) options of each position; D is their sum.
    """
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    out = np.zeros((len(codes), int(np.sum(sizes))))
    np.put_along_axis(out, codes + offsets, 1.0, axis=1)
    return out


def letter_roots(
    letters: Float64[np.ndarray, "V D"], space: ProductSpace, length: float
) -> list[Float64[np.ndarray, "K K"]]:
    """Return for each position of a space the Cholesky factor of its tokens' correlation; see `sample_product`.

    Args:
        letters: features of each token.
        space: whose positions these are.
        length: scale of the kernel.
    """
    found = []
    for own in space.options:
        square = squared_distances(letters[own], letters[own])
        found.append(np.linalg.cholesky(np.exp(-square / (2.0 * length**2)) + JITTER * np.eye(len(own))))
    return found


def sequence_features(sequences: Sequence[Sequence[int]]) -> Float64[np.ndarray, "n D"]:
    """Return features of n token sequences: one-hot by position where all are equally long, else n-grams up to three.

    Args:
        sequences: token ids; D depends on what they hold, so what is compared must be passed at once.
    """
    lengths = {len(s) for s in sequences}
    words = {w: k for k, w in enumerate(sorted({w for s in sequences for w in s}))}
    if len(lengths) == 1:
        length = lengths.pop()
        codes = np.array([[words[w] for w in s] for s in sequences], dtype=np.int64).reshape(-1, length)
        return one_hot(codes, [len(words)] * length)
    grams: dict[tuple[int, ...], int] = {}
    rows, columns = [], []
    for row, s in enumerate(sequences):
        for n in range(1, NGRAMS + 1):
            for at in range(len(s) - n + 1):
                rows.append(row)
                columns.append(grams.setdefault(tuple(s[at : at + n]), len(grams)))
    counts = np.zeros((len(sequences), len(grams)))
    np.add.at(counts, (rows, columns), 1.0)
    # Square roots of counts, scaled to length two: no long sequence is far from everything, and distances are of the
    # size that the kernel's parameters expect.
    root = np.sqrt(counts)
    return np.asarray(2.0 * root / np.linalg.norm(root, axis=1, keepdims=True).clip(1e-12))
