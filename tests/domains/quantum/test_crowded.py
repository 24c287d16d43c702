"""Sums of so many bit flips that no matrix is made: the same numbers as by a matrix, and as by Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse.linalg import eigsh

from domains.quantum import hamiltonian
from domains.quantum.hamiltonian import ARTIFICIAL_7Q, PauliSum
from domains.quantum.observable import Observable
from domains.quantum.product_states import lowest_product
from domains.quantum.reference import best_product
from domains.quantum.statevector.strings import add_strings, strings_of
from poets_core.keyed import rng_for


def drawn(n: int, terms: int, *, real: bool = False) -> PauliSum:
    rng = rng_for(0, "terms", n)
    labels = {"".join(rng.choice(list("IXYZ"), n)): None for _ in range(4 * terms)}
    kept = [label for label in labels if not real or label.count("Y") % 2 == 0][:terms]
    return PauliSum(tuple((label, float(rng.normal())) for label in kept))


@pytest.mark.parametrize("n", [4, 7])
def test_strings_one_by_one_are_the_matrix(n: int) -> None:
    made, size = drawn(n, 50), 1 << n
    state = rng_for(0, "state").normal(size=(size, 2)).view(np.complex128).ravel()
    parts = np.zeros((2, 2 * size))
    add_strings(strings_of(made.terms), 2, state.view(np.float64), parts)
    straight, turned = parts.view(np.complex128)
    wanted = SparsePauliOp.from_list(list(made.terms)).to_matrix() @ state
    assert np.abs(straight + 1j * turned - wanted).max() < 1e-12


@pytest.mark.parametrize("real", [False, True])
def test_the_ground_state_is_that_of_the_matrix(real: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = drawn(10, 60, real=real)
    assert not made.crowded
    by_matrix = made.ground_energy()
    monkeypatch.setattr(hamiltonian, "MOST_ENTRIES", 0)
    monkeypatch.setattr(hamiltonian.PauliSum, "_sparse", None)  # would be called if it were not crowded
    assert made.crowded
    energy, state = made.ground()
    assert energy == pytest.approx(by_matrix, abs=1e-10)
    assert float(made.energies(state[None])[0]) == pytest.approx(by_matrix, abs=1e-10)
    matrix = SparsePauliOp.from_list(list(made.terms)).to_matrix(sparse=True)
    assert energy == pytest.approx(float(eigsh(matrix, k=2, which="SA")[0].min()), abs=1e-10)


def test_many_strings_of_one_flip_keep_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["".join("IZ"[k >> q & 1] for q in range(10)) for k in range(40)] + ["X" * 10]
    made = PauliSum(tuple((label, 0.1 * k) for k, label in enumerate(labels, 1)))
    monkeypatch.setattr(hamiltonian, "MOST_ENTRIES", 0)
    monkeypatch.setattr(hamiltonian.PauliSum, "_by_strings", None)
    assert made.ground_energy() < -4


def starts(n: int) -> np.ndarray:
    begin = rng_for(0, "begin").normal(size=(16, n, 3))
    return begin / np.linalg.norm(begin, axis=2, keepdims=True)


@pytest.mark.parametrize("made", [drawn(4, 20), ARTIFICIAL_7Q], ids=["drawn", "artificial"])
def test_the_best_product_state_is_that_of_rotations(made: PauliSum, monkeypatch: pytest.MonkeyPatch) -> None:
    by_angles = best_product(Observable.of_energy(made))
    assert lowest_product(made.terms, starts(made.qubits)) == pytest.approx(by_angles, abs=1e-9)
    monkeypatch.setattr(hamiltonian, "MOST_ENTRIES", 0)
    assert best_product(Observable.of_energy(made)) == pytest.approx(by_angles, abs=1e-9)


def test_a_qubit_that_no_term_holds_changes_nothing() -> None:
    assert lowest_product((("IZX", 0.5), ("III", 1.0)), starts(3)) == pytest.approx(0.5, abs=1e-12)
