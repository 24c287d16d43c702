"""The store's contract on PostgreSQL: POETS_TEST_POSTGRES gives a URL, or a server found here is started."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from poets_core.errors import StoreUnavailable
from poets_core.runs.database import parse_url
from poets_core.runs.schema import METADATA
from poets_core.runs.store import SqlStore, open_store
from tests.contracts.listing_contract import ListingContract
from tests.contracts.store_contract import StoreContract, gone
from tests.waiting import LIMIT, until

__all__ = ["gone"]


def _binaries() -> Path | None:
    found = shutil.which("postgres")
    folder = Path(found).resolve().parent if found else None
    return folder if folder is not None and (folder / "initdb").exists() else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    given = os.environ.get("POETS_TEST_POSTGRES")
    if given:
        yield given
        return
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no POETS_TEST_POSTGRES and no PostgreSQL server installed")
    account = None
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            account = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no account named postgres")
    folder = Path(tempfile.mkdtemp(prefix="poets-pg-"))
    try:
        if account is not None:
            shutil.chown(folder, account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "poets", "-A", "trust", "--no-sync", "-E", "UTF8"],
            user=account, cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            pytest.skip(f"initdb does not work here: {made.stderr[-200:]}")
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"],
                user=account, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            url = f"postgresql://poets@127.0.0.1:{port}/postgres"
            _wait(url, running)
            yield url
        finally:
            running.terminate()
            running.wait(LIMIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; one that ends instead cannot be tested here."""
    engine = create_engine(parse_url(url))

    def answers() -> bool:
        if running.poll() is not None:
            pytest.skip("the PostgreSQL server ended while it started")
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError:
            return False
        return True

    until(answers, lambda: "the PostgreSQL server does not come up", pause=0.1)
    engine.dispose()


@pytest.fixture
def store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    monkeypatch.setenv("POETS_FILES", str(tmp_path))
    engine = create_engine(parse_url(server))
    METADATA.drop_all(engine)
    engine.dispose()
    opened = open_store(server)
    yield opened
    opened.close()


class TestPostgres(StoreContract, ListingContract):
    def test_files_lie_where_the_environment_says(self, store: SqlStore, tmp_path: Path) -> None:
        assert store.folder("abc") == tmp_path / "runs" / "abc"


def test_no_server() -> None:
    with pytest.raises(StoreUnavailable, match="no connection"):
        open_store("postgresql://nobody:secret@127.0.0.1:1/none")
