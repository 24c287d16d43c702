"""Spaces small enough to be written down: every position takes any of its tokens, whatever stands elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poets_core.lm.grammar import MaskTable
from poets_core.types import I8

LARGEST = 250_000
"""Designs of the largest space that is enumerated."""
MOST_STATES = 10_000


@dataclass(frozen=True)
class ProductSpace:
    """All completions of a grammar that is a product of positions.

    Attributes:
        options: for each position, the token ids that may stand there.
        eos: id of the end token, which closes every completion.
    """

    options: tuple[I8, ...]
    eos: int

    @property
    def shape(self) -> tuple[int, ...]:
        """How many tokens each position takes."""
        return tuple(len(o) for o in self.options)

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    def codes(self, index: I8) -> I8:
        """Positions in `options` of some designs, i8 (n, L); index i8 (n,) counts the last position fastest."""
        return np.stack(np.unravel_index(index, self.shape), axis=1)

    def tokens(self, index: I8) -> I8:
        """Token ids of some designs, the end included, i8 (n, L + 1)."""
        codes = self.codes(index)
        columns = [o[codes[:, k]] for k, o in enumerate(self.options)]
        return np.stack([*columns, np.full(len(index), self.eos)], axis=1)

    def index(self, tokens: Sequence[Sequence[int]]) -> I8:
        """Inverse of `tokens`, i8 (n,).

        Raises:
            ValueError: a completion that is not of this space.
        """
        given = np.array([list(t)[: len(self.options)] for t in tokens], dtype=np.int64)
        codes = np.empty_like(given)
        for k, o in enumerate(self.options):
            order = np.argsort(o)
            codes[:, k] = order[np.searchsorted(o, given[:, k], sorter=order).clip(0, len(o) - 1)]
            if (o[codes[:, k]] != given[:, k]).any():
                raise ValueError(f"Expected tokens {o.tolist()} at position {k}, got others.")
        return np.asarray(np.ravel_multi_index(tuple(codes.T), self.shape), dtype=np.int64)


def product_space(table: MaskTable, eos: int) -> ProductSpace | None:
    """Return the space of a grammar, None if it is no product, has several lengths, or is too large.

    Args:
        table: the grammar.
        eos: id of the end token.
    """
    mask, size = table.mask, 1
    options: list[I8] = []
    states = mask.start(1)
    for _ in range(mask.max_tokens):
        rows = np.unique(mask.allowed(states), axis=0)
        if len(rows) != 1:
            return None
        allowed = np.flatnonzero(rows[0])
        if allowed.tolist() == [eos]:
            return ProductSpace(tuple(options), eos)
        size *= len(allowed)
        if eos in allowed or size > LARGEST or len(states) * len(allowed) > MOST_STATES * 100:
            return None
        options.append(allowed)
        both = np.repeat(states, len(allowed)), np.tile(allowed, len(states))
        states = np.unique(mask.advance(*both))
        if len(states) > MOST_STATES:
            return None
    return None
