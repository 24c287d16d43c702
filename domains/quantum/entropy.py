"""Entanglement of pure states: of each qubit with the others, and across each cut of the chain."""

from __future__ import annotations

import numpy as np

from domains.quantum.hamiltonian import C16


def _entropy(matrix: C16) -> float:
    """Von Neumann entropy in bits of the rows of a state written as a matrix."""
    p = np.linalg.svd(matrix, compute_uv=False) ** 2
    p = p[p > 1e-15] / p.sum()
    # max: an entropy of 0 may come out as -0.
    return max(0.0, float(-(p * np.log2(p)).sum()))


def qubit_entropies(state: C16) -> list[float]:
    """Return the entropy of each qubit of a state c16 (2^n,), in bits, qubit 0 first."""
    n = len(state).bit_length() - 1
    tensor = state.reshape((2,) * n)
    return [_entropy(np.moveaxis(tensor, n - 1 - q, 0).reshape(2, -1)) for q in range(n)]


def cut_entropies(state: C16) -> list[float]:
    """Return the entropy between qubits 0 .. k and k + 1 .. n - 1 of a state c16 (2^n,), k = 0 .. n - 2, in bits."""
    n = len(state).bit_length() - 1
    return [_entropy(state.reshape(2 ** (n - 1 - k), 2 ** (k + 1))) for k in range(n - 1)]
