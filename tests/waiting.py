"""Waiting for what a test is about to assert, never for elapsed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from poets_core.runs.store import RunStore

T = TypeVar("T")
LIMIT = 240.0
"""Seconds after which a wait is given up: what has not come by then never will."""


def until(look: Callable[[], T], why: Callable[[], object] = lambda: "it did not come", pause: float = 0.02) -> T:
    """Look again and again until there is something to see, and return it.

    Args:
        look: what is waited for; anything false means not yet.
        why: said when it never comes.
        pause: seconds between two looks.
    """
    end = time.monotonic() + LIMIT
    while not (seen := look()):
        assert time.monotonic() < end, why()
        time.sleep(pause)
    return seen


def heartbeats(store: RunStore, run: str, times: int = 3) -> None:
    """Wait until the worker of a run has said so many times more that it lives."""
    for _ in range(times):
        last = store.status(run).heartbeat
        until(lambda last=last: store.status(run).heartbeat != last, lambda: f"no heartbeat of {store.status(run)}")
