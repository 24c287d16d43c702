"""How a run's spec names the files that lie in the store's folder of uploads.

It is stored without the folder, as ``store:uploads/NAME``, and read back as the path where the file lies now. So a
store can be moved as a whole. Older runs named an absolute path; where that is gone, the file is looked for in the
uploads by its name, which holds the checksum of its contents.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

from poets_core.spec import ExperimentSpec, RewardsSpec, RunSpec

S = TypeVar("S", bound=RunSpec)
PREFIX = "store:uploads/"
FOLDER = "uploads"
_CHECKSUM = re.compile(r"-([0-9a-f]{16})((?:\.[A-Za-z0-9]{1,8}){0,2})$")
"""How `artifacts.save_upload` ends a name: the checksum of the contents, and the endings that the file had."""


def upload_name(path: str) -> str:
    """Return what an uploaded file was called: no folders, and no checksum, which the store adds."""
    return _CHECKSUM.sub(r"\2", re.split(r"[/\\]", path)[-1])


def upload_checksum(path: str) -> str:
    """Return the checksum that an upload's name holds, 16 digits; ``""`` for the name of any other file."""
    found = _CHECKSUM.search(path)
    return found[1] if found else ""


def as_stored(spec: S, files: Path) -> S:
    """Return a spec with the files of the store's uploads named without their folder; others stay as they are."""
    return with_paths(spec, lambda text: PREFIX + Path(text).name if in_uploads(text, files) else text)


def in_uploads(text: str, files: Path) -> bool:
    """Return whether a text is the absolute path of a file in the uploads of a store whose folder is `files`."""
    # resolve() asks the disk, which no text that is no path of ours is worth.
    return "\0" not in text and text.startswith("/") and Path(text).resolve().parent == (files / FOLDER).resolve()


def as_found(spec: S, files: Path) -> S:
    """Return a stored spec with the paths at which its uploads lie now."""

    def path(text: str) -> str:
        if text.startswith(PREFIX):
            return str(files / FOLDER / Path(text).name)
        moved = files / FOLDER / Path(text).name if text.startswith("/") and "\0" not in text else None
        return str(moved) if moved is not None and not Path(text).exists() and _is_upload(moved) else text

    return with_paths(spec, path)


def files_of(spec: RunSpec) -> Iterator[str]:
    """Yield every text in a spec that may name a data file: parameters of its problem, and a log."""
    if spec.problem is not None:
        yield from (v for v in spec.problem.params.values() if isinstance(v, str))
    if isinstance(spec, ExperimentSpec) and spec.experiment.log:
        yield spec.experiment.log
    if isinstance(spec, RewardsSpec):
        yield from (v for v in (spec.task.params.values() if spec.task else ()) if isinstance(v, str))
        yield from filter(None, [spec.given.file])


def _is_upload(path: Path) -> bool:
    said = upload_checksum(path.name)
    try:
        return said != "" and hashlib.sha256(path.read_bytes()).hexdigest()[:16] == said
    except OSError:
        return False


def with_paths(spec: S, change: Callable[[str], str]) -> S:
    """Return a spec with every text of `files_of` changed."""
    updates: dict[str, object] = {}
    if isinstance(spec, RewardsSpec):
        updates |= _rewards_paths(spec, change)
    if spec.problem is not None:
        params = {k: change(v) if isinstance(v, str) else v for k, v in spec.problem.params.items()}
        if params != dict(spec.problem.params):
            updates["problem"] = spec.problem.model_copy(update={"params": params})
    if isinstance(spec, ExperimentSpec) and (log := change(spec.experiment.log)) != spec.experiment.log:
        updates["experiment"] = spec.experiment.model_copy(update={"log": log})
    return cast("S", spec.model_copy(update=updates)) if updates else spec


def _rewards_paths(spec: RewardsSpec, change: Callable[[str], str]) -> dict[str, object]:
    """Return the sections of such a spec in which a path has changed."""
    found: dict[str, object] = {}
    if spec.task is not None:
        params = {k: change(v) if isinstance(v, str) else v for k, v in spec.task.params.items()}
        if params != dict(spec.task.params):
            found["task"] = spec.task.model_copy(update={"params": params})
    if spec.given.file and (file := change(spec.given.file)) != spec.given.file:
        found["given"] = spec.given.model_copy(update={"file": file})
    return found
