"""The front of error against two-qubit gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domains.entry import Known
from domains.quantum.circuit import count_two
from domains.quantum.drawing import read_gates

FINEST = 1e-12
"""Errors below cannot be told from rounding, and a logarithm has no 0."""
ALIKE = 1.01
"""Errors within this factor of the least are alike."""


@dataclass(frozen=True)
class Measured:
    """A circuit as the views need it.

    Attributes:
        design, name: see `domains.entry.Known`.
        error: above the best value. cx, depth: of the circuit.
        angles: radians of the free angles, in gate order.
    """

    design: str
    name: str
    error: float
    cx: int
    depth: int
    angles: tuple[float, ...]


def measured_of(designs: Sequence[Known]) -> list[Measured]:
    """Return the circuits whose error is known."""
    found = []
    for d in designs:
        error, cx = d.details.get("error"), d.details.get("n_cx")
        if not isinstance(error, int | float):
            continue
        ops = read_gates(d.design)
        angles = tuple(float(a) for a in d.details.get("angles", ()) if isinstance(a, int | float))
        depth = d.details.get("depth", 0)
        count = cx if isinstance(cx, int) else count_two(ops)
        found.append(Measured(d.design, d.name, float(error), count, int(depth), angles))
    return found


def front_of(known: Sequence[Measured]) -> list[Measured]:
    """Return the circuits that no other beats in both error and CX, fewest CX first."""
    found: list[Measured] = []
    for m in sorted(known, key=lambda m: (m.cx, m.error)):
        if not found or m.error < found[-1].error:
            found.append(m)
    return found


def hypervolume(known: Sequence[Measured], product: float, budget: int) -> float:
    """Return what a front is worth: decades below the error of a product state, summed over CX budgets 1 .. budget.

    It is the area between the front and that error where errors are logarithms.

    Args:
        known: circuits. product: error of the best product state. budget: most two-qubit gates.
    """
    front, total = front_of(known), 0.0
    for k in range(1, budget + 1):
        error = min((m.error for m in front if m.cx <= k), default=product)
        total += max(0.0, math.log10(product / max(error, FINEST)))
    return total


def best_of(known: Sequence[Measured]) -> Measured:
    """Return the circuit with the least error; of those that are alike, the one with the fewest CX."""
    least = max(min(m.error for m in known), 0.0)
    return min((m for m in known if m.error <= least * ALIKE + 1e-9), key=lambda m: (m.cx, m.error))
