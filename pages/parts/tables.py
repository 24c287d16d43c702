"""The table of candidates: filtered, sorted and cut into pages before it reaches the browser.

A chosen row is looked up as a candidate id in what was on the screen when it
was chosen: positions mean nothing once more candidates have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.run.expected import RANGE_HELP, expected_range
from pages.parts.text import one_line, plain, visible
from poets_core.cells import guarded
from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.types import round_number

T = TypeVar("T")
PAGE = 100
"""Rows a page; 500 is the most that stays quick."""

SORTS: dict[str, str] = {
    "best": "best first",
    "newest": "newest first",
    "oldest": "oldest first",
    "unsure": "least sure first",
}
SHOWS: dict[str, str] = {"measured": "measured", "invalid": "invalid", "all": "all, with those not measured yet"}


@dataclass(frozen=True)
class Filter:
    """Which candidates are wanted.

    Attributes:
        show: a key of `SHOWS`.
        sort: a key of `SORTS`.
        text: part of the design, any case; "" for all.
        branch: branch index, -1 the reference; None for all.
        source: one of `poets_core.types.Source`; "" for all.
    """

    show: str = "measured"
    sort: str = "best"
    text: str = ""
    branch: int | None = None
    source: str = ""

    def keeps(self, c: CandidateView) -> bool:
        """Return whether a candidate is wanted."""
        shown = {"measured": c.valid is True, "invalid": c.valid is False or bool(c.reason)}.get(self.show, True)
        return (
            shown
            and self.text.lower() in c.design.lower()
            and self.branch in (None, c.branch)
            and self.source in ("", c.source)
        )


def one_page(bar: DeltaGenerator, items: Sequence[T], size: int, key: str) -> tuple[Sequence[T], str]:
    """Cut a long list into pages; return the items of the one that is chosen, and which these are, in words.

    Args:
        bar: where the page is chosen, if there are several.
        items: all of them.
        size: items a page.
        key: of the widget.
    """
    pages, number = -(-len(items) // size), 1
    if pages > 1:
        number = int(bar.number_input(f"Page of {pages}", 1, pages, 1, key=key, width=130))
    first = (number - 1) * size
    shown = items[first : first + size]
    return shown, f"{first + 1:,} to {first + len(shown):,} of {len(items):,}"


def find(view: RunView, wanted: Filter) -> list[str]:
    """Return ids of the candidates a filter keeps, in its order."""
    found = [c for c in view.candidates.values() if wanted.keeps(c)]
    if wanted.sort == "best":
        # Candidates without a value come last, whichever way is better.
        found.sort(key=lambda c: (c.value is None, -view.sign * (c.value or 0.0)))
    elif wanted.sort == "unsure":
        found.sort(key=lambda c: -1.0 if c.predicted_std is None else c.predicted_std, reverse=True)
    elif wanted.sort == "newest":
        found.reverse()
    return [c.id for c in found]


def frame(view: RunView, ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows of one page as a table for people."""
    rows = [view.candidates[id] for id in ids]
    return pd.DataFrame(
        {
            "id": [c.id for c in rows],
            "design": [visible(c.design.replace("\n", " ; ") or c.text[:200]) for c in rows],
            "value": pd.array([c.value for c in rows], dtype="Float64"),
            "expected": pd.array([c.expected for c in rows], dtype="Float64"),
            "range": [expected_range(c) for c in rows],
            "round": [round_number(c.round) for c in rows],
            "branch": ["none" if c.branch < 0 else str(c.branch) for c in rows],
            "source": [c.source for c in rows],
            "log-prob.": pd.array([c.log_prob for c in rows], dtype="Float64"),
            "problem": [one_line(c.reason) for c in rows],
        }
    )


def candidate_table(view: RunView, ids: Sequence[str], key: str, on_pick: Callable[[str], None]) -> None:
    """Draw a page of candidates; `on_pick` gets the id of the row that is chosen.

    Args:
        view: the run.
        ids: candidates of this page.
        key: widget key.
        on_pick: called before the page is drawn again.
    """
    shown = f"{key}-shown"

    def picked() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        on_screen = st.session_state.get(shown, [])
        if rows and rows[0] < len(on_screen):
            on_pick(on_screen[rows[0]])

    table = frame(view, ids)
    if not table["problem"].astype(bool).any():
        table = table.drop(columns="problem")
    unit = view.objective.unit
    of = f", in {plain(unit)}" if unit else ""
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=picked,
        selection_mode="single-row",
        alt=f"Table of {len(ids)} candidates",
        column_config={
            "design": st.column_config.TextColumn("design", width="large"),
            "value": number("value", format="%.4g", help=f"Measured, in {unit}." if unit else "Measured."),
            "expected": number("expected", format="%.4g", help=f"Predicted before it was measured{of}."),
            "range": st.column_config.TextColumn("expected range", help=RANGE_HELP),
            "log-prob.": number("log-prob.", format="%.2f", help="Log-probability under its branch, in nats."),
            "source": st.column_config.TextColumn(
                "source", help="Written by a branch, an edit, the reference, or a contest."
            ),
        },
    )
    st.session_state[shown] = list(ids)


def safe_csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8; text that a spreadsheet would take for a formula gets an apostrophe."""
    text = table.select_dtypes(["object", "str"]).columns
    safe = table.copy()
    for column in text:
        safe[column] = [_cell(v) if isinstance(v, str) else v for v in safe[column]]
    safe.columns = [_cell(str(c)) for c in safe.columns]
    return safe.to_csv(index=False, lineterminator="\n").encode()


def _cell(text: str) -> str:
    # pandas leaves a lone \r unquoted: it would end the row, and what follows would begin one.
    return guarded(text).replace("\r\n", "\n").replace("\r", "\n")
