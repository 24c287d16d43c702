"""Where a table begins within what people save: titles, comments, blank lines, the header, a line of units.

Works on the first records of a file, whatever it is: text that was split, or rows of a workbook. Standard library only.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

NUMBER = re.compile(r"[<>≤≥~≈]?\s*[-+−–]?\s*(?:\d[\d.,'’_\u00a0\u202f\u2009 ]*|[.,]\d+)(?:[eE][-+−]?\d+)?\s*%?")
"""What reads like a number, however it is written; `numbers` decides what it says."""
csv.field_size_limit(1 << 20)
"""Characters of a cell as the csv module splits it; its own 131,072 are fewer than an answer in a column not read."""
LONGEST_NUMBER = 80
"""Characters; what is longer is no number, and no pattern tries."""
COMMENTS = ("#", "//")
MARKS = ("\t", ";", ",", "|")
BLANKS = " "
"""Stands for any run of blanks between cells."""
_BESIDE = {"", "-", "–", "text", "string", "aa", "letters", "name", "sequence", "unit", "units"}
"""What stands in a line of units above columns that have none."""
_SEP = re.compile(r"sep=(.)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """Where a table begins.

    Attributes:
        header: index of its record, counted from 0.
        names: of the columns, as they stand there; "" where one has none.
        skipped: indices after the header that hold no data: a line of units.
        notes: what was passed over, in sentences.
    """

    header: int
    names: tuple[str, ...]
    skipped: frozenset[int]
    notes: tuple[str, ...]


def numeric(cell: str) -> bool:
    """Whether a cell reads like a number."""
    return 0 < len(cell) <= LONGEST_NUMBER and NUMBER.fullmatch(cell) is not None


def split(text: str, mark: str, most: int) -> list[list[str]]:
    """Return the first records of a text, cells stripped; the last one may be cut off."""
    out: list[list[str]] = []
    for record in records(io.StringIO(text, newline=""), mark):
        out.append([cell.strip() for cell in record])
        if len(out) == most:
            break
    return out


def records(stream: io.TextIOBase, mark: str, *, strict: bool = False) -> Iterator[list[str]]:
    """Return an iterator of records, lists of cells; strict: a quote that is not closed is an error."""
    return _Blanks(stream) if mark == BLANKS else csv.reader(stream, delimiter=mark, strict=strict)


class _Blanks:
    """Records of a text whose cells stand apart by blanks."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream

    def __iter__(self) -> _Blanks:
        return self

    def __next__(self) -> list[str]:
        return next(self._stream).split()


def sep_line(text: str) -> str:
    """Return the separator that a first line such as ``sep=;`` names, "" where there is none."""
    found = _SEP.fullmatch(re.split(r"[\r\n]", text, maxsplit=1)[0].strip('" '))
    return found[1] if found else ""


def separator_of(text: str, most: int = 200) -> str:
    """Return what separates the cells of a text: the mark by which most lines have equally many, two or more.

    The header decides between marks that do as well: in `variant;fitness`, `VDGV;1,0` the comma is no separator.
    """
    best, chosen = 0.0, ","
    for place, mark in enumerate((*MARKS, BLANKS)):
        try:
            rows = [r for r in split(text, mark, most) if any(r) and not r[0].startswith(COMMENTS)]
        except csv.Error:
            continue
        counts = Counter(len(r) for r in rows)
        width, often = max(((w, n) for w, n in counts.items() if w > 1), key=lambda p: (p[1], p[0]), default=(0, 0))
        if not width:
            continue
        header = next((r for r in rows if len(r) == width), [])
        score = often / len(rows) - 0.3 * any(map(numeric, header)) - 0.01 * place - 0.2 * (mark == BLANKS)
        if score > best:
            best, chosen = score, mark
    return chosen


def layout(rows: Sequence[Sequence[str]]) -> Layout | None:
    """Find header and units among the first records of a table; None where nothing stands there.

    Args:
        rows: stripped cells.
    """
    filled = [i for i, r in enumerate(rows) if any(r)]
    plain = [i for i in filled if not rows[i][0].startswith(COMMENTS)]
    if not plain:
        return None
    usual = Counter(_cells(rows[i]) for i in plain).most_common()
    most = max(n for n, often in usual if often == usual[0][1])
    header = next(i for i in plain if _cells(rows[i]) >= min(most, max(2, -(-3 * most // 5))))
    header, mark = _header(rows, filled, plain, header)
    after = [i for i in plain if i > header]
    notes: list[str] = []
    # Two lines of headings: the upper one has gaps or says things twice, the lower one names every column.
    if mark == "" and len(after) > 1 and _names_better(rows[header], rows[after[0]]):
        header, after = after[0], after[1:]
    below = [rows[i] for i in after[1:21]]
    merged = _merged(rows[header], rows[after[0]], below) if mark == "" and below else []
    header, after = (after[0], after[1:]) if merged else (header, after)
    before = [i for i in filled if i < header]
    comments = sum(rows[i][0].startswith(COMMENTS) for i in before)
    if comments:
        notes.append(f"{comments:,} comment line{'s were' if comments > 1 else ' was'} skipped")
    if (titles := len(before) - comments) > 0:
        notes.append(f"{titles:,} line{'s' * (titles > 1)} above the header {'were' if titles > 1 else 'was'} skipped")
    skipped: set[int] = set()
    if len(after) > 1 and _units(rows[after[0]], [rows[i] for i in after[1:21]]):
        skipped.add(after[0])
        notes.append(f"a line of units was skipped: {' '.join(filter(None, rows[after[0]]))[:60]}")
    names = [" ".join(cell.split()) for cell in merged or rows[header]]
    names[0] = names[0].removeprefix(mark).strip()
    return Layout(header, tuple(names), frozenset(skipped), tuple(notes))


def _header(rows: Sequence[Sequence[str]], filled: Sequence[int], plain: Sequence[int], header: int) -> tuple[int, str]:
    """Return a better header than a line that holds numbers, and the comment mark before its first name."""
    if not any(map(numeric, rows[header])):
        return header, ""
    width = len(rows[header])
    # A header whose first column has no name looks emptier than its rows; one behind a # looks like a comment.
    for i in reversed([i for i in filled if i < header]):
        if len(rows[i]) == width > 1 and not any(map(numeric, rows[i])):
            mark = next((m for m in COMMENTS if rows[i][0].startswith(m)), "")
            return i, mark
    # `Plate,3` above the header is as wide as the header: the first line of words alone is it, if numbers follow.
    for i, below in pairwise([i for i in plain if i > header][:5]):
        if (
            len(rows[i]) == width > 1
            and all(rows[i])
            and not any(map(numeric, rows[i]))
            and any(map(numeric, rows[below]))
        ):
            return i, ""
    return header, ""


def _cells(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def _names_better(upper: Sequence[str], lower: Sequence[str]) -> bool:
    said = [cell for cell in upper if cell]
    gaps = len(set(said)) < len(lower) and (len(set(said)) < len(said) or len(said) < len(upper))
    whole = all(lower) and len(set(lower)) == len(lower) and not any(map(numeric, lower))
    return gaps and whole and len(said) > 1 and len(lower) >= len(upper)


def _merged(upper: Sequence[str], lower: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of two lines of headings that name every column only together; none where they are not such.

    `Variant`, `Assay 1`, blank above blank, `activity`, `sd`: cells of both were merged.
    """
    width = max(len(upper), len(lower))
    high, low = ([*row, *[""] * (width - len(row))] for row in (upper, lower))
    names = [b or a for a, b in zip(high, low, strict=True)]
    gaps = any(b and not a for a, b in zip(high, low, strict=True)) and not all(low)
    whole = all(names) and len(set(names)) == len(names) and _cells(low) > 1
    # What stands in the second line names measurements; a row of data has text above text.
    measured = all(_numbers(at, below) for at, cell in enumerate(low) if cell)
    return names if gaps and whole and measured and not any(map(numeric, names)) else []


def _numbers(at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether most cells of a column are numbers."""
    cells = [r[at] for r in rows if at < len(r) and r[at]]
    return bool(cells) and sum(map(numeric, cells)) * 2 > len(cells)


def _units(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a line names units: words above numbers, and next to nothing above anything else."""
    if any(map(numeric, row)):
        return False
    found = False
    for at, cell in enumerate(row):
        cells = [r[at] for r in below if at < len(r) and r[at]]
        if cells and sum(map(numeric, cells)) > len(cells) / 2:
            found = found or bool(re.search(r"[A-Za-zµμ%Å°]", cell))
        elif cell.lower() not in _BESIDE and not (cell[0] in "[(" and cell[-1] in "])"):
            return False
    return found
