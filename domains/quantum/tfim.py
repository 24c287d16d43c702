"""The critical transverse-field Ising chain: structures proposed, angles optimised inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import Language, line_coupling
from domains.quantum.circuit_prior import prompt_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.hamiltonian import PauliSum, transverse_ising
from domains.quantum.observable import Observable
from domains.quantum.problem import EXPORT_FORMATS, CircuitProblem, best_product_energy, counts, readable
from poets_core.errors import InvalidSpec
from poets_core.types import F8, Design, Evaluation, Objective, ProblemInfo

Reward = Literal["precision", "gap"]
PRECISION = 6.0
"""Decades of relative error that the precision reward tells apart."""
CX_PRICE = 0.05
"""What the gap reward takes off for a full budget of CX."""


@dataclass(frozen=True)
class OptimisedEnergyOracle:
    """Reward of a structure at the angles the optimiser finds; a function of the circuit alone.

    Attributes:
        language, hamiltonian: the circuits and the energy.
        iterations: gradient evaluations per circuit.
        ground: exact ground energy. product: best product-state energy.
        reward: see `rewards`.
    """

    language: Language
    hamiltonian: PauliSum
    iterations: int
    ground: float
    product: float
    reward: Reward

    @cached_property
    def observable(self) -> Observable:
        """The energy, from |0..0>."""
        return Observable.of_energy(self.hamiltonian)

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Optimise and score n circuits; unreadable ones are invalid. Prompts and rng are not used."""
        circuits, where, reasons = readable(designs, self.language)
        found = optimise_angles(circuits, self.observable, iterations=self.iterations)
        values = np.full((len(designs), 1), np.nan)
        details: list[dict[str, Any]] = [{} for _ in designs]
        gates = [counts(ops, self.language.qubits) for ops in circuits]
        rewards = self.rewards(found.energies, np.array([g["n_cx"] for g in gates], float))
        for i, k in enumerate(where):
            energy = float(found.energies[i])
            values[k, 0] = rewards[i]
            details[k] = {"energy": energy, "error": energy - self.ground, **gates[i], "angles": list(found.angles[i])}
        valid = np.array([not reason for reason in reasons], bool)
        return Evaluation(values, np.zeros_like(values), valid, tuple(reasons), tuple(details))

    def rewards(self, energies: F8, n_cx: F8) -> F8:
        """Return rewards f8 (n,).

        With e = (E - E0) / (E_product - E0), the error relative to that of the
        best product state: ``"precision"`` is min(-log10 max(e, 1e-6), 6) / 6;
        ``"gap"`` is clip(1 - e, -1, 1) - 0.05 n_cx / budget.
        """
        error = (energies - self.ground) / (self.product - self.ground)
        if self.reward == "precision":
            precision: F8 = np.minimum(-np.log10(np.maximum(error, 10.0**-PRECISION)), PRECISION) / PRECISION
            return precision
        gap: F8 = np.clip(1.0 - error, -1.0, 1.0) - CX_PRICE * n_cx / self.language.max_two
        return gap


class Tfim6(CircuitProblem):
    """Ground state of the open chain -sum Z Z - sum X on 6 qubits, line coupling, few CX.

    A two-qubit gate (cx, or cz, which is one CX and Hadamards) counts as one
    CX. Circuits hold at most 6 + 3 max_cx gates: a rotation of every qubit, and
    of both qubits after every CX.
    """

    def __init__(self, max_cx: int = 10, iterations: int = 120, reward: str = "precision") -> None:
        """Build the problem.

        Args:
            max_cx: most two-qubit gates.
            iterations: gradient evaluations of the angle optimiser per circuit.
            reward: ``"precision"`` or ``"gap"``, see `OptimisedEnergyOracle.rewards`.

        Raises:
            InvalidSpec: unknown reward.
        """
        if reward not in ("precision", "gap"):
            raise InvalidSpec(f"Expected reward 'precision' or 'gap', got {reward!r}.")
        hamiltonian = transverse_ising(6)
        n = hamiltonian.qubits
        language = Language(n, line_coupling(n), free=True, max_ops=n + 3 * max_cx, max_two=max_cx)
        ground, product = hamiltonian.ground_energy(), best_product_energy(hamiltonian)
        info = ProblemInfo(
            name="quantum/tfim-6",
            domain="quantum",
            title="Transverse-field Ising chain, 6 qubits",
            objectives=(
                Objective(
                    "reward",
                    "1 at best",
                    optimum_source=f"at most 1 by definition; what {max_cx} CX can reach is not known",
                ),
            ),
            chunk=32,
            export_formats=EXPORT_FORMATS,
            max_tokens=3 * language.max_ops,
            facts={
                "qubits": n,
                "coupling": "line",
                "max_ops": language.max_ops,
                "max_cx": max_cx,
                "reward": reward,
                "reward_bound": 1.0,
                "iterations": iterations,
                "hamiltonian": [list(t) for t in hamiltonian.terms],
                "ground_energy": ground,
                "product_state_energy": product,
            },
        )
        oracle = OptimisedEnergyOracle(
            language, hamiltonian, iterations, ground, product, "gap" if reward == "gap" else "precision"
        )
        super().__init__(info, (prompt_of(language),), oracle, CircuitEnergy(language, hamiltonian, iterations))
