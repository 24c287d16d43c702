"""How many designs of a pool are edits: edits and samples as a two-armed bandit, by what each has brought so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from poets_core.types import Candidate

TOP = 0.9
"""A candidate succeeds if its reward is above this quantile of all observations so far."""
MEMORY = 0.7
"""Weight of a round against the next one: what a source brings changes as a search goes on."""
PSEUDO = 8.0
"""Both sources start as if they had brought this many candidates at the common rate."""
LEAST = 0.05
"""Each source gets at least this share, or it could never show that it has become useful."""


def edits_of(pool: int, share: float, candidates: Sequence[Candidate], rewards: Float64[np.ndarray, " N"]) -> int:
    """Return how many of a slot's `pool` designs are edits: `adapted_share` of it, at least one of either source.

    Args:
        pool: designs of a slot.
        share, candidates, rewards: see `adapted_share`.
    """
    if pool < 2 or not 0.0 < share < 1.0:
        return round(pool * share)
    return min(max(round(pool * adapted_share(candidates, rewards, share)), 1), pool - 1)


def adapted_share(candidates: Sequence[Candidate], rewards: Float64[np.ndarray, " N"], share: float) -> float:
    """Return the share of edits for the coming round.

    The odds of an edit are those of `share` times the squared ratio of the two sources'
    success rates, each shrunk towards their common rate.

    Args:
        candidates: (N,) all that were observed.
        rewards: standardised rewards of them.
        share: share of edits before any round has shown anything; 0 and 1 stay what they are.
    """
    sources = np.array([c.source for c in candidates])
    rounds = np.array([c.round for c in candidates])
    if not len(candidates) or not 0.0 < share < 1.0 or not ((sources == "edit").any() and (sources == "branch").any()):
        return share
    # Old rounds fade: what edits brought around the first good designs says little about the last ones.
    weight = MEMORY ** (rounds.max() - rounds)
    success = rewards > np.quantile(rewards, TOP)
    known = (sources == "edit") | (sources == "branch")
    # What the reference wrote belongs to neither source.
    common = float((weight * success)[known].sum() / weight[known].sum())

    def rate(source: str) -> float:
        mine = sources == source
        return float(((weight * success)[mine].sum() + PSEUDO * common) / (weight[mine].sum() + PSEUDO))

    if common == 0.0:
        return share
    # Squared: a source that succeeds twice as often gets four times the odds. Shrinking alone would leave it near even.
    odds = share / (1.0 - share) * (rate("edit") / rate("branch")) ** 2
    return float(np.clip(odds / (1.0 + odds), LEAST, 1.0 - LEAST))
