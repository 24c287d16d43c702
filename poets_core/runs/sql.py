"""A run store in SQLite or PostgreSQL; what its methods promise is written in `poets_core.runs.store.RunStore`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, update

from poets_core.errors import UnknownRun
from poets_core.runs import process
from poets_core.runs.answers import read_answer
from poets_core.runs.chain import line_of
from poets_core.runs.database import BUSY_SECONDS, clock, connect, file_error, parse_url, transaction
from poets_core.runs.doing import Doing
from poets_core.runs.event_reader import read_recorded
from poets_core.runs.events import Event, Observed, Recorded
from poets_core.runs.extension import read_extension, reopen
from poets_core.runs.laboratory.orders import read_order
from poets_core.runs.lacks import lacks
from poets_core.runs.lease import STEERING, Command, CommandName, Lease
from poets_core.runs.rows import (
    appended,
    best_of,
    command_body,
    event_rows,
    fetch_run,
    held_run,
    holder,
    list_columns,
    lost,
    new_ids,
    oldest_waiting,
    row_updates,
    unknown,
    written_rows,
)
from poets_core.runs.schema import COMMANDS, EVENTS, RUNS, prepare
from poets_core.runs.shelf import Shelf
from poets_core.runs.status import LEASE_SECONDS, RunRow, RunStatus
from poets_core.runs.storable import is_text, json_text
from poets_core.runs.uploads import as_found, as_stored
from poets_core.spec import RunSpec, parse_spec

_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,39}")
_CLOSED = ("budget", "exhausted", "task", "verdict")  # finished for good; "stopped" can be resumed


class SqlStore(Shelf):
    """A run store in a SQL database; safe for threads and for several processes."""

    def __init__(self, url: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite":
            path = Path(str(parsed.database)).absolute()
            parsed, self.files = parsed.set(database=str(path)), path.parent
            self.url = f"sqlite:///{path}"  # as `parse_url` reads it: rendered, a ? in a folder's name would be lost
        else:
            self.files = Path(os.environ.get("POETS_FILES") or "store").absolute()
            self.url = parsed.render_as_string(hide_password=False)
        self._engine = connect(parsed, busy_seconds=busy_seconds)
        prepare(self._engine)

    @property
    def engine(self) -> Engine:
        """The database, for those who copy or look through it as a whole."""
        return self._engine

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def create(self, spec: RunSpec) -> str:
        """Write down a new run, before any worker exists.

        Returns:
            its id: date, time and eight random letters; sorts by time.

        Raises:
            StoreUnavailable: the store cannot be written.
        """
        return self.create_group([spec])[0]

    def create_group(self, specs: Sequence[RunSpec]) -> list[str]:
        """Write down a run and the baselines that stand beside it, all or none; return their ids in this order.

        Raises:
            StoreUnavailable: the store cannot be written.
        """
        with transaction(self._engine, writes=True) as connection:
            runs = new_ids(connection, len(specs))
            for run, spec in zip(runs, specs, strict=True):
                connection.execute(
                    RUNS.insert().values(
                        id=run,
                        kind=spec.kind,
                        label=spec.label,
                        seed=spec.seed,
                        created=clock(connection),
                        spec=as_stored(spec, self.files).model_dump_json(),
                        lead="" if run == runs[0] else runs[0],
                        **list_columns(spec),
                    )
                )
        return runs

    def claim(self, run: str | None, worker: str, pid: int, pid_started: str) -> Lease | None:
        """Take over a run that nobody works on; atomic between processes.

        Args:
            run: run id, None for the oldest waiting run.
            worker: name for the log.
            pid, pid_started: the worker's process, see `poets_core.runs.process`.

        Returns:
            the lease; None if another worker's lease is alive, the run has
            finished for good, or nothing waits.

        Raises:
            UnknownRun, StoreUnavailable.
        """
        with transaction(self._engine, writes=True) as connection:
            row = fetch_run(connection, run, lock=True) if run is not None else oldest_waiting(connection)
            now = clock(connection)
            if row is None or holder(row).lives(now):
                return None
            if row["phase"] == "finished" and row["reason"] in _CLOSED:
                return None
            lease = Lease(row["id"], row["epoch"] + 1, worker, Doing.parse(row["doing"]), row["last_seq"])
            taken = {
                "epoch": lease.epoch,
                "held": True,
                "worker": worker,
                "host": process.host(),
                "pid": pid,
                "pid_started": pid_started,
                "heartbeat": now,
                "progress": now,
                "expires": now + LEASE_SECONDS,
                "phase": "starting",
                "reason": "",
                "launched_pid": None,
                "launched_started": "",
            }
            connection.execute(update(RUNS).where(RUNS.c.id == lease.run).values(**taken))
        return lease

    def heartbeat(self, lease: Lease) -> None:
        """Say that the worker's process lives; call it each second from a thread. Raises like `append`."""
        self._touch(lease, lambda now: {"heartbeat": now, "expires": now + LEASE_SECONDS})

    def progress(self, lease: Lease, doing: Doing | None = None) -> None:
        """Say that the worker begins another step.

        Args:
            doing: what it begins, for people and for the next worker, which
                takes it for in flight until `prepared` or `claimed` is
                appended; None leaves it.

        Raises:
            LeaseLost, StoreUnavailable.
        """
        said = {} if doing is None else {"doing": doing.to_text()}
        self._touch(lease, lambda now: {"progress": now, **said})

    def release(self, lease: Lease) -> None:
        """Give the run back; nothing can be appended under this lease afterwards. Raises like `append`."""
        self._touch(lease, lambda _: {"held": False, "expires": None})

    def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
        """Append events, all or none, after checking the epoch.

        Args:
            lease: under which the run is written.
            events: in order.
            after: number of the last event before these, where an earlier try may have been committed although its
                answer was lost: what it appended is then not appended twice.

        Returns:
            sequence number of the last one; they are durable when this returns.

        Raises:
            LeaseLost: another worker has the run, or this lease was released.
            StoreUnavailable: full, locked or damaged; nothing was appended.
        """
        bodies = [json_text(e.to_json()) for e in events]
        with transaction(self._engine, writes=True) as connection:
            row = held_run(connection, lease)
            last, now = int(row["last_seq"]), clock(connection)
            if not events:
                return last
            if after is not None and last != after:
                return appended(connection, lease, events, bodies, after)
            connection.execute(EVENTS.insert(), event_rows(connection, row, now, events, bodies))
            cached = {"last_seq": last + len(events), "progress": now} | row_updates(row, events)
            if any(isinstance(e, Observed) and e.corrects for e in events):
                cached["best"] = best_of(connection, lease.run, minimise=cached["minimise"])
            connection.execute(update(RUNS).where(RUNS.c.id == lease.run).values(**cached))
        return last + len(events)

    def read(self, run: str, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return events with ``seq > after``, oldest first, at most `limit`.

        Raises:
            UnknownRun.
            StoreUnavailable: also where an event is damaged; the message names run and number.
        """
        if not is_text(run):
            raise unknown(run)
        query = select(EVENTS).where(EVENTS.c.run == run, EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(limit)
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(query).mappings().all()
            if not rows:
                fetch_run(connection, run)
        return [read_recorded(run, r["seq"], r["at"], r["kind"], r["body"]) for r in rows]

    def written(self, run: str) -> tuple[str, list[str]]:
        """Return the spec's JSON and the lines of events.jsonl, letter by letter. Raises as `read`."""
        with transaction(self._engine, writes=False) as connection:
            spec, rows = fetch_run(connection, run)["spec"], written_rows(connection, run)
        return str(spec), [line_of(text, link) for text, link in rows]

    def newest(self, run: str, kind: str) -> Recorded | None:
        """Return the newest event of a kind, without reading the others; None if there is none.

        Raises:
            UnknownRun.
            StoreUnavailable: also where the event is damaged.
        """
        of_kind = select(EVENTS).where(EVENTS.c.run == run, EVENTS.c.kind == kind)
        with transaction(self._engine, writes=False) as connection:
            row = connection.execute(of_kind.order_by(EVENTS.c.seq.desc()).limit(1)).mappings().first()
            if row is None:
                fetch_run(connection, run)
                return None
        return read_recorded(run, row["seq"], row["at"], row["kind"], row["body"])

    def send(self, run: str, command: CommandName, body: Mapping[str, Any] | None = None) -> int:
        """Leave a command for the worker, which answers between two steps.

        Returns:
            the command's number.

        Raises:
            UnknownRun, StoreUnavailable.
            InvalidComparisons: a "judge" command that is no answer.
            InvalidInput: results, a next batch or a budget that are none.
        """
        if command == "judge":
            read_answer(body or {})
        elif command == "extend":
            read_extension(body or {})
        elif command not in STEERING:
            read_order(command, body or {})
        with transaction(self._engine, writes=True) as connection:
            row = fetch_run(connection, run, lock=True)
            if command == "extend":
                reopen(connection, row)
            top = connection.scalar(select(func.max(COMMANDS.c.seq)).where(COMMANDS.c.run == run)) or 0
            connection.execute(
                COMMANDS.insert().values(
                    run=run, seq=top + 1, at=clock(connection), command=command, body=json_text(dict(body or {}))
                )
            )
            if command in STEERING:  # others steer nothing, so there is nothing to wait for
                connection.execute(update(RUNS).where(RUNS.c.id == run).values(pending=command))
        return int(top) + 1

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """Return commands with a number above `after`, oldest first.

        Raises:
            StoreUnavailable.
        """
        query = select(COMMANDS).where(COMMANDS.c.run == run, COMMANDS.c.seq > after).order_by(COMMANDS.c.seq)
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(query).mappings().all()
        return [Command(r["seq"], r["command"], command_body(r["body"]), r["at"], r["acknowledged"]) for r in rows]

    def acknowledge(self, lease: Lease, through: int) -> None:
        """Mark commands up to number `through` as obeyed; those that steer nothing never are: events name them.

        Raises like `append`.
        """
        with transaction(self._engine, writes=True) as connection:
            row = fetch_run(connection, lease.run, lock=True)
            if row["epoch"] != lease.epoch:
                raise lost(lease)
            steering = COMMANDS.c.command.in_(STEERING)
            mine = (COMMANDS.c.run == lease.run) & COMMANDS.c.acknowledged.is_(None) & steering
            connection.execute(
                update(COMMANDS).where(mine, COMMANDS.c.seq <= through).values(acknowledged=clock(connection))
            )
            left = connection.scalar(select(COMMANDS.c.command).where(mine).order_by(COMMANDS.c.seq.desc()).limit(1))
            connection.execute(update(RUNS).where(RUNS.c.id == lease.run).values(pending=left or ""))

    def launched(self, run: str, pid: int, pid_started: str) -> None:
        """Note the process that was started for a run and has yet to claim it.

        Raises:
            StoreUnavailable.
        """
        with transaction(self._engine, writes=True) as connection:
            connection.execute(
                update(RUNS)
                .where(RUNS.c.id == run, (RUNS.c.pid != pid) | RUNS.c.pid.is_(None) | ~RUNS.c.held)
                .values(launched_pid=pid, launched_started=pid_started)
            )

    def runs(self, limit: int = 200, offset: int = 0, kind: str | tuple[str, ...] | None = "search") -> list[RunRow]:
        """Return runs, newest first.

        Args:
            limit, offset: page of the table.
            kind: ``"search"``, ``"task"``, ``"experiment"``, several of them, or None for all.

        Raises:
            StoreUnavailable.
        """
        query = select(RUNS).order_by(RUNS.c.created.desc(), RUNS.c.id.desc()).limit(limit).offset(offset)
        query = query if kind is None else query.where(RUNS.c.kind.in_((kind,) if isinstance(kind, str) else kind))
        with transaction(self._engine, writes=False) as connection:
            rows, now = connection.execute(query).mappings().all(), clock(connection)
        return [self._row(r, now) for r in rows]

    def row(self, run: str) -> RunRow:
        """Return one line of the table of runs.

        Raises:
            UnknownRun, StoreUnavailable.
        """
        with transaction(self._engine, writes=False) as connection:
            row = fetch_run(connection, run)
            return self._row(row, clock(connection))

    def status(self, run: str) -> RunStatus:
        """Return the state of a run and of its worker.

        Raises:
            UnknownRun, StoreUnavailable.
        """
        return self.row(run).status

    def spec(self, run: str) -> RunSpec:
        """Return the spec a run was created with, under the name that the run has now.

        Raises:
            UnknownRun, StoreUnavailable.
            InvalidSpec: it was written by another version.
        """
        with transaction(self._engine, writes=False) as connection:
            row = fetch_run(connection, run)
        stored = parse_spec(row["spec"], where=f"run {run}").model_copy(update={"label": row["label"]})
        return as_found(stored, self.files)

    def lacks(self) -> str:
        """Say what of its files is missing, and what to do; ``""`` if nothing is.

        Raises:
            StoreUnavailable.
        """
        return lacks(self._engine, self.files)

    def folder(self, run: str) -> Path:
        """Return the folder of a run's files, made if needed.

        Raises:
            UnknownRun: the id is not of the form that `create` gives.
            StoreUnavailable: the folder cannot be made.
        """
        if not _RUN_ID.fullmatch(run):
            raise UnknownRun(f"Expected a run id, got {run[:60]!r}.")
        folder = self.files / "runs" / run
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, f"Expected a writable folder for run {run}, got: {error}.") from error
        return folder

    def under(self, lease: Lease, act: Callable[[], None]) -> None:
        """Do something to the run's files while nobody else can claim it; it must not fail half way.

        Raises:
            LeaseLost: another worker has the run; nothing was done.
            StoreUnavailable: and what `act` raises.
        """
        with transaction(self._engine, writes=True) as connection:
            held_run(connection, lease)
            act()

    def _touch(self, lease: Lease, values: Callable[[float], Mapping[str, Any]]) -> None:
        """Change columns of a run's row; `values` are given the time."""
        mine = (RUNS.c.id == lease.run) & (RUNS.c.epoch == lease.epoch) & RUNS.c.held
        with transaction(self._engine, writes=True) as connection:
            changed = connection.execute(update(RUNS).where(mine).values(**values(clock(connection))))
            if changed.rowcount != 1:
                raise lost(lease)
