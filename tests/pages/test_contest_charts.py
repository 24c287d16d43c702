"""The panels of an experiment: what is drawn is what the worker computed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pages.parts.experiment import charts as contest_charts
from pages.parts.experiment import effort as contest_effort
from pages.parts.experiment.verdicts import model_line, sentence, toward
from pages.parts.look import DARK, LIGHT
from pages.parts.run.contest_panel import contest_panels, deploy
from poets_core.runs.event_fields import VerdictFacts
from poets_core.runs.events import ContestPlayed, VerdictReached
from poets_core.runs.views.fold import fold
from poets_core.spec import parse_spec
from tests.logs import recorded
from tests.pages import written
from tests.pages import written_experiment as we

TOLD = [(0, 1, "first"), (2, 0, "second"), (1, 2, "tie"), *[(0, 1, "first"), (0, 2, "first")] * 6]
METRICS = we.metrics(we.NAMES, TOLD)


def test_the_matrix_holds_counts_and_shares() -> None:
    panel = contest_charts.win_matrix(METRICS, LIGHT)
    (trace,) = panel.traces
    assert trace["text"] == [["", "7", "7"], ["0", "", ""], ["0", "", ""]]
    assert trace["z"] == [[None, 1.0, 1.0], [0.0, None, None], [0.0, None, None]]
    assert panel.points == len(TOLD)
    assert "branch 0 7, branch 1 0" in panel.alt


def test_evidence_stands_against_its_thresholds_in_order() -> None:
    panel = contest_charts.evidence_bars(METRICS, LIGHT)
    out, shown = panel.traces
    order = np.argsort(METRICS["evidence"])
    assert out["x"] == pytest.approx([METRICS["evidence"][i] for i in order], rel=1e-3)
    assert shown["x"] == pytest.approx([METRICS["shown"][i] for i in order], rel=1e-3)
    assert [t.endswith("out") for t in out["text"]] == [False, True, True]
    lines = [s["x0"] for s in panel.layout["shapes"]]
    assert lines == [METRICS["evidence_threshold"], METRICS["shown_threshold"]]
    assert len(contest_charts.evidence_bars(METRICS, LIGHT, assumed=True).traces) == 1


def test_evidence_over_comparisons_has_one_line_a_policy_and_a_threshold() -> None:
    view = fold(recorded(we.course(TOLD))).experiment
    assert view is not None
    panel = contest_charts.evidence_lines(view.metrics or {}, view.history, DARK)
    assert len(panel.traces) == 2 * (3 + 1)
    first = next(t for t in panel.traces if t["name"] == "branch 1" and t["yaxis"] == "y")
    assert first["x"] == list(range(1, len(TOLD) + 1))
    assert first["y"][-1] == pytest.approx(METRICS["evidence"][1], rel=1e-3)


def test_allocation_adds_up_and_pairs_stand_once() -> None:
    panel = contest_effort.allocation(METRICS, LIGHT)
    spent, optimal = panel.traces
    assert sum(spent["x"]) == pytest.approx(100, abs=0.2)
    assert sum(optimal["x"]) == pytest.approx(100, abs=0.2)
    assert len(spent["x"]) == 3
    alone = contest_effort.allocation(METRICS | {"optimal": None}, LIGHT)
    assert len(alone.traces) == 1
    assert "no proportions are optimal" in alone.help


def test_many_policies_are_cut_to_what_can_be_read() -> None:
    names = [f"p{i:02}" for i in range(40)]
    told = [(i, (i + 7) % 40, "first") for i in range(40)] * 2
    metrics = we.metrics(names, told)
    assert len(contest_charts.evidence_bars(metrics, LIGHT).traces[0]["y"]) == contest_charts.MOST
    bars = contest_effort.allocation(metrics, LIGHT).traces[0]
    assert len(bars["x"]) == contest_effort.MOST_PAIRS + 1
    assert sum(bars["x"]) == pytest.approx(100, abs=1)
    assert "texttemplate" not in contest_charts.win_matrix(metrics, LIGHT).traces[0]


def test_saving_compares_with_the_bound_and_with_round_robin() -> None:
    assert len(contest_effort.saving(METRICS, LIGHT, 15, settled=True).traces[0]["x"]) == 2
    robin = {"mean": 60.0, "standard_error": 3.0, "runs": 20, "capped": 2}
    panel = contest_effort.saving(METRICS | {"round_robin": robin}, LIGHT, 15, settled=True)
    assert panel.traces[0]["x"] == [15, pytest.approx(METRICS["expected"], rel=1e-3), 60]
    assert "60 ± 3, or more" in panel.alt
    for kind, share in (("winner", 0.75), ("none", 0.75), ("undecided", None)):
        verdict = VerdictReached(kind, None, None, 15, ())  # type: ignore[arg-type]
        assert contest_effort.saved_share({"round_robin": robin}, verdict) == share
    assert contest_effort.saved_share({"round_robin": robin}, None) is None
    assert contest_effort.saved_share(METRICS, VerdictReached("winner", "branch 0", 0.1, 15, ())) is None


def test_a_name_is_no_markup_of_plotly() -> None:
    names = ("<a href='http://x'>x</a>", "b & c", "r" * 80)
    panel = contest_charts.win_matrix(we.metrics(names, TOLD), LIGHT)
    drawn = json.dumps([panel.traces, panel.layout])
    assert "<a" not in drawn
    assert "b &amp; c" in drawn
    assert max(map(len, panel.layout["xaxis"]["ticktext"])) < 40


@pytest.mark.parametrize("draw", [contest_charts.win_matrix, contest_charts.evidence_bars, contest_effort.allocation])
def test_before_the_first_update_a_panel_says_so(draw: object) -> None:
    panel = draw({}, LIGHT)  # type: ignore[operator]
    assert panel.alt == contest_charts.NOTHING


def test_progress_toward_a_verdict_names_nobody() -> None:
    for assumed in (False, True):
        spec = we.spec(assume_condorcet=assumed).experiment
        assert spec is not None
        assert toward(None, spec) == (0.0, "Nothing is known yet: 0 of 3 policies are ruled out")
        share, text = toward(METRICS, spec)
        assert 0 < share <= 1
        assert not [n for n in we.NAMES if n in text]
    assert share == 1  # with an assumed winner both others are excluded: that is the verdict


def test_a_model_is_said_to_lead_or_to_be_contradicted() -> None:
    assert model_line(METRICS) is None
    model = {"leader": "branch 0", "margin": 1.5, "margin_threshold": 3.0, "fit": 0.42, "doubted": False}
    doubted, text = model_line(METRICS | {"model": model}) or (True, "")
    assert not doubted
    assert "**branch 0** leads with odds of 4.5:1; the verdict needs 20:1" in text
    spec = we.spec(assume_condorcet=True).experiment
    assert spec is not None
    share, text = toward(METRICS | {"model": model}, spec)
    assert share == 0.5
    assert "branch" not in text
    doubted, text = model_line(METRICS | {"model": model | {"doubted": True, "fit": 1e-5}}) or (False, "")
    assert doubted
    assert "contradict" in text


def test_a_contest_names_the_branch_to_deploy() -> None:
    view = fold(recorded(written.events(1)))
    assert deploy(view) == ""
    assert contest_panels(view, LIGHT)[0].alt == "No contest has been held yet."
    contest = ContestPlayed(4, 30, (), dict(METRICS), VerdictFacts("winner", "branch 0", 0.1, 15, ("branch 0",)))
    view = fold(recorded([*written.events(1), contest]))
    assert deploy(view).replace("\\", "") == (
        "Model to deploy: **model 1 (branch 0 in files)**, best with error at most 10 % "
        "(contest after round 5, 15 comparisons)."
    )
    evidence, effort = contest_panels(view, LIGHT)
    assert (evidence.name, effort.name) == ("contest", "contest-effort")
    # As everything on the page calls them; the one that is left is still not ruled out.
    named = METRICS | {"policies": ["model 1", "model 2", "untrained model"], "left": ["model 1"]}
    assert METRICS["left"] == ["branch 0"]
    assert evidence.traces == contest_charts.evidence_bars(named, LIGHT).traces
    assert "branch" not in json.dumps([evidence.layout, effort.layout, evidence.alt, effort.alt])
    why = "all 12 rows of the log are used"
    told = sentence(VerdictReached("undecided", None, None, 3, (), why=why), METRICS)[1]
    assert told.startswith("Undecided after 3 comparisons: no winner is certified.")
    assert told.endswith("It ended because all 12 rows of the log are used.")
    undecided = replace(contest, verdict=VerdictFacts("undecided", None, None, 15, ("branch 0",)))
    assert "No model to deploy is known yet" in deploy(fold(recorded([*written.events(1), undecided])))


def test_a_verdict_says_what_it_assumes_and_what_is_withheld() -> None:
    won = VerdictReached("winner", "a", 0.1, 3, ("a",))
    assert sentence(won, METRICS, "Rows of one prompt count as one.")[1].endswith("Rows of one prompt count as one.")
    why = "'a' was shown first in all 30 of its rows against 'b'"
    tone, told = sentence(VerdictReached("undecided", None, None, 3, (), "order", {}, why=why), METRICS)
    assert (tone, told) == ("warning", f"Undecided after 3 comparisons: no winner is certified. {why}.")
    plan = {"kind": "winner", "policy": "a", "comparisons": 40, "pairs": [["a", "b", 40]], "apart": True}
    assert sentence(None, METRICS | {"settles": plan})[1].endswith("as they have, each on a prompt of its own.")


def test_sentences_before_the_first_comparison_and_without_survivors() -> None:
    assert sentence(None, None)[1] == "No verdict yet: nothing has been compared."
    assert "Each policy looks beaten" in sentence(None, METRICS | {"left": []})[1]
    assert parse_spec(we.spec().model_dump_json()) == we.spec()
