"""The command line: print a spec, run it, look at it, take it away.

    poets problems
    poets table variants.csv --parent parent.fasta
    poets spec protein/ehrlich --set search.method=ga --set search.elites=4 > spec.json
    poets spec --log comparisons.csv > spec.json
    poets spec text/tiny --set task.params.task=gcd > spec.json
    poets run spec.json
    poets show RUN --json
    poets ranking RUN
    poets extend RUN --log more.csv
    poets circuit mine.qasm --problem quantum/tfim-6 --set max_cx=12
    poets propose RUN && poets results RUN FILE
    poets export RUN run.zip && poets verify run.zip
    poets app

`python -m poets_core` is the same. Exit codes: 0 done, 1 the run failed, 2 wrong input (the message is on stderr);
`worker` also 3: another worker has the run, or it is finished.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from domains import catalog
from poets_core import serve
from poets_core.cli import circuits, experiments, laboratory, learn, rankings
from poets_core.cli.exports import deploy_models, export_designs, export_run, write_report
from poets_core.cli.follow import ERR, OUT, followed, shown
from poets_core.cli.logs import mapped, spec_from_log
from poets_core.cli.options import Json, StoreUrl
from poets_core.cli.specs import check, kept_in, located, report_of, spec_from, table_params
from poets_core.cli.verify import verify
from poets_core.errors import InvalidInput, MissingPackage, PoetsError, StoreError
from poets_core.runs.backup import Copied, backup, restore
from poets_core.runs.launch import launch, resume
from poets_core.runs.store import default_store_url, open_store
from poets_core.spec import read_spec

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class Way(StrEnum):
    """How models are deployed; see `poets_core.spec.TaskSettings.way`."""

    each = "each"
    winner = "winner"
    mean = "mean"


@app.command()
def problems(json_: Json = False) -> None:
    """List the problems of the catalog, and on stderr the sciences that cannot be used."""
    for fault in catalog.broken():
        typer.echo(f"not usable: {fault.source}: {fault.message}", err=True)
    if json_:
        typer.echo(
            json.dumps([{"name": e.name, "title": e.title, "objective": e.objective} for e in catalog.entries()])
        )
        return
    table = Table("name", "title", "objective", "needs")
    for e in catalog.entries():
        needs = ", ".join(p.name for p in e.parameters if p.default is None)
        table.add_row(e.name, e.title, f"{e.objective} ({e.unit})", needs)
    OUT.print(table)


@app.command()
def spec(
    problem: Annotated[str, typer.Argument(help="Of the catalog, or a task with rewards; none with --log.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value, e.g. search.beta=0.3.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    log: Annotated[Path | None, typer.Option(help="A comparison log: an experiment on it instead of a search.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Of the log: ROLE=COLUMN, e.g. prompt=question_id; empty: none.")
    ] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="Of the log: WORD=first, second, tie, both-bad or leave-out.")
    ] = None,
    order_word: Annotated[
        list[str] | None, typer.Option(help="Of the log's column of orders: WORD=first, second or unknown.")
    ] = None,
    policy: Annotated[list[str] | None, typer.Option(help="Of the log: whose rows count; without it, all.")] = None,
) -> None:
    """Print a complete search of a problem: the method's defaults, the problem's settings, then yours.

    What was found in its files is told on stderr; files that cannot be used are refused. With --log: an experiment on a
    comparison log, how its columns and words are read written down in it. Of a task with verifiable rewards, or of
    "answers" (--set given.file=FILE): a run that learns from them.
    """
    if log is not None:
        if problem:
            raise InvalidInput(f"Expected a problem or --log, got both: {problem!r}. Leave one out.")
        experiment, lines = spec_from_log(
            log, column or [], word or [], order_word or [], policy or [], set_ or [], seed
        )
        typer.echo(experiment.model_dump_json(indent=2))
    else:
        if not problem:
            raise InvalidInput("Expected a problem (`poets problems` lists them) or --log FILE, got neither.")
        if column or word or order_word or policy:
            raise InvalidInput("Expected --log FILE with --column, --word, --order-word and --policy, got none.")
        if learn.named(problem):
            learning, lines = learn.spec_from(problem, set_ or [], seed)
            typer.echo(learning.model_dump_json(indent=2))
            for line in lines:
                typer.echo(line, err=True)
            return
        made = spec_from(problem, set_ or [], seed)
        lines = report_of(made.problem).get("lines", ())
        typer.echo(made.model_dump_json(indent=2))
    for line in lines:
        typer.echo(line, err=True)


@app.command(name="table")
def table_(
    file: Path,
    parent: Annotated[str, typer.Option(help="The whole protein or its letters at the sites; or a FASTA file.")] = "",
    positions: Annotated[str, typer.Option(help="Numbers of the sites, e.g. 39,40,41,54.")] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="e.g. value_column=Yield, direction=minimise.")
    ] = None,
    problem: Annotated[str, typer.Option(help="Problem that would read it.")] = "protein/landscape",
    json_: Json = False,
) -> None:
    """Say what a table holds, as a run would read it: columns, direction, rows taken and left out, sites, coverage."""
    found = report_of(table_params(problem, file, parent, positions, set_ or []))
    if json_:
        typer.echo(json.dumps(found.get("facts", {})))
        return
    for line in found.get("lines", ()):
        typer.echo(line)


@app.command()
def run(spec_file: Path, store: StoreUrl = None, json_: Json = False) -> None:
    """Run a spec in a worker and follow it; Ctrl-C stops it after the oracle call at hand.

    Relative paths in it are looked up in the current folder, then beside the spec.
    """
    made = mapped(located(read_spec(spec_file), spec_file.parent))
    opened = open_store(store)
    check(made, opened)
    name = opened.create(kept_in(made, opened))
    ERR.print(f"run {name} in {opened.files}", soft_wrap=True)
    launch(opened, name)
    followed(opened, name, json_)


@app.command(name="resume")
def resume_(run: str, store: StoreUrl = None, json_: Json = False) -> None:
    """Continue a run that was paused, stopped, killed or has failed, and follow it."""
    opened = open_store(store)
    status = opened.status(run)
    if status.awaits_results:
        raise InvalidInput(
            f"Expected a run that can go on by itself, got {run}, which waits for results of its laboratory. Hand them "
            "in with `poets results`, or go on without them with `poets next`."
        )
    if not status.resumable and not status.active:
        raise InvalidInput(f"Expected a run that is not finished, got {run}, finished: {status.reason}.")
    resume(opened, run)
    followed(opened, run, json_)


@app.command()
def stop(run: str, store: StoreUrl = None) -> None:
    """Stop a run in good order, also one that waits for a laboratory; `resume` goes on."""
    opened = open_store(store)
    status = opened.status(run)
    if not status.active and not status.awaits_results:
        raise InvalidInput(f"Expected a run that is at work or waits for results, got {run}, which is {status.state}.")
    opened.send(run, "stop")
    if not status.active:
        launch(opened, run)
    followed(opened, run, False)


@app.command()
def show(run: str, store: StoreUrl = None, json_: Json = False) -> None:
    """Show a run: state, calls, best design, regret; of an experiment, comparisons, evidence, verdict."""
    shown(open_store(store), run, json_)


@app.command()
def runs(store: StoreUrl = None, json_: Json = False, limit: int = 50) -> None:
    """List runs, newest first."""
    opened = open_store(store)
    rows = opened.runs(limit=limit, kind=None)
    if said := opened.lacks():
        typer.echo(said, err=True)
    if json_:
        fields = (
            "id",
            "label",
            "kind",
            "problem",
            "method",
            "seed",
            "state",
            "calls",
            "budget",
            "best",
            "created",
            "tags",
            "archived",
        )
        listed = [{name: getattr(r, name) for name in fields} for r in rows]
        typer.echo(json.dumps(listed))
        return
    # The id stands whole, however narrow the terminal: it is what the other commands ask for.
    run_id = Column("run", no_wrap=True, min_width=max((len(r.id) for r in rows), default=0))
    table = Table(run_id, "problem", "method", "seed", "state", "calls", "best", "created")
    for r in rows:
        best = "" if r.best is None else f"{r.best:.5g}"
        created = datetime.fromtimestamp(r.created).isoformat(" ", "seconds")
        table.add_row(r.id, r.problem, r.method, str(r.seed), r.state, f"{r.calls}/{r.budget}", best, created)
    OUT.print(table)


@app.command()
def rename(run: str, name: str, store: StoreUrl = None) -> None:
    """Call a run something else; an empty name: by its problem again."""
    open_store(store).rename(run, name)


@app.command()
def archive(run: str, back: Annotated[bool, typer.Option("--back")] = False, store: StoreUrl = None) -> None:
    """Put a run away, out of the list of the page Runs, or take it back; nothing of it changes."""
    open_store(store).archive(run, away=not back)


@app.command()
def delete(
    run: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, store: StoreUrl = None
) -> None:
    """Delete a run for good, with its files and exports; refused while a worker is at work on it."""
    opened = open_store(store)
    held = opened.holding(run)
    size = f"{(held.files + held.records) / 1e6:.1f} MB, {opened.row(run).calls} measurements"
    if not yes and not typer.confirm(f"Delete run {run} for good ({size})?", err=True):
        raise typer.Exit(1)
    opened.delete(run)
    typer.echo(f"deleted {run}: {size}", err=True)


@app.command()
def export(
    run: str,
    file: Path,
    format_: Annotated[
        str, typer.Option("--format", help="Designs instead of the archive, e.g. fasta, csv, qasm3, qpy.")
    ] = "",
    best: Annotated[int, typer.Option(min=0, help="How many of the best designs; 0: every valid one.")] = 0,
    design: Annotated[list[str] | None, typer.Option("--design", help="Id of a design; may be repeated.")] = None,
    store: StoreUrl = None,
) -> None:
    """Write one archive of a run (spec, events, candidates, adapters, artifacts, checksums), or designs in a format."""
    opened = open_store(store)
    if format_:
        export_designs(opened, run, file, format_, best, design or [])
        return
    if best or design:
        raise InvalidInput("Expected --format with --best or --design, got none. An archive holds every design.")
    export_run(opened, run, file)


@app.command()
def deploy(
    run: str,
    file: Path,
    way: Annotated[
        Way, typer.Option(help="each: a branch for each answer; winner: of comparisons; mean: of all branches.")
    ] = Way.each,
    merged: Annotated[bool, typer.Option("--merged", help="One whole model instead of adapters.")] = False,
    comparisons: Annotated[int, typer.Option(min=1, help="Of a winner, at most.")] = 2000,
    delta: Annotated[float, typer.Option(help="Largest probability that a winner is none.")] = 0.1,
    store: StoreUrl = None,
) -> None:
    """Take the models of a run that learnt from rewards away, as a ZIP that was loaded back and compared."""
    deploy_models(open_store(store), run, file, way.value, merged, comparisons, delta)


@app.command()
def report(
    run: str,
    file: Annotated[Path | None, typer.Argument(help="Default: RUN.html in the current folder.")] = None,
    store: StoreUrl = None,
) -> None:
    """Write a run as one HTML file: verdict, figures, designs, spec, seed, versions; it needs no network."""
    write_report(open_store(store), run, file)


@app.command(name="backup")
def backup_(folder: Path, store: StoreUrl = None) -> None:
    """Copy the whole store into a new folder, while runs go on."""
    _copied(backup(open_store(store), folder.absolute()))


@app.command(name="restore")
def restore_(folder: Path, store: StoreUrl = None) -> None:
    """Make a new store of a backup; runs that were at work wait to be resumed."""
    _copied(restore(folder.absolute(), store or default_store_url()))


def _copied(copied: Copied) -> None:
    typer.echo(f"copied {copied.runs} runs with {copied.events} events and {copied.files} files", err=True)
    for name in copied.lacks:
        typer.echo(f"not there, and made again when the run is resumed: {name}", err=True)


@app.command()
def worker(
    run: Annotated[str | None, typer.Option(help="Run id; without it the oldest waiting run.")] = None,
    store: StoreUrl = None,
) -> None:
    """Work on one run until it is finished; normally started for you."""
    from poets_core.worker.patience import Patience, patience_seconds
    from poets_core.worker.worker import work

    opened = Patience(patience_seconds())(lambda: open_store(store))
    raise typer.Exit(work(opened, run))


@app.command(name="app")
def app_(
    store: StoreUrl = None,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; default: 8501, or the next free one.")] = None,
) -> None:
    """Start the app for a browser on this machine; runs are kept in ./store unless --store says otherwise."""
    if store is not None:
        os.environ["POETS_STORE"] = store
    serve.start([] if port is None else ["--server.port", str(port)])


app.command()(circuits.circuit)
app.command()(verify)
app.command()(laboratory.propose)
app.command()(laboratory.results)
app.command(name="next")(laboratory.next_)
app.command()(laboratory.budget)
app.command()(rankings.ranking)
app.command()(experiments.extend)
app.command()(experiments.undo)


def main() -> None:
    """Run the command line; errors made on purpose end in one message and an exit code."""
    try:
        app()
    except (InvalidInput, MissingPackage, StoreError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except PoetsError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
