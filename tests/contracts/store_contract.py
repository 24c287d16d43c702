"""What every run store must do; run on SQLite and on PostgreSQL (tests/runs/test_store_*.py)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from poets_core.errors import InvalidComparisons, LeaseLost, UnknownRun
from poets_core.runs import process
from poets_core.runs import sql as sql_module
from poets_core.runs.doing import Doing
from poets_core.runs.event_reader import read_line
from poets_core.runs.events import (
    Compared,
    Failed,
    Finished,
    Observed,
    Prepared,
    StateChanged,
    Updated,
    Withdrawn,
)
from poets_core.runs.lease import Lease
from poets_core.runs.store import RunStore, SqlStore, open_store
from poets_core.runs.verify.log import chain
from poets_core.spec import RunSpec, TaskSettings, TaskSpec, parse_spec
from poets_core.types import Objective, ProblemInfo
from tests.logs import claimed
from tests.worker.fake import fake_spec

CLAIMED = claimed()
RUNNING = StateChanged("running")


def take(store: RunStore, run: str | None, worker: str = "me") -> Lease | None:
    return store.claim(run, worker, os.getpid(), process.started(os.getpid()))


def taken(store: RunStore, run: str) -> Lease:
    lease = take(store, run)
    assert lease is not None
    return lease


@pytest.fixture
def gone() -> int:
    """Pid of a process that has ended and was waited for."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def named(label: str = "", method: str = "poets") -> RunSpec:
    return parse_spec({"problem": {"name": "fake/digits"}, "search": {"method": method}, "label": label})


def observed(value: float | str | None) -> Observed:
    return Observed(0, "0-0", "k", (value,), (0.0,), value is not None, "")  # type: ignore[arg-type]


class StoreContract:
    """Subclasses give a `store` fixture with a fresh store."""

    @pytest.fixture(autouse=True)
    def lasting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leases without heartbeats that hold as long as a test takes."""
        monkeypatch.setattr(sql_module, "LEASE_SECONDS", 86_400.0)

    def test_what_is_written_is_linked_event_by_event(self, store: SqlStore) -> None:
        run = store.create(named())
        lease = taken(store, run)
        store.append(lease, [CLAIMED, RUNNING])
        store.append(lease, [Failed("E", "m")])
        spec, lines = store.written(run)
        assert chain(lines, spec, {}, "").said == "3 links of 3 events"
        assert [read_line(line) for line in lines] == store.read(run)
        with pytest.raises(UnknownRun):
            store.written("nobody")

    def test_the_newest_event_of_a_kind_is_found_without_the_others(self, store: RunStore) -> None:
        run = store.create(fake_spec())
        store.append(taken(store, run), [CLAIMED, StateChanged("paused"), RUNNING, observed(1.0)])
        newest = store.newest(run, "state")
        assert newest is not None
        assert (newest.seq, newest.event) == (3, RUNNING)
        assert store.newest(run, "verdict") is None
        with pytest.raises(UnknownRun):
            store.newest("20990101-000000-aaaa", "state")

    def test_spec_is_there_before_any_worker(self, store: SqlStore) -> None:
        spec = fake_spec(seed=7)
        run = store.create(spec)
        assert store.spec(run) == spec
        assert store.read(run) == []
        assert store.status(run).state == "waiting"
        assert store.status(run).epoch == 0

    def test_ids_sort_by_time_and_are_short(self, store: SqlStore) -> None:
        made = [store.create(fake_spec()) for _ in range(5)]
        assert len(set(made)) == 5
        assert all(len(m) == 24 for m in made)
        assert [m[:15] for m in made] == sorted(m[:15] for m in made)

    def test_events_come_back_in_order_and_equal(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        events = [Updated(i, {"x": 0.1 + i / 3, "text": "ä\n'\"%s:α", "none": None}) for i in range(7)]
        assert store.append(lease, events[:3]) == 3
        assert store.append(lease, events[3:]) == 7
        read = store.read(run)
        assert [e.seq for e in read] == [1, 2, 3, 4, 5, 6, 7]
        assert [e.event for e in read] == events
        assert [e.seq for e in store.read(run, after=2, limit=3)] == [3, 4, 5]
        assert store.read(run, after=7) == []

    def test_what_is_no_text_neither_breaks_a_log_nor_the_store(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        store.append(lease, [CLAIMED, replace(observed(None), reason="a\0b\ud800c \U0001f52c")])
        store.append(lease, [Failed("Error\0", "\udfff\0 broken")])
        _, answer, failed = (e.event for e in store.read(run))
        assert isinstance(answer, Observed)
        assert answer.reason == "a\0b\ufffdc \U0001f52c"
        assert isinstance(failed, Failed)
        assert failed.message == "\ufffd\0 broken"
        assert store.row(run).status.reason == "Error\ufffd: \ufffd\ufffd broken"

    @pytest.mark.parametrize("name", ["\0", "a\0b", "\ud800", "x" * 100_000])
    def test_an_id_that_is_no_text_is_of_no_run(self, store: SqlStore, name: str) -> None:
        for ask in (store.row, store.status, store.spec, store.read, store.folder, lambda run: store.send(run, "stop")):
            with pytest.raises(UnknownRun) as told:
                ask(name)  # type: ignore[operator]
            assert len(str(told.value)) < 300

    def test_runs_do_not_see_each_other(self, store: SqlStore) -> None:
        a, b = store.create(fake_spec()), store.create(fake_spec())
        store.append(taken(store, a), [RUNNING])
        assert store.read(b) == []
        assert store.append(taken(store, b), [RUNNING]) == 1

    def test_unknown_runs(self, store: SqlStore) -> None:
        for ask in (store.read, store.spec, store.status, store.row):
            with pytest.raises(UnknownRun, match="nowhere"):
                ask("nowhere")
        with pytest.raises(UnknownRun):
            store.send("nowhere", "pause")
        with pytest.raises(UnknownRun):
            take(store, "nowhere")
        for bad in ("../other", "", "/etc", "a/b", ".hidden"):
            with pytest.raises(UnknownRun):
                store.folder(bad)

    def test_a_living_lease_is_respected(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        assert taken(store, run).epoch == 1
        assert take(store, run, "other") is None

    def test_a_stale_lease_cannot_write(self, store: SqlStore, gone: int) -> None:
        run = store.create(fake_spec())
        old = store.claim(run, "old", gone, "long ago")
        assert old is not None
        store.append(old, [RUNNING])
        new = taken(store, run)
        assert new.epoch == old.epoch + 1
        for write in (
            lambda: store.append(old, [RUNNING]),
            lambda: store.heartbeat(old),
            lambda: store.progress(old, Doing("sum")),
            lambda: store.release(old),
            lambda: store.acknowledge(old, 1),
            lambda: store.append(replace(new, epoch=new.epoch + 1), [RUNNING]),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert store.append(new, [RUNNING]) == 2

    def test_a_released_lease_cannot_write_and_the_run_is_free(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        store.release(lease)
        with pytest.raises(LeaseLost):
            store.append(lease, [RUNNING])
        assert taken(store, run).epoch == 2

    def test_appending_is_all_or_nothing(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        with pytest.raises(ValueError, match="JSON"):
            store.append(lease, [RUNNING, Updated(0, {"x": float("nan")})])
        bad = [observed(1.0), observed("wrong")]  # breaks while the run's row is updated, after the insert
        with pytest.raises(TypeError):
            store.append(lease, [RUNNING, *bad])
        assert store.read(run) == []
        assert store.append(lease, [RUNNING]) == 1

    def test_an_expired_lease_is_stalled_while_its_process_lives(
        self, store: SqlStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = store.create(fake_spec())
        with monkeypatch.context() as m:
            m.setattr(sql_module, "LEASE_SECONDS", -1.0)
            old = taken(store, run)
        assert store.status(run).state == "stalled"
        new = take(store, run)  # may be taken over, and the sleeper is fenced off
        assert new is not None
        with pytest.raises(LeaseLost):
            store.append(old, [RUNNING])

    def test_states(self, store: SqlStore, gone: int) -> None:
        run = store.create(fake_spec())
        store.launched(run, os.getpid(), process.started(os.getpid()))
        assert store.status(run).state == "starting"
        store.launched(run, gone, "long ago")
        assert store.status(run).state == "dead"
        lease = taken(store, run)
        assert store.status(run).state == "starting"
        store.append(lease, [CLAIMED])
        assert store.status(run).state == "running"
        store.send(run, "pause")
        assert store.status(run).state == "pausing"
        store.append(lease, [StateChanged("paused")])
        store.acknowledge(lease, 1)
        assert store.status(run).state == "paused"
        store.send(run, "stop")
        assert store.status(run).state == "stopping"
        store.append(lease, [Finished("stopped")])
        store.release(lease)
        status = store.status(run)
        assert (status.state, status.reason, status.resumable) == ("finished", "stopped", True)

    def test_dead_when_the_pid_is_gone_or_another_process(self, store: SqlStore, gone: int) -> None:
        for pid, start in ((gone, "long ago"), (os.getpid(), "another start")):
            run = store.create(fake_spec())
            lease = store.claim(run, "w", pid, start)
            assert lease is not None
            store.append(lease, [CLAIMED])
            assert store.status(run).state == "dead"
            store.release(lease)

    def test_failed_can_be_tried_again_and_finished_cannot(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        store.append(lease, [Failed("InvalidInput", "no")])
        store.release(lease)
        assert store.status(run).state == "failed"
        assert store.status(run).reason == "InvalidInput: no"
        lease = taken(store, run)
        store.append(lease, [CLAIMED, Finished("budget")])
        store.release(lease)
        assert take(store, run) is None
        assert not store.status(run).resumable

    def test_oldest_waiting_run_first(self, store: SqlStore) -> None:
        first, second = store.create(fake_spec()), store.create(fake_spec())
        one, two = take(store, None), take(store, None)
        assert one is not None
        assert two is not None
        assert [one.run, two.run] == [first, second]
        assert take(store, None) is None

    def test_one_of_many_claims_wins(self, store: SqlStore) -> None:
        """Eight threads of their own connections; the loser sees None, never a shared epoch."""
        for _ in range(5):
            run, gate = store.create(fake_spec()), threading.Barrier(8)

            def attempt(i: int, run: str = run, gate: threading.Barrier = gate) -> Lease | None:
                gate.wait()
                return take(store, run, f"worker {i}")

            with ThreadPoolExecutor(8) as pool:
                won = [lease for lease in pool.map(attempt, range(8)) if lease is not None]
            assert [lease.epoch for lease in won] == [1]

    def test_appends_of_many_runs_at_once(self, store: SqlStore) -> None:
        runs = [store.create(fake_spec()) for _ in range(4)]

        def fill(run: str) -> None:
            lease = taken(store, run)
            for i in range(20):
                store.append(lease, [Updated(i, {})] * 2)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fill, runs))
        for run in runs:
            assert [e.seq for e in store.read(run)] == list(range(1, 41))
            assert [e.event.round for e in store.read(run)] == [i // 2 for i in range(40)]

    def test_commands(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        assert [store.send(run, "pause"), store.send(run, "resume", {"by": "me"})] == [1, 2]
        assert store.status(run).pending == "resume"
        assert [(c.seq, c.command, c.acknowledged) for c in store.commands(run)] == [
            (1, "pause", None),
            (2, "resume", None),
        ]
        store.acknowledge(lease, 1)
        one, two = store.commands(run)
        assert one.acknowledged is not None
        assert two.acknowledged is None
        assert dict(two.body) == {"by": "me"}
        assert store.status(run).pending == "resume"
        store.acknowledge(lease, 2)
        assert store.status(run).pending == ""
        assert store.commands(run, after=2) == []

    def test_answers_of_judges_steer_nothing(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        lease = taken(store, run)
        answer = {"index": 0, "outcome": "first", "judge": "me"}
        assert store.send(run, "judge", answer) == 1
        assert store.status(run).pending == ""
        store.send(run, "pause")
        store.send(run, "judge", {**answer, "outcome": "undo"})
        assert store.status(run).pending == "pause"
        store.acknowledge(lease, 3)
        assert store.status(run).pending == ""
        assert [c.acknowledged is None for c in store.commands(run)] == [True, False, True]
        with pytest.raises(InvalidComparisons, match="got 'draw'"):
            store.send(run, "judge", {**answer, "outcome": "draw"})
        assert len(store.commands(run)) == 3

    def test_the_row_of_an_experiment(self, store: SqlStore) -> None:
        fields = {"source": "log", "judge": "replay", "log": "x.csv", "policies": [{"name": "a"}, {"name": "b"}]}
        spec = parse_spec({"kind": "experiment", "problem": {"name": ""}, "experiment": {**fields, "budget": 9}})
        run = store.create(spec)
        lease = taken(store, run)
        store.append(lease, [CLAIMED, Prepared(None, experiment={"source": "log"})])
        one = Compared(0, "a", "b", "first", "ann")
        store.append(lease, [one, replace(one, judge="bob", second_opinion=True)])
        row = store.row(run)
        assert (row.kind, row.problem, row.method, row.budget) == ("experiment", "comparison log", "replay", 9)
        assert (row.calls, row.best) == (1, None)
        store.append(lease, [Withdrawn(0, "ann", 3)])
        assert store.row(run).calls == 0
        assert [r.id for r in store.runs(kind="experiment")] == [run]
        assert store.runs() == []
        store.append(lease, [Finished("verdict")])
        store.release(lease)
        assert take(store, run) is None

    def test_the_table_of_runs(self, store: SqlStore) -> None:
        made = [store.create(fake_spec(seed=i)) for i in range(3)]
        task = store.create(TaskSpec(problem=fake_spec().problem, task=TaskSettings(name="check")))
        assert [r.id for r in store.runs()] == made[::-1]
        assert [r.id for r in store.runs(limit=1, offset=1)] == [made[1]]
        assert [r.id for r in store.runs(kind="task")] == [task]
        assert len(store.runs(kind=None)) == 4
        lease = taken(store, made[0])
        info = ProblemInfo("fake/x", "fake", "X", (Objective("value", "", "minimise"),))
        store.append(lease, [Prepared(info), observed(2.0), observed(1.0), observed(None)])
        row = store.row(made[0])
        assert (row.calls, row.best, row.seed, row.budget, row.method) == (3, 1.0, 0, 24, "poets")

    def test_what_was_in_flight_is_handed_on(self, store: SqlStore, gone: int) -> None:
        run = store.create(fake_spec())
        lease = store.claim(run, "w", gone, "long ago")
        assert lease is not None
        store.append(lease, [CLAIMED])
        store.progress(lease, Doing("evaluate", (0, 1)))
        second = store.claim(run, "w", gone, "long ago")
        assert second is not None
        third = store.claim(run, "w", gone, "long ago")  # the second was cut off before it said anything
        assert third is not None
        assert (second.doing, third.doing) == (Doing("evaluate", (0, 1)),) * 2
        store.append(third, [CLAIMED])
        assert store.status(run).doing is None

    def test_another_connection_sees_it(self, store: SqlStore) -> None:
        run = store.create(fake_spec())
        store.append(taken(store, run), [RUNNING])
        other = open_store(store.url)
        try:
            assert other.read(run) == store.read(run)
        finally:
            other.close()
