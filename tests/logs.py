"""Events as a store hands them out, without a store."""

from __future__ import annotations

from collections.abc import Iterable

from poets_core.runs.events import Claimed, Event, Recorded


def recorded(events: Iterable[Event], first: int = 1) -> list[Recorded]:
    """Number events from `first`, a second apart."""
    return [Recorded(seq, 100.0 + seq, event) for seq, event in enumerate(events, first)]


def claimed(*asked_again: str, device: str = "cpu") -> Claimed:
    """A worker took the run."""
    return Claimed("w", 1, 1, device, 1, asked_again)
