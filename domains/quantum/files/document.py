"""JSON: one document for all circuits, with the problem and its Hamiltonian once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from domains.quantum.files.facts import ORDER, Circuit, Source, as_json, checksum_of, facts_of, gates_of, versions
from domains.quantum.files.packing import MAX_ALL
from domains.quantum.files.reading import number_of, parsed, record_of, same_angles, same_hamiltonian
from domains.quantum.files.start import start_of, with_start
from poets_core.errors import InvalidDesign
from poets_core.intake import check_text, shown
from poets_core.types import Record

FORMAT, VERSION = "poets circuits", 1
_ONCE = ("problem", "qubit_order", "hamiltonian_sha256", "versions")
"""Facts of a circuit that stand in the head of a document."""
MAX_LINES = 2_000_000


def write_json(source: Source, circuits: Sequence[Circuit]) -> bytes:
    """Return the document; every gate stands in it with its radians, so that no parser of words is needed."""
    language = source.energy.language
    head = {
        "format": FORMAT,
        "version": VERSION,
        "problem": source.name,
        "title": source.title,
        "qubits": language.qubits,
        "qubit_order": ORDER,
        "start": list(start_of(language)),
        "coupling": sorted(map(list, language.pairs)),
        "hamiltonian": source.terms,
        **({"target": source.target} if source.target else {}),
        "hamiltonian_sha256": source.checksum,
        "ground_energy": source.ground,
        "transpiled_to": {"basis": ["rz", "sx", "x", "cx"], "level": 3, "coupling": "as above"},
        "versions": versions(),
    }
    listed = [
        {k: v for k, v in facts_of(source, circuit).items() if k not in _ONCE}
        | {"gates": [_gate(*gate) for gate in gates_of(source, circuit)]}
        for circuit in circuits
    ]
    # A fact of the head and a circuit are a line each: short, and equal lines are equal circuits.
    lines = [f' "{name}": {as_json(value)},' for name, value in head.items()]
    circuit_lines = ",\n".join(f"  {as_json(one)}" for one in listed)
    return "\n".join(["{", *lines, ' "circuits": [', circuit_lines, " ]", "}", ""]).encode()


def _gate(name: str, qubits: tuple[int, ...], angle: float | None) -> dict[str, Any]:
    return {"gate": name, "qubits": list(qubits)} | ({} if angle is None else {"angle": angle})


def read_json(source: Source, data: bytes) -> list[Record]:
    """Read what `write_json` wrote.

    Raises:
        InvalidDesign: no such document, one of another Hamiltonian, or a circuit that contradicts itself.
    """
    check_text(data, "JSON of circuits", MAX_ALL, MAX_LINES, InvalidDesign)
    try:
        document = parsed(data.decode("utf-8-sig"), "in UTF-8")
    except UnicodeDecodeError as error:
        raise InvalidDesign("Expected JSON in UTF-8, got other bytes.") from error
    if not isinstance(document, Mapping) or (document.get("format"), document.get("version")) != (FORMAT, VERSION):
        raise InvalidDesign(f'Expected a JSON object with "format": "{FORMAT}" and "version": {VERSION}, got another.')
    _check_head(source, document)
    circuits = document.get("circuits")
    if not isinstance(circuits, list):
        raise InvalidDesign(f"Expected a list of circuits, got {shown(circuits)}.")
    return [_record(source, found, f"in circuit {k + 1}") for k, found in enumerate(circuits)]


def _check_head(source: Source, document: Mapping[str, Any]) -> None:
    language, where = source.energy.language, "in the JSON"
    for name, here in (("qubits", language.qubits), ("start", list(start_of(language))), ("qubit_order", ORDER)):
        if document.get(name) != here:
            raise InvalidDesign(f"Expected {name} {here!r} {where}, got {shown(document.get(name))}.")
    terms = document.get("hamiltonian")
    if not isinstance(terms, list) or not all(
        isinstance(t, list) and len(t) == 2 and isinstance(t[0], str) and number_of(t[1]) is not None for t in terms
    ):
        raise InvalidDesign(f"Expected the Hamiltonian as pairs of label and number {where}, got {shown(terms)}.")
    # The terms themselves are compared, and the checksum that is written beside them.
    if document.get("target", []) != source.target:
        raise InvalidDesign(f"Expected the target of this problem {where}, got another. Read its gates alone there.")
    if not source.target:
        same_hamiltonian(source, checksum_of(tuple((label, float(c)) for label, c in terms)), where)
    same_hamiltonian(source, document.get("hamiltonian_sha256"), where)


def _record(source: Source, found: object, where: str) -> Record:
    if not isinstance(found, Mapping):
        raise InvalidDesign(f"Expected an object {where}, got {shown(found)}.")
    record = record_of(source, found, where)
    language = source.energy.language
    ops = source.energy.ops(record.design)
    gates, angles = found.get("gates"), source.energy.angles(record.design, record.metadata)
    if not isinstance(gates, list) or not all(isinstance(g, Mapping) for g in gates):
        raise InvalidDesign(f"Expected a list of gates {where}, got {shown(gates)}.")
    named = [(g.get("gate"), g.get("qubits")) for g in gates]
    if named != [(op.gate, list(op.qubits)) for op in with_start(ops, language)]:
        raise InvalidDesign(f"Expected the gates {where} to be those of its design, got others. Export again.")
    turned = [number_of(g["angle"]) for g in gates if "angle" in g]
    unmeasured = Circuit(record, tuple(ops), tuple(angles), math.nan, 0, 0, 0, 0)
    wanted = [angle for _, _, angle in gates_of(source, unmeasured) if angle is not None]
    if any(angle is None for angle in turned):
        raise InvalidDesign(f"Expected finite angles {where}, got others.")
    same_angles([a for a in turned if a is not None], wanted, where)
    return record
