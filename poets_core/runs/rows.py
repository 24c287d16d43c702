"""How a run's row is read as values, and which of its columns new events change."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, func, select

from poets_core.errors import LeaseLost, StoreUnavailable, UnknownRun
from poets_core.runs.chain import event_text, next_link, spec_link
from poets_core.runs.doing import Doing
from poets_core.runs.event_reader import read_event
from poets_core.runs.events import (
    Claimed,
    Compared,
    Event,
    Failed,
    Finished,
    Observed,
    Prepared,
    StateChanged,
    Updated,
    Withdrawn,
)
from poets_core.runs.laboratory_events import BudgetChanged, Extended
from poets_core.runs.lease import Lease
from poets_core.runs.schema import EVENTS, RUNS
from poets_core.runs.status import Holder, RunRow, RunStatus
from poets_core.runs.storable import is_text, storable
from poets_core.spec import ExperimentSpec, RewardsSpec, RunSpec, SearchSpec
from poets_core.spec.old import METHOD_NOW
from poets_core.types import BEFORE


def unknown(run: str) -> UnknownRun:
    """Return the error that there is no run of that id."""
    return UnknownRun(
        f"Expected the id of a run in the store, got {run[:60]!r}. The page Runs lists them, and `poets runs` does."
    )


def new_ids(connection: Connection, n: int) -> list[str]:
    """Return n ids that no run has: date, time and eight random letters, so that they sort by time."""
    found: list[str] = []
    while len(found) < n:
        run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        if run not in found and connection.scalar(select(RUNS.c.id).where(RUNS.c.id == run)) is None:
            found.append(run)
    return found


def fetch_run(connection: Connection, run: str, *, lock: bool = False) -> RowMapping:
    """Return the row of a run, locked against other writers if it will be changed.

    Raises:
        UnknownRun: there is none.
    """
    if not is_text(run):  # not put to the database, which would answer with an error of its own
        raise unknown(run)
    query = select(RUNS).where(RUNS.c.id == run)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise unknown(run)
    return row


def oldest_waiting(connection: Connection) -> RowMapping | None:
    """Return the locked row of the oldest run that nobody was started for, None if there is none."""
    waiting = (~RUNS.c.held) & RUNS.c.launched_pid.is_(None) & RUNS.c.phase.in_(("waiting", "stopped"))
    query = select(RUNS).where(waiting).order_by(RUNS.c.created).limit(1).with_for_update(skip_locked=True)
    return connection.execute(query).mappings().first()


def appended(connection: Connection, lease: Lease, events: Sequence[Event], bodies: Sequence[str], after: int) -> int:
    """Return the number of the last of events that an earlier try has appended.

    Raises:
        StoreUnavailable: the log goes on with other events.
    """
    query = select(EVENTS.c.kind, EVENTS.c.body).where(EVENTS.c.run == lease.run, EVENTS.c.seq > after)
    there = [tuple(row) for row in connection.execute(query.order_by(EVENTS.c.seq))]
    if there != [(e.tag, body) for e, body in zip(events, bodies, strict=True)]:
        raise StoreUnavailable(
            f"Expected event {after} to be the last of run {lease.run}, got {len(there)} others after it under the "
            "same lease. Resume the run."
        )
    return after + len(events)


def event_rows(
    connection: Connection, row: RowMapping, at: float, events: Sequence[Event], bodies: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows of new events, each linked to the one before.

    Args:
        connection: to the store.
        row: of the run, locked.
        at: their time.
        events: in order; bodies: JSON of each.
    """
    run, last = row["id"], int(row["last_seq"])
    mine = EVENTS.c.run == run
    link = (
        connection.scalar(select(EVENTS.c.link).where(mine, EVENTS.c.seq == last)) if last else spec_link(row["spec"])
    )
    texts: list[str] = []
    if not link:  # an older program has written since: what it wrote is covered by the first new link
        top = connection.scalar(select(func.max(EVENTS.c.seq)).where(mine, EVENTS.c.link != "")) or 0
        link = connection.scalar(select(EVENTS.c.link).where(mine, EVENTS.c.seq == top)) or spec_link(row["spec"])
        texts = [text for text, _ in written_rows(connection, run, top)]
    made = []
    for seq, (event, body) in enumerate(zip(events, bodies, strict=True), last + 1):
        link = next_link(link, [*texts, event_text(seq, at, event.tag, body)])
        texts = []
        made.append({"run": run, "seq": seq, "at": at, "kind": event.tag, "body": body, "link": link})
    return made


def written_rows(connection: Connection, run: str, after: int = 0) -> list[tuple[str, str]]:
    """Return text and link of the events of a run with a number above `after`, see `poets_core.runs.chain`."""
    query = select(EVENTS).where(EVENTS.c.run == run, EVENTS.c.seq > after).order_by(EVENTS.c.seq)
    rows = connection.execute(query).mappings()
    return [(event_text(r["seq"], r["at"], r["kind"], r["body"]), r["link"]) for r in rows]


def command_body(text: str) -> dict[str, Any]:
    """Read the JSON object of a command.

    Raises:
        StoreUnavailable: it is damaged.
    """
    try:
        return cast("dict[str, Any]", json.loads(text))
    except ValueError as error:
        raise StoreUnavailable(f"Expected JSON in the run store, got {text[:60]!r}: {error}.") from error


def list_columns(spec: RunSpec) -> dict[str, Any]:
    """Return the columns of a new run that say what it is: problem, method and budget."""
    if isinstance(spec, ExperimentSpec):
        return {"problem": spec.about[:120], "method": spec.experiment.judged_by, "budget": spec.experiment.budget}
    if isinstance(spec, SearchSpec):
        return {"problem": spec.problem.name, "method": spec.search.method, "budget": spec.budget.calls}
    if isinstance(spec, RewardsSpec):
        return {"problem": spec.about[:120], "method": spec.rewards.method, "budget": spec.rewards.rounds}
    problem = "" if spec.problem is None else spec.problem.name
    return {"problem": problem, "method": spec.task.name, "budget": 0}


def holder(row: RowMapping) -> Holder:
    """Read the lease columns."""
    return Holder(**{name: row[name] for name in Holder.__dataclass_fields__})


def run_row(row: RowMapping, now: float, *, waits: bool) -> RunRow:
    """Read one line of the table of runs, with its state at this moment.

    Args:
        row: of the run.
        now: by the clock of the store.
        waits: whether the worker says that it waits for the store.
    """
    shared = {name: row[name] for name in RunStatus.__dataclass_fields__ if name not in ("state", "doing", "now")}
    columns = {name: row[name] for name in RunRow.__dataclass_fields__ if name != "status"}
    columns["tags"] = split_tags(row["tags"])
    columns["method"] = METHOD_NOW.get(row["method"], row["method"])  # a row may be older than the name
    state = holder(row).state(now, waits=waits)
    return RunRow(**columns, status=RunStatus(state=state, doing=Doing.parse(row["doing"]), now=now, **shared))


def split_tags(text: str) -> tuple[str, ...]:
    """Read the tags of a row, written as ``",one,two,"``."""
    return tuple(filter(None, text.split(",")))


def row_updates(row: RowMapping, events: Sequence[Event]) -> dict[str, Any]:
    """Return the columns of a run's row that new events change."""
    found: dict[str, Any] = {"calls": row["calls"], "best": row["best"], "minimise": row["minimise"]}
    for event in events:
        match event:
            case Observed():
                # Given data cost nothing, and a correction repeats a call that was counted.
                found["calls"] += event.round != BEFORE and not event.corrects
                found["best"] = _better(found["best"], event.first, found["minimise"])
            case Compared(second_opinion=False):
                found["calls"] += 1
            case Withdrawn(second_opinion=False):
                found["calls"] -= 1
            # Of a run that learns from rewards, rounds are counted; those of a search follow from its observations.
            case Updated() if event.round != BEFORE and "replayed" in event.metrics:
                found["calls"] += 1
                found["best"] = _better(found["best"], event.metrics.get("held_out_reward"), False)
            case Prepared():
                if event.info is not None:
                    found["minimise"] = event.info.objectives[0].direction == "minimise"
                found["doing"] = ""  # no longer in flight
            case Claimed():
                found |= {"phase": "running", "reason": "", "doing": ""}
            case StateChanged():
                found["phase"] = event.state
            case BudgetChanged():
                found["budget"] = event.calls
            case Extended(refused=""):
                found["budget"] = event.budget
            case Finished():
                found |= {"phase": "finished", "reason": storable(event.reason)}
            case Failed():
                found |= {"phase": "failed", "reason": storable(f"{event.error}: {event.message}")}
    return found


def best_of(connection: Connection, run: str, *, minimise: bool) -> float | None:
    """Return the best value that a run's log has, corrections counted: what was corrected may have been the best."""
    query = select(EVENTS.c.kind, EVENTS.c.body).where(EVENTS.c.run == run, EVENTS.c.kind == Observed.tag)
    standing: dict[str, float | None] = {}
    for kind, body in connection.execute(query.order_by(EVENTS.c.seq)):
        event = read_event(kind, body)
        if isinstance(event, Observed):
            standing[event.candidate] = event.first
    known = [value for value in standing.values() if value is not None]
    return None if not known else min(known) if minimise else max(known)


def _better(best: float | None, value: float | None, minimise: bool) -> float | None:
    if best is None or value is None:
        return value if best is None else best
    return min(best, value) if minimise else max(best, value)


def held_run(connection: Connection, lease: Lease) -> RowMapping:
    """Return the locked row of the run that a lease holds.

    Raises:
        LeaseLost: it does not hold it any more.
    """
    row = fetch_run(connection, lease.run, lock=True)
    if row["epoch"] != lease.epoch or not row["held"]:
        raise lost(lease)
    return row


def lost(lease: Lease) -> LeaseLost:
    """Return the error that a lease does not hold any more."""
    return LeaseLost(f"Expected to hold run {lease.run} at epoch {lease.epoch}, got a newer or released lease.")
