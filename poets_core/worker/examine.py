"""The child that reads what comes from outside: one question on stdin, one answer on stdout, both JSON.

    python -m poets_core.worker.examine

Started by `poets_core.runs.examine`. Limits come first, before anything is imported that allocates.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidInput, InvalidModel, InvalidTable, PoetsError

MEMORY = 3 << 30
"""Address space, bytes: libraries take a third of it before they read anything."""
CPU_SECONDS = 25
STRUCTURE_BYTES = 20 << 20
MOST_CELLS = 200_000
"""Of a file of results, which travels to the server as text."""


def _limit() -> None:
    # What is inherited may be lower already, and cannot be raised.
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # The soft limit of memory may be lowered for one file, and raised again; the hard one cannot be.
        resource.setrlimit(kind, (wanted, hard if kind == resource.RLIMIT_AS else wanted))
    # Where the server is gone nobody waits for the answer.
    signal.alarm(2 * CPU_SECONDS)


def table(path: str, name: str, field: str) -> dict[str, Any]:
    """The beginning of a table, see `poets_core.runs.examine.preview_table`."""
    from poets_core.worker.preview import table_preview

    return table_preview(Path(path), name, lambda message: InvalidTable(message, field=field))


def sheet(path: str, name: str) -> dict[str, Any]:
    """A file of results as text, see `poets_core.runs.examine.results_sheet`."""
    from poets_core.intake import TableBounds
    from poets_core.intake.sheet import read_sheet
    from poets_core.runs.laboratory.hand_out import LIST

    found = read_sheet(Path(path), TableBounds(), InvalidTable, first_sheet=LIST)
    if len(found.rows) * len(found.columns) > MOST_CELLS:
        raise InvalidTable(
            f"Expected results of at most {MOST_CELLS:,} cells in {name[:80]}, got {len(found.rows):,} rows of "
            f"{len(found.columns):,} columns. Hand in the rows of one plate after the other."
        )
    columns = {head: list(cells) for head, cells in found.columns.items()}
    return {"columns": columns, "rows": list(found.rows), "notes": list(found.notes), "separator": found.separator}


def structure(problem: str, path: str, name: str, facts: Mapping[str, Any], colours: Sequence[str]) -> dict[str, Any]:
    """A structure beside the designs of a problem, see `poets_core.runs.examine.structure_view`."""
    from domains import catalog
    from poets_core.intake import read_file

    return catalog.show_structure(problem, read_file(Path(path), STRUCTURE_BYTES, InvalidTable), name, facts, colours)


def log(
    path: str, name: str, mapping: Mapping[str, Any] | None = None, policies: Sequence[str] | None = None
) -> dict[str, Any]:
    """A comparison log, see `poets_core.runs.examine.preview_log`."""
    from poets_core.worker.preview import log_preview

    return log_preview(Path(path), name, mapping, policies)


def problem(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A problem's parameters, see `poets_core.runs.examine.check_problem`."""
    from domains import catalog

    return catalog.check(name, params)


def score(name: str, params: Mapping[str, Any], files: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Designs that a person brings, see `poets_core.runs.examine.score_designs`."""
    from dataclasses import asdict

    from domains import catalog

    found = catalog.score(name, params, [(file, text.encode()) for file, text in files])
    return {"scored": [asdict(one) for one in found]}


def prune(
    name: str, params: Mapping[str, Any], design: str, details: Mapping[str, Any], allowed: float
) -> dict[str, Any]:
    """A design without what does not matter, see `poets_core.runs.examine.prune_design`."""
    from dataclasses import asdict

    from domains import catalog

    return asdict(catalog.prune(name, params, design, details, allowed))


def model(source: str, field: str) -> dict[str, Any]:
    """The files of a model, see `poets_core.runs.examine.check_model`."""
    from poets_core.lm.files import check_model
    from poets_core.worker.science import resolve_backbone

    # A name of a hub is no file here: nothing is downloaded in order to look at it.
    path = resolve_backbone(source)
    try:
        if isinstance(path, Path):
            check_model(path)
    except InvalidModel as error:
        raise InvalidModel(str(error), field=field) from error
    return {}


def rewards(spec: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """A run that learns from rewards, see `poets_core.runs.examine.check_rewards`."""
    from poets_core.worker.rewards.check import check_rewards

    return check_rewards(spec)


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "sheet": sheet,
    "structure": structure,
    "table": table,
    "log": log,
    "problem": problem,
    "model": model,
    "score": score,
    "prune": prune,
    "rewards": rewards,
}


def answer(question: str) -> dict[str, Any]:
    """Return the answer to a question, or the error that is told instead."""
    # Errors made on purpose are the answer; any other ends this process, and the server says so in its own words.
    try:
        job, arguments = json.loads(question)
        return {"answer": JOBS[job](**arguments)}
    except PoetsError as error:
        fields = error.fields if isinstance(error, InvalidInput) else {}
        return {"error": type(error).__name__, "message": str(error), "fields": fields}
    # The limit was met in small steps, so that there is room for a sentence.
    except MemoryError:
        message = "Expected input that can be read within the memory for it, got one that needs more. Make it smaller."
        return {"error": "InvalidInput", "message": message, "fields": {}}


if __name__ == "__main__":
    _limit()
    print(json.dumps(answer(sys.stdin.read())))
