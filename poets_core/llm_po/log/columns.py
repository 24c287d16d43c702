"""Which column of a log says what, by the names that logs use; what two columns could say is asked.

The other half of a proposal, what the words mean, is in `poets_core.llm_po.log.propose`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poets_core.intake import listed, shown
from poets_core.llm_po.log import names
from poets_core.llm_po.log.read import MAPPING
from poets_core.llm_po.log.table import MESSAGES, LogTable
from poets_core.llm_po.log.words import as_numbers, counted
from poets_core.spec.log_mapping import LONGEST_WORD, MOST_OUTCOMES, MOST_WORDS, LogMapping, Shown


class Columns:
    """The columns of a mapping on its way, with what is open."""

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
        could = " or ".join(self.reading(columns) for columns in readings)
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

    def reading(self, columns: Sequence[str]) -> str:
        """Return columns as a question names them, with some of their values."""
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
        policies = set(self.cells("first")) | set(self.cells("second"))
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

    def cells(self, role: str) -> Sequence[str]:
        """Return the cells of the column of a role; none where there is none."""
        return self._table.columns.get(self._found.get(role, ""), ())
