"""Candidates filtered, sorted and cut into pages before they reach the browser, and tables as safe CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.run.expected import unsure
from poets_core.cells import guarded
from poets_core.runs.views.fold import CandidateView, RunView

T = TypeVar("T")
PAGE = 100
"""Rows a page; 500 is the most that stays quick."""

SORTS: dict[str, str] = {
    "best": "best first",
    "newest": "newest first",
    "oldest": "oldest first",
    "unsure": "least sure first",
}
APART = "apart"
SHOWS: dict[str, str] = {
    "measured": "measured",
    APART: "the best 32, told apart",
    "invalid": "invalid",
    "all": "all, with those not measured yet",
}


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
        shown = {
            "measured": c.valid is True,
            APART: c.valid is True,
            "invalid": c.valid is False or bool(c.reason),
        }.get(self.show, True)
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
        # Filters may have left fewer pages than the one that was open.
        if int(st.session_state.get(key, 1)) > pages:
            st.session_state[key] = pages
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
        found.sort(key=unsure, reverse=True)
    elif wanted.sort == "newest":
        found.reverse()
    return [c.id for c in found]


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
