"""How a grammar reaches the model: token masks as tables whose rows are looked up on its device."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from poets_core.protocols import TokenMask
from poets_core.types import Vocabulary


@dataclass(frozen=True)
class LengthLimit:
    """The grammar of a problem that has none: any ordinary token, an end at the limit.

    States count tokens; in state `max_tokens - 1` only the end token is left,
    so a forced end has probability one and adds nothing to a log-probability.
    """

    vocabulary: Vocabulary
    max_tokens: int

    def start(self, n: int) -> Int64[np.ndarray, " n"]:
        """Return state 0 for n rows."""
        return np.zeros(n, dtype=np.int64)

    @cached_property
    def _table(self) -> Bool[np.ndarray, "3 V"]:
        """Rows: anything, only the end, nothing."""
        ordinary = np.array([text != "" for text in self.vocabulary.tokens])
        ordinary[self.vocabulary.eos] = True
        end = np.arange(len(ordinary)) == self.vocabulary.eos
        return np.stack([ordinary, end, np.zeros_like(ordinary)])

    def allowed(self, state: Int64[np.ndarray, " n"]) -> Bool[np.ndarray, "n V"]:
        """Return which tokens may follow; tokens without text never may."""
        return self._table[np.where(state < 0, 2, np.where(state >= self.max_tokens - 1, 1, 0))]

    def advance(self, state: Int64[np.ndarray, " n"], token: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the states after one token each; -1 is dead."""
        alive = (state >= 0) & (state < self.max_tokens - 1) & self._table[0, token] & (token != self.vocabulary.eos)
        return np.where(alive, state + 1, -1)


@dataclass
class MaskTable:
    """The distinct rows of a token mask, on a device.

    Row 0 allows everything: it is used for padding, and where the density before the grammar is asked for. States with
    equal rows share one.

    Attributes:
        mask: the grammar.
        size: V.
        device: where the rows are wanted.
    """

    mask: TokenMask
    size: int
    device: torch.device
    _row_of_state: dict[int, int] = field(default_factory=dict)
    _row_of_bytes: dict[bytes, int] = field(default_factory=dict)
    _rows: list[Bool[np.ndarray, " V"]] = field(default_factory=list)
    _table: Tensor | None = None

    def __post_init__(self) -> None:
        self.row_of(np.ones(self.size, dtype=np.bool_))

    def row_of(self, allowed: Bool[np.ndarray, " V"]) -> int:
        """Return the number of a table row, which is added where it is new."""
        # A grammar may have millions of states (positions times counters) and still only dozens of different rows.
        key = allowed.tobytes()
        if key not in self._row_of_bytes:
            self._row_of_bytes[key] = len(self._rows)
            self._rows.append(allowed)
            self._table = None
        return self._row_of_bytes[key]

    def rows(self, state: Int64[np.ndarray, "*n"]) -> Int64[np.ndarray, "*n"]:
        """Return the table row of each state."""
        # States are met one by one while a search writes; a row is asked of the grammar once, then looked up. Rows cost
        # V bytes each, so asking for all states beforehand would fill the memory with places that nobody reaches.
        unique, inverse = np.unique(state, return_inverse=True)
        new = np.array([s for s in unique.tolist() if s not in self._row_of_state], dtype=np.int64)
        if len(new):
            for s, allowed in zip(new.tolist(), self.mask.allowed(new), strict=True):
                self._row_of_state[s] = self.row_of(np.ascontiguousarray(allowed))
        found = np.array([self._row_of_state[s] for s in unique.tolist()], dtype=np.int64)
        return found[inverse].reshape(state.shape)

    def table(self) -> Bool[Tensor, "rows V"]:
        """Return all rows so far, on the device."""
        if self._table is None:
            self._table = torch.from_numpy(np.stack(self._rows)).to(self.device)
        return self._table

    def live(self) -> Bool[Tensor, " V"]:
        """Return which tokens may be written somewhere, in the states met so far; row 0 belongs to none of them."""
        rows = [self._rows[k] for k in sorted(set(self._row_of_state.values()))]
        found = np.any(rows, axis=0) if rows else np.zeros(self.size, dtype=np.bool_)
        return torch.from_numpy(found).to(self.device)

    def walk(self, tokens: Int64[np.ndarray, "N T"], length: Int64[np.ndarray, " N"]) -> Int64[np.ndarray, "N T"]:
        """Return the table rows that N completions pass through, 0 beyond their length.

        Args:
            tokens: completions, padded.
            length: tokens of each.
        """
        n, t_max = tokens.shape
        rows = np.zeros((n, t_max), dtype=np.int64)
        state = self.mask.start(n)
        for t in range(t_max):
            inside = t < length
            rows[inside, t] = self.rows(state[inside])
            if t + 1 < t_max:
                state[inside] = self.mask.advance(state[inside], tokens[inside, t])
        return rows
