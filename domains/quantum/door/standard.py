"""The gates that other tools name, and what each is in simpler ones, exactly up to a global phase.

A gate's parts are applied from left to right; wire k is the k-th qubit of the gate. Chains end at the words of the
language (`circuit.GATES`). Angles are radians; one that is not known yet is nan, and stays so.

Sources: Qiskit's circuit library and OpenQASM's qelib1.inc; tests compare every gate with Qiskit's matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

PI = math.pi
EXACT = 1e-12
"""Angles this near to a special value are that value: what is left of it is rounding."""


class Part(NamedTuple):
    """One gate: its name, its angles in radians, its wires."""

    name: str
    params: tuple[float, ...]
    wires: tuple[int, ...]


class Standard(NamedTuple):
    """A gate that is known by name: numbers of angles and of qubits, and its parts; None for a word."""

    params: int
    qubits: int
    parts: Callable[..., list[Part]] | None


def _part(word: str, *wires: int) -> Part:
    return Part(word, (), wires)


def _parts(text: str) -> list[Part]:
    """Read gates without angles: ``"h 1; cx 0 1"``."""
    return [_part(word, *map(int, wires)) for word, *wires in (gate.split() for gate in text.split(";"))]


def _turn(axis: str, angle: float, wire: int) -> Part:
    return Part(axis, (angle,), (wire,))


def near(angle: float, value: float) -> bool:
    """Whether an angle is a value, up to whole turns and rounding; nan is near nothing."""
    return abs(math.remainder(angle - value, 2 * PI)) < EXACT


def _u(theta: float, phi: float, lam: float) -> list[Part]:
    """U = rz(phi) ry(theta) rz(lam), and h, x where it is one of them."""
    if near(theta, PI / 2) and near(phi, 0) and near(lam, PI):
        return [_part("h", 0)]
    if near(theta, PI) and near(lam - phi, PI):
        return [_part("x", 0)]
    if near(theta, 0):
        return [] if near(phi + lam, 0) else [_turn("rz", phi + lam, 0)]
    turns = [_turn("rz", lam, 0), _turn("ry", theta, 0), _turn("rz", phi, 0)]
    return [t for t in turns if not near(t.params[0], 0)]


def _cp(angle: float) -> list[Part]:
    if near(angle, 0):
        return []
    if near(angle, PI):
        return [_part("cz", 0, 1)]
    cx = _part("cx", 0, 1)
    return [_turn("rz", angle / 2, 0), cx, _turn("rz", -angle / 2, 1), cx, _turn("rz", angle / 2, 1)]


def _controlled(axis: str, angle: float) -> list[Part]:
    """Controlled ry or rz: half of the turn, and half of it back where the control is 0."""
    cx = _part("cx", 0, 1)
    return [_turn(axis, angle / 2, 1), cx, _turn(axis, -angle / 2, 1), cx]


def _cu(theta: float, phi: float, lam: float, gamma: float) -> list[Part]:
    cx = _part("cx", 0, 1)
    turns = [
        _turn("rz", gamma + (lam + phi) / 2, 0),
        _turn("rz", (lam - phi) / 2, 1),
        cx,
        Part("u", (-theta / 2, 0.0, -(phi + lam) / 2), (1,)),
        cx,
        Part("u", (theta / 2, phi, 0.0), (1,)),
    ]
    return [t for t in turns if t.name != "rz" or not near(t.params[0], 0)]


def _rzz(angle: float) -> list[Part]:
    cx = _part("cx", 0, 1)
    return [cx, _turn("rz", angle, 1), cx]


def _rxx(angle: float) -> list[Part]:
    return [*_parts("h 0; h 1"), *_rzz(angle), *_parts("h 0; h 1")]


def _ryy(angle: float) -> list[Part]:
    before, after = ([_turn("rx", turn, k) for k in (0, 1)] for turn in (PI / 2, -PI / 2))
    return [*before, *_rzz(angle), *after]


def _r(theta: float, phi: float) -> list[Part]:
    return [_turn("rz", -phi, 0), _turn("rx", theta, 0), _turn("rz", phi, 0)]


def _fixed(qubits: int, text: str) -> Standard:
    return Standard(0, qubits, lambda: _parts(text))


def _rotation(axis: str, angle: float) -> Standard:
    return Standard(0, 1, lambda: [_turn(axis, angle, 0)])


_P = Standard(1, 1, lambda angle: [_turn("rz", angle, 0)])
_U = Standard(3, 1, _u)
_CP = Standard(1, 2, _cp)
_CCX = "h 2; cx 1 2; tdg 2; cx 0 2; t 2; cx 1 2; tdg 2; cx 0 2; t 1; t 2; h 2; cx 0 1; t 0; tdg 1; cx 0 1"

STANDARD: dict[str, Standard] = {
    **{word: Standard(0, 1, None) for word in ("h", "x", "s", "sdg", "t")},
    **{word: Standard(1, 1, None) for word in ("rx", "ry", "rz")},
    **{word: Standard(0, 2, None) for word in ("cx", "cz")},
    "CX": _fixed(2, "cx 0 1"),
    "cnot": _fixed(2, "cx 0 1"),
    "id": Standard(0, 1, list),
    "u0": Standard(1, 1, lambda _: []),
    "y": _rotation("ry", PI),
    "z": _rotation("rz", PI),
    "tdg": _rotation("rz", -PI / 4),
    "sx": _rotation("rx", PI / 2),
    "sxdg": _rotation("rx", -PI / 2),
    "p": _P,
    "phase": _P,
    "u1": _P,
    "u2": Standard(2, 1, lambda phi, lam: _u(PI / 2, phi, lam)),
    "u3": _U,
    "u": _U,
    "U": _U,
    "r": Standard(2, 1, _r),
    "cy": _fixed(2, "sdg 1; cx 0 1; s 1"),
    "ch": _fixed(2, "s 1; h 1; t 1; cx 0 1; tdg 1; h 1; sdg 1"),
    "cp": _CP,
    "cphase": _CP,
    "cu1": _CP,
    "cs": Standard(0, 2, lambda: _cp(PI / 2)),
    "csdg": Standard(0, 2, lambda: _cp(-PI / 2)),
    "csx": Standard(0, 2, lambda: [_part("h", 1), *_cp(PI / 2), _part("h", 1)]),
    "crx": Standard(1, 2, lambda a: [_part("h", 1), *_controlled("rz", a), _part("h", 1)]),
    "cry": Standard(1, 2, lambda a: _controlled("ry", a)),
    "crz": Standard(1, 2, lambda a: _controlled("rz", a)),
    "cu3": Standard(3, 2, lambda theta, phi, lam: _cu(theta, phi, lam, 0.0)),
    "cu": Standard(4, 2, _cu),
    "swap": _fixed(2, "cx 0 1; cx 1 0; cx 0 1"),
    "iswap": _fixed(2, "s 0; s 1; h 0; cx 0 1; cx 1 0; h 1"),
    "dcx": _fixed(2, "cx 0 1; cx 1 0"),
    "ecr": _fixed(2, "s 0; sx 1; cx 0 1; x 0"),
    "rzz": Standard(1, 2, _rzz),
    "rxx": Standard(1, 2, _rxx),
    "ryy": Standard(1, 2, _ryy),
    "rzx": Standard(1, 2, lambda a: [_part("h", 1), *_rzz(a), _part("h", 1)]),
    "ccx": _fixed(3, _CCX),
    "ccz": _fixed(3, "h 2; ccx 0 1 2; h 2"),
    "cswap": _fixed(3, "cx 2 1; ccx 0 1 2; cx 2 1"),
}
"""Every gate that is read by name; definitions in a file come first."""
_ALIASES = "i:id si:sdg ti:tdg v:sx vi:sxdg phaseshift:p cphaseshift:cp ccnot:ccx toffoli:ccx fredkin:cswap cv:csx"
"""What Braket and others call them."""
BRAKET = {"xx": "rxx", "yy": "ryy", "zz": "rzz"}
"""Names so short that a person should be told what they were taken for: exp(-i angle/2 XX)."""


def _alias(name: str) -> Standard:
    known = STANDARD[name]
    return known._replace(parts=lambda *params: [Part(name, params, tuple(range(known.qubits)))])


STANDARD.update((other, _alias(name)) for other, name in (pair.split(":") for pair in _ALIASES.split()))
STANDARD.update((other, _alias(name)) for other, name in BRAKET.items())
RARER = {
    "c3x": (0, 4),
    "c4x": (0, 5),
    "c3sqrtx": (0, 4),
    "rccx": (0, 3),
    "rc3x": (0, 4),
    "xx_plus_yy": (2, 2),
    "xx_minus_yy": (2, 2),
}
"""Gates that Qiskit takes apart when they are met: numbers of angles and of qubits."""


def words_of(name: str, params: tuple[float, ...], wires: tuple[int, ...]) -> list[Part]:
    """Return a standard gate as words of the language, exactly up to a global phase.

    Args:
        name: a key of `STANDARD`, with its numbers of angles and wires.
        params: radians.
        wires: qubits.

    Returns:
        Parts whose names are among `circuit.GATES`, left to right. A word is itself.
    """
    parts = STANDARD[name].parts
    if parts is None:
        return [Part(name, params, wires)]
    made = [(part, tuple(wires[k] for k in part.wires)) for part in parts(*params)]
    return [word for part, on in made for word in words_of(part.name, part.params, on)]
