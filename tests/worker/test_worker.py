"""The worker's loop with the fakes, in this process: order, charging, pause, stop, failure, resumption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.runs import process
from poets_core.runs.artifacts import read_artifact
from poets_core.runs.events import DETERMINISTIC, Event, without_times
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.view import fold
from poets_core.spec import RunSpec
from poets_core.worker import checkpoint
from poets_core.worker.history import candidate_from_json, candidate_to_json, read_history
from poets_core.worker.parts import Asks, Parts, chunks, resolve_backbone
from poets_core.worker.worker import FAILED, FINISHED, NOT_MINE, work
from tests.worker.fake import FAKES, Digits, FakeSearch, fake_spec


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path}/store/poets.db")


def science(events: list[Event]) -> list[Any]:
    """What must be equal between an interrupted and an uninterrupted run."""
    return [without_times(e) for e in events if e.kind in DETERMINISTIC]


def reference(store: SqlStore, spec: RunSpec) -> list[Any]:
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    return science(store.read(run))


def parts(search: Callable[[RunSpec], Asks], problem: Digits | None = None) -> Parts:
    return Parts(lambda spec: problem or FAKES.load(spec), lambda _, spec, __: search(spec))


def test_the_log_of_a_run(store: SqlStore) -> None:
    spec = fake_spec(rounds=2, batch=7, noise=0.5, chunk=3)
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    events = store.read(run)
    assert [e.kind for e in events] == [
        "claimed",
        "prepared",
        *["proposed", *["observed"] * 7, "updated"] * 2,
        "finished",
    ]
    status = store.status(run)
    assert (status.state, status.reason) == ("finished", "budget")
    view = fold(events)
    assert view.calls == 14
    undecoded = [c for c in view.candidates.values() if not c.design]
    assert undecoded
    assert all(c.valid is False and c.reason == "not four digits" and c.order for c in undecoded)
    # every value is what the oracle gives for its whole chunk and the chunk's own random numbers
    for round in range(2):
        slots = [view.candidates[f"{round}-{i}"] for i in range(7)]
        for index, rows in chunks(7, 3):
            asked = [c for c in slots[rows] if c.design]
            answer = Digits(noise=0.5).oracle.evaluate(
                [c.design for c in asked], [0] * len(asked), rng=rng_for(0, "oracle", round, index)
            )
            for c, value, valid in zip(asked, answer.values[:, 0], answer.valid, strict=True):
                assert c.value == (float(value) if valid else None)
    keys = [e.body["key"] for e in events if e.kind == "observed"]
    assert keys == [f"{run}/{r}/{s}" for r in range(2) for s in range(7)]
    assert (store.folder(run) / "adapters" / "adapter.txt").is_file()
    assert sorted(p.name for p in (store.folder(run) / "checkpoints").iterdir()) == [
        "round-000001.safetensors",
        "round-000002.safetensors",
    ]


def test_equal_specs_give_equal_logs_and_seeds_differ(store: SqlStore) -> None:
    assert reference(store, fake_spec(noise=0.5)) == reference(store, fake_spec(noise=0.5))
    assert reference(store, fake_spec(noise=0.5)) != reference(store, fake_spec(noise=0.5, seed=1))


def test_only_two_checkpoints_are_kept(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=5, batch=2))
    work(store, run, FAKES)
    names = sorted(p.name for p in (store.folder(run) / "checkpoints").iterdir())
    assert names == ["round-000004.safetensors", "round-000005.safetensors"]


class Interrupted(SqlStore):
    """A store whose worker is cut off after so many appends: it raises, and nothing more is written."""

    left = 0

    def append(self, lease: Any, events: Any) -> int:
        if self.left <= 0:
            raise SystemExit(9)
        self.left -= 1
        return super().append(lease, events)


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
        cut = Interrupted(url)
        cut.left = place
        with pytest.raises(SystemExit):
            work(cut, run, FAKES)
        free(cut, run)
        cut.close()
        if lost_checkpoint:
            for path in (store.folder(run) / "checkpoints").glob("*"):
                path.write_bytes(path.read_bytes()[:-3])
        assert work(store, run, FAKES) == FINISHED
        events = store.read(run)
        assert science(events) == wanted, f"cut off before append {place}"
        again = [c for e in events if e.kind == "claimed" for c in e.body["asked_again"]]
        assert len(again) <= 2
        assert fold(events).asked_again == len(again)


def free(store: SqlStore, run: str) -> None:
    """Make the lease's process a dead one, as kill -9 would."""
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE runs SET pid_started = 'gone', expires = 0 WHERE id = ?", (run,))


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


def test_nothing_left_to_ask(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=5))
    assert work(store, run, parts(lambda spec: FakeSearch(spec, exhausted_after=2))) == FINISHED
    assert store.status(run).reason == "exhausted"
    assert len(fold(store.read(run)).rounds) == 2


def test_a_failing_oracle_fails_the_run_and_loses_nothing(store: SqlStore) -> None:
    spec = fake_spec(rounds=3, batch=6, chunk=2)
    wanted = reference(store, spec)
    victim = next(b["candidates"][4]["design"] for k, b in wanted if k == "proposed" and b["round"] == 1)
    problem = Digits(chunk=2)
    problem.oracle.fail_at = victim
    run = store.create(spec)
    assert work(store, run, parts(FakeSearch, problem)) == FAILED
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
    assert work(store, run, parts(Broken)) == FAILED
    assert store.status(run).reason == "ZeroDivisionError: division by nothing"
    assert "Traceback" in capfd.readouterr().err


def test_an_oracle_of_the_wrong_shape(store: SqlStore) -> None:
    problem = Digits()
    real = problem.oracle.evaluate
    problem.oracle.evaluate = lambda d, p, *, rng: real(d[:-1], p, rng=rng)  # type: ignore[method-assign]
    run = store.create(fake_spec())
    assert work(store, run, parts(FakeSearch, problem)) == FAILED
    assert "values of shape" in store.status(run).reason


def test_a_problem_that_changed_is_refused(store: SqlStore) -> None:
    run = store.create(fake_spec())
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    store.send(run, "resume")
    assert work(store, run, parts(FakeSearch, Digits(chunk=5))) == FAILED
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
    kept = [e for e in store.read(run) if not (e.kind == "finished" and e.body["reason"] == "stopped")]
    assert science(kept) == wanted


def follow(store: SqlStore, run: str, until: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"timed out; state {store.status(run).state}"
        time.sleep(0.02)


def test_pause_stops_every_step_and_resume_goes_on(store: SqlStore) -> None:
    spec = fake_spec(rounds=6, batch=6, chunk=2, seconds=0.02)
    wanted = reference(store, spec)
    run = store.create(spec)
    thread = threading.Thread(target=work, args=(open_store(store.url), run, FAKES))
    thread.start()
    follow(store, run, lambda: len(store.read(run)) > 6)
    store.send(run, "pause")
    follow(store, run, lambda: store.status(run).state == "paused")
    seen, beat = len(store.read(run)), store.status(run).heartbeat
    time.sleep(1.5)
    assert len(store.read(run)) == seen  # no step while paused
    assert store.status(run).state == "paused"
    assert store.status(run).heartbeat != beat  # and the worker is seen to live
    store.send(run, "resume")
    thread.join(20)
    assert not thread.is_alive()
    assert science(store.read(run)) == wanted
    assert [e.body["state"] for e in store.read(run) if e.kind == "state"] == ["paused", "running"]


def test_a_worker_that_lost_its_lease_leaves(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(fake_spec(rounds=50, seconds=0.05))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(work(open_store(store.url), run, FAKES)))
    thread.start()
    follow(store, run, lambda: len(store.read(run)) > 5)
    free(store, run)
    thief = store.claim(run, "thief", os.getpid(), process.started(os.getpid()))
    assert thief is not None
    seen = len(store.read(run))
    thread.join(20)
    assert codes == [NOT_MINE]
    assert len(store.read(run)) == seen


def test_two_workers_one_run(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=3, seconds=0.05))
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(work(open_store(store.url), run, FAKES))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(codes) == [FINISHED, NOT_MINE, NOT_MINE, NOT_MINE]
    assert science(store.read(run)) == reference(store, fake_spec(rounds=3, seconds=0.05))


def test_nothing_to_claim(store: SqlStore) -> None:
    assert work(store, None, FAKES) == FINISHED
    run = store.create(fake_spec(rounds=1))
    assert work(store, None, FAKES) == FINISHED
    assert store.status(run).state == "finished"
    assert work(store, run, FAKES) == NOT_MINE


def test_sigterm_gives_the_run_back(store: SqlStore, tmp_path: Path) -> None:
    spec = fake_spec(rounds=4, batch=6, chunk=2, seconds=0.1)
    run = store.create(spec)
    environment = {**os.environ, "POETS_STORE": store.url}
    child = subprocess.Popen([sys.executable, "-m", "tests.worker.fake_worker", run], env=environment)
    follow(store, run, lambda: len(store.read(run)) > 5)
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == FINISHED
    status = store.status(run)
    assert (status.state, status.resumable) == ("waiting", True)
    assert work(store, None, FAKES) == FINISHED  # the queue hands it on
    events = store.read(run)
    assert science(events) == reference(store, spec)
    assert fold(events).asked_again == 0


def test_checkpoint_bytes_are_a_function_of_the_tensors(tmp_path: Path) -> None:
    a = {"b": np.arange(6.0).reshape(2, 3).T, "a": np.array(3), "c": np.zeros(0, np.float32)}
    b = {k: a[k].copy() for k in ("c", "a", "b")}
    assert checkpoint.to_bytes(a) == checkpoint.to_bytes(b)
    name, checksum = checkpoint.write(tmp_path, 3, a)
    back = checkpoint.read(tmp_path, {"checkpoint": name, "sha256": checksum})
    assert {k: (v.shape, v.dtype) for k, v in back.items()} == {k: (v.shape, v.dtype) for k, v in a.items()}
    assert all(np.array_equal(back[k], a[k]) for k in a)
    assert checkpoint.same(back, {"sha256": checksum})
    assert not checkpoint.same(back | {"a": np.array(4)}, {"sha256": checksum})


def test_candidates_survive_json() -> None:
    for candidate in FakeSearch(fake_spec()).ask(20):
        back = candidate_from_json(candidate_to_json(candidate))
        assert repr(back) == repr(candidate)  # repr: NaN equals NaN there


def test_backbone_names(tmp_path: Path) -> None:
    assert resolve_backbone("library") == "library"
    assert resolve_backbone("org/model") == "org/model"
    assert resolve_backbone(str(tmp_path)) == tmp_path
    assert isinstance(resolve_backbone("protein"), Path)


def task(store: SqlStore, source: str, **fields: Any) -> str:
    """Create and work on an export of `source`."""
    base = fake_spec().model_dump()
    made = store.create(
        RunSpec.model_validate({**base, "kind": "task", "task": {"name": "export", "run": source, **fields}})
    )
    work(store, made, FAKES)
    return made


def test_export_writes_reads_back_and_scores_again(store: SqlStore) -> None:
    run = store.create(fake_spec())
    work(store, run, FAKES)
    made = task(store, run, format="csv")
    events = store.read(made)
    assert [e.kind for e in events] == ["claimed", "prepared", "artifact", "finished"]
    body = events[2].body
    valid = [c for c in fold(store.read(run)).candidates.values() if c.valid]
    assert (body["rows"], body["rescored"], body["max_difference"]) == (len(valid), len(valid), 0.0)
    data = read_artifact(store, made, body["path"], body["sha256"]).decode()
    assert data.splitlines()[0] == f"{valid[0].id},{valid[0].design},{valid[0].value!r}"
    chosen = task(store, run, format="csv", candidates=(valid[1].id,))
    assert store.read(chosen)[2].body["rows"] == 1


def test_noisy_values_are_not_compared(store: SqlStore) -> None:
    run = store.create(fake_spec(noise=0.5))
    work(store, run, FAKES)
    body = store.read(task(store, run, format="csv"))[2].body
    assert (body["rescored"], body["max_difference"]) == (0, None)


def test_exports_that_cannot_be_trusted_fail(store: SqlStore) -> None:
    run = store.create(fake_spec())
    work(store, run, FAKES)
    for fields, message in (
        ({"format": "broken"}, "give back"),
        ({"format": "docx"}, "export format"),
        ({"format": "csv", "candidates": ("9-9",)}, "9-9"),
    ):
        made = task(store, run, **fields)
        assert store.status(made).state == "failed"
        assert message in store.status(made).reason
        assert not (store.folder(made) / "artifacts").exists()


def test_an_export_of_a_changed_value_fails(store: SqlStore) -> None:
    run = store.create(fake_spec())
    work(store, run, FAKES)
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql(
            "UPDATE events SET body = replace(body, '\"value\":[1', '\"value\":[2') WHERE run = ?", (run,)
        )
    made = task(store, run, format="csv")
    assert store.status(made).state == "failed"
    assert "to score" in store.status(made).reason


def test_check_measures_the_prior(store: SqlStore) -> None:
    base = fake_spec().model_dump()
    made = store.create(RunSpec.model_validate({**base, "kind": "task", "task": {"name": "check"}}))
    assert work(store, made, FAKES) == FINISHED
    view = fold(store.read(made))
    assert view.finished == "task"
    assert view.info is not None
    assert view.check is not None
    assert view.check["asked"] == 8
    assert all(sum(map(int, r["design"])) == r["value"] for r in view.check["rows"] if r["valid"])


def test_history_of_nothing() -> None:
    history = read_history([])
    assert (history.prepared, history.rounds, history.pending) == (None, (), ())
    assert history.in_flight("evaluate 0 0", 3) == []


def test_an_unknown_problem_fails_the_run(store: SqlStore) -> None:
    run = store.create(fake_spec())
    assert work(store, run) == FAILED
    assert store.status(run).reason.startswith(InvalidSpec.__name__)
