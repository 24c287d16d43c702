"""Simulator, Hamiltonians, gradients and the optimiser of angles against Qiskit, finite differences and SciPy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import minimize

from domains.quantum.angles import minimised, optimise_angles
from domains.quantum.circuit import FREE, Language, Op, full_coupling, line_coupling
from domains.quantum.circuit_prior import draw_circuit
from domains.quantum.hamiltonian import ARTIFICIAL_7Q, PauliSum, transverse_ising
from domains.quantum.observable import Observable
from domains.quantum.problem import best_product_energy
from domains.quantum.simulator import energies_of, programs_of, states_of, values_and_gradients
from domains.quantum.statevector.gates import CODES, PAIRS, REALS, TURNS
from poets_core.errors import InvalidSpec
from tests.domains.quantum.circuits import FIXED, circuits_of

MIXED = PauliSum((("XYZI", 0.3), ("IZZY", -1.2), ("YYXX", 0.7), ("IIIZ", 1.1), ("XIII", -0.4), ("IIII", 0.25)))
FREE6 = Language(6, line_coupling(6), free=True, max_ops=36, max_two=10)
CHAIN = Observable.of_energy(transverse_ising(6))


def any_circuit(qubits: int, gates: int, rng: np.random.Generator, words: tuple[str, ...] = tuple(CODES)) -> list[Op]:
    """Any gates that can be simulated, angles free."""
    ops = []
    for word in rng.choice(words, gates):
        pair = word in PAIRS
        if pair and qubits == 1:
            continue
        where = tuple(rng.choice(qubits, 1 + pair, replace=False).tolist())
        ops.append(Op(str(word), where, FREE if word in TURNS else -1))
    return ops


def radians(circuits: list[list[Op]], rng: np.random.Generator) -> list[tuple[float, ...]]:
    return [tuple(rng.uniform(-7, 7, sum(op.angle == FREE for op in ops)).tolist()) for ops in circuits]


def any_sum(qubits: int, terms: int, rng: np.random.Generator) -> PauliSum:
    labels = {"".join(rng.choice(list("IXYZ"), qubits)) for _ in range(terms)}
    return PauliSum(tuple((label, float(rng.normal())) for label in sorted(labels)))


@settings(max_examples=80, deadline=None)
@given(circuits_of(FIXED))
def test_states_and_energies_are_those_of_qiskit(ops: list[Op]) -> None:
    from qiskit.quantum_info import Statevector

    from domains.quantum.verify import circuit_energy, to_qiskit

    circuit, observable = to_qiskit(ops, 4), Observable.of_energy(MIXED)
    np.testing.assert_allclose(states_of([ops], observable)[0], Statevector(circuit).data, rtol=0, atol=1e-12)
    assert energies_of([ops], observable)[0] == pytest.approx(circuit_energy(circuit, MIXED.terms), abs=1e-12)


@pytest.mark.parametrize("qubits", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
def test_a_hundred_circuits_of_every_gate_agree_with_qiskit(qubits: int) -> None:
    from qiskit.quantum_info import SparsePauliOp, Statevector

    from domains.quantum.verify import to_qiskit

    rng = np.random.default_rng(qubits)
    hamiltonian = any_sum(qubits, 40, rng)
    circuits = [any_circuit(qubits, 40, rng) for _ in range(100)]
    angles = radians(circuits, rng)
    assert {op.gate for ops in circuits for op in ops} == set(CODES) - (set(PAIRS) if qubits == 1 else set())
    observable, operator = Observable.of_energy(hamiltonian), SparsePauliOp.from_list(list(hamiltonian.terms))
    size = sum(abs(c) for _, c in hamiltonian.terms)
    wanted = [Statevector(to_qiskit(ops, qubits, a)) for ops, a in zip(circuits, angles, strict=True)]
    np.testing.assert_allclose(
        states_of(circuits, observable, angles), [state.data for state in wanted], rtol=0, atol=1e-12
    )
    energies = [state.expectation_value(operator).real for state in wanted]
    np.testing.assert_allclose(energies_of(circuits, observable, angles) / size, np.array(energies) / size, atol=1e-12)


@pytest.mark.parametrize("qubits", [1, 3, 7, 12])
def test_prior_circuits_on_larger_and_smaller_registers_agree_with_qiskit(qubits: int) -> None:
    from domains.quantum.verify import circuit_energy, to_qiskit

    rng = np.random.default_rng(qubits)
    language = Language(qubits, full_coupling(qubits), free=False, max_ops=30, max_two=15)
    hamiltonian = transverse_ising(qubits, 0.7, 1.3)
    circuits = [draw_circuit(language, rng) for _ in range(10)]
    wanted = [circuit_energy(to_qiskit(ops, qubits), hamiltonian.terms) for ops in circuits]
    np.testing.assert_allclose(energies_of(circuits, Observable.of_energy(hamiltonian)), wanted, atol=1e-12)


def test_labels_are_little_endian() -> None:
    """The rightmost letter acts on qubit 0."""
    flipped = [[Op("x", (0,))]]
    assert energies_of(flipped, Observable.of_energy(PauliSum((("IIZ", 1.0),))))[0] == -1
    assert energies_of(flipped, Observable.of_energy(PauliSum((("ZII", 1.0),))))[0] == 1


@pytest.mark.parametrize(
    "op",
    [Op("ccx", (0, 1)), Op("h", (4,)), Op("h", (-1,)), Op("cx", (1, 1)), Op("cx", (1,)), Op("h", (0, 1)),
     Op("ry", (0,)), Op("h", (0,), 3), Op("ry", (0,), 33)],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused(op: Op) -> None:
    with pytest.raises(ValueError, match="Expected"):
        states_of([[Op("h", (0,)), op]], Observable.of_energy(MIXED))


@pytest.mark.parametrize("angles", [None, [(0.1,)], [(0.1, 0.2, 0.3)], [(0.1, float("nan"))], [(0.1, 0.2), ()]])
def test_free_angles_are_wanted_one_for_each(angles: list[tuple[float, ...]] | None) -> None:
    with pytest.raises(ValueError, match="Expected"):
        energies_of([[Op("ry", (0,), FREE), Op("p", (1,), FREE)]], Observable.of_energy(MIXED), angles)


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


def test_twelve_qubits_have_the_energy_of_free_fermions_and_the_state_belongs_to_it() -> None:
    hamiltonian = transverse_ising(12)
    energy, state = hamiltonian.ground()
    bidiagonal = np.eye(12) + np.eye(12, k=1)
    assert energy == pytest.approx(-np.linalg.svd(bidiagonal)[1].sum(), abs=1e-10)
    np.testing.assert_allclose(hamiltonian.apply(state[None])[0], energy * state, atol=1e-7)
    assert hamiltonian.ground_energy() == energy


@pytest.mark.parametrize("hamiltonian", [MIXED, ARTIFICIAL_7Q])
def test_ground_states_belong_to_their_energies(hamiltonian: PauliSum) -> None:
    energy, state = hamiltonian.ground()
    np.testing.assert_allclose(hamiltonian.apply(state[None])[0], energy * state, atol=1e-12)


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
    for terms in ((), (("XQ", 1.0),), (("XX", 1.0), ("X", 1.0)), (("X" * 13, 1.0),), (("X", float("nan")),)):
        with pytest.raises(InvalidSpec):
            PauliSum(terms)


@pytest.mark.parametrize("words", [tuple(CODES), REALS])
@pytest.mark.parametrize("qubits", [2, 4, 6])
def test_gradient_is_that_of_finite_differences(qubits: int, words: tuple[str, ...]) -> None:
    """With gates of real matrices alone, only real parts are computed."""
    rng = np.random.default_rng(5)
    observable = Observable.of_energy(any_sum(qubits, 30, rng))
    if len(words) < len(CODES):
        observable = Observable.of_energy(transverse_ising(qubits))
    circuits = [any_circuit(qubits, 30, rng, words) for _ in range(12)]
    assert programs_of(circuits, observable).real.all() == (len(words) < len(CODES))
    angles = radians(circuits, rng)
    values, gradients = values_and_gradients(circuits, observable, angles)
    np.testing.assert_array_equal(values, energies_of(circuits, observable, angles))
    for ops, here, gradient in zip(circuits, angles, gradients, strict=True):
        assert len(gradient) == len(here)
        for k in range(len(here)):
            ends = [tuple(a + step * (i == k) for i, a in enumerate(here)) for step in (-1e-5, 1e-5)]
            below, above = energies_of([ops, ops], observable, ends)
            assert gradient[k] == pytest.approx((above - below) / 2e-5, abs=2e-8)
    assert (abs(np.concatenate(gradients)) > 1e-3).mean() > 0.3


def test_gradient_is_that_of_shifted_angles() -> None:
    """dE/da = (E(a + pi/2) - E(a - pi/2)) / 2, exactly, for every gate with an angle (Schuld et al. 2019)."""
    rng = np.random.default_rng(9)
    observable = Observable.of_energy(MIXED)
    ops = [op for word in TURNS for op in (*any_circuit(4, 3, rng), *any_circuit(4, 1, rng, (word,)))]
    (angles,) = radians([ops], rng)
    _, (gradient,) = values_and_gradients([ops], observable, [angles])
    moved = [tuple(a + side * np.pi / 2 * (i == k) for i, a in enumerate(angles))
             for k in range(len(angles)) for side in (-1, 1)]  # fmt: skip
    energies = energies_of([ops] * len(moved), observable, moved).reshape(-1, 2)
    np.testing.assert_allclose(gradient, (energies[:, 1] - energies[:, 0]) / 2, atol=1e-13)


def test_real_circuits_have_the_state_that_complex_numbers_give() -> None:
    """A turn by s and back makes a circuit complex and changes nothing."""
    rng = np.random.default_rng(11)
    circuits = [any_circuit(6, 30, rng, REALS) for _ in range(20)]
    angles = radians(circuits, rng)
    turned = [[*ops, Op("s", (0,)), Op("sdg", (0,))] for ops in circuits]
    assert programs_of(circuits, CHAIN).real.all()
    assert not programs_of(turned, CHAIN).real.any()
    np.testing.assert_allclose(states_of(circuits, CHAIN, angles), states_of(turned, CHAIN, angles), atol=1e-14)


def test_a_circuit_is_scored_the_same_alone_and_in_any_batch() -> None:
    rng = np.random.default_rng(6)
    circuits = [draw_circuit(FREE6, rng) for _ in range(40)]
    together = optimise_angles(circuits, CHAIN, iterations=40)
    back = optimise_angles(circuits[::-1], CHAIN, iterations=40)
    energies = energies_of(circuits, CHAIN, together.angles)
    np.testing.assert_array_equal(energies, together.energies)
    for k in (0, 7, 33):
        alone = optimise_angles([circuits[k]], CHAIN, iterations=40)
        assert alone.energies[0] == together.energies[k] == back.energies[39 - k]
        assert alone.angles[0] == together.angles[k] == back.angles[39 - k]
        state = states_of([circuits[k]], CHAIN, [together.angles[k]])[0]
        np.testing.assert_array_equal(state, states_of(circuits, CHAIN, together.angles)[k])


PRINTS = """
import numpy as np
from domains.quantum.angles import optimise_angles
from tests.domains.quantum.test_simulator import CHAIN, FREE6, draw_circuit
rng = np.random.default_rng(6)
found = optimise_angles([draw_circuit(FREE6, rng) for _ in range(5)], CHAIN, iterations=40, starts=2)
print(found.energies.tobytes().hex())
"""


def test_another_process_finds_the_same_bits() -> None:
    rng = np.random.default_rng(6)
    here = optimise_angles([draw_circuit(FREE6, rng) for _ in range(5)], CHAIN, iterations=40, starts=2)
    there = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here.energies.tobytes().hex()


def structure(rng: np.random.Generator) -> list[Op]:
    """A layer of ry, then 4 to 12 cx, each followed by ry on both qubits."""
    ops = [Op("ry", (q,), FREE) for q in range(6)]
    for _ in range(int(rng.integers(4, 13))):
        a, b = rng.choice(6, 2, replace=False).tolist()
        ops += [Op("cx", (a, b)), Op("ry", (a,), FREE), Op("ry", (b,), FREE)]
    return ops


def test_optimiser_reaches_what_scipy_reaches() -> None:
    """From the same starts, with as many evaluations, over a hundred circuits."""
    rng = np.random.default_rng(7)
    circuits = [structure(rng) for _ in range(100)]
    starts = radians(circuits, rng)
    programs = programs_of(circuits, CHAIN)
    for evaluations in (30, 120):
        ours = minimised(programs, CHAIN, np.concatenate(starts)[None], evaluations)
        assert (ours.evaluations <= evaluations).all()
        theirs = []
        for ops, start in zip(circuits, starts, strict=True):

            def function(x: np.ndarray, ops: list[Op] = ops) -> tuple[float, np.ndarray]:
                values, gradients = values_and_gradients([ops], CHAIN, [x])
                return float(values[0]), gradients[0]

            options = {"maxfun": evaluations, "maxiter": evaluations, "ftol": 0.0, "gtol": 1e-9}
            theirs.append(minimize(function, start, jac=True, method="L-BFGS-B", options=options).fun)
        assert np.median(ours.energies) <= np.median(theirs) + 1e-3
        # Single circuits end in other local minima.
        assert np.median(ours.energies - theirs) <= 1e-4


def test_descents_end_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(8)
    circuits = [structure(rng)[:20] for _ in range(30)]
    found = optimise_angles(circuits, CHAIN, iterations=2000)
    assert (found.evaluations < 2000).all()
    _, gradients = values_and_gradients(circuits, CHAIN, found.angles)
    assert max(abs(g).max() for g in gradients) < 1e-5
    assert np.median(found.steepest) < 1e-6
    assert all(-np.pi < a <= np.pi for angles in found.angles for a in angles)


def test_more_starts_are_never_worse_and_each_is_a_start_of_its_own() -> None:
    circuits = [structure(np.random.default_rng(k)) for k in range(8)]
    each = [optimise_angles(circuits, CHAIN, iterations=30, first=k) for k in range(4)]
    best = optimise_angles(circuits, CHAIN, iterations=30, starts=4)
    np.testing.assert_array_equal(best.energies, np.min([e.energies for e in each], axis=0))
    np.testing.assert_array_equal(best.evaluations, np.sum([e.evaluations for e in each], axis=0))
    assert len({e.energies.tobytes() for e in each}) == 4
    for k, energy in enumerate(best.energies):
        assert best.angles[k] in [e.angles[k] for e in each if e.energies[k] == energy]
    with pytest.raises(ValueError, match="start"):
        optimise_angles(circuits, CHAIN, iterations=30, starts=0)


def test_iterations_help_and_zero_leaves_the_start() -> None:
    circuits = [draw_circuit(FREE6, np.random.default_rng(8)) for _ in range(1)] * 2
    assert any(op.angle == FREE for op in circuits[0])
    energies = [optimise_angles(circuits, CHAIN, iterations=k).energies[0] for k in (0, 5, 40)]
    assert energies[0] > energies[1] > energies[2]
    assert optimise_angles([], CHAIN, iterations=4).energies.shape == (0,)
    fixed = optimise_angles([[Op("h", (0,))]], CHAIN, iterations=4)
    assert fixed.angles == ((),)
    assert fixed.energies[0] == energies_of([[Op("h", (0,))]], CHAIN)[0]
