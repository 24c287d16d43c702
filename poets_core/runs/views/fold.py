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
from poets_core.runs.reward_events import RewardsBegun
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import ExperimentView, PairView, experiment_summary
from poets_core.runs.views.experiment_fold import ExperimentFold
from poets_core.runs.views.rewards import RewardsView, begun, rewards_summary
from poets_core.runs.views.run import LEADERS, TOP, Best, CandidateView, RunView
from poets_core.types import BEFORE, ProblemInfo, branch_of, contest_candidate

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
        rewards: RewardsView | None = draft.get("rewards")
        if isinstance(event, RewardsBegun):
            draft.set(rewards=begun(event))
        elif rewards is not None and (more := rewards.add(event)) is not rewards:
            draft.set(rewards=more)
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
            if event.round == BEFORE:
                draft.set(learnt=event)
            elif draft.experiment is None:  # of an experiment: a figure of its evidence, and no round
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
    last = rounds[-1] if rounds else draft.get("learnt")
    if last is None or info is None:
        return None
    return unit_of(last.metrics, info.objectives[0].direction)


def _in_unit(
    unit: RewardUnit | None, mean: float | None, std: float | None
) -> tuple[float | None, float | None, float | None]:
    if unit is None or mean is None:
        return None, None, None
    return unit.value(mean), *((None, None) if std is None else unit.interval(mean, std))


def _observed(draft: _Draft, event: Observed, at: float) -> None:
    candidates = draft.own("candidates")
    old: CandidateView = candidates[event.candidate]
    again = old.valid is not None
    given = old.source == "given"
    order = old.order if again or given else len(draft.get("order")) + 1
    candidates[old.id] = seen = replace(
        old,
        value=event.first,
        values=event.value,
        std=event.std[0] if event.std else None,
        valid=event.valid,
        reason=event.reason,
        details=event.details,
        order=order,
        at=at,
        missing=event.missing,
        was=(*old.was, old.value) if again else (),
    )
    if again:
        _count_anew(draft)
        return
    draft.own("given" if given else "order").append(old.id)
    _count(draft, seen)


_COUNTED = (
    "values",
    "best_so_far",
    "regret",
    "best",
    "records",
    "leaders",
    "valid_calls",
    "worst",
    "regret_so_far",
    "undecided",
    "undecodable",
    "by_design",
    "top",
    "round_totals",
    "round_ends",
    "contested",
)
"""What `_count` adds to."""


def _count_anew(draft: _Draft) -> None:
    """Count everything once more, because a value was corrected: maxima and sums cannot be taken back."""
    empty = RunView()
    draft.set(**{name: getattr(empty, name) for name in _COUNTED})
    candidates, given, order = (draft.get(name) for name in ("candidates", "given", "order"))
    for number, id in enumerate([*given, *order], 1 - len(given)):
        _count(draft, candidates[id], number)


def _count(draft: _Draft, seen: CandidateView, calls: int | None = None) -> None:
    """Add a measured candidate to the series, the best designs and the sums.

    Args:
        draft: of the view.
        seen: the candidate.
        calls: how many oracle calls were made with it; None: as many as are in `order`.
    """
    info: ProblemInfo | None = draft.get("info")
    objective = draft.view.objective if info is None else info.objectives[0]
    sign = -1.0 if objective.direction == "minimise" else 1.0
    given, contest = seen.source == "given", seen.source == "contest"
    calls = len(draft.get("order")) if calls is None else calls
    if contest:
        draft.set(contested=draft.get("contested") + 1)
    elif not given:
        draft.own("round_ends")[seen.round] = calls
    if seen.value is not None:
        _add_value(draft, seen, sign, calls)
    if given:
        return
    draft.own("values").append(seen.value)
    best: Best | None = draft.get("best")
    draft.own("best_so_far").append(None if best is None else best.value)
    _count_design(draft, seen.design, None if seen.value is None else sign * seen.value)
    stated = None if info is None else info.facts.get("invalid_value")
    floor = draft.get("worst") if stated is None else sign * stated
    draft.own("regret").append(_add_regret(draft, objective.optimum, sign, seen.value, floor))


def _add_value(draft: _Draft, seen: CandidateView, sign: float, calls: int) -> None:
    """Compare a value with the best ones, and add it to the sums of its round."""
    value, given = seen.value or 0.0, seen.source == "given"
    best: Best | None = draft.get("best")
    if best is None or sign * value > sign * best.value:
        draft.set(best=Best(value, seen.design, seen.id, seen.at))
        if not given:
            draft.own("records").append(calls - 1)
    if seen.design:
        _lead(draft, seen, sign)
    if given:  # in no figure of what the run itself has measured
        return
    worst = draft.get("worst")
    if seen.source != "contest":  # what branches write by themselves says nothing of what a round has chosen
        total, n = draft.get("round_totals").get(seen.round, (0.0, 0))
        draft.own("round_totals")[seen.round] = (total + value, n + 1)
    draft.set(worst=sign * value if worst is None else min(worst, sign * value))
    draft.set(valid_calls=draft.get("valid_calls") + 1)


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
    if view.rewards is not None:
        return {
            "state": status.state,
            "reason": status.reason,
            **rewards_summary(view.rewards, view.rounds),
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
        **_read_of(view),
        **deploy,
    }


def _read_of(view: RunView) -> dict[str, Any]:
    """Return which columns of a table were read and which way is better; nothing of a problem without a table."""
    facts = {} if view.info is None else view.info.facts
    names = [name for name in ("variant_column", "value_column") if facts.get(name)]
    return {name: facts[name] for name in names} | ({"direction": view.objective.direction} if names else {})


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
