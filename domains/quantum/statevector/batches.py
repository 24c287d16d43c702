"""Many circuits, one after the other, compiled: what NumPy's side calls."""

from __future__ import annotations

import numpy as np

from domains.quantum.statevector.circuits import Operator, Programs, evaluate
from domains.quantum.statevector.compiled import compiled
from domains.quantum.statevector.descent import descend
from domains.quantum.statevector.vectors import copy
from poets_core.types import F8, I8


@compiled
def all_circuits(
    operator: Operator, programs: Programs, free: F8, iterations: int, gradient: F8, states: F8
) -> tuple[F8, I8, F8]:
    """Compute the energies of b circuits, after a descent from every start where iterations are allowed.

    One function for all, since each way in from Python costs seconds to compile.

    Args:
        operator, programs: energy and circuits.
        free: f8 (starts, p), the free angles of all circuits. After a descent, row 0 holds the best angles.
        iterations: gradients computed at most for each start of each circuit; 0 leaves the angles as they are.
        gradient: f8 (p,), overwritten with that at row 0; f8 (0,) where none is wanted.
        states: f8 (b, size, 2), overwritten with real and imaginary parts at row 0; f8 (0, size, 2) where none is.

    Returns:
        Energies f8 (b,) of row 0, gradients computed in descents i8 (b,), largest entry of the last one f8 (b,).
    """
    size, number = operator.factors.shape[1], len(programs.real)
    energies, used, steepest = np.zeros(number), np.zeros(number, np.int64), np.zeros(number)
    w, moved, none = np.empty(4 * size), np.empty(size), np.zeros(0)
    for b in range(number):
        planes = 1 if programs.real[b] else 2
        gates = programs.gates[programs.bounds[b] : programs.bounds[b + 1]]
        fixed = programs.angles[programs.bounds[b] : programs.bounds[b + 1]]
        here = slice(programs.places[b], programs.places[b + 1])
        turns = np.empty((len(gates), 2))
        # The last round is that of row 0, so that its state is the one in w.
        for k in range(len(free) - 1, -1, -1):
            x, last = free[k, here], 0.0
            if iterations > 0:
                spent, last = descend(operator, gates, fixed, planes, x, iterations)
                used[b] += spent
            wanted = gradient[here] if len(gradient) > 0 else none
            energy = evaluate(operator, gates, fixed, x, planes, w, turns, moved, wanted)
            if k == len(free) - 1 or energy <= energies[b]:
                energies[b], steepest[b] = energy, last
                copy(x, free[len(free) - 1, here])
        copy(free[len(free) - 1, here], free[0, here])
        if len(states) > 0:
            for i in range(size):
                states[b, i, 0] = w[i]
                if planes == 2:
                    states[b, i, 1] = w[size + i]
    return energies, used, steepest
