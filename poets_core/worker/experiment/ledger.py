"""Where an experiment stands, read back from its events, and what an answer means there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from poets_core.llm_po.comparison import Comparison, Pair
from poets_core.runs.answers import Answer
from poets_core.runs.events import Event
from poets_core.runs.views.experiment import ExperimentView, PairView
from poets_core.runs.views.experiment_fold import FOLDS, Pairs
from poets_core.worker.experiment.sources.source import Asked, asked_from_json


class Ledger:
    """The fold of an experiment's events, kept up to date in place.

    Attributes:
        prepared: body of `prepared`, None before it.
        asked: every pair asked, by index.
        updated: comparisons at the last `updated`, 0 before it.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._fold = Pairs(ExperimentView())
        self._order: list[int] = []  # counted pairs in the order of their answers
        self._said: dict[str, list[int]] = {}  # pairs that each judge has an answer to, in the order given
        self.prepared: Mapping[str, Any] | None = None
        self.asked: dict[int, Asked] = {}
        self.updated = 0
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take in one event."""
        body = event.body
        if event.kind in FOLDS:
            FOLDS[event.kind](self._fold, body)
        if event.kind == "prepared":
            self.prepared = body
        elif event.kind == "asked":
            self.asked |= {p["index"]: asked_from_json(p) for p in body["pairs"]}
        elif event.kind in ("compared", "withdrawn"):
            self._answered(body, event.kind == "compared")
        elif event.kind == "updated":
            self.updated = body["round"]

    def _answered(self, body: Mapping[str, Any], given: bool) -> None:
        said = self._said.setdefault(body["judge"], [])
        for pairs in (said,) if body["second_opinion"] else (said, self._order):
            if body["index"] in pairs:
                pairs.remove(body["index"])
            if given:
                pairs.append(body["index"])

    @property
    def view(self) -> ExperimentView:
        """What pages see; its containers go on changing."""
        return self._fold.view

    @property
    def open(self) -> list[Asked]:
        """Pairs that nobody has judged or skipped, in order."""
        return [self.asked[i] for i in self.view.waiting]

    def comparisons(self) -> list[Comparison]:
        """Counted answers, in the order in which they came."""
        return [comparison_of(self.view.pairs[i]) for i in self._order]

    def meant(self, answer: Answer, seq: int) -> Event | str:
        """Return the event that an answer leads to, or why it leads to none.

        Args:
            answer: of a judge.
            seq: number of the command that brought it.
        """
        if answer.outcome == "undo":
            return self._undo(answer.judge, seq)
        pair = self.view.pairs.get(answer.index)
        if pair is None:
            return f"there is no pair {answer.index}"
        if pair.skipped:
            return f"pair {answer.index} was skipped"
        if answer.outcome == "skip":
            if pair.outcome is not None:
                return f"pair {answer.index} is judged already, so it cannot be skipped"
            return Event("skipped", {"index": answer.index, "judge": answer.judge, "answer": seq})
        if pair.outcome is not None and answer.judge in pair.opinions:
            return f"{answer.judge!r} has judged pair {answer.index} already"
        return compared(self.asked[answer.index], answer.outcome, answer.judge, seq, second=pair.outcome is not None)

    def _undo(self, judge: str, seq: int) -> Event | str:
        if not (said := self._said.get(judge)):
            return f"{judge!r} has no answer to withdraw"
        index = said[-1]
        second = self.view.pairs[index].judge != judge
        return Event("withdrawn", {"index": index, "judge": judge, "answer": seq, "second_opinion": second})


def comparison_of(pair: PairView) -> Comparison:
    """Return the comparison of a judged pair."""
    return Comparison(pair.first, pair.second, pair.outcome, judge=pair.judge)  # type: ignore[arg-type]  # it checks


def pair_of(asked: Asked) -> Pair:
    """Return a pair without its responses."""
    return Pair(asked.index, asked.first, asked.second)


def compared(
    pair: Asked, outcome: str, judge: str, seq: int | None, *, second: bool = False, details: Any = None
) -> Event:
    """Return the event of an answer."""
    return Event(
        "compared",
        {
            "index": pair.index, "first": pair.first, "second": pair.second, "outcome": outcome, "judge": judge,
            "answer": seq, "second_opinion": second, "details": details or {},
        },
    )  # fmt: skip
