"""States, energies and gradients of circuits. Each is computed alone: no result depends on what it came with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from domains.quantum.circuit import FREE, LEVELS, Op
from domains.quantum.hamiltonian import C16
from domains.quantum.observable import Observable
from domains.quantum.statevector.batches import all_circuits
from domains.quantum.statevector.circuits import Programs
from domains.quantum.statevector.gates import CODES, PAIRS, REAL, TURNS
from poets_core.types import F8, I8

Angles = Sequence[Sequence[float]]
"""Per circuit, the radians of its free angles in gate order."""


def states_of(circuits: Sequence[Sequence[Op]], observable: Observable, angles: Angles | None = None) -> C16:
    """Return the final states, c16 (b, 2^(n + idle)), from the observable's start.

    Args:
        circuits: (b,) gate lists; gates are those of `gates.CODES`.
        observable: gives start and number of qubits.
        angles: radians of the free angles; needed where there are any.

    Raises:
        ValueError: an unknown gate, no such qubit, or not one angle per free gate.
    """
    programs = programs_of(circuits, observable)
    free, made = free_of(programs, angles), observable.compiled
    planes = np.zeros((len(circuits), made.factors.shape[1], 2))
    all_circuits(made, programs, free[None], 0, np.zeros(0), planes)
    states: C16 = planes.view(np.complex128)[:, : observable.dimension, 0]
    return states


def energies_of(circuits: Sequence[Sequence[Op]], observable: Observable, angles: Angles | None = None) -> F8:
    """Return the expectations of the observable, f8 (b,); arguments and errors as of `states_of`."""
    programs = programs_of(circuits, observable)
    free, made = free_of(programs, angles), observable.compiled
    return all_circuits(made, programs, free[None], 0, np.zeros(0), np.zeros((0, 0, 2)))[0]


def values_and_gradients(
    circuits: Sequence[Sequence[Op]], observable: Observable, angles: Angles
) -> tuple[F8, tuple[F8, ...]]:
    """Return the expectations, f8 (b,), and per circuit the derivative by each free angle, f8 (p,).

    Arguments and errors as of `states_of`.
    """
    programs = programs_of(circuits, observable)
    free = free_of(programs, angles)
    gradient = np.zeros(len(free))
    values, _, _ = all_circuits(observable.compiled, programs, free[None], 0, gradient, np.zeros((0, 0, 2)))
    return values, tuple(np.split(gradient, programs.places[1:-1])) if len(circuits) else ()


_ROWS: dict[str, tuple[int, int, bool]] = {word: (CODES[word], 1 + (word in PAIRS), word in TURNS) for word in CODES}


def programs_of(circuits: Sequence[Sequence[Op]], observable: Observable) -> Programs:
    """Turn circuits into numbers.

    Raises:
        ValueError: an unknown gate, or no such qubit.
    """
    rows: list[tuple[int, int, int, int]] = []
    bounds, places = [0], [0]
    for ops in circuits:
        place = 0
        for gate, qubits, angle in ops:
            known = _ROWS.get(gate)
            if known is None or len(qubits) != known[1] or known[2] != (angle >= 0) or angle > FREE:
                raise ValueError(f"Expected a gate, one of {' '.join(CODES)}, got {Op(gate, qubits, angle)}.")
            # Levels are written as -2 - level, no angle as -1, until the numbers are in an array.
            rows.append((known[0], qubits[0], qubits[-1], place if angle == FREE else -2 - angle))
            place += angle == FREE
        bounds.append(len(rows))
        places.append(places[-1] + place)
    gates: I8 = np.array(rows, np.int64).reshape(-1, 4)
    pair = np.isin(gates[:, 0], [CODES[word] for word in PAIRS])
    # Compiled code checks no index.
    wrong = (gates[:, 1:3] < 0).any(1) | (gates[:, 1:3] >= observable.qubits).any(1)
    wrong |= pair & (gates[:, 1] == gates[:, 2])
    if wrong.any():
        code, first, second, _ = gates[wrong][0].tolist()
        word = next(word for word in CODES if CODES[word] == code)
        raise ValueError(f"Expected distinct qubits 0 .. {observable.qubits - 1}, got {word} {first} {second}.")
    levels = np.maximum(-2 - gates[:, 3], 0)
    gates[:, 3] = np.maximum(gates[:, 3], -1)
    starts = np.array(bounds)
    complex_before = np.concatenate([[0], np.cumsum(gates[:, 0] >= REAL)])
    real = (np.diff(complex_before[starts]) == 0) & observable.real
    return Programs(gates, 2 * math.pi / LEVELS * levels, starts, np.array(places), real)


def free_of(programs: Programs, angles: Angles | None) -> F8:
    """Return the free angles of all circuits, f8 (p,).

    Raises:
        ValueError: not one finite angle per free gate.
    """
    wanted = np.diff(programs.places)
    given = [0] * len(wanted) if angles is None else [len(part) for part in angles]
    if given != wanted.tolist():
        raise ValueError(f"Expected {wanted.tolist()} free angles, one per a* of each circuit, got {given}.")
    free = np.array([a for part in angles or () for a in part], np.float64)
    if not np.isfinite(free).all():
        raise ValueError("Expected finite angles in radians, got others.")
    return free
