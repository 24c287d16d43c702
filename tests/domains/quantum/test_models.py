"""Chains, cuts, named states, couplings, rewards and entropies, against closed forms and dense matrices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from domains.quantum.coupling import coupling_of
from domains.quantum.entropy import cut_entropies, qubit_entropies
from domains.quantum.models import largest_cut, named_state, spin_chain
from domains.quantum.rewards import Reward
from poets_core.errors import InvalidSpec

PAULI = {
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def _on(n: int, letters: dict[int, str]) -> np.ndarray:
    matrix = np.eye(1)
    for q in reversed(range(n)):
        matrix = np.kron(matrix, PAULI[letters[q]] if q in letters else np.eye(2))
    return matrix


@pytest.mark.parametrize(
    ("model", "n", "second", "periodic", "energy"),
    [
        ("ising", 4, 1.0, False, -4.758770483),
        ("ising", 6, 1.0, False, -7.296229811),
        ("ising", 8, 1.0, False, -9.837951447),
        ("heisenberg", 6, 0.0, False, -9.974308536),
        ("heisenberg", 8, 0.0, False, -13.499730395),
        ("j1-j2", 6, 0.5, True, -9.0),
    ],
)
def test_ground_energies_of_chains(model: str, n: int, second: float, periodic: bool, energy: float) -> None:
    found = spin_chain(model, n, coupling=1.0, second=second, periodic=periodic).ground_energy()
    assert found == pytest.approx(energy, abs=1e-8)


def test_a_chain_is_the_sum_of_its_bonds() -> None:
    n = 4
    near, next_near = [(0, 1), (1, 2), (2, 3), (0, 3)], [(0, 2), (1, 3)]
    dense = sum(1.5 * _on(n, {a: p, b: p}) for a, b in near for p in "XYZ")
    dense = dense + sum(0.3 * _on(n, {a: p, b: p}) for a, b in next_near for p in "XYZ")
    found = spin_chain("j1-j2", n, coupling=1.5, second=0.3, periodic=True).matrix()
    np.testing.assert_allclose(found, dense, atol=1e-12)


def test_a_closed_chain_of_two_has_one_bond() -> None:
    closed, open_ = (spin_chain("heisenberg", 2, coupling=1, second=0, periodic=p) for p in (True, False))
    assert closed == open_


def test_the_largest_cut_is_minus_the_ground_energy() -> None:
    edges = [(0, 1, 1.0), (1, 2, 2.5), (0, 2, 1.0), (2, 3, 0.5), (0, 3, 3.0)]
    cuts = [sum(w for a, b, w in edges if s[a] != s[b]) for s in product((0, 1), repeat=4)]
    assert -largest_cut(edges, 4).ground_energy() == pytest.approx(max(cuts))


def test_named_states() -> None:
    assert np.flatnonzero(named_state("w", 3, 0)).tolist() == [1, 2, 4]
    assert np.flatnonzero(named_state("ghz", 3, 0)).tolist() == [0, 7]
    dicke = named_state("dicke", 4, 2)
    assert (dicke**2).sum() == pytest.approx(1)
    assert np.count_nonzero(dicke) == 6
    with pytest.raises(InvalidSpec, match="ones"):
        named_state("dicke", 4, 4)
    with pytest.raises(InvalidSpec, match="state"):
        named_state("cat", 4, 1)


@pytest.mark.parametrize(
    ("kind", "n", "pairs"),
    [
        ("line", 4, [(0, 1), (1, 2), (2, 3)]),
        ("ring", 4, [(0, 1), (0, 3), (1, 2), (2, 3)]),
        ("grid", 6, [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]),
        ("grid", 5, [(0, 1), (0, 3), (1, 2), (1, 4), (3, 4)]),
        ("t (5 qubits)", 5, [(0, 1), (1, 2), (1, 3), (3, 4)]),
        ("all", 3, [(0, 1), (0, 2), (1, 2)]),
    ],
)
def test_couplings(kind: str, n: int, pairs: list[tuple[int, int]]) -> None:
    found = coupling_of(kind, n)
    assert sorted(p for p in found if p[0] < p[1]) == pairs
    assert {(b, a) for a, b in found} == found


@pytest.mark.parametrize("kind", ["line", "ring", "grid", "h (7 qubits)", "heavy-hex (16 qubits)", "all"])
@pytest.mark.parametrize("n", range(2, 8))
def test_every_coupling_connects_its_qubits(kind: str, n: int) -> None:
    reached = {0}
    for _ in range(n):
        reached |= {b for a, b in coupling_of(kind, n) if a in reached}
    assert reached == set(range(n))


def test_couplings_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidSpec, match="at most 5 qubits"):
        coupling_of("t (5 qubits)", 6)
    with pytest.raises(InvalidSpec, match="connects all 4"):
        coupling_of("own", 4, [(0, 1), (2, 3)])
    with pytest.raises(InvalidSpec, match="one of"):
        coupling_of("torus", 4)


def test_rewards_follow_their_formulas() -> None:
    energies, cx = np.array([-10.0, -10 + 2e-6, -9.998, -8, 10]), np.array([0.0, 5, 10, 10, 10])
    plain = Reward("precision", -10.0, -8.0, 10)
    np.testing.assert_allclose(plain.of(energies, cx), [1, 1, 0.5, 0, -1 / 6], atol=1e-6)
    paid = Reward("precision", -10.0, -8.0, 10, price=0.4)
    np.testing.assert_allclose(plain.of(energies, cx) - paid.of(energies, cx), 0.04 * cx)
    gap = Reward("gap", -10.0, -8.0, 10)
    np.testing.assert_allclose(gap.of(energies, cx), [1, 0.975 - 1e-6, 0.949, -0.05, -1.05], atol=1e-9)


def test_the_target_comes_first_and_then_few_gates() -> None:
    reward = Reward("target", -10.0, -8.0, 10, target=0.02)
    energies = np.array([-10.0, -9.99, -9.97, -9.8, -8.0, 0.0])
    met, cheaper, missed, half, product, worse = reward.of(energies, np.array([10.0, 5, 1, 1, 1, 1]))
    assert cheaper > met > missed > half > product > worse
    assert met == pytest.approx(0.5)
    assert cheaper == pytest.approx(0.75)
    assert half == pytest.approx(0.25)
    assert worse == pytest.approx(-0.5 * np.log10(5) / 2)


@pytest.mark.parametrize(("kind", "target"), [("target", 0.0), ("target", 3.0), ("other", 1.0)])
def test_rewards_that_cannot_be_are_refused(kind: str, target: float) -> None:
    with pytest.raises(InvalidSpec):
        Reward(kind, -10.0, -8.0, 10, target=target)  # type: ignore[arg-type]


def test_entropies_of_known_states() -> None:
    np.testing.assert_allclose(qubit_entropies(named_state("ghz", 4, 0)), np.ones(4))
    w = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    np.testing.assert_allclose(qubit_entropies(named_state("w", 4, 0)), [w] * 4)
    bell_and_zero = np.array([1, 0, 0, 1, 0, 0, 0, 0]) / np.sqrt(2)  # qubits 0 and 1 entangled, 2 apart
    np.testing.assert_allclose(qubit_entropies(bell_and_zero.astype(complex)), [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(cut_entropies(bell_and_zero.astype(complex)), [1, 0], atol=1e-12)
