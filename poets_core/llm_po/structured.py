"""What an experiment adds where a linear Bradley-Terry model is assumed: its fit, its exact rule, its allocation.

`Structured` and the functions on it are compiled; `StructuredRule` is what an experiment holds. Compiled functions
say shapes in words: K policies, d features, E = K (K - 1) / 2 pairs.

Source: LLM-PO (arXiv 2604.08779), structured space.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import expit, rel_entr
from scipy.stats import chi2

from poets_core.llm_po.bradley_terry import (
    RIDGE,
    bradley_terry_features,
    check_features,
    constrained_fit,
    curvature,
    exploration_share,
    primal_dual_step,
    sigmoid,
)
from poets_core.llm_po.compiled import compiled
from poets_core.types import F8

PRECISIONS = (0.3, 5.0)
"""Of the normal priors of the fits that predict, on features whose differences have a mean square of 1."""
EARLY = 8
"""A refit comes no later than after one comparison in so many, while there are few."""
SOLVES = 8
"""Primal-dual steps a refit."""
LEAST = 0.2
"""Smallest weight of a new iterate in the average of the proportions, which so follow the fit."""
FIT_LEVEL = 1e-3
"""The model is doubted when data that fit it so badly are less likely than this."""
FEWEST = 5
"""Comparisons of a pair before it counts in that test."""
SINCE, EVIDENCE, REFITS, LEADER, MARGIN = 0, 1, 2, 3, 4
"""Places in `Structured.numbers`."""


class Structured(NamedTuple):
    """Counts, fits and proportions; arrays are changed in place by `observe` and `refit`.

    Attributes:
        features: scaled; differences: those of every pair.
        first, second: the policies of each pair, first < second.
        n, wins: comparisons that were no ties, and how many of them `first` won; judged: ties too.
        thetas: the fits that predict, one for each prior, made of answers before the last refit only.
        predicted: the probability that `first` wins, by each of these fits and its uncertainty.
        likelihood: log-likelihood of each one's predictions, nats.
        fitted: the maximum-likelihood fit at the last refit.
        rivals: per policy the best fit in which it is as good as the leader.
        alternatives, dual, share, g, value: see `bradley_terry.primal_dual_step`.
        average, target: the proportions that are tracked, and their sum over comparisons.
        numbers: comparisons since the last refit, log-likelihood of the predictions (nats), refits so far, leader,
            log evidence that the leader is the best.
    """

    features: Float64[np.ndarray, "K d"]
    differences: Float64[np.ndarray, "E d"]
    first: Int64[np.ndarray, " E"]
    second: Int64[np.ndarray, " E"]
    n: Float64[np.ndarray, " E"]
    wins: Float64[np.ndarray, " E"]
    judged: Float64[np.ndarray, " E"]
    thetas: Float64[np.ndarray, "priors d"]
    predicted: Float64[np.ndarray, "priors E"]
    likelihood: Float64[np.ndarray, " priors"]
    fitted: Float64[np.ndarray, " d"]
    rivals: Float64[np.ndarray, "K d"]
    alternatives: Float64[np.ndarray, "K d"]
    dual: Float64[np.ndarray, " K"]
    share: Float64[np.ndarray, " E"]
    average: Float64[np.ndarray, " E"]
    target: Float64[np.ndarray, " E"]
    g: Float64[np.ndarray, "K E"]
    value: Float64[np.ndarray, " K"]
    numbers: Float64[np.ndarray, " 5"]


def new_structured(features: Float64[np.ndarray, "K d"]) -> Structured:
    """Return K policies before any comparison; `features` as `check_features` returns them."""
    k, d = features.shape
    first, second = np.triu_indices(k, 1)
    differences = features[first] - features[second]
    # The priors' precisions mean the same for features in any unit.
    scale = np.sqrt((differences**2).mean())
    x, differences = np.ascontiguousarray(features / scale), np.ascontiguousarray(differences / scale)
    pairs, m = len(first), len(PRECISIONS)
    uniform = np.full(pairs, 1.0 / pairs)
    return Structured(
        features=x,
        differences=differences,
        first=first.astype(np.int64),
        second=second.astype(np.int64),
        n=np.zeros(pairs),
        wins=np.zeros(pairs),
        judged=np.zeros(pairs),
        thetas=np.zeros((m, d)),
        predicted=np.full((m, pairs), 0.5),
        likelihood=np.zeros(m),
        fitted=np.zeros(d),
        rivals=np.zeros((k, d)),
        alternatives=np.zeros((k, d)),
        dual=np.full(k, 1.0 / k),
        share=uniform.copy(),
        average=uniform.copy(),
        target=np.zeros(pairs),
        g=np.zeros((k, pairs)),
        value=np.zeros(k),
        numbers=np.zeros(5),
    )


def refit_every(policies: int) -> int:
    """Comparisons between two refits: 10, 20, 40, 80 of 4, 8, 16, 32 policies."""
    return max(1, 5 * policies // 2)


@compiled
def pair_of(i: int, j: int, k: int) -> int:
    """Place of the pair i < j among all K (K - 1) / 2."""
    return i * (2 * k - i - 1) // 2 + j - i - 1


@compiled
def count(state: Structured, e: int) -> None:
    """Count that the e-th pair was judged, a tie or not, and move the targets on."""
    # Tracking the sum of the proportions so far, not the last ones, is what makes their errors average out.
    mixed = exploration_share(int(state.judged.sum()), len(state.n))
    state.judged[e] += 1.0
    for f in range(len(state.n)):
        state.target[f] += (1.0 - mixed) * state.average[f] + mixed / len(state.n)


@compiled
def observe(state: Structured, i: int, j: int) -> None:
    """Take in that i was preferred to j; the prediction of it was made before."""
    k = len(state.features)
    e = pair_of(min(i, j), max(i, j), k)
    for m in range(len(state.likelihood)):
        p = state.predicted[m, e]
        state.likelihood[m] += log(p if i < j else 1.0 - p)
    # The mean over priors of their likelihoods is again the likelihood of predictions, so that no prior has to be
    # chosen; in logarithms, without underflow.
    top = state.likelihood.max()
    state.numbers[EVIDENCE] = top + log(np.exp(state.likelihood - top).mean())
    count(state, e)
    state.n[e] += 1.0
    state.wins[e] += i < j
    state.numbers[SINCE] += 1.0


@compiled
def due(state: Structured, every: int) -> bool:
    """Whether a refit is due: `every` so many comparisons, more often at first."""
    return bool(state.numbers[SINCE] >= min(every, 1.0 + state.judged.sum() / EARLY))


@compiled
def refit(state: Structured, allocate: bool) -> None:
    """Fit anew, judge the leader by the exact rule and, to `allocate`, take the proportions a few steps further.

    The exact rule: the likelihood of all answers as they were predicted (the mean over priors), over the largest
    likelihood with some other policy as good as the leader. Its expectation is at most 1 at any stopping time if the
    leader is not the best, so it exceeds 1/delta ever with probability at most delta.
    """
    total = state.n.sum()
    p = np.full(len(state.n), 0.5)
    for e in range(len(p)):
        if state.n[e] > 0.0:
            p[e] = state.wins[e] / state.n[e]
    _predict(state, p)
    # The fit without a prior names the leader. The ridge only keeps scores finite where one policy has won every
    # comparison.
    ridge = RIDGE * max(total, 1.0)
    constrained_fit(state.n, p, state.differences, np.zeros(len(state.fitted)), state.fitted, ridge)
    scores = state.features @ state.fitted
    leader = int(scores.argmax())
    # With another leader the constraints are others, and the warm starts would lie far off.
    if leader != int(state.numbers[LEADER]) or state.numbers[REFITS] == 0.0:
        k = len(state.features)
        state.dual[:] = 1.0 / k
        for j in range(k):
            state.rivals[j] = state.fitted
            state.alternatives[j] = state.thetas[0]
    state.numbers[MARGIN], state.numbers[LEADER] = _margin(state, p, leader, ridge), leader
    state.numbers[REFITS] += 1.0
    state.numbers[SINCE] = 0.0
    if allocate:
        _follow(state)


@compiled
def _predict(state: Structured, p: F8) -> None:
    """Fit under each prior and write down what each expects of comparisons to come; p (E,) are the shares won."""
    nothing = np.zeros(state.features.shape[1])
    for m in range(len(PRECISIONS)):
        theta, precision = state.thetas[m], PRECISIONS[m]
        constrained_fit(state.n, p, state.differences, nothing, theta, precision)
        # Averaged over Laplace's posterior by MacKay's approximation of the logistic integral: while little is known
        # predictions stay near 1/2, where a wrong one costs little evidence.
        covariance = np.linalg.inv(curvature(state.n, state.differences, theta, precision))
        for e in range(len(p)):
            z = state.differences[e] @ theta
            variance = state.differences[e] @ (covariance @ state.differences[e])
            state.predicted[m, e] = sigmoid(z / sqrt(1.0 + pi * variance / 8.0))


@compiled
def _margin(state: Structured, p: F8, leader: int, ridge: float) -> float:
    """Log evidence that the leader is the best, nats: least over the rivals that could be as good."""
    margin = np.inf
    for j in range(len(state.features)):
        if j != leader:
            c = state.features[leader] - state.features[j]
            # Minus the largest log-likelihood with j as good as the leader; on the boundary of "at least as good",
            # where it is attained as long as the unconstrained fit prefers the leader.
            cost = constrained_fit(state.n, p, state.differences, c, state.rivals[j], ridge)
            margin = min(margin, state.numbers[EVIDENCE] + cost)
    return margin


@compiled
def _follow(state: Structured) -> None:
    """Improve the proportions for the fit that has predicted best."""
    theta = state.thetas[state.likelihood.argmax()]
    p = np.empty(len(state.n))
    for e in range(len(p)):
        p[e] = sigmoid(state.differences[e] @ theta)
    best = int((state.features @ theta).argmax())
    # A few warm steps a refit, never to the end: the target moves with every fit anyway.
    for _ in range(SOLVES):
        primal_dual_step(
            p,
            state.differences,
            state.features,
            best,
            state.alternatives,
            state.dual,
            state.share,
            state.g,
            state.value,
        )
    # Primal-dual iterates circle the optimum; their average converges.
    weight = max(2.0 / (state.numbers[REFITS] + 1.0), LEAST)
    state.average[:] = (1.0 - weight) * state.average + weight * state.share


@compiled
def track(state: Structured, waiting: F8) -> int:
    """The pair that is furthest behind its share of comparisons.

    Args:
        waiting: f8 (E,), handed out and not judged yet.
    """
    more = waiting.sum() + 1.0
    lag, at = np.inf, 0
    for e in range(len(state.n)):
        gap = state.judged[e] + waiting[e] - state.target[e] - more * state.average[e]
        if gap < lag:
            lag, at = gap, e
    return at


class StructuredRule:
    """The state of one experiment under the model; a pure function of the answers in their order."""

    def __init__(self, policies: int, features: Float64[np.ndarray, "K d"] | None) -> None:
        """Start without answers.

        Raises:
            InvalidComparisons: features that are not finite, not (K, d), or do not identify d parameters.
        """
        x = bradley_terry_features(policies) if features is None else check_features(features)
        self.state = new_structured(np.ascontiguousarray(x))
        self.policies, self._every = policies, refit_every(policies)

    def record(self, i: int, j: int, *, tie: bool) -> None:
        """Take in that i was preferred to j, or that the two tied."""
        if tie:
            count(self.state, pair_of(min(i, j), max(i, j), self.policies))
            return
        observe(self.state, i, j)
        if due(self.state, self._every):
            refit(self.state, True)

    def select(self, waiting: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Return the pair furthest behind the optimal proportions; `waiting` are handed out and not answered."""
        out = np.zeros(len(self.state.n))
        for i, j in waiting:
            out[pair_of(min(i, j), max(i, j), self.policies)] += 1.0
        e = track(self.state, out)
        return int(self.state.first[e]), int(self.state.second[e])

    def winner(self, delta: float) -> int | None:
        """Return the leader once the exact rule allows an error of delta and the model is not doubted, else None."""
        if self.margin < log(1.0 / delta) or self.doubted:
            return None
        return self.leader

    @property
    def leader(self) -> int:
        """The best policy at the last refit."""
        return int(self.state.numbers[LEADER])

    @property
    def margin(self) -> float:
        """Log evidence that the leader is the best, nats; 0 before the first refit."""
        return float(self.state.numbers[MARGIN])

    @property
    def fit(self) -> float:
        """Probability of data that fit the model as badly, by the likelihood ratio to one share per pair."""
        # G^2 is nearly chi-squared only where pairs have some comparisons each: the others are left out.
        s = self.state
        kept = s.n >= FEWEST
        degrees = int(kept.sum()) - s.features.shape[1]
        if degrees < 1:
            return 1.0
        p = expit(s.differences[kept] @ s.fitted).clip(1e-12, 1 - 1e-12)
        share = s.wins[kept] / s.n[kept]
        deviance = 2.0 * (s.n[kept] * (rel_entr(share, p) + rel_entr(1.0 - share, 1.0 - p))).sum()
        return float(chi2.sf(deviance, degrees))

    @property
    def doubted(self) -> bool:
        """Whether the data contradict the model: the unstructured rule then goes on alone."""
        return self.fit < FIT_LEVEL

    def weights(self) -> Float64[np.ndarray, "K K"]:
        """Return the proportions that are followed, symmetric: each pair's share in both places."""
        out = np.zeros((self.policies, self.policies))
        out[self.state.first, self.state.second] = out[self.state.second, self.state.first] = self.state.average
        return out
