"""The run store: what the browser and the workers share.

    store = open_store()            # or open_store("postgresql://...")
    run = store.create(spec)        # before any worker exists
    store.read(run, after=last)     # what is new
    store.send(run, "pause")

Pages read and send commands only; the one worker that holds the lease writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from poets_core.runs.database import BUSY_SECONDS
from poets_core.runs.doing import Doing
from poets_core.runs.events import Event, Recorded
from poets_core.runs.lease import Command, CommandName, Lease
from poets_core.runs.sql import SqlStore
from poets_core.runs.status import RunRow, RunStatus
from poets_core.spec import RunSpec

__all__ = [
    "Command",
    "CommandName",
    "Lease",
    "RunRow",
    "RunStatus",
    "RunStore",
    "SqlStore",
    "default_store_url",
    "open_store",
]


class RunStore(Protocol):
    """Base class of run stores; `poets_core.runs.sql.SqlStore` is the one there is.

    A store keeps runs. A run is a spec, a log of events, a queue of commands, and a lease. This is what every store
    promises; `tests/contracts/store_contract.py` holds each promise to a test.

    **The log is append-only.** Events are numbered 1, 2, 3, ... within a run, and never changed or removed.
    `append` writes all its events or none; repeated with `after`, it finds what a try appended whose answer was lost,
    and does not append it twice. When it returns they are on the disk: whatever is killed then, they are
    read again. Events come back equal to what was appended, in the same order. Each is linked to the one before, and
    the first to the spec; `written` shows the links.

    **One worker writes a run.** `claim` gives a lease with an epoch, a number one higher than that of the lease
    before. Every method that takes a lease checks the epoch in its own transaction. A worker that was taken for dead
    and wakes up again can therefore write nothing: it gets `LeaseLost`. A lease lives as long as its process exists
    and `heartbeat` comes at least every `poets_core.runs.status.LEASE_SECONDS`. Nobody else can claim the run
    meanwhile. `release` gives it back. A run that has finished for good cannot be claimed; a stopped one can.

    **Commands go the other way.** Anybody may `send` one. The worker reads them in the order sent, between two
    steps, and acknowledges `pause`, `resume` and `stop`; events name the `judge` commands that led to them.

    **Rows and states are derived.** `runs`, `row` and `status` say what the log, the lease and the process say at
    the moment they are called. They can always be asked, also of a run that another machine works on.

    **Threads and processes.** A store may be used by several threads, and opened by several processes at once.

    **Time.** All times are those of one clock: the database's, or for a SQLite file the machine's.

    **Errors.** Every method may raise `StoreUnavailable`, and `StoreAway` where waiting may help (full, locked,
    read-only, or not reachable). Nothing was changed then, except where the connection was lost before the answer
    came. Methods that take a run's id raise `UnknownRun` where there is no such run.

    Attributes:
        url: where it is; with a password, so it belongs into no page and on no command line.
        files: folder of everything that is not in the database: folders of runs, uploads.
    """

    url: str
    files: Path

    def create(self, spec: RunSpec) -> str:
        """Write down a new run, before any worker exists; return its id."""
        ...

    def claim(self, run: str | None, worker: str, pid: int, pid_started: str) -> Lease | None:
        """Take over a run that nobody works on, or the oldest waiting one; None where that cannot be had."""
        ...

    def heartbeat(self, lease: Lease) -> None:
        """Say that the worker's process lives."""
        ...

    def progress(self, lease: Lease, doing: Doing | None = None) -> None:
        """Say that the worker begins another step."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the run back."""
        ...

    def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
        """Append events, all or none; return the number of the last one."""
        ...

    def under(self, lease: Lease, act: Callable[[], None]) -> None:
        """Do something to the run's files while nobody else can claim it."""
        ...

    def read(self, run: str, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return events with a number above `after`, oldest first, at most `limit`."""
        ...

    def written(self, run: str) -> tuple[str, list[str]]:
        """Return spec and log letter by letter, with the links of the chain (`poets_core.runs.chain`)."""
        ...

    def newest(self, run: str, kind: str) -> Recorded | None:
        """Return the newest event of a kind, without reading the others; None if there is none."""
        ...

    def send(self, run: str, command: CommandName, body: Mapping[str, Any] | None = None) -> int:
        """Leave a command for the worker; return its number."""
        ...

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """Return commands with a number above `after`, oldest first."""
        ...

    def acknowledge(self, lease: Lease, through: int) -> None:
        """Mark commands up to number `through` as obeyed."""
        ...

    def launched(self, run: str, pid: int, pid_started: str) -> None:
        """Note the process that was started for a run and has yet to claim it."""
        ...

    def runs(self, limit: int = 200, offset: int = 0, kind: str | tuple[str, ...] | None = "search") -> list[RunRow]:
        """Return runs of some kinds (None: of all), newest first."""
        ...

    def row(self, run: str) -> RunRow:
        """Return one line of the table of runs."""
        ...

    def status(self, run: str) -> RunStatus:
        """Return the state of a run and of its worker."""
        ...

    def spec(self, run: str) -> RunSpec:
        """Return the spec a run was created with."""
        ...

    def lacks(self) -> str:
        """Say what of the store's files is missing, "" if nothing is."""
        ...

    def folder(self, run: str) -> Path:
        """Return the folder of a run's files, made if needed."""
        ...


def default_store_url() -> str:
    """Return the store's URL: the environment's POETS_STORE, or a SQLite file in ./store."""
    return os.environ.get("POETS_STORE") or f"sqlite:///{Path('store').absolute() / 'poets.db'}"


def open_store(url: str | None = None, *, busy_seconds: float = BUSY_SECONDS) -> SqlStore:
    """Open a store, creating it where there is none.

    Args:
        url: SQLite or PostgreSQL URL; None for `default_store_url`.
        busy_seconds: how long one call waits for another writer.

    Raises:
        StoreUnavailable: it cannot be opened, or is not a store of this version.
    """
    return SqlStore(url or default_store_url(), busy_seconds=busy_seconds)
