"""Pruning: gates that do not matter are taken out of a circuit, and its angles set again.

What HamQASBench (arXiv 2607.04845) calls redundancy is what this finds: rotations by nothing, two-qubit gates that
cancel, and gates without which the optimiser reaches the same value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domains.quantum.angles import minimised
from domains.quantum.circuit import FREE, Language, Op, canonical_angles, count_two, text_of
from domains.quantum.dressing import undressed
from domains.quantum.energy import CircuitEnergy
from domains.quantum.simulator import energies_of, programs_of
from poets_core.keyed import rng_for

NEAR_ZERO = 1e-4
"""Radians below which a rotation is no rotation; what it did is set right by the others."""
ITERATIONS = 400
AWAY = (0.3, 1.0, 3.0)
"""Radians, the deviations of further starts from where angles are."""
MOST = 60
"""Gates beyond which they are not tried one by one."""


@dataclass(frozen=True)
class Pruned:
    """A circuit before and after.

    Attributes:
        ops, angles: afterwards: gates, and radians of the free ones in gate order.
        value: energy, or minus fidelity, afterwards; before: before.
        removed: how many gates are gone; removed_two: how many of them on two qubits.
    """

    ops: tuple[Op, ...]
    angles: tuple[float, ...]
    value: float
    before: float
    removed: int
    removed_two: int


def prune(energy: CircuitEnergy, ops: Sequence[Op], angles: Sequence[float], *, allowed: float) -> Pruned:
    """Take out what does not matter.

    Two-qubit gates are tried first, then rotations, until none can go.

    Args:
        energy: what circuits are judged by.
        ops: canonical gates with free angles.
        angles: radians, in gate order.
        allowed: how much the value may grow in all.
    """
    language = undressed(energy.language)
    before = float(energies_of([ops], energy.observable, [angles])[0])
    limit = before + allowed
    gates, radians, value = _tidied(energy, language, list(ops), list(angles), limit, before)
    tried = True
    while tried and len(gates) <= MOST:
        tried = False
        # Two-qubit gates are what costs; of the others the smallest angles are the likeliest to go.
        for at in _order(gates, radians):
            found = _without(energy, language, gates, radians, at)
            if found is not None and found[2] <= limit:
                gates, radians, value = _tidied(energy, language, *found[:2], limit, found[2])
                tried = True
                break
    lost = len(ops) - len(gates)
    return Pruned(tuple(gates), tuple(radians), value, before, lost, count_two(list(ops)) - count_two(gates))


def _order(gates: Sequence[Op], radians: Sequence[float]) -> list[int]:
    values = iter(radians)
    size = [abs(math.remainder(next(values), 2 * math.pi)) if op.angle == FREE else 0.0 for op in gates]
    return sorted(range(len(gates)), key=lambda k: (len(gates[k].qubits) == 1, size[k], k))


def _tidied(
    energy: CircuitEnergy, language: Language, gates: list[Op], radians: list[float], limit: float, value: float
) -> tuple[list[Op], list[float], float]:
    """Take out all rotations by next to nothing and all pairs that cancel, if the value then stays within the limit."""
    rest = iter(radians)
    kept: list[Op] = []
    angles: list[float] = []
    for op in gates:
        angle = next(rest) if op.angle == FREE else None
        if angle is not None and abs(math.remainder(angle, 2 * math.pi)) < NEAR_ZERO:
            continue
        kept.append(op)
        angles += [] if angle is None else [angle]
    made, values = canonical_angles(kept, angles, language)
    if made == list(gates):
        return gates, radians, value
    found, reached = _optimised(energy, made, values)
    return (made, found, reached) if reached <= limit else (gates, radians, value)


def _without(
    energy: CircuitEnergy, language: Language, gates: Sequence[Op], radians: Sequence[float], at: int
) -> tuple[list[Op], list[float], float] | None:
    """Return the circuit without one gate, its angles set again from where they are; None where nothing is left."""
    place = sum(op.angle == FREE for op in gates[:at])
    fewer = [*gates[:at], *gates[at + 1 :]]
    angles = [*radians[:place], *radians[place + (gates[at].angle == FREE) :]]
    if not fewer:
        return None
    made, values = canonical_angles(fewer, angles, language)
    found, reached = _optimised(energy, made, values)
    return made, found, reached


def _optimised(energy: CircuitEnergy, gates: Sequence[Op], angles: Sequence[float]) -> tuple[list[float], float]:
    # From where the angles are, and from elsewhere: without a gate they may stand on a saddle, where no slope leads on.
    begin = np.tile(np.asarray(angles, np.float64), (1 + len(AWAY), 1))
    for k, far in enumerate(AWAY, start=1):
        begin[k] += far * rng_for(k, "prune", text_of(list(gates))).standard_normal(len(angles))
    programs = programs_of([gates], energy.observable)
    found = minimised(programs, energy.observable, begin, ITERATIONS)
    return list(found.angles[0]), float(found.energies[0])
