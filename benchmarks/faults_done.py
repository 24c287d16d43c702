"""Faults, one function each: begun and ended around a worker, or done to files that nobody has open."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from poets_core.runs.store import SqlStore

DISK_MIB = 192


class Disk:
    """A small disk of its own for a store, where we may mount one; else a folder that never fills.

    Attributes:
        folder: where it is.
        small: whether it is a disk of its own, so that it can be full and read-only.
    """

    def __init__(self, folder: Path) -> None:
        """Mount it."""
        folder.mkdir()
        self.folder = folder
        self.small = _mount("-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder))

    def close(self) -> None:
        """Take it away."""
        if self.small:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, stderr=subprocess.DEVNULL)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill it to the last byte."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def read_only(self, folder: Path) -> Iterator[None]:
        """Make a folder on it read-only; files that are open for writing stay so, as on a disk that fails."""
        if not (_mount("--bind", str(folder), str(folder)) and _mount("-o", "remount,ro,bind", str(folder))):
            raise RuntimeError(f"Expected to mount {folder} read-only, got no right to.")
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def locked(store: SqlStore) -> Iterator[None]:
    """Hold the one lock that writers of a SQLite file need."""
    connection = sqlite3.connect(str(store.engine.url.database), isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _mount(*words: str) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *words], check=False, capture_output=True).returncode == 0


# -- files -----------------------------------------------------------------------


def truncated(path: Path) -> None:
    """Cut a file off in its middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    """Change one byte near the end of a file."""
    data = bytearray(path.read_bytes())
    data[-20] ^= 0x55
    path.write_bytes(data)


def emptied(path: Path) -> None:
    """Leave nothing in a file."""
    path.write_bytes(b"")


def _last_checkpoint(run: Path) -> Path:
    return sorted((run / "checkpoints").glob("round-*.safetensors"))[-1]


def _other_config(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layer_norm_epsilon": 0.25}))


DAMAGE: Mapping[str, Callable[[Path], object]] = {
    "backbone truncated": lambda run: truncated(run / "backbone" / "model.safetensors"),
    "checkpoint truncated": lambda run: truncated(_last_checkpoint(run)),
    "backbone flipped": lambda run: flipped(run / "backbone" / "model.safetensors"),
    "checkpoint flipped": lambda run: flipped(_last_checkpoint(run)),
    "backbone file missing": lambda run: (run / "backbone" / "tokenizer.json").unlink(),
    "checkpoint missing": lambda run: _last_checkpoint(run).unlink(),
    "backbone empty": lambda run: emptied(run / "backbone" / "model.safetensors"),
    "checkpoints gone": lambda run: shutil.rmtree(run / "checkpoints"),
    "backbone config": lambda run: _other_config(run / "backbone" / "config.json"),
    "backbone gone": lambda run: shutil.rmtree(run / "backbone"),
}
"""What happens to files of a run that lies still, by name: a function of the run's folder."""
ADAPTER_DAMAGE: Mapping[str, Callable[[Path], object]] = {
    "adapters gone": lambda run: shutil.rmtree(run / "adapters"),
    "adapter truncated": lambda run: truncated(run / "adapters" / "branch-0" / "adapter_model.safetensors"),
    "adapter missing": lambda run: (run / "adapters" / "branch-1" / "adapter_model.safetensors").unlink(),
}
"""The same to adapters of a run that is finished."""
