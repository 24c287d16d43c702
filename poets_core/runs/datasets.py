"""Data sets that people keep in a store: a table, how it is to be read, and what was found in it, under a name.

Each is a small file of JSON beside the upload that it names, so that backups hold it. The table itself is kept under
its checksum as any upload is, and never changes; a run's spec names the table and not the data set.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from poets_core.errors import InvalidInput, PoetsError
from poets_core.intake import read_json
from poets_core.runs.artifacts import sha256_of, write_atomic
from poets_core.runs.database import file_error, transaction
from poets_core.runs.schema import RUNS
from poets_core.runs.sql import SqlStore
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import FOLDER, PREFIX

LONGEST_NAME, MOST = 80, 1000
"""Characters of a name; data sets of a store."""
_FILE = re.compile(r"data-([0-9a-f]{16})\.dataset")


@dataclass(frozen=True)
class DataSet:
    """A table that was kept.

    Attributes:
        id: of it; the same table read in the same way is the same data set.
        name: of a person. file: name of the upload. sha256: of its contents.
        problem: that read it; params: how, without the file.
        lines: what was found in it, in sentences.
        kept: time.
    """

    id: str
    name: str
    file: str
    sha256: str
    problem: str
    params: Mapping[str, Any]
    lines: tuple[str, ...]
    kept: float


def keep(
    store: RunStore, name: str, path: Path, problem: str, params: Mapping[str, Any], lines: tuple[str, ...]
) -> DataSet:
    """Keep a table that was uploaded; one that is kept already gets the new name.

    Args:
        store: that has the upload.
        name: for people.
        path: of the upload.
        problem, params: that read it, the file left out; lines: what was found.

    Raises:
        InvalidInput: no name, no upload of this store, or too many data sets.
        StoreUnavailable: it cannot be written.
    """
    if path.resolve().parent != (store.files / FOLDER).resolve() or not path.is_file():
        raise InvalidInput("Expected a table that was uploaded to this store, got another file. Upload it.")
    if len(datasets(store)) >= MOST:
        raise InvalidInput(f"Expected at most {MOST:,} data sets, got one more. Delete some that no run needs.")
    read_as = json.dumps([problem, path.name, dict(params)], sort_keys=True)
    made = DataSet(
        sha256_of(read_as.encode())[:16],
        _named(name),
        path.name,
        sha256_of(path.read_bytes()),
        problem,
        dict(params),
        lines,
        time.time(),
    )
    _write(store, made)
    return made


def datasets(store: RunStore) -> list[DataSet]:
    """Return the data sets of a store, newest first; a file that is none is passed over.

    Raises:
        StoreUnavailable: the folder cannot be read.
    """
    folder = store.files / FOLDER
    try:
        paths = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)] if folder.is_dir() else []
    except OSError as error:
        raise file_error(error, f"Expected to read {folder}, got: {error}. Check path and rights.") from error
    found = (_read(path) for path in paths)
    return sorted((one for one in found if one is not None), key=lambda one: -one.kept)


def dataset(store: RunStore, name: str) -> DataSet:
    """Return the data set with an id.

    Raises:
        InvalidInput: there is none.
    """
    found = _read(_path(store, name)) if re.fullmatch(r"[0-9a-f]{16}", name) else None
    if found is None:
        raise InvalidInput("Expected a data set of this store, got none of this name. Choose one on the page Data.")
    return found


def rename(store: RunStore, name: str, to: str) -> None:
    """Call a data set something else.

    Raises:
        InvalidInput: there is none, or no name.
        StoreUnavailable: it cannot be written.
    """
    _write(store, replace(dataset(store, name), name=_named(to)))


def delete(store: SqlStore, name: str) -> None:
    """Forget a data set, and its table unless a run or another data set needs it.

    Raises:
        InvalidInput: there is none.
        StoreUnavailable: it cannot be written, or runs cannot be read.
    """
    gone = dataset(store, name)
    needed = bool(used_by(store, gone)) or any(o.file == gone.file and o.id != gone.id for o in datasets(store))
    try:
        _path(store, name).unlink(missing_ok=True)
        if not needed:
            (store.files / FOLDER / gone.file).unlink(missing_ok=True)
    except OSError as error:
        raise file_error(error, f"Expected to delete the data set, got: {error}. Check path and rights.") from error


def used_by(store: SqlStore, one: DataSet) -> list[tuple[str, str]]:
    """Return id and label of the runs that name a data set's table, newest first.

    Raises:
        StoreUnavailable: they cannot be read.
    """
    named = f'"{PREFIX}{one.file}"'
    with transaction(store.engine, writes=False) as connection:
        rows = connection.execute(
            select(RUNS.c.id, RUNS.c.label)
            .where(RUNS.c.spec.contains(named, autoescape=True))
            .order_by(RUNS.c.created.desc())
        )
        return [(str(run), str(label)) for run, label in rows]


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(f"Expected a name of 1 to {LONGEST_NAME} characters for the data, got {len(name)}.")
    return name


def _path(store: RunStore, name: str) -> Path:
    return store.files / FOLDER / f"data-{name}.dataset"


def _write(store: RunStore, one: DataSet) -> None:
    write_atomic(_path(store, one.id), json.dumps(asdict(one)).encode())


def _read(path: Path) -> DataSet | None:
    try:
        found = read_json(path.read_bytes(), "a data set", InvalidInput)
        made = DataSet(**{**found, "lines": tuple(map(str, found["lines"])), "params": dict(found["params"])})
    except (OSError, PoetsError, TypeError, KeyError, ValueError):
        return None  # left by another program: no page should fail because of it
    # What names a file is a name, whoever wrote it.
    plain = all(isinstance(v, str) for v in (made.id, made.name, made.file, made.sha256, made.problem))
    return made if plain and Path(made.file).name == made.file and isinstance(made.kept, float) else None
