"""How a learner is brought back to where its run was: from the checkpoint, or by playing its rounds again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from poets_core.errors import InvalidSpec, StoreUnavailable
from poets_core.runs.doing import LEARNING, Doing
from poets_core.runs.events import Event, Finished, Prepared, Updated
from poets_core.runs.reward_events import RewardsBegun
from poets_core.spec import RewardsSpec
from poets_core.types import BEFORE
from poets_core.worker import checkpoint
from poets_core.worker.facts import changes
from poets_core.worker.rewards.lesson import Lesson

if TYPE_CHECKING:
    from poets_core.rewards.learner import Learner


@dataclass
class RewardsLog:
    """What the events of a run say so far.

    Attributes:
        prepared, begun: None before they were written.
        untrained: whether the base model was judged.
        updated: of the last complete round.
        rounds: complete ones.
        exported: SHA-256 of the adapters that an earlier worker left.
    """

    prepared: Prepared | None = None
    begun: RewardsBegun | None = None
    untrained: bool = False
    updated: Updated | None = None
    rounds: int = 0
    exported: dict[str, str] = field(default_factory=dict)


def read_rewards_log(events: Sequence[Event]) -> RewardsLog:
    """Read what a run's events say."""
    log = RewardsLog()
    for event in events:
        match event:
            case Prepared():
                log.prepared = event
            case RewardsBegun():
                log.begun = event
            case Updated() if event.round == BEFORE:
                log.untrained = True
            case Updated():
                log.updated, log.rounds = event, event.round + 1
            case Finished():
                log.exported = event.files
    return log


def require_same_task(run: str, log: RewardsLog, lesson: Lesson) -> None:
    """Refuse to go on with other items than those a run began with.

    Raises:
        InvalidSpec: a file or the program has changed.
    """
    if log.begun is not None and (differ := changes(log.begun.task, lesson.facts, but=["lines"])):
        raise InvalidSpec(
            f"Expected the task that run {run} began with, got another: a file or the program has changed ({differ}). "
            "Put the file back as it was, or start a new run."
        )


def restore(
    learner: Learner,
    lesson: Lesson,
    log: RewardsLog,
    spec: RewardsSpec,
    folder: Path,
    step: Callable[[Doing], None],
    write_file: Callable[[Path, bytes], str] | None = None,
) -> None:
    """Bring a learner before its first round to where the log ends.

    Args:
        learner: just built; it is changed.
        lesson, log, spec: of its run.
        folder: the run's.
        step: called with what is being done before each round that is played again.
        write_file: writes a lost checkpoint again; None for those who do not hold the run.

    Raises:
        StoreUnavailable: the checkpoint cannot be written.
        InvalidInput: given answers that do not fit, or a verifier that is gone.
    """
    # Given answers come before everything: a checkpoint holds those that are still replayed, and replaces these.
    if lesson.rows:
        step(LEARNING)
        learner.tell(lesson.rows)
    if log.updated is None:
        return
    try:
        learner.restore(checkpoint.read(folder / "checkpoints", log.updated))
        return
    except (StoreUnavailable, KeyError, ValueError) as error:
        _say(f"no usable checkpoint, playing {log.rounds} rounds again: {error}")
    # Everything is keyed: the branches write the same answers again, and the verifier judges them again.
    for round in range(log.rounds):
        step(Doing("rebuild", (round,)))
        learner.play(write_answers=not spec.given.alone, judged=False)
    if not checkpoint.same(learner.state(), log.updated):
        _say("the rebuilt state differs from the lost one: other hardware, or a verifier that judges anew each time")
    if write_file is not None:
        checkpoint.write(folder / "checkpoints", learner.round, learner.state(), write_file)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
