"""Comparisons under a linear Bradley-Terry model: fit, exact stopping rule, tracked allocation; compiled."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np

from poets_core.llm_po.bradley_terry import RIDGE, closest, curvature, improve, sigmoid, spread
from poets_core.llm_po.compiled import compiled
from poets_core.types import F8, I8

PRECISIONS = (0.3, 5.0)
"""Of the normal priors of the fits that predict, on features whose differences have a mean square of 1."""
EARLY = 8
"""A refit comes no later than after one comparison in so many, while there are few."""
SOLVES = 8
"""Primal-dual steps a refit."""
LEAST = 0.2
"""Smallest weight of a new iterate in the average of the proportions, which so follow the fit."""
SINCE, EVIDENCE, REFITS, LEADER, MARGIN = 0, 1, 2, 3, 4
"""Places in `Structured.numbers`."""


class Structured(NamedTuple):
    """Arrays are changed in place by `observe` and `refit`.

    Attributes:
        features: f8 (K, d), scaled; differences: f8 (pairs, d).
        first, second: i8 (pairs,), the policies of each pair, first < second.
        n, wins: f8 (pairs,), comparisons that were no ties, and how many of them `first` won; judged: ties too.
        thetas: f8 (priors, d), the fits that predict, made of answers before the last refit only.
        predicted: f8 (priors, pairs), the probability that `first` wins, by each fit and its uncertainty.
        likelihood: f8 (priors,), log-likelihood of each one's predictions, nats.
        fitted: f8 (d,), the maximum-likelihood fit at the last refit.
        rivals: f8 (K, d), per policy the best fit in which it is as good as the leader.
        alternatives: f8 (K, d), turn: f8 (K,), share, average: f8 (pairs,), g: f8 (K, pairs), value: f8 (K,): see
            `bradley_terry.improve`; `average` is what is tracked, `target` (pairs,) its sum over comparisons.
        numbers: f8 (5,): comparisons since the last refit, log-likelihood of the predictions (nats), refits so far,
            leader, log evidence that the leader is the best.
    """

    features: F8
    differences: F8
    first: I8
    second: I8
    n: F8
    wins: F8
    judged: F8
    thetas: F8
    predicted: F8
    likelihood: F8
    fitted: F8
    rivals: F8
    alternatives: F8
    turn: F8
    share: F8
    average: F8
    target: F8
    g: F8
    value: F8
    numbers: F8


def new_structured(features: F8) -> Structured:
    """Policies before any comparison; `features` (K, d) as `structured.check_features` returns them."""
    k, d = features.shape
    first, second = np.triu_indices(k, 1)
    differences = features[first] - features[second]
    scale = np.sqrt((differences**2).mean())
    x, differences = np.ascontiguousarray(features / scale), np.ascontiguousarray(differences / scale)
    pairs, m = len(first), len(PRECISIONS)
    uniform = np.full(pairs, 1.0 / pairs)
    numbers = np.zeros(5)
    return Structured(
        x, differences, first.astype(np.int64), second.astype(np.int64),
        np.zeros(pairs), np.zeros(pairs), np.zeros(pairs), np.zeros((m, d)), np.full((m, pairs), 0.5), np.zeros(m),
        np.zeros(d),
        np.zeros((k, d)), np.zeros((k, d)),
        np.full(k, 1.0 / k), uniform.copy(), uniform.copy(), np.zeros(pairs), np.zeros((k, pairs)),
        np.zeros(k), numbers,
    )  # fmt: skip


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
    mixed = spread(int(state.judged.sum()), len(state.n))
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
    """Fit anew, judge the leader by the exact rule, and take the allocation a few steps further.

    The exact rule: the likelihood of all answers as they were predicted (the mean over priors), over the largest
    likelihood with some other policy as good as the leader. Its expectation is at most 1 at any stopping time if the
    leader is not the best, so it exceeds 1/delta ever with probability at most delta.
    """
    k, d = state.features.shape
    total = state.n.sum()
    p = np.full(len(state.n), 0.5)
    for e in range(len(p)):
        if state.n[e] > 0.0:
            p[e] = state.wins[e] / state.n[e]
    nothing = np.zeros(d)
    for m in range(len(PRECISIONS)):
        theta, precision = state.thetas[m], PRECISIONS[m]
        closest(state.n, p, state.differences, nothing, theta, precision)
        covariance = np.linalg.inv(curvature(state.n, state.differences, theta, precision))
        for e in range(len(p)):
            z = state.differences[e] @ theta
            variance = state.differences[e] @ (covariance @ state.differences[e])
            state.predicted[m, e] = sigmoid(z / sqrt(1.0 + pi * variance / 8.0))
    closest(state.n, p, state.differences, nothing, state.fitted, RIDGE * max(total, 1.0))
    scores = state.features @ state.fitted
    leader = int(scores.argmax())
    if leader != int(state.numbers[LEADER]) or state.numbers[REFITS] == 0.0:
        state.turn[:] = 1.0 / k
        for j in range(k):
            state.rivals[j] = state.fitted
            state.alternatives[j] = state.thetas[0]
    margin = np.inf
    for j in range(k):
        if j != leader:
            c = state.features[leader] - state.features[j]
            cost = closest(state.n, p, state.differences, c, state.rivals[j], RIDGE * max(total, 1.0))
            margin = min(margin, state.numbers[EVIDENCE] + cost)
    state.numbers[MARGIN], state.numbers[LEADER] = margin, leader
    state.numbers[REFITS] += 1.0
    state.numbers[SINCE] = 0.0
    if allocate:
        _follow(state)


@compiled
def _follow(state: Structured) -> None:
    """Improve the proportions for the fit that has predicted best."""
    theta = state.thetas[state.likelihood.argmax()]
    p = np.empty(len(state.n))
    for e in range(len(p)):
        p[e] = sigmoid(state.differences[e] @ theta)
    best = int((state.features @ theta).argmax())
    for _ in range(SOLVES):
        improve(
            p,
            state.differences,
            state.features,
            best,
            state.alternatives,
            state.turn,
            state.share,
            state.g,
            state.value,
        )
    weight = max(2.0 / (state.numbers[REFITS] + 1.0), LEAST)
    state.average[:] = (1.0 - weight) * state.average + weight * state.share


@compiled
def track(state: Structured, waiting: F8) -> int:
    """The pair that is furthest behind its share of comparisons.

    Args:
        waiting: f8 (pairs,), handed out and not judged yet.
    """
    more = waiting.sum() + 1.0
    lag, at = np.inf, 0
    for e in range(len(state.n)):
        gap = state.judged[e] + waiting[e] - state.target[e] - more * state.average[e]
        if gap < lag:
            lag, at = gap, e
    return at
