"""Which strings are designs: an alphabet, a range of lengths, a pattern, words that must not occur.

Two tables answer everything: whether a state can still be completed after so many letters, and how many completions it
has with so many letters to come. So the grammar never leads into a dead end, and random strings are drawn uniformly
among those of their length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool as Flags
from jaxtyping import Float64

from domains.strings.regular import SIGNS, Automaton, both, compiled, without
from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.types import I8, Bool, Vocabulary

CELLS = 4_000_000
"""Lengths times states, at most."""
WORDS = 4_000
"""Letters of all words that must not occur, at most."""
ALPHABETS = {"dna": "ACGT", "rna": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}


@dataclass(frozen=True)
class Language:
    """The strings that are designs.

    Attributes:
        letters: of the alphabet.
        shortest, longest: letters of a design.
        automaton: that accepts them, lengths apart.
    """

    letters: str
    shortest: int
    longest: int
    automaton: Automaton

    @cached_property
    def _exact(self) -> Flags[np.ndarray, "lengths states"]:
        """Whether a string of exactly so many letters leads from a state to an accepting one."""
        step, out = self.automaton.step, np.zeros((self.longest + 1, len(self.automaton.step)), dtype=np.bool_)
        out[0] = self.automaton.accept
        for left in range(1, self.longest + 1):
            out[left] = out[left - 1][step].any(1)
        return out

    @cached_property
    def _ways(self) -> Float64[np.ndarray, "lengths states"]:
        """How many such strings there are, each length divided by its largest number: their shares are asked for."""
        step, out = self.automaton.step, np.zeros((self.longest + 1, len(self.automaton.step)))
        out[0] = self.automaton.accept
        for left in range(1, self.longest + 1):
            row = out[left - 1][step].sum(1)
            out[left] = row / max(row.max(), 1e-300)
        return out

    @cached_property
    def _alive(self) -> Flags[np.ndarray, "lengths states"]:
        """Whether a design can be completed from a state after so many letters."""
        step, out = self.automaton.step, np.zeros((self.longest + 1, len(self.automaton.step)), dtype=np.bool_)
        out[self.longest] = self.automaton.accept
        for done in range(self.longest - 1, -1, -1):
            out[done] = out[done + 1][step].any(1)
            if done >= self.shortest:
                out[done] |= self.automaton.accept
        return out

    @property
    def lengths(self) -> list[int]:
        """Lengths that a design can have."""
        return [n for n in range(self.shortest, self.longest + 1) if self._exact[n, 0]]

    def why_not(self, text: str) -> str:
        """Say why a string is no design, "" if it is one."""
        for place, letter in enumerate(text):
            if letter not in self.letters:
                return f"Expected letters of {self.letters}, got {letter!r} at place {place + 1}"
        if not self.shortest <= len(text) <= self.longest:
            return f"Expected {self.shortest} to {self.longest} letters, got {len(text)}"
        state = 0
        for letter in text:
            state = int(self.automaton.step[state, self.letters.index(letter)])
        return "" if self.automaton.accept[state] else "Expected the pattern and no forbidden word, got another string"

    def sample(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Draw n designs: a length uniformly among those there are, then a string uniformly among those of it."""
        return [self._one(int(length), rng) for length in rng.choice(self.lengths, n)]

    def _one(self, length: int, rng: np.random.Generator) -> str:
        state, out = 0, list[str]()
        for left in range(length - 1, -1, -1):
            after = self.automaton.step[state]
            share = self._ways[left][after]
            # Shares below the smallest number are all 0; then any letter that leads to an end will do.
            share = share if share.sum() > 0 else self._exact[left][after].astype(np.float64)
            letter = int(rng.choice(len(self.letters), p=share / share.sum()))
            out.append(self.letters[letter])
            state = int(after[letter])
        return "".join(out)

    def mask(self, vocabulary: Vocabulary) -> StringMask | None:
        """Return the grammar over a vocabulary that has every letter as a token; None for another."""
        if not set(self.letters) <= set(vocabulary.tokens):
            return None
        ids = np.array([vocabulary.tokens.index(letter) for letter in self.letters], dtype=np.int64)
        return StringMask(self.automaton.step, self._alive, self._ends(), ids, len(vocabulary.tokens), vocabulary.eos)

    def _ends(self) -> Bool:
        out = np.tile(self.automaton.accept, (self.longest + 1, 1))
        out[: self.shortest] = False
        return out


@dataclass(frozen=True)
class StringMask:
    """Which tokens may follow; see `poets_core.protocols.TokenMask`. State: letters so far, times Q, plus the state.

    Attributes:
        step: i8 (Q, A).
        alive, ends: bool (L + 1, Q), whether a design can be completed, and whether it may end.
        ids: i8 (A,), tokens of the letters.
        size: V. eos: id of the end token.
    """

    step: I8
    alive: Bool
    ends: Bool
    ids: I8
    size: int
    eos: int

    @property
    def max_tokens(self) -> int:
        """Letters of the longest design, and the end."""
        return len(self.alive)

    def start(self, n: int) -> I8:
        """Return the state of n empty strings, i8 (n,)."""
        return np.zeros(n, dtype=np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        out = np.zeros((len(state), self.size), dtype=np.bool_)
        done, at = self._parts(state)
        more = (done < len(self.alive) - 1)[:, None]
        out[:, self.ids] = more & self.alive[np.minimum(done + 1, len(self.alive) - 1)[:, None], self.step[at]]
        out[:, self.eos] = self.ends[done, at]
        return out

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,); one that is not allowed leads to the dead state."""
        done, at = self._parts(state)
        letter = np.full(self.size, -1, dtype=np.int64)
        letter[self.ids] = np.arange(len(self.ids))
        chosen = letter[token]
        after = self.step[at, np.maximum(chosen, 0)]
        later = np.minimum(done + 1, len(self.alive) - 1)
        fits = (chosen >= 0) & (done < len(self.alive) - 1) & self.alive[later, after]
        return np.where(fits, later * len(self.step) + after, self._dead)

    @property
    def _dead(self) -> int:
        # The dead state of the automaton after no letters: nothing is alive there.
        return len(self.step) - 1

    def _parts(self, state: I8) -> tuple[I8, I8]:
        return state // len(self.step), state % len(self.step)


def language(
    alphabet: str, letters: str, shortest: int, longest: int, pattern: str, forbidden: str, longest_run: int
) -> Language:
    """Return the designs of a form.

    Args:
        alphabet: one of `ALPHABETS`, or ``"own"``.
        letters: of an alphabet of one's own; empty for others.
        shortest, longest: letters of a design.
        pattern: see `domains.strings.regular`; empty for any string.
        forbidden: words that no design holds, apart by blanks or commas.
        longest_run: how often a letter may follow itself; 0 for any number.

    Raises:
        InvalidSpec: no alphabet, no such word or pattern, or no design that fits all of it.
    """
    letters = _letters(alphabet, letters)
    if longest < shortest:
        said = f"Expected a longest length of at least {shortest}, the shortest one, got {longest}."
        raise InvalidSpec(said, field="problem.params.max_length")
    words = forbidden.replace(",", " ").split()
    words += [letter * (longest_run + 1) for letter in letters if longest_run]
    for word in words:
        if not set(word) <= set(letters):
            said = f"Expected forbidden words of the letters {letters}, got {shown(word)}."
            raise InvalidSpec(said, field="problem.params.forbidden")
    if sum(map(len, words)) > WORDS:
        raise InvalidSpec(f"Expected forbidden words of at most {WORDS:,} letters in all, got more.")
    automaton = compiled(pattern or ".*", letters, "problem.params.pattern")
    found = both(automaton, without(words, letters), CELLS // (longest + 1)) if words else automaton
    if found is None or len(found.step) * (longest + 1) > CELLS:
        raise InvalidSpec(
            f"Expected pattern and forbidden words that need at most {CELLS // (longest + 1):,} states at {longest} "
            "letters, got more. Forbid fewer words, or allow fewer letters.",
            field="problem.params.pattern",
        )
    made = Language(letters, shortest, longest, found)
    if not made.lengths:
        raise InvalidSpec(
            f"Expected a string of {shortest} to {longest} letters that fits the pattern and holds no forbidden word, "
            "got none that does. Allow more.",
            field="problem.params.pattern",
        )
    return made


def _letters(alphabet: str, letters: str) -> str:
    field = "problem.params.letters"
    if alphabet != "own":
        if letters:
            said = f"Expected letters only with the alphabet 'own', got {shown(letters)} beside {alphabet!r}"
            raise InvalidSpec(f"{said}: two alphabets. Leave the letters empty, or choose 'own'.", field=field)
        return ALPHABETS[alphabet]
    wrong = sorted(
        {c for c in letters if not c.isascii() or not c.isprintable() or c.isspace() or c in SIGNS | set(",")}
    )
    if len(letters) < 2 or len(set(letters)) < len(letters) or wrong:
        got = f"{shown(letters)}, of which {' '.join(wrong)} cannot be letters" if wrong else shown(letters)
        said = "Expected two or more different characters as the alphabet, without blanks, commas and signs of patterns"
        raise InvalidSpec(f"{said} ({''.join(sorted(SIGNS))}), got {got}.", field=field)
    return letters


def size_in_words(made: Language) -> str:
    """Say how many designs there are, roughly."""
    step, numbers, total, scale = made.automaton.step, made.automaton.accept.astype(np.float64), 0.0, 0.0
    logs = [math.log10(numbers[0])] if made.shortest == 0 and numbers[0] else []
    for length in range(1, made.longest + 1):
        numbers = numbers[step].sum(1)
        top = max(numbers.max(), 1e-300)
        numbers, scale = numbers / top, scale + math.log10(top)
        if length >= made.shortest and numbers[0] > 0:
            logs.append(scale + math.log10(numbers[0]))
    most = max(logs)
    total = most + math.log10(sum(10 ** (one - most) for one in logs))
    return f"{10**total:,.0f}" if total < 6 else f"about 10^{total:.1f}"
