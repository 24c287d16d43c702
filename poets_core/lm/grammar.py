"""Token masks as tables: which tokens may follow, looked up by row on the model's device."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from poets_core.protocols import TokenMask
from poets_core.types import I8, Bool, Vocabulary


@dataclass(frozen=True)
class LengthLimit:
    """The grammar of a problem that has none: any ordinary token, an end at the limit.

    States count tokens; in state `max_tokens - 1` only the end token is left,
    so a forced end has probability one and adds nothing to a log-probability.
    """

    vocabulary: Vocabulary
    max_tokens: int

    def start(self, n: int) -> I8:
        """Return state 0 for n rows, i8 (n,)."""
        return np.zeros(n, dtype=np.int64)

    @cached_property
    def _table(self) -> Bool:
        """Rows: anything, only the end, nothing."""
        ordinary = np.array([text != "" for text in self.vocabulary.tokens])
        ordinary[self.vocabulary.eos] = True
        end = np.arange(len(ordinary)) == self.vocabulary.eos
        return np.stack([ordinary, end, np.zeros_like(ordinary)])

    def allowed(self, state: I8) -> Bool:
        """Return bool (n, V); tokens without text are never allowed."""
        return self._table[np.where(state < 0, 2, np.where(state >= self.max_tokens - 1, 1, 0))]

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,); -1 is dead."""
        alive = (state >= 0) & (state < self.max_tokens - 1) & self._table[0, token] & (token != self.vocabulary.eos)
        return np.where(alive, state + 1, -1)


@dataclass
class MaskTable:
    """The distinct rows of a token mask, on a device.

    Row 0 allows everything: it is used for padding, and where the density
    before the grammar is asked for. States with equal rows share one.
    """

    mask: TokenMask
    size: int
    device: torch.device
    _row_of_state: dict[int, int] = field(default_factory=dict)
    _row_of_bytes: dict[bytes, int] = field(default_factory=dict)
    _rows: list[Bool] = field(default_factory=list)
    _table: Tensor | None = None

    def __post_init__(self) -> None:
        self._row(np.ones(self.size, dtype=np.bool_))

    def _row(self, allowed: Bool) -> int:
        key = allowed.tobytes()
        if key not in self._row_of_bytes:
            self._row_of_bytes[key] = len(self._rows)
            self._rows.append(allowed)
            self._table = None
        return self._row_of_bytes[key]

    def rows(self, state: I8) -> I8:
        """Return table rows i8 of the same shape as `state`."""
        unique, inverse = np.unique(state, return_inverse=True)
        new = np.array([s for s in unique.tolist() if s not in self._row_of_state], dtype=np.int64)
        if len(new):
            for s, allowed in zip(new.tolist(), self.mask.allowed(new), strict=True):
                self._row_of_state[s] = self._row(np.ascontiguousarray(allowed))
        found = np.array([self._row_of_state[s] for s in unique.tolist()], dtype=np.int64)
        return found[inverse].reshape(state.shape)

    def table(self) -> Tensor:
        """Return bool (rows, V) on the device."""
        if self._table is None:
            self._table = torch.from_numpy(np.stack(self._rows)).to(self.device)
        return self._table

    def walk(self, tokens: I8, length: I8) -> I8:
        """Return the table rows that N completions pass through, i8 (N, T); 0 beyond their length."""
        n, t_max = tokens.shape
        rows = np.zeros((n, t_max), dtype=np.int64)
        state = self.mask.start(n)
        for t in range(t_max):
            inside = t < length
            rows[inside, t] = self.rows(state[inside])
            if t + 1 < t_max:
                state[inside] = self.mask.advance(state[inside], tokens[inside, t])
        return rows
