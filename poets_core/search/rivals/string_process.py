"""A Gaussian process on strings: a sum of kernels, one for words of each length and one for positions.

Words may have gaps, which makes this the sub-sequence kernel of Lodhi et al. (2002) that BOSS searches with (Moss et
al., arXiv 2010.00979), cut off at `MOST_GAP` skipped tokens. There the match decay weighs words of different lengths;
here each length has a variance and a length scale of its own, and marginal likelihood finds them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse
from jaxtyping import Float64

from poets_core.protocols import Check, unheard
from poets_core.search.rivals.surrogate import JITTER, LONGEST, SHORTEST, Process
from poets_core.types import F8

MOST_GAP = 3
"""Tokens that a word may skip in all; with a decay of a half a word with four gaps would count a sixteenth."""
STEPS = 30
"""Steps of the search for parameters, which goes on from where it was in the last round."""
VARIANCE, NOISE = (1e-3, 1e2), (1e-3, 10.0)
"""Limits of a part's variance and of the noise variance; rewards have variance one."""


@dataclass(frozen=True)
class StringProcess(Process):
    """A process over k(x, x') = sum_j s_j^2 exp(-|x_j - x'_j|^2 / 2 l_j^2), x_j the columns of part j.

    Attributes:
        ends: where each part's columns end.
        variances, lengths: s_j^2 and l_j.
    """

    ends: tuple[int, ...]
    variances: Float64[np.ndarray, " parts"]
    lengths: Float64[np.ndarray, " parts"]

    @property
    def variance(self) -> float:
        """See `Process`."""
        return float(self.variances.sum())

    def kernel(self, a: Float64[np.ndarray, "n D"], b: Float64[np.ndarray, "m D"]) -> Float64[np.ndarray, "n m"]:
        """Return the covariance of the process before any observation, without noise."""
        # A product would be small as soon as one part differs; a sum lets designs be alike by their words alone.
        out = np.zeros((len(a), len(b)))
        for part, s, length in zip(parts_of(self.ends), self.variances, self.lengths, strict=True):
            out += s * np.exp(-word_distances(a[:, part], b[:, part]) / (2.0 * length**2))
        return out


def parts_of(ends: Sequence[int]) -> list[slice]:
    """Return the columns of each part."""
    return [slice(start, end) for start, end in zip((0, *ends[:-1]), ends, strict=True)]


def word_distances(a: Float64[np.ndarray, "n D"], b: Float64[np.ndarray, "m D"]) -> Float64[np.ndarray, "n m"]:
    """Return |a - b|^2 of every pair."""
    # Of thousands of words a design holds a few dozen: a sparse product is a hundred times faster than a full one.
    across = (scipy.sparse.csr_array(a) @ scipy.sparse.csr_array(b).T).toarray()
    return np.asarray(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * across, 0.0))


def string_features(
    sequences: Sequence[Sequence[int]], longest: int, gap_decay: float
) -> tuple[Float64[np.ndarray, "n D"], tuple[int, ...]]:
    """Return the features of n token sequences, and where each part's columns end.

    Part j counts words of j + 1 tokens, as shares of all words of a design, so that long designs are not far from
    everything. The last part is one-hot by position from the left.

    Args:
        sequences: token ids; D depends on what they hold, so what is compared must be passed at once.
        longest: tokens of the longest words.
        gap_decay: what a word is multiplied by for each token that it skips; 0: no gaps.
    """
    known = {w: k for k, w in enumerate(sorted({w for s in sequences for w in s}))}
    codes = [np.array([known[w] for w in s], dtype=np.int64) for s in sequences]
    parts = [_words(codes, len(known), n, gap_decay) for n in range(1, longest + 1)]
    positions = np.zeros((len(codes), max(map(len, codes)), len(known)))
    for row, code in enumerate(codes):
        positions[row, np.arange(len(code)), code] = 1.0
    parts.append(positions.reshape(len(codes), -1))
    return np.concatenate(parts, axis=1), tuple(np.cumsum([p.shape[1] for p in parts]).tolist())


def _words(codes: Sequence[np.ndarray], letters: int, n: int, decay: float) -> Float64[np.ndarray, "N words"]:
    """Count words of n tokens."""
    rows, words, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    # Every way to place n tokens: the steps between them, 1 where nothing is skipped.
    ways = itertools.product(range(1, 2 + MOST_GAP if decay > 0.0 else 2), repeat=n - 1)
    for steps in ways:
        skipped = sum(steps) - (n - 1)
        if skipped > MOST_GAP:
            continue
        at = np.cumsum([0, *steps])
        for row, code in enumerate(codes):
            count = len(code) - int(at[-1])
            if count > 0:
                # A word is a number to the base of the alphabet.
                number = np.zeros(count, dtype=np.int64)
                for shift in at.tolist():
                    number = number * letters + code[shift : shift + count]
                rows.append(np.full(count, row))
                words.append(number)
                weights.append(np.full(count, decay**skipped))
    columns, place = np.unique(np.concatenate(words), return_inverse=True)
    out = np.zeros((len(codes), max(1, len(columns))))
    np.add.at(out, (np.concatenate(rows), place), np.concatenate(weights))
    # Shares, not counts: a property such as a mean over residues is linear in them, whatever the length.
    # A design shorter than the word has none: it stays at zero.
    return np.asarray(out / out.sum(1, keepdims=True).clip(1e-12))


def fit_strings(
    x: Float64[np.ndarray, "N D"],
    ends: tuple[int, ...],
    y: Float64[np.ndarray, " N"],
    theta: Float64[np.ndarray, " parameters"] | None = None,
    *,
    tune: bool = True,
    check: Check = unheard,
) -> StringProcess:
    """Fit the process to N observations, its parameters by marginal likelihood.

    Args:
        x, ends: see `string_features`.
        y: rewards.
        theta: parameters to start from; without `tune` the parameters to take.
        tune: whether to fit the parameters.
        check: called before every evaluation of the likelihood.
    """
    squares = np.stack([word_distances(x[:, p], x[:, p]) for p in parts_of(ends)])
    centred = y - y.mean()
    usual, limits = _limits(squares)
    found: F8 = usual if theta is None else theta
    if tune:

        def heard(at: F8) -> tuple[float, F8]:
            check()
            return loss(at, squares, centred)

        # Limits move with the distances of the data, and what the last round found may lie beyond them now.
        start: F8 = np.clip(found, limits.lb, limits.ub)
        found = scipy.optimize.minimize(
            heard, start, method="L-BFGS-B", jac=True, bounds=limits, options={"maxiter": STEPS}
        ).x
    variances, lengths, noise = _read(found, len(ends))
    return StringProcess(
        x=x,
        y=centred,
        mean=float(y.mean()),
        noise=noise,
        factor=np.linalg.cholesky(_covariance(squares, variances, lengths, noise)[0]),
        theta=found,
        ends=ends,
        variances=variances,
        lengths=lengths,
    )


def _read(theta: F8, parts: int) -> tuple[F8, F8, float]:
    return np.exp(theta[:parts]), np.exp(theta[parts : 2 * parts]), float(np.exp(theta[-1]))


def _limits(squares: Float64[np.ndarray, "parts N N"]) -> tuple[F8, scipy.optimize.Bounds]:
    """Where parameters begin and how far they may go: length scales follow the distances of the data."""
    # A part in which all designs agree has no distance: any scale will do.
    pairs = np.triu_indices(squares.shape[1], 1)
    apart = []
    for square in squares:
        middle = float(np.median(square[pairs])) if len(pairs[0]) else 0.0
        apart.append(np.sqrt(middle / 2.0) if middle > 0 else 1.0)
    scale, n = np.log(apart), len(squares)
    low = [*np.full(n, np.log(VARIANCE[0])), *(scale + np.log(SHORTEST)), np.log(NOISE[0])]
    high = [*np.full(n, np.log(VARIANCE[1])), *(scale + np.log(LONGEST)), np.log(NOISE[1])]
    # Twice the usual distance to begin with, which is nearly linear; likelihood shortens it where that pays.
    start = [*np.full(n, np.log(1.0 / n)), *(scale + np.log(2.0)), np.log(0.1)]
    return np.array(start), scipy.optimize.Bounds(np.array(low), np.array(high))


def _covariance(squares: F8, variances: F8, lengths: F8, noise: float) -> tuple[F8, F8]:
    """Return the covariance of the observations, and every part of it without noise."""
    parts = variances[:, None, None] * np.exp(-squares / (2.0 * lengths[:, None, None] ** 2))
    whole = parts.sum(0)
    whole[np.diag_indices_from(whole)] += noise + JITTER * float(variances.sum())
    return whole, parts


def loss(
    theta: Float64[np.ndarray, " parameters"],
    squares: Float64[np.ndarray, "parts N N"],
    y: Float64[np.ndarray, " N"],
) -> tuple[float, Float64[np.ndarray, " parameters"]]:
    """Return the negative log marginal likelihood and its gradient.

    Args:
        theta: logarithms of variances, length scales and noise variance.
        squares: squared distances of the observations, by part.
        y: centred rewards.
    """
    n = len(squares)
    variances, lengths, noise = _read(theta, n)
    whole, parts = _covariance(squares, variances, lengths, noise)
    factor = np.linalg.cholesky(whole)
    inverse = scipy.linalg.cho_solve((factor, True), np.eye(len(y)))
    weights = inverse @ y
    value = 0.5 * float(y @ weights) + float(np.log(np.diag(factor)).sum()) + 0.5 * len(y) * np.log(2.0 * np.pi)
    # d value / d theta = tr((K^-1 - w w') dK / d theta) / 2. For the logarithm of a part's variance dK is the part
    # itself, for that of its length scale the part times square / length^2.
    pull = 0.5 * (inverse - np.outer(weights, weights))
    jitter = JITTER * variances * np.trace(pull)
    by_variance = (parts * pull).sum((1, 2)) + jitter
    by_length = np.array([(parts[j] * squares[j] * pull).sum() / lengths[j] ** 2 for j in range(n)])
    return value, np.array([*by_variance, *by_length, noise * np.trace(pull)])
