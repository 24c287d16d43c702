"""Edits against samples as a bandit: the share of a pool that each source gets follows what it has brought."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.types import F8, Candidate

TOP = 0.9
"""A candidate succeeds if its reward is above this quantile of all observations so far."""
MEMORY = 0.7
"""Weight of a round against the next one: what a source brings changes as a search goes on."""
PSEUDO = 8.0
"""Candidates' worth of the common rate that both sources start with."""
LEAST = 0.05
"""Neither source gets less of a pool: it could not show that it has become useful."""


def edits_of(pool: int, share: float, candidates: Sequence[Candidate], rewards: F8) -> int:
    """How many of a pool are edits: `adapted_share` of it, at least one of either source; arguments as there."""
    if pool < 2 or not 0.0 < share < 1.0:
        return round(pool * share)
    return min(max(round(pool * adapted_share(candidates, rewards, share)), 1), pool - 1)


def adapted_share(candidates: Sequence[Candidate], rewards: F8, share: float) -> float:
    """Return the share of edits for the coming round.

    The odds of an edit are those of `share` times the squared ratio of the two sources'
    success rates, each shrunk towards their common rate.

    Args:
        candidates: all that were observed; rewards: f8 (N,) theirs.
        share: share of edits before any round has shown anything; 0 and 1 stay what they are.
    """
    sources = np.array([c.source for c in candidates])
    rounds = np.array([c.round for c in candidates])
    if not len(candidates) or not 0.0 < share < 1.0 or not ((sources == "edit").any() and (sources == "branch").any()):
        return share
    weight = MEMORY ** (rounds.max() - rounds)
    success = rewards > np.quantile(rewards, TOP)
    known = (sources == "edit") | (sources == "branch")
    common = float((weight * success)[known].sum() / weight[known].sum())

    def rate(source: str) -> float:
        mine = sources == source
        return float(((weight * success)[mine].sum() + PSEUDO * common) / (weight[mine].sum() + PSEUDO))

    if common == 0.0:
        return share
    odds = share / (1.0 - share) * (rate("edit") / rate("branch")) ** 2
    return float(np.clip(odds / (1.0 + odds), LEAST, 1.0 - LEAST))
