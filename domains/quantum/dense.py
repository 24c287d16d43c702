"""One circuit at a time, in plain numpy: its state, and its density matrix under depolarising noise.

Pages draw with this, where the compiled simulator would first be compiled; noisy problems are judged by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from domains.quantum.circuit import Op, radians_of
from domains.quantum.hamiltonian import C16, PauliSum

MOST_NOISY = 6
"""Qubits up to which density matrices are computed: 4^n numbers."""
ROOT = math.sqrt(0.5)
FIXED: dict[str, C16] = {
    "h": np.array([[ROOT, ROOT], [ROOT, -ROOT]], complex),
    "x": np.array([[0, 1], [1, 0]], complex),
    "s": np.diag([1, 1j]),
    "sdg": np.diag([1, -1j]),
    "t": np.diag([1, np.exp(0.25j * np.pi)]),
    "cx": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], complex),
    "cz": np.diag([1, 1, 1, -1]).astype(complex),
}
"""Matrices of gates without an angle; of two qubits the first is the more significant."""


def matrix_of(gate: str, angle: float) -> C16:
    """Return the matrix of a gate of the language, c16 (2, 2) or (4, 4)."""
    if gate in FIXED:
        return FIXED[gate]
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    return {
        "rx": np.array([[c, -1j * s], [-1j * s, c]]),
        "ry": np.array([[c, -s], [s, c]], complex),
        "rz": np.diag([c - 1j * s, c + 1j * s]),
    }[gate]


def _apply(tensor: C16, matrix: C16, axes: Sequence[int]) -> C16:
    """Apply a matrix to some axes of length 2, the first the most significant."""
    k = len(axes)
    made = np.tensordot(matrix.reshape((2,) * (2 * k)), tensor, axes=(range(k, 2 * k), axes))
    return np.moveaxis(made, range(k), axes)


def state_of(ops: Sequence[Op], angles: Sequence[float], qubits: int, start: Sequence[int] = ()) -> C16:
    """Return the state of a circuit, c16 (2^n,), little-endian: qubit k is bit k of an index.

    Args:
        ops: gates. angles: radians of the free ones, in gate order.
        qubits: n. start: those that begin in |1>.
    """
    tensor = np.zeros(2**qubits, complex)
    tensor[sum(1 << q for q in start)] = 1.0
    tensor = tensor.reshape((2,) * qubits)
    for op, angle in zip(ops, radians_of(ops, angles), strict=True):
        tensor = _apply(tensor, matrix_of(op.gate, angle or 0.0), [qubits - 1 - q for q in op.qubits])
    return tensor.reshape(-1)


def noisy_energy(
    ops: Sequence[Op],
    angles: Sequence[float],
    hamiltonian: PauliSum,
    start: Sequence[int],
    two: float,
    one: float,
) -> float:
    """Return Tr(rho H) with depolarising noise after every gate.

    A depolarising channel of probability p puts the maximally mixed state of a gate's qubits in the place of theirs.

    Args:
        ops, angles, start: see `state_of`.
        hamiltonian: H, on at most `MOST_NOISY` qubits.
        two, one: p of gates on two qubits and on one.
    """
    n = hamiltonian.qubits
    psi = np.zeros(2**n, complex)
    psi[sum(1 << q for q in start)] = 1.0
    rho = np.outer(psi, psi).reshape((2,) * (2 * n))  # row axes, then column axes
    for op, angle in zip(ops, radians_of(ops, angles), strict=True):
        rows = [n - 1 - q for q in op.qubits]
        matrix = matrix_of(op.gate, angle or 0.0)
        rho = _apply(_apply(rho, matrix, rows), matrix.conj(), [n + r for r in rows])
        rho = _mixed(rho, rows, n, two if len(rows) == 2 else one)
    size = 2**n
    return float(np.einsum("ij,ji->", rho.reshape(size, size), hamiltonian.matrix()).real)


def _mixed(rho: C16, rows: Sequence[int], n: int, p: float) -> C16:
    """Mix some qubits of a density matrix with probability p."""
    if p == 0.0:
        return rho
    k = len(rows)
    axes = [*rows, *(n + r for r in rows)]
    front = np.moveaxis(rho, axes, range(2 * k)).reshape(2**k, 2**k, -1)
    traced = np.einsum("iia->a", front) / 2**k
    mixed = (1 - p) * front
    for i in range(2**k):
        mixed[i, i] += p * traced
    rest = [d for axis, d in enumerate(rho.shape) if axis not in axes]
    return np.moveaxis(mixed.reshape((2,) * (2 * k) + tuple(rest)), range(2 * k), axes)
