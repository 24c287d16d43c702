"""The circuits of one language and the energy of one Hamiltonian: what problem, exports and Qiskit's check share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Language, Op, text_of
from domains.quantum.dressing import read_circuit, skeleton
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable
from poets_core.errors import InvalidDesign
from poets_core.types import Design


@dataclass(frozen=True)
class CircuitEnergy:
    """Which circuits there are, and which energy they are judged by.

    Attributes:
        language: the circuits allowed.
        observable: the energy, or minus the fidelity; and where circuits begin.
        iterations: gradient evaluations of the angle optimiser from each start; 0 where angles are levels.
        starts: of the angle optimiser.
    """

    language: Language
    observable: Observable
    iterations: int
    starts: int = 1

    @property
    def hamiltonian(self) -> PauliSum | None:
        """The Hamiltonian, None where circuits are judged by a fidelity."""
        operator = self.observable.operator
        return operator if isinstance(operator, PauliSum) else None

    def ops(self, design: Design) -> list[Op]:
        """Return the canonical gates of a design.

        Raises:
            InvalidDesign: it is not one of this language.
        """
        return read_circuit(design, self.language)

    def decode(self, text: str) -> Design:
        """Parse words, or calls like ``qc.ry(0.3, 2)``, into the canonical circuit.

        Raises:
            InvalidDesign: names the first gate that is wrong.
        """
        return text_of(self.ops(text))

    def encode(self, design: Design) -> str:
        """Return the words that a circuit is written in, separated by single spaces."""
        if self.language.dressing:
            return " ".join("-".join(map(str, op.qubits)) for op in skeleton(self.ops(design)))
        return " ".join(design.split())

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
            found = optimise_angles([ops], self.observable, iterations=self.iterations, starts=self.starts)
            return found.angles[0]
        if not isinstance(stored, list | tuple) or len(stored) != free:
            raise InvalidDesign(f"Expected {free} angles, one per a* of the circuit, got {str(stored)[:60]}.")
        if not all(isinstance(a, int | float) and np.isfinite(a) for a in stored):
            raise InvalidDesign(f"Expected finite angles in radians, got {str(stored)[:60]}.")
        return tuple(float(a) for a in stored)
