"""Folders of files that an event names by checksum: written aside, put in their place whole, looked at later.

A run keeps two: the backbone that it trained itself, and the adapters of its branches. What is written aside ends in
`.part`; nobody reads it, and the next worker of the run sweeps it away.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.runs.artifacts import sha256_of
from poets_core.runs.database import file_error

BACKBONE, ADAPTERS = "backbone", "adapters"
PART = ".part"


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its name there, in the order of names.

    Raises:
        StoreUnavailable: a file cannot be read.
    """
    try:
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        return {name: sha256_of(paths[name].read_bytes()) for name in sorted(paths)}
    except OSError as error:
        raise file_error(error, f"Expected to read the files in {folder}, got: {error}.") from error


def damage(folder: Path, files: Mapping[str, str]) -> str:
    """Say what is wrong with a folder whose files an event names, ``""`` if nothing is.

    Args:
        folder: that should hold them.
        files: SHA-256 by name.
    """
    try:
        there = checksums(folder)
    except StoreUnavailable as error:
        return str(error)
    missing = [name for name in files if name not in there]
    changed = [name for name in files if name in there and there[name] != files[name]]
    said = [f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("changed", changed)) if names]
    return "; ".join(said)


def empty_aside(folder: Path, name: str, key: str) -> Path:
    """Return a new empty folder beside `name`, in which its next contents are written.

    Args:
        folder: of the run.
        name: of what will be replaced.
        key: tells writers apart, so that two workers never write into one folder.
    """
    aside = folder / f".{name}-{key}{PART}"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
    except OSError as error:
        raise file_error(error, f"Expected a writable folder {folder}, got: {error}.") from error
    return aside


def sync(folder: Path) -> None:
    """Bring everything in a folder to the disk: the contents of files, and the names of all entries."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def put_in_place(aside: Path, target: Path) -> None:
    """Let a folder that was written aside take the place of `target`; done already, it does nothing.

    Raises:
        StoreUnavailable: it cannot be renamed.
    """
    old = aside.with_name(f"{aside.name.removesuffix(PART)}-old{PART}")
    try:
        if not aside.exists():  # an earlier try has renamed it
            return
        # Two renames, because no system replaces a folder that is not empty. Cut off between them, the run lacks the
        # folder, which is seen and made again.
        if target.exists():
            target.rename(old)
        aside.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise file_error(error, f"Expected to put {target} in its place, got: {error}.") from error
    shutil.rmtree(old, ignore_errors=True)


def sweep(folder: Path) -> list[str]:
    """Remove what was written aside in a run's folder and never put in its place; return the names."""
    left = sorted(path for path in folder.rglob(f".*{PART}") if path.name.startswith("."))
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [path.name for path in left]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
