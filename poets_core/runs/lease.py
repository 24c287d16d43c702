"""What a worker holds, what a page sends, and what both expect of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from poets_core.runs.events import Event
from poets_core.runs.status import RunRow, RunStatus
from poets_core.spec import RunSpec

CommandName: TypeAlias = Literal["pause", "resume", "stop", "judge"]
"""What a page sends: the first three steer the worker; "judge" is an answer to a pair (`poets_core.runs.answers`)."""


@dataclass(frozen=True)
class Lease:
    """The right to write one run.

    Attributes:
        run: run id.
        epoch: fencing epoch, one more than the previous lease's.
        worker: who holds it.
        doing: what the previous worker was doing when it left: ``"evaluate 3 0"``
            says that chunk 0 of round 3 was with the oracle and never observed.
    """

    run: str
    epoch: int
    worker: str
    doing: str = ""


@dataclass(frozen=True)
class Command:
    """A button somebody pressed."""

    seq: int
    command: CommandName
    body: Mapping[str, Any]
    at: float
    acknowledged: float | None


class RunStore(Protocol):
    """What the browser and the worker share; `poets_core.runs.sql.SqlStore` documents each method."""

    url: str
    files: Path

    def create(self, spec: RunSpec) -> str: ...
    def claim(self, run: str | None, worker: str, pid: int, pid_started: str) -> Lease | None: ...
    def heartbeat(self, lease: Lease) -> None: ...
    def progress(self, lease: Lease, doing: str | None = None) -> None: ...
    def release(self, lease: Lease) -> None: ...
    def append(self, lease: Lease, events: Sequence[Event]) -> int: ...
    def read(self, run: str, after: int = 0, limit: int | None = None) -> list[Event]: ...
    def send(self, run: str, command: CommandName, body: Mapping[str, Any] | None = None) -> int: ...
    def commands(self, run: str, after: int = 0) -> list[Command]: ...
    def acknowledge(self, lease: Lease, through: int) -> None: ...
    def launched(self, run: str, pid: int, pid_started: str) -> None: ...
    def runs(
        self, limit: int = 200, offset: int = 0, kind: str | tuple[str, ...] | None = "search"
    ) -> list[RunRow]: ...
    def row(self, run: str) -> RunRow: ...
    def status(self, run: str) -> RunStatus: ...
    def spec(self, run: str) -> RunSpec: ...
    def folder(self, run: str) -> Path: ...
