"""What was expected of a design, in the objective's own unit: converted, or not shown; never in another unit."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest

from poets_core.runs.event_fields import ProposedCandidate
from poets_core.runs.events import Event, Observed, Prepared, Proposed, Updated
from poets_core.runs.export import candidates_csv
from poets_core.runs.views.fold import RunView, fold
from poets_core.types import Objective, ProblemInfo, contest_candidate
from tests.logs import claimed, recorded

SCALE = {"reward_location": 0.3, "reward_scale": 0.2, "reward_log": False}


def run(scale: dict[str, Any] | None, direction: str = "maximise", rounds: int = 2) -> list[Event]:
    """Two designs a round: one with a prediction of 1 +- 1/2 reward deviations, one that nothing was predicted of."""
    objective = Objective("binding", "nM", direction, None)  # type: ignore[arg-type]
    events: list[Event] = [claimed("0-1"), Prepared(ProblemInfo("fake/x", "fake", "X", (objective,)))]
    for r in range(rounds):
        # what POETS writes down before it has learnt anything: every design is as good as the mean
        told, sure = (0.0, 0.0) if r == 0 else (1.0, 0.5)
        events.append(
            Proposed(
                r,
                (
                    ProposedCandidate(f"{r}-0", r, r - 1, "branch", 0, "AC", "AC", "", -1.0, -2.0, told, sure),
                    ProposedCandidate(f"{r}-1", r, -1, "reference", 0, "AD", "AD", "", -1.0, -2.0, None, None),
                ),
            )
        )
        events += [Observed(r, f"{r}-{k}", f"x/{r}/{k}", (0.5,), (0.0,), True, "") for k in range(2)]
        events.append(Updated(r, dict(scale or {}), "c", "s", 1.0))
    return events


def expected(view: RunView, id: str) -> tuple[float | None, float | None, float | None]:
    c = view.candidates[id]
    return c.expected, c.expected_low, c.expected_high


def test_a_prediction_is_in_the_unit_of_the_value() -> None:
    view = fold(recorded(run(SCALE)))
    assert expected(view, "1-0") == pytest.approx((0.5, 0.3, 0.7))
    assert not view.candidates["1-0"].unit_unknown


def test_of_what_is_minimised_the_smaller_value_comes_first() -> None:
    # location -5: values about +5, lower ones better
    view = fold(recorded(run({"reward_location": -5.0, "reward_scale": 2.0, "reward_log": False}, "minimise")))
    assert expected(view, "1-0") == pytest.approx((3.0, 1.0, 5.0))


def test_where_rewards_are_logarithms_the_range_is_not_symmetric() -> None:
    view = fold(recorded(run({"reward_location": math.log(2), "reward_scale": math.log(3), "reward_log": True})))
    assert expected(view, "1-0") == pytest.approx((6.0, 2.0, 18.0))


def test_nothing_is_expected_before_the_first_update_nor_where_nothing_was_predicted() -> None:
    view = fold(recorded(run(SCALE)))
    for id in ("0-0", "0-1", "1-1"):
        assert expected(view, id) == (None, None, None)
        assert not view.candidates[id].unit_unknown


def test_a_prediction_is_put_on_the_scale_it_was_made_in() -> None:
    events = run(SCALE, rounds=3)
    events[-5] = Updated(1, {"reward_location": 3.0, "reward_scale": 2.0, "reward_log": False}, "c", "s", 1.0)
    view = fold(recorded(events))
    assert isinstance(events[-5], Updated)
    assert view.candidates["1-0"].expected == pytest.approx(0.5)
    assert view.candidates["2-0"].expected == pytest.approx(5.0)
    # whoever reads the log a page at a time sees the same
    lines = recorded(events)
    for cut in range(len(lines)):
        assert fold(lines[cut:], fold(lines[:cut])) == view


def test_a_run_without_its_scale_shows_nothing_false() -> None:
    view = fold(recorded(run(None)))
    assert expected(view, "1-0") == (None, None, None)
    assert view.candidates["1-0"].unit_unknown
    assert not view.candidates["0-0"].unit_unknown


def test_the_table_that_leaves_names_its_units() -> None:
    rows = list(csv.DictReader(io.StringIO(candidates_csv(fold(recorded(run(SCALE)))).decode())))
    by_id = {row["id"]: row for row in rows}
    assert by_id["1-0"]["unit"] == "nM"
    said = [float(by_id["1-0"][name]) for name in ("expected", "expected_low", "expected_high")]
    assert said == pytest.approx([0.5, 0.3, 0.7])
    assert (by_id["1-0"]["predicted_mean_reward_sd"], by_id["1-0"]["predicted_std_reward_sd"]) == ("1.0", "0.5")
    assert [by_id["0-0"][name] for name in ("expected", "expected_low", "expected_high")] == ["", "", ""]


def test_designs_are_told_from_measurements() -> None:
    """Two designs, measured again and again."""
    events = run(SCALE)
    view = fold(recorded(events))
    assert (view.calls, view.distinct, view.measured_in_words) == (4, 2, "4 measurements of 2 different designs")
    assert fold(recorded(events[:5])).measured_in_words == "2 designs measured"


def test_calls_of_a_contest_are_on_the_axis_and_in_no_round() -> None:
    events = run(SCALE)
    two = [
        ProposedCandidate(contest_candidate(0, k), 0, k, "contest", 0, d, d, "", -1.0, None, None, None)
        for k, d in enumerate(("AC", "AE"))
    ]
    at = next(i for i, e in enumerate(events) if isinstance(e, Updated)) + 1
    answers = [Observed(0, c.id, f"x/c0/{k}", (0.9 + k,), (0.0,), True, "") for k, c in enumerate(two)]
    view = fold(recorded([*events[:at], Proposed(0, tuple(two)), *answers, *events[at:]]))
    assert list(view.values) == [0.5, 0.5, 0.9, 1.9, 0.5, 0.5]
    assert view.best is not None
    assert (view.best.id, view.best.value) == ("c0-1", 1.9)
    assert (view.round_means, dict(view.round_ends), view.round_values) == ([0.5, 0.5], {0: 2, 1: 6}, [0.5] * 4)
    assert view.calls_in_words == "2 rounds (4) + 1 comparison (2) = 6 measurements"
    assert expected(view, "c0-0") == (None, None, None)
    assert expected(view, "1-0") == pytest.approx((0.5, 0.3, 0.7))
