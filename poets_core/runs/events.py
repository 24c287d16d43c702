"""The events of a run: what the worker appends and everything else is folded from.

| kind | body |
|---|---|
| claimed | worker, pid, epoch, device, threads, asked_again: [candidate ids] |
| prepared | info: problem (see `info_to_json`), backbone: {source, parameters, layers, branch_from, vocabulary, device} |
| proposed | round, candidates: [candidate fields, see `poets_core.types.Candidate`] |
| observed | round, candidate, key: "run/round/slot", value: [..], std: [..], valid, reason, details |
| updated | round, metrics: {name: number or list}, checkpoint: file name, seconds |
| state | state: paused, running, stopped |
| artifact | name, media_type, path, sha256, rows, rescored, max_difference, and what a task adds |
| finished | reason: "budget", "stopped", "exhausted", "task" |
| failed | error: class name, message |

`claimed` and `state` say who worked and when; the others are a pure function
of the spec. Non-finite numbers are stored as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

EventKind: TypeAlias = Literal[
    "claimed", "prepared", "proposed", "observed", "updated", "state", "artifact", "finished", "failed"
]
DETERMINISTIC: frozenset[EventKind] = frozenset({"prepared", "proposed", "observed", "updated", "artifact", "finished"})
"""Kinds whose bodies are the same for an interrupted and an uninterrupted run
(`updated` without `seconds`)."""


@dataclass(frozen=True)
class Event:
    """One line of a run's log.

    Attributes:
        kind: see the module's table.
        body: JSON object.
        seq: 1, 2, 3, ... within the run; 0 before it is appended.
        at: seconds since the epoch; 0 before it is appended.
    """

    kind: EventKind
    body: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0
    at: float = 0.0
