"""A run at the command line: followed while it works, shown as a table or as JSON."""

from __future__ import annotations

import json
import time
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold, summary
from poets_core.types import round_number

OUT, ERR = Console(), Console(stderr=True)
POLL_SECONDS = 0.3


def followed(store: SqlStore, name: str, as_json: bool) -> None:
    """Follow a run to its end and show it; exit code 1 unless it finished."""
    try:
        _follow(store, name, quiet=as_json)
    except KeyboardInterrupt:
        store.send(name, "stop")
        ERR.print("stopping after the oracle call at hand; Ctrl-C again leaves it to itself")
        _follow(store, name, quiet=as_json)
    shown(store, name, as_json)
    status = store.status(name)
    if status.state == "waiting" and status.doing is not None and status.doing.step == "results":
        number = round_number(status.doing.numbers[0])
        typer.echo(f"batch {number} waits for a laboratory: poets propose {name} writes it to a file", err=True)
        return
    if status.state != "finished":
        said = status.reason or f"see {store.folder(name) / 'worker.log'}"
        typer.echo(f"run {name} is {status.state}: {said}", err=True)
        raise typer.Exit(1)


def _follow(store: SqlStore, name: str, *, quiet: bool) -> None:
    view, began = fold([]), time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=ERR, disable=quiet) as progress:
        bar = progress.add_task("starting", total=store.row(name).budget or None, best="")
        while True:
            status = store.status(name)
            view = fold(store.read(name, after=view.seq), view)
            best = "" if view.best is None else f"best {view.best.value:.4g}"
            if view.experiment is not None and view.experiment.metrics is not None:
                best = f"{len(view.experiment.metrics['left'])} policies left"
            if view.rewards is not None and view.metrics.get("held_out_reward") is not None:
                best = f"held-out reward {view.metrics['held_out_reward']:.3g}"
            progress.update(bar, completed=view.calls, description=status.state, best=best)
            if not status.active and (status.state != "waiting" or time.monotonic() - began > 5):
                return
            time.sleep(POLL_SECONDS)


def shown(store: SqlStore, name: str, as_json: bool) -> None:
    """Print what a run has come to."""
    view = fold(store.read(name))
    facts = {"run": name, **summary(view, store.status(name))}
    if as_json:
        typer.echo(json.dumps(facts))
        return
    table = Table(show_header=False)
    if view.calls_in_words:
        facts["calls"] = view.calls_in_words
    if "deploy" in facts:  # JSON names rounds as the log does
        facts["deploy"] = facts["deploy"] | {"round": round_number(facts["deploy"]["round"])}
    for key, value in facts.items():
        table.add_row(key.replace("_", " "), _text(value))
    OUT.print(table)


def _text(value: Any) -> str:
    """Return a value for people: numbers to four digits, a matrix row by row."""
    if isinstance(value, list):
        return ("\n" if value and isinstance(value[0], list) else ", ").join(map(_text, value))
    if isinstance(value, dict):
        return json.dumps({k: v for k, v in value.items() if k != "spec"})
    return f"{value:.4g}" if isinstance(value, float) else str(value)
