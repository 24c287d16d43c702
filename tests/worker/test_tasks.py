"""Exports are read back and scored again before they are handed out; checks measure the prior."""

from __future__ import annotations

from typing import Any

from poets_core.runs.artifacts import read_artifact
from poets_core.runs.events import ArtifactMade
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import TaskSettings, TaskSpec
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, fake_spec


def task(store: SqlStore, source: str, **fields: Any) -> str:
    """Create and work on an export of `source`."""
    made = store.create(TaskSpec(task=TaskSettings(name="export", run=source, **fields)))
    work(store, made, FAKES)
    return made


def test_export_writes_reads_back_and_scores_again(store: SqlStore) -> None:
    run = store.create(fake_spec())
    work(store, run, FAKES)
    made = task(store, run, format="csv")
    events = store.read(made)
    assert [e.kind for e in events] == ["claimed", "prepared", "artifact", "finished"]
    made_it = events[2].event
    assert isinstance(made_it, ArtifactMade)
    valid = [c for c in fold(store.read(run)).candidates.values() if c.valid]
    assert (made_it.rows, made_it.rescored, made_it.max_difference) == (len(valid), len(valid), 0.0)
    data = read_artifact(store, made, made_it.path, made_it.sha256).decode()
    assert data.splitlines()[0] == f"{run}/{valid[0].id},{valid[0].design},{valid[0].value!r}"
    assert made_it.name == f"fake-digits_{run}_valid_{len(valid)}.csv"
    chosen = task(store, run, format="csv", candidates=(valid[1].id,))
    assert store.read(chosen)[2].event.rows == 1


def test_noisy_values_are_not_compared(store: SqlStore) -> None:
    run = store.create(fake_spec(noise=0.5))
    work(store, run, FAKES)
    body = store.read(task(store, run, format="csv"))[2].event
    assert (body.rescored, body.max_difference) == (0, None)


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
    made = store.create(TaskSpec(problem=fake_spec().problem, task=TaskSettings(name="check")))
    assert work(store, made, FAKES) == FINISHED
    view = fold(store.read(made))
    assert view.finished == "task"
    assert view.info is not None
    assert view.check is not None
    assert view.check["asked"] == 8
    assert all(sum(map(int, r["design"])) == r["value"] for r in view.check["rows"] if r["valid"])


def test_a_stopped_task_acknowledges_its_command(store: SqlStore) -> None:
    run = store.create(fake_spec())
    work(store, run, FAKES)
    made = store.create(TaskSpec(task=TaskSettings(name="export", run=run, format="csv")))
    store.send(made, "stop")
    assert store.status(made).pending == "stop"
    assert work(store, made, FAKES) == FINISHED
    status = store.status(made)
    assert (status.state, status.reason, status.pending) == ("finished", "stopped", "")
    assert all(c.acknowledged is not None for c in store.commands(made))
