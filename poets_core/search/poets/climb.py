"""How a slot climbs by the reward of its own branch: edits of what the branch likes best of a pool, again and again.

Thompson sampling asks for the best design under the branch. Where a space is too large to be scored whole, steps of
single edits come nearer to it than any number of samples does.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.keyed import rng_for
from poets_core.lm.likelihood import LogProb
from poets_core.search.poets.pool import Pool
from poets_core.search.sampler import Draw, Key, Sampler, edits
from poets_core.search.selection import tempered_rank
from poets_core.spec import PoetsSettings

PARENTS = 4
"""Designs that a slot goes on from."""


@dataclass(frozen=True)
class ScoredPool:
    """A pool under all branches.

    Attributes:
        draws, slots: see `Pool`.
        log_p: log-probabilities of its n designs.
        predicted: rewards that the branches predict, NaN outside the grammar.
        wanted: what slots choose by: the same, and what the reference thinks of the design.
    """

    draws: list[Draw]
    slots: list[list[int]]
    log_p: LogProb
    predicted: Float64[np.ndarray, "M n"]
    wanted: Float64[np.ndarray, "M n"]

    def joined(self, other: ScoredPool) -> ScoredPool:
        """Return both; every slot may take what it could take of either."""
        n = len(self.draws)
        return ScoredPool(
            self.draws + other.draws,
            [own + [n + i for i in more] for own, more in zip(self.slots, other.slots, strict=True)],
            LogProb(
                np.concatenate([self.log_p.branches, other.log_p.branches], axis=1),
                np.concatenate([self.log_p.reference, other.log_p.reference]),
            ),
            np.concatenate([self.predicted, other.predicted], axis=1),
            np.concatenate([self.wanted, other.wanted], axis=1),
        )


@dataclass(frozen=True)
class Climb:
    """One step of all slots.

    Attributes:
        branch, prompt: of each slot.
        seen: designs that are not wanted again.
        round, step: keys of the edits' random numbers.
    """

    branch: Int64[np.ndarray, " slots"]
    prompt: Int64[np.ndarray, " slots"]
    seen: AbstractSet[Key]
    round: int
    step: int


def climbed(sampler: Sampler, pool: ScoredPool, settings: PoetsSettings, climb: Climb) -> Pool:
    """Return edits of what each slot's branch likes best of a pool, none of them in it.

    Args:
        sampler: its problem makes the edits.
        pool: to go on from.
        settings: of the method: edits of each slot, and whether slots share them.
        climb: whose step it is.
    """
    known = {d.key for d in pool.draws}
    rank = np.stack([tempered_rank(pool.wanted, k, settings.tempering) for k in range(len(pool.wanted))])
    # What lies outside the grammar (NaN) comes last, whatever a sort makes of NaN.
    rank = np.where(np.isfinite(rank), rank, -np.inf)
    owner = np.array([d.prompt for d in pool.draws])
    draws: list[Draw] = []
    slots: list[list[int]] = []
    for slot, (k, p) in enumerate(zip(climb.branch.tolist(), climb.prompt.tolist(), strict=True)):
        # A design of another prompt answers another question, however well it is liked.
        own = np.array(pool.slots[slot], dtype=np.int64)
        own = own[owner[own] == p] if len(own) else own
        best = own[np.argsort(-rank[k, own], kind="stable")[:PARENTS]]
        parents = [pool.draws[i].design for i in best.tolist() if pool.draws[i].design]
        # A slot's own edits lie in a row, from here to the end of the list.
        start = len(draws)
        if parents:
            rng = rng_for(sampler.seed, "climb", climb.round, climb.step, slot)
            rows = np.full(settings.pool, p, dtype=np.int64)
            for draw in edits(sampler.problem, sampler.ensemble, parents, rows, climb.seen, rng=rng):
                if draw is not None and draw.key not in known:
                    known.add(draw.key)
                    draws.append(draw)
        slots.append(list(range(start, len(draws))))
    # Each branch then also sees what the others would have tried, for no further edit.
    if settings.shared_pool:
        slots = [list(range(len(draws)))] * len(slots)
    return Pool(draws, slots)
