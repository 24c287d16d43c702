"""Folding events: any split gives the same view, and the numbers are those of a plain recount."""

from __future__ import annotations

import copy
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poets_core.runs.event_fields import ProposedCandidate, jsonable
from poets_core.runs.events import (
    ArtifactMade,
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
from poets_core.runs.views.fold import RunView, fold, summary
from poets_core.runs.views.run import LEADERS
from poets_core.types import Objective, ProblemInfo
from tests.logs import claimed, recorded

STATUS = RunStatus("running", "", "", 1, "w", "h", 1, 0.0, 0.0, "")


def prepared(direction: str = "maximise", optimum: float | None = 10.0, **facts: Any) -> Prepared:
    objective = Objective("value", "unit", direction, optimum)  # type: ignore[arg-type]
    return Prepared(ProblemInfo("fake/x", "fake", "X", (objective,), facts=facts), {"source": "fake"})


def proposed(round: int, designs: list[str]) -> Proposed:
    candidates = [
        ProposedCandidate(f"{round}-{i}", round, i % 3, "branch", 0, d, d, "", -1.0, -2.0, 0.1, 0.2)
        for i, d in enumerate(designs)
    ]
    return Proposed(round, tuple(candidates))


def observed(round: int, slot: int, value: float | None) -> Observed:
    reason = "" if value is not None else "no"
    return Observed(
        round, f"{round}-{slot}", f"r/{round}/{slot}", (value,), (0.0,), value is not None, reason, {"n": slot}
    )


def log(rounds: list[list[tuple[str, float | None]]], **facts: Any) -> list[Event]:
    events: list[Event] = [claimed("0-1"), prepared(**facts)]
    for number, rows in enumerate(rounds):
        events.append(proposed(number, [design for design, _ in rows]))
        events += [observed(number, slot, value) for slot, (_, value) in enumerate(rows)]
        events.append(Updated(number, {"loss": 0.5 * number, "per_branch": [1, None]}, "c", "s", 1.0))
    return events


def view_of(rounds: list[list[tuple[str, float | None]]], **facts: Any) -> RunView:
    return fold(recorded(log(rounds, **facts)))


values = st.one_of(st.none(), st.floats(-50, 10, allow_nan=False).map(lambda x: round(x, 3)))
rows = st.lists(st.tuples(st.sampled_from(["", "A", "B", "C", "D", "AA", "AB"]), values), min_size=1, max_size=8)
logs = st.builds(
    lambda rounds, optimum, direction, facts, tail: recorded(
        log(rounds, optimum=optimum, direction=direction, **facts) + tail
    ),
    st.lists(rows, max_size=6),
    st.sampled_from([None, 10.0, -60.0]),
    st.sampled_from(["maximise", "minimise"]),
    st.sampled_from([{}, {"invalid_value": 0.0}, {"invalid_value": -7.0}]),
    st.sampled_from(
        [
            [],
            [StateChanged("paused"), Finished("budget")],
            [Failed("E", "m"), claimed(device="cuda")],
            [ArtifactMade("a", "text/csv", "artifacts/a", "s")],
        ]
    ),
)


@settings(max_examples=300, deadline=None)
@given(logs, st.lists(st.integers(0, 60), max_size=4))
def test_any_split_gives_the_same_view(events: list[Recorded], cuts: list[int]) -> None:
    whole, view, last = fold(events), RunView(), 0
    for cut in [*sorted(cuts), len(events)]:
        before, kept = view, copy.deepcopy(view)
        view = fold(events[last : max(cut, last)], view)
        assert before == kept  # the view that was handed in is not changed
        last = max(cut, last)
    assert view == whole


@given(logs, st.integers(0, 60))
def test_events_handed_over_twice_count_once(events: list[Recorded], cut: int) -> None:
    assert fold(events, fold(events[:cut])) == fold(events)


def leaders(view: RunView, sign: float) -> list[str]:
    """Ids of the best distinct designs, found by sorting all of them; of equal ones, the earliest."""
    measured = [view.candidates[id] for id in view.order if view.candidates[id].value is not None]
    ranked = sorted(measured, key=lambda c: -sign * (c.value or 0.0))
    first = {c.design: c.id for c in reversed(ranked) if c.design}
    return [c.id for c in ranked if first.get(c.design) == c.id][:LEADERS]


def test_of_many_designs_the_best_ones_lead() -> None:
    view = view_of([[(chr(65 + (7 * k + r) % 26), float((k * r) % 17)) for k in range(26)] for r in range(4)])
    assert list(view.leaders) == leaders(view, 1.0)
    assert len(view.leaders) == LEADERS


@settings(max_examples=200, deadline=None)
@given(logs)
def test_numbers_agree_with_a_plain_recount(events: list[Recorded]) -> None:
    view = fold(events)
    assert view.info is not None
    facts, objective = view.info.facts, view.info.objectives[0]
    sign = -1.0 if objective.direction == "minimise" else 1.0
    calls = [(c.design, c.value) for c in view.candidates.values()]
    valid = [v for _, v in calls if v is not None]
    assert view.calls == len(calls)
    assert list(view.values) == [v for _, v in calls]
    if not calls:
        return
    assert view.valid_fraction == len(valid) / len(calls)
    assert view.unique_fraction == len({d for d, _ in calls if d}) / len(calls)
    if not valid:
        assert view.best is None
        assert view.top_100_mean is None
        return
    best = max(valid, key=lambda v: sign * v)
    assert view.best is not None
    assert view.best.value == best == view.best_so_far[-1]
    assert view.candidates[view.best.id].design == view.best.design
    signed = [float("-inf") if v is None else sign * v for _, v in calls]
    assert list(view.records) == [i for i, v in enumerate(signed) if v > max(signed[:i], default=float("-inf"))]
    assert view.best.id == view.order[view.records[-1]]
    assert view.best.at > 0
    assert list(view.leaders) == leaders(view, sign)
    floor = facts.get("invalid_value", min(valid, key=lambda v: sign * v))
    by_design: dict[str, float | None] = {}
    nameless = 0
    for design, value in calls:
        if not design:
            nameless += 1
        elif value is None:
            by_design.setdefault(design, None)
        else:
            old = by_design.get(design)
            by_design[design] = value if old is None else sign * max(sign * old, sign * value)
    named = [v for v in by_design.values() if v is not None]
    if named:
        top = [*named, *[floor] * (len(by_design) - len(named) + nameless)]
        assert view.top_100_mean == pytest.approx(sum(top) / len(top))
    optimum = objective.optimum
    if optimum is None:
        assert view.cumulative_regret is None
    elif "invalid_value" in facts:
        regret = sum(sign * (optimum - (floor if v is None else v)) for _, v in calls)
        assert view.cumulative_regret == pytest.approx(regret)


def test_regret_of_invalid_designs_without_a_stated_value() -> None:
    """By hand: optimum 10; invalid before anything valid waits for the first value, later ones take the worst."""
    view = view_of([[("A", None), ("B", 4.0), ("C", None), ("D", 2.0), ("", None)]])
    assert list(view.regret) == [None, 12.0, 18.0, 26.0, 34.0]


def test_minimising() -> None:
    view = view_of([[("A", 3.0), ("B", 1.0), ("C", 2.0)]], direction="minimise", optimum=0.5)
    assert list(view.best_so_far) == [3.0, 1.0, 1.0]
    assert list(view.regret) == [2.5, 3.0, 4.5]
    assert view.top_100_mean == 2.0


def test_top_100_keeps_the_best_hundred_distinct_designs() -> None:
    many = [(f"D{i}", float(i)) for i in range(250)] + [("D249", 249.0), ("D0", 500.0)]
    view = view_of([many], optimum=None)
    assert view.top_100_mean == pytest.approx((sum(range(151, 250)) + 500.0) / 100)
    assert view.unique_fraction == 250 / 252


def test_rounds_means_and_state() -> None:
    view = view_of([[("A", 1.0), ("B", None), ("C", 3.0)], [("D", None)], [("E", 5.0)]])
    assert view.round_means == [2.0, None, 5.0]
    assert view.rounds[1] == Updated(1, {"loss": 0.5, "per_branch": [1, None]}, "c", "s", 1.0)
    assert view.metrics == {"loss": 1.0, "per_branch": [1, None]}
    assert (view.asked_again, view.claims, view.device, view.phase) == (1, 1, "cpu", "running")
    again = fold(recorded([Failed("E", "m")], 500), view)
    assert again.failed == "E: m"
    assert fold(recorded([claimed()], 501), again).failed is None


def test_summary_is_json() -> None:
    view = view_of([[("A", 1.0), ("B", None)]], invalid_value=0.0)
    assert jsonable(summary(view, STATUS)) == {
        "state": "running", "reason": "", "problem": "fake/x", "calls": 2, "rounds": 1,
        "best": {"value": 1.0, "design": "A", "id": "0-0"}, "optimum": 10.0, "top_100_mean": 0.5,
        "cumulative_regret": 19.0, "unique_fraction": 1.0, "valid_fraction": 0.5, "asked_again": 1, "workers": 1,
    }  # fmt: skip
    assert summary(fold([]), STATUS)["best"] is None


def test_a_few_events_onto_many_candidates_are_cheap() -> None:
    """A live page folds a few events onto a long run; the aim is far below its 60 ms tick."""
    events = recorded(log([[(f"D{r}-{i}", float(i)) for i in range(100)] for r in range(200)]))
    events += recorded([proposed(200, ["E0", "E1"])], events[-1].seq + 1)
    view = fold(events)
    more = recorded([observed(200, 0, 3.0), observed(200, 1, None)], events[-1].seq + 1)
    times = []
    for _ in range(5):
        began = time.process_time()  # of this process: others may keep the cores busy
        fold(more, view)
        times.append(time.process_time() - began)
    assert min(times) < 0.03


def test_a_corrected_value_counts_as_if_it_had_been_told_first() -> None:
    wrong = log([[("A", 1.0), ("B", 9.0), ("C", None)], [("D", 2.0), ("A", 3.0)]])
    right = log([[("A", 1.0), ("B", 0.5), ("C", None)], [("D", 2.0), ("A", 3.0)]])
    view = fold(recorded([*wrong, observed(0, 1, 0.5)]))
    wanted = fold(recorded(right))
    assert view.candidates["0-1"].was == (9.0,)
    assert view.candidates["0-1"].value == 0.5
    for name in RunView.__dataclass_fields__:
        if name not in ("candidates", "seq", "last", "best"):
            assert getattr(view, name) == getattr(wanted, name), name
    assert view.best is not None
    assert (view.best.value, view.best.design) == (3.0, "A")
    twice = fold(recorded([observed(0, 1, 7.0)], 900), view)
    assert twice.candidates["0-1"].was == (9.0, 0.5)
    assert twice.best is not None
    assert twice.best.value == 7.0


def test_jsonable() -> None:
    import numpy as np

    given_ = {"a": np.float64("nan"), "b": np.arange(3), "c": (1, math.inf, True), 4: np.bool_(False), "s": {2, 1}}
    assert jsonable(given_) == {"a": None, "b": [0, 1, 2], "c": [1, None, True], "4": False, "s": [1, 2]}
    with pytest.raises(TypeError, match="bytes"):
        jsonable({"x": b""})


def test_a_run_on_a_table_says_which_columns_and_which_way() -> None:
    view = fold(recorded([claimed(), prepared("minimise", variant_column="Combo", value_column="Kd (nM)")]))
    found = summary(view, STATUS)
    assert (found["variant_column"], found["value_column"], found["direction"]) == ("Combo", "Kd (nM)", "minimise")
    assert "direction" not in summary(fold(recorded([claimed(), prepared()])), STATUS)
