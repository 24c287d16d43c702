"""Many circuits, one after the other, compiled: what NumPy's side calls."""

from __future__ import annotations

import numpy as np

from domains.quantum.statevector.circuits import Operator, Programs, evaluate, run, turns_of
from domains.quantum.statevector.compiled import compiled
from domains.quantum.statevector.descent import descend
from domains.quantum.statevector.vectors import copy
from poets_core.types import F8, I8


@compiled
def all_states(operator: Operator, programs: Programs, free: F8) -> F8:
    """Return the states of all circuits, f8 (b, size, 2)."""
    size = operator.factors.shape[1]
    states = np.zeros((len(programs.real), size, 2))
    w = np.empty(2 * size)
    for b in range(len(programs.real)):
        planes = 1 if programs.real[b] else 2
        gates = programs.gates[programs.bounds[b] : programs.bounds[b + 1]]
        fixed = programs.angles[programs.bounds[b] : programs.bounds[b + 1]]
        turns = np.empty((len(gates), 2))
        for k in range(planes):
            copy(operator.start[k], w[k * size : (k + 1) * size])
        turns_of(gates, fixed, free[programs.places[b] : programs.places[b + 1]], turns)
        run(gates, turns, w[: planes * size], size)
        for k in range(planes):
            for i in range(size):
                states[b, i, k] = w[k * size + i]
    return states


@compiled
def all_values(operator: Operator, programs: Programs, free: F8, gradient: F8) -> F8:
    """Return the energies of all circuits, f8 (b,); write the gradient f8 (p,), or none into f8 (0,)."""
    size = operator.factors.shape[1]
    values = np.zeros(len(programs.real))
    w, moved = np.empty(4 * size), np.empty(size)
    for b in range(len(programs.real)):
        planes = 1 if programs.real[b] else 2
        gates = programs.gates[programs.bounds[b] : programs.bounds[b + 1]]
        fixed = programs.angles[programs.bounds[b] : programs.bounds[b + 1]]
        here = slice(programs.places[b], programs.places[b + 1])
        slopes = gradient[here] if len(gradient) else gradient
        turns = np.empty((len(gates), 2))
        values[b] = evaluate(operator, gates, fixed, free[here], planes, w[: 2 * planes * size], turns, moved, slopes)
    return values


@compiled
def all_descents(operator: Operator, programs: Programs, begin: F8, iterations: int) -> tuple[F8, I8, F8, F8]:
    """Descend from every start of every circuit; return energies, evaluations, last gradients and angles f8 (p,)."""
    number = len(programs.real)
    energies, used, steepest = np.empty(number), np.zeros(number, np.int64), np.zeros(number)
    best = np.zeros(begin.shape[1])
    for b in range(number):
        planes = 1 if programs.real[b] else 2
        gates = programs.gates[programs.bounds[b] : programs.bounds[b + 1]]
        fixed = programs.angles[programs.bounds[b] : programs.bounds[b + 1]]
        here = slice(programs.places[b], programs.places[b + 1])
        for k in range(len(begin)):
            energy, spent, last = descend(operator, gates, fixed, planes, begin[k, here], iterations)
            used[b] += spent
            if k == 0 or energy < energies[b]:
                energies[b], steepest[b] = energy, last
                copy(begin[k, here], best[here])
    return energies, used, steepest, best
