"""Who looks at which open pair: judges of one server share the work, so that no two are shown the same one.

The store knows answers, not who is reading. What is kept here is lost with the server, and a judge at another server of
the same store is not seen; then both may answer one pair, and the worker counts the second answer as a second opinion.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import streamlit as st

SEAT = 60.0
"""Seconds that a pair stays with a judge whose page is not drawn any more: closed, or in a tab that sleeps."""
QUEUE = 5.0
"""Seconds that a judge who found none stays in the queue without being drawn again."""


@dataclass
class _Run:
    """Judges of one run: pair and last draw of those who have one; beginning and last draw of those who wait."""

    seated: dict[str, tuple[int, float]] = field(default_factory=dict)
    queue: dict[str, tuple[float, float]] = field(default_factory=dict)


class Seats:
    """The seats of all runs, for all browsers of this server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    def take(
        self, run: str, judge: str, free: Sequence[int], keep: int | None, *, now: float | None = None
    ) -> int | None:
        """Seat a judge at a pair.

        Args:
            run, judge: who.
            free: open pairs that this judge can answer, in order.
            keep: the pair on the screen, which stays there; None for none.
            now: seconds of the monotonic clock.

        Returns:
            a pair of `free` that nobody else looks at; None where there is none. Who has waited longer comes first.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            at = self._runs.setdefault(run, _Run())
            at.seated = {j: x for j, x in at.seated.items() if now - x[1] < SEAT}
            at.queue = {j: x for j, x in at.queue.items() if now - x[1] < QUEUE}
            taken = {pair for j, (pair, _) in at.seated.items() if j != judge}
            since = at.queue.get(judge, (now, now))[0]
            ahead = sum(1 for j, (began, _) in at.queue.items() if j != judge and began < since)
            left = [pair for pair in free if pair not in taken][ahead:]
            chosen = keep if keep is not None else left[0] if left else None
            if chosen is None:
                at.seated.pop(judge, None)
                at.queue[judge] = (since, now)
            else:
                at.queue.pop(judge, None)
                at.seated[judge] = (chosen, now)
            return chosen

    def others(self, run: str, judge: str, *, now: float | None = None) -> Collection[str]:
        """Return who else judges this run at the moment, by name."""
        now = time.monotonic() if now is None else now
        with self._lock:
            at = self._runs.get(run, _Run())
            there = {j for j, x in at.seated.items() if now - x[1] < SEAT} | {
                j for j, x in at.queue.items() if now - x[1] < QUEUE
            }
        return sorted(there - {judge})


@st.cache_resource
def seats() -> Seats:
    """Return the seats of this server."""
    return Seats()
