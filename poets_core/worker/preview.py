"""The first rows of an uploaded table or log, as a page shows them; nothing else of it is parsed for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidComparisons
from poets_core.intake import Refuse, TableBounds
from poets_core.intake.sheet import Sheet, read_sheet
from poets_core.spec import LogMapping
from poets_core.spec.log_mapping import LONGEST_NAME

ROWS, COLUMNS, CHARACTERS = 5, 50, 200
"""Of a preview, at most."""
MOST_TITLES, MOST_LISTED = 300, 2000
"""Columns and policies that a form offers to choose from."""


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


def log_preview(
    path: Path, name: str, mapping: Mapping[str, Any] | None = None, policies: Sequence[str] | None = None
) -> dict[str, Any]:
    """Read a whole log as a worker does; return how it is meant, what counts, and its first rows.

    Args:
        path: of the file; name: as a person calls it.
        mapping: columns and words as a person has them so far; None: what is proposed. What it leaves open is proposed.
        policies: whose rows count; None: all.

    Returns:
        the fields of `poets_core.runs.examine.LogPreview` as JSON.

    Raises:
        InvalidComparisons: the file cannot be read.
    """
    from poets_core.llm_po.log import FIELD, propose, read_rows, read_table, sentences, warnings

    table = read_table(path, name)
    # A mapping that is given is read as it is: what is open in it is an error of its field, and no proposal.
    said = None if mapping is None else LogMapping.model_validate(mapping)
    found = propose(table, said)
    says: list[str] = []
    warns: list[str] = []
    counted: list[str] = []
    comparisons = 0
    wrong: dict[str, str] = dict(found.questions) if said is None else {}
    if not wrong:
        try:
            log = read_rows(table, found.mapping if said is None else said, policies)
            # Those of which something is known, for a form to begin with.
            counted = list(dict.fromkeys(name for row in log.rows for name in (row.first, row.second)))
            says, warns, comparisons = sentences(log), warnings(log), len(log.rows)
            says += [f"{note[:1].upper()}{note[1:]}." for note in found.notes]
        except InvalidComparisons as error:
            wrong = error.fields or {FIELD: str(error)}
    # The file as it is, beside what is made of it.
    titles = list(table.columns)
    head = zip(*(table.columns[t][:ROWS] for t in titles[:COLUMNS]), strict=True)
    return {
        "rows": len(table.numbers),
        "columns": len(titles),
        "names": [_cut(t) for t in titles[:COLUMNS]],
        "head": [list(map(_cut, row)) for row in head],
        "titles": titles[:MOST_TITLES],
        "policies": _policies(table.columns, found.mapping if said is None else said),
        "counted": counted,
        "comparisons": comparisons,
        "mapping": found.mapping.model_dump(mode="json"),
        "words": [[w.text, w.count, w.number, w.meaning] for w in found.words],
        "questions": dict(found.questions),
        "wrong": wrong,
        "says": says,
        "warns": warns,
        "orders": [list(word) for word in found.orders],
        "numeric": found.numeric,
    }


def _policies(columns: Mapping[str, Sequence[str]], mapping: LogMapping) -> dict[str, int]:
    """Return the names that the chosen columns hold, with their rows, the most frequent first."""
    # Also of rows that do not count: a person may want to know why a policy has none.
    total: Counter[str] = Counter()
    for column, fixed in ((mapping.first, mapping.first_name), (mapping.second, mapping.second_name)):
        if column in columns:
            total.update(cell for cell in columns[column] if cell)
        elif fixed:
            total[fixed] += len(next(iter(columns.values()), ()))
    return {name: n for name, n in total.most_common(MOST_LISTED) if len(name) <= LONGEST_NAME}
