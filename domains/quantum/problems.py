"""The problems of circuits with free angles: somebody's own Hamiltonian, molecules, chains, states, unitaries, cuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domains.quantum.choices import PARAMS, Choices
from domains.quantum.entropy import qubit_entropies
from domains.quantum.hamiltonian import C16, PauliSum
from domains.quantum.observable import Observable
from domains.quantum.reference import Level, best_product, layered
from domains.quantum.structures import StructureProblem, Target
from poets_core.errors import InvalidSpec

NEAR_PRODUCT = 0.1
"""Bits of entropy of the most entangled qubit below which a ground state is nearly a product state."""


def start_of(text: str, n: int) -> tuple[int, ...]:
    """Read a basis state that circuits begin in: a label of n letters 0 and 1, the last one qubit 0; empty: |0..0>.

    ``|0011>``, ``'0011'``, ``0b0011`` and ``0 0 1 1`` are read as well. A list [0, 0, 1, 1] is not: its first entry may
    be meant as qubit 0.

    Raises:
        InvalidSpec: anything else.
    """
    label = "".join(text.strip().strip("'\"").removeprefix("0b").strip("|>⟩").split())
    if not label:
        return ()
    if len(label) != n or set(label) - {"0", "1"}:
        raise InvalidSpec(
            f"Expected {n} letters 0 and 1 as the state to begin in, the last one qubit 0, got {text.strip()[:40]!r}. "
            f"Write it as {'0' * (n - 1)}1.",
            field=f"{PARAMS}.start",
        )
    return tuple(k for k, bit in enumerate(reversed(label)) if bit == "1")


def label_of(start: Iterable[int], n: int) -> str:
    """Return the label of a basis state, qubit 0 last."""
    ones = set(start)
    return "".join("1" if n - 1 - k in ones else "0" for k in range(n))


def target_of(
    name: str,
    title: str,
    observable: Observable,
    best: float,
    mean: float,
    unit: str,
    levels: Iterable[Level],
    facts: Mapping[str, Any],
) -> Target:
    """Return a target with its reference levels.

    Where a product state is as good as any, errors are relative to the mean of all states, and a note says so.

    Args:
        name, title, observable, best, unit, facts: see `Target`.
        mean: value of the maximally mixed state.
        levels: further reference levels.
    """
    product = best_product(observable)
    solved = product - best <= 1e-9 * max(1.0, mean - best)
    note = {"near_product": "A product state is as good as any: no two-qubit gate is needed."} if solved else {}
    known = [Level("best product state", product - best, 0), *levels, *layered(observable, best)]
    told = {"levels": [level.as_data() for level in known], **facts, **note}
    return Target(name, title, observable, best, mean if solved else product, unit, told)


class LowestEnergy(StructureProblem):
    """The ground state of one Hamiltonian."""

    def __init__(
        self,
        name: str,
        title: str,
        hamiltonian: PauliSum,
        choices: Choices,
        *,
        start: tuple[int, ...] = (),
        unit: str,
        levels: Iterable[Level] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Build the problem.

        Args:
            name, title: of the problem.
            hamiltonian: whose ground state is wanted.
            choices: of whoever asks.
            start: qubits that begin in |1>.
            unit: of energies.
            levels: further reference levels.
            facts: further facts.
        """
        n = hamiltonian.qubits
        observable = Observable.of_energy(hamiltonian, start)
        best, ground = hamiltonian.ground()
        known = list(levels)
        if start:
            at = float(hamiltonian.energies(observable.start[None])[0]) - best
            known.insert(0, Level(f"basis state |{label_of(start, n)}>", at, 0))
        mean = dict(hamiltonian.terms).get("I" * n, 0.0)
        told = {"hamiltonian": [list(t) for t in hamiltonian.terms], **near_product(ground), **(facts or {})}
        super().__init__(
            target_of(name, title, observable, best, mean, unit, known, told),
            choices,
            real=hamiltonian.real,
            start=start,
        )


def near_product(state: C16) -> dict[str, Any]:
    """Return the entropy of each qubit of the ground state, and a note where the state is nearly a product state.

    Entropies in bits, qubit 0 first. See HamQASBench (arXiv 2607.04845): on such an instance a circuit without any
    two-qubit gate has a low error.
    """
    entropy = qubit_entropies(state)
    facts: dict[str, Any] = {"qubit_entropy": [round(e, 6) for e in entropy]}
    if max(entropy) < NEAR_PRODUCT:
        facts["near_product"] = (
            f"The ground state is nearly a product state: no qubit is entangled with the others by more than "
            f"{max(entropy):.3f} bits. A low error alone is no evidence of a good circuit here; compare it with the "
            "error of the best product state."
        )
    return facts
