"""The circuit language as a finite automaton over the tokens of a backbone."""

from __future__ import annotations

import numpy as np

from domains.quantum.circuit import G1, G2, R1, Language
from poets_core.types import I8, Bool, Vocabulary

_DEAD, _DONE, _LIVE = 0, 1, 2
# Phases inside a gate; _SECOND + q waits for the partner of qubit q.
_START, _G1_QUBIT, _R1_QUBIT, _ANGLE, _FIRST, _SECOND = range(6)


class GrammarMask:
    """Implements `poets_core.protocols.TokenMask` for a circuit language.

    A live state is ``2 + ((ops left * (max_two + 1)) + two-qubit gates left) *
    phases + phase``: pure arithmetic, so a state means the same on every machine
    and in every order of visits. After the end marker only the end marker
    follows; a token that is not allowed leads to state 0, which allows nothing.
    """

    def __init__(self, language: Language, ids: dict[str, int], eos: int, size: int) -> None:
        """Build the transition tables.

        Args:
            language: the circuits allowed.
            ids: token id of every word of the language; ``a0`` may be missing.
            eos: id of the end marker.
            size: V, number of tokens.
        """
        self.max_tokens = language.longest + 1
        self._ops, self._two, self._eos = language.max_ops, language.max_two, eos
        self._phases = _SECOND + language.qubits
        # next phase by (phase, token), -1 where the token cannot follow.
        step = np.full((self._phases, size), -1, np.int64)
        sources = {a for a, _ in language.pairs}
        for kind, phase in ((G1, _G1_QUBIT), (R1, _R1_QUBIT), (G2, _FIRST)):
            step[_START, [ids[g] for g in kind if g in language.gates]] = phase
        for q in range(language.qubits):
            word = ids[str(q)]
            step[_G1_QUBIT, word] = _START
            step[_R1_QUBIT, word] = _ANGLE
            if q in sources:
                step[_FIRST, word] = _SECOND + q
        step[_ANGLE, [ids[a] for a in language.angles if a in ids]] = _START
        for a, b in language.pairs:
            step[_SECOND + a, ids[str(b)]] = _START
        self._step = step
        self._is_gate = np.zeros(size, np.int64)
        self._is_gate[[ids[g] for g in language.gates]] = 1
        self._is_two = np.zeros(size, np.int64)
        self._is_two[[ids[g] for g in G2 if g in language.gates]] = 1
        self._has_pairs = bool(language.pairs)

    def start(self, n: int) -> I8:
        """Return the start state of n rows, i8 (n,)."""
        return np.full(n, self._pack(self._ops, self._two, _START), np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        live, ops, two, phase = self._unpack(state)
        may = self._step[phase] >= 0
        at_start = phase == _START
        may &= ~(at_start & (ops == 0))[:, None] | ~self._is_gate.astype(bool)
        may &= ~(at_start & ((two == 0) | (not self._has_pairs)))[:, None] | ~self._is_two.astype(bool)
        may &= live[:, None]
        may[:, self._eos] = (live & at_start & (ops < self._ops)) | (state == _DONE)
        return may

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,)."""
        fine = self.allowed(state)[np.arange(len(state)), token]
        _, ops, two, phase = self._unpack(state)
        after = self._pack(ops - self._is_gate[token], two - self._is_two[token], self._step[phase, token])
        after = np.where(token == self._eos, _DONE, after)
        return np.where(fine, after, _DEAD).astype(np.int64)

    def _pack(self, ops: I8 | int, two: I8 | int, phase: I8 | int) -> I8:
        return np.asarray(_LIVE + (ops * (self._two + 1) + two) * self._phases + phase, np.int64)

    def _unpack(self, state: I8) -> tuple[Bool, I8, I8, I8]:
        live = state >= _LIVE
        rest, phase = np.divmod(np.where(live, state - _LIVE, 0), self._phases)
        ops, two = np.divmod(rest, self._two + 1)
        return live, ops, two, phase


class PairMask:
    """Implements `poets_core.protocols.TokenMask` for dressed circuits: a word for each pair, one after the other.

    Live states are 2 + how many pairs may still follow; after the end marker only the end marker follows.
    """

    def __init__(self, language: Language, ids: dict[str, int], eos: int, size: int) -> None:
        """Look the words up.

        Args:
            language: the circuits allowed, dressed.
            ids: token id of every word of the language.
            eos: id of the end marker.
            size: V, number of tokens.
        """
        self.max_tokens = language.longest + 1
        self._most, self._eos = language.max_two, eos
        self._pair = np.zeros(size, bool)
        self._pair[[ids[word] for word in language.words]] = True

    def start(self, n: int) -> I8:
        """Return the start state of n rows, i8 (n,)."""
        return np.full(n, _LIVE + self._most, np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        may: Bool = (state > _LIVE)[:, None] & self._pair
        may[:, self._eos] = ((state >= _LIVE) & (state < _LIVE + self._most)) | (state == _DONE)
        return may

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,)."""
        fine = self.allowed(state)[np.arange(len(state)), token]
        after = np.where(token == self._eos, _DONE, state - 1)
        return np.where(fine, after, _DEAD).astype(np.int64)


def grammar_mask(language: Language, vocabulary: Vocabulary) -> GrammarMask | PairMask | None:
    """Return the automaton over a vocabulary, None if a word is not one of its tokens.

    Only a rotation by nothing, ``a0``, may be missing: no canonical circuit but
    the identity holds one, so a vocabulary made of circuits rarely knows it.
    """
    ids: dict[str, int] = {}
    for k, word in enumerate(vocabulary.tokens):
        if word and k != vocabulary.eos:
            ids.setdefault(word, k)
    if any(word not in ids for word in language.words if word != "a0"):
        return None
    if language.dressing:
        return PairMask(language, ids, vocabulary.eos, len(vocabulary.tokens))
    return GrammarMask(language, ids, vocabulary.eos, len(vocabulary.tokens))
