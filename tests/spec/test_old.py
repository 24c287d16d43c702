"""Files of the layout before version 2: what they meant is kept, and what they got wrong is still refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.errors import InvalidSpec
from poets_core.runs.store import open_store
from poets_core.spec import METHODS, ExperimentSpec, SearchSpec, TaskSpec, parse_spec, read_spec
from poets_core.spec.old import DEFAULTS_BEFORE, METHOD_BEFORE
from poets_core.spec.presets import decisive
from poets_core.spec.read import parse_search

HERE = Path(__file__).parent
X = {"problem": {"name": "x"}}
READ_BEFORE = {
    "gp": {"pool", "edit_share", "elites", "transform", "allow_repeats"},
    "ga": {"elites", "mutations", "allow_repeats"},
    "grpo": {
        "beta", "steps", "learning_rate", "minibatch", "gradient_norm", "rank", "transform", "clip", "replay",
        "allow_repeats",
    },
    "klts": {"beta", "transform", "allow_repeats"},
    "gp-prior": {"pool", "transform", "allow_repeats"},
    "prior": {"allow_repeats"},
}  # fmt: skip
"""Settings that decided a method's results, as the release before said."""


@pytest.mark.parametrize("path", sorted((HERE / "old").glob("*.json")), ids=lambda p: p.stem)
def test_old_examples_are_the_new_ones(path: Path) -> None:
    assert "version" not in json.loads(path.read_text())
    assert read_spec(path) == read_spec(HERE.parents[1] / "examples" / path.name)


@given(
    method=st.sampled_from(["poets", "prior", "ga", "gp", "gp-prior", "grpo", "rloo", "tosfit", "klts"]),
    said=st.sets(st.sampled_from([n for n in DEFAULTS_BEFORE if n != "stop_early"])),
)
def test_a_setting_that_was_left_out_has_the_default_of_then(method: str, said: set[str]) -> None:
    changed: dict[str, Any] = {
        n: not v if isinstance(v, bool) else "z" if isinstance(v, str) else v * 2 if isinstance(v, int) else v / 2 + 0.4
        for n, v in DEFAULTS_BEFORE.items()
        if n in said
    }
    changed |= {"mutations": 2.0} if "mutations" in said else {}
    spec = parse_search(X | {"search": {"method": method, **changed}})
    found = spec.search.model_dump()
    name = found.pop("method")
    assert METHOD_BEFORE.get(name, name) == method
    later = {n: f.default for n, f in METHODS[name].model_fields.items()}  # settings that the old layout did not know
    assert found == {n: (later | DEFAULTS_BEFORE | changed)[n] for n in found}
    assert parse_spec(spec.model_dump_json()) == spec


@pytest.mark.parametrize(("before", "reads"), READ_BEFORE.items())
def test_what_decides_is_what_the_method_read(before: str, reads: set[str]) -> None:
    """The fingerprint of the regime map's results: methods by their old names, the settings that they read."""
    data = decisive(parse_search(X | {"search": {"method": before}}))
    assert set(data["search"]) == reads | {"method"}
    assert set(data) == {"kind", "problem", "backbone", "search", "budget", "seed"}


def test_the_fingerprint_of_a_plain_search_is_the_one_it_had() -> None:
    data = decisive(parse_search({"problem": {"name": "protein/ehrlich"}}))
    found = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    assert found == "5ac2140a9b2ec43b890de08eea8388af009dbdbc276f1536e79d34095fd19be0"


def test_settings_of_other_methods_and_empty_sections_are_dropped() -> None:
    old = X | {"search": {"method": "ga", "elites": 5, "beta": 0.7, "branches": 2}, "task": None, "experiment": None}
    assert parse_spec(old).search.model_dump(exclude_defaults=True) == {"elites": 5}


@pytest.mark.parametrize(
    ("old", "field"),
    [
        (X | {"search": {"method": "ga", "elitess": 5}}, "search.elitess"),
        (X | {"search": {"method": "ga", "elites": 0}}, "search.elites"),
        (X | {"search": {"method": "best"}}, "search.method"),
        (X | {"search": {"method": ["ga"]}}, "search.method"),
        (X | {"search": [1]}, "search"),
        (X | {"task": {"name": "check"}}, "task"),
        (X | {"kind": "task"}, "task"),
        (X | {"kind": ["task"]}, "kind"),
        ({"problem": {"name": ""}}, "problem.name"),
        ({}, "problem"),
        (X | {"contest": {}, "search": {"method": "ga"}}, "contest"),
    ],
)
def test_what_was_wrong_is_still_refused(old: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec(old)
    assert list(error.value.fields) == [field]


def test_tasks_and_experiments_lose_the_sections_they_never_read() -> None:
    sections: dict[str, Any] = {"backbone": {"source": "library"}, "search": {"branches": 2}, "budget": {"rounds": 1}}
    export = {"kind": "task", **X, **sections, "task": {"name": "export", "run": "r", "format": "csv"}, "seed": 4}
    made = parse_spec(export | {"experiment": None, "contest": None})
    assert isinstance(made, TaskSpec)
    assert (made.problem, made.seed, made.task.run) == (None, 4, "r")
    check = parse_spec({"kind": "task", **X, **sections, "task": {"name": "check"}})
    assert check.problem is not None
    fields = {"source": "log", "judge": "replay", "log": "x.csv", "policies": [{"name": "a"}, {"name": "b"}]}
    made = parse_spec({"kind": "experiment", "problem": {"name": "", "params": {}}, **sections, "experiment": fields})
    assert isinstance(made, ExperimentSpec)
    assert made.problem is None


def test_an_old_store_shows_methods_by_their_names_of_now(tmp_path: Path) -> None:
    """Rows and specs as the release before wrote them."""
    store = open_store(f"sqlite:///{tmp_path}/poets.db")
    for before, now in {"prior": "reference", "gp-prior": "best-of-reference", "ga": "ga"}.items():
        spec = parse_search(X | {"search": {"method": now}})
        run = store.create(spec)
        old = json.dumps(X | {"kind": "search", "search": {"method": before, **DEFAULTS_BEFORE}, "task": None})
        with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.exec_driver_sql("UPDATE runs SET method = ?, spec = ? WHERE id = ?", (before, old, run))
        assert store.row(run).method == now
        assert [r.method for r in store.runs() if r.id == run] == [now]
        stored = store.spec(run)
        assert isinstance(stored, SearchSpec)
        assert isinstance(stored.search, METHODS[now])
