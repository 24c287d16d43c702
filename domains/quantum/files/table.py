"""CSV: a circuit a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from domains.quantum.files.facts import Circuit, Source, as_json, facts_of
from domains.quantum.files.packing import MAX_ALL
from domains.quantum.files.reading import parsed, record_of
from poets_core.cells import guarded, unguarded
from poets_core.errors import InvalidInput, InvalidTable
from poets_core.intake import check_text
from poets_core.types import Record

MAX_LINES = 1_000_000
COLUMNS = (
    *("id", "value", "design", "qiskit_energy", "error", "cx", "depth", "cx_transpiled", "depth_transpiled"),
    *("run", "seed", "problem", "qubit_order", "hamiltonian", "hamiltonian_sha256", "versions", "metadata"),
)
OLD = ("id", "value", "design", "qiskit_energy", "metadata")
"""Columns of files before the Hamiltonian was in them."""
MOST_CELL = 4000
"""Characters of a Hamiltonian that every row repeats."""
_TEXTS = ("id", "run", "problem", "qubit_order", "hamiltonian")
"""Text cells, guarded so that a spreadsheet takes none of them for a formula."""


def write_csv(source: Source, circuits: Sequence[Circuit]) -> bytes:
    """Return a CSV of everything that is said of each circuit; metadata, versions and Hamiltonian as JSON.

    A text cell that a spreadsheet could take for a formula begins with an apostrophe, which `read_csv` takes off again.
    """
    terms = as_json(source.terms)
    hamiltonian = terms if len(terms) <= MOST_CELL else "too long for a cell, written out in the JSON export"
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for circuit in circuits:
        facts = facts_of(source, circuit)
        cells = facts | {
            "hamiltonian": hamiltonian,
            "design": guarded(source.energy.encode(circuit.record.design), reversible=True),
            "versions": as_json(facts["versions"]),
            "metadata": as_json(facts["metadata"]),
        }
        cells |= {name: guarded(str(cells[name]), reversible=True) for name in _TEXTS if cells[name] is not None}
        table.writerow(["" if cells[name] is None else _cell(cells[name]) for name in COLUMNS])
    return buffer.getvalue().encode()


def _cell(value: object) -> object:
    return repr(value) if isinstance(value, float) else value


def read_csv(source: Source, data: bytes) -> list[Record]:
    """Read what `write_csv` wrote, now or before.

    Raises:
        InvalidTable: unreadable, other columns, or a bad cell, with its row.
    """
    check_text(data, "CSV of circuits", MAX_ALL, MAX_LINES, InvalidTable)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidTable(f"Expected a CSV in UTF-8, got {error}.") from error
    if not rows or tuple(rows[0]) not in (COLUMNS, OLD):
        raise InvalidTable(
            f"Expected the columns {','.join(COLUMNS)}, got {','.join(rows[0])[:80] if rows else 'none'}."
        )
    return [_record(source, rows[0], row, number) for number, row in enumerate(rows[1:], start=2)]


def _record(source: Source, names: Sequence[str], row: Sequence[str], number: int) -> Record:
    where = f"in row {number}"
    if len(row) != len(names):
        raise InvalidTable(f"Expected {len(names)} readable cells {where}, got {len(row)}.")
    cells = dict(zip(names, row, strict=True))
    try:
        facts = {
            "id": unguarded(cells["id"]),
            "value": float(cells["value"]) if cells["value"] else None,
            "design": unguarded(cells["design"]),
            "metadata": parsed(cells["metadata"], where),
            "hamiltonian_sha256": cells.get("hamiltonian_sha256"),
        }
        return record_of(source, facts, where)
    except InvalidInput as error:
        raise InvalidTable(f"Expected a circuit record {where}: {error}") from error
    except ValueError as error:
        raise InvalidTable(f"Expected a number as value {where}, got {cells['value'][:40]!r}.") from error
