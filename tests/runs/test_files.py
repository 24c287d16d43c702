"""Uploads, artifacts, the archive, and what a launch does."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from poets_core.errors import InvalidInput, StoreUnavailable
from poets_core.runs import launch as launch_module
from poets_core.runs import process
from poets_core.runs.artifacts import UPLOAD_LIMIT, read_artifact, save_upload, write_atomic
from poets_core.runs.event_reader import read_line
from poets_core.runs.events import Finished, StateChanged
from poets_core.runs.export import candidates_csv, export_archive
from poets_core.runs.launch import launch, resume
from poets_core.runs.store import SqlStore, default_store_url, open_store
from poets_core.runs.views.fold import fold
from tests.contracts.store_contract import taken
from tests.logs import claimed
from tests.runs.test_view import log, view_of
from tests.waiting import until
from tests.worker.fake import fake_spec


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path}/store/poets.db")


def test_uploads_are_kept_by_content(store: SqlStore) -> None:
    one = save_upload(store, "my table.CSV", b"a,b\n1,2\n")
    assert one.read_bytes() == b"a,b\n1,2\n"
    assert one.is_relative_to(store.files / "uploads")
    assert one.name.startswith("my_table-")
    assert one.suffix == ".csv"
    assert save_upload(store, "my table.CSV", b"a,b\n1,2\n") == one
    assert save_upload(store, "my table.CSV", b"a,b\n1,3\n") != one
    assert save_upload(store, "x.csv.gz", b"z").name.endswith(".csv.gz")


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "..\\..\\evil.csv", "/etc/passwd", "a\x00b.csv", "", "....", "x." + "y" * 300]
)
def test_upload_names_are_not_trusted(store: SqlStore, name: str) -> None:
    path = save_upload(store, name, b"x")
    assert path.resolve().parent == (store.files / "uploads").resolve()
    assert len(path.name) < 90


def test_uploads_have_a_size(store: SqlStore) -> None:
    with pytest.raises(InvalidInput, match="20 MB"):
        save_upload(store, "x.csv", b"x" * (UPLOAD_LIMIT + 1))
    with pytest.raises(InvalidInput, match="1 byte"):
        save_upload(store, "x.csv", b"")


def test_artifacts_are_checked(store: SqlStore) -> None:
    run = store.create(fake_spec())
    path = store.folder(run) / "artifacts" / "a.csv"
    checksum = write_atomic(path, b"hello")
    assert checksum == hashlib.sha256(b"hello").hexdigest()
    assert read_artifact(store, run, "artifacts/a.csv", checksum) == b"hello"
    path.write_bytes(b"hell")
    with pytest.raises(StoreUnavailable, match="changed or cut off"):
        read_artifact(store, run, "artifacts/a.csv", checksum)
    with pytest.raises(StoreUnavailable, match="readable"):
        read_artifact(store, run, "artifacts/b.csv", checksum)
    with pytest.raises(StoreUnavailable, match="inside"):
        read_artifact(store, run, "../../poets.db", checksum)


def test_archive(store: SqlStore, tmp_path: Path) -> None:
    run = store.create(fake_spec(seed=5))
    store.append(taken(store, run), log([[("A", 1.5), ("B", None)], [("C", 2.5)]]))
    folder = store.folder(run)
    write_atomic(folder / "adapters" / "branch-0" / "adapter_config.json", b"{}")
    write_atomic(folder / "artifacts" / "x.csv", b"x")
    write_atomic(folder / "checkpoints" / "c", b"tensors")
    write_atomic(folder / "checkpoints" / "older", b"tensors")
    path = export_archive(store, run, tmp_path / "out" / "run.zip")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        checksums = json.loads(archive.read("checksums.json"))
        assert names == {
            "spec.json", "events.jsonl", "candidates.csv", "versions.json", "checksums.json", "checkpoints/c",
            "adapters/branch-0/adapter_config.json", "artifacts/x.csv", "spec-as-written.json", "archive.json",
            "tensors.json", "report.html",
        }  # fmt: skip
        assert set(checksums) == names - {"checksums.json"}
        assert all(hashlib.sha256(archive.read(n)).hexdigest() == c for n, c in checksums.items())
        assert json.loads(archive.read("spec.json"))["seed"] == 5
        rebuilt = fold(map(read_line, archive.read("events.jsonl").splitlines()))
        assert rebuilt == fold(store.read(run))
        table = list(csv.DictReader(io.StringIO(archive.read("candidates.csv").decode())))
    assert [(r["id"], r["design"], r["value"]) for r in table] == [
        ("0-0", "A", "1.5"),
        ("0-1", "B", ""),
        ("1-0", "C", "2.5"),
    ]


def test_csv_guards_against_formulas() -> None:
    view = view_of([[("=HYPERLINK(1)", -1.5), ("@x", 1.0), ("ok", 2.0)]])
    rows = list(csv.DictReader(io.StringIO(candidates_csv(view).decode())))
    assert [r["design"] for r in rows] == ["'=HYPERLINK(1)", "'@x", "ok"]
    assert rows[0]["value"] == "-1.5"  # a negative number stays a number


def test_store_url_out_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POETS_STORE", "sqlite:////x/y.db")
    assert default_store_url() == "sqlite:////x/y.db"
    monkeypatch.delenv("POETS_STORE")
    monkeypatch.chdir(tmp_path)
    assert default_store_url() == f"sqlite:///{tmp_path}/store/poets.db"


LAUNCHER = """
import os, sys
from poets_core.runs.launch import launch
from poets_core.runs.store import open_store
store = open_store(sys.argv[1])
print(launch(store, sys.argv[2]), flush=True)
os.kill(os.getpid(), 9)
"""


HOLD = """
import pathlib, sys, time
while "worker" in sys.orig_argv and not pathlib.Path({gate!r}).exists():
    time.sleep(0.02)
"""
"""Read by every interpreter that starts: a worker waits until the test has looked at it."""


def test_a_launched_worker_is_detached(store: SqlStore, tmp_path: Path) -> None:
    """The launcher is killed at once; its worker lives in a session of its own and says how the run ended."""
    run, gate = store.create(fake_spec()), tmp_path / "gate"
    (tmp_path / "hold").mkdir()
    (tmp_path / "hold" / "sitecustomize.py").write_text(HOLD.format(gate=str(gate)))
    path = os.pathsep.join([str(tmp_path / "hold"), str(launch_module.ROOT)])
    environment = {**os.environ, "STREAMLIT_SERVER_PORT": "1", "PYTHONPATH": path}
    launcher = subprocess.run(
        [sys.executable, "-c", LAUNCHER, store.url, run], env=environment, capture_output=True, text=True, check=False
    )
    assert launcher.returncode == -9, launcher.stderr
    pid = int(launcher.stdout)
    assert os.getsid(pid) == pid
    assert store.status(run).state == "starting"
    names = {line.partition("=")[0] for line in Path(f"/proc/{pid}/environ").read_text().split("\0")}
    assert "OMP_NUM_THREADS" in names
    assert not any(name.startswith("STREAMLIT_") for name in names)
    gate.touch()
    until(lambda: store.status(run).state == "failed", lambda: store.status(run))
    assert "fake/digits" in store.status(run).reason  # no such problem in the catalog, which the log must say
    assert "failed: Expected a problem name" in (store.folder(run) / "worker.log").read_text()


def test_resume_wakes_the_living_and_replaces_the_dead(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(launch_module, "launch", lambda _, run: started.append(run) or 4711)
    run = store.create(fake_spec())
    lease = taken(store, run)
    store.append(lease, [claimed(), StateChanged("paused")])
    assert resume(store, run) is None
    assert started == []
    assert [c.command for c in store.commands(run)] == ["resume"]
    store.release(lease)
    assert resume(store, run) == 4711
    store.append(taken(store, run), [Finished("budget")])
    assert resume(store, run) is None
    assert started == [run]


def test_processes() -> None:
    mine = process.started(os.getpid())
    assert process.alive(os.getpid(), mine)
    assert not process.alive(os.getpid(), mine + "0")
    assert not process.alive(None, "")
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: not process.alive(child.pid, ""))  # a zombie until it is waited for: gone all the same
    child.wait()


def test_launch_of_an_unknown_run(store: SqlStore) -> None:
    from poets_core.errors import UnknownRun

    with pytest.raises(UnknownRun):
        launch(store, "nowhere")


def test_a_reader_never_sees_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the rename the old file is whole, and by then the new one is whole beside it."""
    path, seen = tmp_path / "file", []
    write_atomic(path, b"old")
    rename = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append((self.read_bytes(), target.read_bytes()))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_atomic(path, b"new and longer")
    assert seen == [(b"new and longer", b"old")]
    assert path.read_bytes() == b"new and longer"
    assert list(tmp_path.iterdir()) == [path]


def test_archives_hold_what_adapters_and_problem_need(store: SqlStore, tmp_path: Path) -> None:
    """The run's own backbone and the uploaded table; a file elsewhere is the user's and stays out."""
    table = save_upload(store, "gb1.csv", b"variant,value\nAA,1\n")
    private = tmp_path / "private.csv"
    private.write_bytes(b"secret")
    sneaky = f"{store.files}/uploads/../../private.csv"
    run = store.create(fake_spec(table=str(table), other=str(private), sneaky=sneaky, gone=str(table) + "x", word="a"))
    write_atomic(store.folder(run) / "backbone" / "config.json", b"{}")
    write_atomic(store.folder(run) / "backbone" / "model.safetensors", b"weights")
    with zipfile.ZipFile(export_archive(store, run, tmp_path / "run.zip")) as archive:
        names = set(archive.namelist())
        checksums = json.loads(archive.read("checksums.json"))
        assert names >= {"backbone/config.json", "backbone/model.safetensors"}
        assert {n for n in names if n.startswith("table/")} == {f"table/{table.name}"}
        assert archive.read(f"table/{table.name}") == table.read_bytes()
        assert checksums[f"table/{table.name}"] == hashlib.sha256(table.read_bytes()).hexdigest()
        assert set(checksums) == names - {"checksums.json"}


def test_a_stalled_run_can_be_resumed(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(launch_module, "launch", lambda _, run: started.append(run) or 4711)
    run = store.create(fake_spec())
    with monkeypatch.context() as m:
        m.setattr("poets_core.runs.sql.LEASE_SECONDS", -1.0)
        taken(store, run)
    assert store.status(run).state == "stalled"
    assert store.status(run).resumable
    assert resume(store, run) == 4711
    assert started == [run]
