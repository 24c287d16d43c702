"""An ended experiment goes on: what a page and the command line do with more comparisons, or with further rows."""

from __future__ import annotations

from pathlib import Path

from poets_core.errors import InvalidInput
from poets_core.runs.artifacts import save_upload
from poets_core.runs.extension import why_not
from poets_core.runs.launch import launch
from poets_core.runs.store import RunStore
from poets_core.spec import ExperimentSpec


def go_on(store: RunStore, run: str, *, budget: int = 0, log: tuple[str, bytes] | None = None) -> None:
    """Give an ended experiment more, and start a worker for it.

    Args:
        store, run: which.
        budget: comparisons in all; 0: see `Extension`.
        log: name and contents of a file with further rows, read by the mapping of the first one.

    Raises:
        InvalidInput: it cannot go on, or there is nothing more in this.
        UnknownRun, StoreUnavailable.
    """
    spec, made = store.spec(run), store.row(run)
    why = why_not(spec.kind, "finished" if made.state == "finished" else "", made.status.reason)
    if why or not isinstance(spec, ExperimentSpec):
        raise InvalidInput(f"Expected an experiment that ended undecided, got {why}.")
    if log is not None and spec.experiment.source != "log":
        raise InvalidInput(f"Expected more comparisons with source {spec.experiment.source!r}, got a log.", field="log")
    if (log is None or budget) and budget <= made.calls:
        raise InvalidInput(
            f"Expected more than the {made.calls:,} comparisons that were made, got a budget of {budget:,}.",
            field="budget",
        )
    name = "" if log is None else Path(save_upload(store, *log)).name
    store.send(run, "extend", {"budget": budget, "log": name})
    launch(store, run)
