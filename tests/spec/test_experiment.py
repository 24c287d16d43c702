"""What an experiment's spec accepts, and that runs without one are what they were."""

from __future__ import annotations

from typing import Any

import pytest

from poets_core.errors import InvalidSpec
from poets_core.spec import parse_spec


def spec(**experiment: Any) -> dict[str, Any]:
    """A spec of source "log" with changes; a value of None takes the field out."""
    fields = {"source": "log", "judge": "replay", "log": "x.csv", "policies": [{"name": "a"}, {"name": "b"}]}
    changed = {k: v for k, v in (fields | experiment).items() if v is not None}
    problem = {"name": "protein/ehrlich"} if changed["source"] == "branches" else None
    return {"version": 2, "kind": "experiment", "problem": problem, "experiment": changed}


BRANCHES = {"source": "branches", "judge": "oracle", "log": None}
PROMPTS = {"source": "prompts", "judge": "reference", "log": None, "task": "sum"}


def two(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "a", **fields}, {"name": "b", **fields}]


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec(**BRANCHES, policies=two(run="r")),
        spec(**{**BRANCHES, "judge": "person"}, policies=two(run="r", temperature=0.5), open_pairs=8),
        spec(**PROMPTS, policies=two(prompt="Say {input}", temperature=0, top_p=0.9)),
        spec(space="bradley-terry", policies=[{"name": "a", "features": [1.0]}, {"name": "b", "features": [0.0]}]),
    ],
)
def test_a_good_spec_comes_back_equal(good: dict[str, Any]) -> None:
    made = parse_spec(good)
    assert parse_spec(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("bad", "field", "says"),
    [
        (spec(judge="oracle"), "experiment.judge", "judge 'replay' with source 'log'"),
        (spec(log=None), "experiment.log", "path of a comparison log"),
        (
            spec(**PROMPTS, policies=two(prompt="{input}"), mapping={}),
            "experiment.mapping",
            "no mapping of a log with source 'prompts'",
        ),
        (spec(mapping={"words": {"x": "draw"}}), "experiment.mapping.words.x", "'both-bad'"),
        (spec(policies=[{"name": str(n)} for n in range(301)]), "experiment.policies", "300"),
        (spec(policies=[{"name": "a"}] * 2), "experiment.policies", "different names"),
        (spec(policies=[{"name": "a"}]), "experiment.policies", "at least 2"),
        (spec(policies=[{"name": "a"}, {"name": ""}]), "experiment.policies.1.name", "at least 1 character"),
        (spec(delta=0.6), "experiment.delta", "at most 0.5, got 0.6."),
        (spec(sampler="random"), "experiment.sampler", "got 'random'"),
        (spec(policies=two(run="r")), "experiment.policies", "no run for policy 'a'"),
        (spec(policies=two(prompt="{input}")), "experiment.policies", "no prompt"),
        (spec(**BRANCHES), "experiment.policies", "the id of a run"),
        (spec(**BRANCHES, policies=two(run="r", temperature=0)), "experiment.policies", "temperature above 0"),
        (spec(**BRANCHES, policies=two(run="r", top_p=0.5)), "experiment.policies", "top_p 1"),
        (
            spec(**{**BRANCHES, "judge": "person"}, policies=two(run="r"), open_pairs=9),
            "experiment.open_pairs",
            "open_pairs of 1 to 8",
        ),
        (spec(**PROMPTS, policies=two(prompt="Say it")), "experiment.policies", "0 times"),
        (spec(**PROMPTS, policies=two(prompt="{input} {input}")), "experiment.policies", "2 times"),
        (spec(**{**PROMPTS, "task": None}, policies=two(prompt="{input}")), "experiment.task", "a task and a model"),
        (spec(**PROMPTS, model="", policies=two(prompt="{input}")), "experiment.model", "a task and a model"),
        (spec(policies=two(features=[1.0])), "experiment.space", "space 'bradley-terry'"),
        (
            spec(space="bradley-terry", policies=[{"name": "a", "features": [1.0]}, {"name": "b"}]),
            "experiment.policies",
            "one length",
        ),
        (spec() | {"problem": {"name": "protein/ehrlich"}}, "problem", "no problem with source 'log'"),
        (spec(**BRANCHES, policies=two(run="r")) | {"problem": None}, "problem", "the problem of the runs"),
        (spec() | {"search": {}}, "search", "no such field"),
        ({"version": 2, "kind": "experiment"}, "experiment", "Field required"),
    ],
)
def test_a_wrong_experiment_says_which_field_is_wrong(bad: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec(bad)
    assert list(error.value.fields) == [field]
    assert says in error.value.fields[field]
    assert f"{field}: {error.value.fields[field]}" in str(error.value)
