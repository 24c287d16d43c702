"""Tables, settings, states and the feed, without a page around them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from domains.catalog import entries, entry
from pages.parts.feed import Feed
from pages.parts.launch.cost import estimate, tokens_of
from pages.parts.launch.first import first_spec
from pages.parts.launch.idle import TRAINING, WRITING, idle, idle_preset, idle_settings
from pages.parts.launch.settings import build_spec, defaults, unfilled
from pages.parts.settings import settings_of
from pages.parts.states import STATES, ago, doing_text, plain, span
from pages.parts.tables import SHOWS, SORTS, Filter, find
from poets_core.errors import UnknownRun
from poets_core.runs.doing import Doing
from poets_core.runs.events import Recorded
from poets_core.runs.sql import SqlStore
from poets_core.runs.status import State
from poets_core.runs.views.fold import RunView, fold
from poets_core.serve import prepare_static
from poets_core.spec import (
    METHODS,
    BackboneSpec,
    Budget,
    ContestSpec,
    ExperimentSettings,
    PoetsSettings,
    SearchSpec,
    parse_spec,
)
from poets_core.spec.presets import PRESETS
from tests.logs import recorded
from tests.pages import written


def view(rounds: int = 2) -> RunView:
    return fold(recorded(written.events(rounds)))


def test_filters_and_orders() -> None:
    v = view(2)
    assert find(v, Filter())[0] == "1-2"
    assert len(find(v, Filter())) == 6
    assert find(v, Filter(show="invalid"))
    assert all(not v.candidates[i].valid for i in find(v, Filter(show="invalid")))
    assert find(v, Filter(show="all", sort="oldest")) == list(v.candidates)
    assert {v.candidates[i].branch for i in find(v, Filter(branch=1, show="all"))} == {1}
    assert {v.candidates[i].source for i in find(v, Filter(source="edit", show="all"))} == {"edit"}
    design = v.candidates["1-2"].design
    assert find(v, Filter(text=design.lower())) == ["1-2"]
    for sort in SORTS:
        for show in SHOWS:
            assert len(set(find(v, Filter(show, sort)))) == len(find(v, Filter(show, sort)))


def test_best_first_follows_the_direction() -> None:
    v = fold(recorded(written.events(1, direction="minimise")))
    assert find(v, Filter())[0] == "0-0"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("item", entries(), ids=lambda e: e.name)
def test_every_preset_of_every_problem_is_a_valid_spec(item: object, preset: str) -> None:
    params = {p.name: "table.csv" for p in item.parameters if p.default is None}  # type: ignore[attr-defined]
    spec, errors = build_spec(item, params, defaults(item, preset))  # type: ignore[arg-type]
    assert errors == {}
    assert spec is not None
    assert parse_spec(spec.model_dump_json()) == spec
    cost = estimate(spec)
    assert cost.calls == spec.budget.rounds * spec.budget.batch
    assert cost.seconds > 0


def test_defaults_have_the_types_of_the_spec() -> None:
    item = replace(entry("protein/ehrlich"), settings={"search": {"edit_share": 1}})
    assert isinstance(defaults(item, "default")["search"]["edit_share"], float)  # else its field takes whole numbers


def test_presets_are_what_they_say() -> None:
    wide = defaults(entry("protein/ehrlich"), "explore")["search"]
    assert (wide["prior_scale"], wide["tempering"], wide["steps"], wide["pool"]) == (3.0, 1.0, 80, 96)
    assert wide["edit_share"] == pytest.approx(1 / 3)
    quick = defaults(entry("protein/ehrlich"), "quick")["budget"]
    assert quick["rounds"] * quick["batch"] < 200
    assert first_spec().label


def test_a_form_has_the_fields_of_the_spec_in_their_order() -> None:
    """What a person sees is what the classes say: nothing is listed anywhere else."""
    drawn_by_hand = {"method", "source", "transform", "replay"}
    for section, model in (*(("search", m) for m in METHODS.values()), ("budget", Budget), ("backbone", BackboneSpec)):
        found = settings_of(section, model)
        assert set(model.model_fields) - set(found) <= drawn_by_hand
        assert list(found) == [n for n in model.model_fields if n in found]
        assert all(s.help.endswith(".") and s.label and s.path == f"{section}.{s.name}" for s in found.values())
    assert "transform" in settings_of("search", METHODS["grpo"])
    assert "transform" not in settings_of("search", METHODS["ga"])  # it would change a report alone


def test_fields_have_bounds_and_choices() -> None:
    poets = settings_of("search", PoetsSettings)
    assert (poets["branches"].bounds.ge, poets["branches"].bounds.le) == (1, 64)
    assert (poets["beta"].bounds.gt, poets["beta"].bounds.ge, poets["beta"].bounds.le) == (0, None, 10)
    assert poets["transform"].names["z"] == "linear"
    assert poets["transform"].choices == ("auto", "z", "log")
    assert [n for n, s in poets.items() if not s.advanced] == [
        "branches", "edit_share", "prior_scale", "fit", "whole_space", "tempering", "pool", "beta",
        "steps", "transform",
    ]  # fmt: skip
    assert settings_of("backbone", BackboneSpec)["width"].bounds.multiple_of == 8
    experiment = settings_of("experiment", ExperimentSettings)
    assert (experiment["tie_zone"].bounds.ge, experiment["tie_zone"].bounds.lt) == (0, 0.5)
    assert experiment["sampler"].choices == ("balance", "round-robin")
    assert list(settings_of("contest", ContestSpec)) == ["every", "comparisons", "delta"]
    assert settings_of("", SearchSpec)["seed"].bounds.le == 2**31 - 1


def test_each_wrong_field_gets_its_own_message() -> None:
    item = entry("protein/ehrlich")
    sections = defaults(item, "default")
    sections["search"] |= {"beta": 0.0, "gradient_norm": -1.0}
    sections["budget"]["rounds"] = 0
    spec, errors = build_spec(item, {"length": 3}, sections, label="x" * 200)
    assert spec is None
    assert set(errors) == {"search.beta", "search.gradient_norm", "budget.rounds", "label", "problem.params.length"}
    assert "got 0.0" in errors["search.beta"]


def test_a_missing_table_is_reported_beside_its_field() -> None:
    item = entry("protein/landscape")
    spec, errors = build_spec(item, {}, defaults(item, "default"))
    assert spec is None
    assert list(errors) == ["problem.params.table"]
    sections = defaults(item, "default")
    assert unfilled(item, {}, sections) == {"problem.params.table"}
    assert unfilled(item, {"table": "x.csv"}, {**sections, "backbone": {"source": ""}}) == {"backbone.source"}


def test_every_state_has_words_and_an_icon() -> None:
    assert set(STATES) == set(State.__args__)
    assert len({(s.word, s.icon) for s in STATES.values()}) == len(STATES)
    assert STATES["running"].polls == 2
    assert STATES["finished"].polls is None
    assert [span(s) for s in (5, 120, 7200, 12_000, 200_000)] == ["5 s", "2 min", "2 h", "3 h 20 min", "2 days"]
    assert ago(None) == "never"
    assert ago(-3) == "0 s ago"
    assert doing_text(Doing("evaluate", (3, 0))) == "Now: measuring designs (round 4)."
    assert doing_text(None) == doing_text(Doing("wait")) == ""
    assert plain("**a** [b](c)") == "\\*\\*a\\*\\* \\[b\\]\\(c\\)"


class Counting:
    """A store that counts reads."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.reads = store, 0

    def read(self, run: str, after: int = 0, limit: int | None = None) -> list[Recorded]:
        self.reads += 1
        return self._store.read(run, after, limit)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_many_viewers_cost_one_read(store: SqlStore) -> None:
    run = written.write(store, written.events(2))
    counting = Counting(store)
    feed = Feed(counting, run, period=60)  # type: ignore[arg-type]
    first = feed.snapshot()
    assert all(feed.snapshot() is first for _ in range(50))
    assert counting.reads == 1
    assert first.view.calls == 8
    assert first.chosen == {0: 4, 1: 4}
    drawn = [feed.drawn("k", lambda s: object()) for _ in range(5)]
    assert len(set(map(id, drawn))) == 1


def test_a_feed_goes_on_from_where_it_was(store: SqlStore) -> None:
    run = written.write(store, written.events(1), release=False)
    feed = Feed(store, run, period=0)
    assert feed.snapshot().view.calls == 4
    spec = store.spec(run)
    assert isinstance(spec, SearchSpec)
    lease = store.claim(run, "other", 1, "")
    assert lease is None  # the writer of the test still lives
    assert feed.snapshot(fresh=True).view.seq == 8
    with pytest.raises(UnknownRun):
        Feed(store, "20990101-000000-aaaa")


def test_plotly_is_copied_out_of_the_package(tmp_path: Path) -> None:
    copy = prepare_static(tmp_path)
    assert copy.stat().st_size > 1_000_000
    assert b"plotly.js v" in copy.read_bytes()[:500]
    before = copy.stat().st_mtime_ns
    assert prepare_static(tmp_path).stat().st_mtime_ns == before
    copy.write_bytes(b"half")
    assert prepare_static(tmp_path).stat().st_size > 1_000_000
    assert [p.name for p in tmp_path.iterdir()] == ["plotly.min.js"]


def test_json_of_the_spec_is_what_the_command_line_reads() -> None:
    spec = first_spec()
    assert parse_spec(json.loads(spec.model_dump_json())) == spec


@pytest.mark.parametrize(
    ("name", "params", "tokens"),
    [
        ("protein/ehrlich", {}, 15),
        ("protein/ehrlich", {"length": 64}, 64),
        ("protein/instability", {}, 60),
        ("quantum/artificial-7q", {"max_ops": 12}, 36),
        ("quantum/tfim-6", {}, 108),
        ("protein/landscape", {"table": "x.csv", "wild_type": "VDGV"}, 4),
        ("protein/landscape", {"table": "x.csv"}, 32),
    ],
)
def test_the_estimate_knows_how_long_designs_are(name: str, params: dict[str, object], tokens: int) -> None:
    spec = parse_spec({"problem": {"name": name, "params": params}})
    assert tokens_of(spec) == tokens
    assert estimate(spec).seconds == estimate(spec, tokens).seconds
    assert estimate(spec, 2 * tokens).seconds > estimate(spec).seconds


def test_no_page_reads_words_out_of_a_message() -> None:
    """What is wrong with which field is said by the error's `fields`."""
    searched = re.compile(r"in str\(error\)|str\(error\)\.|message\.(startswith|endswith|find|split)|error\.args")
    found = [str(p) for p in Path("pages").rglob("*.py") if searched.search(p.read_text(encoding="utf-8"))]
    assert found == []


def test_settings_that_an_exact_fit_does_not_read_are_named() -> None:
    """A form lists them, whoever adds a setting decides where it belongs, and no preset promises what it cannot."""
    assert {*TRAINING, *WRITING} <= set(PoetsSettings.model_fields)
    table = defaults(entry("protein/landscape"), "default")["search"]
    assert idle({**table, "fit": "exact", "whole_space": False}) == TRAINING
    said = idle_settings(table)
    assert "at most a million" in said
    for count, label in ((False, "Learning rate"), (False, "Ideas per measured design"), (True, "Follow own opinion")):
        assert (label in said) != count
    wide = idle_preset(table, "explore")
    assert wide.endswith("count: Follow own opinion.")
    assert idle_preset(table, "plateau").endswith("count: Scale of values.")
    assert "Models, Rounds" in idle_preset(table, "quick")
    assert idle_preset(table, "default") == ""
    by_gradient = defaults(entry("protein/ehrlich"), "default")["search"]
    assert (idle_settings(by_gradient), idle_preset(by_gradient, "explore")) == ("", "")
    assert idle_settings(defaults(entry("protein/landscape"), "default", "ga")["search"]) == ""
