"""The table of candidates: what a page of rows says, and how it opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pages.parts.rows import Column, Row, address, row_table
from pages.parts.run.expected import RANGE_HELP, expected_range
from pages.parts.run.naming import named
from pages.parts.text import one_line, visible
from pages.parts.words import decimal, short_model
from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.types import round_number

HEIGHT = 640
"""Pixels after which the table scrolls, so that the open design stays beside it."""
TEXT = 200
"""Letters of a design that a cell holds, at most."""


def design_line(candidate: CandidateView) -> str:
    """Return a design, or what was written in its place, in one line."""
    return one_line(candidate.design.replace("\n", " ; ") or candidate.text, TEXT)


def candidate_rows(
    view: RunView, ids: Sequence[str], run: str, more: Mapping[str, Mapping[str, int]] | None = None
) -> tuple[list[Column], list[Row]]:
    """Return columns and rows of some candidates.

    Numbers of a column have the same digits. What the science says of a design has columns of its own; a design of
    several lines is known by them, another one is shown with its name.

    Args:
        view: the run.
        ids: which, in this order.
        run: its id, for the address of each row.
        more: further columns of whole numbers: heading -> id -> number.
    """
    shown = [view.candidates[id] for id in ids]
    said = [named(view, c) for c in shown]
    unit = view.objective.unit
    columns: list[Column] = [Column("design")]
    cells: list[Sequence[str]] = [[visible(id) for id in ids]]

    def add(column: Column, values: Sequence[str]) -> None:
        columns.append(column)
        cells.append(values)

    if not any("\n" in c.design for c in shown):
        if any(s.name for s in said):
            add(Column("name"), [one_line(s.name) for s in said])
        add(Column("text", "code"), [design_line(c) for c in shown])
    elif not any(s.figures for s in said):
        add(Column("name", "code"), [one_line(s.name) or design_line(c) for s, c in zip(said, shown, strict=True)])
    add(
        Column("value", "number", f"Measured, in {one_line(unit)}." if unit else "Measured."),
        decimal([c.value for c in shown]),
    )
    for figure in dict.fromkeys(key for s in said for key in s.figures):
        add(Column(one_line(figure, 40), "number"), decimal([s.figures.get(figure) for s in said]))
    for heading, by_id in (more or {}).items():
        add(Column(heading, "number"), decimal([by_id.get(c.id) for c in shown]))
    expected = "What the method predicted before it was measured, in the unit of the value."
    add(Column("expected", "number", expected), decimal([c.expected for c in shown]))
    add(Column("expected range", "number", RANGE_HELP), [expected_range(c) for c in shown])
    add(Column("round", "number"), [str(round_number(c.round)) for c in shown])
    models = ["–" if c.branch < 0 else short_model(c.branch) for c in shown]
    add(Column("model", "number", "The model that chose it; files and logs call it a branch and count from 0."), models)
    add(
        Column(
            "source",
            "text",
            "Written by a model, an edit, the untrained model or a contest; chosen out of the whole space; or given, "
            "measured before the run.",
        ),
        [visible(c.source) for c in shown],
    )
    if any(c.reason for c in shown):
        add(Column("problem"), [one_line(c.reason) for c in shown])
    rows = [
        Row(id, tuple(column[i] for column in cells), address("candidates", run=run, id=id)) for i, id in enumerate(ids)
    ]
    return columns, rows


def candidate_table(
    view: RunView,
    ids: Sequence[str],
    run: str,
    *,
    selected: str,
    on_open: Callable[[str], None],
    more: Mapping[str, Mapping[str, int]] | None = None,
) -> None:
    """Draw a page of candidates.

    Args:
        view: the run.
        ids: candidates of this page.
        run: its id.
        selected: the one that is open.
        on_open: called with the id of a row that is opened, before the page is drawn again.
        more: see `candidate_rows`.
    """
    columns, rows = candidate_rows(view, ids, run, more)
    row_table(
        columns,
        rows,
        key=f"table-{run}",
        label=f"Table of {len(ids)} candidates",
        on_open=on_open,
        selected=selected,
        height=HEIGHT,
    )
