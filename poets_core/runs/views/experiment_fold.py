"""How an experiment's events change its view: pure functions (view, body) -> view."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from poets_core.runs.views.experiment import ExperimentView, PairView, thinned

Body = Mapping[str, Any]


class Pairs:
    """The containers of a view while it is folded: copied once, the first time one is written."""

    def __init__(self, view: ExperimentView) -> None:
        self.view = view
        self._own = False

    def write(self) -> tuple[dict[int, PairView], list[int]]:
        """Pairs and open indices, to be changed in place."""
        if not self._own:
            self.view = replace(self.view, pairs=dict(self.view.pairs), waiting=list(self.view.waiting))
            self._own = True
        return self.view.pairs, self.view.waiting  # type: ignore[return-value]

    def set(self, **values: Any) -> None:
        """Change plain fields."""
        self.view = replace(self.view, **values)


def _prepared(fold: Pairs, body: Body) -> None:
    if "experiment" in body:
        fold.set(facts=body["experiment"])


def _asked(fold: Pairs, body: Body) -> None:
    pairs, waiting = fold.write()
    for p in body["pairs"]:
        pairs[p["index"]] = PairView(
            p["index"], p["first"], p["second"], p["item"], p["prompt"], tuple(p["responses"]), _values(p)
        )
        insort(waiting, p["index"])


def _values(body: Body) -> tuple[Any, ...] | None:
    return None if body.get("values") is None else tuple(body["values"])


def _answered(fold: Pairs, body: Body) -> None:
    if body["answer"] is not None:
        fold.set(answered=max(fold.view.answered, body["answer"]))


def _compared(fold: Pairs, body: Body) -> None:
    pairs, waiting = fold.write()
    pair = pairs[body["index"]]
    opinions = {**pair.opinions, body["judge"]: body["outcome"]}
    if body["second_opinion"]:
        pairs[pair.index] = replace(pair, opinions=opinions)
    else:
        waiting.remove(pair.index)
        pairs[pair.index] = replace(
            pair, opinions=opinions, outcome=body["outcome"], judge=body["judge"], details=body["details"],
            values=_values(body["details"]) or pair.values,
        )  # fmt: skip
        fold.set(comparisons=fold.view.comparisons + 1, ties=fold.view.ties + (body["outcome"] == "tie"))
    _answered(fold, body)


def _withdrawn(fold: Pairs, body: Body) -> None:
    pairs, waiting = fold.write()
    pair = pairs[body["index"]]
    opinions = {judge: said for judge, said in pair.opinions.items() if judge != body["judge"]}
    if body["second_opinion"]:
        pairs[pair.index] = replace(pair, opinions=opinions)
    else:
        insort(waiting, pair.index)
        pairs[pair.index] = replace(pair, opinions=opinions, outcome=None, judge="", details={})
        fold.set(comparisons=fold.view.comparisons - 1, ties=fold.view.ties - (pair.outcome == "tie"))
    _answered(fold, body)


def _skipped(fold: Pairs, body: Body) -> None:
    pairs, waiting = fold.write()
    waiting.remove(body["index"])
    pairs[body["index"]] = replace(pairs[body["index"]], skipped=True)
    _answered(fold, body)


def _updated(fold: Pairs, body: Body) -> None:
    view = fold.view
    points, stride, updates = thinned(list(view.points), view.stride, view.updates, body["metrics"])
    metrics = {**body["metrics"], "round": body["round"], "seconds": body.get("seconds")}
    fold.set(points=points, stride=stride, updates=updates, metrics=metrics)


def _verdict(fold: Pairs, body: Body) -> None:
    fold.set(verdict=body)


FOLDS: dict[str, Callable[[Pairs, Body], None]] = {
    "prepared": _prepared, "asked": _asked, "compared": _compared, "withdrawn": _withdrawn, "skipped": _skipped,
    "updated": _updated, "verdict": _verdict,
}  # fmt: skip
