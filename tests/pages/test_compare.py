"""The Compare page: groups, means, paired differences, and the page itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.parts.compare.chart import comparison
from pages.parts.compare.comparison import (
    Curve,
    Group,
    band,
    common_threshold,
    curve_of,
    differences,
    estimate,
    grouped,
    rows,
    table,
)
from pages.parts.look import LIGHT
from pages.parts.tables import safe_csv
from poets_core.runs.events import Finished
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import METHODS, ProblemSpec, SearchSpec
from poets_core.types import Objective
from tests.logs import recorded
from tests.pages import written
from tests.pages.test_pages import address, opened, said

COMPARE = "pages/analyse/compare.py"


def spec(seed=0, label="", **search):
    settings = METHODS[search.get("method", "poets")].model_validate(search)
    return SearchSpec(seed=seed, label=label, problem=ProblemSpec(name="protein/ehrlich"), search=settings)


def curve(best, seed=0, sign=1.0, **more):
    best = np.array(best, dtype=float)
    return Curve(f"run-{seed}", seed, {"best": best, "mean": best - 1.0, **more}, sign)


def test_a_run_becomes_its_curves():
    c = curve_of("r", spec(), fold(recorded(written.events(2))))
    assert c.calls == 8
    assert c.measures["best"][-1] == pytest.approx(0.3)
    assert c.measures["mean"][-1] == pytest.approx(np.mean([0.0, 0.1, 0.2, 0.1, 0.2, 0.3]))  # two of eight invalid
    assert c.measures["regret"][2] == pytest.approx(3 - 0.3)
    unknown = curve_of("r", spec(), fold(recorded(written.events(1)[:2])))
    assert unknown.calls == 0


def test_runs_that_differ_in_seed_and_label_alone_are_one_group():
    found = grouped(
        [
            (spec(0), curve([1.0])),
            (spec(1), curve([2.0], 1)),
            (spec(0, pool=8), curve([3.0])),
            (spec(0, method="ga", transform="z"), curve([4.0])),  # the genetic algorithm only reports by it
            (spec(1, method="ga"), curve([5.0], 1)),
            (spec(2, label="mine", elites=3), curve([6.0], 2)),
        ]
    )
    assert [(g.name, len(g.curves)) for g in found] == [
        ("POETS ensemble: pool 16", 2),
        ("POETS ensemble: pool 8", 1),
        ("mine", 1),
        ("Genetic algorithm", 2),
    ]
    again = grouped([(spec(0), curve([1.0])), (spec(0), curve([1.0, 2.0])), (spec(1), curve([3.0], 1))])
    assert [c.calls for c in again[0].curves] == [2, 1]  # a seed that was run twice counts once


def test_means_intervals_and_pairs():
    one = Group("one", (curve([1, 2, 3]), curve([2, 2, 5, 6], 1), curve([0, 2, 4], 2)))
    two = Group("two", (curve([1, 1, 1], 1), curve([0, 0, 2], 2), curve([9, 9, 9], 7)))
    mean, half = band(one, "best")
    assert mean.tolist() == [1.0, 2.0, 4.0]
    assert half[2] == pytest.approx(4.3027 * 1.0 / 3**0.5, rel=1e-4)  # Student's t with two degrees of freedom
    assert str(estimate([2.0])) == "2"
    assert str(estimate([float("nan")])) == "–"
    (line,) = differences([one, two], two)
    assert line["Pairs of seeds"] == 2
    assert line["Best"] == str(estimate([4.0, 2.0]))
    assert line["Better best"] == "2 of 2"
    first, second = table([one, two], 3.0)
    assert first["Calls to threshold"] == "3 (median)"
    assert (first["Reached by"], second["Reached by"]) == ("3 of 3", "1 of 3")
    assert common_threshold([Group("x", (curve([0.92346]),))]) == pytest.approx(0.9234)
    assert common_threshold([Group("x", (curve([0.92346], sign=-1.0),))]) == pytest.approx(0.9235)
    assert first["Best"] == str(estimate([3.0, 5.0, 4.0]))  # after the three calls that all have made
    assert first["Regret"] == "–"


def test_smaller_is_better_where_the_problem_says_so():
    c = curve([3.0, 1.0], sign=-1.0)
    assert c.calls_to(1.0, 2) == 2
    assert c.calls_to(0.5, 2) is None
    assert c.calls_to(1.0, 1) is None
    a, b = Group("a", (c,)), Group("b", (curve([3.0, 2.0], sign=-1.0),))
    assert differences([a, b], b)[0]["Better best"] == "1 of 1"


def test_the_figure_has_a_line_a_group_and_its_interval():
    groups = [Group("a<b>", (curve([1, 2]), curve([2, 3], 1))), Group("alone", (curve([1, 1], 3),))]
    panel = comparison(groups, "best", LIGHT, Objective("quality", "share", optimum=5.0))
    assert [t.get("name") for t in panel.traces] == [None, "a&lt;b> (n = 2)", "alone (n = 1)", "best possible"]
    assert panel.traces[1]["y"] == [1.5, 2.5]
    assert panel.layout["yaxis"]["title"]["text"] == "quality [share]"
    assert "a<b> 2.5" in panel.alt


def test_numbers_leave_as_csv_without_formulas():
    data = pd.read_csv(pd.io.common.BytesIO(safe_csv(pd.DataFrame(rows([Group("=1+1", (curve([1, 2]),))])))))
    assert data["group"].tolist() == ["'=1+1"] * 2
    assert data["best"].tolist() == [1.0, 2.0]
    assert data["call"].tolist() == [1, 2]


def test_the_page_compares_what_the_address_names(store: SqlStore) -> None:
    assert "no run with a measured design" in said(opened(COMPARE))
    done = [*written.events(3), Finished("budget")]
    first = written.write(store, done)
    second = written.write(store, done, method="reference")
    written.write(store, done, label="not asked for")
    at = opened(COMPARE, runs=f"{first},{second}")
    assert at.multiselect[0].value == [first, second]
    groups, apart = (d.value for d in at.dataframe)
    assert groups["Group"].tolist() == ["POETS ensemble", "Untrained model, learns nothing"]
    assert groups["Seeds"].tolist() == [1, 1]
    assert apart["Best"].tolist() == ["0"]
    at.segmented_control(key="measure").set_value("regret").run()
    assert not at.exception
    assert address(at, "measure") == "regret"
    other = written.write(store, done)
    at = opened(COMPARE, problem="protein/ehrlich")
    assert {first, second, other} <= set(at.multiselect[0].value)
    at.multiselect[0].set_value([]).run()
    assert "Choose the runs" in said(at)
