"""Reference levels: what one would have without a search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Op
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable
from domains.quantum.product_states import lowest_product
from poets_core.keyed import rng_for

STARTS = 16
ITERATIONS = 300
LAYERS = (1, 2, 3)
MOST_QUBITS = 8
"""Layered circuits of more qubits take longer than a form may wait for; their levels are left out."""


@dataclass(frozen=True)
class Level:
    """A value to compare with.

    Attributes:
        name: how it is made.
        error: above the best value, in its unit.
        cx: two-qubit gates, None where nothing is said of them.
        source: who measured it.
    """

    name: str
    error: float
    cx: int | None
    source: str = "computed here"

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def best_product(observable: Observable) -> float:
    """Return the lowest value of a product state found from several starts.

    An upper bound of the true minimum that is reached in practice: each qubit is turned by ry, then rz, and all angles
    are optimised together. Of a sum with too many bit flips for that, one qubit is turned after the other.
    """
    operator = observable.operator
    if isinstance(operator, PauliSum) and operator.crowded:
        begin = rng_for(0, "product states").normal(size=(STARTS, observable.qubits, 3))
        return lowest_product(operator.terms, begin / np.linalg.norm(begin, axis=2, keepdims=True))
    circuit = [Op(axis, (q,), FREE) for axis in ("ry", "rz") for q in range(observable.qubits)]
    # Larger ones take longer, and a form waits for this.
    small = observable.qubits <= MOST_QUBITS
    starts, iterations = (2 * STARTS, ITERATIONS) if small else (STARTS // 4, ITERATIONS // 4)
    found = optimise_angles([circuit], observable, iterations=iterations, starts=starts)
    return float(found.energies[0])


def layered(observable: Observable, best: float) -> Iterator[Level]:
    """Yield the hardware-efficient ansatz at several depths: ry on all qubits between ladders of cx along a line.

    Kandala et al., Nature 549, 242 (2017), with ry and cx; angles from 16 starts.
    """
    n = observable.qubits
    if not 1 < n <= MOST_QUBITS:
        return
    turns = [Op("ry", (q,), FREE) for q in range(n)]
    ladder = [Op("cx", (q, q + 1)) for q in range(n - 1)]
    for layers in LAYERS:
        circuit = [*turns, *(ladder + turns) * layers]
        found = optimise_angles([circuit], observable, iterations=ITERATIONS, starts=STARTS)
        yield Level(f"hardware-efficient, {layers} x (cx, ry)", float(found.energies[0]) - best, layers * (n - 1))
