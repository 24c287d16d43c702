"""QPY, Qiskit's own format: written here, never read from anyone (CVE-2025-2000)."""

from __future__ import annotations

import io
import json

from domains.packages import needed_for
from domains.quantum.entries import INSTALL
from domains.quantum.files.facts import MOST_TERMS, Circuit, Source, as_json, facts_of, printable
from domains.quantum.files.start import with_start
from domains.quantum.verify import TOLERANCE, circuit_value, to_qiskit
from poets_core.errors import InvalidDesign

with needed_for("writing QPY", INSTALL):
    from qiskit import qpy

VERSION = 13
"""Of the format: Qiskit 1.3 and later read it."""


def qpy_bytes(source: Source, circuit: Circuit) -> bytes:
    """Return QPY of one circuit; its metadata hold what it is, the Hamiltonian with them.

    What was written is loaded again and its energy compared: these bytes are our own.

    Raises:
        InvalidDesign: the loaded circuit has another energy.
    """
    language = source.energy.language
    built = to_qiskit(with_start(circuit.ops, language), language.qubits, circuit.angles)
    built.name = printable(circuit.record.id)[:60] or "circuit"
    # A file of one circuit has no other to keep a longer Hamiltonian in: its checksum is among the facts.
    terms = source.terms if len(source.terms) <= MOST_TERMS else "too long, written out in the JSON export"
    more = {"hamiltonian": terms, "ground_energy": source.ground, "title": source.title}
    built.metadata = json.loads(as_json(facts_of(source, circuit) | more))
    buffer = io.BytesIO()
    qpy.dump(built, buffer, version=VERSION)
    buffer.seek(0)
    energy = circuit_value(qpy.load(buffer)[0], source.energy)
    if not abs(energy - circuit.energy) <= TOLERANCE:
        raise InvalidDesign(
            f"Expected QPY of circuit {circuit.record.id[:40]!r} to have energy {circuit.energy!r}, got {energy!r}."
        )
    return buffer.getvalue()
