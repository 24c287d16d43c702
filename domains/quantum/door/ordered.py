"""Canonical order with the angles carried along: `circuit.canonical` for gates whose free angles have values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from domains.quantum.circuit import FREE, INVERSE, LEVELS, R1, Language, Op


def canonical_angles(
    ops: Sequence[Op], angles: Sequence[float], language: Language
) -> tuple[list[Op], tuple[float, ...]]:
    """Return the canonical circuit of the same state, and its free angles in its own gate order.

    The gates are those of `circuit.canonical`. Free rotations about one axis that meet become one, by the sum of their
    angles; one that is nan (not known) makes the sum nan.

    Args:
        ops: gates.
        angles: radians of the free ones, in the order of `ops`.
        language: the circuits allowed.
    """
    rest = iter(angles)
    kept: list[tuple[Op, float] | None] = []
    last: list[list[int]] = [[] for _ in range(language.qubits)]  # per qubit: indices into kept, oldest first
    for op in ops:
        value = next(rest) if op.angle == FREE else 0.0
        if op.gate == "cz" and op.qubits[::-1] in language.pairs:
            op = op._replace(qubits=(min(op.qubits), max(op.qubits)))
        tops = {last[q][-1] if last[q] else -1 for q in op.qubits}
        top = tops.pop() if len(tops) == 1 else -1
        before = kept[top] if top >= 0 else None
        if before is not None and before[0].qubits == op.qubits and _reduces(before[0], op):
            level = FREE if op.angle == FREE else (before[0].angle + op.angle) % LEVELS if op.angle >= 0 else 0
            if level:
                kept[top] = (op._replace(angle=level), before[1] + value)
                continue
            kept[top] = None
            for q in op.qubits:
                last[q].pop()
        elif op.angle != 0:
            for q in op.qubits:
                last[q].append(len(kept))
            kept.append((op, value))
    layer = [0] * language.qubits
    placed: list[tuple[int, int, Op, float]] = []
    for held in kept:
        if held is not None:
            op, value = held
            depth = max(layer[q] for q in op.qubits)
            for q in op.qubits:
                layer[q] = depth + 1
            placed.append((depth, min(op.qubits), op, value))
    placed.sort(key=lambda held: held[:2])  # no two gates of a layer share a qubit
    if not placed:
        return [Op("rz", (0,), FREE if language.free else 0)], (0.0,) if language.free else ()
    found = [held[2] for held in placed]
    return found, tuple(_short(held[3]) for held in placed if held[2].angle == FREE)


def _short(angle: float) -> float:
    """Return an angle as it is up to two turns, beyond that the same one within half a turn."""
    return angle if not abs(angle) > 4 * math.pi else math.remainder(angle, 2 * math.pi)


def _reduces(before: Op, op: Op) -> bool:
    """Whether two neighbours on the same qubits cancel or merge."""
    return before.gate == op.gate if op.gate in R1 else INVERSE.get(before.gate) == op.gate
