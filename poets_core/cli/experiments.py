"""An experiment at the command line once it runs or has ended: given more, and a judge's last answer taken back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from poets_core.cli.follow import ERR, followed
from poets_core.cli.options import Json, StoreUrl
from poets_core.errors import InvalidComparisons, InvalidInput
from poets_core.intake import read_file
from poets_core.runs.artifacts import UPLOAD_LIMIT
from poets_core.runs.events import Withdrawn
from poets_core.runs.going_on import go_on
from poets_core.runs.status import RunStatus
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.fold import fold
from poets_core.spec import ExperimentSpec

PATIENCE = 20.0
"""Seconds that an undo, or more for an experiment that people judge, waits for the worker's word."""


def extend(
    run: str,
    budget: Annotated[int, typer.Option(help="Comparisons in all. With --log not needed: one more for each row.")] = 0,
    log: Annotated[Path | None, typer.Option(help="File with further rows, read as the first one was.")] = None,
    store: StoreUrl = None,
    json_: Json = False,
) -> None:
    """Give an experiment that ended undecided more comparisons, or further rows of its log, and follow it.

    Evidence holds at every moment: going on costs nothing, and nothing that is stored changes.
    """
    opened = open_store(store)
    before = len(_view(opened, run).extended)
    file = None if log is None else (log.name, read_file(log.expanduser(), UPLOAD_LIMIT, InvalidComparisons))
    go_on(opened, run, budget=budget, log=file)
    spec = opened.spec(run)
    people = isinstance(spec, ExperimentSpec) and spec.experiment.people
    if people:  # nobody follows them to the end, but whether rows count is the worker's word
        began = time.monotonic()
        while len(_view(opened, run).extended) == before and time.monotonic() - began < PATIENCE:
            time.sleep(0.2)
    else:
        followed(opened, run, json_)
    given = list(_view(opened, run).extended)[before:]
    for event in given:
        for line in event.said:
            typer.echo(line, err=True)
        if event.refused:
            raise InvalidInput(event.refused)
    if people:
        said = "waits for judges again, on the page Judge" if given else "has not gone on yet: see the page Policies"
        ERR.print(f"run {run} {said}")


def undo(
    run: str,
    judge: Annotated[str, typer.Option(help="Name under which the answer was given.")],
    store: StoreUrl = None,
) -> None:
    """Take back the last answer of a judge, while the experiment has no verdict; the log keeps both."""
    opened = open_store(store)
    spec, view, status = opened.spec(run), _view(opened, run), opened.status(run)
    if not isinstance(spec, ExperimentSpec) or not spec.experiment.people:
        raise InvalidInput(f"Expected an experiment that people judge or audit, got {run}, which no person judges.")
    if _ended(status):
        raise InvalidInput(
            f"Expected an experiment that waits for answers, got {run}, which has ended ({status.reason}). Where it "
            "ended undecided, `poets extend` goes on with it; then its answers can be taken back."
        )
    if not view.judges.get(judge):
        known = ", ".join(sorted(view.judges)) or "nobody has answered yet"
        raise InvalidInput(f"Expected a judge with an answer to take back, got {judge!r}: {known}.", field="judge")
    seq = opened.send(run, "judge", {"index": -1, "outcome": "undo", "judge": judge})
    if not status.active:
        typer.echo(f"it is taken back when the run goes on: poets resume {run}", err=True)
        return
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        newest = opened.newest(run, "withdrawn")
        taken = None if newest is None else newest.event
        if isinstance(taken, Withdrawn) and taken.answer == seq:
            typer.echo(f"taken back: the answer of {judge} to pair {taken.index}", err=True)
            return
        if _ended(opened.status(run)):
            raise InvalidInput(f"Expected to take back an answer before the verdict, got the verdict of {run} first.")
        time.sleep(0.2)
    typer.echo("sent; the worker has not dealt with it yet", err=True)


def _ended(status: RunStatus) -> bool:
    # One that was given more has an end behind it and goes on.
    return status.state == "finished" and not status.resumable


def _view(opened: SqlStore, run: str) -> ExperimentView:
    return fold(opened.read(run)).experiment or ExperimentView()
