"""How pairs of policies become responses, and who judges them: the protocol of every source of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from poets_core.llm_po.comparison import Outcome, Pair
from poets_core.llm_po.sample import Sample
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import JsonObject, PresentedPair
from poets_core.types import Direction, ProblemInfo


class Exhausted(Exception):
    """A pair whose answers have all been used: a log has no more of them."""


@dataclass(frozen=True)
class Judged:
    """What a program says about a pair: which is better, and the values it measured of both."""

    outcome: Outcome
    details: Mapping[str, Any] = field(default_factory=dict)


class ResponseSource(Protocol):
    """Where responses come from, and the program that judges them (no program is asked where people judge)."""

    @property
    def instant(self) -> bool:
        """Whether judging costs nothing, so that it may be done before it is written down that it will be."""
        ...

    @property
    def info(self) -> ProblemInfo | None:
        """Facts of the problem that policies answer for; None where there is none."""
        ...

    @property
    def facts(self) -> JsonObject:
        """Facts of source and policies for `prepared`: ``source``, ``policies``, ``warnings`` and what it adds."""
        ...

    @property
    def sample(self) -> Sample | None:
        """Rows that were judged before, where there are no others; None where as many are made as are asked."""
        ...

    def prepare(self, step: Callable[[Doing], None]) -> None:
        """Do what takes long, once; `step` is called with what is being done, and may raise to leave."""
        ...

    def responses(self, pairs: Sequence[Pair]) -> list[PresentedPair]:
        """Return responses of pairs to ask now, as many as there are: fewer only where they run out.

        A function of the pairs and of what `count` was told.

        Raises:
            Exhausted: there are none for the first pair.
        """
        ...

    def count(self, pair: PresentedPair) -> None:
        """Take note that a pair was asked: its responses are used."""
        ...

    def judge(self, pair: PresentedPair) -> Judged:
        """Say which response is better."""
        ...


def by_value(a: float | None, b: float | None, direction: Direction = "maximise") -> Outcome:
    """Compare two values; what is invalid (None) loses against what is valid, and equals what is invalid too."""
    # Two invalid responses say nothing of their policies, and a tie moves no evidence.
    if a is None or b is None:
        return "tie" if a is b else "second" if a is None else "first"
    if a == b:
        return "tie"
    return "first" if (a > b) == (direction == "maximise") else "second"
