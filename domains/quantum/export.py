"""Circuits as files that reload: OpenQASM 3 (one file, or a zip of files) and CSV.

Every circuit is recomputed by Qiskit before it is written. What is read back
may come from anyone, so it comes through the door (`door`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domains.quantum.circuit import FREE, LEVELS, MAX_BYTES, Op, line_of, text_of
from domains.quantum.door.prescan import decoded
from domains.quantum.energy import CircuitEnergy
from poets_core.cells import guarded, unguarded
from poets_core.errors import InvalidDesign, InvalidInput, InvalidTable
from poets_core.intake import check_text, shown
from poets_core.intake.archive import read_zip
from poets_core.types import Record

if TYPE_CHECKING:
    from domains.quantum.door.reader import Reader

MAX_FILES = 5000
MAX_ALL = 32 << 20
"""Bytes of a zip's files after unpacking, and of a CSV."""
MAX_LINES = 1_000_000
MARK = "// poets: "
COLUMNS = ("id", "value", "design", "qiskit_energy", "metadata")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time keeps equal exports equal byte for byte


def qasm_text(ops: Sequence[Op], qubits: int, angles: Sequence[float], comment: str = "") -> str:
    """Return OpenQASM 3 of a circuit; angles keep every digit.

    Args:
        ops: gates.
        qubits: number of qubits.
        angles: radians of the free angles, in gate order.
        comment: one line put after the header.
    """
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *([comment] if comment else []), f"qubit[{qubits}] q;"]
    rest = iter(angles)
    for op in ops:
        wires = ", ".join(f"q[{q}]" for q in op.qubits)
        if op.angle >= 0:
            angle = next(rest) if op.angle == FREE else 2 * math.pi * op.angle / LEVELS
            lines.append(f"{op.gate}({angle!r}) {wires};")
        else:
            lines.append(f"{op.gate} {wires};")
    return "\n".join(lines) + "\n"


def write_qasm(energy: CircuitEnergy, records: Sequence[Record], problem: str) -> bytes:
    """Return one OpenQASM 3 file for one record, else a zip with one file per record.

    Args:
        energy: gives the language and the Hamiltonian.
        records: what to write.
        problem: its name, for the comment in each file.
    """
    from domains.quantum.verify import confirm

    files: list[str] = []
    for record in records:
        ops = energy.ops(record.design)
        confirmed = confirm(energy, record.design, record.metadata)
        facts = {
            "id": record.id,
            "value": record.value,
            "problem": problem,
            "design": " ; ".join(line_of(op) for op in ops),
            "qiskit_energy": confirmed,
            "metadata": dict(record.metadata),
        }
        comment = MARK + json.dumps(facts, sort_keys=True, allow_nan=False)
        files.append(qasm_text(ops, energy.language.qubits, energy.angles(record.design, record.metadata), comment))
    if len(files) == 1:
        return files[0].encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, (record, text) in enumerate(zip(records, files, strict=True)):
            name = "".join(c if c.isalnum() or c in "-_" else "_" for c in record.id)[:60]
            archive.writestr(zipfile.ZipInfo(f"{k:05d}_{name}.qasm", _EPOCH), text)
    return buffer.getvalue()


def read_qasm(energy: CircuitEnergy, data: bytes) -> list[Record]:
    """Read one file of OpenQASM 2 or 3 or a zip of them: our own exports, or what other tools wrote.

    A foreign circuit is said again in the words of the language; its angles come along where it has them all.

    Raises:
        InvalidDesign: see `door.foreign`, `door.express`; also where a file contradicts its own comment.
    """
    from domains.quantum.door.reader import Reader

    texts = _texts(data)
    with Reader() as reader:
        return [_record(energy, name, text, k, reader) for k, (name, text) in enumerate(texts)]


def _texts(data: bytes) -> list[tuple[str, str]]:
    if not data.startswith(b"PK"):
        return [("", decoded(data))]
    files = read_zip(data, files=MAX_FILES, each=MAX_BYTES, total=MAX_ALL, refuse=_refuse)
    return [(name, decoded(text)) for name, text in files]


def _refuse(message: str) -> InvalidDesign:
    return InvalidDesign(f"Expected a zip of OpenQASM 3 files. {message}")


def _record(energy: CircuitEnergy, name: str, text: str, number: int, reader: Reader) -> Record:
    from domains.quantum.door.express import express
    from domains.quantum.door.foreign import read_circuit_file

    language = energy.language
    try:
        found = express(read_circuit_file(text, reader=reader), language)
    except InvalidDesign as error:
        raise InvalidDesign(f"{f'File {shown(name)} of the zip: ' if name else ''}{error}") from error
    design, angles = text_of(list(found.ops)), found.angles
    facts = _facts(text)
    if facts is None:
        kept = {"angles": list(angles)} if language.free and angles is not None else {}
        return Record(f"file-{number}", design, math.nan, kept)
    where = f"in file {number + 1}"
    stated = facts.get("design")
    value, metadata = facts.get("value"), facts.get("metadata")
    if not isinstance(stated, str) or energy.decode(stated.replace(";", " ")) != design:
        raise InvalidDesign(f"Expected the circuit {where} to be the one its comment names, got another. Export again.")
    if not isinstance(value, int | float) or not isinstance(metadata, dict) or not isinstance(facts.get("id"), str):
        raise InvalidDesign(f"Expected id, value and metadata in the comment {where}, got {str(facts)[:80]}.")
    if language.free:
        noted = energy.angles(design, metadata)
        if any(abs(math.remainder(a - b, 2 * math.pi)) > 1e-9 for a, b in zip(angles or (), noted, strict=True)):
            raise InvalidDesign(f"Expected the angles {where} to be those of its comment, got others. Export again.")
    return Record(facts["id"], design, float(value), metadata)


def _facts(text: str) -> dict[str, Any] | None:
    for line in text.splitlines():
        if line.startswith(MARK):
            try:
                facts = json.loads(line[len(MARK) :])
            except (ValueError, RecursionError) as error:
                raise InvalidDesign(f"Expected JSON after {MARK!r}, got {shown(line, 60)}.") from error
            return facts if isinstance(facts, dict) else {}
    return None


def write_csv(energy: CircuitEnergy, records: Sequence[Record]) -> bytes:
    """Return a CSV of id, value, design, Qiskit's energy and metadata as JSON.

    A text cell that a spreadsheet could take for a formula begins with an
    apostrophe, which `read_csv` takes off again.
    """
    from domains.quantum.verify import confirm

    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for record in records:
        confirmed = confirm(energy, record.design, record.metadata)
        metadata = json.dumps(dict(record.metadata), sort_keys=True, allow_nan=False)
        name, words = (guarded(cell, reversible=True) for cell in (record.id, energy.encode(record.design)))
        table.writerow([name, repr(float(record.value)), words, repr(confirmed), metadata])
    return buffer.getvalue().encode()


def read_csv(energy: CircuitEnergy, data: bytes) -> list[Record]:
    """Read what `write_csv` wrote.

    Raises:
        InvalidTable: unreadable, other columns, or a bad cell, with its row.
    """
    check_text(data, "CSV of circuits", MAX_ALL, MAX_LINES, InvalidTable)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidTable(f"Expected a CSV in UTF-8, got {error}.") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InvalidTable(
            f"Expected the columns {','.join(COLUMNS)}, got {','.join(rows[0])[:80] if rows else 'none'}."
        )
    records: list[Record] = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            name, value, design, _, text = row
            metadata = json.loads(text)
            if not isinstance(metadata, Mapping) or not math.isfinite(float(value)):
                raise InvalidTable(f"Expected a finite value and a JSON object as metadata in row {number}.")
            records.append(Record(unguarded(name), energy.decode(unguarded(design)), float(value), metadata))
        except InvalidInput as error:
            raise InvalidTable(f"Expected a circuit record in row {number}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise InvalidTable(f"Expected {len(COLUMNS)} readable cells in row {number}, got {error}.") from error
    return records
