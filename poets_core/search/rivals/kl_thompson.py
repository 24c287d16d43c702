"""Exact KL-regularised Thompson sampling: what POETS approximates, on spaces that can be written down."""

from __future__ import annotations

import numpy as np

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.search.propose import Sampler
from poets_core.search.rivals.gaussian_process import GPSearch
from poets_core.search.rivals.surrogate import Surrogate
from poets_core.spec import KLThompsonSettings, SearchSpec
from poets_core.types import F8, I8

BLOCK = 4096


class KLThompsonSearch(GPSearch):
    """A reward function from the posterior of a Gaussian process, then a design from pi_ref exp(f / beta) / Z.

    Both are exact: the space is enumerated, and so is the reference on it.
    """

    settings: KLThompsonSettings

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Enumerate.

        Raises:
            InvalidSpec: the problem's space is no small product of positions.
        """
        super().__init__(sampler, spec)
        if self.space is None:
            raise InvalidSpec(
                "Expected a space of fixed length with at most 250,000 designs for search.method='klts', got another "
                "one. Use 'gp', or 'poets'.",
                field="search.method",
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

    def _drawn(self, surrogate: Surrogate, seen: I8, n: int, rng: np.random.Generator) -> F8:
        tilted = super()._drawn(surrogate, seen, n, rng) / self.settings.beta + self.reference()
        # The largest of logits with Gumbel noise is a draw from their softmax.
        return np.asarray(tilted + rng_for(self.spec.seed, "gumbel", self.round).gumbel(size=tilted.shape))
