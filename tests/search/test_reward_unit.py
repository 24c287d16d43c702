"""Rewards turned back into values: closed forms, and the inverse of what the search does to values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.reward import HEADROOM, WINSOR, RewardUnit, unit_of
from poets_core.search.reward import fit_scale
from poets_core.types import Direction


def test_a_linear_scale_and_its_interval_by_hand() -> None:
    unit = RewardUnit(1.0, False, location=0.3, scale=0.2)
    assert unit.value(0.0) == 0.3
    assert unit.value(1.5) == pytest.approx(0.6)
    assert unit.interval(1.0, 0.25) == pytest.approx((0.4, 0.6))


def test_what_is_minimised_turns_round() -> None:
    # values -2, -4, ... are signed +2, +4, ...: a reward of 1 is a location of 3 and a scale of 2 lower in value
    unit = RewardUnit(-1.0, False, location=3.0, scale=2.0)
    assert unit.value(1.0) == -5.0
    assert unit.interval(1.0, 0.5) == (-7.0, -3.0)  # the smaller value first


def test_under_the_logarithm_an_interval_is_not_symmetric() -> None:
    unit = RewardUnit(1.0, True, location=math.log(2.0), scale=math.log(3.0))
    assert unit.value(0.0) == pytest.approx(2.0)
    assert unit.interval(1.0, 0.5) == pytest.approx((2.0, 18.0))
    assert unit.value(1.0) == pytest.approx(6.0)  # the geometric middle


def test_the_ends_of_the_scale() -> None:
    unit = RewardUnit(1.0, False, location=0.0, scale=1.0)
    assert unit.value(-WINSOR - 3.0) == -WINSOR  # values below are not told apart
    assert unit.value(WINSOR + HEADROOM / 2) == pytest.approx(WINSOR + HEADROOM)  # o / (1 + o) = 1/2, so o = 1
    assert unit.value(WINSOR + HEADROOM) is None
    assert unit.interval(WINSOR, 1.0) == (3.0, None)
    assert RewardUnit(-1.0, False, 0.0, 1.0).interval(WINSOR, 1.0) == (None, -3.0)
    assert RewardUnit(1.0, True, 0.0, 1e6).value(4.0) is None  # larger than any number


@given(
    values=st.lists(st.floats(0.01, 1e4), min_size=3, max_size=40, unique=True),
    transform=st.sampled_from(["auto", "z", "log"]),
    direction=st.sampled_from(["maximise", "minimise"]),
)
def test_it_is_the_inverse_of_what_the_search_does(values: list[float], transform: str, direction: Direction) -> None:
    if direction == "minimise" and transform == "log":
        transform = "z"
    x = np.array(values)
    scale = fit_scale(x, np.ones(len(x), dtype=bool), direction=direction, transform=transform)
    metrics: dict[str, Any] = {
        "reward_location": scale.location, "reward_scale": scale.scale, "reward_log": scale.log,
    }  # fmt: skip
    unit = unit_of(metrics, direction)
    assert unit is not None
    rewards = scale.rewards(x, np.ones(len(x), dtype=bool))
    for value, reward in zip(values, rewards.tolist(), strict=True):
        if reward > -WINSOR:
            told_apart = max(value, scale.floor) if scale.log else value
            assert unit.value(reward) == pytest.approx(told_apart, rel=1e-6, abs=1e-9 * scale.scale)


def test_figures_without_a_unit_have_none() -> None:
    assert unit_of({}, "maximise") is None
    assert unit_of({"reward_location": 0.0, "reward_scale": None, "reward_log": False}, "maximise") is None
