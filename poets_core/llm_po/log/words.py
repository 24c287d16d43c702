"""Outcome words of a log: which there are, how often, and what a mapping says of each.

A one-hot outcome becomes a word as well: the names of the columns that are set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from poets_core.intake.layout import numeric
from poets_core.intake.numbers import read_numbers
from poets_core.llm_po.log.table import LogTable
from poets_core.spec.log_mapping import LogMapping, Meaning

_SET, _UNSET = frozenset({"1", "1.0", "true", "yes"}), frozenset({"", "0", "0.0", "false", "no"})
Means = Callable[[str, str, str], Meaning | None]
"""Outcome word, policy one, policy two -> what it means; None: the mapping does not say."""


def outcome_words(table: LogTable, mapping: LogMapping) -> list[Sequence[str]]:
    """Return the outcome of every row as a word, (n,) each: once, or twice where a row was judged in both orders."""
    if mapping.always_first or not mapping.outcome:
        return []
    # Columns of 0 and 1 become the name of the column that is set, so that one list of words serves both.
    if len(mapping.outcome) == 1:
        first = table.columns[mapping.outcome[0]]
    else:
        first = _one_hot({name: table.columns[name] for name in mapping.outcome})
    return [first, table.columns[mapping.swapped]] if mapping.swapped else [first]


def _one_hot(columns: Mapping[str, Sequence[str]]) -> list[str]:
    out = []
    for cells in zip(*columns.values(), strict=True):
        said = []
        for name, cell in zip(columns, cells, strict=True):
            word = cell.casefold()
            if word not in _UNSET:
                # Two set columns, or none, are words of their own, and nothing is known of them.
                said.append(name if word in _SET else f"{name} {cell}")  # a cell of 0.5 is no answer, and is asked for
        out.append(" and ".join(said))
    return out


def counted(words: Sequence[Sequence[str]]) -> Counter[str]:
    """Return how often each word stands there."""
    total: Counter[str] = Counter()
    for column in words:
        total.update(column)
    return total


def as_numbers(words: Sequence[str], separator: str) -> dict[str, float]:
    """Return those of the words that are numbers, read as one column is: a decimal comma is told by all of them."""
    some = [w for w in words if numeric(w)]
    read = read_numbers(some, separator=separator)
    return {w: float(v) for at, (w, v) in enumerate(zip(some, read.values, strict=True)) if at not in read.bad}


def meanings(mapping: LogMapping, words: Sequence[str], separator: str) -> Means:
    """Return what a mapping says of a word in a row.

    Args:
        mapping: how the log is read.
        words: all different words of the log.
        separator: of the cells of the file.
    """
    # A number that has a meaning of its own keeps it, whatever the middle says.
    values = as_numbers([w for w in words if w not in mapping.words], separator) if mapping.middle is not None else {}
    other: Meaning = "first" if mapping.higher == "second" else "second"

    # The name of a policy of the row comes first, then the words, then the numbers.
    def means(word: str, one: str, two: str) -> Meaning | None:
        if mapping.by_name and word in (one, two):
            return "first" if word == one else "second"
        if (said := mapping.words.get(word)) is not None:
            return said
        if (value := values.get(word)) is None or mapping.middle is None:
            return None
        return "tie" if value == mapping.middle else mapping.higher if value > mapping.middle else other

    return means
