"""How an experiment's events change its view."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from poets_core.runs.audit_events import Audited
from poets_core.runs.events import (
    Asked,
    Compared,
    Event,
    Prepared,
    Skipped,
    Updated,
    VerdictReached,
    Withdrawn,
)
from poets_core.runs.views.experiment import ExperimentView, PairView, thinned


class ExperimentFold:
    """A view of an experiment while events are folded onto it.

    Its containers are copied once, the first time one is written, so that the view it began with never changes.
    """

    def __init__(self, view: ExperimentView) -> None:
        self.view = view
        self._own = False

    def add(self, event: Event) -> None:
        """Fold one event; kinds that say nothing of an experiment are passed over."""
        match event:
            case Updated():
                self._updated(event)
            case Asked():
                self._asked(event)
            case Audited():
                pairs, _ = self._write()
                pairs[event.index] = replace(pairs[event.index], verdict=event.verdict, details=event.details)
            case Compared():
                self._compared(event)
            case Withdrawn():
                self._withdrawn(event)
            case Skipped():
                self._skipped(event)
            case VerdictReached():
                self._set(verdict=event)
            case Prepared() if event.experiment is not None:
                self._set(facts=event.experiment)

    def _write(self) -> tuple[dict[int, PairView], list[int]]:
        """Pairs and open indices, to be changed in place."""
        if not self._own:
            self.view = replace(self.view, pairs=dict(self.view.pairs), waiting=list(self.view.waiting))
            self._own = True
        return self.view.pairs, self.view.waiting  # type: ignore[return-value]

    def _set(self, **values: Any) -> None:
        self.view = replace(self.view, **values)

    def _asked(self, event: Asked) -> None:
        pairs, waiting = self._write()
        for p in event.pairs:
            pairs[p.index] = PairView(p.index, p.first, p.second, p.item, p.prompt, p.responses)
            insort(waiting, p.index)

    def _compared(self, event: Compared) -> None:
        pairs, waiting = self._write()
        pair = pairs[event.index]
        opinions = {**pair.opinions, event.judge: event.outcome}
        if event.second_opinion:
            pairs[pair.index] = replace(pair, opinions=opinions)
        else:
            waiting.remove(pair.index)
            values: Sequence[Any] | None = event.details.get("values")
            pairs[pair.index] = replace(
                pair,
                opinions=opinions,
                outcome=event.outcome,
                judge=event.judge,
                details={**pair.details, **event.details} if pair.verdict is not None else event.details,
                values=pair.values if values is None else tuple(values),
            )
            self._set(comparisons=self.view.comparisons + 1, ties=self.view.ties + (event.outcome == "tie"))
        self._answered(event.answer)

    def _withdrawn(self, event: Withdrawn) -> None:
        pairs, waiting = self._write()
        pair = pairs[event.index]
        opinions = {judge: said for judge, said in pair.opinions.items() if judge != event.judge}
        if event.second_opinion:
            pairs[pair.index] = replace(pair, opinions=opinions)
        else:
            insort(waiting, pair.index)
            kept = pair.details if pair.verdict is not None else {}  # those of the audited judge
            pairs[pair.index] = replace(pair, opinions=opinions, outcome=None, judge="", details=kept)
            self._set(comparisons=self.view.comparisons - 1, ties=self.view.ties - (pair.outcome == "tie"))
        self._answered(event.answer)

    def _skipped(self, event: Skipped) -> None:
        pairs, waiting = self._write()
        waiting.remove(event.index)
        pairs[event.index] = replace(pairs[event.index], skipped=True)
        self._answered(event.answer)

    def _answered(self, answer: int | None) -> None:
        if answer is not None:
            self._set(answered=max(self.view.answered, answer))

    def _updated(self, event: Updated) -> None:
        view = self.view
        points, stride, updates = thinned(list(view.points), view.stride, view.updates, event.metrics)
        metrics = {**event.metrics, "round": event.round, "seconds": event.seconds}
        self._set(points=points, stride=stride, updates=updates, metrics=metrics)
