"""The worker's loop with the fakes, in this process: order, charging, checkpoints, exhaustion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import ProposedCandidate
from poets_core.runs.events import Updated
from poets_core.runs.lease import Lease
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.search.loop import chunks
from poets_core.worker import checkpoint
from poets_core.worker.science import resolve_backbone
from poets_core.worker.search_log import read_search_log
from poets_core.worker.worker import FAILED, FINISHED, NOT_MINE, work
from tests.worker.fake import FAKES, Digits, FakeSearch, fake_spec
from tests.worker.steps import fakes, reference


def test_a_search_that_begins_says_what_it_does(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    progress = SqlStore.progress

    def heard(self: SqlStore, lease: Lease, doing: Doing | None = None) -> None:
        said.append("" if doing is None else doing.to_text())
        progress(self, lease, doing)

    monkeypatch.setattr(SqlStore, "progress", heard)
    run = store.create(fake_spec(rounds=1))
    store.send(run, "stop")
    assert work(store, run, FAKES) == FINISHED
    assert said[:2] == ["load problem", "train small model"]
    # a run that goes on says nothing before it has written down what was with the oracle
    said.clear()
    store.send(run, "resume")
    assert work(store, run, FAKES) == FINISHED
    assert not {"load problem", "train small model", "load model"} & set(said)


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
    keys = [e.event.key for e in events if e.kind == "observed"]
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


def test_nothing_left_to_ask(store: SqlStore) -> None:
    run = store.create(fake_spec(rounds=5))
    assert work(store, run, fakes(lambda spec: FakeSearch(spec, exhausted_after=2))) == FINISHED
    assert store.status(run).reason == "exhausted"
    assert len(fold(store.read(run)).rounds) == 2


def test_nothing_to_claim(store: SqlStore) -> None:
    assert work(store, None, FAKES) == FINISHED
    run = store.create(fake_spec(rounds=1))
    assert work(store, None, FAKES) == FINISHED
    assert store.status(run).state == "finished"
    assert work(store, run, FAKES) == NOT_MINE


def test_checkpoint_bytes_are_a_function_of_the_tensors(tmp_path: Path) -> None:
    a = {"b": np.arange(6.0).reshape(2, 3).T, "a": np.array(3), "c": np.zeros(0, np.float32)}
    b = {k: a[k].copy() for k in ("c", "a", "b")}
    assert checkpoint.to_bytes(a) == checkpoint.to_bytes(b)
    updated = Updated(2, {}, *checkpoint.write(tmp_path, 3, a))
    back = checkpoint.read(tmp_path, updated)
    assert {k: (v.shape, v.dtype) for k, v in back.items()} == {k: (v.shape, v.dtype) for k, v in a.items()}
    assert all(np.array_equal(back[k], a[k]) for k in a)
    assert checkpoint.same(back, updated)
    assert not checkpoint.same(back | {"a": np.array(4)}, updated)


def test_candidates_survive_json() -> None:
    for candidate in FakeSearch(fake_spec()).ask(20):
        back = ProposedCandidate.of(candidate).candidate()
        assert repr(back) == repr(candidate)  # repr: NaN equals NaN there


def test_backbone_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_backbone("library") == "library"
    assert resolve_backbone("org/model") == "org/model"
    assert resolve_backbone("gpt2") == "gpt2"
    assert resolve_backbone(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "library").mkdir()
    assert resolve_backbone("library") == "library"  # a folder of that name does not shadow the built-in
    for source in ("./gone", "a/b/c", "m.gguf", "org/m.gguf", "/no/where"):  # never looked for on the hub
        assert resolve_backbone(source) == (tmp_path / source).absolute()
    assert resolve_backbone("~/m") == tmp_path / "home" / "m"
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert resolve_backbone("org/model") == tmp_path / "org" / "model"
    assert isinstance(resolve_backbone("protein"), Path)


def test_history_of_nothing() -> None:
    log = read_search_log([])
    assert (log.prepared, log.rounds, log.told, log.cut_off.candidates) == (None, 0, (), ())
    assert log.in_flight(Doing("evaluate", (0, 0)), 3) == []


def test_an_unknown_problem_fails_the_run(store: SqlStore) -> None:
    run = store.create(fake_spec())
    assert work(store, run) == FAILED
    assert store.status(run).reason.startswith(InvalidSpec.__name__)
