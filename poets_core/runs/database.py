"""Connections to the database of a store, and its failures in our own words.

SQLite runs in WAL mode with ``synchronous=FULL``: a transaction that was
acknowledged is on the disk before `append` returns, whatever is killed then.
Writers take the lock when they begin (``BEGIN IMMEDIATE``), so two of them
wait for one another instead of failing half way.
"""

from __future__ import annotations

import errno
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from poets_core.errors import StoreAway, StoreUnavailable, keep_secret

BUSY_SECONDS = 3.0
"""How long one try waits for a lock or a connection: a button that cannot be obeyed says so within 5 s. Whoever has
more patience tries again, as workers do (`poets_core.worker.patience`)."""
STATEMENT_SECONDS = 120
"""After so long PostgreSQL gives a statement up; the longest one here reads all events of a run."""
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(.+)", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")
_GONE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)
"""Errors of a file system that somebody may mend while a worker waits."""


def parse_url(url: str) -> URL:
    """Read a store URL; from now on no message of this process holds its password.

    Everything after ``sqlite:///`` is the path of the file, also where a folder has ``?``, ``%`` or ``#`` in its name.

    Raises:
        StoreUnavailable: it is not a SQLite or PostgreSQL URL. Nothing of it is quoted but how it begins: where it is
            malformed, nobody can say which part is a password.
    """
    if path := _SQLITE.fullmatch(url):
        if path[1] == ":memory:":
            raise StoreUnavailable("Expected a file as the store, got a database in memory. Name a file.")
        return URL.create("sqlite", database=path[1])
    scheme = url.partition("://")[0]
    if scheme.partition("+")[0] not in ("postgresql", "postgres") or "://" not in url:
        begins = f"{scheme}://" if "://" in url and _SCHEME.fullmatch(scheme) else "no such beginning"
        raise StoreUnavailable(
            f"Expected a store such as sqlite:///store/poets.db or postgresql://USER@HOST/DATABASE, got {begins}."
        )
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    # The reader of URLs takes what it cannot place for something else: a password with a / for host and port.
    if parsed is None or set("@[]") & set(f"{parsed.host or ''}{parsed.database or ''}"):
        raise StoreUnavailable(
            f"Expected {scheme}://USER:PASSWORD@HOST:PORT/DATABASE as the store, got another form. Write :, /, @ and % "
            "in the password as %3A, %2F, %40 and %25."
        )
    keep_secret(parsed.password if isinstance(parsed.password, str) else None)
    driver = parsed.drivername.partition("+")[2] or "psycopg"
    return parsed.set(drivername=f"postgresql+{driver}")


def _to_wal(cursor: Any, busy_seconds: float) -> None:
    """Switch to write-ahead logging; SQLite does not wait its busy timeout here when two openers meet."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error).lower() or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def connect(url: URL, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Return an engine for a store.

    Args:
        url: what `parse_url` returned.
        busy_seconds: how long a writer waits for another one.

    Raises:
        StoreUnavailable: the folder cannot be made, or the driver is missing.
    """
    if url.get_backend_name() == "postgresql":
        try:
            return _to_postgres(url, busy_seconds)
        except (ImportError, NoSuchModuleError) as error:
            raise StoreUnavailable(f"Expected the PostgreSQL driver, got: {error}. Install psycopg[binary].") from error
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"Expected a writable folder for the store at {path.parent}, got: {error}.") from error
    engine = create_engine(url, connect_args={"timeout": busy_seconds})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        _to_wal(cursor, busy_seconds)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _to_postgres(url: URL, busy_seconds: float) -> Engine:
    """Return an engine whose every wait has an end: for a connection, a lock, a statement, a silent network."""
    seconds = max(1, round(busy_seconds))
    # A server that vanished without a word is noticed when it does not confirm what was sent to it.
    silent = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
    engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, seconds), **silent})

    @event.listens_for(engine, "connect")
    def _timeouts(connection: Any, _: Any) -> None:
        # Outside a transaction: a rollback would take the settings back.
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{round(busy_seconds * 1000)}ms'")
            cursor.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s'")
        connection.autocommit = False

    return engine


def clock(connection: Connection) -> float:
    """Return the time by the clock that all who use the store share, in seconds since the epoch.

    That of the PostgreSQL server, or of this machine: two machines whose clocks differ must agree on the age of a
    lease.
    """
    if connection.dialect.name == "postgresql":
        return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())
    return time.time()


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One transaction; committed on leaving, rolled back on any error.

    Raises:
        StoreAway: locked, full, read-only or not reachable.
        StoreUnavailable: unreadable or half-written.
    """
    try:
        with engine.connect().execution_options(writes=writes) as connection, connection.begin():
            yield connection
    except (SQLAlchemyError, OSError) as error:
        raise unavailable(error, engine.url) from error


def unavailable(error: Exception, url: URL) -> StoreUnavailable:
    """Say what a database error means for a person, and what to do."""
    where = str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    lower = text.lower()
    if "is full" in lower or "no space" in lower or "enospc" in lower or "disk i/o error" in lower:
        return StoreAway(
            f"Expected room for the run store, got a full disk at {where} ({text}). "
            "Nothing acknowledged is lost: free some space, then resume the run."
        )
    if "locked" in lower or "busy" in lower or "lock timeout" in lower:
        return StoreAway(
            f"Expected the run store to be free, got a lock that was not released at {where} ({text}). "
            "Close the program that holds it, then try again."
        )
    if "malformed" in lower or "not a database" in lower or "no such table" in lower or "corrupt" in lower:
        return StoreUnavailable(
            f"Expected a run store at {where}, got a damaged or half-written database ({text}). "
            "Restore it from a copy, or move it away and start a new one."
        )
    if "readonly" in lower or "read-only" in lower or "unable to open" in lower or isinstance(error, OSError):
        return StoreAway(f"Expected a readable and writable run store at {where}, got: {text}. Check path and rights.")
    away = isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    kind = "no connection" if away else "a database error"
    return (StoreAway if away else StoreUnavailable)(
        f"Expected the run store at {where} to answer, got {kind}: {text}."
    )


def file_error(error: OSError, message: str) -> StoreUnavailable:
    """Return the error of a file that could not be written, by whether waiting may help."""
    return (StoreAway if error.errno in _GONE else StoreUnavailable)(message)
