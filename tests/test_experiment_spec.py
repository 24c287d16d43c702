"""What an experiment's spec accepts, and that runs without one are what they were."""

from __future__ import annotations

from typing import Any

import pytest

from poets_core.errors import InvalidSpec
from poets_core.spec import ProblemSpec, RunSpec, parse_spec


def spec(**experiment: Any) -> dict[str, Any]:
    """A spec of source "log" with changes; a value of None takes the field out."""
    fields = {"source": "log", "judge": "replay", "log": "x.csv", "policies": [{"name": "a"}, {"name": "b"}]}
    changed = {k: v for k, v in (fields | experiment).items() if v is not None}
    problem = {"name": "protein/ehrlich" if changed["source"] == "branches" else ""}
    return {"kind": "experiment", "problem": problem, "experiment": changed}


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
    ("bad", "says"),
    [
        (spec(judge="oracle"), "judge 'replay' with source 'log'"),
        (spec(log=None), "path of a comparison log"),
        (spec(policies=[{"name": "a"}] * 2), "different names"),
        (spec(policies=[{"name": "a"}]), "experiment.policies"),
        (spec(delta=0.6), "experiment.delta"),
        (spec(sampler="random"), "experiment.sampler"),
        (spec(policies=two(run="r")), "no run for policy 'a'"),
        (spec(policies=two(prompt="{input}")), "no prompt"),
        (spec(**BRANCHES), "the id of a run"),
        (spec(**BRANCHES, policies=two(run="r", temperature=0)), "temperature above 0"),
        (spec(**BRANCHES, policies=two(run="r", top_p=0.5)), "top_p 1"),
        (spec(**{**BRANCHES, "judge": "person"}, policies=two(run="r"), open_pairs=9), "open_pairs of 1 to 8"),
        (spec(**PROMPTS, policies=two(prompt="Say it")), "0 times"),
        (spec(**PROMPTS, policies=two(prompt="{input} {input}")), "2 times"),
        (spec(**{**PROMPTS, "task": None}, policies=two(prompt="{input}")), "a task and a model"),
        (spec(policies=two(features=[1.0])), "space 'bradley-terry'"),
        (spec(space="bradley-terry", policies=[{"name": "a", "features": [1.0]}, {"name": "b"}]), "one length"),
        (spec() | {"kind": "search"}, "exactly when kind is 'experiment'"),
        ({"kind": "experiment", "problem": {"name": ""}}, "got kind='experiment', experiment=none"),
        (spec() | {"problem": {"name": "protein/ehrlich"}}, "no problem for this experiment"),
        ({"problem": {"name": ""}}, "the name of a problem"),
        ({"problem": {"name": "x"}, "contest": {}, "search": {"branches": 1}}, "two branches or more"),
        ({"problem": {"name": "x"}, "contest": {}, "search": {"method": "ga"}}, "method 'poets'"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec(bad)
    assert says in str(error.value)


def test_runs_without_experiment_or_contest_are_what_they_were() -> None:
    old = "d743a88ed0387c02178dd5e143b1e785ba14b8331afe9631e44c72c4cb7ffb33"
    made = RunSpec(problem=ProblemSpec(name="protein/ehrlich"))
    assert made.fingerprint() == old
    assert parse_spec({"problem": {"name": "protein/ehrlich"}, "contest": {}}).fingerprint() != old
