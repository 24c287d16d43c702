"""How circuits are drawn, from their canonical text: one gate a line, ``ry 2 a5``.

The drawing is SVG text without any plotting library, in which every word of a
design is escaped. It shows the gates that it understands and skips the rest,
because the text may be whatever a model wrote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from domains.entry import Drawing
from domains.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, Colours, ink_on
from domains.quantum.circuit import FREE, LEVELS, Op

STEP, LINE, BOX, LEFT = 46, 40, 32, 44
BEGIN = 26
"""Pixels for the states that qubits begin in, where some begin in |1>."""
NARROW, WIDE = 12, 20
"""Columns of gates a row; a longer circuit goes on below, so that its gates stay readable."""
COLOUR = {"rx": ORANGE, "ry": GREEN, "rz": BLUE}
"""Rotations have a colour for their axis; other gates are grey."""
NAMES = {"sdg": "S†", "tdg": "T†"}


def draw(
    design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any], colours: Colours, narrow: bool
) -> Drawing | None:
    """Draw a circuit, see `domains.entry.Draw`; `details` hold the angles that were found for it."""
    ops = read_gates(design)
    if not ops:
        return None
    qubits, angles, start = facts.get("qubits"), details.get("angles"), facts.get("start", ())
    ones = [q for q in start if isinstance(q, int)] if isinstance(start, Sequence) else []
    two = sum(len(op.qubits) == 2 for op in ops)
    return Drawing(
        svg=circuit_svg(
            ops,
            colours,
            qubits if isinstance(qubits, int) else 0,
            angles if isinstance(angles, Sequence) and not isinstance(angles, str) else (),
            per_row=NARROW if narrow else WIDE,
            start=ones,
        ),
        says=f"circuit of {len(ops)} gates, {two} of them on two qubits",
        note=f"{len(ops)} gates, {two} of them on two qubits. Qubit 0 is on top.{_begin(ones)}",
    )


def _begin(ones: Sequence[int]) -> str:
    return f" {', '.join(f'q{q}' for q in ones)} begin{'s' if len(ones) == 1 else ''} in |1⟩." if ones else ""


def read_gates(text: str) -> list[Op]:
    """Read the gates of canonical text, skipping lines that are not ``name qubit [qubit] [angle]``.

    Unlike `domains.quantum.circuit.parse` it knows no language and refuses nothing.
    """
    ops = []
    for line in text.replace(";", "\n").splitlines():
        name, *rest = line.split() or [""]
        qubits = tuple(int(word) for word in rest if word.isdecimal() and len(word) <= 3)
        angle = next((_level(word) for word in rest if word.startswith("a")), -1)
        if name.isalnum() and len(name) <= 8 and 1 <= len(qubits) <= 2 and len(set(qubits)) == len(qubits):
            ops.append(Op(name.lower(), qubits, angle))
    return ops


def _level(word: str) -> int:
    level = word[1:]
    return int(level) % LEVELS if level.isdecimal() and len(level) <= 3 else FREE


def columns_of(ops: Sequence[Op]) -> list[int]:
    """Place each gate in the first column where its wires (and those it crosses) are free."""
    free: dict[int, int] = {}
    places = []
    for op in ops:
        wires = range(min(op.qubits), max(op.qubits) + 1)
        column = max((free.get(w, 0) for w in wires), default=0)
        free.update(dict.fromkeys(wires, column + 1))
        places.append(column)
    return places


def angle_text(level: int, value: float | None = None) -> str:
    """Write an angle in units of pi: level 8 is ``"π/2"``; a free angle shows the number found for it.

    Args:
        level: angle code of an `Op`.
        value: radians of a free angle, None while nobody has found them.
    """
    if level < 0:
        return ""
    if level == FREE:
        # round() first: an angle next to zero is 0.00, not minus it. The minus is the sign, not a hyphen.
        return "free" if value is None else f"{round(value / math.pi, 2) + 0.0:.2f}π".replace("-", "−")
    turn = Fraction(2 * level, LEVELS)
    top = "" if turn.numerator == 1 else str(turn.numerator)
    return "0" if not turn else f"{top}π" + (f"/{turn.denominator}" if turn.denominator > 1 else "")


def circuit_svg(
    ops: Sequence[Op],
    colours: Colours,
    qubits: int = 0,
    angles: Sequence[float] = (),
    per_row: int = 0,
    start: Sequence[int] = (),
) -> str:
    """Draw gates in columns, qubit 0 on top.

    Args:
        ops: gates in order.
        colours: of the page.
        qubits: number of wires; 0 takes as many as the gates need.
        angles: radians of the free angles in gate order; left out where their number is another one.
        per_row: columns a row at most, 0 for all in one; rows are alike in length.
        start: qubits that begin in |1>, which the first row says.

    Returns:
        SVG text.
    """
    places = columns_of(ops)
    wires = max([qubits, *(q + 1 for op in ops for q in op.qubits)])
    columns = max(places, default=0) + 1
    rows, tall = -(-columns // (per_row or columns)), LINE * wires + 14
    per_row, left = -(-columns // rows), LEFT + (BEGIN if start else 0)
    width, height = left + STEP * min(columns, per_row) + 20, rows * tall
    named = [f"q{w} |1⟩" if w in start else f"q{w} |0⟩" if start else f"q{w}" for w in range(wires)]
    parts = [
        _wire(_y(w), row * tall, left, width, named[w] if row == 0 else f"q{w}", colours)
        for row in range(rows)
        for w in range(wires)
    ]
    free = sum(op.angle == FREE for op in ops)
    values = iter(angles if len(angles) == free else ())
    for op, column in zip(ops, places, strict=True):
        angle = angle_text(op.angle, next(values, None) if op.angle == FREE else None)
        row, at = divmod(column, per_row)
        parts.append(_gate(op, left + STEP * at + STEP // 2, row * tall, angle, colours))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _y(wire: int) -> int:
    return LINE * wire + LINE // 2 + 4


def _wire(at: int, top: int, left: int, width: int, name: str, colours: Colours) -> str:
    y = top + at
    return (
        f'<text x="4" y="{y + 5}" font-size="13" fill="{colours.muted}">{name}</text>'
        f'<line x1="{left - 12}" y1="{y}" x2="{width - 6}" y2="{y}" stroke="{colours.muted}" stroke-width="1"/>'
    )


def _gate(op: Op, x: int, top: int, angle: str, colours: Colours) -> str:
    ys = [top + _y(q) for q in op.qubits]
    title = f"<title>{escape(op.gate)} on {', '.join(f'q{q}' for q in op.qubits)} {escape(angle)}</title>"
    if len(ys) == 1:
        return f"<g>{title}{_box(op.gate, x, ys[0], angle, COLOUR.get(op.gate, GREY))}</g>"
    ink = f'stroke="{colours.text}" stroke-width="2"'
    link = f'<line x1="{x}" y1="{min(ys)}" x2="{x}" y2="{max(ys)}" {ink}/>'
    if op.gate == "cx":
        ends = _dot(x, ys[0], colours) + (
            f'<circle cx="{x}" cy="{ys[1]}" r="11" fill="{colours.paper}" {ink}/>'
            f'<path d="M{x - 11} {ys[1]} h22 M{x} {ys[1] - 11} v22" {ink}/>'
        )
    elif op.gate == "cz":
        ends = _dot(x, ys[0], colours) + _dot(x, ys[1], colours)
    else:
        ends = _box(op.gate, x, ys[0], angle, PURPLE) + _box(op.gate, x, ys[1], "", PURPLE)
    return f"<g>{title}{link}{ends}</g>"


def _dot(x: int, y: int, colours: Colours) -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{colours.text}"/>'


def _box(name: str, x: int, y: int, angle: str, colour: str) -> str:
    ink = ink_on(colour)
    label = escape(NAMES.get(name, name.upper() if len(name) == 1 else name.capitalize()))
    second = f'<text x="{x}" y="{y + 12}" text-anchor="middle" font-size="9" fill="{ink}">{escape(angle)}</text>'
    return (
        f'<rect x="{x - BOX // 2 - 3}" y="{y - BOX // 2}" width="{BOX + 6}" height="{BOX}" rx="4" fill="{colour}"/>'
        f'<text x="{x}" y="{y + (1 if angle else 5)}" text-anchor="middle" font-size="13" font-weight="600" '
        f'fill="{ink}">{label}</text>' + (second if angle else "")
    )
