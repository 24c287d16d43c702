"""A log's rows by a mapping: one reader for the form, the command line and the worker.

Nothing is guessed here. A word that the mapping does not name is an error that says it, its rows and what to do; it is
never taken for a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from poets_core.errors import InvalidComparisons
from poets_core.intake import listed, shown
from poets_core.intake.sheet import UNNAMED
from poets_core.llm_po.comparison import Outcome
from poets_core.llm_po.log.costs import read_costs
from poets_core.llm_po.log.row import LEFT_OUT, LeftOut, ReadLog, Row
from poets_core.llm_po.log.table import LogTable, read_table, refuse
from poets_core.llm_po.log.words import Means, counted, meanings, outcome_words
from poets_core.spec.log_mapping import BEFORE, LONGEST_NAME, MOST_POLICIES, LogMapping, Meaning, Shown

LONGEST = 100_000
"""Characters of a prompt or response that an experiment keeps; what is longer is cut there, and counted."""
MAPPING = "experiment.mapping"
_OUTCOMES: Mapping[Meaning, Outcome] = {"first": "first", "second": "second", "tie": "tie", "both-bad": "tie"}
_MOST_LISTED = 6
_ROLES = ("first", "second", "swapped", "prompt", "judge", "conversation", "order", "first_response", "second_response")
_COSTS = ("first_cost", "second_cost")
"""Fields of a mapping that name one column each."""


def read_log(path: Path, policies: Sequence[str] | None, mapping: LogMapping | None = None) -> ReadLog:
    """Read a comparison log.

    Args:
        path: of the file, see `read_table`.
        policies: whose rows count; all of them must be there. None: whichever are, `MOST_POLICIES` at most.
        mapping: what columns and words mean. None: those of `BEFORE`, as in specs of before.

    Raises:
        InvalidComparisons: unreadable, a column that is not there, a word that nothing is said of, too many policies.
    """
    table = read_table(path)
    return read_rows(table, before(table) if mapping is None else mapping, policies)


def before(table: LogTable) -> LogMapping:
    """Return how a log was read before a spec said it, without the columns that need not be there."""
    optional = ("order", "first_response", "second_response")
    lost = {name: "" for name in optional if getattr(BEFORE, name) not in table.columns}
    return BEFORE.model_copy(update=lost)


def read_rows(table: LogTable, mapping: LogMapping, policies: Sequence[str] | None) -> ReadLog:
    """Read the rows of a table; see `read_log`."""
    check_columns(table, mapping)
    # A row that was judged in both orders is read twice, once with each outcome.
    words = outcome_words(table, mapping)
    reader = _Reader(table, mapping, policies, meanings(mapping, list(counted(words)), table.separator))
    for column in words or [()]:
        reader.take(column, swapped=len(words) == 2 and column is words[1])
    return reader.found()


class _Reader:
    """Rows on their way through the mapping, and what is left out."""

    def __init__(self, table: LogTable, mapping: LogMapping, policies: Sequence[str] | None, means: Means) -> None:
        self._table, self._mapping, self._means = table, mapping, means
        self._chosen = None if policies is None else set(policies)
        self._wanted = list(policies or ())
        n = len(table.numbers)
        # Where no column has a name, it is the same in every row.
        self._one = self._column(mapping.first) or [mapping.first_name.strip()] * n
        self._two = self._column(mapping.second) or [mapping.second_name.strip()] * n
        self._rows: list[Row] = []
        self._policies: Counter[str] = Counter()
        self._left: Counter[LeftOut] = Counter({"blank": table.blank} if table.blank else {})
        self._words_out: Counter[str] = Counter()
        self._unknown: dict[str, list[int]] = {}
        self._orders: dict[str, list[int]] = {}
        self._cut = 0
        self._costs = [read_costs(table, mapping, role) for role in _COSTS]
        self._copies = self._find_copies() if mapping.copies == "once" else set()

    def take(self, words: Sequence[str], *, swapped: bool) -> None:
        """Read every row once, with these outcome words (n,), or none where policy one was always preferred."""
        mapping = self._mapping
        prompts, judges = self._column(mapping.prompt), self._column(mapping.judge)
        talks, orders = self._column(mapping.conversation), self._column(mapping.order)
        said = self._column(mapping.first_response), self._column(mapping.second_response)
        for at, number in enumerate(self._table.numbers):
            one, two = self._one[at], self._two[at]
            if not swapped:
                self._policies[one] += 1
                self._policies[two] += one != two
            # First what a row is, then what it says: an unknown word of a policy that nobody chose is no error.
            if why := self._unfit(one, two, number):
                self._left[why] += not swapped
                continue
            meaning = "first" if not words else self._means(words[at], one, two)
            # All unknown words are gathered, so that a person says them in one go.
            if meaning is None:
                self._unknown.setdefault(words[at], []).append(number)
                continue
            if meaning == "leave-out":
                self._left["word"] += 1
                self._words_out[words[at]] += 1
                continue
            if at in self._copies:
                self._left["copy"] += not swapped
                continue
            order = orders[at] if orders else ""
            # Judgments in both orders know their order by their column.
            shown_first = self._shown(order, one, two, number) if not mapping.swapped else "first"
            if mapping.swapped and swapped:
                shown_first = "second"
            texts = [self._text(column[at]) if column else "" for column in (prompts, *said)]
            judge, talk = judges[at] if judges else "", talks[at] if talks else ""
            costs = tuple(column[at] if column else None for column in self._costs)
            self._add(number, (one, two), meaning, shown_first, texts, judge, talk, (costs[0], costs[1]))

    def found(self) -> ReadLog:
        """Return what was read.

        Raises:
            InvalidComparisons: words that nothing is said of; no rows; too many policies, or one without rows.
        """
        if self._unknown:
            raise _unsaid(self._unknown, "words", self._table.name)
        if self._orders:
            raise _unsaid(self._orders, "order_words", self._table.name)
        # Policies of rows that count; others may stand in the log without one.
        seen = dict.fromkeys(name for row in self._rows for name in (row.first, row.second))
        if self._chosen is None and len(seen) > MOST_POLICIES:
            raise InvalidComparisons(
                f"Expected at most {MOST_POLICIES} policies, got {len(seen):,} in the log. Choose some of them.",
                field="experiment.policies",
            )
        # A policy without rows could never be excluded, and the experiment would end undecided for that reason alone.
        if missing := [name for name in self._wanted if name not in seen]:
            raise InvalidComparisons(
                f"Expected rows of every policy with another one, got no row of {_few(missing)}. Leave them out.",
                field="experiment.policies",
            )
        if not self._rows:
            left = ", ".join(f"{n:,} {LEFT_OUT[why]}" for why, n in self._left.items()) or "no rows at all"
            raise refuse(f"Expected a comparison log with one row or more that counts, got {left}. Keep some of them.")
        notes = list(self._table.notes)
        if self._cut:
            notes.append(f"{self._cut:,} prompts or responses are longer than {LONGEST:,} characters and are cut there")
        notes += _alike(seen)
        alone = ""
        if self._mapping.always_first and not self._mapping.first and not self._mapping.second:
            alone = (
                f"No column says whose the responses are: {shown(self._one[0])} was preferred in every row by what it "
                "is called, and a verdict says nothing of which model is better."
            )
        out = dict(self._left), dict(self._words_out)
        self._policies.pop("", None)
        return ReadLog(tuple(self._rows), dict(self._policies), *out, tuple(notes), alone)

    def _column(self, name: str) -> Sequence[str]:
        return self._table.columns[name] if name else ()

    def _unfit(self, one: str, two: str, number: int) -> LeftOut | None:
        if not one or not two:
            return "no name"
        for name, column in ((one, self._mapping.first), (two, self._mapping.second)):
            if len(name) > LONGEST_NAME:
                raise refuse(
                    f"Expected the name of a policy of at most {LONGEST_NAME} characters in row {number:,}, column "
                    f"{shown(column)}, got {len(name):,}: {shown(name)}. Is it another column?"
                )
        if one == two:
            return "itself"
        # Both must be chosen: a comparison with a stranger says nothing of who is best among the chosen.
        return "other policies" if self._chosen is not None and not {one, two} <= self._chosen else None

    def _shown(self, word: str, one: str, two: str, number: int) -> Shown:
        """Return which policy was shown first."""
        # An empty cell says nothing, and is no error: half of a log may know its orders.
        if not self._mapping.order or not word:
            return self._mapping.shown
        if (said := self._mapping.order_words.get(word)) is not None:
            return said
        if word in (one, two):  # the name of the policy that was shown first
            return "first" if word == one else "second"
        self._orders.setdefault(word, []).append(number)
        return "unknown"

    def _text(self, text: str) -> str:
        if len(text) <= LONGEST:
            return text
        self._cut += 1
        return text[: LONGEST - 1] + "…"

    def _add(
        self,
        number: int,
        policies: tuple[str, str],
        meaning: Meaning,
        shown_first: Shown,
        texts: Sequence[str],
        judge: str,
        talk: str,
        costs: tuple[float | None, float | None],
    ) -> None:
        # Rows stand in the order that the judge saw. Where the log does not say it, one counts as shown first, and the
        # row is left out of the test of order bias.
        outcome = _OUTCOMES[meaning]
        (first, second), (prompt, a, b) = policies, texts
        if shown_first == "second":
            first, second, a, b, costs = second, first, b, a, costs[::-1]
            outcome = "tie" if outcome == "tie" else "second" if outcome == "first" else "first"
        ordered, index = shown_first != "unknown", len(self._rows) + 1
        bad = meaning == "both-bad"
        self._rows.append(Row(index, number, prompt, first, second, outcome, (a, b), ordered, judge, talk, bad, costs))

    def _find_copies(self) -> set[int]:
        """Return the places of rows that are equal to an earlier one in every cell.

        A row that says nothing but policies, outcome and order cannot be told from an honest second judgment, and is no
        copy. Columns without a name are what a program numbered its rows with.
        """
        mapping, table = self._mapping, self._table
        # Columns that are read as an outcome cannot tell two judgments apart, nor can costs, which are often equal.
        said = {mapping.first, mapping.second, *mapping.outcome, mapping.swapped, mapping.order}
        said |= {mapping.first_cost, mapping.second_cost}
        columns = [name for name in table.columns if not name.startswith(UNNAMED)]
        telling = [i for i, name in enumerate(columns) if name not in said]
        seen: set[tuple[str, ...]] = set()
        copies = set()
        for at, cells in enumerate(zip(*(table.columns[n] for n in columns), strict=True)):
            # The whole cells are compared, no checksum of them: equal means equal.
            if not any(cells[i] for i in telling):
                continue
            if cells in seen:
                copies.add(at)
            seen.add(cells)
        return copies


def check_columns(table: LogTable, mapping: LogMapping) -> None:
    """Refuse a mapping that names columns the log has not, or says too little."""
    wrong: dict[str, str] = {}
    have = f"the log has {listed(list(table.columns))}"
    roles = {role: getattr(mapping, role) for role in (*_ROLES, *_COSTS)}
    for role, column in [*roles.items(), *(("outcome", c) for c in mapping.outcome)]:
        if column and column not in table.columns:
            wrong[f"{MAPPING}.{role}"] = f"Expected a column of the log, got {shown(column)}; {have}. Choose one."
    for role, name in (("first", mapping.first_name), ("second", mapping.second_name)):
        if not roles[role] and not name.strip():
            which = "policy one" if role == "first" else "policy two"
            wrong[f"{MAPPING}.{role}"] = f"Expected the column that names {which}, got none; {have}. Choose one."
    # That policy one always won must be said. A mapping that forgets the outcome would say it, too.
    if not mapping.outcome and not mapping.always_first:
        wrong[f"{MAPPING}.outcome"] = (
            f"Expected the column that says which was preferred, got none; {have}. Choose one."
        )
    if wrong:
        raise InvalidComparisons(f"{next(iter(wrong.values()))} (in {table.name})", fields=wrong)


def _unsaid(found: Mapping[str, Sequence[int]], field: str, name: str) -> InvalidComparisons:
    """Return the error of words that nothing is said of: what, how often, where first."""
    lines = [
        f"{shown(word, 60)} in {len(at):,} row{'s' * (len(at) > 1)}, first in row {at[0]:,}"
        for word, at in list(found.items())[:_MOST_LISTED]
    ]
    more = f"; and {len(found) - _MOST_LISTED} more words" if len(found) > _MOST_LISTED else ""
    what = "an outcome" if field == "words" else "an order of presentation"
    message = (
        f"Expected to be told what every word for {what} means, got {'; '.join(lines)}{more}. Say what each means, or "
        "leave its rows out. None was taken for a tie."
    )
    return InvalidComparisons(f"{message} (in {name})", field=f"{MAPPING}.{field}")


def _alike(names: Mapping[str, None]) -> list[str]:
    """Say which names differ in case alone: they are different policies, and may not be meant so."""
    # They are not merged: which spelling is meant is not ours to say.
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    same = [g for g in groups.values() if len(g) > 1]
    return [f"the names {_few(g)} differ in case or blanks alone, and count as different policies" for g in same[:3]]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12:,} more" if len(names) > 12 else ""
    return f"{', '.join(map(shown, names[:12]))}{more}"
