"""Gates on a statevector, in place and compiled.

A state is one or two planes of `size` real numbers: real parts alone where nothing is complex, else real parts, then
imaginary parts. An array `w` f8 (copies * planes * size,) holds one or more states, one after the other. Gates with
real matrices treat each plane as a further state, so they know nothing of planes.

Indices are unsigned: Numba takes a signed one for a place counted from the end and checks, which costs half the speed.
Slices and reshaped views count references, which costs more than a gate on 64 amplitudes; loops take bounds instead.
The place of a block is written as a shift by a variable: LLVM would see through a sum, prove nothing about all blocks
at once, and give up vector instructions for each.
"""

from __future__ import annotations

import math

import numpy as np

from domains.quantum.statevector.compiled import compiled
from poets_core.types import F8

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
ONE, TWO = np.uint64(1), np.uint64(2)


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
def apply(w: F8, end: np.uint64, size: np.uint64, code: int, one: int, two: int, c: float, s: float) -> None:
    """Apply one gate to every state of w[:end].

    Args:
        w: f8, states; two planes each where the gate is not a real one.
        end: how much of it, a multiple of a state.
        size: of a plane, a power of two and at least 8.
        code, one, two: of the gate and its qubits, control first; two is not read where there is one qubit.
        c, s: its `factors`.
    """
    p, q = np.uint64(one), np.uint64(two)
    if code == RY:
        _mix_real(w, end, p, c, -s, s, c)
    elif code == CX:
        _cx(w, end, p, q)
    elif code == CZ:
        _cz(w, end, p, q)
    elif code == H:
        _mix_real(w, end, p, ROOT, ROOT, ROOT, -ROOT)
    elif code == X:
        _mix_real(w, end, p, 0.0, 1.0, 1.0, 0.0)
    elif code == Z:
        _mix_real(w, end, p, 1.0, 0.0, 0.0, -1.0)
    elif code == SWAP:
        _cx(w, end, p, q)
        _cx(w, end, q, p)
        _cx(w, end, p, q)
    elif code == RX:
        _mix(w, end, size, p, c, 0.0, 0.0, -s, 0.0, -s)
    elif code == RZ:
        _phases(w, end, size, p, c, -s, c, s)
    elif code == Y:
        _mix(w, end, size, p, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0)
    elif code in (SX, SXDG):
        _mix(w, end, size, p, c, s, c, -s, c, -s)
    elif code in (RXX, RYY, RZZ):
        _turn_pair(w, end, size, code, ONE << p, ONE << q, c, s)
    else:
        _phases(w, end, size, p, 1.0, 0.0, c, s)


@compiled
def _mix_real(w: F8, end: np.uint64, q: np.uint64, a: float, b: float, c: float, d: float) -> None:
    """Apply the real matrix [[a, b], [c, d]] to qubit q."""
    if q == np.uint64(0):
        for i in range(np.uint64(0), end, TWO):
            u, v = w[i], w[i + ONE]
            w[i], w[i + ONE] = a * u + b * v, c * u + d * v
        return
    p, shift = ONE << q, q + ONE
    for k in range(end >> shift):
        base = k << shift
        for i in range(base, base + p):
            u, v = w[i], w[i + p]
            w[i] = a * u + b * v
            w[i + p] = c * u + d * v


@compiled
def _first(k: np.uint64, low: np.uint64, high: np.uint64) -> np.uint64:
    """Return where run k begins, of 2^low amplitudes whose bits low and high are 0."""
    at = k << (low + ONE)
    return ((at >> high) << (high + ONE)) | (at & ((ONE << high) - ONE))


@compiled
def _cx(w: F8, end: np.uint64, control: np.uint64, target: np.uint64) -> None:
    low, high, c, t = min(control, target), max(control, target), ONE << control, ONE << target
    for k in range(end >> (low + TWO)):
        base = _first(np.uint64(k), low, high) + c
        for i in range(base, base + (ONE << low)):
            u = w[i]
            w[i] = w[i + t]
            w[i + t] = u


@compiled
def _cz(w: F8, end: np.uint64, control: np.uint64, target: np.uint64) -> None:
    low, high = min(control, target), max(control, target)
    both = (ONE << low) + (ONE << high)
    for k in range(end >> (low + TWO)):
        base = _first(np.uint64(k), low, high) + both
        for i in range(base, base + (ONE << low)):
            w[i] = -w[i]


@compiled
def _phases(w: F8, end: np.uint64, size: np.uint64, q: np.uint64, a: float, b: float, c: float, s: float) -> None:
    """Multiply by a + i b where qubit q is 0 and by c + i s where it is 1."""
    p, shift = ONE << q, q + ONE
    for state in range(np.uint64(0), end, size + size):
        for k in range(size >> shift):
            base = state + (k << shift)
            for i in range(base, base + p):
                u, v, x, y = w[i], w[i + size], w[i + p], w[i + p + size]
                w[i] = a * u - b * v
                w[i + size] = a * v + b * u
                w[i + p] = c * x - s * y
                w[i + p + size] = c * y + s * x


@compiled
def _mix(
    w: F8,
    end: np.uint64,
    size: np.uint64,
    q: np.uint64,
    ar: float,
    ai: float,
    br: float,
    bi: float,
    dr: float,
    di: float,
) -> None:
    """Apply the matrix [[a, b], [d, a]] of complex numbers to qubit q."""
    p, shift = ONE << q, q + ONE
    for state in range(np.uint64(0), end, size + size):
        for k in range(size >> shift):
            base = state + (k << shift)
            for i in range(base, base + p):
                ur, ui, vr, vi = w[i], w[i + size], w[i + p], w[i + p + size]
                w[i] = ar * ur - ai * ui + br * vr - bi * vi
                w[i + size] = ar * ui + ai * ur + br * vi + bi * vr
                w[i + p] = dr * ur - di * ui + ar * vr - ai * vi
                w[i + p + size] = dr * ui + di * ur + ar * vi + ai * vr


@compiled
def _flipped(code: int, p: np.uint64, q: np.uint64) -> np.uint64:
    """Bits that a product of two Pauli matrices flips."""
    return p | q if code != RZZ else np.uint64(0)


@compiled
def _sign(code: int, i: np.uint64, p: np.uint64, q: np.uint64) -> float:
    """Sign with which a product of two Pauli matrices leads to amplitude i, and back."""
    if code == RXX:
        return 1.0
    equal = ((i & p) == np.uint64(0)) == ((i & q) == np.uint64(0))
    return 1.0 if equal == (code == RZZ) else -1.0


@compiled
def _turn_pair(
    w: F8, end: np.uint64, size: np.uint64, code: int, p: np.uint64, q: np.uint64, c: float, s: float
) -> None:
    """Apply c - i s PP, P one of X, Y and Z."""
    flips = _flipped(code, p, q)
    for state in range(np.uint64(0), end, size + size):
        for k in range(size):
            if k ^ flips < k:
                continue
            i, j, t = state + k, state + (k ^ flips), s * _sign(code, np.uint64(k), p, q)
            ur, ui, vr, vi = w[i], w[i + size], w[j], w[j + size]
            w[i], w[i + size] = c * ur + t * vi, c * ui - t * vr
            w[j], w[j + size] = c * vr + t * ui, c * vi - t * ur


@compiled
def slope(w: F8, size: np.uint64, planes: int, code: int, one: int, two: int) -> float:
    """Return dE/dangle of a gate with an angle.

    With lambda = H psi pulled back through the circuit, dE/dangle = Re <lambda| -i P |psi>, both after the gate exp(-i
    angle P / 2) (Jones and Gacon, arXiv 2009.02823).

    Args:
        w: f8 (>= 2 planes size,), psi and lambda.
        size, planes: of a state.
        code, one, two: of the gate and its qubits.
    """
    p = ONE << np.uint64(one)
    whole = size * np.uint64(planes)
    if code == RY:
        return _slope_real(w, whole, p)
    flips, q, total = np.uint64(0), p, 0.0
    if code == RX:
        flips = p
    elif code in (RXX, RYY, RZZ):
        q = ONE << np.uint64(two)
        flips = _flipped(code, p, q)
    for i in range(size):
        j = i ^ flips
        term = w[whole + i] * w[size + j] - w[whole + size + i] * w[j]
        if code == RZ:
            total += term if (i & p) == np.uint64(0) else -term
        elif code == P:
            # diag(1, e^(i angle)) is a turn about Z and a phase that no energy shows.
            total -= 0.0 if (i & p) == np.uint64(0) else 2.0 * term
        elif code == RX:
            total += term
        else:
            total += _sign(code, np.uint64(i), p, q) * term
    return total


@compiled
def _slope_real(w: F8, whole: np.uint64, p: np.uint64) -> float:
    """Return <lambda| -i Y |psi>, plane by plane."""
    one = two = 0.0
    if p == ONE:
        for i in range(np.uint64(0), whole, TWO + TWO):
            k = whole + i
            one += w[k + ONE] * w[i] - w[k] * w[i + ONE]
            j, m = i + TWO, k + TWO
            two += w[m + ONE] * w[j] - w[m] * w[j + ONE]
        return one + two
    for base in range(np.uint64(0), whole, p + p):
        for i in range(base, base + p, TWO):
            k = whole + i
            one += w[k + p] * w[i] - w[k] * w[i + p]
            j, m = i + ONE, k + ONE
            two += w[m + p] * w[j] - w[m] * w[j + p]
    return one + two
