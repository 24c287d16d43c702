"""A search over words of fixed length that are scored outside: by a function of your own, by people, by a laboratory.

    search = SequenceSearch("ACDEFGHIKLMNPQRSTVWY", length=8)
    for _ in range(12):
        candidates = search.ask(16)
        search.tell([my_function(c.design) for c in candidates])
    print(search.best)

This is POETS itself, with a small backbone that is trained on uniformly drawn words when the search begins. Runs that
are kept, resumed and looked at in the browser need a problem of the catalog instead (docs/howto).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.protocols import Oracle, TokenMask, UpdateReport
from poets_core.search.registry import build_search
from poets_core.spec.base import VERSION
from poets_core.spec.read import parse_search
from poets_core.types import (
    I8,
    Artifact,
    Bool,
    Candidate,
    Design,
    Direction,
    Evaluation,
    Given,
    Objective,
    Observation,
    ProblemInfo,
    Record,
    Vocabulary,
)

CROSSOVER = 0.25
"""Share of edits that join the beginning of one good word to the end of another; the rest change one letter."""


@dataclass(frozen=True)
class FixedLength:
    """The grammar of words: any letter at each place, then the end. States count letters; -1 is dead."""

    letters: Bool
    eos: int
    length: int

    @property
    def max_tokens(self) -> int:
        """Letters and the end."""
        return self.length + 1

    def start(self, n: int) -> I8:
        """Return state 0 for n rows, i8 (n,)."""
        return np.zeros(n, dtype=np.int64)

    def allowed(self, state: I8) -> Bool:
        """Return which tokens may follow, bool (n, V)."""
        end = np.arange(len(self.letters)) == self.eos
        table = np.stack([self.letters, end, np.zeros_like(end)])
        return table[np.where((state < 0) | (state > self.length), 2, np.where(state == self.length, 1, 0))]

    def advance(self, state: I8, token: I8) -> I8:
        """Return the states after one token each, i8 (n,)."""
        fits = np.where(state < self.length, self.letters[token], token == self.eos)
        return np.where((state >= 0) & (state <= self.length) & fits, state + 1, -1)


class ValuesAreTold:
    """The oracle of a problem whose values come from outside: it measures nothing."""

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Refuse.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput("Expected values by SequenceSearch.tell(), got a setting that measures designs by itself.")


class Words:
    """All words of one length as a problem; their values come from outside."""

    def __init__(self, alphabet: str, length: int, direction: Direction = "maximise") -> None:
        """Describe the words; see `SequenceSearch`."""
        self.alphabet, self.length = alphabet, length
        objective = Objective("value", "", direction)
        self.info = ProblemInfo("words", "words", "Words", (objective,), "people", max_tokens=length)
        self.prompts: tuple[str, ...] = ("",)
        self.given: tuple[Given, ...] = ()
        self.oracle: Oracle = ValuesAreTold()

    def decode(self, text: str) -> Design:
        """Return the word itself.

        Raises:
            InvalidDesign: another length, or a letter outside the alphabet.
        """
        if len(text) != self.length or not set(text) <= set(self.alphabet):
            raise InvalidDesign(f"Expected {self.length} letters of {self.alphabet}, got {text!r}.")
        return text

    def encode(self, design: Design) -> str:
        """Return the word itself."""
        return design

    def mask(self, vocabulary: Vocabulary) -> TokenMask:
        """Return the grammar over a vocabulary that has the letters as tokens."""
        letters = np.array([len(t) == 1 and t in self.alphabet for t in vocabulary.tokens])
        return FixedLength(letters, vocabulary.eos, self.length)

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n words that are one change of a letter, or one crossover, away from elites."""
        return [self._edited(elites, rng) for _ in range(n)]

    def _edited(self, elites: Sequence[Design], rng: np.random.Generator) -> Design:
        word, other = (elites[int(i)] for i in rng.integers(0, len(elites), 2))
        at = int(rng.integers(self.length))
        if rng.random() < CROSSOVER and at and word[:at] + other[at:] not in (word, other):
            return word[:at] + other[at:]
        return word[:at] + self.alphabet[int(rng.integers(len(self.alphabet)))] + word[at + 1 :]

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n words, every letter drawn uniformly."""
        codes = rng.integers(0, len(self.alphabet), (n, self.length))
        return ["".join(self.alphabet[int(i)] for i in row) for row in codes]

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Return no drawings."""
        return []

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write designs and values as CSV."""
        return "".join(["id,design,value\n", *(f"{r.id},{r.design},{r.value!r}\n" for r in records)]).encode()

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote."""
        rows = [line.split(",") for line in data.decode().splitlines()[1:]]
        return [Record(id, design, float(value)) for id, design, value in rows]


class SequenceSearch:
    """Ask for words, tell their values, again and again.

    Attributes:
        best: the best word told so far and its value; None before any was valid.
    """

    def __init__(
        self,
        alphabet: str,
        length: int,
        *,
        seed: int = 0,
        direction: Direction = "maximise",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Train the small backbone and build the ensemble: some seconds.

        Args:
            alphabet: the letters, each once; at least two.
            length: letters of every word.
            seed: the same seed and the same values give the same candidates.
            direction: which way is better.
            settings: fields of `search` in a spec, where they are to differ from the defaults (docs/reference).

        Raises:
            InvalidInput: no alphabet, no length, or a setting that is none.
        """
        if len(alphabet) < 2 or len(set(alphabet)) < len(alphabet) or any(c.isspace() for c in alphabet):
            raise InvalidInput(f"Expected at least two different letters as the alphabet, got {alphabet!r}.")
        if length < 1:
            raise InvalidInput(f"Expected a length of at least 1, got {length}.")
        search = {"method": "poets", **(settings or {})}
        data = {"version": VERSION, "problem": {"name": "words"}, "seed": seed, "search": search}
        self._sign = 1.0 if direction == "maximise" else -1.0
        with tempfile.TemporaryDirectory() as folder:  # the trained backbone is read once and then in memory
            self._search = build_search(
                Words(alphabet, length, direction), parse_search(data), backbone="library", workspace=Path(folder)
            )
        self._asked: list[Candidate] = []
        self.best: tuple[Design, float] | None = None

    def ask(self, n: int) -> list[Candidate]:
        """Propose up to n words not proposed before; fewer only where the space is nearly exhausted.

        A candidate has its `design` and what the ensemble predicts of it: `predicted_mean` and `predicted_std`, in
        standardised reward.

        Raises:
            InvalidInput: the last candidates are not told yet.
        """
        if self._asked:
            raise InvalidInput(f"Expected the values of {len(self._asked)} candidates by tell(), got ask() again.")
        self._asked = self._search.ask(n)
        return list(self._asked)

    def tell(self, values: Sequence[float | None]) -> UpdateReport:
        """Take in the values of the candidates that were asked for, in their order, and learn from all so far.

        Args:
            values: one a candidate; None or NaN for one that could not be measured.

        Returns:
            The round's figures, see docs/reference.

        Raises:
            InvalidInput: another number of values than candidates, or none asked for.
        """
        if len(values) != len(self._asked) or not self._asked:
            raise InvalidInput(f"Expected {len(self._asked)} values, one a candidate of ask(), got {len(values)}.")
        told = [math.nan if v is None else float(v) for v in values]
        observations = [
            Observation(c.id, (v,), (0.0,), math.isfinite(v), "" if math.isfinite(v) else "not measured")
            for c, v in zip(self._asked, told, strict=True)
        ]
        self._search.tell(self._asked, observations)
        for candidate, value in zip(self._asked, told, strict=True):
            better = self.best is None or self._sign * value > self._sign * self.best[1]
            if math.isfinite(value) and better:
                self.best = (candidate.design, value)
        self._asked = []
        return self._search.update()
