"""Files of a run that events name: whole or made again, and written by nobody who was shut out."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poets_core.lm.enumeration import last_token_log_prob
from poets_core.protocols import Check, Search
from poets_core.runs import kept
from poets_core.runs.doing import EXPORTING, Doing
from poets_core.runs.events import Finished, Prepared
from poets_core.runs.lease import Lease
from poets_core.runs.store import SqlStore
from poets_core.search.rivals.surrogate import fit_surrogate, one_hot
from poets_core.search.space import ProductSpace
from poets_core.spec import RunSpec
from poets_core.spec.presets import default_spec
from poets_core.worker import worker as module
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import FINISHED, NOT_MINE, work
from tests.search.sites import build
from tests.waiting import until
from tests.worker.fake import FAKES, FakeReport, FakeSearch, fake_spec
from tests.worker.steps import Worker, free, reference, science
from tests.worker.test_interruptions import Interrupted

TINY = {
    "search": {"branches": 2, "steps": 2, "pool": 2, "prior_scale": 0.3},
    "budget": {"rounds": 2, "batch": 4},
    "backbone": {"steps": 4},
    "device": "cpu",
}


def tiny_spec(**sections: Any) -> RunSpec:
    return default_spec(
        "protein/ehrlich", params={"length": 12}, settings={}, overrides=TINY | sections, backbone="library"
    )


def cut_off(store: SqlStore, run: str, science: Any, appends: int) -> None:
    """Let a worker come so far and no further."""
    cut = Interrupted(store.url)
    cut.left = appends
    with pytest.raises(SystemExit):
        work(cut, run, science)
    cut.close()
    free(store, run)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 0x55
    path.write_bytes(data)


def other_config(path: Path) -> None:
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"layer_norm_epsilon": 0.3}))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:900]),
    "flipped": lambda f: flipped(f / "model.safetensors"),
    "missing": lambda f: (f / "tokenizer.json").unlink(),
    "empty": lambda f: (f / "model.safetensors").write_bytes(b""),
    "config": lambda f: other_config(f / "config.json"),
    "gone": shutil.rmtree,
}


def test_a_damaged_backbone_of_the_run_is_trained_again(store: SqlStore, capfd: pytest.CaptureFixture[str]) -> None:
    spec = tiny_spec()
    untouched = store.create(spec)
    assert work(store, untouched) == FINISHED
    wanted = contents(store.folder(untouched) / "backbone")
    for kind, do in DAMAGE.items():
        run = store.create(spec)
        cut_off(store, run, REAL_SCIENCE, 3)
        do(store.folder(run) / "backbone")
        capfd.readouterr()
        assert work(store, run) == FINISHED, kind
        assert "is trained again" in capfd.readouterr().err, kind
        assert science(store.read(run)) == science(store.read(untouched)), kind
        assert contents(store.folder(run) / "backbone") == wanted, kind
    prepared = next(e.event for e in store.read(untouched) if isinstance(e.event, Prepared))
    assert set(prepared.files) == set(wanted)
    finished = store.read(untouched)[-1].event
    assert isinstance(finished, Finished)
    assert finished.files == kept.checksums(store.folder(untouched) / "adapters")


def test_a_backbone_of_an_older_run_without_checksums_is_trained_again(
    store: SqlStore, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = tiny_spec()
    run = store.create(spec)
    cut_off(store, run, REAL_SCIENCE, 3)
    with store._engine.begin() as connection:
        body = connection.exec_driver_sql("SELECT body FROM events WHERE kind = 'prepared'").scalar_one()
        old = {k: v for k, v in json.loads(body).items() if k != "files"}
        connection.exec_driver_sql("UPDATE events SET body = ? WHERE kind = 'prepared'", (json.dumps(old),))
    DAMAGE["truncated"](store.folder(run) / "backbone")
    assert work(store, run) == FINISHED
    assert "is trained again" in capfd.readouterr().err


def test_a_worker_that_was_shut_out_changes_nothing(store: SqlStore) -> None:
    run = store.create(fake_spec())

    class Robbed(SqlStore):
        """Another worker takes the run while this one believes that it exports."""

        def progress(self, lease: Lease, doing: Doing | None = None) -> None:
            super().progress(lease, doing)
            if doing == EXPORTING:
                free(store, run)
                assert work(store, run, FAKES) == FINISHED
                path = store.folder(run) / "adapters" / "adapter.txt"
                os.utime(path, (1, 1))

    assert work(Robbed(store.url), run, FAKES) == NOT_MINE
    assert (store.folder(run) / "adapters" / "adapter.txt").stat().st_mtime == 1
    assert not list(store.folder(run).rglob("*.part"))


def test_a_checkpoint_is_written_under_the_lease(store: SqlStore) -> None:
    run = store.create(fake_spec())

    class Robbed(SqlStore):
        def progress(self, lease: Lease, doing: Doing | None = None) -> None:
            super().progress(lease, doing)
            if doing == Doing("update", (1,)):
                free(store, run)
                assert store.claim(run, "another", 1, "") is not None

    assert work(Robbed(store.url), run, FAKES) == NOT_MINE
    assert [p.name for p in (store.folder(run) / "checkpoints").iterdir()] == ["round-000001.safetensors"]


def test_what_was_left_half_written_is_swept(store: SqlStore) -> None:
    run = store.create(fake_spec())
    folder = store.folder(run)
    (folder / ".adapters-1.part").mkdir()
    (folder / ".adapters-1.part" / "half").write_text("x")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / ".round-000001.safetensors.ab12.part").write_text("x")
    assert work(store, run, FAKES) == FINISHED
    assert not list(folder.rglob("*.part"))


def test_adapters_are_on_the_disk_before_finished_is_said(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run, synced, real = store.create(fake_spec()), [], os.fsync

    def fsync(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    class Watched(SqlStore):
        def append(self, lease: Lease, events: Any, after: int | None = None) -> int:
            if any(isinstance(e, Finished) for e in events):
                folder = store.folder(run)
                assert any(p.endswith("adapter.txt") for p in synced)
                assert str(folder) in synced  # the name of the folder too
            return super().append(lease, events, after)

    monkeypatch.setattr(os, "fsync", fsync)
    assert work(Watched(store.url), run, FAKES) == FINISHED


# -- Stop and SIGTERM inside long steps ---------------------------------------


def endless(seen: threading.Event) -> Any:
    """Searches that learn for ever in their second round, and have changed half of their state by then."""

    class Endless(FakeSearch):
        check: Check

        def update(self) -> FakeReport:
            if self.round == 1:
                self.memory += 1.0
                seen.set()
                until(lambda: self.check(), lambda: "nobody stopped it")
            return super().update()

    def built(problem: Any, spec: RunSpec, folder: Path, check: Check) -> Search:
        search = Endless(spec)
        search.check = check
        return search

    return replace(FAKES, build=built)


@pytest.mark.parametrize("signalled", [False, True])
def test_a_fit_that_is_cut_off_leaves_no_trace(
    store: SqlStore, signalled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = fake_spec()
    wanted, untouched = reference(store, spec), store.runs()[0].id
    run, seen = store.create(spec), threading.Event()
    flags: list[threading.Event] = []

    class Heard(module.Patience):
        def __init__(self, seconds: float) -> None:
            super().__init__(seconds)
            flags.append(self.terminated)

    monkeypatch.setattr(module, "Patience", Heard)
    child = Worker(store, run, endless(seen))
    child.start()
    assert seen.wait(60)
    if signalled:
        flags[0].set()  # what the signal handler sets
    else:
        store.send(run, "stop")
    assert child.ended() == FINISHED
    if not signalled:
        assert store.status(run).reason == "stopped"
        # The branches of the last whole round, as those of a run that was stopped between two rounds.
        stopped = store.create(spec)
        cut_off(store, stopped, FAKES, 1 + 5)
        store.send(stopped, "stop")
        assert work(store, stopped, FAKES) == FINISHED
        assert contents(store.folder(run) / "adapters") == contents(store.folder(stopped) / "adapters")
    assert work(store, run, FAKES) == FINISHED
    said = [e for e in store.read(run) if not (isinstance(e.event, Finished) and e.event.reason == "stopped")]
    assert science(said) == wanted
    assert contents(store.folder(run) / "adapters") == contents(store.folder(untouched) / "adapters")


STEPS: dict[str, tuple[dict[str, Any], str, str]] = {
    "train": ({"backbone": {"steps": 20_000, "layers": 12, "width": 512}}, "", "prepared"),
    "pool": ({"search": {**TINY["search"], "pool": 512}, "budget": {"rounds": 2, "batch": 128}}, "ask 1", "proposed"),  # type: ignore[dict-item]
    "fit": ({"search": {**TINY["search"], "steps": 5000, "minibatch": 256}}, "update 0", "updated"),  # type: ignore[dict-item]
}
"""Settings that make a step long, what the worker does then, and what it appends after the step."""


@pytest.mark.parametrize("step", STEPS)
def test_stop_is_heard_inside_a_long_step(store: SqlStore, step: str) -> None:
    sections, doing, after = STEPS[step]
    run = store.create(tiny_spec(**sections))
    child = Worker(store, run, REAL_SCIENCE)
    child.start()

    def there() -> bool:
        status = store.status(run)
        if not doing:
            return status.state == "starting" and bool(list(store.folder(run).glob(".backbone-*.part")))
        return status.doing is not None and status.doing.to_text() == doing

    until(there, lambda: store.status(run))
    before = [e.kind for e in store.read(run)].count(after)
    store.send(run, "stop")
    assert child.ended() == FINISHED
    assert store.status(run).reason == "stopped"
    assert [e.kind for e in store.read(run)].count(after) == before


def test_checks_are_called_where_a_whole_space_is_computed(tmp_path: Path) -> None:
    class Told(Exception):
        pass

    def told() -> None:
        raise Told

    space = ProductSpace((np.arange(3), np.arange(3)), 9)
    x, y = one_hot(space.codes(np.arange(9)), space.shape), np.arange(9.0)
    with pytest.raises(Told):
        fit_surrogate(x, y, check=told)
    surrogate = fit_surrogate(x, y)
    with pytest.raises(Told):
        surrogate.sample_space(space, np.arange(9), 2, np.random.default_rng(0), told)
    ensemble = build(tmp_path).ensemble
    ensemble.check = told
    with pytest.raises(Told):
        last_token_log_prob(ensemble, np.zeros((4, 1), dtype=np.int64), np.arange(3, 6))
