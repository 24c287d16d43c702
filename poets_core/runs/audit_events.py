"""The event of an audit; see `poets_core.runs.events`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from poets_core.runs.event_fields import EventKind, JsonObject, Outcome
from poets_core.runs.event_kind import Kind


@dataclass(frozen=True, slots=True)
class Audited(Kind):
    """The judge's verdict of a pair in an audit, and whether a person is asked; before the pair's `compared`.

    Attributes:
        index: of the pair.
        verdict: of the judge.
        person: whether a person is asked; drawn with the share of this verdict.
        predicted: what people were expected to say where the verdict is second, tie, first; 1 prefers the first policy.
        shares: probability with which a person is asked, alike.
        stakes: of the bets on the first and on the second policy.
        details: what the judge adds.
    """

    tag: ClassVar[EventKind] = "audited"
    index: int
    verdict: Outcome
    person: bool
    predicted: tuple[float, float, float]
    shares: tuple[float, float, float]
    stakes: tuple[float, float]
    details: JsonObject = field(default_factory=dict)
