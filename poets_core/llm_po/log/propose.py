"""How a log is probably meant: columns by their names, words by what they mean in every format that has them.

What could mean two things is not decided: it stays open, with a question that names both readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poets_core.intake import listed, shown
from poets_core.llm_po.log import names
from poets_core.llm_po.log.read import MAPPING
from poets_core.llm_po.log.row import Word
from poets_core.llm_po.log.table import MESSAGES, LogTable
from poets_core.llm_po.log.words import as_numbers, counted, outcome_words
from poets_core.spec.log_mapping import LONGEST_WORD, MEANINGS, MOST_OUTCOMES, MOST_WORDS, LogMapping, Meaning, Shown

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


class _Proposer:
    """A mapping on its way."""

    def __init__(self, table: LogTable) -> None:
        self._table = table
        self._by_key: dict[str, str] = {}
        # Which of two such columns is meant decides everything after it, so a person says it.
        self._twice: dict[str, str] = {}  # column -> another one of a name that reads alike
        for column in table.columns:
            first = self._by_key.setdefault(names.key_of(column), column)
            if first != column:
                self._twice[first] = column
        self._found: dict[str, Any] = {}
        self._questions: dict[str, str] = {}
        self._notes: list[str] = []
        self._orders: list[tuple[str, int, Shown | None]] = []
        self._own = False

    # -- columns -----------------------------------------------------------

    def columns(self) -> None:
        """Find the columns by their names."""
        # The order matters: an outcome is looked for beside the policies, an order beside the outcome.
        self._policies()
        self._outcome()
        for role, known in (("prompt", names.PROMPTS), ("conversation", names.CONVERSATIONS)):
            self._found[role] = self._first(known)
        if not self._found["prompt"]:
            talks = (c for c in self._table.columns if c.startswith(MESSAGES) and len(c) <= LONGEST_WORD)
            self._found["prompt"] = next(talks, "")
        self._judge()
        for one, two in names.RESPONSES:
            if {one, two} <= self._by_key.keys():
                self._found |= {"first_response": self._by_key[one], "second_response": self._by_key[two]}
                break
        self._order()
        # Columns that group rows or show texts may be taken as they come; these four decide what is counted.
        for role in ("first", "second", "outcome", "prompt"):
            found = self._found.get(role, "")
            column = found[0] if isinstance(found, tuple) and found else found
            if column in self._twice:
                self._found[role] = () if role == "outcome" else ""
                self._questions[f"{MAPPING}.{role}"] = (
                    f"Expected one column of its name, got {shown(column)} and {shown(self._twice[column])}, which "
                    "read alike. Choose one."
                )

    def take(self, said: LogMapping) -> None:
        """Take the columns that a person has chosen."""
        self._found = said.model_dump()
        # A column that is not there is an error of the reader, which names it with all that the log has; here it is
        # only not looked into.
        lost = [c for c in (said.first, said.second, said.swapped, said.order, *said.outcome) if c]
        if any(c not in self._table.columns for c in lost):  # the reader says which
            self._found |= {"outcome": (), "order": "", "swapped": ""}
        self._own = [names.key_of(c) for c in (said.first, said.second)] == ["policy_a", "policy_b"]
        if self._found["order"]:
            self._order_words(said.order, said.order_words)

    def _first(self, known: Sequence[str]) -> str:
        return next((self._by_key[key] for key in known if key in self._by_key), "")

    def _policies(self) -> None:
        keys = self._by_key
        pairs = [(one, two) for one, two in names.POLICIES if one in keys and two in keys]
        # Columns called first and second are names of policies in our own export alone; elsewhere they are anything.
        if len(pairs) > 1 and ("first", "second") in pairs:
            pairs.remove(("first", "second"))
        if len(pairs) > 1:
            readings = " or ".join(f"{shown(keys[a])} and {shown(keys[b])}" for a, b in pairs)
            text = f"Expected one pair of columns that name the policies, got {readings}. Choose the columns."
            self._questions |= {f"{MAPPING}.first": text, f"{MAPPING}.second": text}
        elif pairs:
            # In our own format a and b are the columns, also where policies are called a and b.
            (pair,) = pairs
            self._own = pair == ("policy_a", "policy_b")
            self._found |= {"first": keys[pair[0]], "second": keys[pair[1]]}
            self._found["always_first"] = pair[0] in names.WINNER_FIRST
        elif set(names.CHOSEN) <= keys.keys():
            # Preference data without names of models. It is read, since its prompts and responses are of use, with the
            # plain warning that the winner wins by what it is called.
            one, two = names.CHOSEN
            self._found |= {"first_name": one, "second_name": two, "always_first": True}
        else:
            text = f"Expected columns that name the two policies of a row, got {self._have()}. Choose the columns."
            self._questions |= {f"{MAPPING}.first": text, f"{MAPPING}.second": text}

    def _have(self) -> str:
        return listed(list(self._table.columns))

    def _outcome(self) -> None:
        if self._found.get("always_first"):
            return
        keys, used = self._by_key, {self._found.get("first"), self._found.get("second")}
        # Both outcomes name the model, not the place: the second need not be turned round.
        if set(names.BOTH_ORDERS) <= keys.keys():
            first, swapped = (keys[k] for k in names.BOTH_ORDERS)
            self._found |= {"outcome": (first,), "swapped": swapped}
            self._notes.append(f"each row was judged in both orders, {shown(first)} and {shown(swapped)}")
            return
        # Every column that could be it is a reading. A column of policies (winner, loser) is none.
        readings: list[tuple[str, ...]] = [(keys[k],) for k in names.OUTCOMES if k in keys and keys[k] not in used]
        if names.BOTH_ORDERS[0] in keys:
            readings.append((keys[names.BOTH_ORDERS[0]],))
        # A table may say the outcome twice, as a word and as columns of 0 and 1. Nobody checks here that they agree.
        if one_hot := self._one_hot():
            readings.append(one_hot)
        readings = readings or [(keys[k],) for k in names.WEAK_OUTCOMES if k in keys and keys[k] not in used]
        if len(readings) == 1:
            self._found["outcome"] = readings[0]
            return
        could = " or ".join(self._reading(columns) for columns in readings)
        what = "one column" if readings else "a column"
        self._questions[f"{MAPPING}.outcome"] = (
            f"Expected {what} that says which policy was preferred, got {could or self._have()}. Choose the column."
        )

    def _one_hot(self) -> tuple[str, ...]:
        keys = self._by_key
        sides = [f"winner_{names.key_of(self._found.get(role, ''))}" for role in ("first", "second")]
        if not all(side in keys for side in sides):
            return ()
        # Ties and both-bad have columns of their own, or none where the log has no ties.
        more = [c for k, c in keys.items() if k.startswith(("winner_tie", "winner_both")) and k not in sides]
        return (keys[sides[0]], keys[sides[1]], *more) if len(more) <= MOST_OUTCOMES - 2 else ()

    def _reading(self, columns: Sequence[str]) -> str:
        if len(columns) > 1:
            return f"the columns of 0 and 1 {', '.join(map(shown, columns))}"
        # Three values tell a person more of a column than its name.
        some = dict.fromkeys(cell for cell in self._table.columns[columns[0]][:200] if cell)
        return f"{shown(columns[0])} ({', '.join(map(shown, list(some)[:3]))})"

    def _judge(self) -> None:
        column = self._first(names.JUDGES)
        cells = set(self._table.columns[column]) - {""} if column else set()
        # One judge of all rows says nothing of which rows belong together.
        if len(cells) > 1:
            self._found["judge"] = column
        elif cells:
            self._notes.append(f"one judge, {shown(next(iter(cells)))}, judged all rows")
        if self._by_key.keys() >= names.OWN_EXPORT:
            # Our export calls the policy that was shown as A first.
            self._notes.append("it is a table of comparisons that this program wrote")
            # Of a log that did not say it, the export's order is one that the experiment drew.
            self._found["shown"] = "unknown" if names.REPLAYED in cells else "first"

    def _order(self) -> None:
        column = self._first(names.ORDERS)
        if not column or self._found.get("swapped"):
            return
        # A column called order often numbers the rows. Two numbers may be a code for the two orders, and are asked for.
        words = counted([self._table.columns[column]])
        if len(words) > MOST_WORDS or (as_numbers(list(words), "") and len(words) > 2):
            self._notes.append(f"the column {shown(column)} does not say which response was shown first")
            return
        self._found["order"] = column
        self._order_words(column, {})

    def _order_words(self, column: str, said: Mapping[str, Shown]) -> None:
        """Propose which policy was shown first by each word of a column; ask about the others."""
        words = counted([self._table.columns[column]])
        known = dict(said)
        for word in words:
            if word and word not in said and (shown_first := names.ORDER_WORDS.get(names.order_key(word))) is not None:
                known[word] = shown_first
        # Logs also write the name of the policy that came first, which needs no word.
        policies = set(self._cells("first")) | set(self._cells("second"))
        unknown = [w for w in words if w and w not in known and w not in policies]
        if len(words) > MOST_WORDS or max(map(len, words), default=0) > LONGEST_WORD:
            known = {}
        self._found["order_words"] = known
        self._orders = [(w, n, known.get(w)) for w, n in words.most_common(MOST_WORDS) if w and w not in policies]
        if unknown:
            self._questions[f"{MAPPING}.order_words"] = (
                f"Expected words that say which policy was shown first in the column {shown(column)}, got "
                f"{', '.join(map(shown, unknown[:6]))}: policy one, or policy two. Say which, or choose no column."
            )

    def _cells(self, role: str) -> Sequence[str]:
        return self._table.columns.get(self._found.get(role, ""), ())

    # -- words -------------------------------------------------------------

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
                f"{self._reading(mapping.outcome)}. Choose another column; of numbers, say where the middle is."
            )
            words = [w for w in words[:MOST_WORDS] if len(w.text) <= LONGEST_WORD]
            mapping = mapping.model_copy(update={"words": {}})
        # One question for all words that are open; the one that was put first names the readings, and stays.
        unsaid = [w.text for w in words if w.text not in mapping.words]
        if unsaid and f"{MAPPING}.words" not in self._questions:
            self._questions[f"{MAPPING}.words"] = (
                f"Expected words for an outcome that are known, got {self._few(unsaid, counts, firsts)} in "
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
            for word, one, two in zip(column, self._cells("first"), self._cells("second"), strict=True):
                (found if word and word in (one, two) else other).add(word)
        return found - other

    def _by_name(self, mapping: LogMapping, words: Sequence[str], counts: Mapping[str, int]) -> dict[str, Any]:
        """Say whether outcomes are names of policies; where both readings are possible, ask."""
        ones, twos = self._cells("first"), self._cells("second")
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
        policies = {*self._cells("first"), *self._cells("second")} if open_ else set()
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
