"""An automaton over letters as the grammar of any vocabulary, whose tokens may be pieces of several letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool as Flags
from jaxtyping import Float64, Int64, UInt8

from domains.protein.alphabet import LETTERS, codes_of
from poets_core.types import I8, Bool, Vocabulary

CHUNK = 1 << 22
"""Pairs of a state and a token that are followed at once."""


class LetterAutomaton(Protocol):
    """What accepts designs letter by letter. State 0 is the start; every other but the dead one can be completed."""

    @property
    def length(self) -> int:
        """Letters of a design."""
        ...

    @property
    def dead(self) -> int:
        """The state that nothing leads out of, the largest number."""
        ...

    @property
    def size(self) -> float:
        """How many designs are accepted."""
        ...

    def children(self, state: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n 20"]:
        """Return the states after each letter."""
        ...

    def complete(self, state: Int64[np.ndarray, " n"]) -> Flags[np.ndarray, " n"]:
        """Return which states are complete designs."""
        ...

    def accepts(self, codes: UInt8[np.ndarray, "n L"]) -> Flags[np.ndarray, " n"]:
        """Return which designs are accepted."""
        ...

    def sample(
        self, weights: Float64[np.ndarray, "L 20"], n: int, *, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "n L"]:
        """Draw designs of independent sites, given that they are accepted."""
        ...


@dataclass(frozen=True)
class LetterMask:
    """Which tokens may follow; see `poets_core.protocols.TokenMask`. Build it with `letter_mask`.

    Attributes:
        automaton: over letters, every state of which can be completed in this vocabulary.
        max_tokens: most tokens of a completion, the end token included.
        spelled: u1 (K, longest), letters of the tokens that are residues, 255 behind their end.
        ids: i8 (K,), the ids of these tokens.
        size: V.
        eos: id of the end token.
        alive: bool (S + 1,), which states can be completed in this vocabulary; None where all can.
    """

    automaton: LetterAutomaton
    max_tokens: int
    spelled: UInt8[np.ndarray, "K longest"]
    ids: Int64[np.ndarray, " K"]
    size: int
    eos: int
    alive: Flags[np.ndarray, " states"] | None = None

    def start(self, n: int) -> I8:
        """Return the state of n empty designs, i8 (n,)."""
        return np.zeros(n, dtype=np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        out = np.zeros((len(state), self.size), dtype=np.bool_)
        for begin in range(0, len(state), max(1, CHUNK // max(1, len(self.ids)))):
            some = slice(begin, begin + max(1, CHUNK // max(1, len(self.ids))))
            out[some, self.ids] = self._follow(state[some]) != self.automaton.dead
        out[:, self.eos] = self.automaton.complete(state)
        return out

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,); the end token ends in the dead state too."""
        row = np.full(self.size, -1, dtype=np.int64)
        row[self.ids] = np.arange(len(self.ids))
        known = np.where(token == self.eos, -1, row[token])
        out = np.where(known >= 0, state, self.automaton.dead)
        for column in self.spelled[known].T if len(self.ids) else ():
            out = np.where((known >= 0) & (column != 255), self._one(out, column), out)
        return self._living(out)

    def _one(self, state: I8, letter: UInt8[np.ndarray, " n"]) -> I8:
        """Follow one letter from each state."""
        distinct, inverse = np.unique(state, return_inverse=True)
        out: I8 = self.automaton.children(distinct)[inverse, np.minimum(letter, 19)]
        return out

    def _follow(self, state: I8) -> I8:
        """Return where every residue token leads from every state, i8 (n, K)."""
        out = self.automaton.children(state)[:, np.minimum(self.spelled[:, 0], 19)]
        for column in self.spelled.T[1:]:
            longer = np.flatnonzero(column != 255)
            piece = out[:, longer]
            out[:, longer] = self._one(piece.ravel(), np.tile(column[longer], len(state))).reshape(piece.shape)
        return self._living(out)

    def _living(self, state: I8) -> I8:
        return state if self.alive is None else np.where(self.alive[state], state, self.automaton.dead)


def letter_mask(automaton: LetterAutomaton, vocabulary: Vocabulary) -> LetterMask | None:
    """Build the mask of an automaton.

    Returns:
        The mask; None if no design can be written in the vocabulary, or if letters are missing from it and the
        automaton is too large to look which designs are left.
    """
    letters = frozenset(LETTERS)
    kept = [
        (i, t)
        for i, t in enumerate(vocabulary.tokens)
        if t and i != vocabulary.eos and letters.issuperset(t) and len(t) <= automaton.length
    ]
    if not kept:
        return None
    spelled = np.full((len(kept), max(len(t) for _, t in kept)), 255, dtype=np.uint8)
    for row, (_, text) in enumerate(kept):
        spelled[row, : len(text)] = codes_of(text)
    ids = np.array([i for i, _ in kept], dtype=np.int64)
    mask = LetterMask(automaton, automaton.length + 1, spelled, ids, len(vocabulary.tokens), vocabulary.eos)
    if letters <= {t for _, t in kept}:
        return mask
    return _spelled_with(mask)


def _spelled_with(mask: LetterMask) -> LetterMask | None:
    """Leave out the states that cannot be completed with the tokens there are."""
    automaton = mask.automaton
    if (automaton.dead + 1) * len(mask.ids) > 1 << 28:
        return None
    alive = np.zeros(automaton.dead + 1, dtype=np.bool_)
    # Only what can be reached is looked at, and from the end to the start, so that what follows is known.
    fronts = [np.zeros(1, dtype=np.int64)]
    for _ in range(automaton.length):
        after = np.unique(automaton.children(fronts[-1]))
        fronts.append(after[after != automaton.dead])
    alive[fronts[-1]] = True
    for front in reversed(fronts[:-1]):
        for begin in range(0, len(front), max(1, CHUNK // len(mask.ids))):
            some = front[begin : begin + max(1, CHUNK // len(mask.ids))]
            alive[some] = alive[mask._follow(some)].any(1)
    if not alive[0]:
        return None
    return LetterMask(automaton, mask.max_tokens, mask.spelled, mask.ids, mask.size, mask.eos, alive)
