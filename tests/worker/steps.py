"""What the tests of the worker do to a run and compare of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poets_core.protocols import Check, Search
from poets_core.runs.events import DETERMINISTIC, Event, Recorded, without_times
from poets_core.runs.lease import Lease
from poets_core.runs.store import SqlStore, open_store
from poets_core.spec import RunSpec
from poets_core.worker.science import Science
from poets_core.worker.worker import FINISHED, work
from tests.waiting import LIMIT, until
from tests.worker.fake import FAKES, Digits


def noted(store: SqlStore) -> list[tuple[str, ...]]:
    """Note from now on what a worker appends to a store: the kinds of events of each append, in the list returned."""
    kinds: list[tuple[str, ...]] = []
    append = store.append

    def noting(lease: Lease, events: Sequence[Event], *rest: Any) -> int:
        kinds.append(tuple(dict.fromkeys(event.tag for event in events)))
        return append(lease, events, *rest)

    store.append = noting  # type: ignore[method-assign]
    return kinds


def places(kinds: Sequence[tuple[str, ...]]) -> list[int]:
    """Return before which appends of a run to cut its worker off.

    What a worker does after a restart follows from what is written. Of all places between the same two kinds of appends
    these are the first and the last.

    Args:
        kinds: of the appends of the run, untouched (`noted`).
    """
    alike: dict[object, list[int]] = {}
    for place, after in enumerate(kinds):
        alike.setdefault((kinds[place - 1] if place else (), after), []).append(place)
    return sorted({found[i] for found in alike.values() for i in (0, -1)})


def science(events: list[Recorded]) -> list[Any]:
    """What must be equal between an interrupted and an uninterrupted run."""
    return [without_times(e) for e in events if e.kind in DETERMINISTIC]


def reference(store: SqlStore, spec: RunSpec) -> list[Any]:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    return science(store.read(run))


def fakes(search: Callable[[RunSpec], Search], problem: Digits | None = None) -> Science:
    """The fakes with another search, and maybe a problem that the test holds."""

    def load(spec: RunSpec) -> Any:
        return problem or FAKES.load(spec)

    def build(problem: Any, spec: RunSpec, folder: Path, check: Check) -> Search:
        return search(spec)

    return replace(FAKES, load=load, build=build)


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

    def __init__(self, store: SqlStore, run: str, science: Science = FAKES) -> None:
        super().__init__(daemon=True)
        self._url, self._run, self._science = store.url, run, science
        self.code: int | None = None

    def run(self) -> None:
        store = open_store(self._url)
        self.code = work(store, self._run, self._science)
        store.close()

    def ended(self) -> int | None:
        """Wait for its end and return its exit code; None if it raised."""
        self.join(LIMIT)
        assert not self.is_alive(), "the worker does not end"
        return self.code


def started(store: SqlStore, run: str, science: Science = FAKES) -> Worker:
    """Start a worker in a thread."""
    worker = Worker(store, run, science)
    worker.start()
    return worker
