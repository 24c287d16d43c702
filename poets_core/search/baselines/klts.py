"""Exact KL-regularised Thompson sampling: what POETS approximates, on spaces that can be written down."""

from __future__ import annotations

import numpy as np

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.search.baselines.gp import GPSearch
from poets_core.search.baselines.surrogate import one_hot
from poets_core.search.propose import Draw, Sampler
from poets_core.spec import RunSpec
from poets_core.types import F8

BLOCK = 4096


class KLThompsonSearch(GPSearch):
    """A reward function from the posterior of a Gaussian process, then a design from pi_ref exp(f / beta) / Z.

    Both are exact: the space is enumerated, and so is the reference on it.
    """

    def __init__(self, sampler: Sampler, spec: RunSpec) -> None:
        """Enumerate.

        Raises:
            InvalidSpec: the problem's space is no small product of positions.
        """
        super().__init__(sampler, spec, prior_only=False)
        if self.space is None:
            raise InvalidSpec(
                "Expected a space of fixed length with at most 250,000 designs for search.method='klts', got another "
                "one. Use 'gp', or 'poets'."
            )
        self._reference: F8 | None = None

    def reference(self) -> F8:
        """log pi_ref of every design, f8 (S,)."""
        if self._reference is None:
            assert self.space is not None
            parts = []
            for start in range(0, len(self.space), BLOCK):
                index = np.arange(start, min(start + BLOCK, len(self.space)))
                tokens = self.space.tokens(index).tolist()
                parts.append(self.ensemble.encode(tokens, np.zeros(len(index), dtype=np.int64)).reference)
            self._reference = np.concatenate(parts)
        return self._reference

    def _from_space(self, n: int, rng: np.random.Generator) -> list[Draw]:
        space, (tokens, y) = self.space, self._data()
        assert space is not None
        if not tokens:
            return self.from_reference(np.zeros(n, dtype=np.int64), "refill")
        seen = space.index(tokens)
        surrogate = self._fit(one_hot(space.codes(seen), space.shape), y)
        drawn = surrogate.sample_space(space, seen, n, rng) / self.settings.beta + self.reference()
        gumbel = rng_for(self.spec.seed, "gumbel", self.round)
        chosen: list[int] = []
        for row in drawn:
            row += gumbel.gumbel(size=len(row))  # the largest is a draw from the softmax
            if not self.settings.allow_repeats:
                row[seen] = row[chosen] = -np.inf
            best = int(row.argmax())
            if np.isfinite(row[best]):
                chosen.append(best)
        index = np.array(chosen, dtype=np.int64)
        if not len(index):
            return []
        mean, std = surrogate.predict(one_hot(space.codes(index), space.shape))
        return [self._told_of(d, m, s) for d, m, s in zip(self._spelled(space.tokens(index)), mean, std, strict=True)]
