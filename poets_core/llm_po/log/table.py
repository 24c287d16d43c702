"""A comparison log as columns of text, whatever file it came in: sheets by `poets_core.intake.sheet`, JSON by records.

Nothing is said here of what a column means.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poets_core.cells import FORMULA
from poets_core.errors import InvalidComparisons
from poets_core.intake import TableBounds, read_json, shown
from poets_core.intake.json_rows import Record, is_json, read_json_rows
from poets_core.intake.layout import MARKS, Layout, layout, separator_of, split
from poets_core.intake.sheet import Form, read_sheet
from poets_core.llm_po.log import names

BOUNDS = TableBounds(packed=64 << 20, bytes=64 << 20, rows=500_000, columns=1000, cells=10_000_000, cell=1 << 20)
"""Of a log."""
FIELD = "experiment.log"
_HEADERS = 30
"""Records among which the header is looked for."""
_KNOWN = frozenset(
    {n for pair in (*names.POLICIES, *names.RESPONSES) for n in pair}
    | {*names.OUTCOMES, *names.WEAK_OUTCOMES, *names.BOTH_ORDERS, *names.PROMPTS, *names.JUDGES, *names.ORDERS}
    | {*names.CONVERSATIONS, *names.OWN_EXPORT, "winner_model_a", "winner_model_b", "winner_tie"}
)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL and half surrogate pairs, which no database and no file can hold."""
MESSAGES = "messages of "
"""How the column is called that holds what stood before the last message of another."""


@dataclass(frozen=True)
class LogTable:
    """A log as text.

    Attributes:
        name: of the file.
        columns: name -> stripped cells, "" where one is missing; all of one length.
        numbers: of the rows, as a spreadsheet shows them (the header is 1); of JSON, records from 1.
        notes: what was recognised or passed over, in sentences without an end.
        blank: rows without any cell; they are not among the rows.
        separator: of the cells of a text, see `poets_core.intake.sheet.Sheet`.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    numbers: Sequence[int]
    notes: tuple[str, ...]
    blank: int
    separator: str = ""


def refuse(message: str) -> InvalidComparisons:
    """Return the error of a log that cannot be read."""
    return InvalidComparisons(message, field=FIELD)


def read_table(path: Path, name: str = "") -> LogTable:
    """Read a log as it stands: CSV, TSV, xlsx, Parquet, JSON lines, a JSON array; gzipped or not.

    Raises:
        InvalidComparisons: unreadable, beyond `BOUNDS`, no rows.
    """
    name = (name or path.name)[:80]
    # By content, never by the name of the file.
    if is_json(path, BOUNDS, refuse):
        table = _of_records(read_json_rows(path, name, BOUNDS, refuse), name)
    else:
        sheet = read_sheet(path, BOUNDS, refuse, name=name, form=Form(_separator, _layout, strict=True, nested=True))
        # Blanks are counted beside the rows, and not said twice.
        notes = tuple(n for n in sheet.notes if "blank line" not in n)
        table = LogTable(name, _unfolded(sheet.columns), sheet.rows, notes, sheet.blank, sheet.separator)
    if not table.numbers:
        raise refuse(f"Expected a comparison log with one row or more in {name}, got none. Add rows below the header.")
    return _writable(_unguarded(table))


def _unguarded(table: LogTable) -> LogTable:
    """Take off the apostrophes that our own export puts before what a spreadsheet would take for a formula."""
    if not {names.key_of(column) for column in table.columns} >= names.OWN_EXPORT:
        return table
    # What a spreadsheet would take for a formula was guarded on the way out.
    marked = tuple(f"'{sign}" for sign in FORMULA)
    columns = {n: [c[1:] if c.startswith(marked) else c for c in cells] for n, cells in table.columns.items()}
    return replace(table, columns=columns)


def _known(record: Sequence[str]) -> int:
    return sum(names.key_of(cell) in _KNOWN for cell in record)


def _separator(begin: str) -> str:
    """Return the mark by which the header names most known columns: prompts are full of commas and semicolons."""
    found = {}
    for mark in MARKS:
        with suppress(csv.Error):
            found[mark] = max(map(_known, split(begin, mark, _HEADERS)), default=0)
    # One known column is no proof: a prompt that says “prompt” is one as well.
    best = max(found, key=lambda m: found[m], default=",")
    return best if found.get(best, 0) >= 2 else separator_of(begin)


def _layout(rows: Sequence[Sequence[str]]) -> Layout | None:
    """Return the first record with most known columns as header; the usual rules where none has two."""
    known = [_known(record) for record in rows[:_HEADERS]]
    # Rows of a log are text all over, so that numbers below a line do not tell a header, as they do in tables of
    # measurements.
    most = max(known, default=0)
    if most < 2:
        return layout(rows)
    header = known.index(most)
    above = sum(any(r) for r in rows[:header])
    notes = (f"{above:,} line{'s' * (above > 1)} above the header {'were' if above > 1 else 'was'} skipped",)
    titles = tuple(" ".join(cell.split()) for cell in rows[header])
    return Layout(header, titles, frozenset(), notes if above else ())


def _of_records(records: Sequence[Record], name: str) -> LogTable:
    columns: dict[str, list[str]] = {}
    kept: list[int] = []
    known: dict[str, str] = {}  # equal texts are kept once
    for number, record in enumerate(records, 1):
        cells = _cells(record)
        if not any(cells.values()):
            continue
        # Counted before anything is filled up: one row may bring a thousand columns.
        new = [column for column in cells if column not in columns]
        wide = len(columns) + len(new)
        if wide > BOUNDS.columns or wide * (len(kept) + 1) > BOUNDS.cells:
            raise refuse(
                f"Expected at most {BOUNDS.columns:,} different keys and {BOUNDS.cells:,} cells in {name}, got more by "
                f"row {number}. Keep those that are needed."
            )
        columns |= {column: [""] * len(kept) for column in new}
        kept.append(number)
        # Rows need not have the same keys.
        for column, texts in columns.items():
            text = cells.get(column, "")
            texts.append(known.setdefault(text, text))
    return LogTable(name, columns, kept, (), len(records) - len(kept))


def _cells(record: Record) -> dict[str, str]:
    """Return the texts of one object; of messages, what was said."""
    cells = {key.strip(): _said(value) for key, value in record.items()}
    for key, value in record.items():
        if _messages(value) and len(value) > 1 and value[-1].get("role") == "assistant":
            # A conversation ends with the response; what stands before it is the prompt.
            cells[f"{MESSAGES}{key.strip()}"] = _said(value[:-1])
            cells[key.strip()] = _said(value[-1:])
    return cells


def _unfolded(columns: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return columns in which messages that a cell holds as JSON are read as those of a JSON file."""
    out: dict[str, Sequence[str]] = {}
    for column, cells in columns.items():
        first = next(filter(None, cells), "")
        found = [_parsed(cell) for cell in cells] if first.startswith(("[{", "[ {")) else []
        # All of them or none: half of a column of prompts must not look otherwise than the rest.
        if not found or not all(_messages(talk) or not cell for talk, cell in zip(found, cells, strict=True)):
            out[column] = cells
            continue
        records = [_cells({column: talk}) for talk in found]
        for name in dict.fromkeys(n for record in records for n in record):
            out[name] = [record.get(name, "") for record in records]
    return out


def _parsed(cell: str) -> Any:
    with suppress(InvalidComparisons):
        return read_json(cell, "messages", refuse) if cell else None
    return None


def _messages(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(isinstance(m, dict) and "content" in m for m in value)


def _said(value: Any) -> str:
    """Return a JSON value as a cell: text as it is, messages by what was said, other things as JSON."""
    if isinstance(value, str):
        return value.strip()
    # NaN is what pandas writes where nothing is.
    if value is None or value != value:
        return ""
    # Before numbers: a bool is one in Python.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if _messages(value):
        lines = [(str(m.get("role", "")), _content(m["content"])) for m in value]
        return "\n\n".join(f"{role}: {text}" if role and len(lines) > 1 else text for role, text in lines).strip()
    if isinstance(value, list) and all(isinstance(e, str) for e in value):
        return ", ".join(value).strip()
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _content(content: Any) -> str:
    """Return the text of a message, which may come in parts."""
    if isinstance(content, list):
        return "\n".join(str(p.get("text", "")) if isinstance(p, dict) else str(p) for p in content)
    return content if isinstance(content, str) else "" if content is None else json.dumps(content, ensure_ascii=False)


def _writable(table: LogTable) -> LogTable:
    """Return a table whose cells any file and database can hold."""
    odd, columns = 0, {}
    for name, cells in table.columns.items():
        # One search a column; cells are looked at one by one only where it finds something.
        if _NO_TEXT.search("\n".join(cells)):
            odd += sum(_NO_TEXT.search(cell) is not None for cell in cells)
            cells = [_NO_TEXT.sub("\ufffd", cell) for cell in cells]
        columns[_NO_TEXT.sub("\ufffd", name)] = cells
    if len(columns) < len(table.columns):
        raise refuse(f"Expected columns with different names in {table.name}, got two that look alike. Rename one.")
    note = f"{odd:,} cell{'s' * (odd > 1)} held half a character or a NUL, read as {shown(chr(0xFFFD))}"
    return replace(table, columns=columns, notes=(*table.notes, note) if odd else table.notes)
