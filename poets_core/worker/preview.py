"""The first rows of an uploaded table or log, as a page shows them; nothing else of it is parsed for that."""

from __future__ import annotations

import csv
import io
from itertools import chain
from pathlib import Path
from typing import Any

from poets_core.intake import Lines, Refuse, TableBounds, separator, shown, unpacked

ROWS, COLUMNS, CHARACTERS = 5, 50, 200
"""Of a preview, at most."""
BEGIN = 1 << 20
"""Bytes in which the first rows are looked for."""


def table_preview(path: Path, name: str, refuse: Refuse) -> dict[str, Any]:
    """Return rows, columns, names and the first cells of a table; `TableBounds` hold for all of it.

    Args:
        path: CSV, TSV or Parquet, gzipped or not; name: as a person calls it.
        refuse: makes the error.
    """
    bounds = TableBounds()
    blocks = unpacked(path, bounds, refuse)
    first = next(blocks, b"")
    if first[:4] == b"PAR1":
        from poets_core.intake.parquet import read_head  # pyarrow: text does without

        rows, frame = read_head(b"".join(chain([first], blocks)), name, bounds, refuse)
        return _told(rows, [str(c) for c in frame.columns], frame.head(ROWS).to_numpy().tolist(), name, refuse)
    # The whole file passes by, for its size; only the beginning is kept.
    lines = Lines(name, bounds, refuse)
    begin, last = b"", b""
    for block in chain([first], blocks):
        lines.add(block)
        begin += block[: BEGIN - len(begin)]
        last = block
    try:
        # The last line of what was kept may be cut in a character.
        text = begin.decode("utf-8-sig", "strict" if len(begin) < BEGIN else "ignore")
    except UnicodeDecodeError as error:
        raise refuse(f"Expected a readable table in {name}, got bytes that are no UTF-8. Save it as CSV.") from error
    head = _rows(text, name, refuse)
    if not head or not any(map(str.strip, head[0])):
        raise refuse(f"Expected a header row in {name}, got an empty {'line' if head else 'file'}.")
    # The header is a line, too; the last one may lack its end.
    whole = lines.rows - last.endswith((b"\n", b"\r"))
    return _told(whole, head[0], head[1:], name, refuse)


def _rows(text: str, name: str, refuse: Refuse) -> list[list[str]]:
    mark = separator(text.splitlines()[0] if text else "")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            rows.append(row)
            if len(rows) > ROWS:
                break
    except csv.Error as error:
        raise refuse(f"Expected a readable table in {name}, got: {error}. Save it as CSV in UTF-8.") from error
    return rows


def _told(rows: int, names: list[str], head: list[list[str]], name: str, refuse: Refuse) -> dict[str, Any]:
    if rows < 1:
        raise refuse(f"Expected rows in {name}, got none. Upload a table with a header line and data.")
    doubled = [n for i, n in enumerate(names) if n in names[:i]] if len(names) <= COLUMNS else []
    if doubled:
        raise refuse(f"Expected distinct column names in {name}, got {shown(doubled[0])} twice. Rename one.")
    # Rows that are too short are filled up: they are shown as they are, and judged by whoever reads all of them.
    width = min(len(names), COLUMNS)
    cells = [[_cut(c) for c in (*row, *[""] * width)[:width]] for row in head]
    return {"rows": rows, "columns": len(names), "names": [_cut(n) for n in names[:width]], "head": cells}


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
