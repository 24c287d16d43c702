"""The command line: print a spec, run it, look at it, take it away.

    poets problems
    poets spec protein/ehrlich --set search.beta=0.3 > spec.json
    poets run spec.json
    poets show RUN --json
    poets app

`python -m poets_core` is the same, from a copy of the sources.

Exit codes: 0 done, 1 the run failed, 2 wrong input (the message is on stderr);
`worker` also 3: another worker has the run, or it is finished.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from domains import catalog
from poets_core import serve
from poets_core.errors import InvalidInput, InvalidSpec, PoetsError, StoreError
from poets_core.runs.export import export_archive
from poets_core.runs.launch import default_spec, launch, resume
from poets_core.runs.store import RunStore, SqlStore, open_store
from poets_core.runs.views.fold import fold, summary
from poets_core.spec import ExperimentSpec, RunSpec, read_spec
from poets_core.worker.science import resolve_backbone

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
StoreUrl = Annotated[str | None, typer.Option("--store", help="Store URL; default: POETS_STORE, or ./store/poets.db.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
OUT, ERR = Console(), Console(stderr=True)
POLL_SECONDS = 0.3


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
    problem: str,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value, e.g. search.beta=0.3.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
) -> None:
    """Print a complete spec of a problem: the defaults, its own settings, then yours."""
    typer.echo(spec_from(problem, set_ or [], seed).model_dump_json(indent=2))


def spec_from(problem: str, assignments: list[str], seed: int | None = None) -> RunSpec:
    """Return the spec of a problem with ``key=value`` changes.

    Args:
        problem: catalog name.
        assignments: dotted keys; values are JSON, or text if they are not.
        seed: wins over the assignments.

    Raises:
        InvalidSpec: unknown problem, key or parameter, or a value out of range.
    """
    entry = catalog.entry(problem)
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not all(key.split(".")):
            raise InvalidSpec(f"Expected --set KEY=VALUE with a dotted key, got {assignment!r}.")
        _assign(overrides, key.split("."), _value(text))
    if seed is not None:
        overrides["seed"] = seed
    made = default_spec(problem, params={}, settings=entry.settings, backbone=entry.backbones[0], overrides=overrides)
    params = catalog.check_params(problem, made.problem.params)
    made = located(made.model_copy(update={"problem": made.problem.model_copy(update={"params": params})}))
    for p in entry.parameters:
        table = made.problem.params[p.name]
        if p.kind == "file" and not Path(str(table)).is_file():
            raise InvalidSpec(f"Expected a file for problem.params.{p.name}, got none at {table}.")
    return made


def located(made: RunSpec, beside: Path | None = None) -> RunSpec:
    """Return a spec whose paths are absolute, because a worker has another current folder.

    Args:
        made: paths in it are relative to the current folder.
        beside: folder that is tried for what is not in the current one.

    Raises:
        InvalidSpec: unknown problem.
    """
    if made.experiment is not None:
        made = made.model_copy(update={"experiment": _located_experiment(made.experiment, beside)})
    if not made.problem.name:
        return made
    params = dict(made.problem.params)
    for p in catalog.entry(made.problem.name).parameters:
        if p.kind == "file" and isinstance(value := params.get(p.name), str):
            params[p.name] = str(_absolute(value, beside))
    source = made.backbone.source
    if source != "library" and source not in catalog.backbones():
        source = str(resolve_backbone(str(found) if (found := _absolute(source, beside)).exists() else source))
    return made.model_copy(
        update={
            "problem": made.problem.model_copy(update={"params": params}),
            "backbone": made.backbone.model_copy(update={"source": source}),
        }
    )


def _located_experiment(made: ExperimentSpec, beside: Path | None) -> ExperimentSpec:
    model, log = made.model, made.log
    if log:
        log = str(_absolute(log, beside))
    if made.source == "prompts" and (found := _absolute(model, beside)).exists():
        model = str(found)
    return made.model_copy(update={"model": model, "log": log})


def _absolute(path: str, beside: Path | None) -> Path:
    here = Path(path).expanduser().absolute()
    there = None if beside is None else beside.absolute() / Path(path).expanduser()
    return there if there is not None and there.exists() and not here.exists() else here


def _assign(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise InvalidSpec(f"Expected {'.'.join(path)} to be below an object, got a value at {part!r} already.")
    tree[path[-1]] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@app.command()
def run(spec_file: Path, store: StoreUrl = None, json_: Json = False) -> None:
    """Run a spec in a worker and follow it; Ctrl-C stops it after the oracle call at hand.

    Relative paths in it are looked up in the current folder, then beside the spec.
    """
    made = read_spec(spec_file)
    if made.problem.name:
        catalog.check_params(made.problem.name, made.problem.params)
    made = located(made, spec_file.parent)
    opened = open_store(store)
    name = opened.create(made)
    ERR.print(f"run {name} in {opened.files}", soft_wrap=True)
    launch(opened, name)
    _followed(opened, name, json_)


@app.command(name="resume")
def resume_(run: str, store: StoreUrl = None, json_: Json = False) -> None:
    """Continue a run that was paused, stopped, killed or has failed, and follow it."""
    opened = open_store(store)
    if not opened.status(run).resumable and not opened.status(run).active:
        raise InvalidInput(f"Expected a run that is not finished, got {run}, finished: {opened.status(run).reason}.")
    resume(opened, run)
    _followed(opened, run, json_)


def _followed(store: SqlStore, name: str, as_json: bool) -> None:
    """Follow a run to its end and show it; exit code 1 unless it finished."""
    try:
        _follow(store, name, quiet=as_json)
    except KeyboardInterrupt:
        store.send(name, "stop")
        ERR.print("stopping after the oracle call at hand; Ctrl-C again leaves it to itself")
        _follow(store, name, quiet=as_json)
    _show(store, name, as_json)
    status = store.status(name)
    if status.state != "finished":
        said = status.reason or f"see {store.folder(name) / 'worker.log'}"
        typer.echo(f"run {name} is {status.state}: {said}", err=True)
        raise typer.Exit(1)


def _follow(store: SqlStore, name: str, *, quiet: bool) -> None:
    view, began = fold([]), time.monotonic()
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("ETA"), TimeRemainingColumn(), TextColumn("{task.fields[best]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, disable=quiet) as progress:
        bar = progress.add_task("starting", total=store.row(name).budget or None, best="")
        while True:
            status = store.status(name)
            view = fold(store.read(name, after=view.seq), view)
            best = "" if view.best is None else f"best {view.best.value:.4g}"
            if view.experiment is not None and view.experiment.metrics is not None:
                best = f"{len(view.experiment.metrics['left'])} policies left"
            progress.update(bar, completed=view.calls, description=status.state, best=best)
            if not status.active and (status.state != "waiting" or time.monotonic() - began > 5):
                return
            time.sleep(POLL_SECONDS)


@app.command()
def show(run: str, store: StoreUrl = None, json_: Json = False) -> None:
    """Show a run: state, calls, best design, regret; of an experiment, comparisons, evidence, verdict."""
    _show(open_store(store), run, json_)


def _show(store: SqlStore, name: str, as_json: bool) -> None:
    facts = {"run": name, **summary(fold(store.read(name)), store.status(name))}
    if as_json:
        typer.echo(json.dumps(facts))
        return
    table = Table(show_header=False)
    for key, value in facts.items():
        table.add_row(key.replace("_", " "), _text(value))
    OUT.print(table)


def _text(value: Any) -> str:
    """A value for people: numbers to four digits, a matrix row by row."""
    if isinstance(value, list):
        return ("\n" if value and isinstance(value[0], list) else ", ").join(map(_text, value))
    if isinstance(value, dict):
        return json.dumps({k: v for k, v in value.items() if k != "spec"})
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@app.command()
def runs(store: StoreUrl = None, json_: Json = False, limit: int = 50) -> None:
    """List runs, newest first."""
    rows = open_store(store).runs(limit=limit, kind=None)
    if json_:
        fields = ("id", "label", "kind", "problem", "method", "state", "calls", "budget", "best", "created")
        listed = [{name: getattr(r, name) for name in fields} for r in rows]
        typer.echo(json.dumps(listed))
        return
    table = Table("run", "problem", "method", "seed", "state", "calls", "best", "created")
    for r in rows:
        best = "" if r.best is None else f"{r.best:.5g}"
        created = datetime.fromtimestamp(r.created).isoformat(" ", "seconds")
        table.add_row(r.id, r.problem, r.method, str(r.seed), r.state, f"{r.calls}/{r.budget}", best, created)
    OUT.print(table)


@app.command()
def export(run: str, archive: Path, store: StoreUrl = None) -> None:
    """Write one archive of a run: spec, events, candidates, adapters, artifacts, checksums."""
    opened: RunStore = open_store(store)
    typer.echo(f"wrote {export_archive(opened, run, archive.absolute())}", err=True)


@app.command()
def worker(
    run: Annotated[str | None, typer.Option(help="Run id; without it the oldest waiting run.")] = None,
    store: StoreUrl = None,
) -> None:
    """Work on one run until it is finished; normally started for you."""
    from poets_core.worker.worker import work

    raise typer.Exit(work(open_store(store), run))


@app.command(name="app")
def app_(
    store: StoreUrl = None,
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; default: 8501, or the next free one.")] = None,
) -> None:
    """Start the app for a browser on this machine; runs are kept in ./store unless --store says otherwise."""
    if store is not None:
        os.environ["POETS_STORE"] = store
    serve.start([] if port is None else ["--server.port", str(port)])


def main() -> None:
    """Run the command line; errors made on purpose end in one message and an exit code."""
    try:
        app()
    except (InvalidInput, StoreError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except PoetsError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
