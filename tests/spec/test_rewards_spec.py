"""The spec of a run that learns from rewards: what it needs, what contradicts itself, and that JSON keeps it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidSpec
from poets_core.runs.uploads import files_of, with_paths
from poets_core.spec import GivenAnswers, ProblemSpec, RewardSettings, RewardsSpec, parse_spec
from poets_core.spec.memory import ModelSize, estimate_rewards_memory

TASK = {"name": "text/own", "params": {"file": "/a/tasks.jsonl"}}


def spec(**parts: Any) -> RewardsSpec:
    made = parse_spec({"version": 2, "kind": "rewards", "task": TASK, **parts})
    assert isinstance(made, RewardsSpec)
    return made


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"task": None}, "task"),
        ({"task": None, "given": {"file": "a"}}, "given.alone"),
        ({"given": {"alone": True}}, "given.file"),
        ({"given": {"file": "a", "alone": True}, "rewards": {"method": "perturb"}}, "rewards.method"),
        ({"given": {"file": "a", "alone": True}, "rewards": {"method": "dyjr", "branches": 1}}, "rewards.method"),
        ({"rewards": {"method": "grpo", "branches": 2}}, "rewards.branches"),
        ({"rewards": {"branches": 2.0}}, "rewards.branches"),
        ({"rewards": {"beta": float("nan")}}, "rewards.beta"),
        ({"backbone": {"template": "jinja"}}, "backbone.template"),
        ({"samples": 33}, "samples"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_cannot_be_run_is_refused_by_its_field(parts: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpec) as found:
        spec(**parts)
    assert field in found.value.fields


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        RewardSettings,
        branches=st.integers(1, 1024),
        beta=st.floats(0, 1e6),
        entropy=st.floats(0, 10),
        replay=st.integers(0, 9),
        bootstrap=st.sampled_from(["observation", "prompt", "none"]),
    ),
    st.booleans(),
)
def test_json_keeps_a_spec(chosen: RewardSettings, alone: bool) -> None:
    made = RewardsSpec(task=ProblemSpec(**TASK), rewards=chosen, given=GivenAnswers(file="b.jsonl", alone=alone))
    assert parse_spec(made.model_dump_json()) == made


def test_answers_are_those_that_are_written() -> None:
    assert spec(rewards={"rounds": 3, "prompts": 5, "group": 7}).answers == 105
    assert spec(given={"file": "a", "alone": True}).answers == 0


@pytest.mark.parametrize(
    ("task", "about"),
    [
        ({"name": "text/tiny", "params": {"task": "gcd"}}, "text/tiny/gcd"),
        ({"name": "text/own", "params": {"file": "x"}}, "text/own"),
    ],
)
def test_what_it_is_about(task: dict[str, Any], about: str) -> None:
    assert spec(task=task).about == about
    assert spec(task=None, given={"file": "x", "alone": True}).about == "rewarded answers"


def test_files_follow_the_store() -> None:
    made = spec(given={"file": "/a/answers.jsonl"})
    assert sorted(files_of(made)) == ["/a/answers.jsonl", "/a/tasks.jsonl"]
    moved = with_paths(made, lambda path: path.replace("/a/", "/b/"))
    assert sorted(files_of(moved)) == ["/b/answers.jsonl", "/b/tasks.jsonl"]


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"branches": 2}, {"branches": 200}),
        ({"replay": 1}, {"replay": 0}),
        ({"group": 2}, {"group": 64}),
        ({"step_group": 2}, {"step_group": 64}),
        ({"rank": 2}, {"rank": 64}),
    ],
)
def test_memory_grows_with_what_takes_it(small: dict[str, Any], large: dict[str, Any]) -> None:
    model = ModelSize(135_000_000, 576, 30, 49_152)
    less, more = (
        estimate_rewards_memory(spec(rewards={"rounds": 50, **chosen}), model, 200).total for chosen in (small, large)
    )
    assert less < more
    tight = estimate_rewards_memory(spec(), model, 200)
    with pytest.raises(InvalidSpec, match="Lower"):
        tight.refuse(tight.total - 1)
