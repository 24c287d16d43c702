"""Batches of a laboratory at the command line: propose one, hand results in, ask for the next."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from domains import catalog
from poets_core.cli.follow import ERR, POLL_SECONDS
from poets_core.cli.options import Json, StoreUrl
from poets_core.errors import InvalidInput, InvalidTable
from poets_core.intake import TableBounds, read_file
from poets_core.intake.sheet import read_sheet
from poets_core.runs.laboratory.bench import Bench, Texts
from poets_core.runs.laboratory.hand_out import LIST, as_csv, as_xlsx, maps_as_csv
from poets_core.runs.laboratory.results import Report, read_results
from poets_core.runs.launch import launch, resume
from poets_core.runs.store import SqlStore, open_store
from poets_core.runs.views.run import RunView
from poets_core.spec import SearchSpec
from poets_core.types import round_number

LARGEST = 20 << 20
"""Bytes of a file of results."""


def propose(
    run: str,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write: .csv or .xlsx; default: RUN-batch-N.csv.")
    ] = None,
    maps: Annotated[Path | None, typer.Option("--maps", help="Write the plate maps to this CSV file, too.")] = None,
    store: StoreUrl = None,
) -> None:
    """Write the batch that a run has proposed to a file for the laboratory; a run without one proposes first."""
    opened = open_store(store)
    bench = _with_batch(opened, run)
    batch = bench.campaign.open
    if batch is None:
        raise InvalidInput(f"Expected a run with a batch to be measured, got {run}: {_where(opened, run)}.")
    number = round_number(batch.round)
    path = out or Path(f"{run}-batch-{number}.csv")
    files = bench.hand_out(batch.round)
    path.write_bytes(as_xlsx(files) if path.suffix == ".xlsx" else as_csv(files))
    if maps is not None:
        maps.write_bytes(maps_as_csv(files))
    typer.echo(f"wrote {path}: batch {number}, {len(batch.candidates)} designs in {len(files.wells)} wells", err=True)


def results(
    run: str,
    file: Path,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    id_column: Annotated[str, typer.Option(help="Column that names the wells; default: found.")] = "",
    value_column: Annotated[str, typer.Option(help="Column of the values; default: found.")] = "",
    decimal: Annotated[str, typer.Option(help="Mark of decimals: auto, point or comma.")] = "auto",
    same_unit: Annotated[bool, typer.Option("--same-unit", help="The heading's unit is wrong.")] = False,
    store: StoreUrl = None,
    json_: Json = False,
) -> None:
    """Hand in a file of results: a report of every row, a question, and then they are written.

    Rows may come in any order and in parts. A well that was handed in before is corrected.
    """
    opened = open_store(store)
    bench = _bench(opened, run)
    if decimal not in ("auto", "point", "comma"):
        raise InvalidInput(f"Expected auto, point or comma as --decimal, got {decimal[:40]!r}.", field="decimal")
    checksum = hashlib.sha256(read_file(file, LARGEST, InvalidTable)).hexdigest()
    sheet = read_sheet(file, TableBounds(), InvalidTable, first_sheet=LIST)
    report = read_results(
        sheet, bench.known(), sha256=checksum, id_column=id_column, value_column=value_column, decimal=decimal
    )
    for line in report.lines():
        typer.echo(line, err=True)
    if report.unit_in_doubt and not same_unit:
        raise InvalidInput(
            f"Expected values in {bench.view.objective.unit!r}, got a heading that says {report.unit_in_doubt!r}. "
            "Convert them, or say --same-unit where the heading is wrong. Nothing was written.",
            field="same_unit",
        )
    orders = report.orders
    if not orders:
        raise InvalidInput(f"Expected results of run {run} in {file}, got none that are new. Nothing was written.")
    if not yes and not typer.confirm("Write these results?", err=True):
        raise typer.Exit(1)
    for order in orders:
        opened.send(run, "results", order.body())
    _brought_on(opened, run)
    _say(opened, run, report, json_)


def next_(run: str, store: StoreUrl = None) -> None:
    """Close the batch that is out: designs without results stay unknown, and the next batch is proposed."""
    opened = open_store(store)
    batch = _bench(opened, run).campaign.open
    if batch is None:
        raise InvalidInput(f"Expected a run with a batch to be closed, got {run}: {_where(opened, run)}.")
    opened.send(run, "next", {"round": batch.round})
    _brought_on(opened, run)
    typer.echo(f"batch {round_number(batch.round)} is closed", err=True)


def budget(
    run: str,
    rounds: int,
    batch: Annotated[int, typer.Option(help="Designs of each coming round.")] = 0,
    store: StoreUrl = None,
) -> None:
    """Give a run that waits for its laboratory another number of rounds, or of designs in each coming one."""
    opened = open_store(store)
    bench = _bench(opened, run)
    stands = bench.campaign.budget or (0, bench.budget.batch)
    opened.send(run, "budget", {"rounds": rounds, "batch": batch or stands[1]})
    _brought_on(opened, run)
    typer.echo(f"the budget of {run} is {opened.row(run).budget:,} designs", err=True)


def _say(opened: SqlStore, run: str, report: Report, json_: bool) -> None:
    status, view = opened.status(run), _bench(opened, run).view
    best = None if view.best is None else {"value": view.best.value, "design": view.best.design, "id": view.best.id}
    said = {"run": run, "counts": report.counts, "missing": report.missing, "state": status.state, "best": best}
    if json_:
        typer.echo(json.dumps(said))
    else:
        typer.echo(f"run {run} is {status.state}: {_where(opened, run)}", err=True)


def _where(opened: SqlStore, run: str) -> str:
    status = opened.status(run)
    if status.state == "failed":
        return f"it failed: {status.reason}"
    if status.state == "dead":
        return f"its worker has died; go on with `poets resume {run}`"
    if status.state == "finished":
        return (
            "all its batches are measured; ask for more with `poets budget`"
            if status.reason == "batches"
            else f"it was stopped; go on with `poets resume {run}`"
        )
    batch = _bench(opened, run).campaign.open
    if batch is None:
        return "no batch is out"
    missing = len(batch.missing())
    lack = f"{missing} of {len(batch.candidates)} designs lack a result"
    return f"batch {round_number(batch.round)} is with the laboratory, {lack}"


def _bench(opened: SqlStore, run: str) -> Bench:
    spec = opened.spec(run)
    if not isinstance(spec, SearchSpec):
        raise InvalidInput(f"Expected a search that a laboratory answers, got {run}, a run of kind {spec.kind!r}.")
    bench = Bench.of(run, spec, opened.read(run), _texts)
    if bench.view.info is not None and bench.view.info.answered_by != "people":
        raise InvalidInput(f"Expected a search that a laboratory answers, got {run}, which a program answers.")
    return bench


def _texts(view: RunView) -> Texts:
    """Name designs as their science does."""
    info = view.info
    naming = None if info is None else catalog.naming_of(info.name)

    def texts(design: str) -> Mapping[str, str]:
        return {} if naming is None or info is None else naming(design, facts=info.facts, details={}).texts

    return texts


def _with_batch(opened: SqlStore, run: str) -> Bench:
    """Return a run with a batch that is out, started where it has none."""
    bench = _bench(opened, run)
    if bench.campaign.open is None:
        if opened.status(run).state not in ("finished", "failed") or opened.status(run).resumable:
            ERR.print(f"run {run} proposes a batch")
            resume(opened, run)
        _settled(opened, run)
        bench = _bench(opened, run)
    return bench


def _brought_on(opened: SqlStore, run: str) -> None:
    """Have what was sent dealt with, and wait for it."""
    if not opened.status(run).active:
        launch(opened, run)
    _settled(opened, run)


def _settled(opened: SqlStore, run: str) -> None:
    """Wait until no worker is at work."""
    began = time.monotonic()
    while (status := opened.status(run)).active or (status.state == "waiting" and time.monotonic() - began < 0.2):
        time.sleep(POLL_SECONDS)
    if status.state == "failed":
        raise InvalidInput(f"Expected run {run} to go on, got: {status.reason}")
