"""Settings are checked where they are made, and the message names the field."""

from __future__ import annotations

import pytest

from poets_core.errors import InvalidSpec
from poets_core.spec.reward_settings import TITLES, USUAL, RewardSettings


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
        ({"method": "grpo", "branches": 1, "entropy": 0.1}, "entropy"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(changes, field):
    with pytest.raises(InvalidSpec) as found:
        RewardSettings().changed(**changes)
    assert found.value.field == field


@pytest.mark.parametrize("name", RewardSettings.model_fields)
def test_every_field_is_checked_and_explained(name):
    field = RewardSettings.model_fields[name]
    assert field.title
    with pytest.raises(InvalidSpec) as found:
        RewardSettings().changed(**{name: object()})
    assert found.value.field == name


@pytest.mark.parametrize("method", TITLES)
def test_what_a_new_run_of_each_method_begins_with_is_allowed(method):
    assert RewardSettings().changed(method=method, **USUAL[method]).method == method


@pytest.mark.parametrize(("every", "judged"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3, 4]), (9, [4])])
def test_the_last_round_is_judged_whatever_else_is(every, judged):
    settings = RewardSettings(rounds=5, judge_every=every)
    assert [r for r in range(5) if settings.judged(r)] == judged
