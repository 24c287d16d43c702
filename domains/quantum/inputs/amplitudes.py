"""A target state of one's own: amplitudes as JSON, CSV, text, kets, or as Python prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.literals import Call, read_literal
from domains.quantum.inputs.text import cleaned, is_json, json_of, number_in, number_of, quoted
from poets_core.errors import InvalidTable
from poets_core.types import I8

C16 = NDArray[np.complex128]
WHAT = "the amplitudes"
TOLERATED = 0.01
"""Largest deviation of the norm from 1 that is taken for rounding."""
ROUNDED = 1e-9
"""Deviation above which it is said that amplitudes were scaled."""
KEYS = ("amplitudes", "amplitude", "state", "statevector", "vector", "psi", "data")
_BITS = re.compile(r"[01]{1,64}")
_KET = re.compile(
    r"\s{0,99}(?P<sign>[-+]?)\s{0,99}(?P<number>[^|+\-\s][^|]{0,99}?)?\s{0,9}\*?\s{0,9}\|(?P<bits>[01]{1,64})[>⟩]"
)


@dataclass(frozen=True)
class AmplitudesRead:
    """A state as it was understood.

    Attributes:
        state: c16 (2^n,), norm 1; bit k of the index is qubit k.
        form: what the text was read as, in words.
        notes: what was done and a person should know, sentences.
    """

    state: C16
    form: str
    notes: tuple[str, ...]

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.state).bit_length() - 1


def read_amplitudes(text: str, *, order: str = "qiskit") -> AmplitudesRead:
    """Read 2^n amplitudes, or some with their bit strings.

    Args:
        text: a list, one amplitude a line, ``{"0011": 0.5, ..}``, lines of bits and amplitude, or ``0.5|0011> + ..``.
        order: ``"qiskit"`` (the last bit is qubit 0) or ``"first"`` (the first bit is).

    Raises:
        InvalidTable: names what cannot be read; a norm that is off by more than 1 %.
    """
    if order not in ("qiskit", "first"):
        raise InvalidTable(f"Expected order 'qiskit' or 'first', got {quoted(order)}.", field="order")
    form, found = _found(cleaned(text, WHAT))
    state = _from_bits(found) if isinstance(found, dict) else _from_list(found)
    if not np.isfinite(state).all():
        raise InvalidTable(f"Expected finite numbers in {WHAT}, got one that is not.")
    norm = float(np.linalg.norm(state))
    if not abs(norm - 1.0) <= TOLERATED:
        raise InvalidTable(f"Expected {WHAT} of norm 1, got {norm:.6g}. Divide them by it if that is meant.")
    notes = [f"Amplitudes were divided by their norm, {norm:.9g}."] if abs(norm - 1.0) > ROUNDED else []
    if order == "first":
        state = state[reversed_bits(len(state).bit_length() - 1)]
    return AmplitudesRead(state / norm, form, tuple(notes))


def reversed_bits(n: int) -> I8:
    """Return i8 (2^n,): each index with its n bits in reverse."""
    index = np.arange(2**n)
    return sum(((index >> k) & 1) << (n - 1 - k) for k in range(n)) + np.zeros(2**n, np.int64)


def _found(text: str) -> tuple[str, dict[str, Any] | list[Any]]:
    """Return what the text was read as, and either its list or its bit strings with amplitudes."""
    if is_json(text) or re.match(r"(?:Statevector|(?:np\.|numpy\.)?array)\(", text):
        value, form = _document(text)
        if isinstance(value, dict):
            inner = next((value[k] for k in value if k.lower() in KEYS), value)
            value = inner
        if isinstance(value, dict | list):
            return form, value
        raise InvalidTable(f"Expected a list of amplitudes, or bit strings with amplitudes, got {quoted(value)}.")
    if "|" in text:
        return "kets", _kets(text)
    return _lines(text)


def _document(text: str) -> tuple[Any, str]:
    if is_json(text):
        try:
            return json_of(text, "JSON of " + WHAT), "JSON"
        except InvalidTable:
            if not re.search(r"['(j]", text):
                raise
    value = read_literal(text, WHAT)
    # Statevector([...], dims=(2, 2)), as Qiskit prints it.
    return (value.args[0] if isinstance(value, Call) and value.args else value), "Python list"


def _lines(text: str) -> tuple[str, dict[str, Any] | list[Any]]:
    """Read an amplitude a line; bits and amplitude a line; or real and imaginary part a line."""
    rows = [re.split(r"[,;\t ]+", line.strip(" ,;\t")) for line in text.split("\n") if line.strip(" ,;\t")]
    rows = [row for row in rows if not row[0].startswith("#")]
    if rows and all(number_in(cell) is None for cell in rows[0]):
        rows = rows[1:]
    if len(rows) == 1 and len(rows[0]) > 1:
        return "text", list(rows[0])
    if all(len(row) == 1 for row in rows):
        return "text, an amplitude a line", [row[0] for row in rows]
    if any(len(row) not in (2, 3) for row in rows):
        wrong = next(row for row in rows if len(row) not in (2, 3))
        raise InvalidTable(
            f"Expected bits and amplitude, or an amplitude, in each line, got {quoted(' '.join(wrong))}."
        )
    # Amplitudes are at most 1, so 0011 can be no amplitude; a single digit could be one.
    if all(_BITS.fullmatch(row[0]) and len(row[0]) > 1 for row in rows):
        found: dict[str, Any] = {}
        for bits, *number in rows:
            if bits in found:
                raise InvalidTable(f"Expected each bit string once in {WHAT}, got {bits} twice.")
            found[bits] = number[0] if len(number) == 1 else number
        return "bit strings with amplitudes", found
    if all(len(row) == 2 for row in rows):
        return "text, real and imaginary part a line", [list(row) for row in rows]
    raise InvalidTable(f"Expected bits and amplitude in each line, got {quoted(' '.join(rows[0]))}.")


def _kets(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while at < len(text):
        match = _KET.match(text, at)
        if match is None or (at and not match["sign"] and "\n" not in text[at : match.end()]):
            raise InvalidTable(f"Expected a sum such as 0.6|00> + 0.8|11>, got {quoted(text[at : at + 60])}.")
        number = 1.0 + 0j if match["number"] is None else number_in(match["number"].strip(" *"))
        if number is None or match["bits"] in found:
            raise InvalidTable(f"Expected a number before each ket, each ket once, got {quoted(match[0])}.")
        found[match["bits"]] = -number if match["sign"] == "-" else number
        at = match.end()
    return found


def _from_bits(found: dict[str, Any]) -> C16:
    lengths = {len(bits) for bits in found}
    wrong = next((bits for bits in found if not _BITS.fullmatch(bits)), None)
    if wrong is not None or len(lengths) != 1 or max(lengths) > MAX_QUBITS:
        got = quoted(wrong) if wrong is not None else f"lengths {sorted(lengths)[:6]}"
        raise InvalidTable(f"Expected bit strings of one length, 1 to {MAX_QUBITS}, in {WHAT}, got {got}.")
    state = np.zeros(2 ** lengths.pop(), complex)
    for bits, number in found.items():
        state[int(bits, 2)] = _number(number, bits)
    return state


def _from_list(found: Sequence[Any]) -> C16:
    n = len(found).bit_length() - 1
    if not 1 <= n <= MAX_QUBITS or len(found) != 2**n:
        raise InvalidTable(
            f'Expected 2^n amplitudes, n from 1 to {MAX_QUBITS}, got {len(found):,}. Write {{"0011": 0.5}} for a few.'
        )
    return np.array([_number(number, f"place {k}") for k, number in enumerate(found)])


def _number(value: Any, where: str) -> complex:
    number = number_of(value)
    if number is None:
        raise InvalidTable(f"Expected a number such as 0.5 or 0.5+0.5j at {where} of {WHAT}, got {quoted(value)}.")
    return number
