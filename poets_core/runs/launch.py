"""From a problem's name to a RunSpec, and from a run to a worker's process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poets_core.errors import StoreUnavailable
from poets_core.runs import process
from poets_core.runs.store import RunStore
from poets_core.spec import RunSpec, parse_spec

ROOT = Path(__file__).resolve().parents[2]
"""Folder of the program, from which `python -m poets_core` works."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def default_spec(
    name: str,
    *,
    params: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
    backbone: str,
    overrides: Mapping[str, Any] | None = None,
) -> RunSpec:
    """Return the RunSpec a problem starts from: defaults, its own settings, then what the user said.

    Args:
        name: catalog name of the problem.
        params: its parameters.
        settings: `Entry.settings` of the catalog: ``{"search": {...}, ...}``.
        backbone: backbone source, usually the entry's first.
        overrides: nested fields of a RunSpec that win over everything.

    Raises:
        InvalidSpec: a field is unknown or out of range.
    """
    tree: dict[str, Any] = {
        "problem": {"name": name, "params": dict(params)},
        "backbone": {"source": backbone},
    }
    return parse_spec(_overlaid(_overlaid(tree, settings), overrides or {}), where=f"the settings of {name}")


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _overlaid(old, value) if both else value  # type: ignore[arg-type]
    return merged


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
