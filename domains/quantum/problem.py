"""What the circuit problems have in common: text, grammar, edits, drawings, exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from domains.quantum.angles import minimise, optimise_angles
from domains.quantum.circuit import FREE, Language, Op, canonical, count_two, depth_of, parse, text_of
from domains.quantum.circuit_prior import draw_circuit
from domains.quantum.drawing import circuit_svg
from domains.quantum.edits import edit_circuits
from domains.quantum.export import read_csv, read_qasm, write_csv, write_qasm
from domains.quantum.grammar import GrammarMask, grammar_mask
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.simulator import Batch
from poets_core.errors import InvalidDesign, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.protocols import Oracle
from poets_core.types import Artifact, Design, ProblemInfo, Record, Vocabulary

EXPORT_FORMATS = ("qasm3", "csv")
IDLE_SHARE = 1 / 200


class CircuitProblem:
    """Circuits of one language, scored by the energy of one Hamiltonian.

    A concrete problem adds its oracle and what is public about it.

    Attributes:
        info, prompts, oracle: see `poets_core.protocols.Problem`.
        language: the circuits allowed.
        hamiltonian: the energy.
        iterations: gradient evaluations of the angle optimiser; 0 where angles are levels.
    """

    def __init__(
        self, info: ProblemInfo, prompts: tuple[str, ...], oracle: Oracle, language: Language, hamiltonian: PauliSum,
        iterations: int,
    ) -> None:  # fmt: skip
        """Keep the parts."""
        self.info, self.prompts, self.oracle = info, prompts, oracle
        self.language, self.hamiltonian, self.iterations = language, hamiltonian, iterations

    def ops(self, design: Design) -> list[Op]:
        """Return the canonical gates of a design.

        Raises:
            InvalidDesign: it is not one of this problem.
        """
        return canonical(parse(design, self.language), self.language)

    def decode(self, text: str) -> Design:
        """Parse words, or calls like ``qc.ry(0.3, 2)``, into the canonical circuit.

        Raises:
            InvalidDesign: names the first gate that is wrong.
        """
        return text_of(self.ops(text))

    def encode(self, design: Design) -> str:
        """Return the words of a circuit, separated by single spaces."""
        return " ".join(design.split())

    def mask(self, vocabulary: Vocabulary) -> GrammarMask | None:
        """Return the grammar over the tokens, None if a word of the language is not a token."""
        return grammar_mask(self.language, vocabulary)

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n circuits, each one edit or crossover away from an elite."""
        return edit_circuits(elites, n, self.language, rng=rng)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n texts drawn from the prior over circuits; where angles are levels, one in 200 is idle.

        Only the idle circuit holds ``a0``, and a vocabulary made of these texts should know every word.
        """
        idle = (rng.random(n) < IDLE_SHARE) & (not self.language.free)
        return [self.encode("rz 0 a0" if i else text_of(draw_circuit(self.language, rng))) for i in idle]

    def angles(self, design: Design, details: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the free angles of a design, from its details or else by optimising again.

        Args:
            design: canonical circuit.
            details: details of its evaluation, or a record's metadata that holds them.

        Raises:
            InvalidDesign: the details hold angles that do not fit the circuit.
        """
        ops = self.ops(design)
        free = sum(op.angle == FREE for op in ops)
        inner = details.get("details", details)
        stored = inner.get("angles") if isinstance(inner, Mapping) else None
        if stored is None:
            found = optimise_angles([ops], self.hamiltonian, steps=self.language.max_ops, iterations=self.iterations)
            return found.angles[0]
        if not isinstance(stored, list | tuple) or len(stored) != free:
            raise InvalidDesign(f"Expected {free} angles, one per a* of the circuit, got {str(stored)[:60]}.")
        if not all(isinstance(a, int | float) and np.isfinite(a) for a in stored):
            raise InvalidDesign(f"Expected finite angles in radians, got {str(stored)[:60]}.")
        return tuple(float(a) for a in stored)

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Draw the circuit: an SVG, Qiskit's text drawing, and its details as JSON."""
        from domains.quantum.verify import to_qiskit

        ops = self.ops(design)
        angles = self.angles(design, details)
        svg = circuit_svg(ops, self.language.qubits, angles)
        drawing = str(to_qiskit(ops, self.language.qubits, angles).draw("text", fold=120))
        return [
            Artifact("circuit.svg", "image/svg+xml", svg.encode()),
            Artifact("circuit.txt", "text/plain", drawing.encode()),
            Artifact("details.json", "application/json", json.dumps(dict(details), sort_keys=True).encode()),
        ]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as ``"qasm3"`` (one file; a zip of files for several) or ``"csv"``.

        Qiskit recomputes the energy of every circuit that is written.

        Raises:
            InvalidSpec: unknown format.
            InvalidDesign: a design or its angles do not fit, or Qiskit disagrees with its energy.
        """
        if format not in EXPORT_FORMATS:
            raise InvalidSpec(f"Expected an export format, one of {EXPORT_FORMATS}, got {format!r}.")
        return write_qasm(self, records) if format == "qasm3" else write_csv(self, records)

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote, or a foreign OpenQASM 3 file of this language.

        Raises:
            InvalidSpec: unknown format.
            InvalidDesign: the data break a rule for untrusted input, or hold no circuit of this problem.
        """
        if format not in EXPORT_FORMATS:
            raise InvalidSpec(f"Expected an export format, one of {EXPORT_FORMATS}, got {format!r}.")
        return read_qasm(self, data) if format == "qasm3" else read_csv(self, data)


def counts(ops: list[Op], qubits: int) -> dict[str, int]:
    """Return gate counts for an evaluation's details: n_cx, n_ops, depth."""
    return {"n_cx": count_two(ops), "n_ops": len(ops), "depth": depth_of(ops, qubits)}


def readable(designs: Sequence[Design], language: Language) -> tuple[list[list[Op]], list[int], list[str]]:
    """Parse what can be parsed: circuits, their positions, and a reason per design (``""`` where fine)."""
    circuits: list[list[Op]] = []
    where: list[int] = []
    reasons: list[str] = []
    for k, design in enumerate(designs):
        try:
            circuits.append(canonical(parse(design, language), language))
            where.append(k)
            reasons.append("")
        except InvalidDesign as error:
            reasons.append(str(error))
    return circuits, where, reasons


@lru_cache(maxsize=8)
def best_product_energy(hamiltonian: PauliSum, starts: int = 32) -> float:
    """Return the lowest energy of a product state found from several starts.

    An upper bound of the true minimum that is reached in practice: each qubit
    is turned by ry, then rz, and all angles are optimised together.
    """
    circuit = [Op(axis, (q,), FREE) for axis in ("ry", "rz") for q in range(hamiltonian.qubits)]
    batch = Batch([circuit] * starts, hamiltonian.qubits, len(circuit))
    first = rng_for(0, "product states").uniform(-np.pi, np.pi, (starts, len(circuit)))
    best = minimise(lambda x: batch.value_and_gradient(hamiltonian, x), first, 150)
    return float(batch.energies(hamiltonian, best).min())
