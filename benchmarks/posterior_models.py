"""The models whose posteriors are compared: the branches of a search, and exact Gaussian processes over designs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Bool, Float64

from benchmarks.posterior_measures import Predictive
from benchmarks.posterior_sets import Place, function_values, teach
from poets_core.protocols import Round
from poets_core.search.poets.poets import PoetsSearch
from poets_core.search.rivals.surrogate import JITTER, NGRAMS, Surrogate, fit_surrogate, sequence_features
from poets_core.types import F8

LEAST_NOISE, MOST_NOISE = 1e-4, 10.0
"""Limits of every model's noise variance, those of the rivals' process."""
OURS, ONE_HOT, STRING = "ensemble", "one-hot process", "string process"
WIDENED = "ensemble, widened"
LIMIT, DRAWS = "posterior", 256
"""What branches of the exact fit are draws of, told by so many draws instead of by as many as there are branches."""
VALID = ", valid only"
"""Added to the names of models that have not learnt invalid designs as rewards below the worst."""
Tokens = Sequence[tuple[int, ...]]
Answer = Mapping[str, Mapping[str, Predictive]]
"""By model and set."""


@dataclass(frozen=True)
class Lesson:
    """What a model learns and what it is asked.

    Attributes:
        place: landscape and seed.
        rounds: the observations.
        tokens, rewards: the same at once, (N,), standardised by the scale of the whole history; invalid designs have
            the reward that every method learns of them.
        valid: bool (N,), which of them have a value.
        asked: tokens of the judged designs, by set.
        changes: settings of POETS, KEY=VALUE.
    """

    place: Place
    rounds: Sequence[Round]
    tokens: Tokens
    rewards: Float64[np.ndarray, " N"]
    valid: Bool[np.ndarray, " N"]
    asked: Mapping[str, Tokens]
    changes: Sequence[str] = ()

    def valid_only(self) -> Lesson:
        """Return the same without what was invalid."""
        rounds = []
        for candidates, told in self.rounds:
            kept = [(c, o) for c, o in zip(candidates, told, strict=True) if o.valid]
            rounds += [([c for c, _ in kept], [o for _, o in kept])] if kept else []
        tokens = [t for t, ok in zip(self.tokens, self.valid, strict=True) if ok]
        return replace(
            self, rounds=rounds, tokens=tokens, rewards=self.rewards[self.valid], valid=self.valid[self.valid]
        )


# -- the branches ------------------------------------------------------------


def ensemble(lesson: Lesson) -> Answer:
    """Teach POETS the observations round by round; its branches are samples of its posterior.

    `ensemble`: mean and covariance of the sample, plus the noise of an observation, which the method says (`noise`) or
    is estimated on what each branch has not learnt. `ensemble, widened`: the variance that the method's interval factor
    asks for instead. What that adds to the sample's is taken as each design's own: the factor is learnt from single
    errors, and says nothing of shared ones.
    """
    search = lesson.place.search(lesson.place.spec(lesson.place.shipped, lesson.changes))
    if not isinstance(search, PoetsSearch):
        raise TypeError(f"Expected a search with branches, got {type(search).__name__}.")
    teach(search, lesson.rounds)
    stated = getattr(search, "noise", None)
    noise = out_of_bag_noise(search) if stated is None else float(stated)
    factor = search.calibration.factor()
    out: dict[str, dict[str, Predictive]] = {OURS: {}, WIDENED: {}}
    for name, tokens in lesson.asked.items():
        values = function_values(search, tokens)
        sample = of_sample(values, noise)
        out[OURS][name] = sample
        out[WIDENED][name] = sample if factor is None else widened(sample, factor)
    return out


def posterior(lesson: Lesson) -> Answer:
    """Teach POETS as `ensemble` does, and draw its branches again and again; no answer where they learn by gradient.

    The covariance of ten designs from 32 draws is an estimate with directions of next to no variance, and its joint
    density pays for them. Many draws tell what is owed to that, and what to the posterior.
    """
    search = lesson.place.search(lesson.place.spec(lesson.place.shipped, lesson.changes))
    if not isinstance(search, PoetsSearch) or search.exact is None:
        return {}
    teach(search, lesson.rounds)
    drawn: dict[str, list[F8]] = {name: [] for name in lesson.asked}
    for k in range(-(-DRAWS // search.ensemble.branches)):
        search.redraw((1 + k) * DRAWS + lesson.place.seed)
        for name, tokens in lesson.asked.items():
            drawn[name].append(function_values(search, tokens))
    noise = float(search.noise) if search.noise is not None else LEAST_NOISE
    return {LIMIT: {name: of_sample(np.concatenate(values), noise) for name, values in drawn.items()}}


def of_sample(values: Float64[np.ndarray, "M n"], noise: float) -> Predictive:
    """Return the normal distribution with the moments of M sampled functions; one alone has no covariance."""
    n = values.shape[1]
    covariance = np.cov(values, rowvar=False).reshape(n, n) if len(values) > 1 else np.zeros((n, n))
    return Predictive(values.mean(0), covariance, np.full(n, np.clip(noise, LEAST_NOISE, MOST_NOISE)))


def widened(sample: Predictive, factor: float) -> Predictive:
    """Return the same means with factor^2 times the sample's variance for an observation."""
    variance = np.diagonal(sample.covariance)
    shrunk = min(1.0, factor) ** 2 * sample.covariance
    return Predictive(sample.mean, shrunk, np.maximum((factor**2 - min(1.0, factor) ** 2) * variance, LEAST_NOISE))


def out_of_bag_noise(search: PoetsSearch) -> float:
    """Return the most likely noise variance, given what branches predict of observations that their bootstrap left out.

    With fewer than two such branches for every observation the residuals of all branches stand in.
    """
    history, prediction = search.history, search.prediction()
    values = prediction.delta + prediction.baseline[:, history.encoded.prompt]
    outside = history.weights == 0
    if not (outside.sum(0) >= 2).any():
        outside = np.ones_like(outside)
    known = history.known & (outside.sum(0) >= min(2, len(values)))
    values, outside, count = values[:, known], outside[:, known], outside[:, known].sum(0)
    mean = (outside * values).sum(0) / count
    variance = (outside * (values - mean) ** 2).sum(0) / np.maximum(count - 1, 1)
    # The mean of the few branches that left an observation out is less sure than that of all.
    variance = variance * (1.0 + 1.0 / count - 1.0 / len(values))
    return likely_noise(history.rewards()[known] - mean, variance)


def likely_noise(residual: Float64[np.ndarray, " n"], variance: Float64[np.ndarray, " n"]) -> float:
    """Return the noise variance under which residuals are most likely, each normal with its own variance besides."""

    def cost(log_noise: float) -> float:
        total = variance + np.exp(log_noise)
        return float((np.log(total) + residual**2 / total).sum())

    # Two likelihoods may lie apart where variances differ much: a grid first, the best of it polished.
    grid = np.linspace(np.log(LEAST_NOISE), np.log(MOST_NOISE), 47)
    best = int(np.argmin([cost(x) for x in grid]))
    limits = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return float(np.exp(scipy.optimize.minimize_scalar(cost, bounds=limits, method="bounded").x))


# -- Gaussian processes ---------------------------------------------------------


def _with_valid_only(lesson: Lesson, name: str, fit: Callable[[Lesson], dict[str, Predictive]]) -> Answer:
    """Fit a process to everything, as the rivals do, and to the valid designs alone.

    The two differ by much where validity is no smooth function of the design: the likelihood then calls everything
    noise, what is known of valid designs included.
    """
    whole = fit(lesson)
    return {name: whole, name + VALID: whole if lesson.valid.all() else fit(lesson.valid_only())}


def one_hot_process(lesson: Lesson) -> dict[str, Predictive]:
    """Fit the process of the rivals from scratch: one-hot where designs are equally long, else n-grams."""
    x = sequence_features([*lesson.tokens, *(t for asked in lesson.asked.values() for t in asked)])
    n = len(lesson.tokens)
    surrogate = fit_surrogate(x[:n], lesson.rewards)
    out: dict[str, Predictive] = {}
    for name, asked in lesson.asked.items():
        out[name] = of_surrogate(surrogate, x[n : n + len(asked)])
        n += len(asked)
    return out


def of_surrogate(surrogate: Surrogate, x: Float64[np.ndarray, "n D"]) -> Predictive:
    """Return the posterior of a fitted process at n designs."""
    half = scipy.linalg.solve_triangular(surrogate.factor, surrogate.kernel(surrogate.x, x), lower=True)
    mean, _ = surrogate.predict(x)
    return _posterior(mean, surrogate.kernel(x, x), half, surrogate.noise)


def _posterior(mean: F8, prior: F8, half: F8, noise: float) -> Predictive:
    covariance = prior - half.T @ half
    covariance[np.diag_indices_from(covariance)] += JITTER
    return Predictive(mean, covariance, np.full(len(mean), max(noise, LEAST_NOISE)))


def string_process(lesson: Lesson) -> dict[str, Predictive]:
    """Fit a process whose kernel is a weighted sum of `string_parts`, weights and noise by marginal likelihood.

    That of the rival `string-gp` is no yardstick here: on instability-60 with 400 calls (three histories, seeds 100 and
    101) its density of single rewards is .1 to 1.1 nats worse.
    """
    everything = [*lesson.tokens, *(t for asked in lesson.asked.values() for t in asked)]
    parts = string_parts(everything, len(lesson.tokens))
    n, mean = len(lesson.tokens), float(lesson.rewards.mean())
    y = lesson.rewards - mean
    weights, noise = tuned_weights([p(slice(0, n), slice(0, n)) for p in parts], y)

    def kernel(a: slice, b: slice) -> F8:
        return np.asarray(sum(w * p(a, b) for w, p in zip(weights, parts, strict=True)))

    train = slice(0, n)
    root = np.linalg.cholesky(kernel(train, train) + (noise + JITTER) * np.eye(n))
    alpha = scipy.linalg.cho_solve((root, True), y)
    out: dict[str, Predictive] = {}
    start = n
    for name, asked in lesson.asked.items():
        own = slice(start, start + len(asked))
        across = kernel(train, own)
        half = scipy.linalg.solve_triangular(root, across, lower=True)
        out[name] = _posterior(mean + across.T @ alpha, kernel(own, own), half, noise)
        start += len(asked)
    return out


Part = Callable[[slice, slice], F8]
"""One part of a kernel between two stretches of the designs, of mean variance 1 over the observations."""
LENGTHS = (1.0, 4.0, 16.0)
"""Substitutions over which correlations of the edit parts fall to 1 / e."""


def string_parts(tokens: Tokens, observed: int) -> list[Part]:
    """Return kernels over token sequences: frequencies of n-grams up to three, and substitutions.

    Of n-grams a linear kernel for each n: counts over the number of n-grams, the end token included, centred on the
    observations. The edit parts are exp(-substitutions / length) between designs of one length and 0 between others.

    Args:
        tokens: observations first.
        observed: how many they are.
    """
    parts: list[Part] = []
    for n in range(1, NGRAMS + 1):
        words: dict[tuple[int, ...], int] = {}
        rows, columns, share = [], [], []
        for row, s in enumerate(tokens):
            for at in range(len(s) - n + 1):
                rows.append(row)
                columns.append(words.setdefault(tuple(s[at : at + n]), len(words)))
                share.append(1.0 / (len(s) - n + 1))
        frequency = np.zeros((len(tokens), max(1, len(words))))
        np.add.at(frequency, (rows, columns), share)
        frequency -= frequency[:observed].mean(0)
        frequency /= np.sqrt(max(1e-12, float((frequency[:observed] ** 2).sum(1).mean())))
        parts.append(lambda a, b, f=frequency: np.asarray(f[a] @ f[b].T))  # type: ignore[misc]
    width = max(map(len, tokens))
    letters = {t: k for k, t in enumerate(sorted({t for s in tokens for t in s}))}
    hot = np.zeros((len(tokens), width, len(letters)), dtype=np.float32)
    for row, s in enumerate(tokens):
        hot[row, np.arange(len(s)), [letters[t] for t in s]] = 1.0
    flat, length = hot.reshape(len(tokens), -1), np.array([len(s) for s in tokens])

    def edit(a: slice, b: slice, scale: float) -> F8:
        apart = length[a, None] - (flat[a] @ flat[b].T).astype(np.float64)
        return np.where(length[a, None] == length[None, b], np.exp(-apart / scale), 0.0)

    return [*parts, *(lambda a, b, s=s: edit(a, b, s) for s in LENGTHS)]


def tuned_weights(
    parts: Sequence[Float64[np.ndarray, "N N"]], y: Float64[np.ndarray, " N"]
) -> tuple[Float64[np.ndarray, " parts"], float]:
    """Return the weights of kernels and the noise variance that make observations most likely.

    Args:
        parts: kernels of the observations.
        y: centred rewards.
    """
    n = len(y)

    def cost(theta: F8) -> tuple[float, F8]:
        scales = np.exp(theta)
        total = (scales[-1] + JITTER) * np.eye(n)
        for w, part in zip(scales, parts, strict=False):
            total += w * part
        root = np.linalg.cholesky(total)
        inverse = scipy.linalg.cho_solve((root, True), np.eye(n))
        alpha = inverse @ y
        # d/dw of -log N(y; 0, K) is (tr K^-1 P - a' P a) / 2, with P the part and a = K^-1 y.
        outer = inverse - np.outer(alpha, alpha)
        slopes = [0.5 * w * float((outer * part).sum()) for w, part in zip(scales, parts, strict=False)]
        slopes.append(0.5 * scales[-1] * float(np.trace(outer)))
        value = 0.5 * float(y @ alpha) + float(np.log(np.diagonal(root)).sum())
        return value, np.array(slopes)

    start = np.log(np.append(np.full(len(parts), max(1e-3, float(y.var())) / len(parts)), 0.1))
    limits = [(np.log(1e-5), np.log(1e2))] * len(parts) + [(np.log(LEAST_NOISE), np.log(MOST_NOISE))]
    found = scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 60})
    scales = np.exp(found.x)
    return scales[:-1], float(scales[-1])


MODELS: Mapping[str, Callable[[Lesson], Answer]] = {
    OURS: ensemble,
    LIMIT: posterior,
    OURS + VALID: lambda lesson: {k + VALID: v for k, v in ensemble(lesson.valid_only()).items()},
    ONE_HOT: lambda lesson: _with_valid_only(lesson, ONE_HOT, one_hot_process),
    STRING: lambda lesson: _with_valid_only(lesson, STRING, string_process),
}
"""By the name of what they answer first."""
USUAL = (OURS, LIMIT, ONE_HOT, STRING)
"""What is judged unless others are asked for."""
