"""Spaces that can be enumerated: each position takes any of its own tokens, whatever stands elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from poets_core.lm.grammar import MaskTable
from poets_core.types import I8

LARGEST = 250_000
"""Designs of the largest space that is enumerated."""
MOST_STATES = 10_000
"""States of a grammar at one position; more are a sign that it is no product."""


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
        """How many tokens each position can take, (L,)."""
        return tuple(len(o) for o in self.options)

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    def codes(self, index: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n L"]:
        """Return which of its `options` stands at each position of some designs.

        Args:
            index: places of the designs in the space; the last position counts fastest.
        """
        return np.stack(np.unravel_index(index, self.shape), axis=1)

    def tokens(self, index: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n T"]:
        """Return the token ids of some designs, the end included, T = L + 1; `index` as in `codes`."""
        codes = self.codes(index)
        columns = [o[codes[:, k]] for k, o in enumerate(self.options)]
        return np.stack([*columns, np.full(len(index), self.eos)], axis=1)

    def index(self, tokens: Sequence[Sequence[int]]) -> Int64[np.ndarray, " n"]:
        """Return where completions lie in the space: the inverse of `tokens`.

        Args:
            tokens: n completions; what follows their first L tokens is not read.

        Raises:
            ValueError: a completion that is not of this space.
        """
        given = np.array([list(t)[: len(self.options)] for t in tokens], dtype=np.int64)
        codes = np.empty_like(given)
        for k, o in enumerate(self.options):
            # Options need not be sorted, hence the sorter; a token beyond all of them is caught by the comparison.
            order = np.argsort(o)
            codes[:, k] = order[np.searchsorted(o, given[:, k], sorter=order).clip(0, len(o) - 1)]
            if (o[codes[:, k]] != given[:, k]).any():
                raise ValueError(f"Expected tokens {o.tolist()} at position {k}, got others.")
        return np.asarray(np.ravel_multi_index(tuple(codes.T), self.shape), dtype=np.int64)


def product_space(table: MaskTable, eos: int, *, largest: int = LARGEST) -> ProductSpace | None:
    """Return the space of a grammar, None if it is no product, has several lengths, or is too large.

    Args:
        table: the grammar.
        eos: id of the end token.
        largest: most designs of a space that counts as small.
    """
    mask, size = table.mask, 1
    options: list[I8] = []
    states = mask.start(1)
    for _ in range(mask.max_tokens):
        # A product of positions: whatever was written before, the same tokens may follow. All states that can be
        # reached are therefore followed together, and the first place where they differ ends the search.
        rows = np.unique(mask.allowed(states), axis=0)
        if len(rows) != 1:
            return None
        allowed = np.flatnonzero(rows[0])
        if allowed.tolist() == [eos]:
            return ProductSpace(tuple(options), eos)
        size *= len(allowed)
        # An end that may come here or later gives designs of several lengths.
        if eos in allowed or size > largest or len(states) * len(allowed) > MOST_STATES * 100:
            return None
        options.append(allowed)
        both = np.repeat(states, len(allowed)), np.tile(allowed, len(states))
        states = np.unique(mask.advance(*both))
        if len(states) > MOST_STATES:
            return None
    return None
