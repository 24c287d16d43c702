"""Panels are pure functions of a run; what they draw is checked number by number."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from pages.parts.look import DARK, LIGHT, Look
from pages.parts.panel import LINE_POINTS, Panel, numbers, sample, thin
from pages.parts.run import charts
from pages.parts.run.overlays import Reference, with_references, with_soft_regret
from pages.parts.run.predicted import predictions
from poets_core.runs.events import Event, Prepared, Proposed, Updated
from poets_core.runs.views.fold import RunView, fold
from tests.logs import recorded
from tests.pages import written


def seen(events: list[Event]) -> RunView:
    """Fold events with the sequence numbers a store would give."""
    return fold(recorded(events))


def every(view: RunView, look: Look) -> list[Panel]:
    """All panels of the Live page."""
    return [
        charts.progress(view, look, written.BATCH, "1-2"), charts.regret(view, look), charts.disagreement(view, look),
        predictions(view, look, "1-2"), charts.branch_matrix(view, look),
        charts.branches(view, look, {0: 4, 1: 4}),
    ]  # fmt: skip


def trace(panel: Panel, name: str) -> dict:
    return next(t for t in panel.traces if t["name"] == name)


@pytest.mark.parametrize("look", [LIGHT, DARK])
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_every_panel_is_valid_plotly_with_units_and_alt_text(look: Look, rounds: int) -> None:
    view = seen(written.events(rounds)) if rounds else RunView()
    for panel in every(view, look):
        go.Figure(data=panel.traces, layout=panel.layout)  # plotly checks every name and value
        json.dumps({"traces": panel.traces, "layout": panel.layout}, allow_nan=False)
        assert panel.alt
        assert panel.title
        assert panel.help
        if panel.traces:
            axes = [v for k, v in panel.layout.items() if k.startswith(("xaxis", "yaxis"))]
            assert all(a["title"]["text"] for a in axes), panel.name
        else:
            assert panel.layout["annotations"][0]["text"].endswith(".")
            assert panel.layout["xaxis"] == {"visible": False}


def test_progress_shows_best_mean_and_optimum() -> None:
    panel = charts.progress(seen(written.events(3)), LIGHT, written.BATCH)
    assert trace(panel, "best so far")["y"] == pytest.approx([0, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3, 0.4, 0.4])
    assert trace(panel, "mean of the round")["x"] == [4, 8, 12]
    assert trace(panel, "mean of the round")["y"] == pytest.approx([0.1, 0.2, 0.3])
    assert trace(panel, "best possible")["y"] == [1.0, 1.0]
    assert "0-3" not in trace(panel, "measured design")["customdata"]  # invalid: it has no value to draw


def test_regret_is_the_distance_to_the_optimum() -> None:
    panel = charts.regret(seen(written.events(2)), LIGHT)
    assert trace(panel, "best design")["y"][-1] == pytest.approx(0.7)
    # invalid designs count as the worst valid value, 0
    assert trace(panel, "average of all measurements")["y"][-1] == pytest.approx(1 - (0.1 + 0.2 + 0.1 + 0.2 + 0.3) / 8)


def test_an_unknown_optimum_shows_no_regret() -> None:
    panel = charts.regret(seen(written.events(2, optimum=None)), LIGHT)
    assert "not known" in panel.help
    assert trace(panel, "valid")["y"] == [0.75, 0.75]


def test_absent_metrics_leave_gaps_not_errors() -> None:
    events = [e for e in written.events(2) if not isinstance(e, Updated)]
    events += [Updated(0, {}, "c", "", 1.0), Updated(1, {"js_sequence": 0.3}, "c", "", 1.0)]
    view = seen(events)
    assert [t["name"] for t in charts.disagreement(view, LIGHT).traces] == ["designs differ"]
    assert charts.branch_matrix(view, LIGHT).traces == []
    assert len(charts.branches(view, LIGHT, {0: 1, -1: 2}).traces) == 1


def test_the_selected_design_is_ringed_in_both_charts_that_hold_it() -> None:
    view = seen(written.events(2))
    for panel in (charts.progress(view, LIGHT, 4, "1-2"), predictions(view, LIGHT, "1-2")):
        assert trace(panel, "selected")["customdata"] == ["1-2"]
    assert trace(charts.progress(view, LIGHT, 4, "1-2"), "selected")["x"] == [7]
    assert not [t for t in charts.progress(view, LIGHT, 4, "9-9").traces if t["name"] == "selected"]


def test_series_are_told_apart_by_more_than_colour() -> None:
    lines = [t for t in charts.disagreement(seen(written.events(3)), LIGHT).traces if "lines" in t["mode"]]
    assert len({(t["line"]["dash"], t["marker"]["symbol"]) for t in lines}) == len(lines)


def test_a_long_run_costs_no_more_points() -> None:
    def sized(n: int) -> tuple[int, int]:
        head = list(written.events(0))
        proposed = [written.candidate(i // 100, i % 100) for i in range(n)]
        answers = [written.observed(c.id, float(i % 17) / 17) for i, c in enumerate(proposed)]
        view = seen([*head, Proposed(0, tuple(proposed)), *answers])
        panels = every(view, LIGHT)
        points = max(len(t.get("x", [])) for p in panels for t in p.traces)
        return points, len(json.dumps([[p.traces, p.layout] for p in panels]))

    (_, small), (points, large) = sized(5_000), sized(20_000)
    assert points <= 4_000
    assert large < 450_000
    assert large < 1.3 * small


@given(
    arrays(np.float64, some.integers(0, 5000), elements=some.floats(-1e6, 1e6)),
    some.sampled_from([10, 100, LINE_POINTS]),
)
def test_thinning_keeps_ends_peaks_and_troughs(y: np.ndarray, limit: int) -> None:
    kept = thin(np.arange(len(y), dtype=np.float64), y, limit)
    assert len(kept) <= max(limit, len(y) if len(y) <= limit else 0)
    assert (np.diff(kept) > 0).all()
    if len(y):
        assert kept[0] == 0
        assert kept[-1] == len(y) - 1
        assert y[kept].max() == y.max()
        assert y[kept].min() == y.min()


def test_thinning_bears_missing_values() -> None:
    y = np.full(5000, np.nan)
    y[1234] = 3.0
    assert 1234 in thin(np.arange(5000.0), y)
    assert numbers([1.23456789, None, float("nan"), float("inf")]) == [1.23457, None, None, None]


def test_samples_are_even_and_hold_what_they_must() -> None:
    kept = sample(100_000, 4_000, always=[77_777])
    assert len(kept) <= 4_000
    assert 77_777 in kept
    assert kept[0] == 0
    assert kept[-1] == 99_999


def test_one_policy_has_no_disagreement() -> None:
    view = seen(written.events(3))
    panel = charts.disagreement(view, LIGHT, 1)
    assert panel.traces == []
    assert "alone" in panel.alt
    assert charts.disagreement(view, LIGHT, 2).traces


def test_other_runs_are_drawn_behind_the_panels_that_compare() -> None:
    view, other = seen(written.events(3)), seen(written.events(2))
    beside = [Reference("GA <b>", other)]
    progress = with_references(charts.progress(view, LIGHT, written.BATCH), beside, LIGHT)
    assert trace(progress, "GA &lt;b>")["y"] == numbers(other.best_so_far)
    regret = with_references(charts.regret(view, LIGHT), beside, LIGHT)
    assert trace(regret, "GA &lt;b>")["y"] == numbers([r / (i + 1) for i, r in enumerate(other.regret)])  # type: ignore[operator]
    assert "GA <b>" in regret.alt
    matrix = charts.branch_matrix(view, LIGHT)
    assert with_references(matrix, beside, LIGHT) == matrix
    go.Figure(data=regret.traces, layout=regret.layout)


def test_soft_regret_is_drawn_where_it_was_computed() -> None:
    plain = seen(written.events(3))
    panel = charts.regret(plain, LIGHT)
    assert with_soft_regret(panel, plain, LIGHT, written.BATCH) == panel
    events = [
        replace(e, metrics={**e.metrics, "soft_regret": [1.0, 3.0]}) if isinstance(e, Updated) else e
        for e in written.events(3)
    ]
    view = seen(events)
    panel = with_soft_regret(charts.regret(view, LIGHT), view, LIGHT, written.BATCH)
    line = trace(panel, "soft regret of a model (right)")
    assert (line["x"], line["y"]) == ([4, 8, 12], [2.0] * 3)
    assert panel.layout["yaxis2"]["title"]["text"] == "soft regret [s.d.]"
    go.Figure(data=panel.traces, layout=panel.layout)


def test_a_run_that_learnt_exactly_says_so_and_claims_no_training() -> None:
    gradient = seen(written.events(2))
    events = [
        replace(e, backbone={"source": "library", "exact": True})
        if isinstance(e, Prepared)
        else replace(e, metrics={**e.metrics, "amplitude": 0.64, "noise": 0.09})
        if isinstance(e, Updated)
        else e
        for e in written.events(2)
    ]
    exact = seen(events)
    assert "training loss" in charts.branches(gradient, LIGHT, {0: 4}).help
    assert "training loss" not in charts.branches(exact, LIGHT, {0: 4}).help
    assert "learn exactly" in charts.disagreement(exact, LIGHT).help
    assert "learn exactly" not in charts.disagreement(gradient, LIGHT).help
    assert charts.fit_in_words(gradient) == ""
    assert "differ by 0.8 and a measurement errs by 0.3" in charts.fit_in_words(exact)
