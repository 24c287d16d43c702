"""Evidence that is valid at every moment: when enough comparisons have been made, whatever rule chose them."""

from __future__ import annotations

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.duels import Duels, log_evidence_at, new_duels, refresh, tied
from poets_core.types import F8, I8


def log_evidence(wins: I8, losses: I8, bound: float = 0.5) -> F8:
    """log E against "the first policy of the pair wins with probability `bound` or more", elementwise.

    The likelihood averaged over Jeffreys' prior, over the largest likelihood with
    p >= bound. E is an e-process: its expectation is at most 1 at any stopping time if p >= bound, so it
    exceeds 1/delta ever with probability at most delta (Ville's inequality).

    Args:
        wins, losses: of the first policy; ties are in neither.
        bound: 1/2, or less by an indifference zone.

    Source: LLM-PO (arXiv 2604.08779), anytime-valid stopping; Krichevsky and Trofimov (1981) for the mixture.
    """
    w, lost = np.broadcast_arrays(np.asarray(wins, dtype=np.int64), np.asarray(losses, dtype=np.int64))
    return np.asarray(_evidence_of(w.ravel(), lost.ravel(), bound)).reshape(w.shape)


@compiled
def _evidence_of(wins: I8, losses: I8, bound: float) -> F8:
    out = np.empty(len(wins))
    for i in range(len(wins)):
        out[i] = log_evidence_at(wins[i], losses[i], bound)
    return out


def duels_of(wins: I8, ties: I8 | None = None, tie_zone: float = 0.0) -> Duels:
    """The state after given comparisons.

    Its `score` is S_j, log evidence that policy j is not the Condorcet winner: the product over opponents of
    (1 - rho + rho E_jk), rho = 1 / (K - 1). Every factor is an e-process of its own comparisons, so the
    product is one for any order of them.

    Args:
        wins: i8 (K, K), entry (i, j) how often i was preferred to j.
        ties: i8 (K, K), symmetric; they count as calls, not as evidence.
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


def confidence_set(duels: Duels, delta: float) -> list[int]:
    """Policies that cannot be excluded as the winner with error delta; valid at every moment."""
    return np.flatnonzero(duels.score < np.log(1.0 / delta)).tolist()
