"""Sets the free angles of circuits: L-BFGS with the adjoint gradient, many circuits in step.

Each circuit starts from angles drawn from its own text, so that its energy is a
function of the circuit alone: not of the run's seed, nor of its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from domains.quantum.circuit import Op, text_of
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.simulator import Batch
from poets_core.keyed import rng_for
from poets_core.types import F8

CHUNK = 32
MEMORY = 8
ValueAndGradient = Callable[[F8], tuple[F8, F8]]


@dataclass(frozen=True)
class Optimised:
    """What the optimiser found: energies f8 (n,) and, per circuit, its free angles in gate order."""

    energies: F8
    angles: tuple[tuple[float, ...], ...]


def optimise_angles(
    circuits: Sequence[Sequence[Op]], hamiltonian: PauliSum, *, steps: int, iterations: int, start: int = 0
) -> Optimised:
    """Minimise the energy of each circuit over its free angles.

    Args:
        circuits: (n,) canonical gate lists.
        hamiltonian: energy to minimise; fixes the number of qubits.
        steps: longest circuit; pads every batch.
        iterations: gradient evaluations allowed to each circuit.
        start: number of the start; other numbers begin from other angles.

    Returns:
        Energies and angles in (-pi, pi].
    """
    energies: list[F8] = []
    angles: list[tuple[float, ...]] = []
    for at in range(0, len(circuits), CHUNK):
        part = circuits[at : at + CHUNK]
        batch = Batch(part, hamiltonian.qubits, steps)
        first = np.zeros((len(part), steps))
        for b, ops in enumerate(part):
            rng = rng_for(start, "angles", text_of(list(ops)))
            first[b, batch.free[b]] = rng.uniform(-np.pi, np.pi, int(batch.free[b].sum()))
        found = minimise(partial(batch.value_and_gradient, hamiltonian), first, iterations)
        found = np.pi - np.mod(np.pi - found, 2 * np.pi)
        energies.append(batch.energies(hamiltonian, found))
        angles += [tuple(found[b, batch.free[b]].tolist()) for b in range(len(part))]
    return Optimised(np.concatenate(energies) if energies else np.zeros(0), tuple(angles))


def minimise(function: ValueAndGradient, start: F8, evaluations: int) -> F8:
    """Minimise n separate functions at once by L-BFGS (Nocedal and Wright, algorithm 7.4).

    Every evaluation tries one step of every row; a row whose step fails the
    Armijo test shortens it by interpolation, the others turn to a new direction.

    Args:
        function: x f8 (n, p) -> values f8 (n,), gradients f8 (n, p), row by row.
        start: f8 (n, p).
        evaluations: calls of `function`.

    Returns:
        The best points seen, f8 (n, p).
    """
    x = start.copy()
    if evaluations <= 0:
        return x
    value, gradient = function(x)
    n, p = x.shape
    moved, turned = np.zeros((MEMORY, n, p)), np.zeros((MEMORY, n, p))
    weight = np.zeros((MEMORY, n))  # 1 / <moved, turned>; 0 marks an empty slot
    scale = 1.0 / np.maximum(1.0, np.linalg.norm(gradient, axis=1))
    direction = -scale[:, None] * gradient
    step = np.ones(n)
    for _ in range(evaluations - 1):
        slope = (gradient * direction).sum(axis=1)
        trial = x + step[:, None] * direction
        trial_value, trial_gradient = function(trial)
        good = trial_value <= value + 1e-4 * step * slope
        # Rows that failed: minimum of the parabola through value, slope and trial, kept within [0.1, 0.5].
        with np.errstate(divide="ignore", invalid="ignore"):
            shorter = -slope * step / (2 * ((trial_value - value) / step - slope))
        step = np.where(good, 1.0, np.clip(np.nan_to_num(shorter, nan=0.0), 0.1 * step, 0.5 * step))
        s, y = trial - x, trial_gradient - gradient
        curve = (s * y).sum(axis=1)
        keep = good & (curve > 1e-12)
        roll = keep[None, :, None]
        moved = np.where(roll, np.concatenate([moved[1:], s[None]]), moved)
        turned = np.where(roll, np.concatenate([turned[1:], y[None]]), turned)
        inverse = 1.0 / np.where(keep, curve, 1.0)
        weight = np.where(keep, np.concatenate([weight[1:], inverse[None]]), weight)
        scale = np.where(keep, curve / np.where(keep, (y * y).sum(axis=1), 1.0), scale)
        x = np.where(good[:, None], trial, x)
        value = np.where(good, trial_value, value)
        gradient = np.where(good[:, None], trial_gradient, gradient)
        fresh = _direction(gradient, moved, turned, weight, scale)
        direction = np.where(good[:, None], fresh, direction)
    return x


def _direction(gradient: F8, moved: F8, turned: F8, weight: F8, scale: F8) -> F8:
    """Two-loop recursion, newest pair last; empty slots have weight 0 and drop out."""
    q = gradient.copy()
    alphas = np.zeros_like(weight)
    for k in range(MEMORY - 1, -1, -1):
        alphas[k] = weight[k] * (moved[k] * q).sum(axis=1)
        q -= alphas[k][:, None] * turned[k]
    q *= scale[:, None]
    for k in range(MEMORY):
        beta = weight[k] * (turned[k] * q).sum(axis=1)
        q += (alphas[k] - beta)[:, None] * moved[k]
    return -q
