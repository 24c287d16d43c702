"""One worker's hold on one run: what searches, experiments and tasks share while they work on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from poets_core.runs import kept
from poets_core.runs.artifacts import write_atomic
from poets_core.runs.database import file_error
from poets_core.runs.doing import Doing
from poets_core.runs.events import Claimed, Event, Prepared
from poets_core.runs.lease import Lease
from poets_core.spec import ExperimentSpec, RewardsSpec, SearchSpec, TaskSpec
from poets_core.worker.control import Control
from poets_core.worker.patience import PatientStore
from poets_core.worker.science import Science

Spec = TypeVar("Spec", SearchSpec, ExperimentSpec, RewardsSpec, TaskSpec)


@dataclass(frozen=True)
class Session(Generic[Spec]):
    """The store seen through one lease.

    Attributes:
        store: where the run is.
        lease: the right to write it.
        spec: of the run.
        control: what reaches the worker from outside.
        science: how problem and search are made.
    """

    store: PatientStore
    lease: Lease
    spec: Spec
    control: Control
    science: Science

    @property
    def run(self) -> str:
        """Id of the run."""
        return self.lease.run

    @property
    def folder(self) -> Path:
        """Folder of the run's files."""
        return self.store.folder(self.run)

    def events(self) -> list[Event]:
        """Return what the log of the run says so far."""
        return [line.event for line in self.store.read(self.run)]

    def append(self, *events: Event) -> None:
        """Append events, all or none; they are on the disk when this returns.

        Raises:
            LeaseLost, StoreUnavailable.
        """
        self.store.append(self.lease, events)

    def write(self, path: Path, data: bytes) -> str:
        """Write a file of the run, whole or not at all, and only while the lease holds; return its SHA-256.

        Raises:
            LeaseLost, StoreUnavailable, Terminated.
        """
        within = partial(self.store.under, self.lease)
        return self.store.patience(lambda: write_atomic(path, data, within))

    def place(self, name: str, write: Callable[[Path], object], folder: Path | None = None) -> dict[str, str]:
        """Write a folder of the run aside, and let it take its place while the lease holds.

        A worker that was shut out finds out before anything of the run has changed.

        Args:
            name: of the folder.
            write: writes its files into the folder that it is given.
            folder: that it lies in; None for the run's own.

        Returns:
            the SHA-256 of each file by its name; none written leaves everything as it was.

        Raises:
            LeaseLost, StoreUnavailable, Terminated: and what `write` raises.
        """
        where = folder or self.folder

        def aside() -> Path:
            made = kept.empty_aside(where, name, str(self.lease.epoch))
            try:
                write(made)
                kept.sync(made)
            except OSError as error:  # a full disk may have room again
                raise file_error(error, f"Expected to write {name} of run {self.run}, got: {error}.") from error
            return made

        # A lease that is lost already spares the work; what counts is the look at it in `under`.
        self.store.under(self.lease, lambda: None)
        made = self.store.patience(aside)
        # Checksums of what is on the disk, not of what was meant to be written.
        if files := kept.checksums(made):
            self.store.under(self.lease, lambda: kept.put_in_place(made, where / name))
        else:
            made.rmdir()
        return files

    def step(self, doing: Doing) -> None:
        """Obey commands, then say what is done next; returns when work may go on.

        Raises:
            Stopped, Terminated: told to leave.
            LeaseLost, StoreUnavailable.
        """
        self.control.check()
        self.store.progress(self.lease, doing)

    def step_regardless(self, doing: Doing) -> None:
        """Like `step`, for work that no Pause or Stop may interrupt.

        Raises:
            Terminated: told to leave.
            LeaseLost, StoreUnavailable.
        """
        self.control.check_held()
        self.store.progress(self.lease, doing)

    def begin(self, prepared: Prepared, *, first: bool, device: str = "cpu", asked_again: Sequence[str] = ()) -> None:
        """Write down who works on the run, and the first time what it works with.

        Args:
            prepared: problem, backbone and search.
            first: whether no worker has come this far before.
            device: that the search computes on.
            asked_again: candidates or pairs that the last worker had with the oracle when it was cut off.
        """
        # Both in one transaction: no run that a worker has begun lacks the word of what it began with.
        lease = self.lease
        claimed = Claimed(
            lease.worker, os.getpid(), lease.epoch, device, self.spec.threads, asked_again=tuple(asked_again)
        )
        self.append(claimed, *([prepared] if first else []))
