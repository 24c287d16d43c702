"""What a log is, counted: policies, rows left out, which rows belong together, orders of presentation; in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from poets_core.intake import shown
from poets_core.llm_po.comparison import Two, two
from poets_core.llm_po.log.row import LEFT_OUT, ReadLog, Row

Kind = Literal["prompt", "judge", "conversation"]
KINDS: tuple[Kind, ...] = ("prompt", "judge", "conversation")
_MOST_LISTED = 6


@dataclass(frozen=True)
class Clusters:
    """Rows that belong together, because they share a prompt, a judge or a conversation.

    Attributes:
        kind: what they share.
        keys: number of each row's cluster from 0, (n,); -1 where the row does not say it.
        count: clusters.
        repeated: rows that share their cluster with an earlier row of the same two policies.
    """

    kind: Kind
    keys: tuple[int, ...]
    count: int
    repeated: int


@dataclass(frozen=True)
class Orders:
    """What is known of the order of presentation.

    Attributes:
        known: rows whose order is known.
        both: pairs of policies under one prompt that were judged in both orders.
        always_first: policy -> rows, of the policies that were shown first in all of their rows of known order, where
            every other row of the log knows its order, too.
    """

    known: int
    both: int
    always_first: dict[str, int]


def clusters(rows: Sequence[Row]) -> dict[Kind, Clusters]:
    """Return the clusters of every kind that at least one row names."""
    found: dict[Kind, Clusters] = {}
    for kind in KINDS:
        places: dict[str, int] = {}
        keys: list[int] = []
        met: set[tuple[int, Two]] = set()
        repeated = 0
        for row in rows:
            text = getattr(row, kind)
            # A row that names no prompt belongs to no cluster; it may still belong to a judge.
            key = places.setdefault(text, len(places)) if text else -1
            keys.append(key)
            if key >= 0:
                # Rows of other policies on the same prompt do not bear on this pair, whose evidence is its own rows.
                here = (key, two(row.first, row.second))
                repeated += here in met
                met.add(here)
        if places:
            found[kind] = Clusters(kind, tuple(keys), len(places), repeated)
    return found


def orders(rows: Sequence[Row]) -> Orders:
    """Return what is known of the order of presentation."""
    shown_in: dict[tuple[str, Two], set[bool]] = {}
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for row in rows:
        if row.ordered:
            first[row.first] += 1
            second[row.second] += 1
            pair = two(row.first, row.second)
            # By the name that comes first in the alphabet, whatever the columns are.
            shown_in.setdefault((row.prompt, pair), set()).add(row.first == pair[0])
    both = sum(len(ways) == 2 for ways in shown_in.values())
    # Never second in a row of known order: no row tells its quality from its place.
    always = {name: n for name, n in first.items() if not second[name]}
    return Orders(sum(first.values()), both, always)


def sentences(log: ReadLog) -> list[str]:
    """Return what a person is told of a log before it is used; `warnings` are apart."""
    rows = log.rows
    names = list(dict.fromkeys(name for row in rows for name in (row.first, row.second)))
    ties = sum(row.outcome == "tie" for row in rows)
    bad = sum(row.both_bad for row in rows)
    of_bad = f", of which both were bad in {bad:,}" if bad else ""
    many = f"{_many(len(rows), 'comparison')} of {len(names):,} policies"
    out = [f"{many} {'counts' if len(rows) == 1 else 'count'}; {_many(ties, 'tie')}{of_bad}."]
    if log.left_out:
        out.append(_left(log))
    found = clusters(rows)
    for kind, group in found.items():
        each = len(rows) / group.count
        out.append(f"{_many(group.count, kind)}, {each:,.3g} row{'s' * (round(each, 3) != 1)} each on average.")
    if not found:
        out.append("The log names no prompt, judge or conversation: whether its rows are independent cannot be seen.")
    out += _orders(orders(rows))
    out += [f"{note[:1].upper()}{note[1:]}." for note in log.notes]
    return out


def warnings(log: ReadLog, *, order: bool = True) -> list[str]:
    """Return what makes a verdict on these rows less than it looks.

    Args:
        log: that was read.
        order: whether to speak of the order of presentation, which a run says of every pair.
    """
    found = _dependent(clusters(log.rows)) + (_always_first(orders(log.rows)) if order else [])
    return [log.by_name_alone, *found] if log.by_name_alone else found


def _left(log: ReadLog) -> str:
    parts = [f"{n:,} {LEFT_OUT[why]}" for why, n in log.left_out.items() if why != "word"]
    words = list(log.words_out.items())
    parts += [f"{n:,} {_with(word)}" for word, n in words[:_MOST_LISTED]]
    if rest := sum(n for _, n in words[_MOST_LISTED:]):
        parts.append(f"{rest:,} with other outcomes")
    total = sum(log.left_out.values())
    return f"{_many(total, 'row')} {'does' if total == 1 else 'do'} not count: {', '.join(parts)}."


def _with(word: str) -> str:
    return f"with the outcome {shown(word, 60)}, which is left out" if word else "without an outcome"


def _orders(order: Orders) -> list[str]:
    if not order.known:
        return []
    both = f"{_many(order.both, 'pair')} of responses to one prompt {'was' if order.both == 1 else 'were'}"
    rows = f"{_many(order.known, 'row')} {'says' if order.known == 1 else 'say'}"
    return [f"{rows} which response was shown first; {both} judged in both orders."]


def _always_first(order: Orders) -> list[str]:
    return [
        f"{shown(name)} was shown first in all {n:,} of its rows of known order: order of presentation and quality "
        "cannot be told apart there."
        for name, n in list(order.always_first.items())[:_MOST_LISTED]
    ]


def _dependent(found: dict[Kind, Clusters]) -> list[str]:
    # One judge answers many rows in every log, so that this alone is no reason to warn.
    worst = max((g for g in found.values() if g.kind != "judge"), key=lambda g: g.repeated, default=None)
    if worst is None or not worst.repeated:
        return []
    share = "shares its" if worst.repeated == 1 else "share their"
    return [
        f"{_many(worst.repeated, 'row')} of the same two policies {share} {worst.kind} with an earlier one. Such rows "
        "are not independent: they count together, so that the error bound (δ) holds."
    ]


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
