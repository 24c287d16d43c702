"""What the circuit problems have in common: text, grammar, edits, drawings, exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.palette import ON_WHITE
from domains.quantum.circuit import Language, Op, count_two, depth_of, text_of
from domains.quantum.circuit_prior import draw_circuit
from domains.quantum.drawing import circuit_svg
from domains.quantum.dressing import read_circuit
from domains.quantum.edits import edit_circuits
from domains.quantum.energy import CircuitEnergy
from domains.quantum.export import FORMATS
from domains.quantum.export import read as read_file
from domains.quantum.export import write as write_file
from domains.quantum.files.facts import Source
from domains.quantum.files.start import with_start
from domains.quantum.grammar import GrammarMask, PairMask, grammar_mask
from poets_core.errors import InvalidDesign
from poets_core.protocols import Oracle
from poets_core.types import Artifact, Design, Given, ProblemInfo, Record, Vocabulary

EXPORT_FORMATS = FORMATS
IDLE_SHARE = 1 / 200


class CircuitProblem:
    """Circuits of one language, scored by the energy of one Hamiltonian.

    A concrete problem adds its oracle and what is public about it.

    Attributes:
        info, prompts, oracle, given: see `poets_core.protocols.Problem`.
        energy: the circuits allowed, and the energy they are judged by.
    """

    def __init__(self, info: ProblemInfo, prompts: tuple[str, ...], oracle: Oracle, energy: CircuitEnergy) -> None:
        """Keep the parts."""
        self.info, self.prompts, self.oracle, self.energy = info, prompts, oracle, energy
        self.given: tuple[Given, ...] = ()
        self.report: dict[str, Any] = {}
        self.language, self.hamiltonian = energy.language, energy.hamiltonian

    def decode(self, text: str) -> Design:
        """Parse words, or calls like ``qc.ry(0.3, 2)``, into the canonical circuit.

        Raises:
            InvalidDesign: names the first gate that is wrong.
        """
        return self.energy.decode(text)

    def encode(self, design: Design) -> str:
        """Return the words of a circuit, separated by single spaces."""
        return self.energy.encode(design)

    def mask(self, vocabulary: Vocabulary) -> GrammarMask | PairMask | None:
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

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Draw the circuit: an SVG, Qiskit's text drawing, and its details as JSON."""
        from domains.quantum.verify import to_qiskit  # Qiskit takes seconds to import, and a search never needs it

        ops, angles = self.energy.ops(design), self.energy.angles(design, details)
        svg = circuit_svg(ops, ON_WHITE, self.language.qubits, angles, start=self.language.start)
        drawing = str(to_qiskit(with_start(ops, self.language), self.language.qubits, angles).draw("text", fold=120))
        return [
            Artifact("circuit.svg", "image/svg+xml", svg.encode()),
            Artifact("circuit.txt", "text/plain", drawing.encode()),
            Artifact("details.json", "application/json", json.dumps(dict(details), sort_keys=True).encode()),
        ]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records in one of `export.FORMATS`; Qiskit recomputes the energy of every circuit that is written.

        Raises:
            InvalidSpec: unknown format.
            InvalidDesign: a design or its angles do not fit, or Qiskit disagrees with its energy.
        """
        return write_file(self._source(), records, format)

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote, or a foreign OpenQASM 3 file of this language.

        Raises:
            InvalidSpec: unknown format, or one that is written alone: QPY and Python are never read.
            InvalidDesign: the data break a rule for untrusted input, or hold no circuit of this problem.
        """
        return read_file(self._source(), data, format)

    def _source(self) -> Source:
        ground = self.info.facts.get("ground_energy")
        return Source(self.energy, self.info.name, self.info.title, None if ground is None else float(ground))


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
            circuits.append(read_circuit(design, language))
            where.append(k)
            reasons.append("")
        except InvalidDesign as error:
            reasons.append(str(error))
    return circuits, where, reasons
