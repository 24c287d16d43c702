"""A quantum circuit as a drawing, from its canonical text: one gate a line, ``ry 2 a5``.

Own drawing, so that no page imports Qiskit. Shown as an image: the text of a
design never becomes markup of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pages.parts.look import BLUE, GREEN, ORANGE, PURPLE, Look

STEP, LINE, BOX, LEFT = 46, 40, 32, 44
PLAIN = "#B8C1CB"
"""Gates without an angle; dark letters are readable on it in both themes."""
LEVELS = 32
"""Angle levels of the circuit grammar: ``aK`` is 2 pi K / 32."""


@dataclass(frozen=True)
class Gate:
    """One operation: name, the qubits it acts on, and its angle as written (``""`` for none)."""

    name: str
    qubits: tuple[int, ...]
    angle: str = ""


def parse_circuit(text: str) -> list[Gate]:
    """Read canonical circuit text for drawing.

    Lines that are not ``name qubit [qubit] [angle]`` are skipped: the drawing shows
    what it understands, the text beside it shows everything.
    """
    gates = []
    for line in text.replace(";", "\n").splitlines():
        name, *rest = line.split() or [""]
        qubits = tuple(int(word) for word in rest if word.isdecimal() and len(word) <= 3)
        angle = next((word for word in rest if word.startswith("a")), "")
        if name.isalnum() and len(name) <= 8 and 1 <= len(qubits) <= 2 and len(set(qubits)) == len(qubits):
            gates.append(Gate(name.lower(), qubits, angle))
    return gates


def columns_of(gates: Sequence[Gate]) -> list[int]:
    """Place each gate in the first column where its wires (and those it crosses) are free."""
    free: dict[int, int] = {}
    places = []
    for gate in gates:
        wires = range(min(gate.qubits), max(gate.qubits) + 1)
        column = max((free.get(w, 0) for w in wires), default=0)
        free.update(dict.fromkeys(wires, column + 1))
        places.append(column)
    return places


def angle_text(angle: str, value: float | None = None) -> str:
    """Write an angle for people: ``a8`` is ``"π/2"``; a free angle shows the number found for it."""
    if value is not None:
        return f"{value:.2f}"
    level = angle[1:]
    if not level.isdecimal():
        return "free" if angle else ""
    top = int(level) % LEVELS
    if top == 0:
        return "0"
    bottom = LEVELS // 2
    while top % 2 == 0 and bottom > 1:
        top, bottom = top // 2, bottom // 2
    return ("π" if top == 1 else f"{top}π") + (f"/{bottom}" if bottom > 1 else "")


def circuit_svg(text: str, look: Look, qubits: int = 0, angles: Sequence[float] = ()) -> str:
    """Draw a circuit, qubit 0 on top.

    Args:
        text: canonical text, one gate a line.
        look: colours of the theme.
        qubits: number of wires; 0 takes as many as the gates need.
        angles: values of the rotation gates in order, where an optimiser found them.

    Returns:
        SVG text.
    """
    gates = parse_circuit(text)
    places = columns_of(gates)
    wires = max([qubits, *(q + 1 for g in gates for q in g.qubits)])
    width, height = LEFT + STEP * (max(places, default=0) + 1) + 20, LINE * wires + 14
    parts = [
        f'<text x="4" y="{_y(w) + 5}" font-size="13" fill="{look.muted}">q{w}</text>'
        f'<line x1="{LEFT - 12}" y1="{_y(w)}" x2="{width - 6}" y2="{_y(w)}" stroke="{look.muted}" stroke-width="1"/>'
        for w in range(wires)
    ]
    values = iter(angles if len(angles) == sum(1 for g in gates if g.angle) else ())
    for gate, column in zip(gates, places, strict=True):
        shown = angle_text(gate.angle, next(values, None)) if gate.angle else ""
        parts.append(_draw(gate, LEFT + STEP * column + STEP // 2, shown, look))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _y(wire: int) -> int:
    return LINE * wire + LINE // 2 + 4


def _draw(gate: Gate, x: int, angle: str, look: Look) -> str:
    ys = [_y(q) for q in gate.qubits]
    title = f"<title>{escape(gate.name)} on {', '.join(f'q{q}' for q in gate.qubits)} {escape(angle)}</title>"
    if len(ys) == 2:
        link = f'<line x1="{x}" y1="{min(ys)}" x2="{x}" y2="{max(ys)}" stroke="{look.text}" stroke-width="2"/>'
        if gate.name == "cx":
            ends = _dot(x, ys[0], look) + (
                f'<circle cx="{x}" cy="{ys[1]}" r="11" fill="{look.paper}" stroke="{look.text}" stroke-width="2"/>'
                f'<path d="M{x - 11} {ys[1]} h22 M{x} {ys[1] - 11} v22" stroke="{look.text}" stroke-width="2"/>'
            )
        elif gate.name == "cz":
            ends = _dot(x, ys[0], look) + _dot(x, ys[1], look)
        else:
            ends = _box(gate.name, x, ys[0], angle, PURPLE) + _box(gate.name, x, ys[1], "", PURPLE)
        return f"<g>{title}{link}{ends}</g>"
    colour = {"rx": ORANGE, "ry": GREEN, "rz": BLUE}.get(gate.name, PLAIN)
    return f"<g>{title}{_box(gate.name, x, ys[0], angle, colour)}</g>"


def _dot(x: int, y: int, look: Look) -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{look.text}"/>'


def _box(name: str, x: int, y: int, angle: str, colour: str) -> str:
    ink = "#FFFFFF" if colour == BLUE else "#11161D"
    label = escape({"sdg": "S†", "tdg": "T†"}.get(name, name.upper() if len(name) == 1 else name.capitalize()))
    lift = 1 if angle else 5
    second = f'<text x="{x}" y="{y + 12}" text-anchor="middle" font-size="9" fill="{ink}">{escape(angle)}</text>'
    return (
        f'<rect x="{x - BOX // 2 - 3}" y="{y - BOX // 2}" width="{BOX + 6}" height="{BOX}" rx="4" fill="{colour}"/>'
        f'<text x="{x}" y="{y + lift}" text-anchor="middle" font-size="13" font-weight="600" fill="{ink}">'
        f"{label}</text>" + (second if angle else "")
    )
