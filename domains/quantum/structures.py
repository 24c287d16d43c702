"""Structures proposed, angles optimised inside: what all problems with free angles have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domains.quantum.angles import optimise_angles
from domains.quantum.choices import Choices
from domains.quantum.circuit_prior import prompt_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.observable import Observable
from domains.quantum.problem import EXPORT_FORMATS, CircuitProblem, counts, readable
from domains.quantum.rewards import Reward
from poets_core.types import Design, Evaluation, Objective, ProblemInfo


@dataclass(frozen=True)
class StructureOracle:
    """Reward of a structure at the angles that the optimiser finds; a function of the circuit alone.

    Attributes:
        energy: the circuits, what they are judged by, and how angles are optimised.
        reward: of energies and CX counts.
    """

    energy: CircuitEnergy
    reward: Reward

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Optimise and score n circuits; unreadable ones are invalid. Prompts and rng are not used."""
        e = self.energy
        circuits, where, reasons = readable(designs, e.language)
        found = optimise_angles(circuits, e.observable, iterations=e.iterations, starts=e.starts)
        values = np.full((len(designs), 1), np.nan)
        details: list[dict[str, Any]] = [{} for _ in designs]
        gates = [counts(ops, e.language.qubits) for ops in circuits]
        rewards = self.reward.of(found.energies, np.array([g["n_cx"] for g in gates], float))
        for i, k in enumerate(where):
            energy = float(found.energies[i])
            values[k, 0] = rewards[i]
            details[k] = {
                "energy": energy,
                "error": energy - self.reward.best,
                **gates[i],
                "angles": list(found.angles[i]),
            }
        valid = np.array([not reason for reason in reasons], bool)
        return Evaluation(values, np.zeros_like(values), valid, tuple(reasons), tuple(details))


@dataclass(frozen=True)
class Target:
    """What circuits are to reach.

    Attributes:
        name: catalog name. title: for people.
        observable: what they are judged by, and where they begin.
        best: lowest value there is. reference: value of the best product state.
        unit: of the value: Ha, units of J; ``""`` for infidelity.
        facts: what is public besides, JSON values.
    """

    name: str
    title: str
    observable: Observable
    best: float
    reference: float
    unit: str
    facts: Mapping[str, Any]


class StructureProblem(CircuitProblem):
    """Circuits with free angles for one target."""

    def __init__(self, target: Target, choices: Choices, *, real: bool, start: tuple[int, ...] = ()) -> None:
        """Build the problem.

        Args:
            target: what is to be reached.
            choices: of whoever asks.
            real: whether rotations about y are enough.
            start: qubits that begin in |1>.

        Raises:
            InvalidSpec: a coupling or a reward that cannot be used; with the field.
        """
        language = choices.language(target.observable.qubits, real=real, start=start)
        reward = Reward(
            choices.reward, target.best, target.reference, language.max_two, choices.price, choices.target
        )  # fmt: skip
        info = ProblemInfo(
            name=target.name,
            domain="quantum",
            title=target.title,
            objectives=(
                Objective(
                    "reward",
                    "1 at best",
                    optimum_source=f"at most 1 by definition; what {language.max_two} CX can reach is not known",
                ),
            ),
            chunk=32,
            export_formats=EXPORT_FORMATS,
            max_tokens=3 * language.written,
            facts={
                "qubits": language.qubits,
                "coupling": choices.coupling,
                "pairs": [list(p) for p in sorted({(min(p), max(p)) for p in language.pairs})],
                "max_ops": language.max_ops,
                "max_cx": language.max_two,
                "start": list(language.start),
                "axes": list(language.dressing),
                "order": "last letter of a label is qubit 0 (Qiskit)",
                "reward": reward.kind,
                "reward_bound": 1.0,
                "accuracy": choices.target,
                "iterations": choices.iterations,
                "starts": choices.starts,
                "unit_of_energy": target.unit,
                "ground_energy": target.best,
                "product_state_energy": target.reference,
                **target.facts,
            },
        )
        energy = CircuitEnergy(language, target.observable, choices.iterations, choices.starts)
        super().__init__(info, (prompt_of(language),), StructureOracle(energy, reward), energy)
        self.start_from(choices.circuits, choices.circuits_file)
