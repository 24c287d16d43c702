"""A grammar as tables on a device, so that a step of sampling follows it without asking the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from poets_core.lm.grammar import MaskTable

MOST_STATES = 2**16
"""States of a grammar that is laid out; one with more is followed on the host."""
MOST_CELLS = 2**26
"""States times tokens at most: 256 MiB while the tables are made."""
CELLS_AT_ONCE = 2**22
"""States times tokens that the grammar is asked about in one call."""


@dataclass(frozen=True)
class Automaton:
    """The states of a grammar that can be reached, numbered from 0, the start.

    Attributes:
        allowed: which tokens each mask row allows.
        row: mask row of each state.
        kind: class of each token; tokens of one class lead to the same state from everywhere.
        following: state after a token of a class; the dead state, which allows nothing, is the last.
    """

    allowed: Bool[Tensor, "rows V"]
    row: Int64[Tensor, " S"]
    kind: Int64[Tensor, " V"]
    following: Int64[Tensor, "S K"]

    def after(self, state: Int64[Tensor, " n"], token: Int64[Tensor, " n"]) -> Int64[Tensor, " n"]:
        """Return the states after one token each."""
        return self.following[state, self.kind[token]]


def lay_out(table: MaskTable, eos: int) -> Automaton | None:
    """Follow every allowed token from every state that can be reached; None for a grammar too large for tables.

    Args:
        table: the grammar; mask rows that are new to it are added.
        eos: id of the end token. What follows it is not asked: rows that have ended keep their last state.
    """
    states: list[int] = table.mask.start(1).tolist()
    number = {states[0]: 0}
    rows: list[int] = []
    lines: list[np.ndarray] = []  # (V,) following states of each state, -1 where a token is not allowed or ends
    # Breadth first. A grammar knows its states by numbers of its own, which may have gaps of millions; here they are
    # numbered as they are met.
    while len(lines) < len(states):
        some = np.array(states[len(lines) : len(lines) + max(1, CELLS_AT_ONCE // table.size)], dtype=np.int64)
        for state, allowed in zip(some.tolist(), table.mask.allowed(some), strict=True):
            rows.append(table.row_of(np.ascontiguousarray(allowed)))
            ids = np.flatnonzero(allowed)
            ids = ids[ids != eos]
            after = table.mask.advance(np.full(len(ids), state, dtype=np.int64), ids)
            distinct, which = np.unique(after, return_inverse=True)
            for s in distinct.tolist():
                if s not in number:
                    number[s] = len(states)
                    states.append(s)
            lines.append(np.full(table.size, -1, dtype=np.int32))
            lines[-1][ids] = np.array([number[s] for s in distinct.tolist()], dtype=np.int32)[which]
        if len(states) > MOST_STATES or len(states) * table.size > MOST_CELLS:
            return None
    rows.append(table.row_of(np.zeros(table.size, dtype=np.bool_)))
    # Tokens that lead to the same states from everywhere share a column: of a plain limit of length there are two.
    columns = np.ascontiguousarray(np.stack(lines).T)
    classes: dict[bytes, int] = {}
    kind = np.array([classes.setdefault(column.tobytes(), len(classes)) for column in columns], dtype=np.int64)
    following = columns[np.unique(kind, return_index=True)[1]].T.astype(np.int64)
    # What is not allowed leads to the dead state, and so does everything from there.
    following[following < 0] = len(states)
    following = np.concatenate([following, np.full((1, len(classes)), len(states))])
    made = [torch.from_numpy(x).to(table.device) for x in (np.array(rows), kind, following)]
    return Automaton(table.table(), *made)
