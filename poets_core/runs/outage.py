"""How a worker says that it waits for the store: a small file in the run's folder, since the store cannot be written.

The file holds the epoch of the lease and is touched as long as the outage lasts, so that one which a killed worker
left behind is not believed for long.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

NAME = "waits"
FRESH_SECONDS = 20.0
"""Age up to which the file is believed; a worker touches it after every try."""


def say_waiting(folder: Path, epoch: int) -> None:
    """Say that the worker with the lease `epoch` waits; where not even that can be written, nothing is said."""
    with suppress(OSError):
        (folder / NAME).write_text(str(epoch))


def say_going_on(folder: Path, epoch: int) -> None:
    """Take back what `say_waiting` said under the same epoch."""
    with suppress(OSError):
        if (folder / NAME).read_text() == str(epoch):
            (folder / NAME).unlink()


def waits_for_store(folder: Path, epoch: int) -> bool:
    """Return whether the worker with the lease `epoch` says that it waits."""
    path = folder / NAME
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS and path.read_text() == str(epoch)
    except OSError:
        return False
