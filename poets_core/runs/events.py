"""The events of a run: what the worker appends and everything else is folded from.

| kind | body |
|---|---|
| claimed | worker, pid, epoch, device, threads, asked_again: [candidate ids] |
| prepared | info: problem (see `info_to_json`; null for an experiment without one), backbone: facts of backbone and
  search; a task's check; an experiment's facts of policies and judge |
| proposed | round, candidates: [candidate fields, see `poets_core.types.Candidate`] |
| observed | round, candidate, key: "run/round/slot", value: [..], std: [..], valid, reason, details |
| updated | round, metrics: {name: number or list}, checkpoint: file name, sha256: of that file, seconds |
| state | state: paused, running, stopped |
| artifact | name, media_type, path, sha256, rows, rescored, max_difference, and what a task adds |
| asked | pairs: [{index, first, second, item, prompt, responses: [text, text], reasons: why each is invalid or "", row:
  of the log or 0}] |
| compared | index, first, second, outcome: first, second or tie, judge, answer: number of the command that brought it
  or null, second_opinion, details: values, reasons, row, ... where a program judges |
| withdrawn | index, judge, answer, second_opinion: an answer that no longer counts |
| skipped | index, judge, answer: a pair that will not be judged |
| verdict | kind: winner, none, undecided, policy, error_bound, comparisons, left, rule: whose, why: exhausted
  by what or "", spec: all that recomputes it |
| contest | round, calls, comparisons: [[first, second, outcome]], metrics, verdict: of a search's branches |
| finished | reason: "budget", "stopped", "exhausted", "task", "verdict" |
| failed | error: class name, message |

An experiment's `updated` has the comparisons counted as its round, and no checkpoint.
`claimed` and `state` say who worked and when; the others are a pure function
of the spec. Non-finite numbers are stored as null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from poets_core.types import ProblemInfo

EventKind: TypeAlias = Literal[
    "claimed", "prepared", "proposed", "observed", "updated", "state", "artifact", "finished", "failed",
    "asked", "compared", "withdrawn", "skipped", "verdict", "contest",
]  # fmt: skip
DETERMINISTIC: frozenset[EventKind] = frozenset(get_args(EventKind)) - {"claimed", "state", "failed"}
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


def jsonable(value: Any) -> Any:
    """Return `value` as JSON data: NumPy scalars and arrays become plain, non-finite numbers null.

    Args:
        value: numbers, text, booleans, None, and mappings and sequences of them.

    Raises:
        TypeError: something else is inside.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [jsonable(v) for v in items]
    raise TypeError(f"Expected JSON data in an event, got {type(value).__name__}.")


def info_to_json(info: ProblemInfo) -> dict[str, Any]:
    """Return what `prepared` says about the problem."""
    found: dict[str, Any] = jsonable(asdict(info))
    return found


def without_times(event: Event) -> tuple[str, dict[str, Any]]:
    """Return kind and body of an event, without what differs between two equal runs.

    Drops `seconds`, and the run's id in the idempotency key of `observed`.
    """
    body = {k: v for k, v in event.body.items() if k != "seconds"}
    if "key" in body:
        body["key"] = str(body["key"]).partition("/")[2]
    return event.kind, body
