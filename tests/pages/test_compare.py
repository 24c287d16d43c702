"""The Compare page: groups, means, paired differences, and the page itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from pages.parts.compare.chart import comparison
from pages.parts.compare.comparison import (
    REACHED,
    Curve,
    Estimate,
    Group,
    band,
    common_threshold,
    curve_of,
    differences,
    estimate,
    group_rows,
    grouped,
    rows,
    table,
)
from pages.parts.compare.landscape import landscape_of, names_of
from pages.parts.look import LIGHT
from pages.parts.tables import safe_csv
from poets_core.runs.events import Finished, Observed, Proposed, Updated
from poets_core.runs.sql import SqlStore
from poets_core.runs.status import State
from poets_core.runs.views.fold import fold
from poets_core.spec import METHODS, ProblemSpec, SearchSpec
from poets_core.types import Objective, contest_candidate
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


def test_every_paid_measurement_is_on_the_axis():
    """A contest after the first of two rounds: its two designs are measurements like all others."""
    events = written.events(2)
    at = next(i for i, e in enumerate(events) if isinstance(e, Updated)) + 1
    two = tuple(
        replace(written.candidate(0, k), id=contest_candidate(0, k), source="contest", predicted_mean=None)
        for k in range(2)
    )
    paid = [Observed(0, c.id, c.id, (0.9,), (0.0,), True, "") for c in two]
    view = fold(recorded([*events[:at], Proposed(0, two), *paid, *events[at:]]))
    curve = curve_of("r", spec(), view)
    assert curve.calls == view.calls == 10
    assert curve.calls_to(0.9, 10) == 5


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
        ("POETS ensemble: ideas per measured design 16", 2),
        ("POETS ensemble: ideas per measured design 8", 1),
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
    assert str(Estimate(-63.27, 153.2, 2)) == "−63.27 ± 150"
    (line,) = differences([one, two], two)
    assert line["Pairs of seeds"] == 2
    assert line["Best"] == str(estimate([4.0, 2.0]))
    assert line["Better best"] == "2 of 2"
    first, second = table([one, two], 3.0)
    assert first["Measurements to threshold"] == "3 (median)"
    assert (first["Threshold reached by"], second["Threshold reached by"]) == ("3 of 3", "1 of 3")
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
    assert [t.get("name") for t in panel.traces] == [
        None,
        "a&lt;b> (n = 2, 0 of 2 reached the best possible)",
        "alone (n = 1, 0 of 1 reached the best possible)",
        "best possible",
    ]
    assert panel.traces[1]["y"] == [1.5, 2.5]
    assert panel.layout["yaxis"]["title"]["text"] == "quality (in share)"
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
    assert groups["Group"].tolist() == ["POETS ensemble", "untrained model"]
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


def table_spec(path, **params):
    search = METHODS["poets"].model_validate({})
    return SearchSpec(problem=ProblemSpec(name="protein/landscape", params={"table": path, **params}), search=search)


def test_a_table_counts_by_its_contents_whatever_its_file_is_called():
    facts = {"sha256": "ab" * 32, "wild_type": "ATS", "variant_column": "variant", "value_column": "fitness"}
    info = replace(written.info(), name="protein/landscape", facts=facts)
    plain_, packed = table_spec("/home/ada/variants.csv"), table_spec("/srv/x/t.csv.gz", value_column="fitness")
    assert landscape_of(plain_, info) == landscape_of(packed, info)
    other = replace(info, facts=facts | {"sha256": "cd" * 32})
    assert landscape_of(plain_, other) != landscape_of(plain_, info)
    assert names_of([landscape_of(plain_, info), landscape_of(plain_, other)]) == ["data abababab", "data cdcdcdcd"]
    # of runs that began before problems said so, an upload counts by the checksum in its name
    uploads = [table_spec(f"/{where}/uploads/t-0123456789abcdef.csv") for where in ("one", "two")]
    assert landscape_of(uploads[0], None) == landscape_of(uploads[1], None)
    groups = grouped([(plain_, curve([1.0])), (packed, curve([2.0], 1))])
    assert [(g.name, len(g.curves)) for g in groups] == [("POETS ensemble", 2)]  # one landscape, one group


def test_no_name_shows_a_path():
    runs = [(table_spec("/home/ada/a.csv"), curve([1.0])), (table_spec("/home/ada/b.csv"), curve([2.0], 1))]
    shown = [g.name for g in grouped(runs)] + names_of([landscape_of(s, None) for s, _ in runs])
    assert not [name for name in shown if "/" in name]


def test_only_runs_of_one_landscape_are_preselected_and_compared(store: SqlStore) -> None:
    done = [*written.events(2), Finished("budget")]
    old = written.write(store, done, params={"instance": 7})
    first, second = written.write(store, done), written.write(store, done, method="ga")
    at = opened(COMPARE)
    assert set(at.multiselect[0].value) == {first, second}
    assert [o.partition(" (")[0] for o in at.selectbox[1].options] == ["Landscape number 0", "Landscape number 7"]
    at.selectbox[1].select_index(1).run()
    assert not at.exception
    assert at.multiselect[0].value == [old]
    at = opened(COMPARE, runs=f"{first},{old}")
    assert at.multiselect[0].value == [first]
    assert "1 of the 2 runs asked for are left out" in said(at)


def test_every_mean_has_the_share_of_runs_that_reached_the_best_possible_beside_it():
    one = Group("one", (curve([1, 5]), curve([1, 2], 1), curve([5, 5], 2)))
    two = Group("two", (curve([1, 1]), curve([1, 5], 2)))
    assert [line[REACHED] for line in table([one, two], None, 5.0)] == ["2 of 3 (21–94 %)", "1 of 2 (9–91 %)"]
    assert differences([one, two], two, 5.0)[0][REACHED] == "2 of 2 and 1 of 2"
    assert REACHED not in table([one], None)[0]
    low = Group("low", (curve([-3, -5 + 1e-12], sign=-1.0), curve([-3, -4.9], 1, sign=-1.0)))
    assert table([low], None, -5.0)[0][REACHED] == "1 of 2 (9–91 %)"


def test_noisy_measurements_at_the_optimum_are_not_counted_as_it():
    noisy = Group("noisy", (curve([1, 5]), replace(curve([1, 6], 1), exact=False)))
    exact = Group("exact", (curve([1, 5]), curve([1, 2], 1)))
    assert [line[REACHED] for line in table([noisy, exact], None, 5.0)] == ["–", "1 of 2 (9–91 %)"]
    assert differences([noisy, exact], exact, 5.0)[0][REACHED] == "–"
    assert group_rows([noisy], 5.0)[0]["optimum_reached"] is None
    panel = comparison([noisy], "best", LIGHT, Objective("quality", "share", optimum=5.0))
    assert "noisy (n = 2)" in [t.get("name") for t in panel.traces]
    body = written.events(1)
    told = [replace(e, std=(0.1,)) if isinstance(e, Observed) and e.valid else e for e in body]
    assert curve_of("r", spec(), fold(recorded(body))).exact
    assert not curve_of("r", spec(), fold(recorded(told))).exact


def test_the_share_leaves_with_the_numbers():
    groups = [Group("=one", (curve([1, 5]), curve([1, 2], 1)))]
    (line,) = group_rows(groups, 5.0)
    assert (line["runs"], line["calls"], line["best"], line["optimum_reached"]) == (2, 2, 3.5, 1)
    assert line["best_half_width"] == pytest.approx(12.706 * 1.5, rel=1e-3)
    assert (line["optimum_reached_low"], line["optimum_reached_high"]) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert [r["optimum_reached"] for r in rows(groups, 5.0)] == [False, True, False, False]
    assert not [k for k in (*group_rows(groups)[0], *rows(groups)[0]) if "optimum" in k]
    data = pd.read_csv(pd.io.common.BytesIO(safe_csv(pd.DataFrame(group_rows(groups, 5.0)))))
    assert data["group"].tolist() == ["'=one"]


def test_the_page_shows_the_share_where_the_optimum_is_stated_alone(store: SqlStore) -> None:
    done = [*written.events(3, optimum=0.4), Finished("budget")]
    runs = [written.write(store, done), written.write(store, done, method="ga")]
    at = opened(COMPARE, runs=",".join(runs))
    groups, apart = (d.value for d in at.dataframe)
    assert groups[REACHED].tolist() == ["1 of 1 (21–100 %)"] * 2
    assert apart[REACHED].tolist() == ["1 of 1 and 1 of 1"]
    assert "A mean hides how many runs" in said(at)
    column = json.loads(at.dataframe[0].proto.columns)[REACHED]
    assert "the best possible, 0.4 (closed form)" in column["help"]
    assert {b.proto.label for b in at.get("download_button")} >= {"Numbers as CSV", "Groups as CSV"}
    unknown = [*written.events(3, optimum=None), Finished("budget")]
    other = written.write(store, unknown, params={"instance": 7})
    at = opened(COMPARE, runs=other)
    assert REACHED not in at.dataframe[0].value
    assert "nothing is said of how many runs found it" in said(at)


def test_a_minimised_objective_says_so_with_its_unit_and_a_proper_minus():
    groups = [Group("a", (curve([-1, -2.5], sign=-1.0), curve([-1, -3.5], 1, sign=-1.0)))]
    energy = Objective("energy", "J, the coupling", "minimise", -5.0)
    panel = comparison(groups, "best", LIGHT, energy)
    assert panel.layout["yaxis"]["title"]["text"] == "energy (in J, the coupling), smaller is better"
    assert "a −3." in panel.alt
    assert table(groups, None)[0]["Best"].startswith("−3 ± ")
    assert panel.traces[1]["y"] == [-1.0, -3.0]


@pytest.mark.parametrize(("state", "every"), [("blocked", 5), ("stalled", 5), ("waiting", None), ("finished", None)])
def test_a_comparison_is_drawn_again_while_a_worker_lives(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, state: State, every: float | None
) -> None:
    written.write(store, written.events(1))
    lines = [replace(row, status=replace(row.status, state=state)) for row in store.runs()]
    monkeypatch.setattr(SqlStore, "runs", lambda self, **_: lines)
    asked: list[object] = []
    fragment = st.fragment

    def noted(draw: Any, *, run_every: float | None) -> Any:
        asked.append(run_every)
        return fragment(draw, run_every=run_every)

    monkeypatch.setattr(st, "fragment", noted)
    opened(COMPARE)
    assert asked[-1] == every  # the page Runs was drawn before


def test_the_curve_of_a_run_is_made_once_for_all_that_look(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(run: str, *rest: Any) -> Curve:
        made.append(run)
        return curve_of(run, *rest)

    monkeypatch.setattr("pages.parts.compare.comparison.curve_of", noted)
    runs = [written.write(store, written.events(2), method=m) for m in ("poets", "ga")]
    for _ in range(2):
        opened(COMPARE, runs=",".join(runs)).run()
    assert sorted(made) == sorted(runs)
