"""A run as pages see it: a fold over its events.

`fold(rest, fold(prefix)) == fold(all)`, and a view is never changed once it
was returned: a live page folds the few new events of each poll onto the view
it holds. Containers are copied at most once per call of `fold`, and only
those that the new events touch.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from poets_core.reward import RewardUnit, unit_of
from poets_core.runs.events import (
    ArtifactMade,
    Claimed,
    ContestPlayed,
    Event,
    Failed,
    Finished,
    Observed,
    Prepared,
    Proposed,
    Recorded,
    StateChanged,
    Updated,
)
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import ExperimentView, PairView, experiment_summary
from poets_core.runs.views.experiment_fold import ExperimentFold
from poets_core.runs.views.run import LEADERS, TOP, Best, CandidateView, RunView
from poets_core.types import ProblemInfo, branch_of, contest_candidate

__all__ = ["Best", "CandidateView", "ExperimentView", "PairView", "RunView", "fold", "summary"]


class _Draft:
    """A view being folded: copies a container the first time it is written."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.changes: dict[str, Any] = {}
        self.experiment = None if view.experiment is None else ExperimentFold(view.experiment)

    def get(self, name: str) -> Any:
        return self.changes[name] if name in self.changes else getattr(self.view, name)

    def own(self, name: str) -> Any:
        if name not in self.changes:
            self.changes[name] = getattr(self.view, name).copy()
        return self.changes[name]

    def set(self, **values: Any) -> None:
        self.changes |= values


def fold(events: Iterable[Recorded], view: RunView | None = None) -> RunView:
    """Fold events, in order, onto a view.

    Args:
        events: events after `view.seq`; earlier ones are skipped, so a reader
            may hand over the same page twice.
        view: where to go on from, None for the beginning. It is not changed.
    """
    draft = _Draft(view or RunView())
    for line in events:
        if 0 < line.seq <= draft.get("seq"):
            continue
        if not draft.get("started"):
            draft.set(started=line.at)
        draft.set(seq=line.seq, last=line.at)
        event = line.event
        if isinstance(event, Prepared) and event.experiment is not None:
            draft.experiment = ExperimentFold(ExperimentView())
        if draft.experiment is not None:
            draft.experiment.add(event)
        _add(draft, event, line.at)
    if draft.experiment is not None:
        draft.set(experiment=draft.experiment.view)
    return replace(draft.view, **draft.changes)


def _add(draft: _Draft, event: Event, at: float) -> None:
    match event:  # the most frequent kinds first
        case Observed():
            _observed(draft, event, at)
        case Proposed():
            _proposed(draft, event)
        case Updated():
            if draft.experiment is None:  # of an experiment: a figure of its evidence, and no round
                draft.own("rounds").append(event)
        case Claimed():
            draft.set(claims=draft.get("claims") + 1, device=event.device, phase="running", finished=None, failed=None)
            draft.set(asked_again=draft.get("asked_again") + len(event.asked_again))
        case Prepared():
            draft.set(info=event.info, backbone=event.backbone, check=event.check)
        case StateChanged():
            draft.set(phase=event.state)
        case ArtifactMade():
            draft.own("artifacts").append(event)
        case ContestPlayed():
            draft.own("contests").append(event)
            # Of contests of older programs nothing but the number of calls is known.
            if contest_candidate(event.round, 0) not in draft.get("candidates"):
                draft.set(contest_calls=draft.get("contest_calls") + event.calls)
        case Finished():
            draft.set(finished=event.reason)
        case Failed():
            draft.set(failed=f"{event.error}: {event.message}")


def _proposed(draft: _Draft, event: Proposed) -> None:
    candidates, unit = draft.own("candidates"), _unit(draft)
    for c in event.candidates:
        expected, low, high = _in_unit(unit, c.predicted_mean, c.predicted_std)
        candidates[c.id] = CandidateView(
            c.id,
            c.round,
            c.branch,
            c.source,
            c.prompt,
            c.design,
            c.text,
            c.log_prob,
            c.reference_log_prob,
            c.predicted_mean,
            c.predicted_std,
            expected,
            low,
            high,
            reason=c.reason,
        )


def _unit(draft: _Draft) -> RewardUnit | None:
    """The unit of rewards that coming candidates are predicted in: that of the last update; None before one.

    Before the first update nothing is predicted, whatever is written down.
    """
    rounds, info = draft.get("rounds"), draft.get("info")
    if not rounds or info is None:
        return None
    return unit_of(rounds[-1].metrics, info.objectives[0].direction)


def _in_unit(
    unit: RewardUnit | None, mean: float | None, std: float | None
) -> tuple[float | None, float | None, float | None]:
    if unit is None or mean is None:
        return None, None, None
    return unit.value(mean), *((None, None) if std is None else unit.interval(mean, std))


def _observed(draft: _Draft, event: Observed, at: float) -> None:
    info: ProblemInfo | None = draft.get("info")
    objective = draft.view.objective if info is None else info.objectives[0]
    sign = -1.0 if objective.direction == "minimise" else 1.0
    value = event.first
    order, candidates = draft.own("order"), draft.own("candidates")
    order.append(event.candidate)
    contest = candidates[event.candidate].source == "contest"
    if contest:
        draft.set(contested=draft.get("contested") + 1)
    else:
        draft.own("round_ends")[event.round] = len(order)
    seen = replace(
        candidates[event.candidate],
        value=value,
        values=event.value,
        std=event.std[0] if event.std else None,
        valid=event.valid,
        reason=event.reason,
        details=event.details,
        order=len(order),
    )
    candidates[seen.id] = seen
    draft.own("values").append(value)
    best: Best | None = draft.get("best")
    if value is not None:
        signed = sign * value
        if best is None or signed > sign * best.value:
            best = Best(value, seen.design, seen.id, at)
            draft.own("records").append(len(order) - 1)
        worst = draft.get("worst")
        if not contest:  # what branches write by themselves says nothing of what a round has chosen
            total, n = draft.get("round_totals").get(event.round, (0.0, 0))
            draft.own("round_totals")[event.round] = (total + value, n + 1)
        draft.set(best=best, worst=signed if worst is None else min(worst, signed))
        draft.set(valid_calls=draft.get("valid_calls") + 1)
    draft.own("best_so_far").append(None if best is None else best.value)
    if value is not None and seen.design:
        _lead(draft, seen, sign)
    _count_design(draft, seen.design, None if value is None else sign * value)
    stated = None if info is None else info.facts.get("invalid_value")
    floor = draft.get("worst") if stated is None else sign * stated
    draft.own("regret").append(_add_regret(draft, objective.optimum, sign, value, floor))


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


def _lead(draft: _Draft, seen: CandidateView, sign: float) -> None:
    """Place a measured design among the best distinct ones, if it belongs there."""
    leaders, candidates = draft.get("leaders"), draft.get("candidates")

    def rank(id: str) -> float:
        return float(-sign * candidates[id].value)

    # Most designs end here: nothing is copied for them.
    if len(leaders) == LEADERS and rank(seen.id) >= rank(leaders[-1]):
        return
    same = [id for id in leaders if candidates[id].design == seen.design]
    if same and rank(same[0]) <= rank(seen.id):
        return
    leaders = draft.own("leaders")
    for id in same:
        leaders.remove(id)
    insort(leaders, seen.id, key=rank)
    del leaders[LEADERS:]


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
            "problem": None if view.info is None else view.info.name,
            **experiment_summary(view.experiment),
            "workers": view.claims,
        }
    best = view.best
    deploy = {} if not view.contests else {"deploy": deploy_of(view.contests[-1])}
    return {
        "state": status.state,
        "reason": status.reason,
        "problem": None if view.info is None else view.info.name,
        "calls": view.calls,
        "rounds": len(view.rounds),
        "best": None if best is None else {"value": best.value, "design": best.design, "id": best.id},
        "optimum": view.objective.optimum,
        "top_100_mean": view.top_100_mean,
        "cumulative_regret": view.cumulative_regret,
        "unique_fraction": view.unique_fraction,
        "valid_fraction": view.valid_fraction,
        "asked_again": view.asked_again,
        "workers": view.claims,
        **deploy,
    }


def deploy_of(contest: ContestPlayed) -> dict[str, Any]:
    """Return which branch a contest found to be the one to deploy: its verdict, and after how many rounds."""
    verdict = contest.verdict
    return {
        "round": contest.round,
        "branch": None if verdict.policy is None else branch_of(verdict.policy),
        "error_bound": verdict.error_bound,
        "verdict": verdict.kind,
        "left": list(verdict.left),
        "comparisons": verdict.comparisons,
    }
