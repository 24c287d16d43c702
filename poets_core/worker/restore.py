"""How a search is brought back to where its run was: from a checkpoint, or by replaying what it was told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from poets_core.errors import StoreUnavailable
from poets_core.protocols import Search
from poets_core.runs.doing import Doing
from poets_core.worker import checkpoint
from poets_core.worker.search_log import SearchLog


def restore(
    search: Search,
    log: SearchLog,
    folder: Path,
    step: Callable[[Doing], None],
    write_file: Callable[[Path, bytes], str] | None = None,
) -> None:
    """Bring a search at round 0 to where a run's log ends: from the checkpoint, or by replaying its rounds.

    A checkpoint that was lost or damaged is written again by those who hold the run.

    Args:
        search: just built; it is changed.
        log: of the run.
        folder: the run's.
        step: called with what is being done before each round that is replayed.
        write_file: writes a lost checkpoint again; None for those who do not hold the run.

    Raises:
        StoreUnavailable: the checkpoint cannot be written; and whatever the search raises.
    """
    if log.updated is None:
        return
    try:
        tensors = checkpoint.read(folder / "checkpoints", log.updated)
    except StoreUnavailable as error:
        print(f"no usable checkpoint, rebuilding from {log.rounds} rounds: {error}", file=sys.stderr)
        _replay(search, log, step)
        # Other hardware rounds otherwise. That is said and not refused: the alternative is to lose the run.
        if not checkpoint.same(search.state(), log.updated):
            print("the rebuilt state differs in its last bits from the lost one (other hardware?)", file=sys.stderr)
        if write_file is not None:
            checkpoint.write(folder / "checkpoints", search.round, search.state(), write_file)
    else:
        search.restore(tensors, log.told)
    # A checkpoint is written with its round; what a contest has measured since then is in the log alone.
    for candidates, answers in log.since:
        search.tell(candidates, answers)


def _replay(search: Search, log: SearchLog, step: Callable[[Doing], None]) -> None:
    # No new proposals and no oracle: what was proposed and measured is in the log, and all randomness of training is
    # keyed by round, so that the search learns what it had learnt.
    done = 0
    for through in log.updates:
        step(Doing("rebuild", (max(0, search.round),)))
        for candidates, answers in log.told[done:through]:
            search.tell(candidates, answers)
        search.update()
        done = through
