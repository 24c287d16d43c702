"""Order of presentation in a log: pairs that were shown in one order alone, and a test within pairs that have both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

from poets_core.intake import shown
from poets_core.llm_po.comparison import Two, Verdict, two
from poets_core.llm_po.log.row import Row

SELDOM = 0.05
"""Share of a pair's rows in the other order, up to which it counts as shown in one order alone."""
FEWEST = 8
"""Rows of a pair before that is said: fewer fall into one order by chance, and certify nothing."""


@dataclass(frozen=True)
class OneOrder:
    """A pair that was shown in one order, always or nearly always.

    Attributes:
        first, second: the policies, as they were shown.
        rows: of them in this order.
        known: rows of the pair whose order is known.
    """

    first: str
    second: str
    rows: int
    known: int

    def sentence(self) -> str:
        """Say so."""
        how = f"all {self.rows:,}" if self.rows == self.known else f"{self.rows:,} of {self.known:,}"
        return f"{shown(self.first)} was shown first in {how} of its rows against {shown(self.second)}"


@dataclass(frozen=True)
class OrderEffect:
    """What being shown first does to a response, within pairs of policies that were shown in both orders.

    Attributes:
        first: how often the response shown first is preferred, both orders of a pair weighing the same; 1/2 without
            an effect.
        pairs: of policies with both orders.
        rows: of them that are no ties.
        p_value: two-sided, of no effect (Mantel and Haenszel 1959); rows count as independent.
    """

    first: float
    pairs: int
    rows: int
    p_value: float

    def sentence(self) -> str:
        """Say what was found."""
        pairs = f"{self.pairs:,} pair{'s' * (self.pairs != 1)} of policies"
        return (
            f"Within {pairs} shown in both orders ({self.rows:,} rows), the response shown first was preferred in "
            f"{self.first:.0%}, both orders weighing the same (two-sided p = {self.p_value:.2g})."
        )


def one_order(rows: Sequence[Row]) -> dict[Two, OneOrder]:
    """Return the pairs in which order and quality cannot be told apart, for one order is all they were shown in."""
    known: dict[Two, list[int]] = {}
    for row in rows:
        if row.ordered:
            pair = two(row.first, row.second)
            known.setdefault(pair, [0, 0])[row.first != pair[0]] += 1
    out = {}
    for pair, (one, other) in known.items():
        n = one + other
        if n >= FEWEST and min(one, other) <= SELDOM * n:
            out[pair] = OneOrder(*(pair if one >= other else pair[::-1]), max(one, other), n)
    return out


def order_effect(rows: Sequence[Row]) -> OrderEffect | None:
    """Test whether being shown first helps, within pairs of policies; None where no pair was shown in both orders."""
    # of each pair, by who was shown first: wins of the first of `two`, rows that are no ties
    found: dict[Two, list[list[int]]] = {}
    for row in rows:
        if row.ordered and row.outcome != "tie":
            pair = two(row.first, row.second)
            counts = found.setdefault(pair, [[0, 0], [0, 0]])[row.first != pair[0]]
            counts[0] += (row.outcome == "first") == (row.first == pair[0])
            counts[1] += 1
    both = [c for c in found.values() if c[0][1] and c[1][1]]
    if not both:
        return None
    gap = variance = share = 0.0
    total = sum(a[1] + b[1] for a, b in both)
    for (won, n), (lost_first, m) in both:
        wins, all_ = won + lost_first, n + m
        gap += won - n * wins / all_
        variance += n * m * wins * (all_ - wins) / (all_**2 * (all_ - 1.0))
        share += all_ / total * (won / n + 1.0 - lost_first / m) / 2.0
    p_value = erfc(abs(gap) / sqrt(2.0 * variance)) if variance else 1.0
    return OrderEffect(share, len(both), total, p_value)


def withheld(verdict: Verdict, orders: Mapping[Two, OneOrder], *, assume: bool) -> tuple[Verdict, str]:
    """Return a verdict as it may be said, and why it is less than the counts say; "" where it is not.

    What rests on pairs that were shown in one order is never certified: the judge may have preferred the place.

    Args:
        verdict: by the counts.
        orders: see `one_order`.
        assume: whether a winner was assumed, so that every pair of the log bears on who it is.
    """
    if verdict.kind == "undecided":
        return verdict, ""
    named = verdict.policy
    bears = [o for o in orders.values() if assume or named is None or named in (o.first, o.second)]
    if not bears:
        return verdict, ""
    more = f", and so in {len(bears) - 1} more pairs" if len(bears) > 1 else ""
    what = "no policy beats all others" if named is None else f"{shown(named)} is the best policy"
    if verdict.kind == "top":
        what = f"the best {len(verdict.left)} are {', '.join(map(shown, verdict.left))}"
    why = (
        f"{bears[0].sentence()}{more}: order of presentation and quality cannot be told apart there. By the counts "
        f"alone, {what} with error at most {100 * (verdict.error_bound or 0.0):.3g} %; that holds only if the judge "
        "did not care which was shown first"
    )
    return Verdict("undecided", None, None, verdict.comparisons, (), "order"), why
