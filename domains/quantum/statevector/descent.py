"""L-BFGS for one circuit, compiled whole: no call returns to Python before the angles are found."""

from __future__ import annotations

import math

import numpy as np

from domains.quantum.statevector.circuits import Operator, evaluate
from domains.quantum.statevector.compiled import compiled
from domains.quantum.statevector.vectors import add, copy, dot, largest
from poets_core.types import F8, I8

MEMORY = 10
FLAT = 1e-9
"""A gradient whose largest entry is below this ends the descent."""
STILL = 1e-13
"""So do two steps one after the other that gain less than this, relative to 1 or to the value if that is larger."""


@compiled
def descend(operator: Operator, program: I8, fixed: F8, planes: int, x: F8, evaluations: int) -> tuple[int, float]:
    """Minimise the energy of a circuit over its free angles (Nocedal and Wright, algorithm 7.4).

    A step that fails the Armijo test is shortened to the minimum of the parabola through what is known, within a tenth
    and a half of it.

    Args:
        operator, program, fixed, planes: see `circuits.evaluate`.
        x: f8 (p,), where to begin; overwritten with the best angles, in (-pi, pi].
        evaluations: most gradients to compute.

    Returns:
        How many gradients were computed, and the largest entry of that at the best angles.
    """
    size, p = operator.factors.shape[1], len(x)
    w, moved, turns = np.empty(2 * planes * size), np.empty(size), np.empty((len(program), 2))
    gradient, there, trial, direction = np.zeros(p), np.empty(p), x.copy(), np.empty(p)
    steps, changes, weights = np.zeros((MEMORY, p)), np.zeros((MEMORY, p)), np.zeros(MEMORY)
    kept = still = used = 0
    value = slope = 0.0
    step = scale = 1.0
    while used < evaluations and p > 0:
        reached = evaluate(operator, program, fixed, trial, planes, w, turns, moved, there)
        used += 1
        little = STILL * max(1.0, abs(value))
        if used > 1 and not reached <= value + 1e-4 * step * slope:
            parabola = -slope * step * step / (2.0 * (reached - value - slope * step))
            step = min(max(parabola, 0.1 * step), 0.5 * step)
            # So near the minimum that rounding decides: the step cannot gain what counts as progress.
            if -step * slope < little:
                break
        else:
            if used > 1:
                still = still + 1 if value - reached < little else 0
                at = kept % MEMORY
                add(trial, -1.0, x, steps[at])
                add(there, -1.0, gradient, changes[at])
                curve, bend = dot(steps[at], changes[at]), dot(changes[at], changes[at])
                if curve > 1e-12 * bend:
                    weights[at], scale = 1.0 / curve, curve / bend
                    kept += 1
                step = 1.0
            else:
                step = 1.0 / max(1.0, math.sqrt(dot(there, there)))
            value = reached
            copy(trial, x)
            copy(there, gradient)
            if still == 2 or largest(gradient) <= FLAT:
                break
            turn(gradient, steps, changes, weights, kept, scale, direction)
            slope = dot(gradient, direction)
        add(x, step, direction, trial)
    for i in range(p):
        x[i] = math.pi - (math.pi - x[i]) % (2.0 * math.pi)
    return used, largest(gradient)


@compiled
def turn(gradient: F8, steps: F8, changes: F8, weights: F8, kept: int, scale: float, direction: F8) -> None:
    """Write minus the gradient times the estimated inverse Hessian into `direction`, f8 (p,).

    Args:
        gradient: f8 (p,).
        steps, changes: f8 (MEMORY, p), of the angles and of the gradient; pair k is in row k mod MEMORY.
        weights: f8 (MEMORY,), 1 / <step, change>.
        kept: pairs so far.
        scale: of the first estimate.
    """
    along = np.zeros(MEMORY)
    copy(gradient, direction)
    oldest = max(kept - MEMORY, 0)
    for k in range(kept - 1, oldest - 1, -1):
        at = k % MEMORY
        along[at] = weights[at] * dot(steps[at], direction)
        add(direction, -along[at], changes[at], direction)
    add(direction, scale - 1.0, direction, direction)
    for k in range(oldest, kept):
        at = k % MEMORY
        add(direction, along[at] - weights[at] * dot(changes[at], direction), steps[at], direction)
    add(direction, -2.0, direction, direction)
