"""A circuit as an SVG, without any plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from domains.quantum.circuit import FREE, LEVELS, Op

_STEP, _ROW, _LEFT, _BOX = 46, 40, 44, 36
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
    'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="{label}">'
    '<rect width="{w}" height="{h}" fill="#ffffff"/>'
)


def circuit_svg(ops: Sequence[Op], qubits: int, angles: Sequence[float] = ()) -> str:
    """Draw gates in columns, qubit 0 on top; free angles are shown in units of pi.

    Args:
        ops: gates in order.
        qubits: number of wires.
        angles: radians of the free angles in gate order; a missing one is drawn as a star.
    """
    column = [0] * qubits
    rest = iter(angles)
    parts: list[str] = []
    for op in ops:
        low, high = min(op.qubits), max(op.qubits)
        at = max(column[low : high + 1])  # a line between two wires must cross no box
        column[low : high + 1] = [at + 1] * (high + 1 - low)
        x = _LEFT + at * _STEP + _STEP // 2
        if len(op.qubits) == 2:
            parts.append(_link(op, x))
        else:
            angle = next(rest, None) if op.angle == FREE else None
            parts.append(_box(op, x, _y(op.qubits[0]), _angle_label(op, angle)))
    width, height = _LEFT + max(column) * _STEP + 12, qubits * _ROW + 8
    wires = [
        f'<text x="6" y="{_y(q) + 4}" fill="#1f2937">q{q}</text>'
        f'<line x1="{_LEFT - 14}" y1="{_y(q)}" x2="{width - 4}" y2="{_y(q)}" stroke="#6b7280"/>'
        for q in range(qubits)
    ]
    head = _HEAD.format(w=width, h=height, label=f"circuit of {len(ops)} gates on {qubits} qubits")
    return head + "".join(wires) + "".join(parts) + "</svg>"


def _y(qubit: int) -> int:
    return qubit * _ROW + _ROW // 2 + 4


def _angle_label(op: Op, angle: float | None) -> str:
    if op.angle < 0:
        return ""
    if op.angle != FREE:
        turn = Fraction(2 * op.angle, LEVELS)
        top = "" if turn.numerator == 1 else str(turn.numerator)
        return "0" if not turn else f"{top}π" + (f"/{turn.denominator}" if turn.denominator > 1 else "")
    return "*" if angle is None else f"{angle / 3.141592653589793:.2f}π"


def _box(op: Op, x: int, y: int, label: str) -> str:
    name = "S†" if op.gate == "sdg" else op.gate.upper()
    box = (
        f'<rect x="{x - _BOX // 2}" y="{y - 15}" width="{_BOX}" height="30" rx="3" fill="#e0e7ff" stroke="#3730a3"/>'
        f'<text x="{x}" y="{y - 1 if label else y + 4}" text-anchor="middle" fill="#1e1b4b">{name}</text>'
    )
    small = f'<text x="{x}" y="{y + 11}" text-anchor="middle" font-size="9" fill="#1e1b4b">{label}</text>'
    return box + (small if label else "")


def _link(op: Op, x: int) -> str:
    a, b = (_y(q) for q in op.qubits)
    line = f'<line x1="{x}" y1="{a}" x2="{x}" y2="{b}" stroke="#111827" stroke-width="1.5"/>'
    dot = f'<circle cx="{x}" cy="{a}" r="4.5" fill="#111827"/>'
    if op.gate == "cz":
        return line + dot + f'<circle cx="{x}" cy="{b}" r="4.5" fill="#111827"/>'
    plus = (
        f'<circle cx="{x}" cy="{b}" r="9" fill="#ffffff" stroke="#111827" stroke-width="1.5"/>'
        f'<path d="M{x - 9} {b}H{x + 9}M{x} {b - 9}V{b + 9}" stroke="#111827" stroke-width="1.5"/>'
    )
    return line + dot + plus
