"""Circuits of one's own at the command line: read, said in the words of a problem, scored, compared."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from domains import catalog
from poets_core.cli.options import Json
from poets_core.cli.specs import spec_from
from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.intake import read_file

MOST = 8 << 20
"""Bytes of a file, which may be a zip of circuits."""


def circuit(
    files: Annotated[list[Path], typer.Argument(help="OpenQASM 2 or 3, words of the grammar, or a zip of such files.")],
    problem: Annotated[str, typer.Option(help="Problem whose Hamiltonian and gates hold.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="e.g. problem.params.max_cx=12, or max_cx=12.")
    ] = None,
    json_: Json = False,
) -> None:
    """Score circuits that other tools wrote: what was read, energy, error, CX; or why not, by gate and line.

    Exit code 2 if any of them cannot be read.
    """
    assignments = [a if "." in a.partition("=")[0] else f"problem.params.{a}" for a in set_ or []]
    made = spec_from(problem, assignments).problem
    found = catalog.score(made.name, made.params, [(str(file), _read(file)) for file in files])
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found], allow_nan=False))
    else:
        for one in found:
            typer.echo(one.name)
            for line in one.lines or (f"refused: {one.error}",):
                typer.echo(f"  {line}")
    refused = [one for one in found if one.error]
    if refused:
        raise InvalidInput(f"{len(refused)} of {len(found)} circuits cannot be read for {made.name}, see above.")


def _read(file: Path) -> bytes:
    return read_file(file.expanduser(), MOST, InvalidDesign)
