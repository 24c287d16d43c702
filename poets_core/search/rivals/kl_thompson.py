"""Exact KL-regularised Thompson sampling: what POETS approximates, on spaces that can be enumerated."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.search.rivals.gaussian_process import GPSearch
from poets_core.search.rivals.surrogate import Surrogate
from poets_core.search.sampler import Sampler
from poets_core.search.space import ProductSpace
from poets_core.spec import KLThompsonSettings, SearchSpec
from poets_core.types import F8, I8

BLOCK = 4096
"""Designs that are scored at once."""


class KLThompsonSearch(GPSearch):
    """A reward function from the posterior of a Gaussian process, then a design from pi_ref exp(f / beta) / Z.

    Both are exact: the space is enumerated, and so is the reference on it.
    """

    settings: KLThompsonSettings

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Look whether the space can be enumerated.

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
        self._whole = self.space
        self._reference: F8 | None = None

    def reference(self) -> Float64[np.ndarray, " S"]:
        """Return log pi_ref of every design of the space, nats."""
        # Frozen, so it is computed once; only when asked for, because a resumed run of no further rounds needs none.
        if self._reference is None:
            parts = []
            for start in range(0, len(self._whole), BLOCK):
                index = np.arange(start, min(start + BLOCK, len(self._whole)))
                tokens = self._whole.tokens(index).tolist()
                parts.append(self.ensemble.encode(tokens, np.zeros(len(index), dtype=np.int64)).reference)
            self._reference = np.concatenate(parts)
        return self._reference

    def _drawn(self, space: ProductSpace, surrogate: Surrogate, seen: I8, n: int, rng: np.random.Generator) -> F8:
        tilted = super()._drawn(space, surrogate, seen, n, rng) / self.settings.beta + self.reference()
        # A slot takes the largest entry of its row, and here it has to draw instead: the largest of logits with Gumbel
        # noise is a draw from their softmax.
        return np.asarray(tilted + rng_for(self.spec.seed, "gumbel", self.round).gumbel(size=tilted.shape))
