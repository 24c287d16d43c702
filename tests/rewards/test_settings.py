"""Settings are checked where they are made, and the message names the field."""

from __future__ import annotations

from dataclasses import fields

import pytest

from poets_core.errors import InvalidSpec
from poets_core.rewards.settings import REAL, WHOLE, RewardSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("branches", 0),
        ("branches", 2.0),
        ("branches", True),
        ("step_group", 1),
        ("replay", -1),
        ("beta", -0.1),
        ("beta", float("nan")),
        ("learning_rate", 0),
        ("learning_rate", float("inf")),
        ("clip", 1.0),
        ("method", "gropo"),
        ("bootstrap", "answer"),
        ("centre", ""),
        ("rounds", "3"),
        ("colour", 1),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(InvalidSpec, match=name) as found:
        RewardSettings().changed(**{name: value})
    assert found.value.field == name


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "grpo", "branches": 2}, "branches"),
        ({"method": "grpo", "branches": 1, "prior_scale": 0.1}, "prior_scale"),
        ({"method": "grpo", "branches": 1, "group": 1}, "group"),
        ({"method": "perturb", "branches": 4, "top": 5}, "top"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(changes, field):
    with pytest.raises(InvalidSpec) as found:
        RewardSettings().changed(**changes)
    assert found.value.field == field


def test_every_field_is_checked():
    assert {f.name for f in fields(RewardSettings)} == {*WHOLE, *REAL, "method", "bootstrap", "centre"}
