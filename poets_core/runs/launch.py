"""From a run to a worker's process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.runs import process
from poets_core.runs.store import RunStore

ROOT = Path(__file__).resolve().parents[2]
"""Folder of the program, from which `python -m poets_core` works."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def launch(store: RunStore, run: str) -> int:
    """Start a worker for a run, detached from this process.

    The worker survives a restart of the server and a closed terminal; what it
    prints goes to ``worker.log`` in the run's folder.

    Returns:
        its pid.

    Raises:
        UnknownRun: no such run.
        StoreUnavailable: the process cannot be started.
    """
    spec, folder = store.spec(run), store.folder(run)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    environment |= dict.fromkeys(_THREAD_VARIABLES, str(spec.threads))
    environment["POETS_STORE"] = store.url  # not on the command line, where a password would show
    environment["POETS_FILES"] = str(store.files)
    try:
        with (folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "poets_core", "worker", "--run", run],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
                close_fds=True,
            )
    except OSError as error:
        raise StoreUnavailable(f"Expected to start a worker for run {run}, got: {error}.") from error
    store.launched(run, worker.pid, process.started(worker.pid))
    return worker.pid


def resume(store: RunStore, run: str) -> int | None:
    """Continue a run: wake its paused worker, or start another one where none lives.

    Returns:
        pid of a new worker, None if a living one was told.

    Raises:
        UnknownRun, StoreUnavailable.
    """
    status = store.status(run)
    if status.state == "finished" and not status.resumable:
        return None
    store.send(run, "resume")
    # A stalled worker may be stuck for good: its lease has expired, so another may take the run.
    if status.active and status.state != "stalled":
        return None
    return launch(store, run)
