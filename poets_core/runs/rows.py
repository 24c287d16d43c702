"""A run's row: read as values, and the columns that its events change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping

from poets_core.runs.events import Event
from poets_core.runs.status import Holder, RunRow, RunStatus


def holder(row: RowMapping) -> Holder:
    """Read the lease columns."""
    return Holder(**{name: row[name] for name in Holder.__dataclass_fields__})


def run_row(row: RowMapping) -> RunRow:
    """Read one line of the table of runs, with its state at this moment."""
    shared = {name: row[name] for name in RunStatus.__dataclass_fields__ if name != "state"}
    columns = {name: row[name] for name in RunRow.__dataclass_fields__ if name != "status"}
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
        elif event.kind == "prepared":
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
