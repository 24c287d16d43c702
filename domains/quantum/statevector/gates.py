"""Gates on a statevector, in place and compiled.

A state is one or two planes of `size` real numbers: real parts alone where nothing is complex, else real parts, then
imaginary parts. An array `w` f8 (copies * planes * size,) holds one or more states, one after the other. Gates with
real matrices treat each plane as a further state, so they know nothing of planes.
"""

from __future__ import annotations

import math

from domains.quantum.statevector.compiled import compiled
from poets_core.types import F8, I8

REALS = ("h", "x", "z", "ry", "cx", "cz", "swap")
"""Gates with real matrices; their codes are below `REAL`."""
COMPLEX = ("y", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "rz", "p", "rxx", "ryy", "rzz")
CODES = {word: code for code, word in enumerate(REALS + COMPLEX)}
"""Every gate that can be simulated, by Qiskit's name of it."""
TURNS = ("rx", "ry", "rz", "p", "rxx", "ryy", "rzz")
"""Gates with an angle."""
PAIRS = ("cx", "cz", "swap", "rxx", "ryy", "rzz")
"""Gates on two qubits, control first."""
H, X, Z, RY, CX, CZ, SWAP, Y, S, SDG, T, TDG, SX, SXDG, RX, RZ, P, RXX, RYY, RZZ = range(len(CODES))
REAL = len(REALS)
ROOT = math.sqrt(0.5)


@compiled
def factors(code: int, angle: float) -> tuple[float, float]:
    """Return the cosine and sine that a gate of this code multiplies with; its inverse has the sine's sign turned."""
    if code == S:
        return 0.0, 1.0
    if code == SDG:
        return 0.0, -1.0
    if code == T:
        return ROOT, ROOT
    if code == TDG:
        return ROOT, -ROOT
    if code == SX:
        return 0.5, 0.5
    if code == SXDG:
        return 0.5, -0.5
    if code == P:
        return math.cos(angle), math.sin(angle)
    return math.cos(0.5 * angle), math.sin(0.5 * angle)


@compiled
def apply(w: F8, size: int, gate: I8, c: float, s: float) -> None:
    """Apply one gate to every state of `w`.

    Args:
        w: f8, states; two planes each where the gate is not a real one.
        size: of a plane, a power of two.
        gate: i8 (>= 3,), code and qubits.
        c, s: its `factors`.
    """
    code, q = gate[0], gate[1]
    if code == RY:
        _turn(w, q, c, s)
    elif code == CX:
        _cx(w, q, gate[2])
    elif code == CZ:
        _cz(w, q, gate[2])
    elif code == H:
        _h(w, q)
    elif code == X:
        _x(w, q)
    elif code == Z:
        _z(w, q)
    elif code == SWAP:
        _cx(w, q, gate[2])
        _cx(w, gate[2], q)
        _cx(w, q, gate[2])
    elif code == RX:
        _mix(w, size, q, c, 0.0, 0.0, -s, 0.0, -s)
    elif code == RZ:
        _phase(w, size, q, 0, c, -s)
        _phase(w, size, q, 1, c, s)
    elif code == Y:
        _mix(w, size, q, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0)
    elif code in (SX, SXDG):
        _mix(w, size, q, c, s, c, -s, c, -s)
    elif code in (RXX, RYY, RZZ):
        _turn_pair(w, size, code, q, gate[2], c, s)
    else:
        _phase(w, size, q, 1, c, s)


@compiled
def _turn(w: F8, q: int, c: float, s: float) -> None:
    pairs = w.reshape((-1, 2, 1 << q))
    for k in range(pairs.shape[0]):
        for i in range(pairs.shape[2]):
            u, v = pairs[k, 0, i], pairs[k, 1, i]
            pairs[k, 0, i] = c * u - s * v
            pairs[k, 1, i] = s * u + c * v


@compiled
def _h(w: F8, q: int) -> None:
    pairs = w.reshape((-1, 2, 1 << q))
    for k in range(pairs.shape[0]):
        for i in range(pairs.shape[2]):
            u, v = pairs[k, 0, i], pairs[k, 1, i]
            pairs[k, 0, i] = ROOT * (u + v)
            pairs[k, 1, i] = ROOT * (u - v)


@compiled
def _x(w: F8, q: int) -> None:
    pairs = w.reshape((-1, 2, 1 << q))
    for k in range(pairs.shape[0]):
        for i in range(pairs.shape[2]):
            pairs[k, 0, i], pairs[k, 1, i] = pairs[k, 1, i], pairs[k, 0, i]


@compiled
def _z(w: F8, q: int) -> None:
    pairs = w.reshape((-1, 2, 1 << q))
    for k in range(pairs.shape[0]):
        for i in range(pairs.shape[2]):
            pairs[k, 1, i] = -pairs[k, 1, i]


@compiled
def _cx(w: F8, control: int, target: int) -> None:
    low, high = min(control, target), max(control, target)
    parts = w.reshape((-1, 2, 1 << (high - low - 1), 2, 1 << low))
    for k in range(parts.shape[0]):
        for j in range(parts.shape[2]):
            for i in range(parts.shape[4]):
                u = parts[k, 1, j, 1, i]
                if control == low:
                    parts[k, 1, j, 1, i] = parts[k, 0, j, 1, i]
                    parts[k, 0, j, 1, i] = u
                else:
                    parts[k, 1, j, 1, i] = parts[k, 1, j, 0, i]
                    parts[k, 1, j, 0, i] = u


@compiled
def _cz(w: F8, control: int, target: int) -> None:
    low, high = min(control, target), max(control, target)
    parts = w.reshape((-1, 2, 1 << (high - low - 1), 2, 1 << low))
    for k in range(parts.shape[0]):
        for j in range(parts.shape[2]):
            for i in range(parts.shape[4]):
                parts[k, 1, j, 1, i] = -parts[k, 1, j, 1, i]


@compiled
def _phase(w: F8, size: int, q: int, bit: int, c: float, s: float) -> None:
    """Multiply the amplitudes whose qubit is `bit` by c + i s."""
    parts = w.reshape((-1, 2, size >> (q + 1), 2, 1 << q))
    for copy in range(parts.shape[0]):
        for k in range(parts.shape[2]):
            for i in range(parts.shape[4]):
                u, v = parts[copy, 0, k, bit, i], parts[copy, 1, k, bit, i]
                parts[copy, 0, k, bit, i] = c * u - s * v
                parts[copy, 1, k, bit, i] = c * v + s * u


@compiled
def _mix(w: F8, size: int, q: int, ar: float, ai: float, br: float, bi: float, dr: float, di: float) -> None:
    """Apply the matrix [[a, b], [d, a]] of complex numbers."""
    parts = w.reshape((-1, 2, size >> (q + 1), 2, 1 << q))
    for copy in range(parts.shape[0]):
        for k in range(parts.shape[2]):
            for i in range(parts.shape[4]):
                ur, ui = parts[copy, 0, k, 0, i], parts[copy, 1, k, 0, i]
                vr, vi = parts[copy, 0, k, 1, i], parts[copy, 1, k, 1, i]
                parts[copy, 0, k, 0, i] = ar * ur - ai * ui + br * vr - bi * vi
                parts[copy, 1, k, 0, i] = ar * ui + ai * ur + br * vi + bi * vr
                parts[copy, 0, k, 1, i] = dr * ur - di * ui + ar * vr - ai * vi
                parts[copy, 1, k, 1, i] = dr * ui + di * ur + ar * vi + ai * vr


@compiled
def _pauli(code: int, p: int, q: int) -> tuple[int, int, float]:
    """Bits that PP flips, bits that turn its sign, and its sign: (PP psi)[i] = sign (-1)^(i & signs) psi[i ^ flips]."""
    both = (1 << p) | (1 << q)
    if code == RXX:
        return both, 0, 1.0
    if code == RYY:
        return both, both, -1.0
    return 0, both, 1.0


@compiled
def _sign(i: int, p: int, q: int, signs: int) -> float:
    return -1.0 if signs != 0 and ((i >> p) ^ (i >> q)) & 1 else 1.0


@compiled
def _turn_pair(w: F8, size: int, code: int, p: int, q: int, c: float, s: float) -> None:
    """Apply c - i s PP."""
    flips, signs, sign = _pauli(code, p, q)
    states = w.reshape((-1, 2, size))
    for copy in range(states.shape[0]):
        for i in range(size):
            j = i ^ flips
            if j < i:
                continue
            # PP is symmetric: the same factor leads from i to j and back.
            t = s * sign * _sign(i, p, q, signs)
            ur, ui, vr, vi = states[copy, 0, i], states[copy, 1, i], states[copy, 0, j], states[copy, 1, j]
            states[copy, 0, i], states[copy, 1, i] = c * ur + t * vi, c * ui - t * vr
            states[copy, 0, j], states[copy, 1, j] = c * vr + t * ui, c * vi - t * ur


@compiled
def slope(w: F8, size: int, planes: int, gate: I8) -> float:
    """Return dE/dangle of a gate with an angle.

    With lambda = H psi pulled back through the circuit, dE/dangle = Re <lambda| -i P |psi>, both after the gate exp(-i
    angle P / 2) (Jones and Gacon, arXiv 2009.02823).

    Args:
        w: f8 (2 planes size,), psi and lambda.
        size, planes: of a state.
        gate: i8 (>= 3,), code and qubits.
    """
    code, q = gate[0], gate[1]
    psi, covector = w[: planes * size], w[planes * size :]
    total = 0.0
    if code == RY:
        u, v = psi.reshape((-1, 2, 1 << q)), covector.reshape((-1, 2, 1 << q))
        for k in range(u.shape[0]):
            for i in range(u.shape[2]):
                total += v[k, 1, i] * u[k, 0, i] - v[k, 0, i] * u[k, 1, i]
        return total
    flips, signs, sign, other = 0, 0, 1.0, q
    if code == RX:
        flips = 1 << q
    elif code in (RXX, RYY, RZZ):
        other = gate[2]
        flips, signs, sign = _pauli(code, q, other)
    for i in range(size):
        j = i ^ flips
        term = covector[i] * psi[size + j] - covector[size + i] * psi[j]
        if code == RZ:
            total += -term if (i >> q) & 1 else term
        elif code == P:
            # diag(1, e^(i angle)) is a turn about Z and a phase that no energy shows.
            total -= 2.0 * term if (i >> q) & 1 else 0.0
        else:
            total += _sign(i, q, other, signs) * term
    return sign * total
