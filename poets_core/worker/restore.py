"""How a search is brought back to where its run was: from a checkpoint, or by replaying its rounds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.protocols import Search
from poets_core.runs.doing import Doing
from poets_core.worker import checkpoint
from poets_core.worker.search_log import SearchLog


def restore(search: Search, log: SearchLog, folder: Path, step: Callable[[Doing], None]) -> None:
    """Bring a search at round 0 to the end of a run's completed rounds: from the checkpoint, or by replaying them.

    A checkpoint that was lost or damaged is written again.

    Args:
        search: just built; it is changed.
        log: of the run.
        folder: the run's.
        step: called with what is being done before each round that is replayed.

    Raises:
        StoreUnavailable: the checkpoint cannot be written; and whatever the search raises.
    """
    if log.updated is None:
        return
    try:
        tensors = checkpoint.read(folder / "checkpoints", log.updated)
    except StoreUnavailable as error:
        print(f"no usable checkpoint, rebuilding from {len(log.rounds)} rounds: {error}", file=sys.stderr)
    else:
        search.restore(tensors, log.rounds)
        return
    # No new proposals and no oracle: what was proposed and measured is in the log, and all randomness of training is
    # keyed by round, so that the search learns what it had learnt.
    for candidates, answers in log.rounds:
        step(Doing("rebuild", (search.round,)))
        search.tell(candidates, answers)
        search.update()
    # Other hardware rounds otherwise. That is said and not refused: the alternative is to lose the run.
    if not checkpoint.same(search.state(), log.updated):
        print("the rebuilt state differs in its last bits from the lost one (other hardware?)", file=sys.stderr)
    checkpoint.write(folder / "checkpoints", search.round, search.state())
