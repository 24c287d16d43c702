"""Tables of a run store. Events are append-only; a run's row caches what lists need."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import CreateColumn

from poets_core.errors import StoreUnavailable
from poets_core.runs.database import transaction

SCHEMA_VERSION = 1

METADATA = MetaData()

META = Table("poets_meta", METADATA, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("label", String(120), nullable=False),
    Column("problem", String(120), nullable=False),
    Column("method", String(40), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("budget", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("spec", Text, nullable=False),
    # what the log says, kept in the transaction that appends it
    Column("phase", String(20), nullable=False, default="waiting"),
    Column("reason", Text, nullable=False, default=""),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("calls", Integer, nullable=False, default=0),
    Column("best", Float),
    Column("minimise", Boolean, nullable=False, default=False),
    # the lease
    Column("epoch", Integer, nullable=False, default=0),
    Column("held", Boolean, nullable=False, default=False),
    Column("worker", String(120), nullable=False, default=""),
    Column("host", String(120), nullable=False, default=""),
    Column("pid", Integer),
    Column("pid_started", String(60), nullable=False, default=""),
    Column("heartbeat", Float),
    Column("expires", Float),
    Column("progress", Float),
    Column("doing", Text, nullable=False, default=""),
    # a worker that was started for this run and has not claimed it yet
    Column("launched_pid", Integer),
    Column("launched_started", String(60), nullable=False, default=""),
    Column("pending", String(20), nullable=False, default=""),
    # what people add; columns that came after the first release have a default in the database, see `_complete`
    Column("tags", Text, nullable=False, server_default=""),  # ",one,two,"
    Column("archived", Boolean, nullable=False, server_default=false()),
    Column("lead", String(40), nullable=False, server_default=""),  # the run that this one was started beside
    Index("runs_by_kind", "kind", "created"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("run", String(40), ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("link", String(64), nullable=False, server_default=""),  # see `chain`; none of older programs
)

COMMANDS = Table(
    "commands",
    METADATA,
    Column("run", String(40), ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("command", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("acknowledged", Float),
)


def prepare(engine: Engine) -> None:
    """Create the tables of a new store, or check the version of an existing one.

    Raises:
        StoreUnavailable: another version, a foreign database, or one that cannot be read.
    """
    with transaction(engine, writes=False) as connection:
        tables = set(inspect(connection).get_table_names())
        if META.name in tables:
            _check_version(connection.scalar(select(META.c.value).where(META.c.key == "schema")), engine, tables)
            lacks = bool(_lacking(connection))
        else:
            lacks = False
    if META.name in tables:
        if lacks:
            _complete(engine)
        return
    if engine.dialect.name == "sqlite" and tables:
        raise StoreUnavailable(
            f"Expected a run store at {engine.url.database}, got a database with tables {sorted(tables)[:5]}. "
            "Choose another file."
        )
    with transaction(engine, writes=True) as connection:
        _alone(connection)
        METADATA.create_all(connection)
        if connection.scalar(select(META.c.value).where(META.c.key == "schema")) is None:
            connection.execute(META.insert().values(key="schema", value=str(SCHEMA_VERSION)))


def _alone(connection: Connection) -> None:
    """Wait for another program that prepares the same store; SQLite's writers wait by themselves."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7235517)"))


def _lacking(connection: Connection) -> list[Column[object]]:
    """Return the columns that an older program did not know."""
    found = []
    for table in METADATA.sorted_tables:
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        found += [column for column in table.columns if column.name not in there]
    return found


def _complete(engine: Engine) -> None:
    """Add the columns that a store of an older program lacks.

    Each has a default in the database, so that the older program can still write the store: the version stays.

    Raises:
        StoreUnavailable: the store cannot be written, or is damaged.
    """
    with transaction(engine, writes=True) as connection:
        _alone(connection)
        for column in _lacking(connection):  # again: another program may have been quicker
            if column.server_default is None:
                raise StoreUnavailable(
                    f"Expected column {column.name!r} in table {column.table.name!r} of the run store, got none: the "
                    "store is damaged. Restore it from a copy."
                )
            written = CreateColumn(column).compile(dialect=engine.dialect)
            connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {written}"))


def _check_version(found: str | None, engine: Engine, tables: set[str]) -> None:
    missing = {t.name for t in METADATA.sorted_tables} - tables
    if found != str(SCHEMA_VERSION):
        raise StoreUnavailable(
            f"Expected a run store of schema version {SCHEMA_VERSION}, got version {found!r} at {engine.url!r}. "
            "Use the program version that wrote it, or a new store."
        )
    if missing:
        raise StoreUnavailable(
            f"Expected the tables of a run store at {engine.url!r}, got a half-written one without {sorted(missing)}. "
            "Restore it from a copy, or move it away and start a new one."
        )
