"""How a log is probably meant: columns by their names, words by what they mean in every format that has them.

What could mean two things is not decided: it stays open, with a question that names both readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poets_core.intake import shown
from poets_core.llm_po.log import names
from poets_core.llm_po.log.columns import Columns
from poets_core.llm_po.log.read import MAPPING
from poets_core.llm_po.log.row import Word
from poets_core.llm_po.log.table import LogTable
from poets_core.llm_po.log.words import as_numbers, counted, outcome_words
from poets_core.spec.log_mapping import LONGEST_WORD, MEANINGS, MOST_WORDS, LogMapping, Meaning, Shown

_OWN = ("a", "b", "tie")
"""Outcome words of our own format, whatever the policies are called."""
_MIDDLE = 1.5
"""Of preferences written as 1 (policy one) to 2 (policy two)."""


@dataclass(frozen=True)
class Proposal:
    """A mapping that is shown to a person.

    Attributes:
        mapping: what is known; what is open is empty in it.
        words: outcome words of the log, the most frequent first; numbers that `mapping.middle` reads are one entry.
        questions: what a person must say, by field of the spec.
        notes: what was recognised, in sentences without an end.
        orders: words of the column of orders: text, rows, which policy was shown first; None: nobody can know.
        numeric: whether some outcome words are numbers.
    """

    mapping: LogMapping
    words: tuple[Word, ...]
    questions: Mapping[str, str]
    notes: tuple[str, ...]
    orders: tuple[tuple[str, int, Shown | None], ...] = ()
    numeric: bool = False


def propose(table: LogTable, said: LogMapping | None = None) -> Proposal:
    """Propose how a log is read.

    Args:
        table: the log.
        said: a mapping of which the columns are taken, and the words that it has; the other words are proposed anew.
    """
    made = _Proposer(table)
    if said is None:
        made.columns()
    else:
        made.take(said)
    return made.words()


class _Proposer(Columns):
    """The words of a mapping, beside its columns."""

    def words(self) -> Proposal:
        """Propose what each outcome word means."""
        mapping = LogMapping.model_validate(self._found)
        columns = outcome_words(self._table, mapping)
        counts = counted(columns)
        firsts: dict[str, int] = {}
        for column in columns:
            for number, word in zip(self._table.numbers, column, strict=True):
                firsts.setdefault(word, number)
        said = dict(mapping.words)
        update: dict[str, Any] = {}
        # Names come first: whether a word is one decides whether it is listed with the words.
        if columns and mapping.middle is None:
            update = self._by_name(mapping, columns[0], counts)
            mapping = mapping.model_copy(update=update)
        meanings = self._meanings(mapping, counts, columns) | said
        if self._found.get("middle") is not None:
            mapping = mapping.model_copy(update={"middle": self._found["middle"], "higher": self._found["higher"]})
        # What is read as a name or as a number needs no meaning of its own, and is summed up in a note.
        named = self._named(mapping, columns)
        values = as_numbers(list(counts), self._table.separator) if mapping.middle is not None else {}
        free = [w for w in counts if w not in named and w not in values]
        mapping = mapping.model_copy(update={"words": {w: meanings[w] for w in free if w in meanings}})
        words = [Word(w, counts[w], firsts[w], meanings.get(w)) for w in free]
        words.sort(key=lambda w: (-w.count, w.number))
        if len(words) > MOST_WORDS or any(len(w.text) > LONGEST_WORD for w in words):
            self._questions[f"{MAPPING}.outcome"] = (
                f"Expected an outcome of at most {MOST_WORDS} different short words, got {len(words):,} in "
                f"{self.reading(mapping.outcome)}. Choose another column; of numbers, say where the middle is."
            )
            words = [w for w in words[:MOST_WORDS] if len(w.text) <= LONGEST_WORD]
            mapping = mapping.model_copy(update={"words": {}})
        # One question for all words that are open; the one that was put first names the readings, and stays.
        unsaid = [w.text for w in words if w.text not in mapping.words]
        if unsaid and f"{MAPPING}.words" not in self._questions:
            self._questions[f"{MAPPING}.words"] = (
                f"Expected words for an outcome that are known, got {self._few(unsaid, counts, firsts)} in column "
                f"{', '.join(map(shown, mapping.outcome))}. Say what each means, or leave these rows out."
            )
        numeric = bool(as_numbers(list(counts), self._table.separator))
        if mapping.middle is not None:
            below, at, above = (
                sum(counts[w] for w, v in values.items() if sign == (v > mapping.middle) - (v < mapping.middle))
                for sign in (-1, 0, 1)
            )
            self._notes.append(
                f"outcomes are numbers: {below:,} below {mapping.middle:g}, {at:,} exactly, {above:,} above; a larger "
                f"one says that policy {'one' if mapping.higher == 'first' else 'two'} was preferred"
            )
        if named:
            n = sum(counts[w] for w in named)
            self._notes.append(f"{n:,} outcome{'s are' if n > 1 else ' is'} the name of the policy that was preferred")
        notes = tuple(self._notes)
        return Proposal(mapping, tuple(words), self._questions, notes, tuple(self._orders), numeric)

    def _few(self, words: Sequence[str], counts: Mapping[str, int], firsts: Mapping[str, int]) -> str:
        rows = [f"{shown(w, 60)} ({counts[w]:,}, first in row {firsts[w]:,})" for w in words[:6]]
        return ", ".join(rows) + (f" and {len(words) - 6:,} more" if len(words) > 6 else "")

    def _named(self, mapping: LogMapping, columns: Sequence[Sequence[str]]) -> set[str]:
        """Return the words that are read as the name of one of the row's policies, in every row."""
        if not mapping.by_name:
            return set()
        other: set[str] = set()
        found: set[str] = set()
        for column in columns:
            # A name that is none of its row in a single place is no name there, and is asked for.
            for word, one, two in zip(column, self.cells("first"), self.cells("second"), strict=True):
                (found if word and word in (one, two) else other).add(word)
        return found - other

    def _by_name(self, mapping: LogMapping, words: Sequence[str], counts: Mapping[str, int]) -> dict[str, Any]:
        """Say whether outcomes are names of policies; where both readings are possible, ask."""
        ones, twos = self.cells("first"), self.cells("second")
        if mapping.by_name or not ones or not twos:
            return {}
        policies = {*ones, *twos}
        words_here = [w for w in counts if w in policies and not (self._own and w in _OWN)]
        if not words_here:
            return {}
        # Words that mean a column in other formats: with a policy called A, an outcome A has two readings.
        placed = [w for w in words_here if names.WORDS.get(names.word_key(w)) is not None]
        if not placed:
            return {"by_name": True}
        rows = [(w, a, b) for w, a, b in zip(words, ones, twos, strict=True) if w in placed]
        if any(w not in (a, b) for w, a, b in rows):  # no name of its row: it says the place
            return {}
        # Where policy A always stands in the column that A means, both readings are the same.
        by_place = {w: names.WORDS[names.word_key(w)] for w in placed}
        if all(by_place[w] == ("first" if w == a else "second") for w, a, b in rows):
            return {"by_name": True}  # both readings say the same of every row
        self._questions[f"{MAPPING}.words"] = (
            f"Expected outcomes with one reading, got {shown(placed[0])}: the policy of this name, or the one in the "
            "column that is called so. Say which."
        )
        return {}

    def _meanings(
        self, mapping: LogMapping, counts: Mapping[str, int], columns: Sequence[Sequence[str]]
    ) -> dict[str, Meaning]:
        if len(mapping.outcome) > 1:
            return self._one_hot_meanings(mapping)
        # While a name is in question, no word that is one is decided.
        open_ = f"{MAPPING}.words" in self._questions
        policies = {*self.cells("first"), *self.cells("second")} if open_ else set()
        found: dict[str, Meaning] = {}
        for word in counts:
            known = names.WORDS.get(names.word_key(word))
            by_place = names.word_key(word) in names.BY_PLACE and bool(mapping.order)
            if known is not None and word not in policies and not by_place:
                found[word] = known
        if any(names.word_key(w) in names.BY_PLACE for w in counts) and mapping.order:
            self._questions[f"{MAPPING}.words"] = (
                f"Expected outcomes with one reading, got words such as 'left' or 'first': the response shown first, "
                f"by the column {shown(mapping.order)}, or policy one. Say which."
            )
        return found | self._numbers(counts)

    def _one_hot_meanings(self, mapping: LogMapping) -> dict[str, Meaning]:
        found: dict[str, Meaning] = {"": "leave-out"}
        sides = {f"winner_{names.key_of(getattr(mapping, role))}": role for role in ("first", "second")}
        for column in mapping.outcome:
            key = names.key_of(column)
            if (said := sides.get(key) or names.WORDS.get(key.removeprefix("winner_"))) in MEANINGS:
                found[column] = said
        return found

    def _numbers(self, counts: Mapping[str, int]) -> dict[str, Meaning]:
        """Read preferences from 1 to 2; ask about other numbers, since a larger one may be good for either."""
        values = as_numbers(list(counts), self._table.separator)
        if not values or self._found.get("middle") is not None:
            return {}
        # From 1 to 2 with both sides met: no other scale has such values and means the reverse. A 1 alone may be
        # that of 0 and 1.
        low, high = min(values.values()), max(values.values())
        if 1 <= low < high <= 2:
            if set(values.values()) <= {1.0, 1.5, 2.0}:
                means: dict[float, Meaning] = {1.0: "first", 1.5: "tie", 2.0: "second"}
                return {w: means[v] for w, v in values.items()}
            # Weighted annotators write how sure they are: 1.0000048889 is as good as 1.
            self._found |= {"middle": _MIDDLE, "higher": "second"}
            return {}
        few = ", ".join(f"{shown(w)} in {counts[w]:,} row{'s' * (counts[w] > 1)}" for w in list(values)[:4])
        self._questions[f"{MAPPING}.words"] = (
            f"Expected outcomes with one reading, got numbers ({few}): the larger one says that policy one was "
            "preferred, or that policy two was. Say what each means, or where the middle is."
        )
        return {}
