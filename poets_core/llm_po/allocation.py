"""Optimal proportions of comparisons where nothing is assumed of the win probabilities: closed forms.

Source: LLM-PO (arXiv 2604.08779), unstructured space. Under a Bradley-Terry model see `cutting_planes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.special import rel_entr

from poets_core.errors import InvalidComparisons
from poets_core.types import F8


@dataclass(frozen=True)
class Proportions:
    """How to spend comparisons, and how many it takes at least.

    Attributes:
        best: the Condorcet winner, None where there is none.
        weights: summing to 1; entry (k, j) is the share of comparisons in which k is to show that j
            is not the winner (without `assume_condorcet`: that j does not beat k, the winner).
        t_star: characteristic time; E[comparisons] >= t_star * kl(delta, 1 - delta) for error delta.
        gap: certified relative distance to the optimum; 0 for closed forms.
    """

    best: int | None
    weights: Float64[np.ndarray, "K K"]
    t_star: float
    gap: float = 0.0


def bernoulli_kl(a: F8 | float, b: F8 | float) -> Float64[np.ndarray, ...]:
    """kl(a, b) of Bernoulli distributions, nats, elementwise; 0 log 0 is 0.

    Args:
        a: means in [0, 1]; b: means in (0, 1).
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.asarray(rel_entr(a, b) + rel_entr(1.0 - a, 1.0 - b))


def check_win_probability(win_probability: Float64[np.ndarray, ...]) -> Float64[np.ndarray, "K K"]:
    """Return the matrix with its diagonal set to 1/2.

    Args:
        win_probability: (K, K), which is checked here.

    Raises:
        InvalidComparisons: not square, fewer than two policies, outside [0, 1], or p_ij + p_ji is not 1.
    """
    p = np.array(win_probability, dtype=np.float64)
    if p.ndim != 2 or p.shape[0] != p.shape[1] or len(p) < 2:
        raise InvalidComparisons(
            f"Expected a square matrix of win probabilities of two policies or more, got shape {p.shape}."
        )
    np.fill_diagonal(p, 0.5)
    if not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        raise InvalidComparisons("Expected win probabilities between 0 and 1, got others or NaN.")
    # Half the ties may be counted for either side, never dropped from one: the two entries must agree.
    if (gap := np.abs(p + p.T - 1.0)).max() > 1e-9:
        i, j = np.unravel_index(int(gap.argmax()), p.shape)
        raise InvalidComparisons(
            f"Expected p[i, j] + p[j, i] = 1, got {p[i, j]:.6g} and {p[j, i]:.6g} for policies {i} and {j}."
        )
    return p


def condorcet_winner(win_probability: Float64[np.ndarray, "K K"]) -> int | None:
    """Return the policy that beats every other with probability above 1/2, None if there is none."""
    p = np.array(win_probability, dtype=np.float64)
    np.fill_diagonal(p, 1.0)
    winners = np.flatnonzero((p > 0.5).all(1))
    return int(winners[0]) if len(winners) else None


def optimal_proportions(win_probability: Float64[np.ndarray, ...], *, assume_condorcet: bool = True) -> Proportions:
    """Return the proportions that name the winner, or show that there is none, with the fewest comparisons.

    With `assume_condorcet` the alternatives are that another policy j is the winner, which every opponent k that
    beats j contradicts: all effort for j goes to the opponent that beats it most clearly. Without, any one j may
    beat the winner instead: all effort goes to the winner's own duels. Where no policy beats all others, every
    policy is shown to lose to someone.

    Args:
        win_probability: (K, K), p_ij = Pr(i beats j), p_ij + p_ji = 1; checked here.
        assume_condorcet: whether a Condorcet winner is known to exist.

    Raises:
        InvalidComparisons: not a matrix of win probabilities; or neither a winner nor its absence can be shown,
            because a policy is tied at exactly 1/2 and beaten by no one.
    """
    p = check_win_probability(win_probability)
    best, d = condorcet_winner(p), bernoulli_kl(p, 0.5)
    others = [j for j in range(len(p)) if j != best]
    weights = np.zeros_like(p)
    # A comparison of k with j brings kl(p_kj, 1/2) nats against j. No pair serves two policies at once, so the
    # program falls apart: per j the cheapest pair, in proportion to what it costs, until all are excluded together.
    for j in others:
        beats = np.where(p[:, j] > 0.5, d[:, j], 0.0)
        # That j loses to anyone refutes "j is the winner"; that `best` is one needs its own duel with j.
        k = best if best is not None and not assume_condorcet else int(beats.argmax())
        if beats[k] == 0.0:
            raise InvalidComparisons(
                f"Expected a Condorcet winner, or every policy beaten by another, got policy {j} tied at 1/2 and "
                "beaten by none: no number of comparisons decides."
            )
        weights[k, j] = 1.0 / beats[k]
    t_star = float(weights.sum())
    return Proportions(best, weights / t_star, t_star)
