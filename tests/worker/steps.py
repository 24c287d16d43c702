"""What the tests of the worker do to a run and compare of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from poets_core.runs.events import DETERMINISTIC, Event, without_times
from poets_core.runs.store import SqlStore, open_store
from poets_core.spec import RunSpec
from poets_core.worker.science import Asks, Parts
from poets_core.worker.worker import FINISHED, work
from tests.waiting import LIMIT, until
from tests.worker.fake import FAKES, Digits


def science(events: list[Event]) -> list[Any]:
    """What must be equal between an interrupted and an uninterrupted run."""
    return [without_times(e) for e in events if e.kind in DETERMINISTIC]


def reference(store: SqlStore, spec: RunSpec) -> list[Any]:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    return science(store.read(run))


def parts(search: Callable[[RunSpec], Asks], problem: Digits | None = None) -> Parts:
    return Parts(lambda spec: problem or FAKES.load(spec), lambda _, spec, __: search(spec))


def free(store: SqlStore, run: str) -> None:
    """Make the lease's process a dead one, as kill -9 would."""
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE runs SET pid_started = 'gone', expires = 0 WHERE id = ?", (run,))


def follow(store: SqlStore, run: str, look: Callable[[], bool]) -> None:
    """Wait until a run is so far; one that has ended otherwise is not waited for."""

    def seen() -> bool:
        status = store.status(run)
        over = status.state == "failed" or (status.state == "finished" and not status.resumable)
        if look():
            return True
        assert not over, f"it never came: {status}"
        return False

    until(seen, lambda: f"it did not come: {store.status(run)}")


class Worker(threading.Thread):
    """A worker in a thread of this process, with a connection of its own."""

    def __init__(self, store: SqlStore, run: str, parts: Parts = FAKES) -> None:
        super().__init__(daemon=True)
        self._url, self._run, self._parts = store.url, run, parts
        self.code: int | None = None

    def run(self) -> None:
        store = open_store(self._url)
        self.code = work(store, self._run, self._parts)
        store.close()

    def ended(self) -> int | None:
        """Wait for its end and return its exit code; None if it raised."""
        self.join(LIMIT)
        assert not self.is_alive(), "the worker does not end"
        return self.code


def started(store: SqlStore, run: str, parts: Parts = FAKES) -> Worker:
    """Start a worker in a thread."""
    worker = Worker(store, run, parts)
    worker.start()
    return worker
