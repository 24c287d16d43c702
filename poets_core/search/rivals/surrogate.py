"""A Gaussian process over designs: fitted by scikit-learn, sampled exactly on pools and on whole product spaces."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from scipy.spatial.distance import pdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from poets_core.search.space import ProductSpace
from poets_core.types import F8, I8

JITTER = 1e-6
SHORTEST, LONGEST = 1.0, 10.0
"""Limits of the length scale, in units of the observations' median distance / sqrt 2. Below them the likelihood of few
observations takes all structure for noise, and Thompson sampling for uniform sampling."""
BLOCK = 8192
NGRAMS = 3


@dataclass(frozen=True)
class Surrogate:
    """A posterior over functions of features: k(x, x') = s^2 exp(-|x - x'|^2 / 2 l^2), noise on the diagonal.

    Attributes:
        x: f8 (N, D) features of the observations; y: f8 (N,) rewards, `mean` taken off.
        amplitude, length, noise: s^2, l and the noise variance.
        factor: lower Cholesky factor of K + noise, f8 (N, N).
        theta: logarithms of the kernel's parameters.
    """

    x: F8
    y: F8
    mean: float
    amplitude: float
    length: float
    noise: float
    factor: F8
    theta: F8

    def kernel(self, a: F8, b: F8) -> F8:
        """Prior covariance, f8 (n, m)."""
        square = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * a @ b.T
        return np.asarray(self.amplitude * np.exp(-np.maximum(square, 0.0) / (2.0 * self.length**2)))

    def solve(self, right: F8) -> F8:
        """(K + noise)^-1 right."""
        return np.asarray(scipy.linalg.cho_solve((self.factor, True), right))

    def predict(self, x: F8) -> tuple[F8, F8]:
        """Posterior mean and standard deviation of the function, f8 (n,) each."""
        across = self.kernel(x, self.x)
        half = scipy.linalg.solve_triangular(self.factor, across.T, lower=True)
        return self.mean + across @ self.solve(self.y), np.sqrt(np.maximum(self.amplitude - (half**2).sum(0), 0.0))

    def sample(self, x: F8, draws: int, rng: np.random.Generator) -> F8:
        """Joint draws from the posterior at n designs, f8 (draws, n)."""
        across = self.kernel(x, self.x)
        half = scipy.linalg.solve_triangular(self.factor, across.T, lower=True)
        covariance = self.kernel(x, x) - half.T @ half
        covariance[np.diag_indices_from(covariance)] += JITTER * self.amplitude
        root = np.linalg.cholesky(covariance)
        mean = self.mean + across @ self.solve(self.y)
        return np.asarray(mean + rng.standard_normal((draws, len(x))) @ root.T)

    def sample_space(self, space: ProductSpace, seen: I8, draws: int, rng: np.random.Generator) -> F8:
        """Draws from the posterior over a whole space, one-hot features, f8 (draws, S).

        The prior draw is exact, because the kernel is a product over positions; the
        observations enter by Matheron's rule (Wilson et al., arXiv 2002.09309).

        Args:
            seen: i8 (N,) where the observations lie in the space.
        """
        same = float(np.exp(-1.0 / self.length**2))  # correlation of two tokens at one position
        out = rng.standard_normal((draws, *space.shape)) * np.sqrt(self.amplitude)
        for axis, size in enumerate(space.shape, start=1):
            root = np.linalg.cholesky((1.0 - same + JITTER) * np.eye(size) + same)
            out = np.moveaxis(np.tensordot(out, root, axes=(axis, 1)), -1, axis)
        flat = out.reshape(draws, -1)
        noise = rng.standard_normal((draws, len(seen))) * np.sqrt(self.noise)
        weights = self.solve((self.y - flat[:, seen] - noise).T)
        for start in range(0, len(space), BLOCK):
            index = np.arange(start, min(start + BLOCK, len(space)))
            flat[:, index] += (self.kernel(one_hot(space.codes(index), space.shape), self.x) @ weights).T
        return np.asarray(flat + self.mean)


def fit_surrogate(x: F8, y: F8, theta: F8 | None = None, *, tune: bool = True) -> Surrogate:
    """Fit the process, its parameters by marginal likelihood.

    Args:
        x: f8 (N, D); y: f8 (N,).
        theta: the parameters to start from, or, unless they are to be tuned, to take.
    """
    mean = float(y.mean())
    if theta is not None and not tune:
        length = float(np.exp(theta[1]))
        kernel = _kernel(length, (length, length)).clone_with_theta(theta)
    else:
        pairs = pdist(x, "sqeuclidean")
        apart = float(np.sqrt(np.median(pairs) / 2.0)) if len(pairs) and np.median(pairs) > 0 else 1.0
        low, high = SHORTEST * apart, LONGEST * apart
        kernel = _kernel(apart, (low, high))
        if theta is not None:
            start = theta.copy()
            start[1] = np.clip(start[1], np.log(low), np.log(high))
            kernel = kernel.clone_with_theta(start)
    process = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer="fmin_l_bfgs_b" if tune else None)
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


def _kernel(length: float, bounds: tuple[float, float]) -> Any:
    return ConstantKernel(1.0, (1e-2, 1e2)) * RBF(length, bounds) + WhiteKernel(0.1, (1e-4, 10.0))


def one_hot(codes: I8, sizes: Sequence[int]) -> F8:
    """One-hot features, f8 (n, sum of sizes), of codes i8 (n, L): |x - x'|^2 is twice the Hamming distance."""
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    out = np.zeros((len(codes), int(np.sum(sizes))))
    np.put_along_axis(out, codes + offsets, 1.0, axis=1)
    return out


def sequence_features(sequences: Sequence[Sequence[int]]) -> F8:
    """Features of token sequences: one-hot by position where all are equally long, else n-grams up to three.

    n-gram counts enter by their square roots, scaled to length two, so
    that distances are of the size that the kernel's parameters expect.
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
    root = np.sqrt(counts)
    return np.asarray(2.0 * root / np.linalg.norm(root, axis=1, keepdims=True).clip(1e-12))
