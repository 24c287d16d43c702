"""The critical transverse-field Ising chain: structures proposed, angles optimised inside."""

from __future__ import annotations

from domains.quantum.circuit import Language, line_coupling
from domains.quantum.circuit_prior import prompt_of
from domains.quantum.energy import CircuitEnergy
from domains.quantum.models import spin_chain
from domains.quantum.observable import Observable
from domains.quantum.problem import EXPORT_FORMATS, CircuitProblem
from domains.quantum.reference import best_product
from domains.quantum.rewards import Reward
from domains.quantum.structures import StructureOracle
from poets_core.errors import InvalidSpec
from poets_core.types import Objective, ProblemInfo


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
            reward: ``"precision"`` or ``"gap"``, see `domains.quantum.rewards.Reward`.

        Raises:
            InvalidSpec: unknown reward.
        """
        if reward not in ("precision", "gap"):
            raise InvalidSpec(f"Expected reward 'precision' or 'gap', got {reward!r}.")
        hamiltonian = spin_chain("ising", 6, coupling=1.0, second=1.0, periodic=False)
        n = hamiltonian.qubits
        language = Language(n, line_coupling(n), free=True, max_ops=n + 3 * max_cx, max_two=max_cx)
        observable = Observable.of_energy(hamiltonian)
        ground, product = hamiltonian.ground_energy(), best_product(observable)
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
        energy = CircuitEnergy(language, observable, iterations)
        rewards = Reward(reward, ground, product, max_cx)
        super().__init__(info, (prompt_of(language),), StructureOracle(energy, rewards), energy)
