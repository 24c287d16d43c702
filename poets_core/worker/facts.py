"""Whether a run that goes on meets what it began with: problem, data and models."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.runs.event_fields import jsonable
from poets_core.runs.event_reader import stored_info
from poets_core.types import ProblemInfo

SAME = 1e-3
"""Relative difference up to which measured facts count as equal: other hardware rounds otherwise."""


def changes(began: Mapping[str, Any], now: Mapping[str, Any], but: Iterable[str] = ()) -> str:
    """Say which facts are no longer what they were, ``""`` for none.

    Facts may be added by a later version; what the run did not write down at its beginning proves nothing.

    Args:
        began, now: facts by name, JSON values.
        but: names that may change.
    """
    differ = [k for k in began if k not in but and not _equal(began[k], now.get(k))]
    return ", ".join(f"{k} was {_said(began[k])}, is {_said(now.get(k))}" for k in differ)


def _said(value: Any) -> str:
    return str(value)[:20]


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=SAME)
    return bool(a == b)


def require_same_problem(run: str, began: ProblemInfo | None, now: ProblemInfo) -> None:
    """Refuse to go on with, or to judge a run by, another problem than the one it began with.

    Args:
        run: id of the run.
        began: what its `prepared` says; None: nothing was written down yet.
        now: the problem as it is loaded.

    Raises:
        InvalidSpec: it differs in anything that the run has written down; a changed file shows in its checksum.
    """
    if began is None:
        return
    then, here = (_flat(info) for info in (began, now))
    differ = [k for k in then if not _alike(then[k], here.get(k))]
    if differ:
        said = ", ".join(f"{k} was {_said(then[k])}, is {_said(here.get(k))}" for k in differ[:4])
        raise InvalidSpec(
            f"Expected the problem that run {run} began with, got other facts for {now.name}: a file it reads or the "
            f"program has changed ({said}). Put the file back as it was, or start a new run."
        )


def _alike(then: object, now: object) -> bool:
    """Whether two facts are one and the same: numbers to nine digits.

    An eigenvalue has other last bits on another machine, and after a release that computes it otherwise; an optimum
    that has moved by a millionth is that of other data.
    """
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(then, list | tuple) and isinstance(now, list | tuple):
        return len(then) == len(now) and all(map(_alike, then, now))
    return then == now


def model_checksum(model: Path | str) -> str | None:
    """Return the SHA-256 of a model on this machine: of all its files, by name; None for a name of the hub.

    Args:
        model: folder or file, as `poets_core.worker.science.resolve_backbone` returns it.

    Raises:
        InvalidModel: it cannot be read.
    """
    if isinstance(model, str):
        return None
    whole = hashlib.sha256()
    try:
        for path in sorted(p for p in (model.iterdir() if model.is_dir() else [model]) if p.is_file()):
            with path.open("rb") as file:
                whole.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    except OSError as error:
        raise InvalidModel(f"Expected a model that can be read in {model.name}, got {error.strerror}.") from error
    return whole.hexdigest()


def _flat(info: ProblemInfo) -> dict[str, Any]:
    whole = jsonable(asdict(stored_info(info)))
    # Files that a later version also writes do not make another problem.
    del whole["export_formats"]
    return {k: v for k, v in whole.items() if k != "facts"} | {f"facts.{k}": v for k, v in whole["facts"].items()}
