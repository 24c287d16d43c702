"""What a failed run says: nothing of files that are not uploads, no credentials, no paths of this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from poets_core.errors import MOST, keep_secret
from poets_core.protocols import Problem
from poets_core.runs.artifacts import save_upload
from poets_core.runs.events import Failed
from poets_core.runs.sql import SqlStore
from poets_core.runs.store import open_store
from poets_core.spec import ProblemSpec, RunSpec, SearchSpec
from poets_core.worker.worker import work
from tests.worker.fake import FAKES, fake_spec

SECRET = "swordfish-is-the-word"  # no test makes it a password, which would be masked from then on


def landscape(table: str) -> SearchSpec:
    return SearchSpec(problem=ProblemSpec(name="protein/landscape", params={"table": table, "wild_type": "AAAA"}))


def failed(store: SqlStore, spec: SearchSpec) -> str:
    run = store.create(spec)
    assert work(store, run) == 1
    last = store.read(run)[-1].event
    assert isinstance(last, Failed)
    assert store.row(run).status.reason.endswith(last.message)
    return last.message


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store(f"sqlite:///{tmp_path / 'store' / 'poets.db'}")


def test_nothing_of_a_file_outside_the_uploads_is_quoted(store: SqlStore, tmp_path: Path) -> None:
    outside = tmp_path / "password.txt"
    outside.write_text(f"{SECRET}\n{SECRET}:2\n")
    link = store.files / "uploads" / "link.csv"
    link.parent.mkdir()
    link.symlink_to(outside)
    for named in (outside, link, store.files / "uploads" / ".." / ".." / "password.txt"):
        message = failed(store, landscape(str(named)))
        assert SECRET not in message
        assert str(tmp_path) not in message
        assert message
    upload = save_upload(store, "mine.csv", f"variant,fitness\nAAAC,1\nAAAD,{SECRET}\n".encode())
    assert SECRET in failed(store, landscape(str(upload)))  # who put it there may see what is wrong with it


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_the_environment_of_the_worker_is_not_quoted(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/proc/self/environ", f"/proc/{os.getpid()}/environ", "/proc/self/cmdline"):
        message = failed(store, landscape(path))
        assert "PATH=" not in message
        assert "python" not in message


def test_an_oracle_that_tells_a_secret_is_cut_and_masked(store: SqlStore, capfd: pytest.CaptureFixture[str]) -> None:
    keep_secret("s3cr3t-of-the-store")

    def leak(spec: RunSpec) -> Problem:
        raise RuntimeError(f"postgresql://u:{SECRET}@h/d s3cr3t-of-the-store /home/someone/x/y.csv " + "x" * 5_000_000)

    run = store.create(fake_spec())
    assert work(store, run, replace(FAKES, load=leak)) == 1
    last = store.read(run)[-1].event
    assert isinstance(last, Failed)
    said = last.message + capfd.readouterr().err
    assert SECRET not in said
    assert "s3cr3t-of" not in said
    assert "/home/someone" not in last.message
    assert len(last.message) <= MOST
    assert len(said) < 30 * MOST
