"""The state of K policies' comparisons, kept up to date at O(K) a comparison, and what it decides."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, pi
from typing import NamedTuple

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.types import F8, I8

OPEN, WINNER, NONE = 0, 1, 2
"""What `decide` says: more comparisons are needed; a policy is the best; none beats all others."""


class Duels(NamedTuple):
    """Counts and evidence; arrays are changed in place by `won` and `tied`.

    Attributes:
        wins: i8 (K, K), how often the row was preferred to the column.
        judged: i8 (K, K), symmetric, comparisons handed out, ties included.
        against: f8 (K, K), log evidence that the row does not hold its own against the column: that its win
            probability is below `bound`.
        shown: f8 (K, K), log evidence that it is above.
        terms: f8 (K, K), what each opponent adds to `score`.
        score: f8 (K,), S_j: log evidence that j is not the winner.
        low: f8 (K,), smallest `shown` of each row.
        bound: 1/2 less the indifference zone.
    """

    wins: I8
    judged: I8
    against: F8
    shown: F8
    terms: F8
    score: F8
    low: F8
    bound: float


@compiled
def log_evidence_at(wins: int, losses: int, bound: float) -> float:
    """log E against a win probability of `bound` or more; see `poets_core.llm_po.stopping.log_evidence`."""
    n = wins + losses
    if n == 0:
        return 0.0
    mixture = lgamma(wins + 0.5) + lgamma(losses + 0.5) - lgamma(n + 1.0) - log(pi)
    largest = 0.0
    if wins <= bound * n:
        if wins > 0:
            largest += wins * log(bound)
        if losses > 0:
            largest += losses * log1p(-bound)
    else:
        largest += wins * log(wins / n)
        if losses > 0:
            largest += losses * log(losses / n)
    return mixture - largest


@compiled
def kl_at(a: float, b: float) -> float:
    """kl(a, b) of Bernoulli distributions, nats; b strictly between 0 and 1."""
    out = 0.0
    if a > 0.0:
        out += a * log(a / b)
    if a < 1.0:
        out += (1.0 - a) * log((1.0 - a) / (1.0 - b))
    return out


@compiled
def _term(log_e: float, rho: float) -> float:
    """log(1 - rho + rho e^x), without overflow."""
    if log_e > 0.0:
        return log_e + log(rho + (1.0 - rho) * exp(-log_e))
    return log(1.0 - rho + rho * exp(log_e)) if rho < 1.0 else log_e


@compiled
def new_duels(k: int, bound: float) -> Duels:
    """K policies before any comparison."""
    shown = np.zeros((k, k))
    for i in range(k):
        shown[i, i] = np.inf
    counts = np.zeros((2, k, k), dtype=np.int64)
    return Duels(
        counts[0], counts[1], np.zeros((k, k)), shown, np.zeros((k, k)), np.zeros(k), np.zeros(k), bound
    )  # fmt: skip


@compiled
def refresh(duels: Duels, i: int, j: int) -> None:
    """Bring what follows from `wins` up to date for the duel of i and j."""
    k = len(duels.score)
    rho = 1.0 / (k - 1)
    for a, b in ((i, j), (j, i)):
        w, lost = duels.wins[a, b], duels.wins[b, a]
        duels.against[a, b] = log_evidence_at(w, lost, duels.bound)
        # above `bound` as a winner is below 1 - `bound` as a loser
        duels.shown[a, b] = log_evidence_at(lost, w, 1.0 - duels.bound)
        duels.terms[a, b] = _term(duels.against[a, b], rho)
    for a in (i, j):
        total, low = 0.0, np.inf
        for b in range(k):
            total += duels.terms[a, b]
            low = min(low, duels.shown[a, b])
        duels.score[a], duels.low[a] = total, low


@compiled
def won(duels: Duels, i: int, j: int, times: int) -> None:
    """Count that i was preferred to j; a negative number of `times` takes comparisons back."""
    duels.wins[i, j] += times
    duels.judged[i, j] += times
    duels.judged[j, i] += times
    refresh(duels, i, j)


@compiled
def tied(duels: Duels, i: int, j: int, times: int) -> None:
    """Count comparisons of i and j that say nothing: ties, or pairs handed out and not answered."""
    duels.judged[i, j] += times
    duels.judged[j, i] += times


@compiled
def decide(duels: Duels, delta: float, assume: bool) -> tuple[int, int]:
    """Return `OPEN`, `WINNER` or `NONE`, and the winner (-1 without one).

    Assuming that a Condorcet winner exists, it is the only policy left. Otherwise a winner needs all its
    duels shown, and that there is none needs every policy excluded at delta / 2.
    """
    k, left, at = len(duels.score), 0, -1
    if assume:
        for i in range(k):
            if duels.score[i] < log(1.0 / delta):
                left, at = left + 1, i
        if left == 1:
            return WINNER, at
        if duels.bound == 0.5:
            return OPEN, -1
    for i in range(k):
        if duels.low[i] >= log(2.0 * k / delta):
            return WINNER, i
        left += duels.score[i] < log(2.0 / delta)
    return (NONE, -1) if left == 0 and not assume else (OPEN, -1)
