"""Which pair a judge is shown next, and which answers are on their way to the worker. No widgets here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from poets_core.runs.lease import Command
from poets_core.runs.views.experiment import ExperimentView, PairView

WORDS = {"first": "A is better", "second": "B is better", "tie": "equally good", "skip": "skipped"}
LONGEST_NAME = 40


@dataclass(frozen=True)
class Sent:
    """Commands of one judge that the worker has not dealt with yet.

    Attributes:
        answers: outcome by pair, in the order sent; one that is to be taken back stays until it has been.
        undos: answers to take back that were asked for.
    """

    answers: Mapping[int, str] = field(default_factory=dict)
    undos: int = 0


def sent(commands: Sequence[Command], judge: str, view: ExperimentView) -> Sent:
    """Sum up what a judge has sent.

    Args:
        commands: of the run, after the last one that the worker has dealt with.
        judge: whose.
        view: what has been taken in; an answer that the worker will ignore is not waited for.
    """
    answers: dict[int, str] = {}
    undos = 0
    for command in commands:
        body = command.body
        if command.command != "judge" or body.get("judge") != judge:
            continue
        if body.get("outcome") == "undo":
            undos += 1
        elif isinstance(body.get("index"), int):
            pair = view.pairs.get(body["index"])
            if pair is not None and judge not in pair.opinions:
                answers[body["index"]] = str(body.get("outcome"))
    return Sent(answers, undos)


def told_by_others(commands: Sequence[Command], judge: str) -> set[int]:
    """Return the pairs to which other judges have sent an answer that the worker has not dealt with yet."""
    bodies = [c.body for c in commands if c.command == "judge" and c.body.get("judge") != judge]
    return {b["index"] for b in bodies if b.get("outcome") != "undo" and isinstance(b.get("index"), int)}


def open_for(view: ExperimentView, judge: str, waiting: Collection[int]) -> list[int]:
    """Return the open pairs that a judge could be shown, in the order asked; none of `waiting` is."""
    return [p.index for p in view.open if p.index not in waiting and judge not in p.opinions]


def second_for(view: ExperimentView, judge: str, waiting: Collection[int]) -> PairView | None:
    """Return the pair that one other judge has answered alone and that this one is asked to check; None for none."""
    others = (
        p
        for p in view.pairs.values()
        if p.outcome is not None and len(p.opinions) == 1 and judge not in p.opinions and p.index not in waiting
    )
    return next(others, None)


def agreed(view: ExperimentView, judge: str) -> tuple[int, int]:
    """Return how many pairs a judge shares with others, and in how many of them all said the same."""
    shared = [p.opinions for p in view.pairs.values() if judge in p.opinions and len(p.opinions) > 1]
    return len(shared), sum(len(set(o.values())) == 1 for o in shared)
