"""Hamiltonians as sums of Pauli strings, and their exact ground energies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import F8, I8

MAX_QUBITS = 12
DENSE_QUBITS = 10
"""Up to here the whole matrix is diagonalised; 12 qubits would take minutes."""
C16 = NDArray[np.complex128]


@dataclass(frozen=True)
class PauliSum:
    """A Hermitian sum of Pauli strings.

    Attributes:
        terms: (label, coefficient); labels are little-endian as in Qiskit:
            string position k acts on qubit n - 1 - k.
    """

    terms: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        n = len(self.terms[0][0]) if self.terms else 0
        for label, coefficient in self.terms:
            if len(label) != n or set(label) - set("IXYZ") or not np.isfinite(coefficient):
                raise InvalidSpec(
                    f"Expected labels of {n} letters IXYZ with finite coefficients, got {label!r}: {coefficient}."
                )
        if not 1 <= n <= MAX_QUBITS:
            raise InvalidSpec(f"Expected a Hamiltonian on 1 to {MAX_QUBITS} qubits, got {n}.")

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.terms[0][0])

    @cached_property
    def columns(self) -> tuple[tuple[I8, C16], ...]:
        """The sum by bit-flip mask: pairs (index i8 (2^n,), factor c16 (2^n,)).

        (H psi)[j] = sum over pairs of factor[j] psi[index[j]].
        """
        states = np.arange(2**self.qubits)
        factors: dict[int, C16] = {}
        for label, coefficient in self.terms:
            flips = sum(1 << k for k, p in enumerate(reversed(label)) if p in "XY")
            signs = sum(1 << k for k, p in enumerate(reversed(label)) if p in "YZ")
            sign = 1.0 - 2.0 * (np.bitwise_count((states ^ flips) & signs) % 2)
            factor = coefficient * 1j ** label.count("Y") * sign
            factors[flips] = factors.get(flips, np.zeros(len(states), complex)) + factor
        return tuple((states ^ flips, factor) for flips, factor in sorted(factors.items()))

    def apply(self, states: C16) -> C16:
        """Return H psi for states c16 (n, 2^qubits), each row computed on its own."""
        total = np.zeros_like(states)
        for index, factor in self.columns:
            total += factor * states[:, index]
        return total

    def energies(self, states: C16) -> F8:
        """Return <psi|H|psi> for normalised states c16 (n, 2^qubits), f8 (n,)."""
        energies: F8 = (states.conj() * self.apply(states)).real.sum(axis=1)
        return energies

    def matrix(self) -> C16:
        """Return the dense matrix c16 (2^n, 2^n)."""
        size = 2**self.qubits
        matrix = np.zeros((size, size), complex)
        for index, factor in self.columns:
            matrix[np.arange(size), index] += factor
        return matrix

    def ground_energy(self) -> float:
        """Return the lowest eigenvalue: dense up to `DENSE_QUBITS`, by Lanczos iteration above."""
        if len(self.columns) == 1 and not np.any(self.columns[0][0] != np.arange(2**self.qubits)):
            return float(self.columns[0][1].real.min())
        if self.qubits <= DENSE_QUBITS:
            return float(np.linalg.eigvalsh(self.matrix())[0])
        size = 2**self.qubits
        operator = LinearOperator((size, size), matvec=lambda v: self.apply(v.reshape(1, -1))[0], dtype=np.complex128)
        # A random start overlaps with every state; a fixed one makes the answer repeatable.
        start = rng_for(0, "ground energy").standard_normal(size)
        lowest = eigsh(operator, k=2, which="SA", v0=start, ncv=40, tol=1e-12, return_eigenvectors=False)
        return float(lowest.min())


def transverse_ising(n: int, coupling: float = 1.0, field: float = 1.0) -> PauliSum:
    """Return the open chain -J sum Z_k Z_{k+1} - h sum X_k."""

    def label(letters: dict[int, str]) -> str:
        return "".join(letters.get(n - 1 - k, "I") for k in range(n))

    bonds = [(label({k: "Z", k + 1: "Z"}), -coupling) for k in range(n - 1)]
    return PauliSum((*bonds, *((label({k: "X"}), -field) for k in range(n))))


ARTIFICIAL_7Q = PauliSum(
    (
        ("ZIIIIII", -1.0), ("IZIIIII", 1.0), ("IIXIIII", -1.0), ("IIIYIII", -1.0), ("IIIIZZI", -1.0),
        ("IIIIXXI", -1.0), ("IZZIIII", -1.0), ("YIIIIIX", -0.5), ("IIZIIIX", -0.5),
    )
)  # fmt: skip
"""The artificial Hamiltonian of ToSFiT's circuit task (arXiv 2510.13328)."""
