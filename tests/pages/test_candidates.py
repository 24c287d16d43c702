"""Candidates: a table whose rows open, the open design beside it, the best told apart, files with names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.run.apart import BEST, Apart, told_apart
from pages.parts.run.naming import distance, named
from pages.parts.run.table import candidate_rows
from pages.parts.words import decimal
from poets_core.runs.artifacts import file_name
from poets_core.runs.events import Event, Finished, Observed, Prepared, Proposed
from poets_core.runs.export import candidates_csv, report_bytes
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import RunView, fold
from poets_core.types import Objective, ProblemInfo
from tests.logs import claimed, recorded
from tests.pages import written
from tests.pages.test_charts import seen
from tests.pages.test_pages import CANDIDATES, address, opened, said

WILD = {"wild_type": "CCDF", "positions": [39, 40, 41, 54]}
CIRCUITS = ("h 0\ncx 0 1", "h 0\ncx 0 1\ncx 1 2\nry 2 a*", "h 1")


def table(at: AppTest) -> dict[str, Any]:
    """What the table of the page was given."""
    (found,) = (e for e in at.main if e.type == "bidi_component" and "rows" in str(e.proto.component_name))
    return dict(json.loads(found.proto.json))


def ids(at: AppTest) -> list[str]:
    """Ids of the rows of the table."""
    return [row["id"] for row in table(at)["rows"]]


def circuits() -> RunView:
    """Three measured circuits."""
    objective = Objective("reward", "1 at best", "maximise", 1.0, "exact")
    info = ProblemInfo("quantum/tfim-6", "quantum", "Ising", (objective,), facts={"qubits": 6})
    body: list[Event] = [claimed(), Prepared(info, {"source": "library"})]
    body.append(Proposed(0, tuple(written.candidate(0, s, design=d, text=d) for s, d in enumerate(CIRCUITS))))
    for s, value in enumerate((0.5, 0.125, -0.25)):
        details = {"energy": -7.0 + value, "error": 0.3 - value / 10}
        body.append(Observed(0, f"0-{s}", f"0-{s}", (value,), (0.0,), True, "", details))
    return seen(body)


def many(designs: list[str]) -> RunView:
    """Designs of falling value."""
    body: list[Event] = [claimed(), Prepared(written.info(**WILD), {"source": "library"})]
    body.append(Proposed(0, tuple(written.candidate(0, s, design=d, text=d) for s, d in enumerate(designs))))
    body += [Observed(0, f"0-{s}", f"0-{s}", (1.0 - s / 1000,), (0.0,), True, "") for s in range(len(designs))]
    return seen(body)


def test_circuits_are_listed_with_energy_error_cx_and_depth() -> None:
    columns, rows = candidate_rows(circuits(), ["0-0", "0-1", "0-2"], "run")
    titles = [c.title for c in columns]
    assert titles[:7] == ["design", "value", "energy", "error", "CX", "depth", "gates"]
    assert [r.cells[1] for r in rows] == ["0.5000", "0.1250", "−0.2500"]
    assert [r.cells[4] for r in rows] == ["1", "2", "0"]
    assert all(c.kind == "number" for c in columns[1:7])


def test_proteins_are_listed_with_their_mutations_and_ids_lead_to_their_run() -> None:
    columns, rows = candidate_rows(seen(written.events(2, **WILD)), ["1-2", "1-3"], "20261127-1-2")
    titles = [c.title for c in columns]
    first = dict(zip(titles, rows[0].cells, strict=True))
    assert (first["name"], first["mutations"]) == ("C39Q C40R D41S F54T", "4")
    assert (first["text"], first["round"], first["model"]) == ("QRST", "2", "1")
    assert dict(zip(titles, rows[1].cells, strict=True))["problem"] == "W cannot follow C"
    assert rows[0].href == "/candidates?run=20261127-1-2&id=1-2"


def test_numbers_of_a_column_have_the_same_digits() -> None:
    for values in ([0.5, 0.123456, -12.25], [1e-5, 0.3], [-7.296229, -7.2], [0.0, 0.5]):
        assert len({len(text.partition(".")[2]) for text in decimal(values)}) == 1
    assert decimal([1, 20, None]) == ["1", "20", "–"]
    assert decimal([0.311116, 0.0001]) == ["0.31112", "0.00010"]
    assert decimal([-0.5]) == ["−0.5000"]
    assert decimal([-1e-12, 0.5]) == ["0.00000", "0.50000"]


def test_near_duplicates_of_a_better_design_are_hidden_and_counted() -> None:
    view = many(["AAAA", "AAAC", "AACC", "WWWW", "WWWA", "AAAA"])
    apart = told_apart(view, 2)
    assert [view.candidates[i].design for i in apart.ids] == ["AAAA", "AACC", "WWWW"]
    assert (apart.hidden, apart.looked_at) == (2, 5)  # AAAC and WWWA; the repeat is no other design
    assert apart.nearest == {"0-2": 2, "0-3": 4}
    assert apart.from_best == {"0-2": 2, "0-3": 4}
    assert len(told_apart(view, 1).ids) == 5
    for k in (1, 2, 3, 4):
        kept = [view.candidates[i].design for i in told_apart(view, k).ids]
        assert all(distance(a, b, 9) >= k for a in kept for b in kept if a != b)


def test_the_best_are_at_most_32_and_circuits_are_told_apart_by_gates() -> None:
    letters = "ACDEFGHIKLMNPQRSTVWY"
    assert len(told_apart(many([a + b + a + b for a in letters for b in letters]), 2).ids) == BEST
    assert [*told_apart(circuits(), 2).ids] == ["0-0", "0-1", "0-2"]
    assert [*told_apart(circuits(), 3).ids] == ["0-0"]


def test_filters_reach_the_table(store: SqlStore) -> None:
    run = written.write(store, written.events(2))
    at = opened(CANDIDATES, run=run)
    assert ids(at)[0] == "1-2"
    at.selectbox(key=f"show-{run}").set_value("apart").run()
    assert not at.exception
    assert "each different from every better one; none is hidden" in said(at)
    at.number_input(key=f"apart-{run}").set_value(5).run()
    assert ids(at) == ["1-2"]
    assert "5 nearer ones are hidden" in said(at)
    at.selectbox(key=f"show-{run}").set_value("invalid").run()
    assert ids(at) == ["0-3", "1-3"]
    at.text_input(key=f"text-{run}").set_value("ZZZ").run()
    assert "No candidate matches" in said(at)


def test_the_best_are_told_apart_when_they_are_wanted_and_of_the_run_that_is_shown(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counted(view: RunView, differences: int) -> Apart:
        asked.append(view.seq)
        return told_apart(view, differences)

    monkeypatch.setattr("pages.parts.run.apart.told_apart", counted)
    run = written.write(store, written.events(2))
    at = opened(CANDIDATES, run=run)
    assert asked == []
    at.selectbox(key=f"show-{run}").set_value("apart").run()
    at.run()
    assert len(asked) == 1
    assert asked[0] == store.read(run)[-1].seq


def test_figures_of_a_design_are_said_once_and_by_their_names(store: SqlStore) -> None:
    body = [
        replace(e, details={"n_changed": 4, "half_life": 2.5}) if isinstance(e, Observed) and e.valid else e
        for e in written.events(2, **WILD)
    ]
    text = said(opened(CANDIDATES, run=written.write(store, body), id="1-2"))
    assert "**Beside its value** · mutations **4** · half life **2.5**" in text


def test_the_heading_of_a_column_says_the_unit_as_it_is() -> None:
    info = replace(written.info(), objectives=(Objective("yield", "a_b*", "maximise"),))
    view = fold(recorded([replace(e, info=info) if isinstance(e, Prepared) else e for e in written.events(1)]))
    columns, _ = candidate_rows(view, ["0-0"], "run")
    assert next(c.help for c in columns if c.title == "value") == "Measured, in a_b*."


def test_the_best_is_open_and_next_and_previous_lead_along_the_table(store: SqlStore) -> None:
    run = written.write(store, [*written.events(40), Finished("budget")], rounds=40)
    at = opened(CANDIDATES, run=run)
    order = ids(at)
    assert table(at)["selected"] == order[0]
    assert at.button(key="previous").disabled
    at.button(key="next").click().run()
    assert address(at, "id") == order[1]
    assert table(at)["selected"] == order[1]
    assert f"Design {order[1]}" in {h.value for h in at.header}
    at.button(key="previous").click().run()
    assert address(at, "id") == order[0]
    # over the end of a page
    at.query_params["id"] = order[-1]
    at.run()
    at.button(key="next").click().run()
    assert address(at, "id") in ids(at)
    assert at.number_input(key=f"page-{run}").value == 2


def test_a_run_is_taken_away_as_a_report_and_checked_by_anybody(store: SqlStore) -> None:
    run = written.write(store, [*written.events(4), Finished("budget")], rounds=4)
    at = opened(CANDIDATES, run=run)
    assert "report-html" in {b.key for b in at.get("download_button")}
    assert any(f"poets export {run} run.zip" in code.value for code in at.code)
    assert run.encode() in report_bytes(store, run)


def test_files_are_named_by_problem_run_what_and_how_many() -> None:
    assert file_name("protein/ehrlich", "20261127-133421-1f52", "best-apart", 32, "fasta") == (
        "protein-ehrlich_20261127-133421-1f52_best-apart_32.fasta"
    )
    assert "/" not in file_name("a/../../b", "r", "../x", 1, "csv")


def test_ids_carry_the_run_where_they_leave_the_page() -> None:
    view = seen(written.events(1))
    assert candidates_csv(view, "20261127-1").decode().splitlines()[1].startswith("20261127-1/0-0,")
    assert candidates_csv(view).decode().splitlines()[1].startswith("0-0,")


@pytest.mark.parametrize("design", ["", "<b>", "not a design"])
def test_a_design_that_no_science_knows_still_has_a_name(design: str) -> None:
    view = replace(circuits(), info=None)
    candidate = replace(view.candidates["0-0"], design=design)
    assert named(view, candidate).name == ""
