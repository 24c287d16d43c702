"""What the tests of the worker do to a run and compare of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from poets_core.protocols import Search
from poets_core.runs.events import DETERMINISTIC, Event, without_times
from poets_core.runs.store import SqlStore
from poets_core.spec import RunSpec
from poets_core.worker.science import Parts
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, Digits


def science(events: list[Event]) -> list[Any]:
    """What must be equal between an interrupted and an uninterrupted run."""
    return [without_times(e) for e in events if e.kind in DETERMINISTIC]


def reference(store: SqlStore, spec: RunSpec) -> list[Any]:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    return science(store.read(run))


def parts(search: Callable[[RunSpec], Search], problem: Digits | None = None) -> Parts:
    return Parts(lambda spec: problem or FAKES.load(spec), lambda _, spec, __: search(spec))


def free(store: SqlStore, run: str) -> None:
    """Make the lease's process a dead one, as kill -9 would."""
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE runs SET pid_started = 'gone', expires = 0 WHERE id = ?", (run,))


def follow(store: SqlStore, run: str, until: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"timed out; state {store.status(run).state}"
        time.sleep(0.02)
