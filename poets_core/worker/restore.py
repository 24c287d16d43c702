"""A search as it was after the completed rounds of its run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.protocols import Search
from poets_core.worker import checkpoint
from poets_core.worker.search_log import History


def restore(search: Search, history: History, folder: Path, step: Callable[[str], None]) -> None:
    """Bring a search at round 0 to the end of a run's completed rounds: from the checkpoint, or by living them again.

    A checkpoint that was lost or damaged is written again.

    Args:
        search: just built; it is changed.
        history: of the run.
        folder: the run's.
        step: called with what is being done before each round that is lived again.

    Raises:
        StoreUnavailable: the checkpoint cannot be written; and whatever the search raises.
    """
    if history.updated is None:
        return
    try:
        tensors = checkpoint.read(folder / "checkpoints", history.updated)
    except StoreUnavailable as error:
        print(f"no usable checkpoint, rebuilding from {len(history.rounds)} rounds: {error}", file=sys.stderr)
    else:
        search.restore(tensors, history.rounds)
        return
    for candidates, answers in history.rounds:
        step(f"rebuild {search.round}")
        search.tell(candidates, answers)
        search.update()
    if not checkpoint.same(search.state(), history.updated):
        print("the rebuilt state differs in its last bits from the lost one (other hardware?)", file=sys.stderr)
    checkpoint.write(folder / "checkpoints", search.round, search.state())
