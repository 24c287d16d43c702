"""What a spec accepts, that it comes back from JSON as it was, and that each field says what is wrong with it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.errors import InvalidSpec
from poets_core.spec import (
    METHODS,
    BackboneSpec,
    Budget,
    ContestSpec,
    ExperimentSpec,
    Mark,
    PoetsSettings,
    ProblemSpec,
    RunSpec,
    SearchSpec,
    SpecModel,
    TaskSettings,
    TaskSpec,
    parse_spec,
    read_spec,
)
from poets_core.spec.presets import PRESETS, decisive, default_spec, starting_sections

ROOT = Path(__file__).parents[2]
X = {"version": 2, "problem": {"name": "x"}}
TEXT = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
"""What a spec may hold; the rest is refused."""


def numbers(model: type[SpecModel], name: str) -> st.SearchStrategy[Any]:
    """Values that a field takes, out of its own type and bounds."""
    field, bounds = model.model_fields[name], {}
    for rule in field.metadata:
        bounds |= {k: v for k in ("ge", "gt", "le", "lt", "multiple_of") if (v := getattr(rule, k, None)) is not None}
    if field.annotation is bool:
        return st.booleans()
    if field.annotation is int:
        step = bounds.get("multiple_of", 1)
        return st.integers(-(-bounds.get("ge", -100) // step), bounds.get("le", 100_000) // step).map(
            lambda n: n * step
        )
    if field.annotation is float:
        low, high = bounds.get("ge", bounds.get("gt", 0.0)), bounds.get("le", bounds.get("lt", 1e6))
        return st.floats(low, high, exclude_min="gt" in bounds, exclude_max="lt" in bounds)
    if field.annotation is str:
        return st.text(TEXT, min_size=1, max_size=20)
    return st.sampled_from(field.annotation.__args__)


def filled(model: type[SpecModel]) -> st.SearchStrategy[Any]:
    """Instances of a class with any of its fields said."""
    names = [n for n in model.model_fields if n not in ("method", "stop_early")]
    return st.fixed_dictionaries({}, optional={n: numbers(model, n) for n in names}).map(model.model_validate)


SETTINGS = st.one_of([filled(m) for m in METHODS.values()])


@st.composite
def searches(draw: st.DrawFn) -> SearchSpec:
    settings = draw(SETTINGS)
    contest = draw(st.none() | filled(ContestSpec)) if settings.policies > 1 else None
    params = draw(
        st.dictionaries(
            st.text(TEXT, max_size=5), st.integers() | st.text(TEXT, max_size=5) | st.booleans(), max_size=3
        )
    )
    return SearchSpec(
        label=draw(st.text(TEXT, max_size=120)),
        problem=ProblemSpec(name=draw(st.text(TEXT, min_size=1, max_size=20)), params=params),
        backbone=draw(filled(BackboneSpec)),
        search=settings,
        budget=draw(filled(Budget)),
        contest=contest,
        seed=draw(st.integers(0, 2**31 - 1)),
        device=draw(st.sampled_from(["auto", "cpu", "cuda"])),
        threads=draw(st.integers(1, 256)),
    )


@given(searches())
def test_a_search_comes_back_equal_from_its_json(spec: SearchSpec) -> None:
    assert parse_spec(spec.model_dump_json()) == spec
    assert parse_spec(json.loads(spec.model_dump_json(indent=2))) == spec
    assert parse_spec(spec.model_dump_json().encode()) == spec


@pytest.mark.parametrize(
    "spec",
    [
        TaskSpec(task=TaskSettings(name="export", run="r", format="csv", candidates=("0-1", "0-2"))),
        TaskSpec(problem=ProblemSpec(name="x"), task=TaskSettings(name="check")),
    ],
)
def test_a_task_comes_back_equal_from_its_json(spec: TaskSpec) -> None:
    assert parse_spec(spec.model_dump_json()) == spec


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.json")), ids=lambda p: p.stem)
def test_examples_are_of_the_layout_of_now(path: Path) -> None:
    spec = read_spec(path)
    assert json.loads(path.read_text())["version"] == 2
    assert parse_spec(spec.model_dump_json()) == spec
    assert isinstance(spec, ExperimentSpec) or json.loads(path.read_text()) == spec.model_dump(mode="json")


def test_what_a_file_may_leave_out() -> None:
    assert parse_spec(X) == SearchSpec(problem=ProblemSpec(name="x"))
    assert parse_spec(X | {"search": {"branches": 3}}).search == PoetsSettings(branches=3)
    assert parse_spec(X | {"search": {"method": "ga"}}).search.elites == 8  # the default it was tuned to


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"search": {"method": "ga", "beta": 0.1}}, {"search.beta": "Method 'ga' has no such setting, only poets,"}),
        ({"search": {"method": "rloo", "clip": 0.1}}, {"search.clip": "only grpo"}),
        ({"search": {"betta": 1}}, {"search.betta": "no such field"}),
        ({"search": {"method": "nothing"}}, {"search.method": "Expected one of 'poets', 'gp'"}),
        ({"search": {"method": "prior"}}, {"search.method": "'reference', got 'prior'"}),
        ({"search": 3}, {"search": "got 3"}),
        ({"search": {"stop_early": True, "bootstrap": False}}, {"search.stop_early": "Expected bootstrap=true"}),
        (
            {"search": {"beta": -1, "steps": "many"}, "label": "x" * 121},
            {"search.beta": "got -1", "search.steps": "got 'many'", "label": "at most 120"},
        ),
        ({"search": {"tempering": float("nan")}}, {"search.tempering": "finite number"}),
        ({"budget": {"rounds": 0}}, {"budget.rounds": "got 0."}),
        ({"backbone": {"width": 12}}, {"backbone.width": "a multiple of 8, got 12."}),
        ({"contest": {}, "search": {"branches": 1}}, {"contest": "two branches or more"}),
        ({"contest": {}, "search": {"method": "grpo"}}, {"contest": "got 1 by method 'grpo'"}),
        ({"contest": {"every": 0}}, {"contest.every": "got 0."}),
        ({"device": "tpu"}, {"device": "got 'tpu'"}),
        ({"seed": 2**31}, {"seed": f"got {2**31}."}),
        ({"problem": {"name": ""}}, {"problem.name": "at least 1 character"}),
        ({"problem": None}, {"problem": "got None"}),
        ({"kind": "nothing"}, {"kind": "Expected one of 'search', 'experiment', 'rewards', 'task', got 'nothing'"}),
        ({"version": 3}, {"version": "got 3."}),
        ({"task": None, "experiment": None}, {"task": "no such field", "experiment": "no such field"}),
        ({"kind": "task", "task": {"name": "export", "run": "r"}}, {"problem": "no problem: an export"}),
        ({"kind": "task", "problem": None, "task": {"name": "check"}}, {"problem": "a problem for a check"}),
    ],
)  # fmt: skip
def test_each_wrong_field_says_so(bad: dict[str, Any], said: dict[str, str]) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec(X | bad, where="a file")
    fields = error.value.fields
    assert set(fields) == set(said)
    assert error.value.field == next(iter(fields))
    for name, words in said.items():
        assert words in fields[name]
        assert f"{name}: {fields[name]}" in str(error.value)
    assert "in a file" in str(error.value)
    again = pickle.loads(pickle.dumps(error.value))  # noqa: S301 - between a benchmark's processes
    assert (str(again), again.fields) == (str(error.value), fields)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", b"\xff\xfe\x00"])
def test_what_is_no_json_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidSpec, match="Expected (one )?JSON"):
        parse_spec(text)


def test_every_shown_field_has_a_title_and_a_sentence() -> None:
    for model in (*METHODS.values(), Budget, BackboneSpec, ContestSpec):
        for name, field in model.model_fields.items():
            assert name == "method" or (field.title and field.description and field.description.endswith(".")), name
    for name, model in METHODS.items():
        assert model().method == name
        assert model.title
        assert model.says.endswith(".")


def test_methods_say_what_they_are() -> None:
    assert {n for n, m in METHODS.items() if m.trains} == {"poets", "grpo", "ppo", "rloo", "tosfit"}
    assert {n for n, m in METHODS.items() if m.predicts} == {
        "poets",
        "gp",
        "string-gp",
        "boosting",
        "klts",
        "best-of-reference",
    }
    assert [n for n, m in METHODS.items() if m.ensemble] == ["poets"]
    assert [n for n, m in METHODS.items() if m.needs] == ["klts"]
    assert {n: m().policies for n, m in METHODS.items() if m().policies} == {
        "poets": 8,
        "grpo": 1,
        "ppo": 1,
        "rloo": 1,
        "tosfit": 1,
    }


def test_a_search_starts_from_method_problem_and_preset() -> None:
    problem = {"search": {"edit_share": 1, "elites": 4, "steps": 20}, "budget": {"rounds": 3}}
    poets = starting_sections(problem, "quick")
    assert (poets["search"]["edit_share"], poets["search"]["elites"], poets["search"]["branches"]) == (1.0, 4, 4)
    assert isinstance(poets["search"]["edit_share"], float)
    assert (poets["budget"]["rounds"], poets["backbone"]["steps"]) == (6, 100)
    ga, gp, grpo = (starting_sections(problem, method=m)["search"] for m in ("ga", "gp", "grpo"))
    assert ga["elites"] == 8  # it was tuned to
    assert (gp["edit_share"], gp["elites"]) == (0.5, 4)
    assert (grpo["steps"], grpo["clip"], "edit_share" in grpo) == (20, 0.4, False)
    with pytest.raises(InvalidSpec) as error:
        starting_sections({}, method="nothing")
    assert error.value.field == "search.method"
    for preset in PRESETS:
        for method, model in METHODS.items():
            assert model.model_validate(starting_sections(problem, preset, method)["search"])


def test_names_devices_and_reports_decide_nothing() -> None:
    def of(**fields: Any) -> dict[str, Any]:
        made: RunSpec = parse_spec(X | fields)
        assert isinstance(made, SearchSpec)
        return decisive(made)

    assert of(label="a", device="cpu", threads=2, search={"exact_regret": True}) == of()
    assert of(search={"method": "ga", "transform": "z"}) == of(search={"method": "ga"})
    assert of(search={"beta": 0.2}) != of()
    assert of(search={"bootstrap": False}) != of()
    assert of(seed=1) != of()
    assert of(contest={}) != of()
    assert of(search={"method": "rloo", "replay": True}) != of(search={"method": "rloo"})


def test_marks_are_read_where_they_were_set() -> None:
    assert METHODS["ga"].marked("elites", Mark.TUNED)
    assert METHODS["ga"].marked("elites", Mark.ADVANCED)
    assert not METHODS["gp"].marked("elites", Mark.TUNED)


def test_the_spec_of_a_problem_takes_what_the_user_said() -> None:
    settings = {"search": {"edit_share": 1.0}, "budget": {"rounds": 3}}
    said = {"search": {"beta": 0.3}}
    spec = default_spec("a/b", params={"x": 1}, settings=settings, backbone="protein", overrides=said)
    assert (spec.search.edit_share, spec.search.beta, spec.budget.rounds) == (1.0, 0.3, 3)
    assert (spec.backbone.source, spec.problem.params) == ("protein", {"x": 1})
    with pytest.raises(InvalidSpec) as error:
        default_spec("a/b", params={}, settings={}, backbone="x", overrides={"search": {"betta": 1}})
    assert error.value.field == "search.betta"


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"])
def test_what_is_no_text_is_refused_with_its_field(text: str) -> None:
    made = {"kind": "search", "version": 2, "problem": {"name": "protein/ehrlich", "params": {"motif": [text]}}}
    with pytest.raises(InvalidSpec, match="no character") as told:
        parse_spec(made | {"label": text})
    assert set(told.value.fields) == {"label", "problem.params.motif.0"}
    str(told.value).encode()
    with pytest.raises(InvalidSpec, match="no character"):
        parse_spec(json.dumps(made))
