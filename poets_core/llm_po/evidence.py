"""Evidence from comparisons: what the counts of K policies say, and when they suffice for a verdict.

All evidence is an e-process: it may be looked at after every comparison, whatever rule chose the pairs, and still
exceeds 1/delta ever with probability at most delta if what it speaks against is true (Ville's inequality). The
state of an experiment is kept up to date at O(K) a comparison.

Source: LLM-PO (arXiv 2604.08779), anytime-valid stopping; Krichevsky and Trofimov (1981) for the mixture.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p, pi
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.llm_po.compiled import compiled
from poets_core.types import F8, I8

OPEN, WINNER, NONE = 0, 1, 2
"""What `decide` says: more comparisons are needed; a policy is the best; none beats all others."""


class Duels(NamedTuple):
    """Counts and evidence of every duel (two policies that are compared); arrays are changed in place.

    Attributes:
        wins: how often the row was preferred to the column.
        judged: symmetric; comparisons handed out, ties included.
        against: log evidence that the row's win probability against the column is below `bound`, so that the row
            does not hold its own.
        shown: log evidence that the row's win probability against the column is above `bound`.
        terms: what each opponent adds to `score`.
        score: S_j, log evidence that j is not the winner.
        low: smallest `shown` of each row.
        bound: 1/2 less the indifference zone.
        dependent: whether comparisons of different pairs may depend on each other, so that `score` is the best of a
            policy's duels at an equal share of the error, not their product.
    """

    wins: Int64[np.ndarray, "K K"]
    judged: Int64[np.ndarray, "K K"]
    against: Float64[np.ndarray, "K K"]
    shown: Float64[np.ndarray, "K K"]
    terms: Float64[np.ndarray, "K K"]
    score: Float64[np.ndarray, " K"]
    low: Float64[np.ndarray, " K"]
    bound: float
    dependent: bool = False


# -- one duel ------------------------------------------------------------


@compiled
def log_evidence_at(wins: int, losses: int, bound: float) -> float:
    """log E against a win probability of `bound` or more, in nats: see `log_evidence`."""
    n = wins + losses
    if n == 0:
        return 0.0
    # Jeffreys' Beta(1/2, 1/2) mixture: no probability has to be guessed, and it costs only about log(n) / 2 nats.
    mixture = lgamma(wins + 0.5) + lgamma(losses + 0.5) - lgamma(n + 1.0) - log(pi)
    # Dividing by the LARGEST likelihood of the hypothesis keeps E valid for every win probability in it.
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
def term(log_e: float, rho: float) -> float:
    """log(1 - rho + rho e^x), without overflow."""
    if log_e > 0.0:
        return log_e + log(rho + (1.0 - rho) * exp(-log_e))
    return log(1.0 - rho + rho * exp(log_e)) if rho < 1.0 else log_e


def log_evidence(wins: I8 | int, losses: I8 | int, bound: float = 0.5) -> Float64[np.ndarray, ...]:
    """log E against "the first policy of the pair wins with probability `bound` or more", elementwise, in nats.

    The likelihood averaged over Jeffreys' prior, over the largest likelihood with p >= bound. Its expectation is at
    most 1 at any stopping time if p >= bound.

    Args:
        wins, losses: of the first policy; ties are in neither.
        bound: 1/2, or less by an indifference zone.
    """
    w, lost = np.broadcast_arrays(np.asarray(wins, dtype=np.int64), np.asarray(losses, dtype=np.int64))
    return np.asarray(_evidence_of(w.ravel(), lost.ravel(), bound)).reshape(w.shape)


@compiled
def _evidence_of(wins: I8, losses: I8, bound: float) -> F8:
    out = np.empty(len(wins))
    for i in range(len(wins)):
        out[i] = log_evidence_at(wins[i], losses[i], bound)
    return out


# -- all duels, kept up to date ------------------------------------------


@compiled
def new_duels(k: int, bound: float, dependent: bool = False) -> Duels:
    """K policies before any comparison."""
    shown = np.zeros((k, k))
    for i in range(k):
        shown[i, i] = np.inf
    # A policy always holds its own against itself: infinity keeps the diagonal out of every minimum.
    counts = np.zeros((2, k, k), dtype=np.int64)
    zeros = np.zeros((2, k, k))
    return Duels(counts[0], counts[1], zeros[0], shown, zeros[1], np.zeros(k), np.zeros(k), bound, dependent)


@compiled
def refresh(duels: Duels, i: int, j: int) -> None:
    """Bring what follows from `wins` up to date for the duel of i and j."""
    for a, b in ((i, j), (j, i)):
        w, lost = duels.wins[a, b], duels.wins[b, a]
        # above `bound` as a winner is below 1 - `bound` as a loser
        place(duels, a, b, log_evidence_at(w, lost, duels.bound), log_evidence_at(lost, w, 1.0 - duels.bound))
    add_up(duels, i)
    add_up(duels, j)


@compiled
def place(duels: Duels, a: int, b: int, against: float, shown: float) -> None:
    """Set the evidence of a in its duel with b; `add_up` follows."""
    # An opponent that a beats has E near 0 and must not cancel what the others have shown: with this share of the
    # bet all K - 1 of them together cost at most 1.4 nats.
    rho = 1.0 / (len(duels.score) - 1)
    duels.against[a, b], duels.shown[a, b] = against, shown
    duels.terms[a, b] = against + log(rho) if duels.dependent else term(against, rho)


@compiled
def add_up(duels: Duels, a: int) -> None:
    """Bring a policy's `score` and `low` up to date with its duels."""
    # Summed anew, never added to: taking a comparison back must lead to the same bits.
    total, low = 0.0, np.inf
    for b in range(len(duels.score)):
        if duels.dependent:
            # Each duel's evidence exceeds (K - 1) / delta ever with probability delta / (K - 1) at most, however the
            # duels depend on each other and whatever rule stopped them: a product would count one surprise K - 1 times.
            total = max(total, duels.terms[a, b])
        else:
            total += duels.terms[a, b]
        low = min(low, duels.shown[a, b])
    duels.score[a], duels.low[a] = total, low


@compiled
def won(duels: Duels, i: int, j: int, times: int) -> None:
    """Count that i was preferred to j; a negative number of `times` takes comparisons back."""
    counted(duels, i, j, times)
    refresh(duels, i, j)


@compiled
def counted(duels: Duels, i: int, j: int, times: int) -> None:
    """Count that i was preferred to j, and leave the evidence as it is."""
    duels.wins[i, j] += times
    duels.judged[i, j] += times
    duels.judged[j, i] += times


@compiled
def tied(duels: Duels, i: int, j: int, times: int) -> None:
    """Count comparisons of i and j that say nothing: ties, or pairs handed out and not answered."""
    duels.judged[i, j] += times
    duels.judged[j, i] += times


def duels_of(
    wins: Int64[np.ndarray, "K K"], ties: Int64[np.ndarray, "K K"] | None = None, tie_zone: float = 0.0
) -> Duels:
    """Return the state after given comparisons.

    Its `score` is S_j, log evidence that policy j is not the Condorcet winner: the product over opponents of
    (1 - rho + rho E_jk), rho = 1 / (K - 1). Every factor is an e-process of its own comparisons, so the
    product is one for any order of them.

    Args:
        wins: entry (i, j) is how often i was preferred to j.
        ties: symmetric; they count as calls, not as evidence.
        tie_zone: policies whose win probability is within 1/2 +- tie_zone count as equally good.
    """
    wins = np.ascontiguousarray(wins, dtype=np.int64)
    duels = new_duels(len(wins), 0.5 - tie_zone)
    duels.wins[:] = wins
    duels.judged[:] = wins + wins.T
    for i in range(len(wins)):
        for j in range(i):
            refresh(duels, i, j)
            if ties is not None:
                tied(duels, i, j, int(ties[i, j]))
    return duels


# -- what is decided -----------------------------------------------------


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
        # With an indifference zone two policies may stay for ever, each as good as the other: then one that is
        # shown to be as good as every other is enough, below.
        if duels.bound == 0.5:
            return OPEN, -1
    # delta / 2 for "a winner", shared by K candidates for it (a union bound), and delta / 2 for "none". The K - 1
    # duels of one candidate need no correction: all of them must be shown.
    for i in range(k):
        if duels.low[i] >= log(2.0 * k / delta):
            return WINNER, i
        left += duels.score[i] < log(2.0 / delta)
    return (NONE, -1) if left == 0 and not assume else (OPEN, -1)


def confidence_set(duels: Duels, delta: float) -> list[int]:
    """Policies that cannot be excluded as the winner with error delta; valid at every moment."""
    return np.flatnonzero(duels.score < np.log(1.0 / delta)).tolist()
