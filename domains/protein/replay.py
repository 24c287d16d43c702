"""The designs of a given set, and no others, as an automaton: the prefixes of a sorted table.

A state is a prefix: how many letters it has, and the first design that begins with it. It is computed, not stored, so
that 51,000 variants of 233 sites need their letters and little else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool as Flags
from jaxtyping import Float64, Int64, UInt8

from domains.protein.alphabet import codes_of
from poets_core.types import Design


@dataclass(frozen=True)
class Replay:
    """An automaton that accepts the rows of a sorted table; see `domains.protein.automaton.Automaton`.

    State ``depth * N + row`` stands for the first `depth` letters of `row`, the first row that begins with them.

    Attributes:
        codes: u1 (N, L), distinct designs in ascending order, N and L at least 1.
        shared: i8 (N,), how many letters each row shares with the row before it; -1 for the first.
    """

    codes: UInt8[np.ndarray, "N L"]
    shared: Int64[np.ndarray, " N"]
    _firsts: dict[int, np.ndarray[tuple[int], np.dtype[np.int32]]] = field(default_factory=dict, repr=False)

    @property
    def length(self) -> int:
        """Letters of a design."""
        return int(self.codes.shape[1])

    @property
    def dead(self) -> int:
        """The state that nothing leads out of."""
        return len(self.codes) * (self.length + 1)

    @property
    def size(self) -> float:
        """How many designs are accepted."""
        return float(len(self.codes))

    @cached_property
    def letters(self) -> Flags[np.ndarray, "L 20"]:
        """Return which letters the designs have at each site."""
        out = np.zeros((self.length, 20), dtype=np.bool_)
        for k, column in enumerate(self.codes.T):
            out[k, np.unique(column)] = True
        return out

    def complete(self, state: Int64[np.ndarray, " n"]) -> Flags[np.ndarray, " n"]:
        """Return which states are complete designs."""
        return (state >= len(self.codes) * self.length) & (state < self.dead)

    def _first(self, depth: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Return the rows in which a prefix of so many letters appears for the first time, ascending."""
        # Kept for the depths that were met: a search that writes meets all of them, in every round again.
        if depth not in self._firsts:
            self._firsts[depth] = np.flatnonzero(self.shared < depth).astype(np.int32)
        return self._firsts[depth]

    def children(self, state: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n 20"]:
        """Return the states after each letter."""
        out = np.full((len(state), 20), self.dead, dtype=np.int64)
        depths, rows = np.divmod(state, len(self.codes))
        for depth in np.unique(depths[depths < self.length]).tolist():
            here = np.flatnonzero(depths == depth)
            low = rows[here]
            now, later = self._first(depth), self._first(depth + 1)
            # A prefix ends where the next one of its length begins.
            after = np.searchsorted(now, low, side="right")
            high = np.where(after < len(now), now[np.minimum(after, len(now) - 1)], len(self.codes))
            begin, end = np.searchsorted(later, low), np.searchsorted(later, high)
            owner = np.repeat(np.arange(len(here)), end - begin)
            place = np.arange(len(owner)) - np.repeat(np.cumsum(end - begin) - (end - begin), end - begin)
            child = later[np.repeat(begin, end - begin) + place].astype(np.int64)
            out[here[owner], self.codes[child, depth]] = (depth + 1) * len(self.codes) + child
        return out

    def accepts(self, codes: UInt8[np.ndarray, "n L"]) -> Flags[np.ndarray, " n"]:
        """Return which designs are in the table."""
        if not len(codes):
            return np.zeros(0, dtype=np.bool_)
        known, asked = _keys(self.codes), _keys(codes)
        at = np.searchsorted(known, asked)
        found: Flags[np.ndarray, " n"] = known[np.minimum(at, len(known) - 1)] == asked
        return found

    def sample(
        self, weights: Float64[np.ndarray, "L 20"], n: int, *, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "n L"]:
        """Draw rows with probability in proportion to the weights of their letters.

        Args:
            weights: positive, of each letter at each site.
            n: how many.
            rng: one uniform number a row.
        """
        score = np.log(weights)[np.arange(self.length), self.codes].sum(1)
        chance = np.cumsum(np.exp(score - score.max()))
        drawn = np.searchsorted(chance, rng.random(n) * chance[-1], side="right")
        return np.asarray(self.codes[np.minimum(drawn, len(self.codes) - 1)])

    def nearest(self, codes: UInt8[np.ndarray, " L"], most: int) -> Int64[np.ndarray, " m"]:
        """Return the rows with the fewest letters other than a design's, itself left out; at most `most`."""
        apart = (self.codes != codes).sum(1)
        apart[apart == 0] = self.length + 1
        order = np.argsort(apart, kind="stable")[:most]
        return np.asarray(order[apart[order] <= self.length])


def replay_of(designs: Iterable[Design]) -> Replay:
    """Return the automaton of some designs of one length, at least one."""
    distinct = sorted(set(designs))
    codes = codes_of("".join(distinct)).reshape(len(distinct), -1)
    # Letters and codes have the same order, so that sorted texts are sorted rows.
    differ = codes[1:] != codes[:-1]
    return Replay(codes, np.concatenate([[-1], differ.argmax(1)]).astype(np.int64))


def _keys(codes: UInt8[np.ndarray, "n L"]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return rows as values that compare as the rows do."""
    rows = np.ascontiguousarray(codes)
    # Bytes of a fixed length lose zeros at their end; one more makes every letter count.
    return np.asarray((rows + 1).view(f"S{rows.shape[1]}").ravel())
