"""Pruning: what does not matter goes, and the value stays."""

from __future__ import annotations

import numpy as np
import pytest

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import count_two, full_coupling
from domains.quantum.dressing import dressed_language, read_circuit
from domains.quantum.energy import CircuitEnergy
from domains.quantum.models import named_state
from domains.quantum.observable import Observable
from domains.quantum.prune import prune
from domains.quantum.simulator import energies_of
from domains.quantum.verify import circuit_value, to_qiskit
from tests.domains.quantum.circuits import ising


def _optimised(energy: CircuitEnergy, words: str) -> tuple[list, tuple[float, ...], float]:  # type: ignore[type-arg]
    ops = read_circuit(words, energy.language)
    found = optimise_angles([ops], energy.observable, iterations=500, starts=8)
    return ops, found.angles[0], float(found.energies[0])


def test_a_bell_pair_needs_one_gate_and_no_other_qubit() -> None:
    target = np.zeros(8, complex)
    target[[0, 3]] = 1 / np.sqrt(2)  # qubits 0 and 1 entangled, 2 in |0>
    energy = CircuitEnergy(dressed_language(3, full_coupling(3), 6, real=True), Observable.of_state(target), 100)
    ops, angles, value = _optimised(energy, "cx 0 1 cx 1 2 cx 0 2 cx 0 1 cx 1 2")
    assert value == pytest.approx(-1, abs=1e-8)
    found = prune(energy, ops, angles, allowed=1e-6)
    assert count_two(list(found.ops)) == 1
    assert found.removed_two == 4
    assert found.value <= found.before + 1e-6
    assert all(2 not in op.qubits for op in found.ops)


def test_the_value_stays_within_what_is_allowed_and_qiskit_confirms_it() -> None:
    observable = Observable.of_energy(ising(4))
    energy = CircuitEnergy(dressed_language(4, full_coupling(4), 8, real=True), observable, 100)
    ops, angles, value = _optimised(energy, "cx 0 1 cx 1 2 cx 2 3 cx 0 3 cx 0 2 cx 1 3")
    strict, loose = (prune(energy, ops, angles, allowed=a) for a in (1e-9, 0.05))
    assert strict.before == pytest.approx(value)
    assert strict.value <= value + 1e-9
    assert value + 1e-9 < loose.value <= value + 0.05
    assert count_two(list(loose.ops)) < count_two(list(strict.ops)) <= count_two(ops)
    for found in (strict, loose):
        made = to_qiskit(found.ops, 4, found.angles)
        assert circuit_value(made, energy) == pytest.approx(found.value, abs=1e-10)
        assert found.removed == len(ops) - len(found.ops)


def test_where_everything_matters_nothing_goes() -> None:
    energy = CircuitEnergy(
        dressed_language(3, full_coupling(3), 4, real=True), Observable.of_state(named_state("ghz", 3, 0)), 100
    )
    ops, angles, value = _optimised(energy, "cx 0 1 cx 1 2")
    assert value == pytest.approx(-1, abs=1e-8)
    found = prune(energy, ops, angles, allowed=1e-6)
    assert found.removed_two == 0
    again = prune(energy, found.ops, found.angles, allowed=1e-6)
    assert again.ops == found.ops
    assert energies_of([again.ops], energy.observable, [again.angles])[0] == pytest.approx(-1, abs=1e-5)
