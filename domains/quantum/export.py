"""Circuits as files that other tools read: OpenQASM 3 and 2, QPY, JSON, a Qiskit snippet, CSV.

Every circuit is recomputed by Qiskit before it is written, and every file says what it is (`files.facts`). What is read
back may come from anyone, so it is checked before Qiskit's parser sees it (`qasm`).
"""

from __future__ import annotations

from collections.abc import Sequence

from domains.quantum.files.document import read_json, write_json
from domains.quantum.files.facts import Circuit, Source, confirmed
from domains.quantum.files.packing import packed
from domains.quantum.files.reading import read_qasm
from domains.quantum.files.snippet import snippet
from domains.quantum.files.table import read_csv, write_csv
from domains.quantum.files.texts import qasm_text
from poets_core.errors import InvalidSpec
from poets_core.types import Record

FORMATS = ("qasm3", "qasm2", "qpy", "json", "python", "csv")
WRITTEN_ALONE = {
    "qpy": "reading it can run code (CVE-2025-2000)",
    "python": "it is a program, and no program that comes in is run",
}
"""Formats that are never read, and why."""


def write(source: Source, records: Sequence[Record], format: str) -> bytes:
    """Return records in one of `FORMATS`.

    JSON and CSV are one file for any number of circuits. The others are one file for one circuit, else a ZIP.

    Raises:
        InvalidSpec: unknown format.
        InvalidDesign: a design or its angles do not fit, or Qiskit disagrees with its energy.
    """
    _check_format(format)
    circuits = confirmed(source, records)
    if format == "json":
        return write_json(source, circuits)
    if format == "csv":
        return write_csv(source, circuits)
    if format == "qpy":
        from domains.quantum.files.binary import qpy_bytes

        return packed(source, circuits, "qpy", lambda circuit, terms, elsewhere: qpy_bytes(source, circuit))
    if format == "python":
        return packed(source, circuits, "py", lambda circuit, terms, elsewhere: snippet(source, circuit).encode())

    def text(circuit: Circuit, terms: bool, elsewhere: str) -> bytes:
        return qasm_text(source, circuit, format, terms=terms, elsewhere=elsewhere).encode()

    return packed(source, circuits, "qasm", text)


def read(source: Source, data: bytes, format: str) -> list[Record]:
    """Read what `write` wrote, or a foreign OpenQASM 3 file of this language.

    Raises:
        InvalidSpec: unknown format, or one of `WRITTEN_ALONE`.
        InvalidDesign: the data break a rule for untrusted input, or hold no circuit of this problem.
        InvalidTable: a CSV that cannot be read.
    """
    _check_format(format)
    if format in WRITTEN_ALONE:
        raise InvalidSpec(
            f"Expected a format that is read, one of {[f for f in FORMATS if f not in WRITTEN_ALONE]}, got {format!r}: "
            f"{WRITTEN_ALONE[format]}. Export the circuits as OpenQASM 3."
        )
    if format == "json":
        return read_json(source, data)
    return read_csv(source, data) if format == "csv" else read_qasm(source, data, format)


def _check_format(format: str) -> None:
    if format not in FORMATS:
        raise InvalidSpec(f"Expected an export format, one of {FORMATS}, got {format!r}.")
