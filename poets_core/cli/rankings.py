"""Rankings at the command line: of a run, of a comparison log, or of a file that was exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from poets_core.cli.follow import OUT
from poets_core.cli.logs import spec_from_log
from poets_core.cli.options import Json, StoreUrl
from poets_core.errors import InvalidComparisons, InvalidInput
from poets_core.intake import read_file
from poets_core.runs.events import Updated
from poets_core.runs.store import open_store
from poets_core.runs.views.ranking import (
    BYS,
    LARGEST,
    By,
    RankingView,
    rank_text,
    ranking_csv,
    ranking_json,
    ranking_view,
    read_ranking,
)
from poets_core.spec import ExperimentSpec

_BY = "duels: how many beat it; mean: mean win probability; bradley-terry: score. Default: as the experiment assumes."
_HEADS = ("rank", "group", "policy", "mean win", "score", "n", "ties", "bad")


def ranking(
    what: Annotated[str, typer.Argument(help="Id of an experiment, a comparison log, or an exported ranking.json.")],
    by: Annotated[str, typer.Option(help=_BY)] = "",
    delta: Annotated[float, typer.Option(help="Of a log: largest error of the whole ranking.")] = 0.1,
    column: Annotated[list[str] | None, typer.Option(help="Of a log: ROLE=COLUMN, as with `poets spec`.")] = None,
    word: Annotated[list[str] | None, typer.Option(help="Of a log: WORD=MEANING, as with `poets spec`.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="Of a log: whose rows count; without it, all.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it to this file: .csv or .json.")] = None,
    json_: Json = False,
    store: StoreUrl = None,
) -> None:
    """Print the ranking of an experiment, or of all rows of a comparison log: rank intervals, scores, groups.

    Everything that is printed holds together, at all moments, with error delta at most.
    """
    if by and by not in BYS:
        raise InvalidInput(f"Expected --by {', '.join(BYS)}, got {by!r}.", field="by")
    path = Path(what).expanduser()
    if path.is_file():
        view, run = _of_file(path, delta, column or [], word or [], policy or []), ""
    else:
        view, run = _of_run(what, store), what
    chosen: By = by or view.by
    if chosen not in view.offered():
        raise InvalidInput(
            f"Expected --by {' or '.join(view.offered())}, got {chosen!r}: no Bradley-Terry scores fit the comparisons."
        )
    if out is not None:
        if out.suffix not in (".csv", ".json"):
            raise InvalidInput(f"Expected a file that ends in .csv or .json, got {out.name!r}.", field="out")
        out.write_bytes(ranking_csv(view, chosen) if out.suffix == ".csv" else ranking_json(view, run))
        typer.echo(f"wrote {out}", err=True)
    if json_:
        typer.echo(ranking_json(view, run).decode())
    elif out is None:
        _print(view, chosen)


def _of_run(run: str, store: str | None) -> RankingView:
    opened = open_store(store)
    spec, newest = opened.spec(run), opened.newest(run, "updated")
    if isinstance(spec, ExperimentSpec) and spec.experiment.audit:
        raise InvalidInput(
            f"Expected an experiment that ranks its policies, got {run}, an audit: a ranking of what its judge says "
            f"would say nothing of people. `poets show {run}` has what people prefer, and which policies are left."
        )
    event = None if newest is None else newest.event
    found = event.metrics.get("ranking") if isinstance(event, Updated) else None
    if found is None:
        raise InvalidInput(
            f"Expected an experiment that has ranked its policies, got run {run}, which has not: it is no experiment, "
            "has compared nothing yet, is of an older program, or ranks very many policies with its verdict."
        )
    return ranking_view(found, according_to=spec.experiment.judge_model if isinstance(spec, ExperimentSpec) else "")


def _of_file(
    path: Path, delta: float, columns: Sequence[str], words: Sequence[str], policies: Sequence[str]
) -> RankingView:
    if path.suffix == ".json":
        try:
            return read_ranking(read_file(path, LARGEST, InvalidComparisons))
        except InvalidComparisons:
            if b"poets ranking" in path.read_bytes()[:200]:
                raise  # meant as a ranking; anything else may be a log in JSON
    from poets_core.worker.experiment.whole_log import ranking_of_log

    settings = [f"experiment.delta={delta}"]
    spec, said = spec_from_log(path, columns, words, [], policies, settings, None)
    for line in said:
        typer.echo(line, err=True)
    return ranking_view(ranking_of_log(spec.experiment))


def _print(view: RankingView, by: By) -> None:
    costs = any(p.cost is not None for p in view.policies)
    table, group = Table(*_HEADS, *(["cost"] if costs else [])), view.group_of(by)
    for p in view.order(by):
        cells = (rank_text(p.ranks[by]), str(group[p.name]), p.name, ends_text(p.mean, 3))
        counts = (f"{p.comparisons:,}", f"{p.ties:,}", f"{p.both_bad:,}")
        cost = [("" if p.cost is None else f"{p.cost:.4g}")] if costs else []
        table.add_row(*cells, "–" if p.score is None else ends_text(p.score, 2), *counts, *cost)
    OUT.print(table)
    error = f"{100 * view.delta:.3g} %"
    typer.echo(
        f"Ranked by {by}. Mean win: probability to be preferred to another policy; score: Bradley-Terry log odds; bad: "
        f"ties because neither was good. All of it holds together with error at most {error}."
    )
    if view.according_to:
        typer.echo(f"According to the model {view.according_to!r}, which judged; of people it says nothing.")
    for a, b in view.uncertified:
        typer.echo(f"{a} and {b} were shown in one order alone: nothing is claimed of them as a pair.")


def ends_text(ends: tuple[float | None, float | None, float | None], digits: int) -> str:
    """Write an estimate with its interval; an end that nothing bounds is a dash."""
    estimate, low, high = ("–" if v is None else f"{v:.{digits}f}" for v in ends)
    return f"{estimate} ({low} to {high})"
