"""A genetic algorithm on designs: the elites' edits and crossovers, no model."""

from __future__ import annotations

import numpy as np

from poets_core.keyed import rng_for
from poets_core.search.method import Baseline
from poets_core.search.propose import Draw, edits
from poets_core.spec import GeneticSettings
from poets_core.types import I8

ATTEMPTS = 16
"""Broods in a round: what was seen, or what the backbone cannot spell, is replaced by the next."""


class GeneticSearch(Baseline):
    """Truncation selection: every child is an edit of one of the `elites` best designs so far, or a crossover of two.

    The moves are the problem's own (substitutions, insertions, deletions and
    crossovers of sequences; gates of circuits), `mutations` of them a child on
    average, at least one. Slots that 16 broods cannot fill come from the reference.
    """

    settings: GeneticSettings

    def _propose(self, prompt: I8) -> list[Draw]:
        elites = self.history.elites(self.settings.elites)
        rng = rng_for(self.spec.seed, "genetic", self.round)
        found: list[Draw | None] = [None] * len(prompt)
        taken = set(self.seen)
        for _ in range(ATTEMPTS if elites else 0):
            waiting = np.array([i for i, draw in enumerate(found) if draw is None], dtype=np.int64)
            if not len(waiting):
                break
            brood = edits(
                self.problem, self.ensemble, elites, prompt[waiting], taken, rng=rng, mutations=self.settings.mutations
            )
            for slot, draw in zip(waiting.tolist(), brood, strict=True):
                if draw is not None and draw.key not in taken:
                    found[slot] = draw
                    if not self.settings.allow_repeats:
                        taken.add(draw.key)
        return self.filled(prompt, found)
