"""Whole circuits, compiled: states, energies and gradients of one circuit or of many, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from domains.quantum.statevector.compiled import compiled
from domains.quantum.statevector.gates import apply, factors, slope
from domains.quantum.statevector.vectors import copy, dot, fill
from poets_core.types import F8, I8, Bool

LANES = 8
"""Amplitudes handled together; the number of amplitudes is a multiple."""


class Operator(NamedTuple):
    """A Hermitian matrix, as bit flips with factors and a projector.

    (H psi)[j] = sum_m factors[m, j] psi[j ^ flips[m]] (times i where `turned`) + weight v[j] <v|psi>.

    Attributes:
        flips: i8 (M,), sorted by their lowest 3 bits.
        turned: bool (M,), whether the factors are imaginary.
        factors: f8 (M, size).
        vector: f8 (2, size), real and imaginary parts of v.
        weight: real; 0 where there is no projector.
        start: f8 (2, size), real and imaginary parts of the state that circuits begin in.
    """

    flips: I8
    turned: Bool
    factors: F8
    vector: F8
    weight: float
    start: F8


class Programs(NamedTuple):
    """Circuits as numbers.

    Attributes:
        gates: i8 (G, 4), of all circuits: code, qubit, second qubit (or the same), place among the circuit's free
            angles or -1.
        angles: f8 (G,), radians of what is not free.
        bounds: i8 (b + 1,), where each circuit begins in `gates`.
        places: i8 (b + 1,), where each circuit begins in the free angles of all.
        real: bool (b,), whether all numbers of the circuit's states are real.
    """

    gates: I8
    angles: F8
    bounds: I8
    places: I8
    real: Bool


@compiled
def flip_product(factors: F8, flips: I8, turned: Bool, planes: int, x: F8, y: F8, moved: F8) -> None:
    """Add the bit-flip part of H x to y.

    The flip of the lowest 3 bits is made once for all that share it; what is left moves runs of at least 8 amplitudes.

    Args:
        factors, flips, turned: see `Operator`.
        planes: of x and y.
        x, y: f8 (planes * size,).
        moved: f8 (size,), room for work.
    """
    size = np.uint64(factors.shape[1])
    for plane in range(planes):
        source, low = np.uint64(plane) * size, -1
        for m in range(len(flips)):
            if flips[m] % LANES != low:
                low = flips[m] % LANES
                for j in range(size):
                    moved[j] = x[source + (j ^ np.uint64(low))]
            other = 1 - plane if turned[m] else plane
            sign = -1.0 if turned[m] and plane == 1 else 1.0
            high, goal, shift = np.uint64(flips[m] - low), np.uint64(other) * size, np.uint64(3)
            while (high >> shift) % np.uint64(2) == np.uint64(0) and np.uint64(1) << shift < size:
                shift += np.uint64(1)
            for k in range(size >> shift):
                base = k << shift
                back = base ^ high
                for i in range(np.uint64(1) << shift):
                    y[goal + base + i] += sign * factors[np.uint64(m), base + i] * moved[back + i]


@compiled
def turns_of(program: I8, fixed: F8, free: F8, out: F8) -> None:
    """Write the cosine and sine of every gate into out f8 (g, 2)."""
    for k in range(len(program)):
        place = program[k, 3]
        out[k, 0], out[k, 1] = factors(program[k, 0], free[place] if place >= 0 else fixed[k])


@compiled
def evaluate(
    operator: Operator, program: I8, fixed: F8, free: F8, planes: int, w: F8, turns: F8, moved: F8, gradient: F8
) -> float:
    """Return the energy of a circuit at these angles and write its gradient.

    Args:
        operator: energy and start.
        program: i8 (g, 4), see `Programs.gates`.
        fixed: f8 (g,). free: f8 (p,), radians.
        planes: 1 where all numbers are real, else 2.
        w: f8 (>= 2 planes size,), room for the state and the covector; the state is left in it where no gradient is.
        turns: f8 (g, 2), room. moved: f8 (size,), room.
        gradient: f8 (p,), overwritten; f8 (0,) where none is wanted.
    """
    size = operator.factors.shape[1]
    whole = planes * size
    psi, covector = w[:whole], w[whole : 2 * whole]
    for k in range(planes):
        copy(operator.start[k], psi[k * size : (k + 1) * size])
    turns_of(program, fixed, free, turns)
    one, two = np.uint64(size), np.uint64(whole)
    for k in range(len(program)):
        apply(w, two, one, program[k, 0], program[k, 1], program[k, 2], turns[k, 0], turns[k, 1])
    fill(0.0, covector)
    flip_product(operator.factors, operator.flips, operator.turned, planes, psi, covector, moved)
    if operator.weight != 0.0:
        project(operator, planes, psi, covector)
    value = dot(psi, covector)
    left = len(gradient)
    for k in range(len(program) - 1, -1, -1):
        if left == 0:
            break
        if program[k, 3] >= 0:
            gradient[program[k, 3]] = slope(w, one, planes, program[k, 0], program[k, 1], program[k, 2])
            left -= 1
        apply(w, two + two, one, program[k, 0], program[k, 1], program[k, 2], turns[k, 0], -turns[k, 1])
    return value


@compiled
def project(operator: Operator, planes: int, x: F8, y: F8) -> None:
    """Add weight v <v|x> to y."""
    size, v = operator.factors.shape[1], operator.vector
    re, im = dot(v[0], x[:size]), 0.0
    if planes == 2:
        re += dot(v[1], x[size:])
        im = dot(v[0], x[size:]) - dot(v[1], x[:size])
    re, im = operator.weight * re, operator.weight * im
    for i in range(size):
        y[i] += v[0, i] * re - v[1, i] * im
    if planes == 2:
        for i in range(size):
            y[size + i] += v[0, i] * im + v[1, i] * re
