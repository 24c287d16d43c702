"""Files of a run: written whole or not at all, read back against a checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from poets_core.errors import InvalidInput, StoreAway, StoreUnavailable
from poets_core.runs.database import file_error
from poets_core.runs.store import RunStore

UPLOAD_LIMIT = 20 * 2**20
"""Largest upload, bytes; the same as the server's `maxUploadSize`."""


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of `data`, hex."""
    return hashlib.sha256(data).hexdigest()


def file_name(problem: str, run: str, what: str, count: int, ending: str) -> str:
    """Return the name of a file of designs: ``"protein-ehrlich_20261127-133421-1f52_best_32.fasta"``.

    Args:
        problem: its name in the catalog.
        run: the id of the run.
        what: which designs, in a word or two.
        count: how many.
        ending: of the file, without the dot.
    """
    words = (re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:40] for word in (problem, run, what))
    return f"{'_'.join(word for word in words if word)}_{count}.{ending}"


def write_atomic(path: Path, data: bytes, within: Callable[[Callable[[], None]], None] | None = None) -> str:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Temporary file, fsync, rename, fsync of the folder. On failure the old file
    is untouched and no temporary one stays.

    Args:
        path: where it goes; folders are made.
        data: whole contents.
        within: what the rename is done in: a worker's lease. It may do it twice.

    Returns:
        the SHA-256 of `data`, hex.

    Raises:
        StoreAway: the disk is full, or read-only.
        StoreUnavailable: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if within is None:
                temporary.replace(path)
            else:
                within(lambda: _renamed(temporary, path))
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself must survive a power cut
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreAway(
                f"Expected room for {len(data)} bytes at {path}, got a full disk. "
                "Nothing was lost: free some space, then resume the run."
            ) from error
        raise file_error(error, f"Expected to write {path}, got: {error}. Check path and rights.") from error
    return sha256_of(data)


def _renamed(temporary: Path, path: Path) -> None:
    if temporary.exists():  # else an earlier try has done it, and its answer was lost
        temporary.replace(path)


def read_checked(path: Path, sha256: str) -> bytes:
    """Read a file that was written with `write_atomic`.

    Raises:
        StoreUnavailable: it is missing, unreadable, or not what was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreUnavailable(f"Expected a readable file at {path}, got: {error}.") from error
    if sha256_of(data) != sha256:
        raise StoreUnavailable(
            f"Expected {path} with SHA-256 {sha256[:12]}..., got {sha256_of(data)[:12]}...: "
            "it was changed or cut off after it was written. Make it again."
        )
    return data


def read_artifact(store: RunStore, run: str, path: str, sha256: str) -> bytes:
    """Read a file that an event of a run names.

    Args:
        path: relative to the run's folder, as the event gives it.
        sha256: checksum out of the event.

    Raises:
        UnknownRun, StoreUnavailable: also for a path outside the run's folder.
    """
    folder = store.folder(run).resolve()
    full = (folder / path).resolve()
    if not full.is_relative_to(folder):
        raise StoreUnavailable(f"Expected a file inside the folder of run {run}, got {path!r}.")
    return read_checked(full, sha256)


def save_upload(store: RunStore, name: str, data: bytes) -> Path:
    """Keep an uploaded file under its contents' checksum, so that a spec can name it for ever.

    Args:
        store: keeps it in its folder of files, under ``uploads/``.
        name: the user's file name; its last extension is kept, nothing else is trusted.
        data: contents, at most `UPLOAD_LIMIT` bytes.

    Returns:
        absolute path; the same for the same contents.

    Raises:
        InvalidInput: empty or too large.
        StoreUnavailable: it cannot be written.
    """
    if not 0 < len(data) <= UPLOAD_LIMIT:
        raise InvalidInput(
            f"Expected an upload of 1 byte to {UPLOAD_LIMIT // 2**20} MB, got {len(data)} bytes in {name!r}. "
            "Remove rows that are not needed, or compress the file."
        )
    last = Path(name.replace("\\", "/")).name
    ending = "".join(Path(last).suffixes[-2:]) if last.endswith(".gz") else Path(last).suffix
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", last.split(".")[0])[:40] or "upload"
    suffix = ending.lower() if re.fullmatch(r"(\.[A-Za-z0-9]{1,8}){0,2}", ending) else ""
    path = store.files / "uploads" / f"{stem}-{sha256_of(data)[:16]}{suffix}"
    if not (path.exists() and path.read_bytes() == data):
        write_atomic(path, data)
    return path.absolute()
