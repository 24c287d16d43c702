"""A run's row: read as values, and the columns that its events change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, select

from poets_core.errors import StoreUnavailable, UnknownRun
from poets_core.runs.events import Event
from poets_core.runs.schema import RUNS
from poets_core.runs.status import Holder, RunRow, RunStatus
from poets_core.spec import ExperimentSpec, RunSpec, SearchSpec
from poets_core.spec.old import METHOD_NOW


def one(connection: Connection, run: str, *, lock: bool = False) -> RowMapping:
    """Return the row of a run, locked against other writers if it will be changed.

    Raises:
        UnknownRun: there is none.
    """
    query = select(RUNS).where(RUNS.c.id == run)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise UnknownRun(f"Expected the id of a run in the store, got {run!r}. The page Runs lists them.")
    return row


def oldest_waiting(connection: Connection) -> RowMapping | None:
    """Return the locked row of the oldest run that nobody was started for, None if there is none."""
    waiting = (~RUNS.c.held) & RUNS.c.launched_pid.is_(None) & RUNS.c.phase.in_(("waiting", "stopped"))
    query = select(RUNS).where(waiting).order_by(RUNS.c.created).limit(1).with_for_update(skip_locked=True)
    return connection.execute(query).mappings().first()


def body_of(text: str) -> dict[str, Any]:
    """Read the JSON object of an event or command.

    Raises:
        StoreUnavailable: it is damaged.
    """
    try:
        return cast("dict[str, Any]", json.loads(text))
    except ValueError as error:
        raise StoreUnavailable(f"Expected JSON in the run store, got {text[:60]!r}: {error}.") from error


def heading(spec: RunSpec) -> dict[str, Any]:
    """Return the columns of a new run that say what it is: problem, method and budget."""
    if isinstance(spec, ExperimentSpec):
        return {"problem": spec.about[:120], "method": spec.experiment.judge, "budget": spec.experiment.budget}
    if isinstance(spec, SearchSpec):
        return {"problem": spec.problem.name, "method": spec.search.method, "budget": spec.budget.calls}
    problem = "" if spec.problem is None else spec.problem.name
    return {"problem": problem, "method": spec.task.name, "budget": 0}


def holder(row: RowMapping) -> Holder:
    """Read the lease columns."""
    return Holder(**{name: row[name] for name in Holder.__dataclass_fields__})


def run_row(row: RowMapping) -> RunRow:
    """Read one line of the table of runs, with its state at this moment."""
    shared = {name: row[name] for name in RunStatus.__dataclass_fields__ if name != "state"}
    columns = {name: row[name] for name in RunRow.__dataclass_fields__ if name != "status"}
    columns["method"] = METHOD_NOW.get(row["method"], row["method"])  # a row may be older than the name
    return RunRow(**columns, status=RunStatus(state=holder(row).state(), **shared))


def changes(row: RowMapping, events: Sequence[Event]) -> dict[str, Any]:
    """Return the columns of a run's row that new events change."""
    found: dict[str, Any] = {"calls": row["calls"], "best": row["best"], "minimise": row["minimise"]}
    for event in events:
        body = event.body
        if event.kind == "observed":
            found["calls"] += 1
            value = body["value"][0] if body["valid"] and body["value"] else None
            if value is not None:
                better = min if found["minimise"] else max
                found["best"] = value if found["best"] is None else better(found["best"], value)
        elif event.kind == "compared" and not body["second_opinion"]:
            found["calls"] += 1
        elif event.kind == "withdrawn" and not body["second_opinion"]:
            found["calls"] -= 1
        elif event.kind == "contest":
            found["calls"] += body["calls"]
        elif event.kind == "prepared":
            if body["info"] is not None:
                found["minimise"] = body["info"]["objectives"][0]["direction"] == "minimise"
            found["doing"] = ""  # no longer in flight
        elif event.kind == "claimed":
            found |= {"phase": "running", "reason": "", "doing": ""}
        elif event.kind == "state":
            found["phase"] = body["state"]
        elif event.kind == "finished":
            found |= {"phase": "finished", "reason": body["reason"]}
        elif event.kind == "failed":
            found |= {"phase": "failed", "reason": f"{body['error']}: {body['message']}"}
    return found
