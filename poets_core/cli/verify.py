"""`poets verify`: an archive checked by whoever has it, on any machine, without the store that it came from."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from poets_core.cli.options import Json
from poets_core.intake import printable
from poets_core.runs.verify.archive import Archive, open_archive
from poets_core.runs.verify.finding import Check, not_done
from poets_core.runs.verify.verify import Read, read_archive
from poets_core.spec import ExperimentSpec, RewardsSpec, SearchSpec
from poets_core.worker.remeasure import NAME, Limits, Measured, remeasure

WORDS = {"ok": "ok      ", "wrong": "WRONG   ", "not done": "not done"}
ALLOWED = "POETS_RUN_ORACLES"
"""Variable by which a science knows that a program of one's own may be run, see docs/howto/bring-an-oracle.md."""
WINNERS = 10
"""Best designs that are listed with what they measured again."""


def verify(
    archive: Annotated[Path, typer.Argument(help="An archive that `poets export` wrote.")],
    measure: Annotated[bool, typer.Option("--measure/--no-measure", help="Measure its designs again.")] = True,
    best: Annotated[int, typer.Option(min=0, help="Measure the N best designs alone; 0: every design.")] = 0,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Largest difference of a value measured again, relative above 1.")
    ] = Limits.tolerance,
    seconds: Annotated[float, typer.Option(min=0.0, help="Time for measuring, at most.")] = Limits.seconds,
    run_oracle: Annotated[
        bool, typer.Option("--run-oracle", help="Let the program run that the archive's spec names.")
    ] = False,
    head: Annotated[str, typer.Option(help="Head of the run's events as it was published.")] = "",
    fingerprint: Annotated[str, typer.Option(help="Fingerprint of the archive as it was published.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="What could not be checked counts as wrong.")] = False,
    json_: Json = False,
) -> None:
    """Check an archive: files, tensors, chain of events, tables, spec, and every measurement made again.

    Exit code 0: nothing is wrong; 1: something is, named by file, row and field; 2: no archive that can be read.
    """
    if run_oracle:  # consent to this one archive, which the variable gives for everything
        os.environ[ALLOWED] = "yes"
    with open_archive(archive.expanduser()) as opened, tempfile.TemporaryDirectory() as folder:
        read = read_archive(opened, head.strip().lower(), fingerprint.strip().lower())
        limits = Limits(tolerance, seconds, _best(read, best), run_oracle)
        last, measured = _measured(opened, read, Path(folder), limits, measure)
    checks = [*read.checks, *last]
    wrong = [c for c in checks if c.state == "wrong" or (strict and c.state == "not done")]
    winners = _winners(read, measured)
    if json_:
        typer.echo(json.dumps(_facts(archive.name, read, checks, winners, not wrong), allow_nan=False))
    else:
        _print(archive.name, read, checks, winners)
    if wrong:
        raise typer.Exit(1)


def _best(read: Read, n: int) -> list[str] | None:
    if not n or read.view is None:
        return None
    return [c.id for c in read.view.best_first()[:n]]


def _measured(archive: Archive, read: Read, folder: Path, limits: Limits, wanted: bool) -> tuple[list[Check], Measured]:
    """Measure, or count answers, again."""
    if not wanted:
        return [not_done(NAME, "not asked for")], Measured()
    if read.view is None:
        return [not_done(NAME, "the events cannot be read as a run")], Measured()
    if isinstance(read.spec, SearchSpec):
        found, measured = remeasure(archive, read.spec, read.events, read.run, folder, limits)
        return [found], measured
    if isinstance(read.spec, ExperimentSpec):
        from poets_core.worker.recount import recount  # on use: the statistics of experiments take a second

        return [recount(archive, read.spec, read.events, folder)], Measured()
    if isinstance(read.spec, RewardsSpec):
        said = "rewards were given to answers by a verifier, most of which are not kept: nothing is learnt again here"
        return [not_done(NAME, said)], Measured()
    return [not_done(NAME, "there is no search and no experiment in the archive")], Measured()


def _winners(read: Read, measured: Measured) -> list[dict[str, Any]]:
    if read.view is None:
        return []
    return [
        {"id": c.id, "design": c.design, "claimed": c.value, "measured": measured.values.get(c.id)}
        for c in (read.view.candidates[i] for i in read.view.leaders[:WINNERS])
    ]


def _facts(
    name: str, read: Read, checks: Sequence[Check], winners: Sequence[dict[str, Any]], good: bool
) -> dict[str, Any]:
    return {
        "archive": name,
        "run": read.run,
        "verified": good,
        "head": read.head,
        "fingerprint": read.fingerprint,
        "checks": [asdict(one) for one in checks],
        "winners": list(winners),
    }


def _print(name: str, read: Read, checks: Sequence[Check], winners: Sequence[dict[str, Any]]) -> None:
    _say(f"{name}: run {read.run or '(not said)'}")
    for one in checks:
        _say(f"  {WORDS[one.state]}  {one.name}: {one.said}")
        for finding in one.findings:
            _say(f"            {finding.place}: {finding.message}")
        if one.more:
            typer.echo(f"            and {one.more:,} more")
    for winner in winners[:3]:
        again = "not measured again" if winner["measured"] is None else f"measured again {winner['measured']:.10g}"
        design = " ".join(winner["design"][:60].split())
        _say(f"  {winner['id']}: claimed {winner['claimed']:.10g}, {again}: {design}")
    typer.echo(f"  head         {read.head or 'none'}\n  fingerprint  {read.fingerprint or 'none'}")
    counts = {state: sum(c.state == state for c in checks) for state in WORDS}
    if counts["wrong"]:
        typer.echo(f"NOT VERIFIED: {counts['wrong']} of {len(checks)} checks found something wrong.")
    else:
        left = f", {counts['not done']} could not be made" if counts["not done"] else ""
        typer.echo(f"verified: {counts['ok']} checks found nothing wrong{left}.")


def _say(line: str) -> None:
    """Print a line; anybody may have written what an archive says."""
    typer.echo(printable(line))
