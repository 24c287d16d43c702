"""A table whose rows open: by a click, and from the keyboard by Enter on the link that every row begins with.

`st.dataframe` is drawn on a canvas: it takes a click on the margin of a row for a choice, no key at all, and has no
links. This is an HTML table of at most a page of rows, filled with text by a small script of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import streamlit as st

HERE = Path(__file__).parent
HTML = '<div class="rows" role="region" tabindex="-1"><table></table></div>'
CSS = """
.rows { overflow: auto; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; color: var(--st-text-color); }
th, td { padding: 0.3rem 0.6rem; text-align: left; white-space: nowrap; font-weight: 400; }
thead th {
  position: sticky; top: 0; z-index: 1; background: var(--st-secondary-background-color); font-weight: 600;
}
.number { text-align: right; font-variant-numeric: tabular-nums; }
.code { font-family: var(--st-code-font, monospace); max-width: 22rem; overflow: hidden; text-overflow: ellipsis; }
thead .code { font-family: inherit; }
tbody tr { cursor: pointer; border-top: 1px solid var(--st-border-color); }
tbody tr:hover { background: var(--st-secondary-background-color); }
tbody tr[aria-current] { background: var(--st-secondary-background-color); }
tbody tr[aria-current] th { box-shadow: inset 4px 0 0 var(--st-primary-color); font-weight: 600; }
a { color: var(--st-link-color); }
a:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
"""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: its heading.
        kind: ``"code"`` is cut where it is too long, numbers stand to the right.
        help: what it means, shown at its heading.
    """

    title: str
    kind: Literal["text", "code", "number"] = "text"
    help: str = ""


@dataclass(frozen=True)
class Row:
    """A row: what it opens, and its cells as text, one a column; the first is its link."""

    id: str
    cells: tuple[str, ...]
    href: str


def address(page: str, **query: str) -> str:
    """Return the address of a page within the app, for a link that can be opened in another tab."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"{'/' + base if base else ''}/{page}?{urlencode(query)}"


@st.cache_resource
def _renderer() -> st.components.v2.types.ComponentRenderer:
    """Register the component once per process."""
    js = (HERE / "rows.js").read_text(encoding="utf-8")
    return st.components.v2.component("poets_rows", html=HTML, css=CSS, js=js)


def row_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    key: str,
    label: str,
    on_open: Callable[[str], None],
    selected: str = "",
    height: int = 0,
) -> None:
    """Draw a table, or update it in place.

    Args:
        columns, rows: what it holds; every row has a cell a column.
        key: stable widget key.
        label: what the table holds, for screen readers.
        on_open: called with the id of the row that was opened, before the page is drawn again.
        selected: id of the row that is open.
        height: pixels after which it scrolls, 0 for never.
    """

    def opened() -> None:
        id = st.session_state[key]["opened"]
        if id:
            on_open(str(id))

    _renderer()(
        key=key,
        data={
            "columns": [asdict(column) for column in columns],
            "rows": [asdict(row) for row in rows],
            "label": label,
            "selected": selected,
            "height": height,
        },
        on_opened_change=opened,
    )
