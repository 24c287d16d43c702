"""The first rows of an uploaded table or log, as a page shows them; nothing else of it is parsed for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poets_core.intake import Refuse, TableBounds
from poets_core.intake.sheet import Sheet, read_sheet

ROWS, COLUMNS, CHARACTERS = 5, 50, 200
"""Of a preview, at most."""


def table_preview(path: Path, name: str, refuse: Refuse) -> dict[str, Any]:
    """Return rows, columns, names and the first cells of a table; `TableBounds` hold for all of it.

    Args:
        path: CSV, TSV, xlsx or Parquet, gzipped or not; name: as a person calls it.
        refuse: makes the error.
    """
    heads: list[Sheet] = []

    def first(head: Sheet) -> list[str]:
        heads.append(head)
        return list(head.columns)[:1]  # the rest is counted, and not kept

    rows = len(read_sheet(path, TableBounds(), refuse, columns=first, name=name).rows)
    if rows < 1:
        raise refuse(f"Expected rows in {name}, got none. Upload a table with a header line and data.")
    names = list(heads[0].columns)
    head = zip(*(heads[0].columns[n][:ROWS] for n in names[:COLUMNS]), strict=True)
    return {
        "rows": rows,
        "columns": len(names),
        "names": [_cut(n) for n in names[:COLUMNS]],
        "head": [list(map(_cut, row)) for row in head],
    }


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def log_preview(path: Path, name: str) -> dict[str, Any]:
    """Read a whole log as a worker does; return its size, policies and first rows.

    Raises:
        InvalidComparisons: see `read_log`.
    """
    from poets_core.llm_po.log import read_log

    rows = read_log(path, None)
    policies = dict.fromkeys(policy for row in rows for policy in (row.first, row.second))
    head = [[_cut(c) for c in (r.prompt, r.first, r.second, r.outcome, *r.responses)] for r in rows[:ROWS]]
    names = ["prompt", "first", "second", "preferred", "response of the first", "response of the second"]
    # Most logs have no responses, and two empty columns say nothing.
    if not any(row.responses[0] or row.responses[1] for row in rows[:ROWS]):
        names, head = names[:4], [row[:4] for row in head]
    return {"rows": len(rows), "columns": len(names), "names": names, "head": head, "policies": list(policies)}
