"""States and density matrices of single circuits, against Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, Kraus, SparsePauliOp, Statevector

from domains.quantum.circuit import FREE, Op
from domains.quantum.dense import noisy_energy, radians_of, state_of
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.verify import to_qiskit
from tests.domains.quantum.circuits import FIXED, FREELY, circuits_of

TERMS = PauliSum((("ZZII", 0.7), ("XXYY", 0.4), ("IXXI", -0.6), ("ZIIX", 0.3), ("IYYZ", 0.2), ("IIII", -1.5)))
PAULIS = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1.0, -1.0])]


@settings(max_examples=60, deadline=None)
@given(circuits_of(FIXED))
def test_states_are_qiskits(ops: list[Op]) -> None:
    wanted = Statevector(to_qiskit(ops, 4)).data
    np.testing.assert_allclose(state_of(ops, (), 4), wanted, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(circuits_of(FREELY))
def test_free_angles_and_a_start_state(ops: list[Op]) -> None:
    angles = list(np.random.default_rng(len(ops)).uniform(-3, 3, sum(op.angle == FREE for op in ops)))
    circuit = QuantumCircuit(4)
    circuit.x([0, 3])
    wanted = Statevector(circuit.compose(to_qiskit(ops, 4, angles))).data
    np.testing.assert_allclose(state_of(ops, angles, 4, (0, 3)), wanted, atol=1e-12)


def _depolarising(p: float, qubits: int) -> Kraus:
    words = [np.eye(1)]
    for _ in range(qubits):
        words = [np.kron(w, q) for w in words for q in PAULIS]
    weights = [1 - p + p / len(words), *[p / len(words)] * (len(words) - 1)]
    return Kraus([np.sqrt(w) * m for w, m in zip(weights, words, strict=True)])


@settings(max_examples=12, deadline=None)
@given(circuits_of(FIXED))
def test_noisy_energies_are_qiskits(ops: list[Op]) -> None:
    rho = DensityMatrix.from_label("0101")
    for op in ops:
        gate = to_qiskit([op], 4)
        rho = rho.evolve(gate)
        p = 0.02 if len(op.qubits) == 2 else 0.003
        rho = rho.evolve(_depolarising(p, len(op.qubits)), list(op.qubits))
    wanted = rho.expectation_value(SparsePauliOp.from_list(list(TERMS.terms))).real
    assert noisy_energy(ops, (), TERMS, (0, 2), 0.02, 0.003) == pytest.approx(wanted, abs=1e-10)


def test_without_noise_it_is_the_energy_and_with_all_of_it_the_mean() -> None:
    ops = [Op("h", (0,)), Op("cx", (0, 1)), Op("cx", (2, 3)), Op("ry", (2,), 5)]
    psi = state_of(ops, (), 4)
    assert noisy_energy(ops, (), TERMS, (), 0, 0) == pytest.approx(TERMS.energies(psi[None])[0], abs=1e-12)
    assert noisy_energy(ops, (), TERMS, (), 1, 1) == pytest.approx(-1.5, abs=1e-12)


def test_angles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one angle per free gate"):
        radians_of([Op("ry", (0,), FREE)], ())
