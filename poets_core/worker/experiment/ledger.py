"""Where an experiment stands, read back from its events, and what an answer means there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from poets_core.llm_po.audit.audit import Judgement, Planned
from poets_core.llm_po.comparison import Comparison, Pair
from poets_core.runs.answers import Answer
from poets_core.runs.audit_events import Audited
from poets_core.runs.event_fields import JsonObject, Outcome, PresentedPair
from poets_core.runs.events import Asked, Compared, Event, Prepared, Skipped, Updated, Withdrawn
from poets_core.runs.views.experiment import ExperimentView, PairView
from poets_core.runs.views.experiment_fold import ExperimentFold
from poets_core.spec.experiment import MOST_OPEN_FOR_PEOPLE

LATELY = 20
"""Answers that tell who is at work."""

Given: TypeAlias = Compared | Withdrawn | Skipped
"""What a judge's answer leads to."""


class Ledger:
    """The fold of an experiment's events, kept up to date in place.

    Attributes:
        prepared: what the experiment began with, None before it.
        asked: every pair asked, by index.
        updated: comparisons at the last `updated`, 0 before it.
        audited: what the judge of an audit said, by index.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._fold = ExperimentFold(ExperimentView())
        self._order: list[int] = []  # counted pairs in the order of their answers
        self._said: dict[str, list[int]] = {}  # pairs that each judge has an answer to, in the order given
        self._lately: deque[str] = deque(maxlen=LATELY)  # who gave the last answers that count
        self.prepared: Prepared | None = None
        self.asked: dict[int, PresentedPair] = {}
        self.updated = 0
        self.audited: dict[int, Audited] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take in one event."""
        self._fold.add(event)
        match event:
            case Prepared():
                self.prepared = event
            case Asked():
                self.asked |= {p.index: p for p in event.pairs}
            case Audited():
                self.audited[event.index] = event
            case Compared() | Withdrawn():
                self._answered(event)
            case Updated():
                self.updated = event.round

    def _answered(self, event: Compared | Withdrawn) -> None:
        # An undo takes back a judge's latest answer, so the order of answers is kept, for each judge and of all that
        # count. An answer given anew goes to the end.
        if isinstance(event, Compared) and event.answer is None:  # a program's: nobody who is at work or may undo it
            self._order.append(event.index)
            return
        if isinstance(event, Compared) and not event.second_opinion:  # second opinions steer nothing
            self._lately.append(event.judge)
        said = self._said.setdefault(event.judge, [])
        for pairs in (said,) if event.second_opinion else (said, self._order):
            if event.index in pairs:
                pairs.remove(event.index)
            if isinstance(event, Compared):
                pairs.append(event.index)

    @property
    def view(self) -> ExperimentView:
        """What pages see; its containers go on changing."""
        return self._fold.view

    @property
    def open(self) -> list[PresentedPair]:
        """Pairs that nobody has judged or skipped, in order."""
        return [self.asked[i] for i in self.view.waiting]

    def wanted(self, open_pairs: int) -> int:
        """Return how many pairs should be open: as many as the spec says, and one more than there are judges at work.

        One judge alone never waits for a second pair; with several each has one, and a newcomer finds one. It follows
        from the answers, so that a resumed worker opens as many.
        """
        judges = len(set(self._lately))
        return open_pairs if judges < 2 else max(open_pairs, min(MOST_OPEN_FOR_PEOPLE, judges + 1))

    def comparisons(self) -> list[Comparison]:
        """Counted answers, in the order in which they came."""
        return [self.comparison(i) for i in self._order]

    def judgements(self) -> list[Judgement]:
        """What an audit counts: pairs in the order in which they were asked, up to the first that waits for a person.

        A pair is not counted before those asked earlier: which of them are answered first may depend on what is
        answered. A pair that a person skips is one without a preference, a tie; leaving it out would do the same harm.
        """
        out: list[Judgement] = []
        for index in sorted(self.audited):
            found, pair = self.audited[index], self.view.pairs[index]
            label: Outcome | None = None
            # Where nobody was asked the pair's outcome is the judge's own, which is no label.
            if found.person:
                label = "tie" if pair.skipped else pair.outcome  # type: ignore[assignment]  # the fold keeps outcomes
                if label is None:
                    break
            planned = Planned(found.predicted, found.shares, found.stakes)
            out.append(Judgement(pair.first, pair.second, found.verdict, planned, label))
        return out

    def comparison(self, index: int) -> Comparison:
        """Return the comparison of a judged pair."""
        return comparison_of(self.view.pairs[index], self.asked[index].row)

    def meant(self, answer: Answer, seq: int) -> Given | str:
        """Return the event that an answer leads to, or why it leads to none.

        Args:
            answer: of a judge.
            seq: number of the command that brought it.
        """
        if answer.outcome == "undo":
            return self._undo(answer.judge, seq)
        # What cannot be meant is said and left out, never guessed: an answer to a pair that nobody asked must not
        # become one to another pair.
        pair = self.view.pairs.get(answer.index)
        if pair is None:
            return f"there is no pair {answer.index}"
        if pair.skipped:
            return f"pair {answer.index} was skipped"
        if answer.outcome == "skip":
            if pair.outcome is not None:
                return f"pair {answer.index} is judged already, so it cannot be skipped"
            return Skipped(answer.index, answer.judge, seq)
        # The same judge twice is a key pressed twice; another judge's answer is a second opinion.
        if pair.outcome is not None and answer.judge in pair.opinions:
            return f"{answer.judge!r} has judged pair {answer.index} already"
        return compared(
            self.asked[answer.index], answer.outcome, answer.judge, seq, second_opinion=pair.outcome is not None
        )

    def _undo(self, judge: str, seq: int) -> Withdrawn | str:
        if not (said := self._said.get(judge)):
            return f"{judge!r} has no answer to withdraw"
        # Whatever pair the command names: two presses of Undo take back two answers, the latest first.
        index = said[-1]
        return Withdrawn(index, judge, seq, second_opinion=self.view.pairs[index].judge != judge)


def comparison_of(pair: PairView, row: int) -> Comparison:
    """Return the comparison of a judged pair, of a row of a log or of none (0)."""
    return Comparison(pair.first, pair.second, pair.outcome, judge=pair.judge, row=row)  # type: ignore[arg-type]  # it checks


def pair_of(presented: PresentedPair) -> Pair:
    """Return a pair without its responses."""
    return Pair(presented.index, presented.first, presented.second)


def compared(
    pair: PresentedPair,
    outcome: Outcome,
    judge: str,
    answer: int | None,
    *,
    second_opinion: bool = False,
    details: JsonObject | None = None,
) -> Compared:
    """Return the event of an answer; see `Compared`."""
    return Compared(
        pair.index,
        pair.first,
        pair.second,
        outcome,
        judge,
        answer,
        second_opinion=second_opinion,
        details=details or {},
    )
