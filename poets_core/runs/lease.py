"""What a worker holds while it works on a run, and what a page sends to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from poets_core.runs.doing import Doing

CommandName: TypeAlias = Literal["pause", "resume", "stop", "judge", "results", "next", "budget", "reject", "extend"]
"""What a page sends. The first three steer the worker, which acknowledges them. "judge" is an answer to a pair
(`poets_core.runs.answers`); "results", "next", "budget" and "reject" come from those who measure
(`poets_core.runs.laboratory.orders`); "extend" gives an ended experiment more (`poets_core.runs.extension`). Events
name the commands that led to them."""
STEERING: tuple[CommandName, ...] = ("pause", "resume", "stop")


@dataclass(frozen=True)
class Lease:
    """The right to write one run.

    Attributes:
        run: run id.
        epoch: fencing epoch, one more than the previous lease's.
        worker: who holds it.
        doing: what the previous worker was doing when it left, None if that is not known: `evaluate` says
            which chunk was with the oracle and never observed.
        last: number of the last event when it was taken.
    """

    run: str
    epoch: int
    worker: str
    doing: Doing | None = None
    last: int = 0


@dataclass(frozen=True)
class Command:
    """A button somebody pressed."""

    seq: int
    command: CommandName
    body: Mapping[str, Any]
    at: float
    acknowledged: float | None
