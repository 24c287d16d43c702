"""A target state of one's own: amplitudes as JSON, CSV, text, kets, or as programs print them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domains.quantum.hamiltonian import MAX_QUBITS
from domains.quantum.inputs.amplitude_table import BITS, WHAT, Listed, read_lines
from domains.quantum.inputs.array_text import WORDS, number_at, read_printed
from domains.quantum.inputs.kets import read_kets
from domains.quantum.inputs.literals import body_of, json_or_literal, read_literal
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, cleaned, json_of, number_of, quoted, unread
from poets_core.errors import InvalidTable
from poets_core.types import I8

C16 = NDArray[np.complex128]
TOLERATED = 0.01
"""Largest deviation of the norm from 1 that is taken for rounding."""
ROUNDED = 1e-9
"""Deviation above which it is said that amplitudes were scaled."""
SHARED = 1e-6
"""Deviation of a sum from 1 up to which numbers may be probabilities."""
KEYS = ("amplitudes", "amplitude", "state", "statevector", "vector", "psi", "data")
SILENT = ("dims", "name", "title", "description", "comment", "date")
"""Keys beside the amplitudes that change nothing."""
COUNTS = ("n", "qubits", "num_qubits", "n_qubits", "nqubits")
PAIRS = (
    "The pairs were read as real and imaginary part of each amplitude. Are they the rows of an array of amplitudes, "
    "flatten it first: state.reshape(-1)."
)
_LAST = ("little", "qiskit", "lsb", "last")
_FIRST = ("big", "msb", "first")


@dataclass(frozen=True)
class AmplitudesRead:
    """A state as it was understood.

    Attributes:
        state: c16 (2^n,), norm 1; bit k of the index is qubit k.
        form: what the text was read as, in words.
        notes: what was done and a person should know, sentences.
        assumed: sentence on columns that have no names, ``""`` for none.
    """

    state: C16
    form: str
    notes: tuple[str, ...]
    assumed: str = ""

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.state).bit_length() - 1


def read_amplitudes(text: str, *, order: str = "qiskit") -> AmplitudesRead:
    """Read 2^n amplitudes, or some with their bit strings.

    Args:
        text: a list as JSON, Python, numpy, torch, QuTiP, Qiskit or MATLAB write it; one amplitude a line;
            ``{"0011": 0.5, ..}``; lines of bits and amplitude; a table with named columns; or ``0.5|0011> + ..``.
        order: ``"qiskit"`` (the last bit is qubit 0) or ``"first"`` (the first bit is). What a document says of its
            order goes before.

    Raises:
        InvalidTable: names what cannot be read; a norm that is off by more than 1 %.
    """
    if order not in ("qiskit", "first"):
        raise InvalidTable(f"Expected order 'qiskit' or 'first', got {quoted(order)}.", field="order")
    states: list[tuple[Listed, C16, float]] = []
    wrong: InvalidTable | None = None
    for way in _found(cleaned(text, WHAT)):
        try:
            states.append((way, *_normed(way, way.order or order)))
        except InvalidTable as error:
            wrong = wrong or error
    if not states:
        raise wrong or InvalidTable(f"Expected {WHAT}, got none.")
    if len(states) > 1:
        sizes = " or ".join(f"{len(state):,}" for _, state, _ in states)
        raise InvalidTable(
            f"Expected {WHAT} that can be read in one way, got a text that holds {sizes} numbers: a comma or blanks "
            "may stand within a number or between two. Write decimal points, and commas between the numbers."
        )
    way, state, norm = states[0]
    notes = [f"Amplitudes were divided by their norm, {norm:.9g}."] if abs(norm - 1.0) > ROUNDED else []
    return AmplitudesRead(state, way.form, (*notes, *way.notes), way.assumed)


def _normed(way: Listed, order: str) -> tuple[C16, float]:
    """Return the state, and the norm that it had."""
    state = _from_bits(way.values) if isinstance(way.values, dict) else _from_list(way.values)
    if not np.isfinite(state).all():
        raise InvalidTable(f"Expected finite numbers in {WHAT}, got one that is not.")
    norm = float(np.linalg.norm(state))
    shares = not state.imag.any() and bool((state.real >= 0).all()) and abs(state.real.sum() - 1.0) <= SHARED
    if shares and abs(norm - 1.0) > ROUNDED:
        raise InvalidTable(
            f"Expected {WHAT} of norm 1, got numbers from 0 to 1 whose sum is 1 and whose norm is {norm:.6g}: they may "
            "be probabilities. Take their square roots, with signs or phases where the state has some."
        )
    if not abs(norm - 1.0) <= TOLERATED:
        advice = way.assumed or "Divide them by it if that is meant."
        raise InvalidTable(f"Expected {WHAT} of norm 1, got {norm:.6g}. {advice}")
    if order == "first":
        state = state[reversed_bits(len(state).bit_length() - 1)]
    return state / norm, norm


def reversed_bits(n: int) -> I8:
    """Return i8 (2^n,): each index with its n bits in reverse."""
    index = np.arange(2**n)
    return sum(((index >> k) & 1) << (n - 1 - k) for k in range(n)) + np.zeros(2**n, np.int64)


def _found(text: str) -> list[Listed]:
    """Return the ways to read a text."""
    text = body_of(text).strip()
    if text.startswith("{"):
        return [_document(json_or_literal(text, WHAT, r"['(j]"))]
    if "|" in text and "[" not in text:
        kets, bare = read_kets(text)
        if not bare:
            return [Listed("kets", kets)]
        said = f"The kets stand there without numbers: the sum was divided by its norm, sqrt({len(kets)})."
        return [Listed("kets", {bits: number / len(kets) ** 0.5 for bits, number in kets.items()}, "", (said,))]
    if text.startswith("(") and text.endswith(")") and "," in text and "[" not in text:
        with suppress(InvalidTable):
            if isinstance(found := read_literal(text, WHAT, words=WORDS), list):  # a tuple
                return [_of_list(found, "Python list")]
    if "[" not in text:
        return read_lines(text)
    try:
        return [_of_list(json_of(text, "JSON of " + WHAT), "JSON")]
    except InvalidTable:
        if re.search(r"[\[(]\s{0,9}['\"{]", text):
            return [_of_list(json_or_literal(text, WHAT, r"['(j]"), "Python list")]
    return [_of_list(read_printed(text, WHAT, _fits), "Python list" if "," in text else "printed array")]


def _flat(value: Any) -> Any:
    """Return a vector of what is a column or a row: [[0.6], [0.8]] or [[0.6, 0.8, 0, 0]]."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        return value[0]
    if isinstance(value, list) and value and all(isinstance(v, list) and len(v) == 1 for v in value):
        return [v[0] for v in value]
    return value


def _fits(value: Any) -> bool:
    found = _flat(value)
    size = len(found) if isinstance(found, list) else 0
    return size > 1 and size & (size - 1) == 0 and not any(isinstance(v, list) for v in found)


def _of_list(value: Any, form: str) -> Listed:
    if isinstance(value, dict):
        return _document(value)
    if not isinstance(value, list):
        raise InvalidTable(f"Expected a list of amplitudes, or bit strings with amplitudes, got {quoted(value)}.")
    if form == "printed array" and not _fits(value) and any(isinstance(v, list) for v in _flat(value)):
        raise InvalidTable(
            f"Expected one row or one column of numbers as {WHAT}, got an array of {len(value)} rows. Flatten it, or "
            "write [[real, imaginary], ..] with commas."
        )
    value = _flat(value)
    if value and all(isinstance(v, dict) and "amplitude" in v for v in value):
        value = [
            [next((v[k] for k in ("bits", "bitstring", "state", "label") if k in v), None), v["amplitude"]]
            for v in value
        ]
    if value and all(map(_is_labelled, value)):
        if len({v[0] for v in value}) < len(value):
            raise InvalidTable(f"Expected each bit string once in {WHAT}, got one twice.")
        return Listed(form, {v[0]: v[1] for v in value})
    pairs = bool(value) and all(isinstance(v, list) and len(v) == 2 for v in value)
    return Listed(form, value, PAIRS if pairs else "")


def _is_labelled(value: Any) -> bool:
    """Whether a pair is ["00", 0.6]; ["0.6", "0.8"] is real and imaginary part."""
    pair = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return pair and len(value[0]) > 1 and BITS.fullmatch(value[0]) is not None


def _document(value: Any) -> Listed:
    """Read ``{"00": 0.6, ..}``, ``{"amplitudes": .., "order": ..}`` or ``{"real": [..], "imag": [..]}``."""
    form, notes, order, qubits, assumed = "JSON", list[str](), "", -1, ""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        keys = {str(key).lower(): key for key in value}
        inner = next((keys[k] for k in keys if k in KEYS), None)
        lists = next((keys[k] for k in REAL_KEYS if k in keys and isinstance(value[keys[k]], list)), None)
        if inner is None and lists is None:
            break
        used = [inner] if inner is not None else [lists, *(keys[k] for k in IMAG_KEYS if k in keys)]
        for key in (k for k in value if k not in used):
            order = _order(key, value[key]) or order
            if str(key).lower() in COUNTS and type(value[key]) is int:
                qubits = value[key]
            elif not _order(key, value[key]) and str(key).lower() not in SILENT:
                notes.append(unread(key, value[key], WHAT))
        value = value[inner] if inner is not None else _joined(*(value[k] for k in used))
    if order:
        notes.append(f"The file names its order: the {'last' if order == 'qiskit' else 'first'} bit is qubit 0.")
    if isinstance(value, dict):
        value = {key.replace(" ", "").strip("|>⟩"): value[key] for key in value} if len(value) else {}
        if len(value) and qubits >= 0 and any(len(key) != qubits for key in value):
            raise InvalidTable(
                f"Expected bit strings of {qubits} bits, as the file says, got {quoted(next(iter(value)))}."
            )
    elif isinstance(value, list):
        listed = _of_list(value, form)
        if qubits >= 0 and isinstance(listed.values, list) and len(listed.values) != 2 ** min(qubits, 20):
            raise InvalidTable(
                f"Expected amplitudes of {qubits} qubits, as the file says, got {len(listed.values):,}. Correct either."
            )
        value, assumed = listed.values, listed.assumed
    else:
        raise InvalidTable(f"Expected a list of amplitudes, or bit strings with amplitudes, got {quoted(value)}.")
    return Listed(form, value, assumed, tuple(notes), order)


def _order(key: object, value: object) -> str:
    """Return which bit is qubit 0, where a key of a document says it; ``""`` where it is no such key.

    Raises:
        InvalidTable: it says it in other words.
    """
    name = str(key).lower()
    if not any(word in name for word in ("order", "endian", "convention")):
        return ""
    words = re.findall(r"[a-z]+", str(value).lower()) if isinstance(value, str) else []
    kinds = {kind for kind, known in (("qiskit", _LAST), ("first", _FIRST)) if set(words) & set(known)}
    if len(kinds) != 1:
        raise InvalidTable(
            "Expected 'little-endian' (the last bit is qubit 0) or 'big-endian' (the first bit is) under "
            f"{quoted(name)} of "
            f"{WHAT}, got {quoted(value)}."
        )
    return kinds.pop()


def _joined(real: Any, imag: Any = None) -> list[Any]:
    """Return [real, imaginary] pairs of two lists."""
    parts = [real, [0.0] * len(real) if imag is None else imag]
    if any(not isinstance(part, list) or len(part) != len(real) for part in parts):
        raise InvalidTable(f"Expected two lists of one length, real and imaginary parts of {WHAT}, got others.")
    return [[a, b] for a, b in zip(*parts, strict=True)]


def _from_bits(found: dict[str, Any]) -> C16:
    lengths = {len(bits) for bits in found}
    wrong = next((bits for bits in found if not BITS.fullmatch(bits)), None)
    if wrong is not None or len(lengths) != 1 or max(lengths) > MAX_QUBITS:
        got = quoted(wrong) if wrong is not None else f"lengths {sorted(lengths)[:6]}"
        more = " Write 0x3 as bits, with all its zeros." if wrong is not None and wrong.startswith("0x") else ""
        raise InvalidTable(f"Expected bit strings of one length, 1 to {MAX_QUBITS}, in {WHAT}, got {got}.{more}")
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
    # A list holds texts of real and imaginary part.
    parts = [number_at(v) if isinstance(v, str) else v for v in value] if isinstance(value, list) else value
    number = number_at(value) if isinstance(value, str) else number_of(parts)
    if number is None:
        raise InvalidTable(f"Expected a number such as 0.5 or 0.5+0.5j at {where} of {WHAT}, got {quoted(value)}.")
    return number
