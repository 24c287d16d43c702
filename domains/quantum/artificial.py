"""The artificial 7-qubit Hamiltonian: discrete circuits, no inner optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domains.quantum.circuit import Language, full_coupling
from domains.quantum.circuit_prior import prompt_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.hamiltonian import ARTIFICIAL_7Q
from domains.quantum.observable import Observable
from domains.quantum.problem import EXPORT_FORMATS, CircuitProblem, counts, readable
from domains.quantum.reference import best_product
from domains.quantum.simulator import energies_of
from poets_core.types import Design, Evaluation, Objective, ProblemInfo

WORST = -7.0
"""What an unreadable circuit counts as in regret: no better than the worst readable one."""


@dataclass(frozen=True)
class DiscreteEnergyOracle:
    """Reward -<H> of circuits whose angles are levels; exact, so the standard deviation is 0."""

    language: Language
    observable: Observable

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Simulate n circuits; unreadable ones are invalid. Prompts and rng are not used."""
        circuits, where, reasons = readable(designs, self.language)
        values = np.full((len(designs), 1), np.nan)
        details: list[dict[str, float | int]] = [{} for _ in designs]
        energies = energies_of(circuits, self.observable)
        for k, ops, energy in zip(where, circuits, energies.tolist(), strict=True):
            values[k, 0] = -energy
            details[k] = {"energy": energy, **counts(ops, self.language.qubits)}
        valid = np.array([not reason for reason in reasons], bool)
        return Evaluation(values, np.zeros_like(values), valid, tuple(reasons), tuple(details))


class Artificial7q(CircuitProblem):
    """ToSFiT's circuit task (arXiv 2510.13328): reward -<H>, all pairs of qubits coupled.

    All-to-all rather than a chain: the Hamiltonian couples qubits 0 and 6, and
    a genetic algorithm reaches the optimum more often (2 of 4 runs of 5,000
    calls, none of 4 on a chain).
    """

    def __init__(self, max_ops: int = 20) -> None:
        """Build the problem.

        Args:
            max_ops: most gates of a circuit.
        """
        hamiltonian = ARTIFICIAL_7Q
        n = hamiltonian.qubits
        language = Language(n, full_coupling(n), free=False, max_ops=max_ops, max_two=max_ops)
        observable, optimum = Observable.of_energy(hamiltonian), -hamiltonian.ground_energy()
        info = ProblemInfo(
            name="quantum/artificial-7q",
            domain="quantum",
            title="Artificial Hamiltonian, 7 qubits",
            objectives=(
                Objective(
                    "- energy",
                    "units of J",
                    optimum=optimum,
                    optimum_source="largest eigenvalue of -H by diagonalisation; an upper bound for max_ops gates",
                ),
            ),
            chunk=128,
            export_formats=EXPORT_FORMATS,
            max_tokens=3 * max_ops,
            facts={
                "qubits": n,
                "coupling": "all pairs",
                "max_ops": max_ops,
                "hamiltonian": [list(t) for t in hamiltonian.terms],
                "invalid_value": WORST,
                "ground_energy": -optimum,
                "product_state_energy": best_product(observable),
            },
        )
        energy = CircuitEnergy(language, observable, iterations=0)
        super().__init__(info, (prompt_of(language),), DiscreteEnergyOracle(language, observable), energy)
