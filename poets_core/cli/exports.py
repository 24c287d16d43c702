"""What is taken away at the command line: the archive of a run, or designs in a format of their science."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from domains import catalog
from poets_core.cli.follow import followed
from poets_core.errors import InvalidInput
from poets_core.runs.artifacts import read_artifact, write_atomic
from poets_core.runs.export import export_archive, report_bytes
from poets_core.runs.launch import launch
from poets_core.runs.store import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import RewardsSpec, TaskSettings, TaskSpec, parse_spec
from poets_core.spec.base import VERSION


def export_run(store: SqlStore, run: str, file: Path) -> None:
    """Write the archive of a run.

    Raises:
        InvalidInput: the file is not named as a ZIP.
        UnknownRun, StoreUnavailable.
    """
    from poets_core.worker.repair import repair

    store.row(run)
    _check_ending(file, "zip", "an archive is a ZIP")
    if said := repair(store, run):
        typer.echo(f"made again: {said}", err=True)
    typer.echo(f"wrote {export_archive(store, run, file.absolute())}", err=True)


def write_report(store: SqlStore, run: str, file: Path | None) -> None:
    """Write the report of a run; by default beside the caller, named by the run.

    Raises:
        InvalidInput: the file is not named as HTML.
        UnknownRun, StoreUnavailable.
    """
    store.row(run)
    path = file or Path(f"{run}.html")
    _check_ending(path, "html", "a report is HTML")
    write_atomic(path.absolute(), report_bytes(store, run))
    typer.echo(f"wrote {path}", err=True)


def export_designs(store: SqlStore, run: str, file: Path, format: str, best: int, ids: Sequence[str]) -> None:
    """Let a worker write designs of a run, read them back and measure them again; then put the file where it is wanted.

    Args:
        store, run: whose designs.
        file: a name that ends as the file will, or a folder, where it gets its own name.
        format: one that the problem writes.
        best: how many of the best; 0: all valid ones. ids: of candidates, instead.

    Raises:
        InvalidInput: no such format or designs, or a name that ends otherwise; before a worker starts.
        UnknownRun, StoreUnavailable.
    """
    view, spec = fold(store.read(run)), store.spec(run)
    if view.info is None or spec.problem is None:
        raise InvalidInput(f"Expected a search that has begun, got run {run}.")
    science = catalog.science(view.info.name)
    # A run knows the formats of its time; its science may have more by now.
    known = {*view.info.export_formats, *(e.name for e in (science.exports if science else ()))}
    if format not in known:
        raise InvalidInput(f"Expected a format of {view.info.name}, one of {sorted(known)}, got {format!r}.")
    valid = [c.id for c in view.candidates.values() if c.valid]
    if unknown := sorted(set(ids) - set(valid)):
        raise InvalidInput(f"Expected ids of valid designs of run {run}, as 0-1, got {unknown[:5]}.")
    chosen = list(ids) or [c.id for c in view.best_first()[:best]]
    count = len(chosen or valid)
    kind = catalog.export_of(view.info.name, format)
    if not file.is_dir():
        _check_ending(file, kind.ending_of(count), f"{_designs(count)} as {kind.title} is such a file")
    settings = TaskSettings(name="export", run=run, format=format, candidates=tuple(chosen))
    label = "" if ids or not best else "best"
    task = store.create(TaskSpec(label=label, seed=spec.seed, device="cpu", task=settings))
    launch(store, task)
    followed(store, task, False)
    made = next(iter(fold(store.read(task)).artifacts))
    path = file / made.name if file.is_dir() else file
    # What was written decides, not what was expected of the format.
    _check_ending(path, made.name.rpartition(".")[2], "the worker wrote such a file")
    write_atomic(path.absolute(), read_artifact(store, task, made.path, made.sha256))
    difference = "" if made.max_difference is None else f", largest difference {made.max_difference:.3g}"
    typer.echo(f"wrote {path}: {_designs(made.rows)}, {made.rescored} measured again{difference}", err=True)


def deploy_models(
    store: SqlStore, run: str, file: Path, way: str, merged: bool, comparisons: int, delta: float
) -> None:
    """Let a worker write the models of a run that learnt from rewards and load them back; then put the file in place.

    Args:
        store, run: whose models.
        file: a name that ends in .zip, or a folder, where it gets its own name.
        way, merged, comparisons, delta: see `poets_core.spec.TaskSettings`.

    Raises:
        InvalidInput: a run of another kind, or a name that ends otherwise; before a worker starts.
        InvalidSpec: settings that contradict each other.
        UnknownRun, StoreUnavailable.
    """
    spec = store.spec(run)
    if not isinstance(spec, RewardsSpec):
        raise InvalidInput(
            f"Expected a run that learns from rewards, got {run}, a run of kind {spec.kind!r}. `poets export` writes "
            "the adapters of a search."
        )
    if not file.is_dir():
        _check_ending(file, "zip", "models leave as a ZIP")
    settings = {"name": "deploy", "run": run, "way": way, "merged": merged, "comparisons": comparisons, "delta": delta}
    made = parse_spec(
        {"version": VERSION, "kind": "task", "seed": spec.seed, "device": "cpu", "task": settings},
        where="the command line",
    )
    task = store.create(made)
    launch(store, task)
    followed(store, task, False)
    found = next(iter(fold(store.read(task)).artifacts))
    path = file / found.name if file.is_dir() else file
    write_atomic(path.absolute(), read_artifact(store, task, found.path, found.sha256))
    typer.echo(f"wrote {path}: loaded back, answers differ by {found.max_difference or 0:.3g} nats at most", err=True)


def _designs(count: int) -> str:
    return f"{count} design{'s' * (count != 1)}"


def _check_ending(file: Path, ending: str, why: str) -> None:
    if file.suffix.lower() != f".{ending}":
        raise InvalidInput(
            f"Expected a file name that ends in .{ending}, since {why}, got {file.name!r}. "
            f"Call it {file.name.partition('.')[0] or 'export'}.{ending}."
        )
