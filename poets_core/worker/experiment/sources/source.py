"""What an experiment compares: pairs become responses, and responses are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from poets_core.llm_po.comparison import Outcome, Pair
from poets_core.types import Direction


class Exhausted(Exception):
    """A pair whose answers have all been used: a log has no more of them."""


@dataclass(frozen=True)
class Asked:
    """One pair with its responses, as `asked` holds it.

    Attributes:
        index, first, second: see `poets_core.llm_po.comparison.Pair`; the first is what a judge sees as A.
        item: number of the prompt.
        prompt: text shown to the judge.
        responses: texts of first and second.
        reasons: why each is no valid response, ``""`` where it is one.
        row: of the log it was taken from, 0 for none.
    """

    index: int
    first: str
    second: str
    item: int
    prompt: str
    responses: tuple[str, str]
    reasons: tuple[str, str] = ("", "")
    row: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the pair as it stands in `asked`."""
        return {
            "index": self.index, "first": self.first, "second": self.second, "item": self.item, "prompt": self.prompt,
            "responses": list(self.responses), "reasons": list(self.reasons), "row": self.row,
        }  # fmt: skip


def asked_from_json(body: Mapping[str, Any]) -> Asked:
    """Read a pair out of `asked`."""
    fields = {name: body[name] for name in ("index", "first", "second", "item", "prompt", "row")}
    return Asked(**fields, responses=tuple(body["responses"]), reasons=tuple(body["reasons"]))


@dataclass(frozen=True)
class Judged:
    """What a program says about a pair: which is better, and the values it measured of both."""

    outcome: Outcome
    details: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """Where responses come from, and the program that judges them (no program is asked where people judge)."""

    @property
    def instant(self) -> bool:
        """Whether judging costs nothing, so that it may be done before it is written down that it will be."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """Of `prepared`: ``info`` (the problem's, or None) and ``experiment`` (policies, warnings, ...)."""
        ...

    def prepare(self, step: Callable[[str], None]) -> None:
        """Do what takes long, once; `step` is called with what is being done, and may raise to leave."""
        ...

    def responses(self, pairs: Sequence[Pair]) -> list[Asked]:
        """Return responses of pairs to ask now, as many as there are: fewer only where they run out.

        A function of the pairs and of what `count` was told.

        Raises:
            Exhausted: there are none for the first pair.
        """
        ...

    def count(self, pair: Asked) -> None:
        """Take note that a pair was asked: its responses are used."""
        ...

    def judge(self, pair: Asked) -> Judged:
        """Say which response is better."""
        ...


def by_value(a: float | None, b: float | None, direction: Direction = "maximise") -> Outcome:
    """Compare two values; what is invalid (None) loses against what is valid, and equals what is invalid too."""
    if a is None or b is None:
        return "tie" if a is b else "second" if a is None else "first"
    if a == b:
        return "tie"
    return "first" if (a > b) == (direction == "maximise") else "second"
