"""Live: the best design first, what it is measured by, and what a run says when it is past its peak."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pages.parts.look import LIGHT
from pages.parts.panel import MARKED
from pages.parts.run import charts
from pages.parts.run.naming import distance
from pages.parts.run.overlays import Reference
from pages.parts.run.verdict import peak_sentence, verdict
from poets_core.runs.event_fields import VerdictFacts
from poets_core.runs.events import ContestPlayed, Finished, Updated
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import RunView, fold
from poets_core.runs.views.peak import Peak, past_peak
from poets_core.spec import ContestSpec
from tests.logs import recorded
from tests.pages import written
from tests.pages import written_experiment as we
from tests.pages.test_charts import seen, trace
from tests.pages.test_pages import LIVE, opened, said
from tests.runs.test_peak import folded, noisy, rise_and_fall


def test_the_best_design_is_drawn_named_and_dated_first(store: SqlStore) -> None:
    body = [*written.events(3, wild_type="CCDF", positions=[39, 40, 41, 54]), Finished("budget")]
    at = opened(LIVE, run=written.write(store, body))
    assert at.header[0].value == "Best design so far"
    assert at.metric[0].value == "0.4"
    text = said(at)
    assert "C39A F54E" in text  # its mutations
    assert "since round 3, measurement 11 of 12" in text
    assert "the best possible value is 1; the first round, before anything was learnt, reached 0.2" in text.lower()
    assert at.get("image")[0].proto.imgs[0].alt.startswith("Sequence ACDE of 4 residues")


def test_a_design_that_was_picked_takes_its_place_and_gives_it_back(store: SqlStore) -> None:
    run = written.write(store, [*written.events(3), Finished("budget")])
    at = opened(LIVE, run=run)
    at.session_state[f"picked-{run}"] = "1-1"
    at.run()
    assert at.header[0].value == "Design 1-1"
    at.button(key="back").click().run()
    assert at.header[0].value == "Best design so far"


def test_designs_are_picked_where_points_are_designs_and_nowhere_else(store: SqlStore) -> None:
    told = [(0, 1, "first")] * 3
    contest = ContestPlayed(
        0, 3, (), we.metrics(("branch 0", "branch 1"), told), VerdictFacts("undecided", None, None, 3, ("branch 0",))
    )
    body = [*written.events(1), contest, Finished("budget")]
    at = opened(LIVE, run=written.write(store, body, contest=ContestSpec(every=1, comparisons=3)))
    drawn = [
        json.loads(e.proto.json) for e in at.main if e.type == "bidi_component" and "plot" in e.proto.component_name
    ]
    assert {d["name"]: d["picks"] for d in drawn} == {
        "progress": True, "regret": False, "predictions": True, "contest": False, "contest-effort": False
    }  # fmt: skip
    assert any("customdata" in t for d in drawn if not d["picks"] for t in d["traces"])  # words, and no designs


def test_a_run_compares_itself_with_the_untrained_model_and_its_rivals(store: SqlStore) -> None:
    ours, low, high = (seen(written.events(n)) for n in (3, 3, 3))
    worse = replace(low, best_so_far=[0.1] * 12)
    better = replace(high, best_so_far=[0.9] * 12)
    beside = [
        Reference("x", worse, "reference"),
        Reference("y", better, "ga"),
        Reference("z", better, "ga"),
        Reference("same method", better),
    ]
    assert verdict(ours, beside) == (
        "The best possible value is 1; better than the untrained model (0.1); "
        "worse than Genetic algorithm (0.9 on average of 2 runs), after 12 measurements each."
    )
    short = seen(written.events(1))
    assert "(0.2 after 4, where this run had 0.2)" in verdict(ours, [Reference("s", short, "gp")])
    assert verdict(RunView(), beside) == ""
    solved = seen(written.events(3, optimum=0.4))
    assert verdict(solved, []).startswith("This is the best possible value")


def test_a_search_past_its_peak_says_so_and_what_to_do(store: SqlStore) -> None:
    view = folded(noisy(rise_and_fall(30), 0))
    peak = past_peak(view)
    assert peak is not None
    text = peak_sentence(view, Peak(9_800, 0.72, 0.17, 3))
    assert "no better design for 9,800 measurements" in text
    assert "from 0.72 to 0.17" in text
    assert "What was found is kept" in text
    run = written.write(store, [*written.events(3), Finished("budget")])
    assert "past its peak" not in said(opened(LIVE, run=run))


def test_a_run_that_ended_early_says_why_beside_its_bar(store: SqlStore) -> None:
    run = written.write(store, [*written.events(3), Finished("exhausted")], rounds=5)
    at = opened(LIVE, run=run)
    (bar,) = at.get("progress")
    assert "ended 2 rounds early: no new design was left to measure" in bar.proto.text
    assert bar.proto.value == 60


def test_what_is_for_experts_is_folded_and_not_even_made(store: SqlStore) -> None:
    run = written.write(store, [*written.events(3), Finished("budget")])
    at = opened(LIVE, run=run)
    assert "Best and mean value" in {h.value for h in at.header}
    assert "Model against model" not in {h.value for h in at.header}


def test_every_record_is_drawn_and_a_sample_says_that_it_is_one() -> None:
    rounds = np.random.default_rng(0).standard_normal((625, 8))
    rounds[:, 3] = np.linspace(-9, -5, 625)
    rounds[::60, 5] = np.linspace(5, 9, len(rounds[::60]))
    view = folded(rounds)
    panel = charts.progress(view, LIGHT, 8)
    drawn = set(trace(panel, "measured design")["customdata"])
    assert {view.order[i] for i in view.records} <= drawn
    assert panel.note == (
        f"{len(drawn):,} of 5,000 valid designs shown, every one that was better than all before among them."
    )
    assert panel.note in panel.alt
    assert charts.progress(seen(written.events(3)), LIGHT, written.BATCH).note == ""


@pytest.mark.parametrize(("rounds", "mode"), [(MARKED, "lines+markers"), (MARKED + 1, "lines")])
def test_long_runs_have_lines_without_markers(rounds: int, mode: str) -> None:
    view = folded(np.tile(np.arange(4.0), (rounds, 1)))
    assert trace(charts.progress(view, LIGHT, 4), "mean of the round")["mode"] == mode


def test_figures_at_their_bound_are_left_out_and_said() -> None:
    def saturated(event: object) -> object:
        if not isinstance(event, Updated):
            return event
        full = {"js_sequence": 0.6931, "js_matrix": [[0.0, 0.6931], [0.6931, 0.0]]}
        return replace(event, metrics={**event.metrics, **full})

    view = fold(recorded([saturated(e) for e in written.events(3)]))  # type: ignore[misc]
    panel = charts.disagreement(view, LIGHT, 2)
    assert "designs differ" not in {t["name"] for t in panel.traces}
    assert "not drawn" in panel.help
    matrix = charts.branch_matrix(view, LIGHT)
    assert matrix.traces == []
    assert "No two models write the same designs" in matrix.alt
    assert charts.branch_matrix(seen(written.events(3)), LIGHT).traces


def test_the_matrix_says_which_way_is_down_and_counts_models_from_one() -> None:
    panel = charts.branch_matrix(seen(written.events(3)), LIGHT)
    assert panel.layout["yaxis"]["range"] == [1.5, -0.5]
    assert panel.layout["yaxis"]["autorange"] is False
    assert panel.traces[0]["x"] == ["1", "2"]


def test_distances_count_differences() -> None:
    assert distance("ACDE", "ACDF", 9) == 1
    assert distance("ACDE", "CDE", 9) == 1
    assert distance(["h 0", "cx 0 1"], ["h 0"], 9) == 1
    assert distance("kitten", "sitting", 9) == 3
    assert distance("AAAA", "CCCC", 3) == 3
    assert distance("AAAAAAAA", "A", 3) == 3
