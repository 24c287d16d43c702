"""Amplitudes a line: with bits or an index, as one number or as real and imaginary part, under names of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from domains.quantum.inputs.array_text import decimal_commas, is_padded, joined, mark_of, number_at, split_cells
from domains.quantum.inputs.text import IMAG_KEYS, REAL_KEYS, quoted
from poets_core.errors import InvalidTable

WHAT = "the amplitudes"
BITS = re.compile(r"[01]{1,64}")
_KEYED = re.compile(r"([01]{2,64})\s{0,9}[:=]\s{0,9}(?=[^\s:=])")
"""``00: 0.6``."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "bits": (
        "bits",
        "bitstring",
        "bit_string",
        "bit string",
        "state",
        "basis",
        "basis_state",
        "basis state",
        "label",
        "ket",
        "key",
    ),
    "index": ("index", "idx", "n", "k", "i", "", "#", "unnamed: 0"),
    "amplitude": ("amplitude", "amplitudes", "amp", "value", "coefficient", "coeff", "psi", "statevector", "c"),
    "real": (*REAL_KEYS, "real part", "real_part", "re(psi)", "amplitude_real", "real_amplitude"),
    "imag": (*IMAG_KEYS, "imaginary part", "imag_part", "imag part", "im(psi)", "amplitude_imag", "imag_amplitude"),
}
"""What a column may be called, in lower case."""
MOST_COLUMNS = 64
"""Of a table with names; looking at each cell of a long line would take seconds."""
POLAR = ("magnitude", "abs", "modulus", "mag", "phase", "angle", "arg", "theta", "phi", "radius")
SHARES = ("probability", "probabilities", "prob", "p", "count", "counts", "shots", "frequency")


@dataclass(frozen=True)
class Listed:
    """What lines hold.

    Attributes:
        form: what they were read as, in words.
        values: a list of amplitudes, or bit strings with theirs; a number, its text, or [real, imaginary].
        assumed: a sentence where the order of columns decided, ``""`` otherwise.
        notes: further sentences.
        order: which bit is qubit 0, ``"qiskit"`` or ``"first"``, where the text says it; ``""`` otherwise.
    """

    form: str
    values: dict[str, Any] | list[Any]
    assumed: str = ""
    notes: tuple[str, ...] = ()
    order: str = ""


def read_lines(text: str) -> list[Listed]:
    """Return the ways to read amplitudes a line, the likeliest first: more than one where a comma leaves it open.

    Raises:
        InvalidTable: names the line that cannot be read.
    """
    if re.match(r",[A-Za-z]", text):
        text = "index" + text  # pandas leaves the name of its index empty
    lines = [re.split(r"(?<=\s)#", line, maxsplit=1)[0].strip(" ,;\t") for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    if all(_KEYED.match(line) for line in lines):
        lines = [_KEYED.sub(r"\1 ", line, count=1) for line in lines]
    mark = mark_of(lines)
    if not mark:
        return _in_words(lines)
    table = [split_cells(line, mark) for line in lines]
    points = decimal_commas(table, WHAT)
    if points is None:
        return _in_words(lines)
    found = [_columns(points)]
    with suppress(InvalidTable):
        # 1,0;0,0 may be two numbers or four.
        found += _in_words(lines)
    return found


def _in_words(lines: Sequence[str]) -> list[Listed]:
    """Read lines whose cells are separated by commas, semicolons, tabs or blanks."""
    head = re.split(r"\s{0,9}[,;\t]\s{0,9}", lines[0]) if lines else []
    if len(head) > 1 and _is_header(head) and not mark_of(lines):
        body = list(lines[1:])
        if all("," in line for line in body):
            return [_columns([head, *([cell.strip("\"' ") for cell in line.split(",")] for line in body)])]
    parts = [[part.split() for part in re.split(r"[,;\t]", line)] for line in lines]
    cells = [[cell.strip("\"'") for part in row for cell in joined(part, padded=False)] for row in parts]
    found = [_columns(cells)]
    if is_padded([part for row in parts for part in row if part]):
        found.append(_columns([[cell for part in row for cell in joined(part, padded=True)] for row in parts]))
    return found


def _is_header(row: Sequence[str]) -> bool:
    """Whether every cell of a row is a word; i, an index, is one beside others and a number alone."""
    if len(row) > 1 and row[0] in ("i", "I"):
        row = row[1:]
    return (
        len(row) <= MOST_COLUMNS
        and all(number_at(cell) is None and (not cell or re.match(r"[^\W\d]|[|#\"']", cell)) for cell in row)
        and any(row)
    )


def _columns(rows: list[list[str]]) -> Listed:
    if rows and _is_header(rows[0]):
        head = [cell.lower() for cell in rows[0]]
        kinds = [next((kind for kind, names in COLUMNS.items() if name in names), "") for name in head]
        polar = next((name for name in head if name in (*POLAR, *SHARES)), None)
        if polar is not None:
            raise InvalidTable(
                f"Expected amplitudes, or their real and imaginary parts, got a column {quoted(polar)}. "
                "Give columns 'bits', 'real' and 'imag', with real = magnitude * cos(phase)."
            )
        wide = [row for row in rows[1:] if len(row) != len(head)]
        if len(head) > 1 and not wide and any(kinds):
            return _named(kinds, rows[0], rows[1:])
        if len(head) > 1 and len(rows) > 1:
            raise InvalidTable(
                f"Expected columns called bits, amplitude, real or imag in {WHAT}, got "
                f"{', '.join(map(quoted, rows[0][:6]))}. Name them so."
            )
        rows = rows[1:]
    return _by_place(rows)


def _named(kinds: Sequence[str], head: Sequence[str], rows: Sequence[Sequence[str]]) -> Listed:
    """Read columns by their names."""
    kinds = list(kinds)
    for k, kind in enumerate(kinds):
        cells = [row[k] for row in rows]
        if not kind and "bits" not in kinds and all(BITS.fullmatch(cell) and len(cell) > 1 for cell in cells):
            kinds[k] = "bits"
        elif not kind and any(number_at(cell) is not None for cell in cells):
            raise InvalidTable(
                f"Expected columns called bits, index, amplitude, real or imag in {WHAT}, got {quoted(head[k])}. Name "
                "it so, or leave it out."
            )
    at = {kind: kinds.index(kind) for kind in COLUMNS if kind in kinds}
    twice = next((kind for kind in at if kinds.count(kind) > 1), None)
    known = "amplitude" in at or "real" in at
    if twice or not known or ("amplitude" in at and ("real" in at or "imag" in at)):
        raise InvalidTable(
            f"Expected a column 'amplitude', or 'real' and 'imag', in {WHAT}, got {', '.join(map(quoted, head[:6]))}. "
            "Name the columns so, each once."
        )
    if "amplitude" in at:
        values: list[Any] = [row[at["amplitude"]] for row in rows]
    else:
        values = [[row[at["real"]], row[at["imag"]] if "imag" in at else "0"] for row in rows]
    unused = [quoted(name) for name, kind in zip(head, kinds, strict=True) if not kind]
    notes = (f"Columns that were not used: {', '.join(unused[:6])}.",) if unused else ()
    order = _order_named(head[at["bits"]], rows[0][at["bits"]]) if "bits" in at and rows else ""
    if order:
        end = "last" if order == "qiskit" else "first"
        notes = (*notes, f"The column {quoted(head[at['bits']])} names its order: the {end} bit is qubit 0.")
    form = f"table with the columns {', '.join(name for name in head if name)}"[:120]
    if "bits" in at:
        return Listed(form, _unique([row[at["bits"]].strip("|>⟩") for row in rows], values), "", notes, order)
    if "index" not in at:
        return Listed(form, values, "", notes)
    return Listed(form, _indexed([row[at["index"]] for row in rows], values), "", notes)


def _order_named(name: str, bits: str) -> str:
    """Return which bit is qubit 0 where a column is called ``q0q1`` or ``q1q0``; ``""`` where it names no qubits.

    Raises:
        InvalidTable: it names them in no order, or not one for each bit.
    """
    if not re.fullmatch(r"(?:q(?:ubit)?[_ \[]{0,2}\d{1,3}[\] _,|]{0,3}){2,64}", name.lower()):
        return ""
    qubits = [int(k) for k in re.findall(r"\d+", name)]
    counted = list(range(len(qubits)))
    if qubits not in (counted, counted[::-1]) or len(bits.strip("|>⟩")) != len(qubits):
        raise InvalidTable(
            f"Expected a qubit for each bit, from 0 up or down to 0, in the name of the bits' column, got "
            f"{quoted(name)} above {quoted(bits)}. Call the column 'bits' and write qubit 0 where the form says."
        )
    return "first" if qubits == counted else "qiskit"


def _indexed(indices: list[str], values: list[Any]) -> dict[str, Any] | list[Any]:
    """Return amplitudes in the order of an index: 0 to 2^n - 1 in any order, or bit strings."""
    numbers = [int(text) if re.fullmatch(r"\d{1,9}", text) else -1 for text in indices]
    if len({len(t) for t in indices}) == 1 and all(BITS.fullmatch(t) for t in indices) and len(indices[0]) > 1:
        if any(t[0] == "0" for t in indices):
            return _unique(indices, values)
        raise InvalidTable(
            f"Expected an index or bits in {WHAT}, got {quoted(indices[0])}, which can be either. Call the column "
            "'bits', or give every index."
        )
    if sorted(numbers) != list(range(len(numbers))):
        raise InvalidTable(
            f"Expected every index from 0 to 2^n - 1 once in {WHAT}, got {quoted(', '.join(indices[:8]))}. Give all, "
            "or bit strings under 'bits'."
        )
    ordered = dict(zip(numbers, values, strict=True))
    return [ordered[k] for k in range(len(numbers))]


def _unique(bits: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in zip(bits, values, strict=True):
        if key in found:
            raise InvalidTable(f"Expected each bit string once in {WHAT}, got {quoted(key)} twice.")
        found[key] = value
    return found


def _by_place(rows: list[list[str]]) -> Listed:
    """Read columns without names."""
    if len(rows) == 1 and len(rows[0]) > 1:
        return Listed("text", list(rows[0]))
    if all(len(row) == 1 for row in rows):
        return Listed("text, an amplitude a line", [row[0] for row in rows])
    wrong = next((row for row in rows if len(row) not in (2, 3)), None)
    if wrong is not None:
        raise InvalidTable(
            f"Expected bits and amplitude, or an amplitude, in each line, got {quoted(' '.join(wrong))}."
        )
    # Amplitudes are at most 1, so 0011 can be no amplitude; a single digit could be one.
    if all(BITS.fullmatch(row[0]) and len(row[0]) > 1 for row in rows):
        values: list[Any] = [number[0] if len(number) == 1 else number for _, *number in rows]
        three = "The columns were read as bits, real and imaginary part." if len(rows[0]) == 3 else ""
        return Listed("bit strings with amplitudes", _unique([row[0] for row in rows], values), three)
    if all(len(row) == 2 for row in rows):
        return Listed(
            "text, real and imaginary part a line",
            [list(row) for row in rows],
            "The two columns were read as real and imaginary part. Is the first one an index or a bit string, or are "
            "they in another order, name them in a first line: bits,amplitude; index,amplitude; imag,real.",
        )
    counted = [row[0] for row in rows] == [str(k) for k in range(len(rows))]
    if counted and all(len(row) == 3 for row in rows):
        said = "The columns were read as index, real and imaginary part."
        return Listed("text, an index and an amplitude a line", [row[1:] for row in rows], said)
    raise InvalidTable(f"Expected bits and amplitude in each line, got {quoted(' '.join(rows[0]))}.")
