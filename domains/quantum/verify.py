"""Qiskit as the second opinion: energies recomputed by an independent path.

Nothing of the compiled simulator is used here, not even its Pauli sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.packages import needed_for
from domains.quantum.circuit import FREE, Op, radians_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.entries import INSTALL
from domains.quantum.files.start import with_start
from domains.quantum.hamiltonian import PauliSum
from poets_core.errors import InvalidDesign
from poets_core.types import Design

with needed_for("drawing, exporting and checking circuits", INSTALL):
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
TOLERANCE = 1e-9
"""How far Qiskit may be from an energy that was stored as JSON."""


def to_qiskit(ops: Sequence[Op], qubits: int, angles: Sequence[float] = ()) -> QuantumCircuit:
    """Build a Qiskit circuit.

    Args:
        ops: gates.
        qubits: number of qubits.
        angles: radians of the free angles, in gate order.

    Raises:
        InvalidDesign: not one angle per free gate.
    """
    free = sum(op.angle == FREE for op in ops)
    if free != len(angles):
        raise InvalidDesign(f"Expected {free} angles, one per a* of the circuit, got {len(angles)}.")
    circuit = QuantumCircuit(qubits)
    for op, angle in zip(ops, radians_of(ops, angles), strict=True):
        # op.gate is one of the language's ten words.
        getattr(circuit, op.gate)(*(() if angle is None else (angle,)), *op.qubits)
    return circuit


def circuit_energy(circuit: QuantumCircuit, terms: Sequence[tuple[str, float]]) -> float:
    """Return <psi|H|psi> of a Qiskit circuit from |0..0>."""
    return float(np.real(Statevector(circuit).expectation_value(SparsePauliOp.from_list(list(terms)))))


def circuit_value(circuit: QuantumCircuit, energy: CircuitEnergy) -> float:
    """Return what a Qiskit circuit from |0..0> is judged by: its energy, or minus its fidelity with the target.

    Args:
        circuit: the layer of X of a start state included.
        energy: whose observable it is.
    """
    operator = energy.observable.operator
    if isinstance(operator, PauliSum):
        return circuit_energy(circuit, operator.terms)
    # Half of a maximally entangled pair goes through a circuit that is to be a unitary: its state is the matrix.
    size = 2**energy.observable.qubits
    made = Operator(circuit).data.T.ravel() / np.sqrt(size) if energy.observable.idle else Statevector(circuit).data
    return float(operator.weight * abs(np.vdot(operator.vector, made)) ** 2)


def qiskit_energy(energy: CircuitEnergy, design: Design, details: Mapping[str, Any]) -> float:
    """Recompute the energy of a design with Qiskit.

    Args:
        energy: gives the language and the Hamiltonian.
        design: canonical circuit.
        details: details of its evaluation, for its angles; without them they are optimised again.

    Raises:
        InvalidDesign: the design or its angles do not fit the problem.
    """
    ops = energy.ops(design)
    whole = with_start(ops, energy.language)
    circuit = to_qiskit(whole, energy.language.qubits, energy.angles(design, details))
    return circuit_value(circuit, energy)


def confirm(energy: CircuitEnergy, design: Design, details: Mapping[str, Any]) -> float:
    """Recompute an energy with Qiskit and compare it with the stored one, if there is one.

    Raises:
        InvalidDesign: they differ by more than 1e-9.
    """
    confirmed = qiskit_energy(energy, design, details)
    inner = details.get("details", details)
    stored = inner.get("energy") if isinstance(inner, Mapping) else None
    if isinstance(stored, int | float) and not abs(stored - confirmed) <= TOLERANCE:
        raise InvalidDesign(
            f"Expected the stored energy {stored!r} of {design[:60]!r} to be Qiskit's, got {confirmed!r}. "
            "The record was changed, or its angles belong to another circuit; export it from the run again."
        )
    return confirmed
