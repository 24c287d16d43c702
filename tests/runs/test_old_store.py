"""A store that release 0.1 wrote (`tests/runs/old_store/make.py`): it opens, its runs go on, its archive is read."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

from poets_core.runs.artifacts import read_artifact
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import jsonable
from poets_core.runs.event_reader import read_line
from poets_core.runs.events import Recorded
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import RunView, fold, summary
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, fake_spec
from tests.worker.steps import science

OLD = Path(__file__).parent / "old_store"
SEARCH = fake_spec(rounds=5, batch=8)
EXPECTED: dict[str, dict[str, Any]] = json.loads((OLD / "expected.json").read_text())
RUN = {name: said["run"] for name, said in EXPECTED.items()}


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    shutil.copytree(OLD, tmp_path / "old")
    return open_store(f"sqlite:///{tmp_path}/old/poets.db")


def values(events: list[Recorded]) -> list[tuple[str, str, float | None]]:
    """What was measured, without the last bits, in which the machine of the release may differ from this one."""
    view = fold(events)
    seen = [view.candidates[id] for id in view.order]
    return [(c.id, c.design, None if c.value is None else pytest.approx(c.value, rel=1e-9)) for c in seen]


@pytest.mark.parametrize("name", EXPECTED)
def test_its_runs_fold_to_what_the_release_said(store: SqlStore, name: str) -> None:
    said, run = EXPECTED[name], RUN[name]
    view = fold(store.read(run))
    now = jsonable(summary(view, store.status(run)))
    # who holds a lease is asked of the machine; everything else is in the log
    assert {**now, "state": None} == {**said["summary"], "state": None}
    assert (list(view.values), list(view.regret)) == (said["values"], said["regret"])
    assert store.row(run).calls == said["calls"]
    assert store.status(run).doing == Doing.parse(said["doing"])


def test_its_events_are_written_again_to_the_byte(store: SqlStore) -> None:
    with sqlite3.connect(OLD / "poets.db") as database:
        rows = database.execute("SELECT run, seq, kind, body FROM events ORDER BY run, seq").fetchall()
    assert len({kind for _, _, kind, _ in rows}) >= 10
    again = {(run, e.seq): e for run in RUN.values() for e in store.read(run)}
    for run, seq, kind, body in rows:
        event = again[run, seq]
        assert event.kind == kind
        assert json.dumps(event.event.to_json(), allow_nan=False, separators=(",", ":")) == body


def test_a_store_of_release_0_1_opens_resumes_and_its_archive_reads(store: SqlStore) -> None:
    whole = store.read(RUN["finished"])
    # a search that was stopped, and one that was cut off with a chunk at the oracle
    for name in ("stopped", "cut off"):
        assert work(store, RUN[name], FAKES) == FINISHED
        assert store.status(RUN[name]).reason == "budget"
        # Up to the first contest they are what the release would have made of them. What contests measure is written
        # down now, and learnt from, so that they part there.
        first = 2 * SEARCH.budget.batch
        assert values(store.read(RUN[name]))[:first] == values(whole)[:first]
        view = fold(store.read(RUN[name]))
        assert (view.contest_calls, view.contested) == (0, sum(c.calls for c in view.contests))
        assert view.contested > 0
        assert view.calls == len(view.order) == store.row(RUN[name]).calls <= SEARCH.budget.calls
        kept = [kind for kind, body in science(store.read(RUN[name])) if body.get("reason") != "stopped"]
        alike = 1 + 2 * (1 + SEARCH.budget.batch + 1)  # prepared; proposed, observed, updated of two rounds
        assert kept[:alike] == [kind for kind, _ in science(whole)][:alike]
    assert fold(store.read(RUN["cut off"])).asked_again > 0
    # the experiment on the branches of a finished search
    run = RUN["experiment"]
    assert work(store, run, FAKES) == FINISHED
    found = fold(store.read(run)).experiment
    assert found is not None
    assert found.verdict is not None
    assert found.comparisons > EXPECTED["experiment"]["calls"]
    # the archive
    with zipfile.ZipFile(OLD / "archive.zip") as archive:
        lines = [read_line(line) for line in archive.read("events.jsonl").splitlines()]
        assert json.loads(archive.read("spec.json"))["problem"]["name"] == "fake/digits"
    assert lines == whole
    assert fold(lines) == fold(whole) != RunView()
    # and the file of its export
    (made,) = fold(store.read(RUN["export"])).artifacts
    assert len(read_artifact(store, RUN["export"], made.path, made.sha256).splitlines()) == made.rows
