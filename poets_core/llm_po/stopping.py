"""Evidence that is valid at every moment: when enough comparisons have been made, whatever rule chose them."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlogy

from poets_core.types import F8, I8


def log_evidence(wins: I8, losses: I8) -> F8:
    """log E against "the first policy of the pair is at least as good", p >= 1/2, elementwise.

    The likelihood averaged over Jeffreys' prior, over the largest likelihood with
    p >= 1/2. E is an e-process: its expectation is at most 1 at any stopping time if p >= 1/2, so it
    exceeds 1/delta ever with probability at most delta (Ville's inequality).

    Args:
        wins, losses: of the first policy; ties are in neither.

    Source: LLM-PO (arXiv 2604.08779), anytime-valid stopping; Krichevsky and Trofimov (1981) for the mixture.
    """
    w, lost = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    n = w + lost
    mixture = gammaln(w + 0.5) + gammaln(lost + 0.5) - gammaln(n + 1.0) - np.log(np.pi)
    share = np.divide(w, n, out=np.full_like(n, 0.5), where=n > 0)
    largest = np.where(share <= 0.5, -n * np.log(2.0), xlogy(w, share) + xlogy(lost, 1.0 - share))
    return np.asarray(mixture - largest)


def scores(wins: I8) -> F8:
    """S_j, log evidence that policy j is not the Condorcet winner, f8 (K,).

    The product over opponents of (1 - rho + rho E_jk), rho = 1 / (K - 1): every factor is an e-process of
    its own comparisons, so the product is one for any order of them.

    Args:
        wins: i8 (K, K), entry (i, j) how often i was preferred to j.
    """
    wins = np.asarray(wins)
    k = len(wins)
    log_e = log_evidence(wins, wins.T)
    rho = 1.0 / (k - 1)
    # log(1 - rho + rho e^x) without overflow; for two policies 1 - rho is 0
    with np.errstate(divide="ignore"):
        terms = np.logaddexp(np.log(1.0 - rho), np.log(rho) + log_e)
    np.fill_diagonal(terms, 0.0)
    return np.asarray(terms.sum(1))


def confidence_set(wins: I8, delta: float) -> list[int]:
    """Policies that cannot be excluded as the winner with error delta; valid at every moment."""
    return np.flatnonzero(scores(wins) < np.log(1.0 / delta)).tolist()


def assumed_winner(wins: I8, delta: float) -> int | None:
    """The only policy left, if a Condorcet winner exists; None while there are several, or none is left."""
    left = confidence_set(wins, delta)
    return left[0] if len(left) == 1 else None


def verified(wins: I8, delta: float) -> tuple[str, int | None] | None:
    """Decide without assuming that a winner exists: ("winner", i), ("none", None), or None while undecided.

    A winner needs all its duels shown, log E(p_ij <= 1/2) >= log(2 K / delta); that there is none needs
    every policy excluded at delta / 2.
    """
    wins = np.asarray(wins)
    against = log_evidence(wins.T, wins)  # entry (i, j): evidence that i beats j
    np.fill_diagonal(against, np.inf)
    shown = np.flatnonzero((against >= np.log(2.0 * len(wins) / delta)).all(1))
    if len(shown):
        return "winner", int(shown[0])
    return ("none", None) if not confidence_set(wins, delta / 2.0) else None
