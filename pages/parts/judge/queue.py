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


def next_pair(view: ExperimentView, judge: str, waiting: Collection[int]) -> tuple[PairView | None, bool]:
    """Return the pair that a judge is shown, and whether it is a second opinion; none of `waiting` is.

    Open pairs come first, in the order asked. When none is left for this judge, pairs that others have
    answered are offered, those with the fewest opinions first.
    """
    for pair in view.open:
        if pair.index not in waiting and judge not in pair.opinions:
            return pair, False
    others = [
        p for p in view.pairs.values() if p.outcome is not None and judge not in p.opinions and p.index not in waiting
    ]
    return (min(others, key=lambda p: (len(p.opinions), p.index)), True) if others else (None, False)


def agreed(view: ExperimentView, judge: str) -> tuple[int, int]:
    """Return how many pairs a judge shares with others, and in how many of them all said the same."""
    shared = [p.opinions for p in view.pairs.values() if judge in p.opinions and len(p.opinions) > 1]
    return len(shared), sum(len(set(o.values())) == 1 for o in shared)
