"""The run store: specs, events, commands and leases, in SQLite or PostgreSQL.

    store = open_store()            # or open_store("postgresql://...")
    run = store.create(spec)        # before any worker exists
    store.read(run, after=last)     # what is new
    store.send(run, "pause")

Pages read and send commands only; the one worker that holds the lease writes.
"""

from __future__ import annotations

import os
from pathlib import Path

from poets_core.runs.lease import Command, CommandName, Lease, RunStore
from poets_core.runs.sql import SqlStore
from poets_core.runs.status import RunRow, RunStatus

__all__ = [
    "Command",
    "CommandName",
    "Lease",
    "RunRow",
    "RunStatus",
    "RunStore",
    "SqlStore",
    "default_store_url",
    "open_store",
]


def default_store_url() -> str:
    """Return the store's URL: the environment's POETS_STORE, or a SQLite file in ./store."""
    return os.environ.get("POETS_STORE") or f"sqlite:///{Path('store').absolute() / 'poets.db'}"


def open_store(url: str | None = None, *, busy_seconds: float = 20) -> SqlStore:
    """Open a store, creating it where there is none.

    Args:
        url: SQLite or PostgreSQL URL; None for `default_store_url`.
        busy_seconds: how long to wait for another writer (SQLite).

    Raises:
        StoreUnavailable: it cannot be opened, or is not a store of this version.
    """
    return SqlStore(url or default_store_url(), busy_seconds=busy_seconds)
