"""Checkpoints of a search: safetensors, written whole, named by an event with their checksum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from poets_core.errors import StoreUnavailable
from poets_core.runs.artifacts import read_checked, sha256_of, write_atomic
from poets_core.runs.events import Updated

KEEP = 2
"""Checkpoints kept: the last one, and one to fall back on by hand."""


def to_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return tensors as safetensors bytes; equal tensors give equal bytes."""
    return bytes(save({name: np.array(tensors[name], order="C") for name in sorted(tensors)}))


def write(
    folder: Path,
    round: int,
    tensors: Mapping[str, NDArray[Any]],
    write_file: Callable[[Path, bytes], str] = write_atomic,
) -> tuple[str, str]:
    """Write the checkpoint after `round` rounds and forget all but the last `KEEP`.

    Args:
        folder: the run's ``checkpoints`` folder.
        round: rounds completed.
        tensors: the search's state.
        write_file: how a file is written; a worker's own asks for its lease (`Session.write`).

    Returns:
        file name and SHA-256.

    Raises:
        StoreUnavailable: it cannot be written; earlier ones are untouched.
    """
    name = f"round-{round:06d}.safetensors"
    checksum = write_file(folder / name, to_bytes(tensors))
    # Only after the new one is whole on the disk: at every moment there is one to go on from.
    for old in sorted(folder.glob("round-*.safetensors"))[:-KEEP]:
        old.unlink(missing_ok=True)
    return name, checksum


def read(folder: Path, updated: Updated) -> dict[str, NDArray[Any]]:
    """Read the checkpoint that an `updated` event names.

    Raises:
        StoreUnavailable: missing, changed since, or not safetensors.
    """
    # The checksum is that of the event, not of a file beside it: a checkpoint of another round or
    # another run is found out too.
    data = read_checked(folder / updated.checkpoint, updated.sha256)
    try:
        return dict(load(data))
    except SafetensorError as error:
        raise StoreUnavailable(f"Expected safetensors in {updated.checkpoint}, got: {error}.") from error


def same(tensors: Mapping[str, NDArray[Any]], updated: Updated) -> bool:
    """Return whether a rebuilt state is bit for bit the one an `updated` event recorded."""
    return sha256_of(to_bytes(tensors)) == updated.sha256
