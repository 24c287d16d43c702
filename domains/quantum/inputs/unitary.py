"""A target unitary of one's own: a matrix as JSON, CSV, text, or as Python prints it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domains.quantum.inputs.amplitudes import COUNTS, SILENT, reversed_bits
from domains.quantum.inputs.array_text import (
    decimal_commas,
    is_padded,
    joined,
    mark_of,
    number_at,
    read_printed,
    split_cells,
    two_readings,
)
from domains.quantum.inputs.literals import body_of, json_or_literal
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, cleaned, json_of, number_of, quoted, unread
from poets_core.errors import InvalidTable

C16 = NDArray[np.complex128]
WHAT = "the matrix"
MAX_UNITARY_QUBITS = 4
SIZES = tuple(2**k for k in range(1, MAX_UNITARY_QUBITS + 1))
TOLERATED = 1e-3
"""Largest difference of an entry from the nearest unitary matrix that is taken for rounding: three digits suffice."""
ROUNDED, FINE = 1e-12, 1e-6
"""Largest element of U'U - 1 that is no rounding at all, and that is rounding of seven digits."""
KEYS = ("matrix", "unitary", "u", "data", "gate")


@dataclass(frozen=True)
class UnitaryRead:
    """A unitary as it was understood.

    Attributes:
        matrix: c16 (2^n, 2^n), unitary; bit k of an index is qubit k.
        notes: what was done and a person should know, sentences.
    """

    matrix: C16
    notes: tuple[str, ...]

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.matrix).bit_length() - 1


def read_unitary(text: str, *, order: str = "qiskit") -> UnitaryRead:
    """Read a matrix of 2, 4, 8 or 16 rows.

    Args:
        text: nested lists; ``{"real": .., "imag": ..}``; what numpy, torch, QuTiP, Qiskit or MATLAB print; or a row a
            line, cells separated by commas, semicolons, tabs or blanks.
        order: ``"qiskit"`` (the last bit of an index is qubit 0) or ``"first"`` (the first bit is).

    Raises:
        InvalidTable: it is no matrix, too large, or further from a unitary one than rounding explains.
    """
    if order not in ("qiskit", "first"):
        raise InvalidTable(f"Expected order 'qiskit' or 'first', got {quoted(order)}.", field="order")
    left: list[str] = []
    matrix, notes = _nearest(_matrix(_rows(cleaned(text, WHAT), left)))
    if order == "first":
        turned = reversed_bits(len(matrix).bit_length() - 1)
        matrix = matrix[np.ix_(turned, turned)]
    return UnitaryRead(matrix, (*notes, *left))


def _nearest(matrix: C16) -> tuple[C16, tuple[str, ...]]:
    """Return the nearest unitary matrix, so that a perfect circuit has fidelity 1 and not .999999, and what to say."""
    off = float(np.abs(matrix.conj().T @ matrix - np.eye(len(matrix))).max())
    if off <= ROUNDED:
        return matrix, ()
    if not off <= 1.0:
        raise InvalidTable(f"Expected a unitary matrix, got one whose U'U differs from 1 by {off:.3g}.")
    left, _, right = np.linalg.svd(matrix)
    nearest = left @ right
    moved = float(np.abs(nearest - matrix).max())
    if not moved <= TOLERATED:
        raise InvalidTable(
            f"Expected a unitary matrix, got one whose U'U differs from 1 by {off:.3g}; the nearest unitary matrix "
            f"differs from it by {moved:.2g} in an entry. Give more digits if it was rounded: up to {TOLERATED:g} is "
            "taken for rounding."
        )
    if off <= FINE:
        return nearest, (f"U'U differed from 1 by {off:.1e}; taken is the nearest unitary matrix.",)
    return nearest, (
        f"The matrix was rounded: U'U differed from 1 by {off:.1e}. Taken is the nearest unitary matrix, which differs "
        f"from it by up to {moved:.1e} in an entry. Give more digits if that matters.",
    )


def _rows(text: str, left: list[str]) -> Sequence[Any]:
    """Return the rows of a text; notes on keys that are not used are added to `left`."""
    text = body_of(text).strip()
    if text.startswith("{"):
        return _document(text, left)
    if text.startswith("["):
        try:
            return list(json_of(text, "JSON of " + WHAT))
        except InvalidTable:
            pass
    if "[" in text:
        return list(read_printed(text, WHAT, _is_square))
    lines = [line.split("#")[0].strip(" ,;\t") for line in text.split("\n")]
    if not any(lines):
        raise InvalidTable(f"Expected a row a line of {WHAT}, got no number.")
    return _lines([line for line in lines if line])


def _lines(lines: Sequence[str]) -> list[list[Any]]:
    """Return the cells of a row a line."""
    mark = mark_of(lines)
    if mark and len(lines) > 1 and (cells := decimal_commas([split_cells(line, mark) for line in lines], WHAT)):
        return [list(row) for row in cells]
    # Blanks separate cells unless a sign stands between them; commas, semicolons and tabs always do.
    parts = [[part.split() for part in re.split(r"[,;\t]", line)] for line in lines]
    readings: list[list[list[Any]]] = [_cells(parts, padded=False)]
    if is_padded([part for row in parts for part in row if part]):
        readings.append(_cells(parts, padded=True))
    good = [reading for reading in readings if _is_square(reading)]
    if len(good) == 2:
        raise two_readings(WHAT, good[1][0][0])
    if not good and re.search(r"\d,\d", lines[0]) and " " in lines[0] and "." not in lines[0]:
        raise InvalidTable(
            f"Expected {WHAT} with one number a cell, got {quoted(lines[0])}. Write a decimal point for a decimal "
            "comma."
        )
    return good[0] if good else readings[-1]


def _cells(parts: Sequence[Sequence[Sequence[str]]], *, padded: bool) -> list[list[Any]]:
    return [[cell for part in row for cell in joined(part, padded=padded)] for row in parts]


def _is_square(value: Any) -> bool:
    rows = value if isinstance(value, list) else []
    return len(rows) in SIZES and all(isinstance(row, list) and len(row) == len(rows) for row in rows)


def _document(text: str, left: list[str]) -> Sequence[Any]:
    """Return the rows that a JSON or Python dict holds."""
    value = json_or_literal(text, WHAT, r"['(j]")
    for _ in range(4):  # {"gate": {"matrix": ..}}
        if not isinstance(value, dict):
            break
        keys = {key.lower(): key for key in value}
        parts = [next((value[keys[k]] for k in names if k in keys), None) for names in (REAL_KEYS, IMAG_KEYS)]
        if next((k for k in keys if "order" in k or "endian" in k), None) is not None:
            raise InvalidTable(
                f"Expected {WHAT} with the last bit of an index as qubit 0, as Qiskit has it, got a document that "
                "names another or the same order. Leave the name out and give the matrix in this order."
            )
        inner = next((k for k in KEYS if k in keys), None)
        used = {*REAL_KEYS, *IMAG_KEYS} if parts[0] is not None else {inner}
        for name in (k for k in keys if k not in used and k not in SILENT):
            if not (name in COUNTS and type(value[keys[name]]) is int):
                left.append(unread(keys[name], value[keys[name]], WHAT))
        if parts[0] is not None:
            return _joined(parts[0], parts[1])
        value = value[keys[inner]] if inner is not None else None
    if isinstance(value, list):
        return value
    raise InvalidTable(f'Expected a list of rows as {WHAT}, got {quoted(text)}. Write {{"matrix": [[0, 1], [1, 0]]}}.')


def _joined(real: Any, imag: Any) -> list[list[Any]]:
    """Return rows of (real, imaginary) from two matrices."""
    a, b = _matrix(real), _matrix(imag) if imag is not None else None
    if b is None:
        b = np.zeros_like(a)
    if a.shape != b.shape or np.any(a.imag) or np.any(b.imag):
        raise InvalidTable(f"Expected two matrices of real numbers and one size in {WHAT}, got others.")
    return [[complex(x.real, y.real) for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]


def _matrix(rows: Any) -> C16:
    """Return the square matrix of some rows, finite."""
    size = len(rows) if isinstance(rows, list) else 0
    if size not in SIZES:
        raise InvalidTable(
            f"Expected {WHAT} of 2, 4, 8 or 16 rows, for 1 to {MAX_UNITARY_QUBITS} qubits, got {size} rows."
        )
    matrix = np.zeros((size, size), complex)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != size:
            got = " ".join(row) if isinstance(row, list) and all(isinstance(c, str) for c in row) else row
            raise InvalidTable(f"Expected {size} numbers in row {i + 1} of {WHAT}, got {quoted(got)}.")
        for j, cell in enumerate(row):
            number = number_at(cell) if isinstance(cell, str) else number_of(cell)
            if number is None or not np.isfinite(number):
                raise InvalidTable(
                    f"Expected a number such as 0.5+0.5j in row {i + 1}, column {j + 1}, got {quoted(cell)}."
                )
            matrix[i, j] = number
    return matrix
