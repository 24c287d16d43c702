"""The store's contract on SQLite, and what can go wrong with one file."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from poets_core.errors import StoreUnavailable
from poets_core.runs.artifacts import write_atomic
from poets_core.runs.events import Failed
from poets_core.runs.store import SqlStore, open_store
from tests.contracts.listing_contract import ListingContract
from tests.contracts.store_contract import RUNNING, StoreContract, gone, take, taken
from tests.worker.fake import fake_spec

__all__ = ["gone"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/store/poets.db", busy_seconds=20)
    yield opened
    opened.close()


class TestSqlite(StoreContract, ListingContract):
    pass


def test_wal_and_full_sync(store: SqlStore) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def filled(path: Path, events: int = 400) -> tuple[str, str]:
    store = open_store(f"sqlite:///{path}")
    run = store.create(fake_spec())
    lease = taken(store, run)
    for _ in range(4):
        store.append(lease, [Failed("E", "x" * 200)] * (events // 4))
    store.close()
    return store.url, run


def test_a_half_written_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "poets.db"
    url, run = filled(path)
    whole = path.read_bytes()
    refused = 0
    for part in (0.9, 0.5, 0.2, 0.02):
        for extra in ("-wal", "-shm"):
            path.with_name(path.name + extra).unlink(missing_ok=True)
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(StoreUnavailable, match="damaged or half-written|half-written one|Expected a run store"):  # noqa: PT012
            store = open_store(url)
            try:
                store.read(run)
                store.append(taken(store, run), [RUNNING])
            finally:
                store.close()
        refused += 1
    assert refused == 4


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "poets.db"
    path.write_text("these are my notes, kept in a file of that name\n" * 50)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("these are my notes")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "poets.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StoreUnavailable, match="recipes"):
        open_store(f"sqlite:///{path}")


def test_another_schema_version(tmp_path: Path) -> None:
    path = tmp_path / "poets.db"
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE poets_meta SET value = '99'")
    with pytest.raises(StoreUnavailable, match="version '99'"):
        open_store(f"sqlite:///{path}")


def test_tables_missing(tmp_path: Path) -> None:
    path = tmp_path / "poets.db"
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE events")
    with pytest.raises(StoreUnavailable, match=r"without \['events'\]"):
        open_store(f"sqlite:///{path}")


def test_bad_urls() -> None:
    for url in ("mysql://x/y", "sqlite://", "not a url"):
        with pytest.raises(StoreUnavailable, match="Expected"):
            open_store(url)


def test_locked_is_said_after_the_wait(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/poets.db", busy_seconds=0.2)
    run = store.create(fake_spec())
    lease = taken(store, run)
    blocker = sqlite3.connect(tmp_path / "poets.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="lock"):
        store.append(lease, [RUNNING])
    assert store.read(run) == []  # readers are not blocked
    blocker.execute("ROLLBACK")
    blocker.close()
    assert store.append(lease, [RUNNING]) == 1


def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    """SQLite's own page limit gives the error a full disk gives."""
    store = open_store(f"sqlite:///{tmp_path}/poets.db")
    run = store.create(fake_spec())
    lease = taken(store, run)
    big = Failed("E", "x" * 20_000)
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.close()
    from sqlalchemy import event

    @event.listens_for(store._engine, "connect")
    def _limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 12}")

    written = 0
    with pytest.raises(StoreUnavailable, match="full disk"):  # noqa: PT012
        for _ in range(20):
            written = store.append(lease, [big])
    assert written >= 1
    assert [e.seq for e in store.read(run)] == list(range(1, written + 1))
    event.remove(store._engine, "connect", _limit)
    store.close()
    assert store.append(lease, [big]) == written + 1


@pytest.mark.skipif(
    os.environ.get("POETS_TEST_SMALL_DISK") is None, reason="POETS_TEST_SMALL_DISK: a folder on a tiny disk"
)
def test_really_full_disk() -> None:
    folder = Path(os.environ["POETS_TEST_SMALL_DISK"]) / "poets-test"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        store = open_store(f"sqlite:///{folder}/poets.db")
        run = store.create(fake_spec())
        lease = taken(store, run)
        written = 0
        big = Failed("E", "x" * 50_000)
        with pytest.raises(StoreUnavailable, match="full disk"):  # noqa: PT012
            while True:
                written = store.append(lease, [big])
        assert [e.seq for e in store.read(run)] == list(range(1, written + 1))
        with pytest.raises(StoreUnavailable, match="full disk"):
            write_atomic(folder / "file", b"x" * 2**26)
        assert [p.name for p in folder.iterdir() if "file" in p.name] == []
        store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_files_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="full disk"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_opening_a_new_store_twice_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for i in range(5):
        with ThreadPoolExecutor(6) as pool:
            stores = list(pool.map(lambda _, i=i: open_store(f"sqlite:///{tmp_path}/{i}/poets.db"), range(6)))
        run = stores[0].create(fake_spec())
        assert all(s.spec(run) for s in stores)
        assert take(stores[1], run) is not None
