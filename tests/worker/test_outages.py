"""The store goes away and comes back: its worker waits, goes on by itself, and the log is that of a run untouched."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults_postgres import Server
from poets_core.errors import InvalidInput, StoreAway
from poets_core.runs.database import BUSY_SECONDS
from poets_core.runs.events import Event, Finished
from poets_core.runs.lease import Lease
from poets_core.runs.outage import NAME
from poets_core.runs.store import SqlStore, open_store
from poets_core.worker.patience import VARIABLE, Patience, Terminated, patience_seconds
from poets_core.worker.worker import FAILED, FINISHED, NOT_MINE, work
from tests.postgres import started
from tests.waiting import until
from tests.worker.fake import FAKES, fake_spec
from tests.worker.gate import Gate
from tests.worker.steps import Worker, free, reference, science

SPEC: dict[str, Any] = {"rounds": 3, "batch": 6, "chunk": 2, "noise": 0.3}


class Quick(Worker):
    """A worker whose tries are short."""

    def run(self) -> None:
        store = SqlStore(self._url, busy_seconds=0.1)
        self.code = work(store, self._run, self._science)
        store.close()


def held_up(store: SqlStore, run: str, tmp_path: Path) -> tuple[Quick, Gate]:
    """Start a worker and bring it into the second round."""
    gate = Gate(tmp_path / "gate", free=4)
    worker = Quick(store, run, gate.science())
    worker.start()
    gate.reached()
    return worker, gate


def test_a_lock_is_waited_for(store: SqlStore, tmp_path: Path) -> None:
    wanted = reference(store, fake_spec(**SPEC))
    run = store.create(fake_spec(**SPEC))
    worker, gate = held_up(store, run, tmp_path)
    lock = sqlite3.connect(tmp_path / "store" / "poets.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    gate.open()
    until(lambda: store.status(run).state == "blocked", lambda: store.status(run))
    assert store.status(run).active
    assert worker.is_alive()
    lock.execute("ROLLBACK")
    lock.close()
    assert worker.ended() == FINISHED
    assert science(store.read(run)) == wanted
    assert store.status(run).state == "finished"
    assert not (store.folder(run) / "waits").exists()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started() as server:
        yield server


def test_a_restart_of_postgresql_is_waited_for(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POETS_FILES", str(tmp_path / "files"))
    store = open_store(server.url)
    wanted = reference(store, fake_spec(**SPEC))
    run = store.create(fake_spec(**SPEC))
    worker, gate = held_up(store, run, tmp_path)
    server.stop()
    try:
        gate.open()
        until((store.folder(run) / NAME).exists)  # it has tried, and says that it waits
        assert worker.is_alive()
    finally:
        server.start()
    assert worker.ended() == FINISHED
    assert science(store.read(run)) == wanted
    store.close()


def test_postgresql_waits_for_no_lock_longer_than_a_button(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETS_FILES", str(tmp_path / "files"))
    store = open_store(server.url)
    run = store.create(fake_spec())
    with store._engine.connect() as holder, holder.begin():
        holder.exec_driver_sql("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(StoreAway, match="lock"):
            store.send(run, "pause")
        assert time.monotonic() - began < BUSY_SECONDS + 2
    store.send(run, "pause")
    store.close()


def test_ages_of_leases_are_by_the_clock_of_the_database(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose machine is an hour behind holds its lease all the same."""
    monkeypatch.setenv("POETS_FILES", str(tmp_path / "files"))
    store, real = open_store(server.url), time.time
    run = store.create(fake_spec())
    with monkeypatch.context() as m:
        m.setattr(time, "time", lambda: real() - 3600)
        assert store.claim(run, "behind", 1, "") is not None
    assert store.status(run).state == "starting"
    assert store.claim(run, "another", 1, "") is None
    age = store.status(run).age
    assert age is not None
    assert 0 <= age < 60
    store.close()


class LostAnswers(SqlStore):
    """A store whose connection breaks after the commit, once for every write that `breaks` names."""

    def __init__(self, url: str, breaks: Callable[[str], bool]) -> None:
        super().__init__(url)
        self.breaks, self.told = breaks, threading.local()
        self.writes = 0

    def _lost(self, what: str) -> None:
        if self.breaks(what):
            raise StoreAway(f"Expected an answer to {what}, got a lost connection.")

    def claim(self, *args: Any) -> Lease | None:
        lease = super().claim(*args)
        if lease is not None:
            self._lost("claim")
        return lease

    def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
        last = super().append(lease, events, after)
        self._lost("append")
        return last

    def release(self, lease: Lease) -> None:
        super().release(lease)
        self._lost("release")

    def acknowledge(self, lease: Lease, through: int) -> None:
        super().acknowledge(lease, through)
        self._lost("acknowledge")


def every_second() -> Callable[[str], bool]:
    count: dict[str, int] = {}

    def breaks(what: str) -> bool:
        count[what] = count.get(what, 0) + 1
        return count[what] % 2 == 1

    return breaks


def test_what_was_committed_is_not_written_twice(store: SqlStore) -> None:
    wanted = reference(store, fake_spec(**SPEC))
    run = store.create(fake_spec(**SPEC))
    store.send(run, "pause")
    store.send(run, "resume")
    lossy = LostAnswers(store.url, every_second())
    assert work(lossy, run, FAKES) == FINISHED
    events = store.read(run)
    assert science(events) == wanted
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    keys = [e.event.key for e in events if e.kind == "observed"]  # type: ignore[union-attr]
    assert len(keys) == len(set(keys))
    assert store.status(run).epoch == 1
    assert store.status(run).state == "finished"


def test_after_the_outage_only_its_own_epoch_writes(store: SqlStore) -> None:
    run = store.create(fake_spec(**SPEC))

    class Robbed(SqlStore):
        gone = False

        def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
            if not self.gone:
                self.gone = True
                free(store, run)
                assert store.claim(run, "another", 1, "") is not None
                raise StoreAway("Expected an answer, got a lost connection.")
            return super().append(lease, events, after)

    assert work(Robbed(store.url), run, FAKES) == NOT_MINE
    assert store.read(run) == []


def test_the_same_lease_cannot_go_on_with_other_events(store: SqlStore) -> None:
    run = store.create(fake_spec())
    lease = store.claim(run, "me", 1, "")
    assert lease is not None
    assert store.append(lease, [Finished("budget")], after=0) == 1
    assert store.append(lease, [Finished("budget")], after=0) == 1
    with pytest.raises(Exception, match="others after it"):
        store.append(lease, [Finished("stopped")], after=0)


def test_patience_ends_and_the_run_can_be_resumed(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0.5")
    wanted = reference(store, fake_spec(**SPEC))
    run = store.create(fake_spec(**SPEC))
    worker, gate = held_up(store, run, tmp_path)
    lock = sqlite3.connect(tmp_path / "store" / "poets.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    gate.open()
    assert worker.ended() == FAILED
    lock.close()
    free(store, run)
    assert work(store, run, FAKES) == FINISHED
    assert science(store.read(run)) == wanted


def test_a_worker_that_waits_hears_that_it_is_to_end() -> None:
    def away() -> None:
        raise StoreAway("Expected an answer, got none.")

    patience = Patience(600)
    threading.Timer(0.3, patience.terminated.set).start()
    began = time.monotonic()
    with pytest.raises(Terminated):
        patience(away)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "1e9"])
def test_a_patience_that_is_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(InvalidInput, match="POETS_STORE_PATIENCE"):
        patience_seconds()
