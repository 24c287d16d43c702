"""Structures proposed, angles optimised inside: what all problems with free angles have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from domains.quantum.angles import Optimised, optimise_angles
from domains.quantum.choices import PARAMS, Choices
from domains.quantum.circuit import Language, Op
from domains.quantum.circuit_prior import prompt_of
from domains.quantum.dense import MOST_NOISY, noisy_energy
from domains.quantum.energy import CircuitEnergy
from domains.quantum.given import given_circuits
from domains.quantum.observable import Observable
from domains.quantum.problem import EXPORT_FORMATS, CircuitProblem, counts, readable
from domains.quantum.rewards import Reward
from poets_core.errors import InvalidSpec
from poets_core.types import F8, Design, Evaluation, Objective, ProblemInfo


@dataclass(frozen=True)
class StructureOracle:
    """Reward of a structure at the angles that the optimiser finds; a function of the circuit alone.

    Attributes:
        energy: the circuits, what they are judged by, and how angles are optimised.
        reward: of energies and CX counts.
        noise: depolarising probability of a two-qubit gate, of others a tenth. Angles are those of the circuit without
            noise: it pulls all energies towards their mean, and moves the place of the lowest little.
    """

    energy: CircuitEnergy
    reward: Reward
    noise: float = 0.0

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Optimise and score n circuits; unreadable ones are invalid. Prompts and rng are not used."""
        e = self.energy
        circuits, where, reasons = readable(designs, e.language)
        found = optimise_angles(circuits, e.observable, iterations=e.iterations, starts=e.starts)
        values = np.full((len(designs), 1), np.nan)
        details: list[dict[str, Any]] = [{} for _ in designs]
        gates = [counts(ops, e.language.qubits) for ops in circuits]
        judged = self._noisy(circuits, found) if self.noise else found.energies
        rewards = self.reward.of(judged, np.array([g["n_cx"] for g in gates], float))
        for i, k in enumerate(where):
            energy = float(found.energies[i])
            values[k, 0] = rewards[i]
            details[k] = {
                "energy": energy,
                "error": float(judged[i]) - self.reward.best,
                **({"error_without_noise": energy - self.reward.best} if self.noise else {}),
                **gates[i],
                "angles": list(found.angles[i]),
            }
        valid = np.array([not reason for reason in reasons], bool)
        return Evaluation(values, np.zeros_like(values), valid, tuple(reasons), tuple(details))

    def _noisy(self, circuits: Sequence[Sequence[Op]], found: Optimised) -> F8:
        """Return the energies of circuits under noise, f8 (n,)."""
        hamiltonian, start = self.energy.hamiltonian, self.energy.language.start
        if hamiltonian is None:
            raise ValueError("Expected noise where circuits have an energy, got a fidelity.")
        pairs = zip(circuits, found.angles, strict=True)
        return np.array([noisy_energy(ops, a, hamiltonian, start, self.noise, self.noise / 10) for ops, a in pairs])


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
        most, price, wanted = language.max_two, choices.price, choices.target
        reward = Reward(choices.reward, target.best, target.reference, most, price, wanted)
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
            max_tokens=language.longest,
            facts=_facts(target, choices, language),
        )
        if choices.noise and language.qubits > MOST_NOISY:
            raise InvalidSpec(
                f"Expected no noise on more than {MOST_NOISY} qubits, got {choices.noise:g} on {language.qubits}.",
                field=f"{PARAMS}.noise",
            )
        energy = CircuitEnergy(language, target.observable, choices.iterations, choices.starts)
        super().__init__(info, (prompt_of(language),), StructureOracle(energy, reward, choices.noise), energy)
        self.given, lines = given_circuits(self, choices.circuits, choices.circuits_file)
        if self.given:
            # What was brought decides what is learnt first, so a run goes on with the same alone.
            told = [[g.design, g.value, str(g.details["file"])] for g in self.given]
            self.info = replace(info, facts={**info.facts, "brought": told})
        lines = [*choices.said(language.qubits), *lines]
        self.report = {"lines": lines, "facts": {}} if lines else {}

    def say(self, *lines: str) -> None:
        """Put what was read of one's own input above what else is said below the form."""
        self.report = {"lines": [*lines, *self.report.get("lines", ())], "facts": {}}


def _facts(target: Target, choices: Choices, language: Language) -> dict[str, Any]:
    """Return what is public about a problem, JSON values."""
    return {
        "qubits": language.qubits,
        "coupling": choices.coupling,
        "pairs": [list(p) for p in sorted({(min(p), max(p)) for p in language.pairs})],
        "max_ops": language.max_ops,
        "max_cx": language.max_two,
        "start": list(language.start),
        "axes": list(language.dressing),
        "order": "last letter of a label is qubit 0 (Qiskit)",
        "reward": choices.reward,
        "reward_bound": 1.0,
        "accuracy": choices.target,
        "noise": choices.noise,
        "iterations": choices.iterations,
        "starts": choices.starts,
        "unit_of_energy": target.unit,
        "ground_energy": target.best,
        "product_state_energy": target.reference,
        **target.facts,
    }
