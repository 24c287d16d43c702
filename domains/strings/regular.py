"""A pattern over an alphabet as a finite automaton, so that matching is one look-up a letter and never goes back.

Letters stand for themselves, `.` for any letter, `[AC]` for one of these and `[^AC]` for one of the others. `|` is or,
brackets group, and `*`, `+`, `?`, `{3}`, `{2,5}`, `{2,}` say how often. A design matches as a whole.

Thompson's construction (Comm. ACM 11:419, 1968) gives a nondeterministic automaton, sets of its states the
deterministic one (Rabin and Scott, IBM J. 3:114, 1959).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.types import I8, Bool

SIGNS = frozenset("|*+?{}()[].^\\")
"""Characters that mean something in a pattern, so that no alphabet has them."""
LONGEST, DEEPEST, MOST_REPEATS = 500, 20, 500
STATES = 4_000
"""Of an automaton, at most: a pattern of a few letters may need more than any memory."""

_OFTEN: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
# letters that fit, or what is joined, chosen from, or repeated (least, most; None: any number)
Node: TypeAlias = "frozenset[int] | Joined | Either | Repeated"


@dataclass(frozen=True)
class Joined:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """One of several."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Repeated:
    """Again and again."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton; state 0 is the start, the last one is dead.

    Attributes:
        step: i8 (S, A), the state after each letter.
        accept: bool (S,), whether a string may end there.
    """

    step: I8
    accept: Bool


def compiled(pattern: str, letters: str, name: str) -> Automaton:
    """Return the automaton of a pattern.

    Args:
        pattern: as described above.
        letters: of the alphabet.
        name: field of the form, for messages.

    Raises:
        InvalidSpec: it is malformed, or needs more than `STATES` states; the message says where.
    """
    if len(pattern) > LONGEST:
        raise InvalidSpec(f"Expected a pattern of at most {LONGEST} characters, got {len(pattern):,}.", field=name)
    reader = _Reader(pattern, letters, name)
    net = _Net()
    start, end = net.new(), net.new()
    net.lay(reader.whole(), start, end, reader)
    return _deterministic(net, start, end, len(letters), reader)


@dataclass
class _Reader:
    """A pattern while it is read, from left to right."""

    text: str
    letters: str
    name: str
    at: int = 0
    depth: int = 0

    def wrong(self, expected: str) -> InvalidSpec:
        """Return the error that something else was expected here."""
        got = f"{self.text[self.at]!r} at place {self.at + 1}" if self.at < len(self.text) else "its end"
        return InvalidSpec(f"Expected {expected} in the pattern {shown(self.text)}, got {got}.", field=self.name)

    def too_large(self) -> InvalidSpec:
        """Return the error that its automaton is too large."""
        return InvalidSpec(
            f"Expected a pattern whose automaton has at most {STATES:,} states, got {shown(self.text)}, which needs "
            "more. Repeat less, or say less of what comes late.",
            field=self.name,
        )

    def whole(self) -> Node:
        """Read all of it."""
        found = self._either()
        if self.at < len(self.text):
            raise self.wrong("a letter or a sign")
        return found

    def _next(self, sign: str) -> bool:
        if self.text[self.at : self.at + 1] != sign:
            return False
        self.at += 1
        return True

    def _either(self) -> Node:
        parts = [self._joined()]
        while self._next("|"):
            parts.append(self._joined())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _joined(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated())
        return Joined(tuple(parts))

    def _repeated(self) -> Node:
        part = self._atom()
        for sign, (fewest, highest) in _OFTEN.items():
            if self._next(sign):
                return Repeated(part, fewest, highest)
        if not self._next("{"):
            return part
        least = self._number()
        most: int | None = least
        if self._next(","):
            most = None if self.text[self.at : self.at + 1] == "}" else self._number()
        if not self._next("}"):
            raise self.wrong("'}'")
        if most is not None and most < least:
            raise self.wrong(f"at least {least} as the larger number before this")
        return Repeated(part, least, most)

    def _number(self) -> int:
        begin = self.at
        while self.text[self.at : self.at + 1].isdecimal() and self.at - begin < 4:
            self.at += 1
        digits = self.text[begin : self.at]
        if not digits.isascii() or not digits or int(digits) > MOST_REPEATS:
            self.at = begin
            raise self.wrong(f"a number from 0 to {MOST_REPEATS}")
        return int(digits)

    def _atom(self) -> Node:
        if self._next("("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.wrong(f"at most {DEEPEST} brackets in each other")
            found = self._either()
            if not self._next(")"):
                raise self.wrong("')'")
            self.depth -= 1
            return found
        if self._next("."):
            return frozenset(range(len(self.letters)))
        if self._next("["):
            other, named = self._next("^"), set[int]()
            while not self._next("]"):
                named.add(self._letter())
            chosen = set(range(len(self.letters))) - named if other else named
            if not chosen:
                raise self.wrong("a letter between '[' and ']' before this")
            return frozenset(chosen)
        return frozenset({self._letter()})

    def _letter(self) -> int:
        letter = self.text[self.at : self.at + 1]
        place = self.letters.find(letter) if letter else -1
        if place < 0:
            raise self.wrong(f"a letter of {self.letters}")
        self.at += 1
        return place


@dataclass
class _Net:
    """A nondeterministic automaton: where each state leads without a letter, and with one."""

    free: list[list[int]] = field(default_factory=list)
    by_letter: list[tuple[frozenset[int], int] | None] = field(default_factory=list)

    def new(self) -> int:
        """Return a new state."""
        self.free.append([])
        self.by_letter.append(None)
        return len(self.free) - 1

    def lay(self, node: Node, start: int, end: int, reader: _Reader) -> None:
        """Lay what a node matches between two states; `start` leads nowhere by a letter yet."""
        if len(self.free) > 4 * STATES:
            raise reader.too_large()
        if isinstance(node, frozenset):
            inner = self.new()
            self.free[start].append(inner)
            self.by_letter[inner] = (node, end)
        elif isinstance(node, Either):
            for part in node.parts:
                self.lay(part, start, end, reader)
        elif isinstance(node, Joined):
            at = start
            for part in node.parts:
                after = self.new()
                self.lay(part, at, after, reader)
                at = after
            self.free[at].append(end)
        else:
            self._repeat(node, start, end, reader)

    def _repeat(self, node: Repeated, start: int, end: int, reader: _Reader) -> None:
        at = start
        for _ in range(node.least):
            after = self.new()
            self.lay(node.part, at, after, reader)
            at = after
        if node.most is None:
            # A state of its own, so that the loop leads back to nothing that stood before it.
            loop = self.new()
            self.free[at].append(loop)
            self.lay(node.part, loop, loop, reader)
            at = loop
        for _ in range((node.most or 0) - node.least):
            self.free[at].append(end)
            after = self.new()
            self.lay(node.part, at, after, reader)
            at = after
        self.free[at].append(end)

    def closed(self, states: Sequence[int]) -> frozenset[int]:
        """Return the states that are reached without a letter, these among them."""
        seen, left = set(states), list(states)
        while left:
            for after in self.free[left.pop()]:
                if after not in seen:
                    seen.add(after)
                    left.append(after)
        return frozenset(seen)


def _deterministic(net: _Net, start: int, end: int, letters: int, reader: _Reader) -> Automaton:
    first = net.closed([start])
    numbers, order, rows = {first: 0}, [first], list[list[int]]()
    for states in order:  # it grows
        row = []
        for letter in range(letters):
            moves = (net.by_letter[s] for s in states)
            after = net.closed([to for move in moves if move is not None for fits, to in [move] if letter in fits])
            if after and after not in numbers:
                numbers[after] = len(order)
                order.append(after)
                if len(order) > STATES:
                    raise reader.too_large()
            row.append(numbers[after] if after else -1)
        rows.append(row)
    dead = len(order)
    step = np.array([*rows, [dead] * letters], dtype=np.int64)
    step[step < 0] = dead
    return Automaton(step, np.array([*(end in states for states in order), False], dtype=np.bool_))


def without(words: Sequence[str], letters: str) -> Automaton:
    """Return the automaton of the strings that hold none of some words (Aho and Corasick, Comm. ACM 18:333, 1975).

    Args:
        words: over the alphabet, none empty.
        letters: of the alphabet.
    """
    trie, ends, back = [[-1] * len(letters)], [False], [0]
    for word in words:
        at = 0
        for letter in map(letters.index, word):
            if trie[at][letter] < 0:
                trie[at][letter] = len(trie)
                trie.append([-1] * len(letters))
                ends.append(False)
                back.append(0)
            at = trie[at][letter]
        ends[at] = True
    # Breadth first: where a state falls back to is complete before the state itself is.
    order = [0]
    for at in order:
        for letter in range(len(letters)):
            after, fallen = trie[at][letter], 0 if at == 0 else trie[back[at]][letter]
            if after < 0:
                trie[at][letter] = fallen
            else:
                back[after] = fallen
                ends[after] = ends[after] or ends[fallen]
                order.append(after)
    dead = len(trie)
    step = np.array([*trie, [dead] * len(letters)], dtype=np.int64)
    found = np.array([*ends, False], dtype=np.bool_)
    step[found[step]] = dead
    step[-1] = dead
    return Automaton(step, ~np.append(found[:-1], True))


def both(one: Automaton, other: Automaton, most: int) -> Automaton | None:
    """Return the automaton of the strings that two accept, None where it needs more than `most` states."""
    dead = (len(one.step) - 1, len(other.step) - 1)
    numbers, order, rows = {(0, 0): 0}, [(0, 0)], list[list[int]]()
    for a, b in order:  # it grows
        row = []
        for pair in zip(one.step[a].tolist(), other.step[b].tolist(), strict=True):
            if pair[0] == dead[0] or pair[1] == dead[1]:
                row.append(-1)
                continue
            if pair not in numbers:
                numbers[pair] = len(order)
                order.append(pair)
                if len(order) > most:
                    return None
            row.append(numbers[pair])
        rows.append(row)
    step = np.array([*rows, [-1] * one.step.shape[1]], dtype=np.int64)
    step[step < 0] = len(order)
    return Automaton(step, np.array([*(bool(one.accept[a] and other.accept[b]) for a, b in order), False]))
