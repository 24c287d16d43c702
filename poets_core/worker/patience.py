"""A store that its worker waits for: what cannot be written now is tried again until it can, or until patience ends.

A try may have been committed although its answer was lost, with the connection. So a repeated `append` says after which
event it belongs, and a repeated `claim` or `release` looks at who holds the run. Whether the lease still holds is
decided where it always is, in the transaction that writes: after an outage a worker goes on only under its own epoch.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Any, TypeVar

from poets_core.errors import InvalidInput, LeaseLost, StoreAway
from poets_core.runs.doing import Doing
from poets_core.runs.events import Event, Recorded
from poets_core.runs.lease import Command, CommandName, Lease
from poets_core.runs.outage import say_going_on, say_waiting
from poets_core.runs.status import RunRow, RunStatus
from poets_core.runs.store import RunStore
from poets_core.spec import RunSpec

T = TypeVar("T")
VARIABLE = "POETS_STORE_PATIENCE"
PATIENCE_SECONDS = 600.0
PAUSES = (0.1, 0.2, 0.5, 1.0)
"""Seconds between the first tries; the last one is kept for all that follow."""


class Terminated(Exception):
    """The process was told to end: give the run back as it stands."""


def patience_seconds() -> float:
    """Return how long workers wait for a store: the environment's POETS_STORE_PATIENCE, or ten minutes.

    Raises:
        InvalidInput: it is no number of seconds.
    """
    said = os.environ.get(VARIABLE, "")
    try:
        seconds = float(said) if said else PATIENCE_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 7 * 86_400:
        raise InvalidInput(f"Expected seconds from 0 to 604800 in {VARIABLE}, got {said[:40]!r}.")
    return seconds


class Patience:
    """How long one worker goes on trying; an outage ends with the first try that succeeds."""

    def __init__(self, seconds: float, terminated: Flag | None = None) -> None:
        """Take the seconds of an outage, and what is set when the process is told to end: nobody waits then."""
        self.seconds, self.terminated = seconds, terminated or Flag()
        self.waiting = False
        # When the outage began, by a clock that nobody sets.
        self._since: float | None = None

    def __call__(self, act: Callable[[], T], again: Callable[[], T] | None = None) -> T:
        """Return what `act` returns, tried until the store answers.

        Args:
            act: the first try.
            again: every further one; None for the same.

        Raises:
            StoreAway: the outage has lasted longer than patience.
            Terminated: told to end meanwhile.
        """
        # Two functions, because a second try must reckon with a first one that was obeyed and not answered.
        attempt, tries = act, 0
        while True:
            # Damage is raised at once: no wait mends it.
            try:
                done = attempt()
            except StoreAway as error:
                self._wait(error, tries)
                attempt, tries = again or act, tries + 1
            else:
                self._since, self.waiting = None, False
                return done

    def _wait(self, error: StoreAway, tries: int) -> None:
        # From the first failure on, over all calls: ten minutes are meant for the outage, not for each of its writes.
        now = time.monotonic()
        if self._since is None:
            self._since = now
            print(f"waiting for the store, {self.seconds:.0f} s at most: {error}", file=sys.stderr, flush=True)
        if now - self._since >= self.seconds:
            self.waiting = False
            raise error
        # An event and no sleep: a signal ends the wait at once.
        self.waiting = True
        if self.terminated.wait(PAUSES[min(tries, len(PAUSES) - 1)]):
            self.waiting = False
            raise Terminated from error


class PatientStore:
    """The store as a worker sees it; see `poets_core.runs.store.RunStore` for what its methods promise."""

    def __init__(self, store: RunStore, patience: Patience) -> None:
        self._store, self.patience = store, patience
        self.url, self.files = store.url, store.files
        # Number of the last event of each run that this worker wrote: a repeated append says what it comes after.
        self._last: dict[str, int] = {}

    def create(self, spec: RunSpec) -> str:
        """Pass on: a worker makes no runs, and one that was made twice would be two."""
        return self._store.create(spec)

    def claim(self, run: str | None, worker: str, pid: int, pid_started: str) -> Lease | None:
        """Take over a run; one that an earlier try has taken, although its answer was lost, is had."""

        def again() -> Lease | None:
            taken = self._store.claim(run, worker, pid, pid_started)
            if taken is not None or run is None:
                return taken
            # A lease that was committed and not told would keep this very process out.
            status = self._store.status(run)
            mine = status.active and (status.worker, status.pid) == (worker, pid)
            last = self._store.read(run)[-1:]
            return Lease(run, status.epoch, worker, status.doing, last[0].seq if last else 0) if mine else None

        lease = self.patience(lambda: self._store.claim(run, worker, pid, pid_started), again)
        if lease is not None:
            self._last[lease.run] = lease.last
        return lease

    def heartbeat(self, lease: Lease) -> None:
        """Pass on without patience: the next beat comes anyway. Tell people when none gets through."""
        try:
            self._store.heartbeat(lease)
        except StoreAway:
            # Beside the database, since that is what cannot be written.
            say_waiting(self.folder_of(lease), lease.epoch)
            raise
        # The work may wait for a disk that heartbeats do not need.
        if not self.patience.waiting:
            self.go_on(lease)

    def progress(self, lease: Lease, doing: Doing | None = None) -> None:
        """See `RunStore.progress`."""
        self.patience(lambda: self._store.progress(lease, doing))

    def release(self, lease: Lease) -> None:
        """Give the run back; one that an earlier try gave back is no longer held."""

        def again() -> None:
            try:
                self._store.release(lease)
            except LeaseLost:  # by the first try, or by whoever took the run since: it is not ours either way
                return

        self.patience(lambda: self._store.release(lease), again)

    def append(self, lease: Lease, events: Sequence[Event], after: int | None = None) -> int:
        """See `RunStore.append`; what was appended by a try whose answer was lost is not appended twice."""
        # Nobody else appends under this lease, so what follows that number now can only be these very events.
        known = self._last.get(lease.run, lease.last) if after is None else after
        last = self.patience(
            lambda: self._store.append(lease, events), lambda: self._store.append(lease, events, after=known)
        )
        self._last[lease.run] = last
        return last

    def under(self, lease: Lease, act: Callable[[], None]) -> None:
        """See `RunStore.under`; `act` may be called again, so it must not mind having been."""
        self.patience(lambda: self._store.under(lease, act))

    def read(self, run: str, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """See `RunStore.read`."""
        return self.patience(lambda: self._store.read(run, after, limit))

    def written(self, run: str) -> tuple[str, list[str]]:
        """See `RunStore.written`."""
        return self.patience(lambda: self._store.written(run))

    def newest(self, run: str, kind: str) -> Recorded | None:
        """See `RunStore.newest`."""
        return self.patience(lambda: self._store.newest(run, kind))

    def send(self, run: str, command: CommandName, body: Mapping[str, Any] | None = None) -> int:
        """Pass on: commands come from people, who press again."""
        return self._store.send(run, command, body)

    def commands(self, run: str, after: int = 0) -> list[Command]:
        """See `RunStore.commands`."""
        return self.patience(lambda: self._store.commands(run, after))

    def acknowledge(self, lease: Lease, through: int) -> None:
        """See `RunStore.acknowledge`."""
        self.patience(lambda: self._store.acknowledge(lease, through))

    def launched(self, run: str, pid: int, pid_started: str) -> None:
        """See `RunStore.launched`."""
        self.patience(lambda: self._store.launched(run, pid, pid_started))

    def runs(self, limit: int = 200, offset: int = 0, kind: str | tuple[str, ...] | None = "search") -> list[RunRow]:
        """See `RunStore.runs`."""
        return self.patience(lambda: self._store.runs(limit, offset, kind))

    def row(self, run: str) -> RunRow:
        """See `RunStore.row`."""
        return self.patience(lambda: self._store.row(run))

    def status(self, run: str) -> RunStatus:
        """See `RunStore.status`."""
        return self.patience(lambda: self._store.status(run))

    def spec(self, run: str) -> RunSpec:
        """See `RunStore.spec`."""
        return self.patience(lambda: self._store.spec(run))

    def lacks(self) -> str:
        """See `RunStore.lacks`."""
        return self._store.lacks()

    def folder(self, run: str) -> Path:
        """See `RunStore.folder`."""
        return self.patience(lambda: self._store.folder(run))

    def go_on(self, lease: Lease) -> None:
        """Take back that the worker waits."""
        say_going_on(self.folder_of(lease), lease.epoch)

    def folder_of(self, lease: Lease) -> Path:
        """Return the folder of the run that a lease is for, without looking whether it is there."""
        return self.files / "runs" / lease.run
