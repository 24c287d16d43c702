"""A genetic algorithm on designs: edits and crossovers of the best ones, no model."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from poets_core.keyed import rng_for
from poets_core.search.method import Method, Proposals
from poets_core.search.sampler import Draw, edits
from poets_core.spec import GeneticSettings

ATTEMPTS = 16
"""Broods of a round at most. Children that were seen, or that the backbone cannot spell, are replaced by the next."""


class GeneticSearch(Method):
    """Truncation selection: every child is an edit of one of the `elites` best designs so far, or a crossover of two.

    The moves are the problem's own (substitutions, insertions, deletions and
    crossovers of sequences; gates of circuits), `mutations` of them a child on
    average, at least one. Slots that 16 broods cannot fill come from the reference.
    """

    settings: GeneticSettings

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        s = self.settings
        elites = self.history.elites(s.elites, price=s.length_price, longest=self.sampler.max_tokens)
        rng = rng_for(self.spec.seed, "genetic", self.round)
        found: list[Draw | None] = [None] * len(prompt)
        # Siblings of one brood may be equal too, so what was found joins what was seen.
        taken = set(self.seen)
        # Without elites there are no parents: the first round is the reference's.
        for _ in range(ATTEMPTS if elites else 0):
            # Slots that have a child keep it; only the others ask again.
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
        return self._scored(self.filled(prompt, found))
