"""The page Runs: runs are told apart, found, named, put away, deleted and cloned; and the form that a clone fills."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from domains.catalog import check_params, entry
from pages.parts.launch.filled import read_json
from pages.parts.launch.settings import defaults
from pages.parts.runs.facts import search_facts
from pages.parts.runs.manage import ASKED, Asked, freed
from poets_core.errors import InvalidSpec
from poets_core.runs.artifacts import save_upload
from poets_core.runs.events import Failed, Finished
from poets_core.runs.shelf import Holding
from poets_core.runs.sql import SqlStore
from poets_core.runs.uploads import upload_name
from poets_core.spec import ExperimentSettings, ExperimentSpec, PolicySpec, SearchSpec, parse_spec
from tests.pages import written
from tests.pages.test_pages import LAUNCH, LIVE, address, opened, said

DONE = [*written.events(3), Finished("budget")]


def names(at: AppTest) -> list[str]:
    """Names of the runs in the list, as links."""
    return [link.proto.label[2:-2] for link in at.get("page_link") if link.proto.label.startswith("**")]


def ask(at: AppTest, act: str, run: str) -> AppTest:
    """Choose an entry of a run's menu, which AppTest does not draw."""
    at.session_state[ASKED] = Asked(act, run)  # type: ignore[arg-type]
    return at.run()


def spec_of(
    problem: str = "protein/ehrlich", preset: str = "quick", method: str = "poets", **about: object
) -> SearchSpec:
    params = about.pop("params", {})
    made = parse_spec({"version": 2, "problem": {"name": problem, "params": check_params(problem, params)}, **defaults(
        entry(problem), preset, method), **about})  # fmt: skip
    assert isinstance(made, SearchSpec)
    return made


def test_runs_are_told_apart_by_method_preset_data_parameters_and_seed(store: SqlStore) -> None:
    assert search_facts(spec_of(method="ga")) == ("Genetic algorithm", "Quick look")
    changed = spec_of(preset="default", params={"length": 20}).model_copy(update={"seed": 7})
    changed = changed.model_copy(update={"budget": changed.budget.model_copy(update={"rounds": 99})})
    assert search_facts(changed) == ("POETS ensemble", "Recommended, 1 setting changed", "length 20")
    table = str(save_upload(store, "GB1 sites.csv.gz", b"variant,fitness\nA,1\n"))
    circuits = spec_of("quantum/tfim-6", "default", params={"max_cx": 4, "iterations": 40})
    assert search_facts(circuits) == ("POETS ensemble", "Recommended", "CX at most 4", "iterations 40")
    landscape = spec_of("protein/landscape", "default", params={"table": table})
    assert search_facts(landscape) == ("POETS ensemble", "Recommended", "GB1_sites.csv.gz")
    assert upload_name("/srv/secret/uploads/t-0123456789abcdef.csv") == "t.csv"
    store.create(changed)
    text = said(opened())
    for words in ("Recommended, 1 setting changed", "length 20", "seed 7"):
        assert words in text


def test_runs_are_searched_filtered_sorted_and_grouped(store: SqlStore) -> None:
    first = written.write(store, DONE, label="alpha")
    written.write(store, [*written.events(1)[:-1], Failed("InvalidTable", "no rows")], label="beta")
    store.create_group([spec_of(label="gamma"), spec_of(label="gamma · ga", method="ga")])
    store.tag(first, ["plate 3"])
    at = opened()
    assert names(at) == ["gamma", "gamma · ga", "beta", "alpha"]
    at.selectbox(key="sort").set_value("name").run()
    assert names(at) == ["alpha", "beta", "gamma", "gamma · ga"]
    at.selectbox(key="state").set_value("failed").run()
    assert names(at) == ["beta"]
    at.selectbox(key="state").set_value("").run()
    for text, found in (("GENETIC", ["gamma · ga"]), ("plate alpha", ["alpha"]), ("ehrlich BETA", ["beta"])):
        at.text_input(key="q").set_value(text).run()
        assert names(at) == found
    at.text_input(key="q").set_value("nothing like it").run()
    assert "No run matches" in said(at)
    at.text_input(key="q").set_value("").run()
    at.selectbox(key="tag").set_value("plate 3").run()
    assert names(at) == ["alpha"]


def test_a_run_is_named_and_tagged_and_its_page_says_so(store: SqlStore) -> None:
    run = written.write(store, DONE, label="before")
    at = opened(LIVE, run=run)
    at = ask(opened(), "rename", run)
    at.text_input(key=f"name-{run}").set_value("after *all*")
    at.button(key=f"save-{run}").click().run()
    assert not at.exception
    assert store.row(run).label == "after *all*"
    assert names(at) == ["after \\*all\\*"]
    assert "after" in opened(LIVE, run=run).title[0].value


def test_a_run_is_put_away_and_taken_back(store: SqlStore) -> None:
    run = written.write(store, DONE, label="alpha")
    at = ask(opened(), "archive", run)
    assert store.row(run).archived
    assert "All runs are archived" in said(at)
    at.toggle(key="away").set_value(True).run()
    assert names(at) == ["alpha"]
    at = ask(at, "unarchive", run)
    assert not store.row(run).archived


def test_deleting_asks_says_what_it_frees_and_refuses_a_living_run(store: SqlStore) -> None:
    run = written.write(store, DONE, label="alpha")
    living = written.write(store, written.events(1), label="beta", release=False)
    (store.folder(run) / "file").write_bytes(b"x" * 2_000_000)
    at = ask(opened(), "delete", run)
    assert "2.0 MB of disk" in said(at)
    assert store.row(run).label == "alpha"
    at.button(key=f"keep-{run}").click().run()
    assert store.row(run).label == "alpha"
    at = ask(at, "delete", living)
    assert "at work" in at.error[0].value
    assert not [b for b in at.button if b.key == f"delete-{living}"]
    at = ask(at, "delete", run)
    at.button(key=f"delete-{run}").click().run()
    assert not at.exception
    assert names(at) == ["beta"]
    assert not (store.files / "runs" / run).exists()
    text = freed(Holding(10**7, 500, ("t",), ("e", "f")), 1)
    for words in ("10.0 MB", "1 measurement,", "1 exported file", "2 experiments"):
        assert words in text


def test_a_clone_fills_the_form_and_starts_the_same_run_again(store: SqlStore, launched: list[str]) -> None:
    table = str(save_upload(store, "mine.csv", b"variant,fitness\nVDGV,1.0\nFWAA,8.8\n"))
    contest = {"every": 3, "comparisons": 10, "delta": 0.05}
    specs = [
        spec_of(label="a", seed=5, threads=2, device="cpu", contest=contest, params={"length": 21}),
        spec_of(preset="explore", method="grpo", label="b"),
        spec_of("quantum/tfim-6", "plateau", label="c"),
        spec_of("protein/landscape", "default", params={"table": table, "wild_type": "VDGV"}),
        spec_of(preset="default", method="rloo").model_copy(
            update={"search": spec_of(preset="default", method="rloo").search.model_copy(update={"replay": True})}
        ),
    ]
    for spec in specs:
        run = store.create(spec)
        at = opened(LAUNCH, clone=run)
        assert run in said(at).replace("\\", "")
        assert not at.button(key="start").disabled, said(at)
        at.button(key="start").click().run()
        assert not at.exception
        assert store.spec(launched[-1]) == spec
    assert "replay = True" in said(opened(LAUNCH, clone=run)).replace("\\", "")


def test_a_clone_is_changed_and_can_be_started_over(store: SqlStore, launched: list[str]) -> None:
    run = store.create(spec_of(seed=5))
    at = opened(LAUNCH, clone=run)
    (rounds,) = [w for w in at.text_input if w.key and w.key.endswith("budget-rounds")]
    rounds.set_value("3").run()
    at.button(key="start").click().run()
    assert (store.spec(launched[0]).budget.rounds, store.spec(launched[0]).seed) == (3, 5)
    at = opened(LAUNCH, clone=run)
    at.button(key="start-over").click().run()
    assert not at.exception
    assert "clone" not in at.query_params
    at.button(key="start").click().run()
    assert store.spec(launched[1]).seed == 0


def test_a_form_takes_uploads_alone_and_shows_no_path_of_the_server(store: SqlStore, tmp_path: Path) -> None:
    foreign = tmp_path / "private.csv"
    foreign.write_text("variant,fitness\nA,1\n")
    run = store.create(spec_of("protein/landscape", "default", params={"table": str(foreign)}))
    at = opened(LAUNCH, clone=run)
    assert "private.csv" in said(at).replace("\\", "")
    assert at.button(key="start").disabled
    kept = str(save_upload(store, "mine.csv", b"variant,fitness\nVDGV,1.0\n"))
    at = opened(LAUNCH, clone=store.create(spec_of("protein/landscape", "default", params={"table": kept})))
    assert not at.button(key="start").disabled
    everything = said(at) + "".join(str(c.value) for c in at.code) + "".join(str(w.value) for w in at.text_input)
    assert str(tmp_path) not in everything.replace("\\", "")
    assert "mine.csv" in everything.replace("\\", "")


def test_a_json_fills_the_form_or_says_what_is_wrong(store: SqlStore, launched: list[str]) -> None:
    spec = spec_of("quantum/artificial-7q", "default", label="pasted", seed=9)
    at = opened(LAUNCH)
    at.text_area(key="json-text").set_value("{no json").run()
    at.button(key="json-fill").click().run()
    assert "Expected JSON" in at.error[0].value
    at.text_area(key="json-text").set_value(spec.model_dump_json()).run()
    at.button(key="json-fill").click().run()
    assert not at.exception
    assert "pasted JSON" in said(at)
    assert address(at, "problem") == "quantum/artificial-7q"
    at.button(key="start").click().run()
    assert store.spec(launched[0]) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [("[" * 100_000, "64 levels deep"), (" " * 1_000_001, "at most 1,000,000"), ("[1]", "one JSON object"),
     (json.dumps({"problem": {"name": "x"}, "budget": {"rounds": 0}}), "budget.rounds"),
     (ExperimentSpec(experiment=ExperimentSettings(source="log", judge="replay", log="l", policies=(
         PolicySpec(name="a"), PolicySpec(name="b")))).model_dump_json(), "page Policies")],
)  # fmt: skip
def test_what_is_no_spec_of_a_search_is_said(text: str, words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        read_json(text)


def test_a_run_that_cannot_be_cloned_is_said(store: SqlStore) -> None:
    assert "nowhere" in opened(LAUNCH, clone="nowhere").error[0].value


def test_what_was_entered_is_there_when_one_comes_back(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="quick")
    at.text_input(key="protein/ehrlich-quick-budget-rounds").set_value("17")
    at.text_input(key="protein/ehrlich-quick-poets-search-beta").set_value("many")
    at.checkbox(key="protein/ehrlich-quick-poets-contest").set_value(True)
    at.text_input(key="label").set_value("half way").run()
    at = at.switch_page("pages/search/runs.py").run()
    at = at.switch_page(LAUNCH).run()
    assert not at.exception
    assert at.text_input(key="protein/ehrlich-quick-budget-rounds").value == "17"
    assert at.text_input(key="protein/ehrlich-quick-poets-search-beta").value == "many"
    assert at.checkbox(key="protein/ehrlich-quick-poets-contest").value is True
    assert at.text_input(key="label").value == "half way"
    assert at.button(key="start").disabled
