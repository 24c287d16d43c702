"""Files of circuits read back: text from anyone, checked against what its comment says of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domains.quantum.circuit import text_of
from domains.quantum.files.facts import Source
from domains.quantum.files.packing import unpacked
from domains.quantum.files.texts import MARK
from poets_core.errors import InvalidDesign
from poets_core.intake import shown
from poets_core.types import Design, Record

if TYPE_CHECKING:
    from domains.quantum.door.reader import Reader

TOLERANCE = 1e-9
"""Radians between an angle and the one that was noted for it."""
TITLES = {"qasm3": "OpenQASM 3", "qasm2": "OpenQASM 2"}


def read_qasm(source: Source, data: bytes, format: str) -> list[Record]:
    """Read one OpenQASM file or a zip of them.

    Args:
        source: the problem that the circuits belong to.
        data: from anyone.
        format: ``"qasm3"`` or ``"qasm2"``, for messages: either is read, also of other tools.

    Raises:
        InvalidDesign: see `door.foreign` and `door.express`; also where a file contradicts its own comment.
    """
    from domains.quantum.door.reader import Reader

    title = TITLES[format]
    texts = [_utf8(part, title) for part in unpacked(data, title)]
    with Reader() as reader:
        return [_record(source, text, k, len(texts), reader) for k, text in enumerate(texts)]


def _utf8(data: bytes, title: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDesign(f"Expected {title} as UTF-8 text, got other bytes.") from error


def _record(source: Source, text: str, number: int, count: int, reader: Reader) -> Record:
    from domains.quantum.door.express import express
    from domains.quantum.door.foreign import read_circuit_file

    language = source.energy.language
    # Comments may be long, a Hamiltonian is in them; what is read as a circuit is bounded more tightly.
    code = "\n".join("" if line.lstrip().startswith("//") else line for line in text.split("\n"))
    try:
        found = express(read_circuit_file(code, reader=reader), language)
    except InvalidDesign as error:
        raise InvalidDesign(f"{f'File {number + 1} of the zip: ' if count > 1 else ''}{error}") from error
    design, angles = text_of(list(found.ops)), found.angles
    facts = _facts(text)
    if facts is None:
        # A foreign file; where it leaves angles open they are optimised.
        kept = {"angles": list(angles)} if language.free and angles is not None else {}
        return Record(f"file-{number}", design, math.nan, kept)
    where = f"in file {number + 1}"
    record = record_of(source, facts, where)
    if record.design != design:
        raise InvalidDesign(f"Expected the circuit {where} to be the one its comment names, got another. Export again.")
    if language.free:
        same_angles(angles or (), source.energy.angles(design, record.metadata), where)
    return record


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
    here = source.checksum
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
