"""A log as a sample: its rows pair by pair in a keyed order, and how many of each pair are left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int64

from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Two, two
from poets_core.llm_po.dependence import Dependence
from poets_core.llm_po.log.row import Row


class Replay:
    """The rows of a log on their way into an experiment."""

    def __init__(self, rows: Sequence[Row], dependence: Dependence, names: Sequence[str], seed: int) -> None:
        """Bring the rows of each pair into their order.

        Args:
            rows: of the log, all of these policies.
            dependence: of these rows.
            names: of the policies, in the order of the experiment.
            seed: key of the order.
        """
        self._at, self._seed, self._files = {name: i for i, name in enumerate(names)}, seed, 0
        self._row: dict[int, Row] = {}
        self._next: dict[Two, int] = {}
        self._used: set[int] = set()
        self._order: dict[Two, list[int]] = {}
        self._left = np.zeros((len(names), len(names)), dtype=np.int64)
        self.add(rows, dependence)

    def add(self, rows: Sequence[Row], dependence: Dependence) -> None:
        """Bring the rows of a further file into their order, behind those that are there.

        Args:
            rows: with an `index` of their own.
            dependence: of these rows alone.
        """
        self._row |= {row.index: row for row in rows}
        file = [self._files] if self._files else []
        self._files += 1
        for pair, of in dependence.pairs.items():
            # A log may be sorted by outcome or by time. In a keyed random order each prefix is a fair sample of the
            # pair's comparisons; the rows of one cluster stay together, since they count together.
            order = rng_for(self._seed, "replay", *pair, *file).permutation(len(of.units))
            new = [row for at in order for row in of.units[at]]
            self._order.setdefault(pair, []).extend(new)
            self._next.setdefault(pair, 0)
            i, j = self._at[pair[0]], self._at[pair[1]]
            self._left[i, j] += len(new)
            self._left[j, i] += len(new)

    @property
    def left(self) -> Int64[np.ndarray, "K K"]:
        """How many rows of each pair were not used yet, symmetric."""
        return self._left

    def row(self, index: int) -> Row:
        """Return a row by its `Row.index`."""
        return self._row[index]

    def without_responses(self) -> int | None:
        """Return the number of the first row (`Row.number`) that lacks a response; None where each has both."""
        return without_responses(self._row.values())

    def upcoming(self, first: str, second: str, skip: int) -> Row | None:
        """Return the row of a pair that follows the next `skip` ones; None where there is none."""
        pair = two(first, second)
        order = self._order.get(pair, [])
        at = self._next.get(pair, 0)
        while at < len(order):
            if order[at] not in self._used:
                if not skip:
                    return self._row[order[at]]
                skip -= 1
            at += 1
        return None

    def use(self, index: int) -> None:
        """Take note that a row was used."""
        if index in self._used:
            return
        row = self._row[index]
        self._used.add(index)
        pair = two(row.first, row.second)
        i, j = self._at[row.first], self._at[row.second]
        self._left[i, j] -= 1
        self._left[j, i] -= 1
        order, at = self._order[pair], self._next[pair]
        # Rows are used in this order, but for those of a run that began before rows were kept together.
        while at < len(order) and order[at] in self._used:
            at += 1
        self._next[pair] = at


def without_responses(rows: Iterable[Row]) -> int | None:
    """Return the number of the first row (`Row.number`) that lacks a response; None where each has both."""
    return next((row.number for row in rows if not all(map(str.strip, row.responses))), None)
