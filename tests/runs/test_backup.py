"""A store is copied while a run goes on, moved, and taken apart; it says what it lacks."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from poets_core.cli import app
from poets_core.errors import InvalidInput, StoreUnavailable
from poets_core.runs.artifacts import save_upload
from poets_core.runs.backup import backup, restore
from poets_core.runs.export import export_archive
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import RunSpec, parse_spec
from poets_core.worker.repair import repair
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.worker import FINISHED, work
from tests.postgres import emptied, served
from tests.worker.fake import FAKES, fake_spec
from tests.worker.gate import Gate
from tests.worker.steps import free, reference, science, started
from tests.worker.test_kept_files import DAMAGE, contents, tiny_spec


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path}/store/poets.db")


def landscape(store: SqlStore, rows: str = "variant,fitness\nAA,1\nAC,2\nCA,3\nCC,4\n") -> RunSpec:
    table = save_upload(store, "four.csv", rows.encode())
    params = {"table": str(table), "wild_type": "AA"}
    search = {"method": "ga"}
    budget = {"rounds": 2, "batch": 2}
    return parse_spec({"problem": {"name": "protein/landscape", "params": params}, "search": search, "budget": budget})


def test_a_backup_of_a_run_at_work_is_a_store_that_goes_on(store: SqlStore, tmp_path: Path) -> None:
    spec = fake_spec(rounds=3, batch=6, chunk=2)
    wanted = reference(store, spec)
    run, gate = store.create(spec), Gate(tmp_path / "gate", free=4)
    worker = started(store, run, gate.science())
    gate.reached()
    copied = backup(store, tmp_path / "saved")
    assert copied.runs == 2
    assert copied.lacks == ()
    gate.open()
    assert worker.ended() == FINISHED
    assert sorted(p.name for p in (tmp_path / "saved").iterdir()) == ["poets.db", "runs"]  # no log beside the database
    other = f"sqlite:///{tmp_path}/other/poets.db"
    assert restore(tmp_path / "saved", other).runs == 2
    new = open_store(other)
    assert new.status(run).state == "waiting"  # its worker writes the old store
    assert len(new.read(run)) < len(store.read(run))
    assert work(new, run, FAKES) == FINISHED
    assert science(new.read(run)) == wanted
    new.close()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with served() as url:
        yield url


def test_a_store_on_postgresql_is_backed_up_and_restored_by_the_command_line(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run at work is saved, its database lost, and a new one made of the backup: the run ends as if untouched."""
    monkeypatch.setenv("POETS_FILES", str(tmp_path / "files"))
    store = open_store(emptied(database))
    wanted = reference(store, fake_spec(rounds=3, batch=6, chunk=2))
    run, gate = store.create(fake_spec(rounds=3, batch=6, chunk=2)), Gate(tmp_path / "gate", free=4)
    worker = started(store, run, gate.science())
    gate.reached()
    saved = CliRunner().invoke(app, ["backup", str(tmp_path / "saved"), "--store", database])
    assert (saved.exit_code, "copied 2 runs" in saved.output) == (0, True), saved.output
    kept = store.read(run)
    gate.open()
    assert worker.ended() == FINISHED
    store.close()
    emptied(database)
    monkeypatch.setenv("POETS_FILES", str(tmp_path / "new"))
    again = CliRunner().invoke(app, ["restore", str(tmp_path / "saved"), "--store", database])
    assert (again.exit_code, "copied 2 runs" in again.output) == (0, True), again.output
    new = open_store(database)
    assert new.read(run) == kept
    assert new.status(run).state == "waiting"
    assert new.lacks() == ""
    assert work(new, run, FAKES) == FINISHED
    assert science(new.read(run)) == wanted
    new.close()
    refused = CliRunner().invoke(app, ["restore", str(tmp_path / "saved"), "--store", database])
    assert isinstance(refused.exception, InvalidInput)
    assert "one with runs" in str(refused.exception)


def test_a_backup_is_refused_where_something_lies(store: SqlStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty folder"):
        backup(store, tmp_path / "store")
    with pytest.raises(InvalidInput, match="Expected a backup"):
        restore(tmp_path, "sqlite:///x.db")
    store.create(fake_spec())
    backup(store, tmp_path / "saved")
    with pytest.raises(InvalidInput, match="one with runs"):
        restore(tmp_path / "saved", store.url)


def test_a_moved_store_finds_its_uploads(store: SqlStore, tmp_path: Path) -> None:
    spec = landscape(store)
    new = store.create(spec)
    old = store.create(spec)
    with store.engine.begin() as connection:  # as a run of an older program: an absolute path
        connection.exec_driver_sql("UPDATE runs SET spec = ? WHERE id = ?", (spec.model_dump_json(), old))
    assert store.spec(new) == store.spec(old) == spec
    store.close()
    shutil.move(tmp_path / "store", tmp_path / "moved")
    moved = open_store(f"sqlite:///{tmp_path}/moved/poets.db")
    for run in (new, old):
        found = moved.spec(run)
        assert found.problem is not None
        path = Path(str(found.problem.params["table"]))
        assert path.parent == tmp_path / "moved" / "uploads"
        assert path.read_text().startswith("variant")
        REAL_SCIENCE.load(found)
    assert moved.lacks() == ""
    path.write_text("variant,fitness\nAA,9\n")  # not what was uploaded under that name
    again = moved.spec(old)
    assert again.problem is not None
    assert str(again.problem.params["table"]).startswith(str(tmp_path / "store"))
    moved.close()


def test_an_archive_starts_a_new_run_elsewhere(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poets_core.cli.specs import check, kept_in, located
    from poets_core.spec import read_spec

    run = store.create(landscape(store))
    export_archive(store, run, tmp_path / "run.zip")
    shutil.rmtree(tmp_path / "store" / "uploads")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = located(read_spec(Path("spec.json")), Path())
    check(made, store)
    assert made.problem is not None
    assert Path(str(made.problem.params["table"])).parent == tmp_path / "elsewhere" / "table"
    new = open_store(f"sqlite:///{tmp_path}/new/poets.db")
    again = new.create(kept_in(made, new))
    assert work(new, again) == FINISHED
    view = fold(new.read(again))
    found = {c.design: c.value for c in view.candidates.values() if c.valid}
    assert view.calls == 4
    assert found
    assert found.items() <= {"AA": 1.0, "AC": 2.0, "CA": 3.0, "CC": 4.0}.items()  # as the table of the archive says
    new.close()


def test_a_store_says_what_it_lacks(store: SqlStore, tmp_path: Path) -> None:
    assert store.lacks() == ""
    spec, run = landscape(store), store.create(fake_spec())
    store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    assert store.lacks() == ""
    shutil.rmtree(store.folder(run))
    assert f"1 folders of runs ({run})" in store.lacks()
    shutil.rmtree(tmp_path / "store" / "uploads")
    assert "1 uploaded files (four-" in store.lacks()


def test_a_database_copied_alone_is_not_taken_for_an_empty_store(store: SqlStore, tmp_path: Path) -> None:
    reading = sqlite3.connect(tmp_path / "store" / "poets.db")
    reading.execute("BEGIN")
    reading.execute("SELECT * FROM runs").fetchall()  # keeps the log from being taken into the file
    store.folder(store.create(fake_spec()))
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "store" / "poets.db", tmp_path / "copy" / "poets.db")
    shutil.copytree(tmp_path / "store" / "runs", tmp_path / "copy" / "runs")
    copy = open_store(f"sqlite:///{tmp_path}/copy/poets.db")
    assert copy.runs() == []
    assert "copied without the file poets.db-wal" in copy.lacks()
    copy.close()
    reading.close()


def test_files_of_a_finished_run_are_made_again_for_its_archive(store: SqlStore, tmp_path: Path) -> None:
    run = store.create(tiny_spec())
    assert work(store, run) == FINISHED
    folder = store.folder(run)
    wanted = {name: contents(folder / name) for name in ("backbone", "adapters")}
    for hurt in (
        lambda: DAMAGE["flipped"](folder / "backbone"),
        lambda: shutil.rmtree(folder / "adapters"),
        lambda: (folder / "adapters" / "branch-1" / "adapter_model.safetensors").write_bytes(b""),
    ):
        hurt()
        with pytest.raises(StoreUnavailable, match="makes them again"):
            export_archive(store, run, tmp_path / "run.zip")
        assert repair(store, run)
        export_archive(store, run, tmp_path / "run.zip")
        assert {name: contents(folder / name) for name in wanted} == wanted
        assert not list(folder.rglob("*.part"))
    assert repair(store, run) == ""


def test_files_of_a_run_at_work_are_left_to_its_worker(store: SqlStore) -> None:
    run = store.create(tiny_spec())
    assert work(store, run) == FINISHED
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET phase = 'running', reason = ''")
    free(store, run)
    shutil.rmtree(store.folder(run) / "backbone")
    with pytest.raises(StoreUnavailable, match="Resume it"):
        repair(store, run)
