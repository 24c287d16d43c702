"""The grammar of sequences as an automaton over the tokens of any vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domains.protein.alphabet import LETTERS
from poets_core.types import I8, Bool, Vocabulary


@dataclass(frozen=True)
class ResidueMask:
    """Which tokens may follow, by the number of residues written so far.

    Tokens may be single residues or pieces of several, as in ProtGPT2. State
    s < `maximum` + 1 means s residues; the last row of the table is the dead
    state. Build it with `residue_mask`.

    Attributes:
        max_tokens: most tokens of a completion, the end token included.
        table: bool (maximum + 2, V).
        length: residues of each token, i8 (V,); 0 for tokens that are not residues.
        eos: id of the end token.
    """

    max_tokens: int
    table: Bool
    length: I8
    eos: int

    def start(self, n: int) -> I8:
        """Return the state of n empty sequences, i8 (n,)."""
        return np.zeros(n, dtype=np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        return self.table[state]

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,); the end token ends in the dead state too."""
        alive = self.table[state, token] & (token != self.eos)
        return np.where(alive, state + self.length[token], len(self.table) - 1)


def residue_mask(vocabulary: Vocabulary, minimum: int, maximum: int) -> ResidueMask | None:
    """Build the mask of sequences of `minimum` to `maximum` residues.

    A token is allowed only where the rest can still be written, so no state
    that can be reached is a dead end.

    Returns:
        The mask, or None if no such sequence can be written in the vocabulary.
    """
    letters = frozenset(LETTERS)
    length = np.array([len(t) if t and letters.issuperset(t) else 0 for t in vocabulary.tokens], dtype=np.int64)
    length[vocabulary.eos] = 0
    sizes = np.unique(length[length > 0])
    ends = np.zeros(maximum + 1, dtype=np.bool_)  # a finished sequence can be reached from this many residues
    for n in range(maximum, -1, -1):
        ends[n] = n >= minimum or bool(ends[n + sizes[n + sizes <= maximum]].any())
    if not ends[0]:
        return None
    table = np.zeros((maximum + 2, len(length)), dtype=np.bool_)
    for n in range(maximum + 1):
        fits = (length > 0) & (n + length <= maximum)
        table[n, fits] = ends[n + length[fits]]
        table[n, vocabulary.eos] = n >= minimum
    return ResidueMask(maximum + 1, table, length, vocabulary.eos)
