"""Cut off, paused, stopped, failed, robbed of the lease: the log is that of a run nobody touched."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs import process
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import TaskSettings, TaskSpec, parse_spec
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import FAILED, FINISHED, NOT_MINE, work
from tests.waiting import LIMIT, heartbeats, until
from tests.worker.fake import FAKES, Digits, FakeSearch, fake_spec
from tests.worker.gate import Gate
from tests.worker.steps import fakes, follow, free, reference, science, started


class Interrupted(SqlStore):
    """A store whose worker is cut off after so many appends: it raises, and nothing more is written."""

    left = 0

    def append(self, lease: Any, events: Any) -> int:
        if self.left <= 0:
            raise SystemExit(9)
        self.left -= 1
        return super().append(lease, events)


def cut_off_and_resumed(store: SqlStore, run: str, place: int, *, lost_checkpoint: bool) -> None:
    """Cut a run's worker off after `place` appends, maybe damage what it has saved, and let another one end the run."""
    cut = Interrupted(store.url)
    cut.left = place
    with pytest.raises(SystemExit):
        work(cut, run, FAKES)
    free(cut, run)
    cut.close()
    if lost_checkpoint:
        for path in (store.folder(run) / "checkpoints").glob("*"):
            path.write_bytes(path.read_bytes()[:-3])
    assert work(store, run, FAKES) == FINISHED


@pytest.mark.parametrize("lost_checkpoint", [False, True])
def test_cut_off_before_every_append_and_resumed(tmp_path: Path, lost_checkpoint: bool) -> None:
    """Every possible place between two appends; the log is that of an uninterrupted run."""
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store = open_store(url)
    spec = fake_spec(rounds=3, batch=5, noise=0.3, chunk=2)
    wanted = reference(store, spec)
    appends = 2 + 3 * (1 + 3 + 1)
    for place in range(appends):
        run = store.create(spec)
        cut_off_and_resumed(store, run, place, lost_checkpoint=lost_checkpoint)
        events = store.read(run)
        assert science(events) == wanted, f"cut off before append {place}"
        again = [c for e in events if e.kind == "claimed" for c in e.event.asked_again]
        assert len(again) <= 2
        assert fold(events).asked_again == len(again)


def test_asked_again_counts_what_the_oracle_saw_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store/poets.db"
    store, log = open_store(url), tmp_path / "oracle.log"
    run = store.create(fake_spec(rounds=2, batch=6, chunk=3, log=str(log)))
    cut = Interrupted(url)
    cut.left = 3  # claimed+prepared, proposed, first chunk; the second chunk is asked and lost
    with pytest.raises(SystemExit):
        work(cut, run, FAKES)
    free(cut, run)
    assert work(store, run, FAKES) == FINISHED
    asked = log.read_text().split()
    view = fold(store.read(run))
    assert len(asked) - view.asked_again == sum(bool(c.design) for c in view.candidates.values())
    assert view.asked_again > 0
    assert [c.order for c in view.candidates.values()] == list(range(1, 13))


def test_a_failing_oracle_fails_the_run_and_loses_nothing(store: SqlStore) -> None:
    spec = fake_spec(rounds=3, batch=6, chunk=2)
    wanted = reference(store, spec)
    victim = next(b["candidates"][4]["design"] for k, b in wanted if k == "proposed" and b["round"] == 1)
    problem = Digits(chunk=2)
    problem.oracle.fail_at = victim
    run = store.create(spec)
    assert work(store, run, fakes(FakeSearch, problem)) == FAILED
    status = store.status(run)
    assert (status.state, status.reason) == ("failed", "InvalidInput: Expected the instrument to answer, got smoke.")
    view = fold(store.read(run))
    assert view.calls == 6 + 4
    assert work(store, run, FAKES) == FINISHED
    assert science(store.read(run)) == wanted
    assert fold(store.read(run)).failed is None
    assert fold(store.read(run)).asked_again == 2


def test_any_exception_ends_in_the_log(store: SqlStore, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(FakeSearch):
        def update(self) -> Any:
            raise ZeroDivisionError("division by nothing")

    run = store.create(fake_spec())
    assert work(store, run, fakes(Broken)) == FAILED
    assert store.status(run).reason == "ZeroDivisionError: division by nothing"
    assert "Traceback" in capfd.readouterr().err


def test_an_oracle_of_the_wrong_shape(store: SqlStore) -> None:
    problem = Digits()
    real = problem.oracle.evaluate
    problem.oracle.evaluate = lambda d, p, *, rng: real(d[:-1], p, rng=rng)  # type: ignore[method-assign]
    run = store.create(fake_spec())
    assert work(store, run, fakes(FakeSearch, problem)) == FAILED
    assert "values of shape" in store.status(run).reason


def test_a_problem_that_changed_is_refused(store: SqlStore) -> None:
    run = store.create(fake_spec())
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    store.send(run, "resume")
    assert work(store, run, fakes(FakeSearch, Digits(chunk=5))) == FAILED
    assert "has changed" in store.status(run).reason


def test_stop_before_the_start_and_resume(store: SqlStore) -> None:
    spec = fake_spec()
    wanted = reference(store, spec)
    run = store.create(spec)
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    status = store.status(run)
    assert (status.state, status.reason, status.pending) == ("finished", "stopped", "")
    store.send(run, "resume")
    assert work(store, run, FAKES) == FINISHED
    kept = [e for e in store.read(run) if not (e.kind == "finished" and e.event.reason == "stopped")]
    assert science(kept) == wanted


def test_pause_stops_every_step_and_resume_goes_on(store: SqlStore, tmp_path: Path) -> None:
    spec = fake_spec(rounds=6, batch=6, chunk=2)
    wanted = reference(store, spec)
    run, gate = store.create(spec), Gate(tmp_path / "gate", free=4)
    worker = started(store, run, gate.science())
    gate.reached()  # in the middle of the second round
    store.send(run, "pause")
    gate.open()
    follow(store, run, lambda: store.status(run).state == "paused")
    seen = len(store.read(run))
    heartbeats(store, run)  # the worker is seen to live
    assert len(store.read(run)) == seen  # no step while paused
    assert store.status(run).state == "paused"
    assert fold(store.read(run)).calls == 6 + 4
    store.send(run, "resume")
    assert worker.ended() == FINISHED
    assert science(store.read(run)) == wanted
    assert [e.event.state for e in store.read(run) if e.kind == "state"] == ["paused", "running"]


def test_a_worker_that_lost_its_lease_leaves(store: SqlStore, tmp_path: Path) -> None:
    run, gate = store.create(fake_spec(rounds=3)), Gate(tmp_path / "gate", free=4)
    worker = started(store, run, gate.science())
    gate.reached()
    free(store, run)
    thief = store.claim(run, "thief", os.getpid(), process.started(os.getpid()))
    assert thief is not None
    seen = len(store.read(run))
    assert seen > 5
    gate.open()
    assert worker.ended() == NOT_MINE
    assert len(store.read(run)) == seen


def test_two_workers_one_run(store: SqlStore, tmp_path: Path) -> None:
    spec = fake_spec(rounds=3)
    run, gate = store.create(spec), Gate(tmp_path / "gate")
    workers = [started(store, run, gate.science()) for _ in range(4)]
    gate.reached()
    until(lambda: sum(not w.is_alive() for w in workers) == 3)  # all but the one at the gate
    gate.open()
    assert sorted(w.ended() for w in workers) == [FINISHED, NOT_MINE, NOT_MINE, NOT_MINE]
    assert science(store.read(run)) == reference(store, spec)


def test_sigterm_gives_the_run_back(store: SqlStore, tmp_path: Path) -> None:
    spec = fake_spec(rounds=4, batch=6, chunk=2)
    run, gate = store.create(spec), Gate(tmp_path / "gate", free=4)
    environment = {**os.environ, "POETS_STORE": store.url}
    command = [sys.executable, "-m", "tests.worker.fake_worker", run, str(gate.folder), str(gate.free)]
    child = subprocess.Popen(command, env=environment)
    gate.reached()
    child.send_signal(signal.SIGTERM)
    gate.open()
    assert child.wait(LIMIT) == FINISHED
    status = store.status(run)
    assert (status.state, status.resumable) == ("waiting", True)
    assert work(store, None, FAKES) == FINISHED  # the queue hands it on
    events = store.read(run)
    assert science(events) == reference(store, spec)
    assert fold(events).asked_again == 0


class OtherFacts(FakeSearch):
    """The fake search on a backbone with other facts."""

    changes: dict[str, Any]

    def __init__(self, spec: Any, **changes: Any) -> None:
        super().__init__(spec)
        self.facts |= changes


@pytest.mark.parametrize(
    ("began", "now", "named"),
    [
        ({"weights": "aa"}, {"weights": "bb"}, "weights was aa, is bb"),
        ({"weights": "aa"}, {}, "weights was aa, is None"),
        ({"prior_factor": 1.0}, {"prior_factor": 1.1}, "prior_factor was 1.0, is 1.1"),
        ({"prior_factor": 1.0}, {"prior_factor": 1.00001}, ""),  # other hardware
        ({"device": "cpu"}, {"device": "cuda"}, ""),
        ({}, {"weights": "bb"}, ""),  # begun before the fact was recorded
    ],
)
def test_a_backbone_that_changed_is_refused(store: SqlStore, began: Any, now: Any, named: str) -> None:
    run = store.create(fake_spec())
    store.send(run, "stop")
    assert work(store, run, fakes(lambda spec: OtherFacts(spec, **began))) == FINISHED
    store.send(run, "resume")
    code = work(store, run, fakes(lambda spec: OtherFacts(spec, **now)))
    assert code == (FAILED if named else FINISHED)
    if named:
        assert store.status(run).reason.startswith("InvalidSpec: Expected the backbone")
        assert named in store.status(run).reason
        assert work(store, run, fakes(lambda spec: OtherFacts(spec, **began))) == FINISHED  # put back as it was
    assert fold(store.read(run)).calls == 24


def table(path: Path, values: dict[str, float]) -> Path:
    path.write_text("variant,fitness\n" + "".join(f"{v},{x}\n" for v, x in values.items()))
    return path


LOOKED_UP = replace(
    FAKES, load=REAL_SCIENCE.load, build=lambda problem, spec, folder, check: FakeSearch(spec, letters="ACDEFGHIKL")
)
"""The fake search on tables of real files; its digits are letters there."""


def cut_off_on_a_table(store: SqlStore, path: Path) -> str:
    spec = fake_spec(rounds=3, batch=4).model_dump(mode="json")
    spec["problem"] = {"name": "protein/landscape", "params": {"table": str(path)}}
    run, cut = store.create(parse_spec(spec)), Interrupted(store.url)
    cut.left = 4
    with pytest.raises(SystemExit):
        work(cut, run, LOOKED_UP)
    cut.close()
    free(store, run)
    return run


def test_a_table_edited_in_place_is_refused(store: SqlStore, tmp_path: Path) -> None:
    """Same variants, columns, number of rows and largest value: only what lies in it has changed."""
    values = {"".join(v): float(i % 97) for i, v in enumerate(product("ACDEFG", repeat=4))}
    path = table(tmp_path / "table.csv", values)
    run = cut_off_on_a_table(store, path)
    table(path, {v: (x + 1) % 97 for v, x in values.items()})
    assert work(store, run, LOOKED_UP) == FAILED
    reason = store.status(run).reason
    assert "Expected the problem that run" in reason
    assert "facts.sha256 was" in reason
    # nothing is measured again by other data either
    made = store.create(TaskSpec(task=TaskSettings(name="export", run=run, format="csv")))
    assert work(store, made, LOOKED_UP) == FAILED
    assert "facts.sha256 was" in store.status(made).reason
    # the same data in other bytes are the same data
    with gzip.open(path, "wt") as packed:
        packed.write("variant,fitness\n" + "".join(f"{v},{x}\n" for v, x in reversed(values.items())))
    assert work(store, run, LOOKED_UP) == FINISHED


def test_a_run_that_wrote_no_checksum_goes_on(store: SqlStore, tmp_path: Path) -> None:
    run = cut_off_on_a_table(store, table(tmp_path / "table.csv", {"ACDE": 1.0, "FGHI": 2.0}))
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        (body,) = connection.exec_driver_sql(
            "SELECT body FROM events WHERE run = ? AND kind = 'prepared'", (run,)
        ).one()
        older = json.loads(body)
        assert len(older["info"]["facts"].pop("sha256")) == 64
        connection.exec_driver_sql(
            "UPDATE events SET body = ? WHERE run = ? AND kind = 'prepared'", (json.dumps(older), run)
        )
    assert work(store, run, LOOKED_UP) == FINISHED
