"""Terms of a Hamiltonian from CSV or TSV: label and coefficient in either order, with or without header."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from domains.quantum.inputs.pauli_terms import MAX_TERMS, Term, make_term
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, number_in, quoted
from poets_core.errors import InvalidTable

LABELS = ("label", "labels", "pauli", "paulis", "pauli_string", "op", "operator", "string", "term", "word")
COEFFICIENTS = ("coeff", "coeffs", "coefficient", "coefficients", "value", "values", "weight", *REAL_KEYS)


def delimiter_of(lines: Sequence[str]) -> str:
    """Return what separates the cells of a table, ``""`` where the lines are no table."""
    first = lines[0]
    return next((mark for mark in ";\t," if mark in first and all(mark in line for line in lines[:5])), "")


def read_table(lines: Sequence[tuple[int, str]], delimiter: str) -> list[Term]:
    """Read one term a row.

    Args:
        lines: (number, text) of each line that is not empty.
        delimiter: of cells; with ``;`` and tab, ``0,5`` is a number.

    Raises:
        InvalidTable: names the line.
    """
    rows = [(number, _cells(number, line, delimiter)) for number, line in lines]
    head = rows[0][1]
    named = all(number_in(cell) is None for cell in head)
    label, value, imag = _columns([c.lower() for c in head]) if named else _guessed(rows[0])
    if named:
        rows = rows[1:]
    if len(rows) > MAX_TERMS:
        raise InvalidTable(f"Expected at most {MAX_TERMS:,} terms, got {len(rows):,}.")
    terms = []
    for number, cells in rows:
        where, text = f"line {number}", delimiter.join(cells)
        if len(cells) <= max(label, value, imag):
            raise InvalidTable(f"Expected a label and a coefficient in {where}, got {quoted(text)}.")
        coefficient: object = cells[value]
        if imag >= 0:
            coefficient = [cells[value], cells[imag] or "0"]
        terms.append(make_term(where, text, cells[label], coefficient))
    return terms


def _cells(number: int, line: str, delimiter: str) -> list[str]:
    try:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration) as error:
        raise InvalidTable(
            f"Expected cells separated by {delimiter!r} in line {number}, got {quoted(line)}."
        ) from error
    if delimiter == ",":
        return cells
    # German and French spreadsheets write 0,5 and separate by semicolons.
    return [
        c.replace(",", ".") if c.count(",") == 1 and number_in(c.replace(",", ".")) is not None else c for c in cells
    ]


def _columns(head: list[str]) -> tuple[int, int, int]:
    """Return the columns of label, coefficient and imaginary part (-1: none) by their names."""
    label = next((k for k, name in enumerate(head) if name in LABELS), -1)
    value = next((k for k, name in enumerate(head) if name in COEFFICIENTS), -1)
    if label < 0 or value < 0:
        names = ", ".join(map(quoted, head[:6]))
        raise InvalidTable(
            f"Expected a column 'label' and a column 'coefficient', got {names}. Name them so, or leave the header out."
        )
    return label, value, next((k for k, name in enumerate(head) if name in IMAG_KEYS), -1)


def _guessed(row: tuple[int, list[str]]) -> tuple[int, int, int]:
    """Return the columns where there is no header: the first cell that is no number is the label."""
    number, cells = row
    words = [k for k, cell in enumerate(cells) if number_in(cell) is None]
    numbers = [k for k, cell in enumerate(cells) if k not in words]
    if len(words) != 1 or not 1 <= len(numbers) <= 2:
        text = ", ".join(cells)
        raise InvalidTable(f"Expected a label and a coefficient in line {number}, got {quoted(text)}.")
    return words[0], numbers[0], numbers[1] if len(numbers) == 2 else -1
