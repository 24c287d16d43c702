"""Hamiltonians as sums of Pauli strings, and their exact ground energies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, eigsh

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import F8, I8

MAX_QUBITS = 12
MOST_DENSE = 9
"""Qubits up to which all eigenvalues are computed; above, only the lowest, by Lanczos."""
MOST_ENTRIES = 1 << 21
"""Entries that are not 0 up to which the matrix of a sum is kept; beyond, strings are applied one by one."""
STRINGS = 3
"""Pauli strings that take as long to apply as a diagonal of the matrix."""
C16 = NDArray[np.complex128]
_FLIPS = str.maketrans("XYZI", "1100")


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

    @property
    def real(self) -> bool:
        """Whether its matrix is real: every string holds an even number of Y."""
        return all(label.count("Y") % 2 == 0 for label, _ in self.terms)

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

    def ground(self) -> tuple[float, C16]:
        """Return the lowest eigenvalue and a state of it, c16 (2^n,).

        Where several states share the eigenvalue, it is any of them.
        """
        size = 2**self.qubits
        if all(not set(label) & {"X", "Y"} for label, _ in self.terms):
            diagonal = self.columns[0][1].real
            return float(diagonal.min()), np.eye(1, size, int(diagonal.argmin()), dtype=np.complex128)[0]
        if self.qubits <= MOST_DENSE:
            values, vectors = np.linalg.eigh(self.matrix())
            return float(values[0]), vectors[:, 0].astype(np.complex128)
        # Fixed, so that the bits are; random, since symmetry may make a flat one orthogonal to the ground state.
        begin = rng_for(0, "ground state").normal(size=size)
        many = self.crowded and len(self.terms) < STRINGS * len(self.columns)
        matrix = self._by_strings() if many else self._sparse()
        # Two are asked for: where the lowest are close together, one alone may be the upper.
        wanted = {"k": 2, "which": "SA", "tol": 1e-10, "maxiter": 100 * size, "ncv": 40 if many else None}
        values, vectors = eigsh(matrix, v0=begin if self.real else begin + 0j, **wanted)
        lowest = int(values.argmin())
        return float(values[lowest]), vectors[:, lowest].astype(np.complex128)

    @property
    def crowded(self) -> bool:
        """Whether its matrix holds so many numbers that reading them is what takes long."""
        flips = {label.translate(_FLIPS) for label, _ in self.terms}
        return len(flips) << self.qubits > MOST_ENTRIES

    def _sparse(self) -> csr_array:
        """Return the matrix, real where it can be, which is twice as fast."""
        size = 2**self.qubits
        rows = np.concatenate([np.arange(size) for _ in self.columns])
        indices = np.concatenate([index for index, _ in self.columns])
        matrix = csr_array((np.concatenate([f for _, f in self.columns]), (rows, indices)), shape=(size, size))
        return matrix.real if self.real else matrix

    def _by_strings(self) -> LinearOperator:
        """Return the matrix as a function of a state; nothing of its size is kept."""
        from domains.quantum.statevector.strings import add_strings, strings_of

        strings, kind, size = strings_of(self.terms), np.float64 if self.real else np.complex128, 2**self.qubits

        def apply(state: NDArray[Any]) -> NDArray[Any]:
            numbers = np.ascontiguousarray(state.ravel(), kind).view(np.float64)
            made = np.zeros((2, len(numbers)))
            add_strings(strings, len(numbers) // size, numbers, made)
            straight, turned = made.view(kind)
            return straight if self.real else straight + 1j * turned

        return LinearOperator((size, size), matvec=apply, dtype=kind)

    def ground_energy(self) -> float:
        """Return the lowest eigenvalue, to 1e-10 of its size."""
        return self.ground()[0]


ARTIFICIAL_7Q = PauliSum(
    (
        ("ZIIIIII", -1.0), ("IZIIIII", 1.0), ("IIXIIII", -1.0), ("IIIYIII", -1.0), ("IIIIZZI", -1.0),
        ("IIIIXXI", -1.0), ("IZZIIII", -1.0), ("YIIIIIX", -0.5), ("IIZIIIX", -0.5),
    )
)  # fmt: skip
"""The artificial Hamiltonian of ToSFiT's circuit task (arXiv 2510.13328)."""
