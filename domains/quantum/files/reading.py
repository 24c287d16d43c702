"""Files of circuits read back: text from anyone, checked against what its comment says of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from domains.quantum.circuit import canonical, line_of
from domains.quantum.files.facts import Source, checksum_of
from domains.quantum.files.packing import unpacked
from domains.quantum.files.start import without_start
from domains.quantum.files.texts import HEADS, MARK
from poets_core.errors import InvalidDesign
from poets_core.intake import shown
from poets_core.types import Design, Record

TOLERANCE = 1e-9
"""Radians between an angle and the one that was noted for it."""
TITLES = {"qasm3": "OpenQASM 3", "qasm2": "OpenQASM 2"}
_OPENING = re.compile(re.escape(HEADS["qasm2"]) + r"qreg q\[(\d{1,2})\];\n")


def read_qasm(source: Source, data: bytes, format: str) -> list[Record]:
    """Read one OpenQASM file or a zip of them.

    Args:
        source: the problem that the circuits belong to.
        data: from anyone.
        format: ``"qasm3"``, also of other tools, or ``"qasm2"`` as it is written here.

    Raises:
        InvalidDesign: see `qasm.read_circuit`; also where a file contradicts its own comment.
    """
    title = TITLES[format]
    return [_record(source, _utf8(part, title), format, k) for k, part in enumerate(unpacked(data, title))]


def _utf8(data: bytes, title: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDesign(f"Expected {title} as UTF-8 text, got other bytes.") from error


def _record(source: Source, text: str, format: str, number: int) -> Record:
    from domains.quantum.qasm import read_circuit

    language = source.energy.language
    # Comments may be long, a Hamiltonian is in them; what is read as a circuit is bounded more tightly.
    code = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("//"))
    found, angles = read_circuit(_version_3(code) if format == "qasm2" else code, language)
    ops = without_start(found, language)
    design = source.energy.decode("\n".join(line_of(op) for op in ops))
    facts = _facts(text)
    if facts is None:
        # A foreign file. Its angles are kept only where canonical order is its order.
        kept = {"angles": angles} if language.free and canonical(ops, language) == ops else {}
        return Record(f"file-{number}", design, math.nan, kept)
    where = f"in file {number + 1}"
    record = record_of(source, facts, where)
    if record.design != design:
        raise InvalidDesign(f"Expected the circuit {where} to be the one its comment names, got another. Export again.")
    if language.free:
        same_angles(angles, source.energy.angles(design, record.metadata), where)
    return record


def _version_3(code: str) -> str:
    """Return the OpenQASM 3 of an OpenQASM 2 that `texts` wrote: the gates are called alike in both."""
    opening = _OPENING.match(code)
    if opening is None:
        raise InvalidDesign(
            "Expected OpenQASM 2 as it is exported here: its header, qelib1.inc and 'qreg q[n];' first. "
            "Export it as OpenQASM 3 from the tool that made it."
        )
    return f"{HEADS['qasm3']}qubit[{opening[1]}] q;\n{code[opening.end() :]}"


def _facts(text: str) -> Mapping[str, Any] | None:
    for line in text.split("\n"):
        if line.startswith(MARK):
            facts = parsed(line[len(MARK) :], f"after {MARK!r}")
            return facts if isinstance(facts, Mapping) else {}
    return None


def parsed(text: str, where: str) -> Any:
    """Return the value of a JSON text from anyone.

    Raises:
        InvalidDesign: it is none, or holds a number that is not finite.
    """

    def refuse(word: str) -> float:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidDesign(f"Expected JSON {where}, got {shown(text, 60)}.") from error


def number_of(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of more digits than a float holds
        return None


def record_of(source: Source, facts: Mapping[str, Any], where: str) -> Record:
    """Return the record that facts name, see `facts.facts_of`; those of older files hold fewer.

    Raises:
        InvalidDesign: id, value, design or metadata are none, or the Hamiltonian is another.
    """
    name, stated, metadata = facts.get("id"), facts.get("design"), facts.get("metadata")
    value = math.nan if facts.get("value", "") is None else number_of(facts.get("value"))
    if not isinstance(name, str) or value is None or not isinstance(metadata, dict) or not isinstance(stated, str):
        raise InvalidDesign(
            f"Expected id, value, design and metadata {where}, got {shown(dict(facts), 80)}. Export again."
        )
    same_hamiltonian(source, facts.get("hamiltonian_sha256"), where)
    design: Design = source.energy.decode(stated.replace(";", " "))
    return Record(name, design, value, metadata)


def same_hamiltonian(source: Source, checksum: object, where: str) -> None:
    """Refuse a file of another Hamiltonian; older files name none.

    Raises:
        InvalidDesign: the checksums differ.
    """
    here = checksum_of(tuple(source.terms))
    if checksum is not None and checksum != here:
        raise InvalidDesign(
            f"Expected a circuit for the Hamiltonian with SHA-256 {here[:12]}… {where}, got {shown(checksum, 12)}. "
            "It belongs to another problem; read its gates alone there."
        )


def same_angles(angles: Sequence[float], noted: Sequence[float], where: str) -> None:
    """Refuse angles that are not those noted, modulo 2 pi.

    Raises:
        InvalidDesign: one differs, or their numbers do.
    """
    if len(angles) != len(noted) or any(
        abs(math.remainder(a - b, 2 * math.pi)) > TOLERANCE for a, b in zip(angles, noted, strict=True)
    ):
        raise InvalidDesign(f"Expected the angles {where} to be those of its comment, got others. Export again.")
