"""What every file says of a circuit: where it comes from, its Hamiltonian, its energy, what it costs."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from domains.quantum.circuit import Op, count_two, depth_of, line_of, radians_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.files.start import start_of, with_start
from domains.quantum.hamiltonian import PauliSum
from poets_core.errors import InvalidDesign
from poets_core.types import Record

ORDER = "Qiskit, the last letter of a label is qubit 0"
MOST_TERMS = 4000
"""Terms of a Hamiltonian that a file writes out; of a longer one it gives the checksum."""
MOST_LINES = 400_000
"""Terms in all files of a ZIP together."""
Terms = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Source:
    """The problem that circuits are written for.

    Attributes:
        energy: gives the language and the Hamiltonian.
        name, title: of the problem.
        ground: ground energy, None where it is not known.
    """

    energy: CircuitEnergy
    name: str
    title: str = ""
    ground: float | None = None

    @cached_property
    def terms(self) -> list[tuple[str, float]]:
        """Labels and coefficients as plain Python values; none where circuits are judged by a fidelity."""
        known = self.energy.hamiltonian
        return [(str(label), float(coefficient)) for label, coefficient in known.terms] if known else []

    @cached_property
    def target(self) -> list[list[float]]:
        """Amplitudes (real, imaginary) of the state that circuits are to prepare, of a unitary column by column.

        Empty where circuits are judged by an energy.
        """
        operator = self.energy.observable.operator
        if isinstance(operator, PauliSum):
            return []
        scale = math.sqrt(2**self.energy.observable.idle)
        return [[scale * float(x.real), scale * float(x.imag)] for x in operator.vector]

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the Hamiltonian, or of the target."""
        if self.target:
            return hashlib.sha256(json.dumps(self.target, separators=(",", ":")).encode()).hexdigest()
        return checksum_of(tuple(self.terms))


@dataclass(frozen=True)
class Circuit:
    """One circuit as it is written, after Qiskit has confirmed its energy.

    Attributes:
        record: what it is made of.
        ops: the design's gates. angles: radians of the free ones, in gate order.
        energy: Qiskit's.
        cx, depth: two-qubit gates, each one CX and gates of one qubit, and layers.
        cx_transpiled, depth_transpiled: the same after Qiskit's optimisation level 3, see `transpiled`.
    """

    record: Record
    ops: tuple[Op, ...]
    angles: tuple[float, ...]
    energy: float
    cx: int
    depth: int
    cx_transpiled: int
    depth_transpiled: int


def confirmed(source: Source, records: Sequence[Record]) -> list[Circuit]:
    """Recompute every record by Qiskit, and count its gates.

    Raises:
        InvalidDesign: a design or its angles do not fit, or Qiskit disagrees with its energy.
    """
    from domains.quantum.files.transpiled import transpiled_counts
    from domains.quantum.verify import confirm, to_qiskit

    energy, language = source.energy, source.energy.language
    found: list[Circuit] = []
    for record in records:
        ops, angles = energy.ops(record.design), energy.angles(record.design, record.metadata)
        value = confirm(energy, record.design, record.metadata)
        circuit = to_qiskit(with_start(ops, language), language.qubits, angles)
        after = transpiled_counts(circuit, language.both)
        depth = depth_of(ops, language.qubits)
        found.append(Circuit(record, tuple(ops), tuple(angles), value, count_two(ops), depth, *after))
    return found


def gates_of(source: Source, circuit: Circuit) -> list[tuple[str, tuple[int, ...], float | None]]:
    """Return all gates from |0..0> on: name, qubits (control first), radians (None where it does not turn)."""
    ops = with_start(circuit.ops, source.energy.language)
    turned = radians_of(ops, circuit.angles)
    return [(op.gate, op.qubits, angle) for op, angle in zip(ops, turned, strict=True)]


def facts_of(source: Source, circuit: Circuit) -> dict[str, Any]:
    """Return what a program reads of one circuit, as JSON values; the Hamiltonian as its checksum."""
    record = circuit.record
    error = None if source.ground is None else circuit.energy - source.ground
    return {
        "id": record.id,
        "value": record.value if math.isfinite(record.value) else None,
        "problem": source.name,
        "design": " ; ".join(line_of(op) for op in circuit.ops),
        "qiskit_energy": circuit.energy,
        "error": error,
        "cx": circuit.cx,
        "depth": circuit.depth,
        "cx_transpiled": circuit.cx_transpiled,
        "depth_transpiled": circuit.depth_transpiled,
        "run": record.metadata.get("run"),
        "seed": record.metadata.get("seed"),
        "qubit_order": ORDER,
        "hamiltonian_sha256": source.checksum,
        "versions": versions(),
        "metadata": dict(record.metadata),
    }


def lines_of(source: Source, circuit: Circuit, *, terms: bool, elsewhere: str = "") -> list[str]:
    """Return what a person reads of one circuit: lines of printable ASCII, whatever names hold.

    Args:
        source, circuit: what is written.
        terms: whether the Hamiltonian's terms follow, a line each: coefficient, then label.
        elsewhere: where they are if not.
    """
    language, facts = source.energy.language, facts_of(source, circuit)
    after = f"{facts['cx_transpiled']} CX, depth {facts['depth_transpiled']}"
    known = facts["error"] is not None
    lines = [
        f"circuit: {facts['id']}",
        f"problem: {source.name}{f', {source.title}' if source.title else ''}",
        f"design: {facts['design']}",
        f"start: {' '.join(f'x {q}' for q in start_of(language)) or 'all qubits in |0>'}",
        f"order of qubits: {ORDER}",
        f"{'minus the fidelity' if source.target else 'energy'}: {circuit.energy!r}, recomputed by Qiskit",
        f"error: {facts['error']!r} above the ground energy {source.ground!r}" if known else "error: not known",
        f"gates: {facts['cx']} CX, depth {facts['depth']}",
        f"gates after transpiling to rz sx x cx at level 3 for the run's coupling map: {after}",
        f"run: {'not known' if facts['run'] is None else facts['run']}",
        f"seed: {'not known' if facts['seed'] is None else facts['seed']}",
        f"versions: {', '.join(f'{name} {number}' for name, number in facts['versions'].items())}",
        f"target: {len(source.target)} amplitudes, SHA-256 {facts['hamiltonian_sha256']}"
        if source.target
        else f"Hamiltonian: {len(source.terms)} terms, SHA-256 {facts['hamiltonian_sha256']}",
    ]
    if terms and source.target:
        lines += [f"  {real!r} {imaginary!r}" for real, imaginary in source.target]
    elif terms:
        lines += [f"  {coefficient!r} {label}" for label, coefficient in source.terms]
    elif elsewhere:
        lines.append(f"  written out {elsewhere}")
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """Return a text on one line of printable ASCII: no name ends a comment, or what it stands in."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)


@lru_cache(maxsize=8)
def checksum_of(terms: tuple[tuple[str, float], ...]) -> str:
    """Return the SHA-256 of a Hamiltonian: of its terms, those of equal labels added up, sorted by label, as JSON."""
    whole: dict[str, float] = {}
    for label, coefficient in terms:
        whole[label] = whole.get(label, 0.0) + coefficient
    text = json.dumps(sorted(whole.items()), separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def versions() -> Mapping[str, str]:
    """Return the versions of what made a file."""
    found = {"python": platform.python_version()}
    for package in ("poets", "qiskit"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def as_json(value: object) -> str:
    """Return JSON in ASCII, sorted by key.

    Raises:
        InvalidDesign: metadata that JSON does not hold, as NaN.
    """
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidDesign(f"Expected metadata of JSON values alone, got {error}. Leave them out.") from error
