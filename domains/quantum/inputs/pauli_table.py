"""Terms of a Hamiltonian from CSV or TSV: label and coefficient in either order, with or without header."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from domains.quantum.inputs.pauli_json import whole
from domains.quantum.inputs.pauli_rows import (
    IMAGINARY,
    LABELS,
    QUBITS,
    Found,
    Row,
    coefficient_name,
    plain_name,
    terms_of,
    unused,
)
from domains.quantum.inputs.text import number_in, quoted
from poets_core.errors import InvalidTable

_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+")
"""1.204, which is more than a thousand where the comma is the decimal mark."""
_COMMA = re.compile(r"[-+]?\d{0,64},\d{1,64}(?:[eE][-+]?\d{1,6})?")
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
_INDEXED = re.compile(r"(?:[IXYZ]\d{1,3}[ *]{0,3}){1,64},\s{0,9}(?:[-+]\d{1,64}\.?\d{0,64}|\d{0,64}\.\d{0,64})")
"""Z0 X1,0.5; where neither sign nor point follows, the comma may stand between qubits."""
_INNER = re.compile(r"\([^()\"]{0,200},|\[[^\[\]\"]{0,200},")
"""A comma within brackets, which separates no cells."""


@dataclass(frozen=True)
class _Columns:
    """Places of the columns, -1 for one that is not there."""

    label: int
    value: int
    imag: int = -1
    wires: int = -1
    count: int = -1


def delimiter_of(lines: Sequence[str]) -> str:
    """Return what separates the cells of a table, ``""`` where the lines are no table."""
    if stated := _SEPARATOR.fullmatch(lines[0].strip()):
        return stated[1]
    first = lines[0]
    found = next((mark for mark in ";\t," if mark in first and all(mark in line for line in lines[:5])), "")
    if found == "," and all(_INDEXED.fullmatch(line[:2000].strip()) for line in lines[:5]):
        return found
    if found == "," and all(_DECIMAL.sub("", line[:2000]).count(",") == 0 for line in lines[:5]):
        return ""  # IIZ 0,5 has a decimal comma, and blanks between its cells
    return "" if found == "," and any(_INNER.search(line[:2000]) for line in lines[:5]) else found


def read_table(lines: Sequence[tuple[int, str]], delimiter: str) -> Found:
    """Read one term a row.

    Args:
        lines: (number, text) of each line that is not empty.
        delimiter: of cells; with ``;`` and tab, ``0,5`` is a number.

    Raises:
        InvalidTable: names the line.
    """
    lines = lines[1:] if _SEPARATOR.fullmatch(lines[0][1].strip()) else lines
    if not lines:
        raise InvalidTable("Expected terms under 'sep=', got none.")
    rows = [(number, _cells(number, line, delimiter)) for number, line in lines]
    head = rows[0][1]
    named = all(number_in(cell) is None and not _COMMA.fullmatch(cell) for cell in head)
    names = [plain_name(c) for c in head] if named else []
    rows = rows[1:] if named else rows
    notes: list[str] = []
    rows = rows if delimiter == "," else _pointed(rows, delimiter)
    columns = _columns(names, head) if named else _guessed(rows, notes)
    found, used = [], {columns.label, columns.value, columns.imag, columns.wires}
    for number, cells in rows:
        where, text = f"line {number}", delimiter.join(cells)
        if len(cells) > len(head) or len(cells) <= max(columns.label, columns.value):
            wanted = f"{len(head)} cells" if len(cells) > len(head) else "a label and a coefficient"
            raise InvalidTable(f"Expected {wanted} in {where}, got {quoted(text)}.")
        cells = [*cells, *[""] * (len(head) - len(cells))]
        imag = cells[columns.imag] if columns.imag >= 0 else None
        coefficient = whole(where, cells[columns.value], imag)
        wires = cells[columns.wires] if columns.wires >= 0 else None
        found.append(Row(where, text, cells[columns.label], coefficient, wires))
        unused([(name, cells[k]) for k, name in enumerate(names) if k not in used], f"in {where}")
    terms, more = terms_of(found, names[columns.wires] if columns.wires >= 0 else "")
    left = tuple(name for k, name in enumerate(head) if named and k not in used and name)
    return Found(terms, ignored=left, notes=(*notes, *more))


def _cells(number: int, line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, without empty ones at its end."""
    try:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration, TypeError) as error:
        raise InvalidTable(
            f"Expected cells separated by {delimiter!r} in line {number}, got {quoted(line)}."
        ) from error
    last = next((k for k in range(len(cells), 0, -1) if cells[k - 1]), 0)
    return cells[:last]


def _pointed(rows: Sequence[tuple[int, list[str]]], delimiter: str) -> list[tuple[int, list[str]]]:
    """Return cells with a decimal point: German and French spreadsheets write 0,5 and separate by semicolons.

    Raises:
        InvalidTable: 1.204 may be more than a thousand, because other cells have a decimal comma or none has a point
            that separates nothing but decimals.
    """
    numbers = [(n, c) for n, cells in rows for c in cells if number_in(c) is not None or _COMMA.fullmatch(c)]
    comma = any(_COMMA.fullmatch(c) for _, c in numbers)
    point = any("." in c and not _GROUPED.fullmatch(c) for _, c in numbers)
    for number, cell in numbers:
        if _GROUPED.fullmatch(cell) and (comma or (delimiter == ";" and not point)):
            digits = cell.replace(".", "")
            raise InvalidTable(
                f"Expected one decimal mark, got {cell!r} in line {number}, which is {float(digits):g} with a decimal "
                f"comma and {cell} with a point. Write it so that one of the two is meant: {digits} or "
                f"{cell.replace('.', ',') if comma else cell + '0'}."
            )
    return [(n, [c.replace(",", ".") if _COMMA.fullmatch(c) else c for c in cells]) for n, cells in rows]


def _columns(names: list[str], head: list[str]) -> _Columns:
    """Return the columns by their names."""
    label = next((name for name in LABELS if name in names), "")
    value = coefficient_name([n for n in names if n != label], "in the header")
    if not label or not value:
        got = ", ".join(map(quoted, head[:6])) or "none"
        raise InvalidTable(
            f"Expected a column 'label' and a column 'coefficient', got {got}. Name them so, or leave the header out."
        )
    if names.count(label) > 1:
        raise InvalidTable(f"Expected one column {label!r}, got {names.count(label)}.")
    imag, wires = (next((n for n in known if n in names), "") for known in (IMAGINARY, QUBITS))
    return _Columns(names.index(label), names.index(value), *(names.index(n) if n else -1 for n in (imag, wires)))


def _guessed(rows: Sequence[tuple[int, list[str]]], notes: list[str]) -> _Columns:
    """Return the columns where there is no header: the first cell that is no number is the label."""
    number, cells = rows[0]
    words = [k for k, cell in enumerate(cells) if number_in(cell) is None]
    numbers = [k for k, cell in enumerate(cells) if k not in words]
    if len(words) != 1 or not 1 <= len(numbers) <= 2:
        text = ", ".join(cells)
        raise InvalidTable(
            f"Expected a label and a coefficient in line {number}, got {quoted(text)}. Name more columns in a header."
        )
    if len(numbers) == 2 and numbers[0] < words[0] < numbers[1]:
        # A number on either side of the label: the first counts the rows, or there is no telling.
        counted = [row[0] if row else "" for _, row in rows]
        if not any(counted == [str(k + first) for k in range(len(rows))] for first in (0, 1)):
            raise InvalidTable(
                f"Expected one coefficient in line {number}, got numbers on both sides of the label: "
                f"{quoted(', '.join(cells))}. Name the columns in a header."
            )
        notes.append("Not used: the first column, it counts the rows.")
        return _Columns(words[0], numbers[1])
    return _Columns(words[0], numbers[0], numbers[1] if len(numbers) == 2 else -1)
