"""What circuits are judged by, against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Op
from domains.quantum.hamiltonian import ARTIFICIAL_7Q, PauliSum, transverse_ising
from domains.quantum.observable import Observable, Projector
from domains.quantum.simulator import energies_of, states_of, values_and_gradients
from poets_core.errors import InvalidSpec
from tests.domains.quantum.test_simulator import any_circuit, any_sum, radians


def any_unitary(qubits: int, rng: np.random.Generator) -> np.ndarray:
    size = 2**qubits
    return np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]


def matrix_of(ops: list[Op], qubits: int, angles: tuple[float, ...]) -> np.ndarray:
    from qiskit.quantum_info import Operator

    from domains.quantum.verify import to_qiskit

    return np.asarray(Operator(to_qiskit(ops, qubits, angles)).data)


@pytest.mark.parametrize("qubits", [1, 2, 3, 6])
def test_a_state_is_judged_by_its_fidelity(qubits: int) -> None:
    rng = np.random.default_rng(qubits)
    target = any_unitary(qubits, rng)[:, 0]
    observable = Observable.of_state(target)
    circuits = [any_circuit(qubits, 20, rng) for _ in range(20)]
    angles = radians(circuits, rng)
    states = states_of(circuits, observable, angles)
    np.testing.assert_allclose(
        energies_of(circuits, observable, angles), -(abs(states @ target.conj()) ** 2), atol=1e-13
    )
    assert not observable.real
    assert Observable.of_state(np.ones(2**qubits) / 2 ** (qubits / 2)).real


@pytest.mark.parametrize("qubits", [1, 2, 4, 6])
def test_a_unitary_is_judged_by_its_trace(qubits: int) -> None:
    rng = np.random.default_rng(qubits)
    wanted = any_unitary(qubits, rng)
    observable = Observable.of_unitary(wanted)
    assert (observable.qubits, observable.idle) == (qubits, qubits)
    circuits = [any_circuit(qubits, 20, rng) for _ in range(6)]
    angles = radians(circuits, rng)
    traces = [np.vdot(wanted, matrix_of(ops, qubits, a)) for ops, a in zip(circuits, angles, strict=True)]
    found = energies_of(circuits, observable, angles)
    np.testing.assert_allclose(found, -(np.abs(traces) ** 2) / 4**qubits, atol=1e-13)
    own = Observable.of_unitary(np.exp(0.3j) * matrix_of(circuits[0], qubits, angles[0]))
    assert energies_of(circuits[:1], own, angles[:1])[0] == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize("kind", ["state", "unitary", "energy"])
def test_gradients_of_every_kind_are_those_of_finite_differences(kind: str) -> None:
    rng = np.random.default_rng(3)
    matrix = any_unitary(3, rng)
    made = {"state": Observable.of_state(matrix[0]), "unitary": Observable.of_unitary(matrix)}
    observable = made.get(kind) or Observable.of_energy(any_sum(3, 20, rng), (1,))
    ops = any_circuit(3, 30, rng)
    (angles,) = radians([ops], rng)
    _, (gradient,) = values_and_gradients([ops], observable, [angles])
    for k in range(len(angles)):
        ends = [tuple(a + step * (i == k) for i, a in enumerate(angles)) for step in (-1e-5, 1e-5)]
        below, above = energies_of([ops, ops], observable, ends)
        assert gradient[k] == pytest.approx((above - below) / 2e-5, abs=1e-8)


def test_swap_is_found_from_three_cx() -> None:
    ops = [Op("cx", (0, 1)), Op("ry", (0,), FREE), Op("cx", (1, 0)), Op("rz", (0,), FREE), Op("cx", (0, 1))]
    swap = np.eye(4)[[0, 2, 1, 3]]
    found = optimise_angles([ops], Observable.of_unitary(swap), iterations=60, starts=4)
    assert found.energies[0] == pytest.approx(-1, abs=1e-9)


@pytest.mark.parametrize("bits", [(), (0,), (1, 4), (0, 2, 6)])
def test_circuits_begin_in_the_basis_state_that_is_asked_for(bits: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    ops = any_circuit(7, 30, rng)
    (angles,) = radians([ops], rng)
    prepared = [*(Op("x", (q,)) for q in bits), *ops]
    wanted = energies_of([prepared], Observable.of_energy(ARTIFICIAL_7Q), [angles])
    found = energies_of([ops], Observable.of_energy(ARTIFICIAL_7Q, bits), [angles])
    assert found[0] == pytest.approx(wanted[0], abs=1e-13)


@pytest.mark.parametrize("terms", [3, 40, 300])
@pytest.mark.parametrize("qubits", [1, 2, 3, 5])
def test_bit_flips_give_the_matrix(qubits: int, terms: int) -> None:
    rng = np.random.default_rng(qubits)
    hamiltonian = any_sum(qubits, terms, rng)
    ops = any_circuit(qubits, 20, rng)
    (angles,) = radians([ops], rng)
    observable = Observable.of_energy(hamiltonian)
    state = states_of([ops], observable, [angles])[0]
    wanted = np.vdot(state, hamiltonian.matrix() @ state).real
    assert energies_of([ops], observable, [angles])[0] == pytest.approx(wanted, abs=1e-12)


def test_wrong_observables_are_refused() -> None:
    chain, plus = transverse_ising(3), np.full(4, 0.5 + 0j)
    for make in (
        lambda: Observable.of_energy(chain, (3,)),
        lambda: Observable.of_energy(chain, (-1,)),
        lambda: Observable.of_state(2 * plus),
        lambda: Observable.of_state(np.full(3, 3**-0.5)),
        lambda: Observable.of_state(np.array([np.nan, 0j])),
        lambda: Observable.of_state(np.ones(1)),
        lambda: Observable.of_unitary(np.ones((2, 2))),
        lambda: Observable.of_unitary(np.eye(4)[:3]),
        lambda: Observable.of_unitary(np.eye(3)),
        lambda: Observable.of_unitary(np.eye(2**7)),
        lambda: Observable(2, 0, plus, chain),
        lambda: Observable(1, 1, plus, PauliSum((("Z", 1.0),))),
        lambda: Observable(2, 0, plus, Projector(np.ones(2) / 2**0.5)),
    ):
        with pytest.raises(InvalidSpec, match="Expected"):
            make()
