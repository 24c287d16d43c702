"""A target unitary of one's own: a matrix as JSON, CSV, text, or as Python prints it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domains.quantum.inputs.amplitudes import reversed_bits
from domains.quantum.inputs.literals import Call, read_literal
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, cleaned, is_json, json_of, number_of, quoted
from poets_core.errors import InvalidTable

C16 = NDArray[np.complex128]
WHAT = "the matrix"
MAX_UNITARY_QUBITS = 4
TOLERATED = 1e-6
"""Largest element of U'U - 1 that is taken for rounding."""
ROUNDED = 1e-12
_BLANKS = str.maketrans(",;\t", "   ")
KEYS = ("matrix", "unitary", "u", "data")


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
        text: nested lists; ``{"real": .., "imag": ..}``; or a row a line, cells separated by commas or spaces.
        order: ``"qiskit"`` (the last bit of an index is qubit 0) or ``"first"`` (the first bit is).

    Raises:
        InvalidTable: it is no matrix, too large, or not unitary.
    """
    if order not in ("qiskit", "first"):
        raise InvalidTable(f"Expected order 'qiskit' or 'first', got {quoted(order)}.", field="order")
    rows = _rows(cleaned(text, WHAT))
    matrix = _matrix(rows)
    n = len(matrix).bit_length() - 1
    off = float(np.abs(matrix.conj().T @ matrix - np.eye(len(matrix))).max())
    if not off <= TOLERATED:
        raise InvalidTable(f"Expected a unitary matrix, got one whose U'U differs from 1 by {off:.3g}.")
    notes = []
    if off > ROUNDED:
        notes.append(f"U'U differed from 1 by {off:.1e}; taken is the nearest unitary matrix.")
    # The nearest unitary, so that a perfect circuit has fidelity 1 and not .999999.
    left, _, right = np.linalg.svd(matrix)
    matrix = left @ right if off > ROUNDED else matrix
    if order == "first":
        turned = reversed_bits(n)
        matrix = matrix[np.ix_(turned, turned)]
    return UnitaryRead(matrix, tuple(notes))


def _rows(text: str) -> Sequence[Any]:
    if is_json(text) or re.match(r"(?:Operator|(?:np\.|numpy\.)?(?:array|matrix))\(", text):
        value = _document(text)
        if isinstance(value, dict):
            keys = {key.lower(): key for key in value}
            parts = [next((value[keys[k]] for k in names if k in keys), None) for names in (REAL_KEYS, IMAG_KEYS)]
            if parts[0] is not None:
                return _joined(parts[0], parts[1])
            value = next((value[keys[k]] for k in KEYS if k in keys), None)
        if isinstance(value, list):
            return value
        raise InvalidTable(f"Expected a list of rows as {WHAT}, got {quoted(value)}.")
    lines = [line.strip(" ,;\t") for line in text.split("\n")]
    return [line.translate(_BLANKS).split() for line in lines if line and not line.startswith("#")]


def _document(text: str) -> Any:
    if is_json(text):
        try:
            return json_of(text, "JSON of " + WHAT)
        except InvalidTable:
            if not re.search(r"['(j]", text):
                raise
    value = read_literal(text, WHAT)
    return value.args[0] if isinstance(value, Call) and value.args else value


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
    if size not in [2**k for k in range(1, MAX_UNITARY_QUBITS + 1)]:
        raise InvalidTable(
            f"Expected {WHAT} of 2, 4, 8 or 16 rows, for 1 to {MAX_UNITARY_QUBITS} qubits, got {size} rows."
        )
    matrix = np.zeros((size, size), complex)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != size:
            raise InvalidTable(f"Expected {size} numbers in row {i + 1} of {WHAT}, got {quoted(row)}.")
        for j, cell in enumerate(row):
            number = number_of(cell)
            if number is None or not np.isfinite(number):
                raise InvalidTable(
                    f"Expected a number such as 0.5+0.5j in row {i + 1}, column {j + 1}, got {quoted(cell)}."
                )
            matrix[i, j] = number
    return matrix
