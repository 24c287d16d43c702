"""A copy of a whole store while runs go on, and a store made of such a copy.

`poets.db` copied alone is no backup: what was written last is in a second file beside it, and nothing says so. A backup
is a folder with a SQLite file of all rows, as they were at one moment, and with the files that they name.

    backup(store, Path("saved"))
    restore(Path("saved"), "sqlite:////new/place/poets.db")
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, select, update

from poets_core.errors import InvalidInput, StoreUnavailable
from poets_core.runs import kept
from poets_core.runs.database import file_error, transaction
from poets_core.runs.events import ArtifactMade, Updated
from poets_core.runs.schema import EVENTS, METADATA, RUNS
from poets_core.runs.status import RunRow
from poets_core.runs.store import SqlStore

DATABASE = "poets.db"
FOLDERS = ("runs", "uploads")
ROWS = 500
"""Rows that are copied at once."""
TRIES = 5
"""How often files that a snapshot names and a run has replaced meanwhile are looked for in a newer snapshot."""


@dataclass(frozen=True)
class Copied:
    """What was copied.

    Attributes:
        runs, events: rows.
        files: in folders of runs and uploads.
        lacks: checkpoints that are named and not there; a run without one fits its rounds again.
    """

    runs: int
    events: int
    files: int
    lacks: tuple[str, ...] = ()


def backup(store: SqlStore, folder: Path) -> Copied:
    """Copy a store into a new folder; runs may go on meanwhile.

    Args:
        store: SQLite or PostgreSQL.
        folder: is made; an empty one will do.

    Raises:
        InvalidInput: something lies there.
        StoreUnavailable: it cannot be read or written.
    """
    _require_empty(folder)
    files = 0
    for _ in range(TRIES):
        # Rows first, files second: what rows name is written before they are. Only the last checkpoints are replaced
        # in between; then both are taken again, and what has not changed is not copied twice.
        (folder / DATABASE).unlink(missing_ok=True)
        with _opened(folder / DATABASE) as copy:
            _copy_rows(store, copy)
            files += _copy_files(store.files, folder)
            runs, events = _counts(copy)
            lacks = tuple(_lacking(copy))
        if not lacks:
            break
    return Copied(runs, events, files, lacks)


def restore(folder: Path, url: str) -> Copied:
    """Make a new store of a backup, which is only read.

    Args:
        folder: that `backup` made.
        url: of the new store: a SQLite file that is not there yet, or a PostgreSQL database without runs.

    Raises:
        InvalidInput: no backup, or a store that is not empty.
        StoreUnavailable: it cannot be read or written.
    """
    if not (folder / DATABASE).is_file():
        raise InvalidInput(f"Expected a backup with a file {DATABASE} in {folder}, got none. `poets backup` makes one.")
    target = SqlStore(url)
    try:
        if _counts(target)[0]:
            raise InvalidInput("Expected an empty store to restore into, got one with runs. Name another with --store.")
        with tempfile.TemporaryDirectory() as aside:  # SQLite writes beside a file that it only reads
            shutil.copyfile(folder / DATABASE, Path(aside) / DATABASE)
            with _opened(Path(aside) / DATABASE) as source:
                _copy_rows(source, target)
        files = _copy_files(folder, target.files)
        return Copied(*_counts(target), files, tuple(_lacking(target)))
    finally:
        target.close()


def _require_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"Expected a new or empty folder for the backup, got {folder}. Name another.")
    except OSError as error:
        raise file_error(error, f"Expected a writable folder at {folder}, got: {error}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[SqlStore]:
    """Open a SQLite file, and leave one file behind: nothing of it may be in a log beside it."""
    store = SqlStore(f"sqlite:///{path}")
    try:
        yield store
        with store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")  # a journal cannot be changed within a transaction
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    finally:
        store.close()


def _copy_rows(source: SqlStore, target: SqlStore) -> None:
    """Copy all rows as they are at one moment; nobody works on the runs of the copy."""
    reading = source.engine
    if reading.dialect.name == "postgresql":  # SQLite sees one moment in every transaction
        reading = reading.execution_options(isolation_level="REPEATABLE READ")
    with transaction(reading, writes=False) as rows, transaction(target.engine, writes=True) as copy:
        for table in METADATA.sorted_tables:
            copy.execute(delete(table))
            for part in rows.execute(select(table)).mappings().partitions(ROWS):
                copy.execute(table.insert(), [dict(row) for row in part])
        # A lease belongs to a process that writes the store copied from, not this one.
        copy.execute(update(RUNS).values(held=False, expires=None, launched_pid=None, launched_started=""))


def _counts(store: SqlStore) -> tuple[int, int]:
    with transaction(store.engine, writes=False) as connection:
        runs, events = (connection.scalar(select(func.count()).select_from(table)) for table in (RUNS, EVENTS))
    return int(runs or 0), int(events or 0)


def _copy_files(source: Path, target: Path) -> int:
    """Copy folders of runs and uploads; what is there with the same size and time is not copied again."""
    try:
        paths = [path for name in FOLDERS for path in sorted((source / name).rglob("*"))]
        return sum(_copy_file(path, target / path.relative_to(source)) for path in paths)
    except OSError as error:
        raise file_error(error, f"Expected to copy files from {source} to {target}, got: {error}.") from error


def _copy_file(path: Path, target: Path) -> int:
    # Written aside by somebody, or gone since the folder was listed: neither is named by an event.
    if path.is_symlink() or any(part.startswith(".") and part.endswith(kept.PART) for part in path.parts):
        return 0
    try:
        if not path.is_file():
            return 0
        here, there = path.stat(), target.stat() if target.exists() else None
        if there is not None and (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns):
            return 0
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    except FileNotFoundError:
        return 0
    return 1


def _lacking(store: SqlStore) -> Iterator[str]:
    """Yield the last checkpoints and artifacts that rows name and the folder does not hold."""
    for row in store.runs(limit=10**9, kind=None):
        try:
            names = _named(store, row)
        except StoreUnavailable:  # damaged in the original too
            continue
        yield from (f"{row.id}/{name}" for name in names if not (store.files / "runs" / row.id / name).is_file())


def _named(store: SqlStore, row: RunRow) -> list[str]:
    """Return the artifacts of a task, whose log is short, or the last checkpoint of another run."""
    if row.kind == "task":
        return [line.event.path for line in store.read(row.id) if isinstance(line.event, ArtifactMade)]
    last = store.newest(row.id, Updated.tag)
    named = last.event.checkpoint if last is not None and isinstance(last.event, Updated) else ""
    return [f"checkpoints/{named}"] if named else []
