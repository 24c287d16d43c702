"""Sets the free angles of circuits: L-BFGS with the adjoint gradient.

Each circuit starts from angles drawn from its own text, so that its energy is a function of the circuit alone: not of
the run's seed, nor of what else is optimised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domains.quantum.circuit import Op, text_of
from domains.quantum.observable import Observable
from domains.quantum.simulator import programs_of
from domains.quantum.statevector.batches import all_circuits
from domains.quantum.statevector.circuits import Programs
from poets_core.keyed import rng_for
from poets_core.types import F8, I8


@dataclass(frozen=True)
class Optimised:
    """What the optimiser found.

    Attributes:
        energies: f8 (b,), of the best start.
        angles: per circuit, its free angles in gate order, radians in (-pi, pi].
        evaluations: i8 (b,), gradients computed, of all starts.
        steepest: f8 (b,), largest entry of the gradient where the best start ended.
    """

    energies: F8
    angles: tuple[tuple[float, ...], ...]
    evaluations: I8
    steepest: F8


def optimise_angles(
    circuits: Sequence[Sequence[Op]], observable: Observable, *, iterations: int, starts: int = 1, first: int = 0
) -> Optimised:
    """Minimise the energy of each circuit over its free angles.

    Args:
        circuits: (b,) gate lists.
        observable: what to minimise.
        iterations: gradients computed at most for each start of each circuit.
        starts: starts of each circuit, the best is kept; other numbers begin from other angles.
        first: number of the first start.

    Raises:
        ValueError: an unknown gate, no such qubit, or no start.
    """
    if starts < 1:
        raise ValueError(f"Expected at least 1 start, got {starts}.")
    programs = programs_of(circuits, observable)
    begin = begin_of(circuits, programs, starts, first)
    return minimised(programs, observable, begin, iterations)


def begin_of(circuits: Sequence[Sequence[Op]], programs: Programs, starts: int, first: int) -> F8:
    """Return the angles that descents begin at, f8 (starts, p) for all circuits: drawn from each circuit's own text."""
    begin = np.zeros((starts, int(programs.places[-1])))
    for b, ops in enumerate(circuits):
        here = slice(programs.places[b], programs.places[b + 1])
        text = text_of(list(ops))
        for k in range(starts):
            begin[k, here] = rng_for(first + k, "angles", text).uniform(-np.pi, np.pi, here.stop - here.start)
    return begin


def minimised(programs: Programs, observable: Observable, begin: F8, iterations: int) -> Optimised:
    """Minimise from given angles.

    Args:
        programs: of b circuits.
        observable: what to minimise.
        begin: f8 (starts, p), free angles of all circuits; overwritten, row 0 with the best.
        iterations: gradients computed at most for each start of each circuit.
    """
    nothing = np.zeros(0), np.zeros((0, 0, 2))
    energies, used, steepest = all_circuits(observable.compiled, programs, begin, iterations, *nothing)
    parts = np.split(begin[0], programs.places[1:-1])
    return Optimised(energies, tuple(tuple(part.tolist()) for part in parts[: len(energies)]), used, steepest)
