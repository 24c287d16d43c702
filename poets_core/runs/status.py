"""How the state of a run follows from its lease and its process; `STATES` says what each state means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from poets_core.runs import process
from poets_core.runs.doing import Doing

State: TypeAlias = Literal[
    "starting",
    "running",
    "pausing",
    "paused",
    "stopping",
    "finished",
    "failed",
    "dead",
    "stalled",
    "waiting",
    "blocked",
]
STATES: Mapping[State, tuple[str, str]] = {
    "waiting": (
        "nobody works on it: not started, given back by its worker, or a batch is with a laboratory",
        "starts a worker",
    ),
    "starting": ("a worker was launched, or prepares problem and backbone", ""),
    "running": ("lease held, heartbeat younger than 10 s", ""),
    "pausing": ("Pause was sent and not acknowledged yet", "takes it back"),
    "paused": ("the worker holds the lease and waits", "wakes it"),
    "stopping": ("Stop was sent and not acknowledged yet", ""),
    "dead": ("the process is gone, or another one has its pid", "starts a worker"),
    "stalled": (
        "the process exists, its heartbeat is older than 10 s",
        "starts another worker, which shuts this one out",
    ),
    "blocked": (
        "its worker waits for the store, which is locked, full, read-only or not reachable, and goes on by itself",
        "",
    ),
    "finished": ("the log says so", "after `stopped`, or where more was added: starts a worker"),
    "failed": ("the log says so; the message is on the page", "starts a worker"),
}
"""What each state means, and what Resume does in it."""
LEASE_SECONDS = 10.0
"""How long a lease holds without a heartbeat."""
ACTIVE: frozenset[State] = frozenset({"starting", "running", "pausing", "stopping", "paused", "stalled", "blocked"})
"""States in which a worker's process exists, so that a page keeps polling."""
SPEC_ERRORS = ("InvalidSpec", "InvalidTable", "InvalidDesign", "InvalidComparisons")
"""Errors that say that a spec, or a file that it names, cannot be used."""
RESUMABLE: frozenset[State] = frozenset({"dead", "failed", "stalled", "waiting", "paused", "pausing"})
"""States from which Resume does something; a finished run is resumable when it was stopped (`RunStatus.resumable`)."""


@dataclass(frozen=True)
class RunStatus:
    """What a page says about a run's worker.

    Attributes:
        state: see `STATES`.
        reason: why it finished or failed, ``""`` otherwise.
        doing: what the worker does now; None if that is not known.
        epoch: how many workers have held the run.
        worker, host, pid: the last worker.
        heartbeat: seconds since the epoch, by the clock of the store; None before the first one.
        progress: when the worker last did something, not merely lived.
        pending: command sent and not acknowledged, ``""`` for none.
        now: when this was read, by the clock of the store.
    """

    state: State
    reason: str
    doing: Doing | None
    epoch: int
    worker: str
    host: str
    pid: int | None
    heartbeat: float | None
    progress: float | None
    pending: str
    now: float = 0.0

    @property
    def age(self) -> float | None:
        """Seconds since the last heartbeat, None before the first one."""
        return None if self.heartbeat is None else self.now - self.heartbeat

    @property
    def active(self) -> bool:
        """Whether a worker's process exists."""
        return self.state in ACTIVE

    @property
    def spec_at_fault(self) -> bool:
        """Whether the run failed by what its spec says, which Resume would find again."""
        return self.state == "failed" and self.reason.partition(":")[0] in SPEC_ERRORS

    @property
    def awaits_results(self) -> bool:
        """Whether a batch is with a laboratory, and nobody has anything to do before its results come."""
        return self.state == "waiting" and self.doing is not None and self.doing.step == "results"

    @property
    def resumable(self) -> bool:
        """Whether Resume does something."""
        if self.awaits_results:
            return False
        return self.state in RESUMABLE or (self.state == "finished" and self.reason in ("stopped", "extended"))


@dataclass(frozen=True)
class RunRow:
    """One line of the table of runs.

    Attributes:
        id, label, kind, problem, method, seed: out of the spec; `method` is the task's name for tasks and the judge
            for experiments, `problem` the task or "comparison log" for experiments without one.
        budget: oracle calls allowed; of an experiment, comparisons.
        created: seconds since the epoch.
        calls: oracle calls observed; of an experiment, comparisons recorded.
        best: best valid value of the first objective, None before there is one.
        tags: words that people gave it.
        archived: whether it was put away.
        lead: id of the run that it was started beside as a baseline, ``""`` for none.
        status: the worker's state.
    """

    id: str
    label: str
    kind: str
    problem: str
    method: str
    seed: int
    budget: int
    created: float
    calls: int
    best: float | None
    tags: tuple[str, ...]
    archived: bool
    lead: str
    status: RunStatus

    @property
    def state(self) -> State:
        """Short for `status.state`."""
        return self.status.state


@dataclass(frozen=True)
class Holder:
    """The lease columns of a run's row, as the rules below need them."""

    phase: str
    held: bool
    host: str
    pid: int | None
    pid_started: str
    expires: float | None
    launched_pid: int | None
    launched_started: str
    pending: str

    def lives(self, now: float) -> bool:
        """Whether the lease must be respected: not expired, and its process exists."""
        return self.held and now <= (self.expires or 0.0) and self._process()

    def _process(self) -> bool:
        return self.host != process.host() or process.alive(self.pid, self.pid_started)

    def state(self, now: float, *, waits: bool = False) -> State:
        """Return the state.

        Args:
            now: seconds since the epoch, by the clock that `expires` was written with.
            waits: whether the worker says that it waits for the store.
        """
        if not (self.held and self._process()) and process.alive(self.launched_pid, self.launched_started):
            return "starting"
        if self.phase in ("finished", "failed"):
            return "finished" if self.phase == "finished" else "failed"
        if not self.held:
            return "waiting" if self.launched_pid is None else "dead"
        if not self._process():
            return "dead"
        if waits:
            return "blocked"
        if now > (self.expires or 0.0):
            return "stalled" if self.host == process.host() else "dead"
        if self.pending == "stop":
            return "stopping"
        if self.phase == "paused":
            return "paused"
        if self.pending == "pause":
            return "pausing"
        return "starting" if self.phase == "starting" else "running"
