"""Simulator, Hamiltonians and gradients against Qiskit, finite differences and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import minimize

from domains.quantum.angles import minimise, optimise_angles
from domains.quantum.circuit import FREE, Language, Op, full_coupling, line_coupling, parse
from domains.quantum.circuit_prior import draw_circuit
from domains.quantum.hamiltonian import ARTIFICIAL_7Q, PauliSum, transverse_ising
from domains.quantum.problem import best_product_energy
from domains.quantum.simulator import Batch, energies_of
from poets_core.errors import InvalidSpec
from tests.domains.quantum.circuits import FIXED, circuits_of

MIXED = PauliSum((("XYZI", 0.3), ("IZZY", -1.2), ("YYXX", 0.7), ("IIIZ", 1.1), ("XIII", -0.4), ("IIII", 0.25)))
FREE6 = Language(6, line_coupling(6), free=True, max_ops=36, max_two=10)


@settings(max_examples=80, deadline=None)
@given(circuits_of(FIXED))
def test_states_and_energies_are_those_of_qiskit(ops: list[Op]) -> None:
    from qiskit.quantum_info import Statevector

    from domains.quantum.verify import circuit_energy, to_qiskit

    circuit = to_qiskit(ops, 4)
    np.testing.assert_allclose(Batch([ops], 4, 14).states()[0], Statevector(circuit).data, atol=1e-12)
    assert energies_of([ops], MIXED, 14)[0] == pytest.approx(circuit_energy(circuit, MIXED.terms), abs=1e-12)


@pytest.mark.parametrize("qubits", [1, 3, 7, 10])
def test_larger_and_smaller_registers_agree_with_qiskit(qubits: int) -> None:
    from domains.quantum.verify import circuit_energy, to_qiskit

    rng = np.random.default_rng(qubits)
    language = Language(qubits, full_coupling(qubits), free=False, max_ops=30, max_two=15)
    hamiltonian = transverse_ising(qubits, 0.7, 1.3)
    circuits = [draw_circuit(language, rng) for _ in range(20)]
    wanted = [circuit_energy(to_qiskit(ops, qubits), hamiltonian.terms) for ops in circuits]
    np.testing.assert_allclose(energies_of(circuits, hamiltonian, 30), wanted, atol=1e-12)


def test_labels_are_little_endian() -> None:
    """The rightmost letter acts on qubit 0."""
    flipped = [[Op("x", (0,))]]
    assert energies_of(flipped, PauliSum((("IIZ", 1.0),)), 1)[0] == -1
    assert energies_of(flipped, PauliSum((("ZII", 1.0),)), 1)[0] == 1


@pytest.mark.parametrize("hamiltonian", [MIXED, ARTIFICIAL_7Q, transverse_ising(5)])
def test_matrix_is_that_of_qiskit(hamiltonian: PauliSum) -> None:
    from qiskit.quantum_info import SparsePauliOp

    matrix = SparsePauliOp.from_list(list(hamiltonian.terms)).to_matrix()
    np.testing.assert_allclose(hamiltonian.matrix(), matrix, atol=1e-14)


@pytest.mark.parametrize(
    ("hamiltonian", "energy"),
    [
        (ARTIFICIAL_7Q, -6.920810),
        (transverse_ising(4), -4.758770483),
        (transverse_ising(6), -7.296229811),
        (transverse_ising(8), -9.837951447),
        (transverse_ising(10), -12.381490),
    ],
)
def test_ground_energies_are_the_published_ones(hamiltonian: PauliSum, energy: float) -> None:
    assert hamiltonian.ground_energy() == pytest.approx(energy, abs=6e-7)


def test_open_chain_matches_its_free_fermion_energy() -> None:
    """E0 = -sum of the singular values of the bidiagonal matrix (Pfeuty 1970)."""
    bidiagonal = np.eye(6) + np.eye(6, k=1)
    assert transverse_ising(6).ground_energy() == pytest.approx(-np.linalg.svd(bidiagonal)[1].sum(), abs=1e-10)


def test_product_bounds() -> None:
    assert best_product_energy(ARTIFICIAL_7Q) == pytest.approx(-5.9208, abs=1e-4)
    # The chain's best product state, by a search over real single-qubit angles that shares no code.
    angle = np.linspace(0, np.pi / 2, 721)
    z, x = np.sin(angle), np.cos(angle)

    def energy(p: np.ndarray) -> float:
        return float(-(np.sin(p[:-1]) * np.sin(p[1:])).sum() - np.cos(p).sum())

    assert z.max() == x.max() == 1
    best = minimize(
        energy, np.full(6, 0.5), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9999}
    )
    assert best_product_energy(transverse_ising(6)) == pytest.approx(best.fun, abs=1e-7)


def test_bad_hamiltonians_are_refused() -> None:
    for terms in ((), (("XQ", 1.0),), (("XX", 1.0), ("X", 1.0)), (("X" * 11, 1.0),), (("X", float("nan")),)):
        with pytest.raises(InvalidSpec):
            PauliSum(terms)


def test_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(5)
    hamiltonian = transverse_ising(6)
    circuits = [draw_circuit(FREE6, rng) for _ in range(12)]
    batch = Batch(circuits, 6, 36)
    angles = rng.uniform(-3, 3, (12, 36))
    value, gradient = batch.value_and_gradient(hamiltonian, angles)
    np.testing.assert_array_equal(value, batch.energies(hamiltonian, angles))
    for k in range(36):
        step = np.zeros((12, 36))
        step[:, k] = 1e-5
        change = batch.energies(hamiltonian, angles + step) - batch.energies(hamiltonian, angles - step)
        np.testing.assert_allclose(gradient[:, k], change / 2e-5, atol=1e-8)
    assert (gradient[~batch.free] == 0).all()
    assert (abs(gradient[batch.free]) > 1e-3).mean() > 0.3


def test_a_circuit_is_scored_the_same_alone_and_in_any_batch() -> None:
    rng = np.random.default_rng(6)
    hamiltonian = transverse_ising(6)
    circuits = [draw_circuit(FREE6, rng) for _ in range(40)]
    together = optimise_angles(circuits, hamiltonian, steps=36, iterations=40)
    back = optimise_angles(circuits[::-1], hamiltonian, steps=36, iterations=40)
    for k in (0, 7, 33):
        alone = optimise_angles([circuits[k]], hamiltonian, steps=36, iterations=40)
        assert alone.energies[0] == together.energies[k] == back.energies[39 - k]
        assert alone.angles[0] == together.angles[k]


def test_optimiser_reaches_what_scipy_reaches() -> None:
    rng = np.random.default_rng(7)
    hamiltonian = transverse_ising(6)
    text = " ".join([*(f"ry {q} a*" for q in range(6)), *(f"cx {q} {q + 1} ry {q} a* ry {q + 1} a*" for q in range(5))])
    ops = parse(text, FREE6)
    batch = Batch([ops] * 12, 6, 36)
    start = np.where(batch.free, rng.uniform(-np.pi, np.pi, (12, 36)), 0.0)
    ours = batch.energies(hamiltonian, minimise(lambda x: batch.value_and_gradient(hamiltonian, x), start, 150))
    one = Batch([ops], 6, 36)

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = one.value_and_gradient(hamiltonian, x[None])
        return float(value[0]), gradient[0]

    theirs = [minimize(function, row, jac=True, method="L-BFGS-B", options={"maxfun": 150}).fun for row in start]
    # Local minima differ from row to row, so the best and the middle are compared.
    assert ours.min() == pytest.approx(min(theirs), abs=2e-3)
    assert np.median(ours) <= np.median(theirs) + 0.01
    assert ours.min() < -7.2


def test_iterations_help_and_zero_leaves_the_start() -> None:
    hamiltonian = transverse_ising(6)
    circuits = [draw_circuit(FREE6, np.random.default_rng(8)) for _ in range(1)] * 2
    assert any(op.angle == FREE for op in circuits[0])
    energies = [optimise_angles(circuits, hamiltonian, steps=36, iterations=k).energies[0] for k in (0, 5, 40)]
    assert energies[0] > energies[1] > energies[2]
    assert optimise_angles([], hamiltonian, steps=36, iterations=4).energies.shape == (0,)
