"""The nouns of an experiment: a pair to be judged, a comparison (a judged pair), a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poets_core.errors import InvalidComparisons

Outcome = Literal["first", "second", "tie"]
OUTCOMES: tuple[Outcome, ...] = ("first", "second", "tie")


@dataclass(frozen=True)
class Pair:
    """Two policies to be compared next, in the order in which their responses are shown.

    Attributes:
        index: how many pairs the experiment had handed out before this one.
        first, second: names of the policies, shown in this order.
    """

    index: int
    first: str
    second: str


@dataclass(frozen=True)
class Comparison:
    """One judged pair.

    Attributes:
        first, second: names of the policies.
        outcome: which was preferred: ``"first"``, ``"second"`` or ``"tie"``.
        order_shown: which of them the judge saw first: ``"first"`` or ``"second"``.
        judge: who preferred.
        row: of a log (`log.Row.index`), 0 for none.
        both_bad: a tie because neither was good; evidence takes it as any tie.
    """

    first: str
    second: str
    outcome: Outcome
    order_shown: Literal["first", "second"] = "first"
    judge: str = ""
    row: int = 0
    both_bad: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no comparison.

        Raises:
            InvalidComparisons: a policy with itself, or a word that is no outcome (never taken for a tie).
        """
        if self.first == self.second:
            raise InvalidComparisons(f"Expected two different policies, got {self.first!r} compared with itself.")
        if self.outcome not in OUTCOMES:
            raise InvalidComparisons(f"Expected outcome 'first', 'second' or 'tie', got {self.outcome!r}.")
        if self.both_bad and self.outcome != "tie":
            raise InvalidComparisons(f"Expected outcome 'tie' where both are bad, got {self.outcome!r}.")
        if self.order_shown not in ("first", "second"):
            raise InvalidComparisons(f"Expected order_shown 'first' or 'second', got {self.order_shown!r}.")


@dataclass(frozen=True)
class Verdict:
    """How an experiment ended.

    Attributes:
        kind: ``"winner"``, ``"top"`` (the best k are known), ``"none"`` (there is no Condorcet winner, or there are no
            k policies of which each is beaten by fewer than k others) or ``"undecided"`` (the budget is spent, the
            log has no further row, or what was found cannot be told from the order of presentation).
        policy: the winner.
        error_bound: probability that a verdict of this kind is wrong, at most; None where nothing is claimed.
        comparisons: how many were recorded, ties included.
        left: policies that could still be the winner, or of the best k; of kind ``"top"``, those k.
        rule: whose stopping rule has spoken: that of the unstructured space, or of the Bradley-Terry model;
            ``"order"``: the counts are enough, but one order of presentation keeps them from being a verdict;
            ``"audit"``: people's labels of a judge's verdicts.
    """

    kind: Literal["winner", "top", "none", "undecided"]
    policy: str | None
    error_bound: float | None
    comparisons: int
    left: tuple[str, ...]
    rule: Literal["unstructured", "bradley-terry", "order", "audit"] = "unstructured"


Two = tuple[str, str]
"""Two policies, whichever was shown first: in the order of their names."""


def two(first: str, second: str) -> Two:
    """Return a pair's policies in one order, whichever was shown first."""
    return (first, second) if first < second else (second, first)
