"""Circuits from anywhere, scored by a problem: energy as written and as said again, gates, and what was read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from domains.brought import Scored
from domains.packages import needed_for
from domains.quantum.circuit import Language, count_two, depth_of, text_of
from domains.quantum.circuit import parse as parse_words
from domains.quantum.door.express import Expressed, express
from domains.quantum.door.foreign import Foreign, fitted, read_circuit_file, rest_of
from domains.quantum.door.modify import qiskit_gate
from domains.quantum.door.others import refuse_other_words
from domains.quantum.door.prescan import decoded
from domains.quantum.door.reader import Reader
from domains.quantum.dressing import read_circuit
from domains.quantum.entries import INSTALL, PROBLEMS
from domains.quantum.files.start import with_start
from domains.quantum.problem import CircuitProblem
from domains.quantum.units import Scale
from poets_core.errors import InvalidDesign
from poets_core.intake.archive import read_zip
from poets_core.keyed import rng_for

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

TOLERANCE = 1e-9
MAX_FILES = 500
MOST_TRANSPILED = 1000
"""Gates of a file whose gates after transpiling are counted: more take seconds."""
_QASM = re.compile(r"\b(?:OPENQASM|qreg|qubit|include)\b|\$\d|\[")


def score_files(files: Sequence[tuple[str, bytes]], problem: CircuitProblem) -> list[Scored]:
    """Score circuits by a problem; one that cannot be read says why, and the others go on.

    Args:
        files: (name, bytes): OpenQASM 2 or 3, words of the grammar, or a zip of such files.
        problem: whose Hamiltonian and language hold.
    """
    found = []
    with Reader() as reader:
        for name, data in files:
            try:
                texts = _texts(name, data)
            except InvalidDesign as error:
                found.append(Scored(name, error=str(error)))
                continue
            for inner, text in texts:
                try:
                    facts = score(text, problem, reader=reader)
                    found.append(Scored(inner, lines_of(facts), facts))
                except InvalidDesign as error:
                    found.append(Scored(inner, error=advised(str(error), problem)))
    return found


def _texts(name: str, data: bytes) -> list[tuple[str, str]]:
    if not data.startswith(b"PK"):
        return [(name, decoded(data))]

    def refuse(message: str) -> InvalidDesign:
        return InvalidDesign(f"Expected a zip of OpenQASM files. {message}")

    members = read_zip(data, files=MAX_FILES, each=1 << 16, total=8 << 20, refuse=refuse)
    return [(f"{name}:{inner}", decoded(text)) for inner, text in members]


def score(text: str, problem: CircuitProblem, *, reader: Reader | None = None) -> dict[str, Any]:
    """Read a circuit, say it again in the words of a problem, and compute its energy both ways.

    The energy of OpenQASM is given even where the problem has no words for the circuit.

    Args:
        text: OpenQASM 2 or 3, or words of the grammar.
        problem: whose Hamiltonian and language hold.
        reader: that reads several texts.

    Returns:
        JSON values: ``dialect``, ``written`` ({qubits, gates, two}), ``notes``, ``design`` (canonical text), ``angles``
        (radians, None where the file leaves some open or they are levels), ``energy`` (at these angles, or None),
        ``error`` (above the exact value, where that is known), ``unit_of_energy`` (of both), ``n_cx`` (of the design),
        ``n_cx_raw`` (before neighbours cancelled), ``n_cx_transpiled`` and ``depth_transpiled`` (of the file as it is,
        for this coupling map, or None), ``n_ops``, ``depth``, ``values`` (objectives, as a run measures the design),
        ``measured`` (what the oracle says of it), ``measured_energy``, which for free angles is that of the optimiser,
        ``refused`` (``""``, or why the problem has no words for the circuit: then all that is said of a design is None
        or empty, and energy, error and the counts of the file are left).

    Raises:
        InvalidDesign: it cannot be read, or neither simulated nor said again; names gate and line.
    """
    if _QASM.search(text):
        return _foreign(text, problem, reader)
    said, written = _words(text, problem.language)
    measured = _measured(text_of(list(said.ops)), problem)
    energy = None if said.angles is None else energy_of(said, problem)
    known = _known(energy, None, problem)
    return {"dialect": "words", "written": written, "notes": [], **known, **_facts(said, problem), **measured}


def _foreign(text: str, problem: CircuitProblem, reader: Reader | None) -> dict[str, Any]:
    """Score OpenQASM, see `score`."""
    from domains.quantum.files.transpiled import transpiled_counts
    from domains.quantum.verify import circuit_value

    language = problem.language
    before: float | None = None
    after: tuple[int, int] | None = None
    foreign = read_circuit_file(text, reader=reader)
    written = {"qubits": foreign.qubits, "gates": len(foreign.gates), "two": foreign.two}
    foreign = fitted(foreign, language.qubits)
    told = {"dialect": foreign.dialect, "written": written}
    if not foreign.inputs:
        circuit = circuit_as_written(foreign, problem)
        before = circuit_value(circuit, problem.energy)
        after = transpiled_counts(circuit, language.both) if len(foreign.gates) <= MOST_TRANSPILED else None
    try:
        said = express(foreign, language)
        measured = _measured(text_of(list(said.ops)), problem)
    except InvalidDesign as error:
        if before is None:
            raise
        notes = [*foreign.notes, *rest_of(foreign, language.qubits)]
        return {**told, "notes": notes, **_bare(advised(str(error), problem), before, after, problem)}
    # Where rotations are put anew the angles of the file are no design's, and its energy is still the file's.
    energy = before if said.angles is None else energy_of(said, problem)
    if before is not None and energy is not None and not abs(before - energy) <= TOLERANCE:
        raise InvalidDesign(
            f"Expected the same energy before and after the circuit was said in the words of {problem.info.name}, got "
            f"{before!r} and {energy!r}. This is a fault of the program: please report the file."
        )
    known = _known(energy, after, problem)
    return {**told, "notes": list(said.notes), **known, **_facts(said, problem), **measured}


def _known(energy: float | None, after: tuple[int, int] | None, problem: CircuitProblem) -> dict[str, Any]:
    """Return what `score` says of a circuit in whatever words."""
    facts = problem.info.facts
    ground = facts.get("ground_energy")
    return {
        "energy": energy,
        "unit_of_energy": str(facts.get("unit_of_energy", "")),
        "error": energy - ground if energy is not None and isinstance(ground, int | float) else None,
        "n_cx_transpiled": after[0] if after else None,
        "depth_transpiled": after[1] if after else None,
        "refused": "",
    }


def _facts(said: Expressed, problem: CircuitProblem) -> dict[str, Any]:
    """Return what `score` says of a circuit in the words of a problem."""
    language, ops = problem.language, list(said.ops)
    return {
        "design": text_of(ops),
        "angles": list(said.angles) if language.free and said.angles is not None else None,
        "n_cx": count_two(ops),
        "n_cx_raw": said.raw,
        "n_ops": len(ops),
        "depth": depth_of(ops, language.qubits),
    }


def _bare(refused: str, energy: float, after: tuple[int, int] | None, problem: CircuitProblem) -> dict[str, Any]:
    """Return what `score` says of a circuit that a problem has no words for."""
    nothing = dict.fromkeys(("design", "angles", "n_cx", "n_cx_raw", "n_ops", "depth", "measured_energy"))
    return {**_known(energy, after, problem), **nothing, "values": {}, "measured": {}, "refused": refused}


def _words(text: str, language: Language) -> tuple[Expressed, dict[str, int]]:
    refuse_other_words(text)
    ops = parse_words(text, language)
    made = read_circuit(text, language)
    written = {"qubits": language.qubits, "gates": len(ops), "two": count_two(ops)}
    return Expressed(tuple(made), None if language.free else (), (), count_two(ops)), written


def _measured(design: str, problem: CircuitProblem) -> dict[str, Any]:
    answer = problem.oracle.evaluate([design], [0], rng=rng_for(0, "score"))
    if not answer.valid[0]:
        raise InvalidDesign(answer.reason[0])
    details: Mapping[str, Any] = answer.details[0] if answer.details else {}
    values = {o.name: float(v) for o, v in zip(problem.info.objectives, answer.values[0], strict=True)}
    return {"values": values, "measured": dict(details), "measured_energy": details.get("energy")}


def circuit_as_written(foreign: Foreign, problem: CircuitProblem) -> QuantumCircuit:
    """Return a foreign circuit of Qiskit's own gates, nothing of the grammar used.

    Qubits of the problem that the file has not begin and stay in |0>.
    """
    with needed_for("scoring circuits", INSTALL):
        from qiskit import QuantumCircuit
        from qiskit.circuit import library

    circuit = QuantumCircuit(problem.language.qubits)
    for gate in foreign.gates:
        circuit.append(qiskit_gate(library, gate.name, gate.params), gate.qubits)
    return circuit


def energy_of(said: Expressed, problem: CircuitProblem) -> float:
    """Return the energy of a circuit in the words of the problem, from where its qubits begin."""
    from domains.quantum.verify import circuit_value, to_qiskit

    circuit = to_qiskit(with_start(said.ops, problem.language), problem.language.qubits, said.angles or ())
    return circuit_value(circuit, problem.energy)


def lines_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `score` found, in lines for people."""
    written = facts["written"]
    lines = [
        f"read: {facts['dialect']}, {written['qubits']} qubits, {written['gates']} gates, "
        f"{written['two']} on two or more",
        *(f"note: {note}" for note in facts["notes"]),
    ]
    if facts["energy"] is not None:
        error = "" if facts["error"] is None else f", {Scale.of(facts).said(facts['error'])} above the exact value"
        lines.append(f"energy: {facts['energy']:.12g}{error}")
    if facts["n_cx"] is not None:
        lines.append(_counted(facts))
    if facts["n_cx_transpiled"] is not None:
        counts = f"{facts['n_cx_transpiled']} CX, depth {facts['depth_transpiled']}"
        lines.append(f"after transpiling to rz sx x cx at level 3, for this coupling map: {counts}")
    for name, value in facts["values"].items():
        after = facts["measured_energy"]
        shown = after is not None and (
            facts["energy"] is None or not np.isclose(after, facts["energy"], atol=TOLERANCE)
        )
        lines.append(f"{name}: {value:.6g}{f' (energy {after:.12g} with optimised angles)' if shown else ''}")
    if facts["design"] is None:
        lines.append(f"note: no search of this problem can start from it. {facts['refused']}")
    else:
        lines.append(f"design: {' ; '.join(facts['design'].splitlines())}")
    return tuple(lines)


def _counted(facts: Mapping[str, Any]) -> str:
    raw = "" if facts["n_cx_raw"] == facts["n_cx"] else f" ({facts['n_cx_raw']} before neighbours cancelled)"
    return f"gates: {facts['n_cx']} CX{raw}, {facts['n_ops']} in all, depth {facts['depth']}"


def advised(message: str, problem: CircuitProblem) -> str:
    """Name the parameter to raise where a circuit is too long for a problem."""
    entry = next((e for e in PROBLEMS if e.name == problem.info.name), None)
    names = [p.name for p in entry.parameters] if entry else []
    for words, name in (("limit of CX", "max_cx"), ("limit of gates", "max_ops"), ("limit of gates", "max_cx")):
        if words in message and name in names:
            return f"{message} The parameter is problem.params.{name}, now {problem.info.facts.get(name)}."
    return message
