"""Circuits that somebody brings to a search: measured before its first round, and its first elites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domains.quantum.choices import PARAMS
from poets_core.errors import InvalidDesign, InvalidSpec
from poets_core.types import Given

if TYPE_CHECKING:
    from domains.quantum.problem import CircuitProblem

MOST = 500
"""Circuits of one search."""
SHOWN = 20


def given_circuits(problem: CircuitProblem, text: str, file: str) -> tuple[tuple[Given, ...], list[str]]:
    """Read circuits of other tools or of an export, and measure them.

    Args:
        problem: whose language and observable hold.
        text: pasted: OpenQASM 2 or 3, or words of the language; ``""`` for none.
        file: path of an upload, of the same or a ZIP of such files; ``""`` for none.

    Returns:
        what is given, each design once; and what a person should read of each.

    Raises:
        InvalidSpec: one cannot be read or said in the words of the problem; names the file, the gate and the line.
    """
    from domains.quantum.door.score import score_files

    files = [("pasted circuit", text.encode())] if text.strip() else []
    if file:
        files.append((Path(file).name, Path(file).read_bytes()))
    if not files:
        return (), []
    field = f"{PARAMS}.{'circuits' if text.strip() else 'circuits_file'}"
    try:
        scored = score_files(files, problem)
    except InvalidDesign as error:
        raise InvalidSpec(str(error), field=field) from error
    bad = [s for s in scored if s.error]
    if bad:
        raise InvalidSpec(f"{bad[0].name}: {bad[0].error}", field=field)
    if len(scored) > MOST:
        raise InvalidSpec(f"Expected at most {MOST} circuits to start from, got {len(scored)}.", field=field)
    for s in scored:
        if s.facts["design"] is None:
            raise InvalidSpec(f"{s.name}: {s.facts['refused']}", field=field)
    found: dict[str, Given] = {}
    objective = problem.info.objectives[0].name
    for s in scored:
        design, value = str(s.facts["design"]), float(s.facts["values"][objective])
        details = {**s.facts["measured"], "file": s.name}
        found.setdefault(design, Given(design, value, details=details))
    lines = [f"{s.name}: {'; '.join(s.lines)}" for s in scored[:SHOWN]]
    return tuple(found.values()), lines + ([f"and {len(scored) - SHOWN} more"] if len(scored) > SHOWN else [])
