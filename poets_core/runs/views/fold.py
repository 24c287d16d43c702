"""A run as pages see it: a fold over its events.

`fold(rest, fold(prefix)) == fold(all)`, and a view is never changed once it
was returned: a live page folds the few new events of each poll onto the view
it holds. Containers are copied at most once per call of `fold`, and only
those that the new events touch.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from poets_core.runs.events import Event
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import ExperimentView, PairView, experiment_summary
from poets_core.runs.views.experiment_fold import FOLDS, Pairs
from poets_core.runs.views.run import TOP, Best, CandidateView, RunView

__all__ = ["Best", "CandidateView", "ExperimentView", "PairView", "RunView", "fold", "summary"]


class _Draft:
    """A view being folded: copies a container the first time it is written."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.changes: dict[str, Any] = {}
        self.experiment = None if view.experiment is None else Pairs(view.experiment)

    def get(self, name: str) -> Any:
        return self.changes[name] if name in self.changes else getattr(self.view, name)

    def own(self, name: str) -> Any:
        if name not in self.changes:
            self.changes[name] = getattr(self.view, name).copy()
        return self.changes[name]

    def set(self, **values: Any) -> None:
        self.changes |= values


def fold(events: Iterable[Event], view: RunView | None = None) -> RunView:
    """Fold events, in order, onto a view.

    Args:
        events: events after `view.seq`; earlier ones are skipped, so a reader
            may hand over the same page twice.
        view: where to go on from, None for the beginning. It is not changed.
    """
    draft = _Draft(view or RunView())
    for event in events:
        if 0 < event.seq <= draft.get("seq"):
            continue
        if not draft.get("started"):
            draft.set(started=event.at)
        draft.set(seq=event.seq, last=event.at)
        if event.kind == "prepared" and "experiment" in event.body:
            draft.experiment = Pairs(ExperimentView())
        if draft.experiment is not None and event.kind in FOLDS:
            FOLDS[event.kind](draft.experiment, event.body)
        if event.kind in _FOLDS and not (draft.experiment is not None and event.kind == "updated"):
            _FOLDS[event.kind](draft, event.body)
    if draft.experiment is not None:
        draft.set(experiment=draft.experiment.view)
    return replace(draft.view, **draft.changes)


def _claimed(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.set(claims=draft.get("claims") + 1, device=body["device"], phase="running", finished=None, failed=None)
    draft.set(asked_again=draft.get("asked_again") + len(body["asked_again"]))


def _prepared(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.set(info=body["info"], backbone=body["backbone"], check=body.get("check"))


def _proposed(draft: _Draft, body: Mapping[str, Any]) -> None:
    candidates = draft.own("candidates")
    for c in body["candidates"]:
        candidates[c["id"]] = CandidateView(**{name: c[name] for name in _PROPOSED}, reason=c["reason"])


def _observed(draft: _Draft, body: Mapping[str, Any]) -> None:
    info = draft.get("info")
    objective = info["objectives"][0] if info else {}
    sign = -1.0 if objective.get("direction") == "minimise" else 1.0
    value = body["value"][0] if body["valid"] and body["value"] else None
    order, candidates = draft.own("order"), draft.own("candidates")
    order.append(body["candidate"])
    seen = replace(
        candidates[body["candidate"]], value=value, values=tuple(body["value"]),
        std=body["std"][0] if body["std"] else None, valid=body["valid"], reason=body["reason"],
        details=body["details"], order=len(order),
    )  # fmt: skip
    candidates[seen.id] = seen
    draft.own("values").append(value)
    best: Best | None = draft.get("best")
    if value is not None:
        signed = sign * value
        if best is None or signed > sign * best.value:
            best = Best(value, seen.design, seen.id)
        worst = draft.get("worst")
        total, n = draft.get("round_totals").get(body["round"], (0.0, 0))
        draft.own("round_totals")[body["round"]] = (total + value, n + 1)
        draft.set(best=best, worst=signed if worst is None else min(worst, signed))
        draft.set(valid_calls=draft.get("valid_calls") + 1)
    draft.own("best_so_far").append(None if best is None else best.value)
    _count_design(draft, seen.design, None if value is None else sign * value)
    stated = info["facts"].get("invalid_value") if info else None
    floor = draft.get("worst") if stated is None else sign * stated
    draft.own("regret").append(_add_regret(draft, objective.get("optimum"), sign, value, floor))


def _count_design(draft: _Draft, design: str, signed: float | None) -> None:
    """Keep the best value of each distinct design, and the sorted best hundred of them."""
    if not design:
        draft.set(undecodable=draft.get("undecodable") + 1)
        return
    by_design, top = draft.own("by_design"), draft.own("top")
    old = by_design.get(design)
    if signed is None or (old is not None and signed <= old):
        by_design.setdefault(design, None)
        return
    by_design[design] = signed
    if old is not None and (at := bisect_left(top, old)) < len(top) and top[at] == old:
        del top[at]
    insort(top, signed)
    del top[:-TOP]


def _add_regret(
    draft: _Draft, optimum: float | None, sign: float, value: float | None, floor: float | None
) -> float | None:
    """One call's regret; calls before anything says what an invalid design is worth are added then."""
    if optimum is None:
        return None
    if floor is None:
        draft.set(undecided=draft.get("undecided") + 1)
        return None
    gap = sign * optimum - (floor if value is None else sign * value)
    total = draft.get("regret_so_far") + gap + draft.get("undecided") * (sign * optimum - floor)
    draft.set(regret_so_far=total, undecided=0)
    return float(total)


def _updated(draft: _Draft, body: Mapping[str, Any]) -> None:
    kept = {name: body.get(name) for name in ("round", "seconds", "checkpoint", "sha256")}
    draft.own("rounds").append({**body["metrics"], **kept})


def _contest(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.own("contests").append(body)
    draft.set(contest_calls=draft.get("contest_calls") + body["calls"])


def _state(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.set(phase=body["state"])


def _artifact(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.own("artifacts").append(body)


def _finished(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.set(finished=body["reason"])


def _failed(draft: _Draft, body: Mapping[str, Any]) -> None:
    draft.set(failed=f"{body['error']}: {body['message']}")


_PROPOSED = (
    "id", "round", "branch", "source", "prompt", "design", "text",
    "log_prob", "reference_log_prob", "predicted_mean", "predicted_std",
)  # fmt: skip
_FOLDS = {
    "claimed": _claimed, "prepared": _prepared, "proposed": _proposed, "observed": _observed, "updated": _updated,
    "state": _state, "artifact": _artifact, "finished": _finished, "failed": _failed,
    "contest": _contest,
}  # fmt: skip


def summary(view: RunView, status: RunStatus) -> dict[str, Any]:
    """Return a run in a dozen numbers, as JSON data (`show --json`).

    Args:
        view: fold of all events.
        status: of the worker.
    """
    if view.experiment is not None:
        return {
            "state": status.state,
            "reason": status.reason,
            "problem": (view.info or {}).get("name"),
            **experiment_summary(view.experiment),
            "workers": view.claims,
        }
    best = view.best
    deploy = {} if not view.contests else {"deploy": deploy_of(view.contests[-1])}
    return {
        "state": status.state,
        "reason": status.reason,
        "problem": (view.info or {}).get("name"),
        "calls": view.calls,
        "rounds": len(view.rounds),
        "best": None if best is None else {"value": best.value, "design": best.design, "id": best.id},
        "optimum": view.objective.get("optimum"),
        "top_100_mean": view.top_100_mean,
        "cumulative_regret": view.cumulative_regret,
        "unique_fraction": view.unique_fraction,
        "valid_fraction": view.valid_fraction,
        "asked_again": view.asked_again,
        "workers": view.claims,
        **deploy,
    }


def deploy_of(contest: Mapping[str, Any]) -> dict[str, Any]:
    """Return which branch a contest found to be the one to deploy: its verdict, and after how many rounds."""
    verdict = contest["verdict"]
    return {
        "round": contest["round"],
        "branch": None if verdict["policy"] is None else int(verdict["policy"].removeprefix("branch ")),
        "error_bound": verdict["error_bound"],
        "verdict": verdict["kind"],
        "left": verdict["left"],
        "comparisons": verdict["comparisons"],
    }
