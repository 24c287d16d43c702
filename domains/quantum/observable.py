"""What circuits are judged by: where they begin, and the Hermitian operator whose expectation is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domains.quantum.hamiltonian import C16, MAX_QUBITS, PauliSum
from domains.quantum.statevector.circuits import LANES, Operator
from poets_core.errors import InvalidSpec
from poets_core.types import F8

NORMAL = 1e-9
"""How far a state's norm, or a matrix, may be from 1, or from a unitary one."""


@dataclass(frozen=True)
class Projector:
    """weight |v><v|, v c16 (2^(n + idle),) of norm 1."""

    vector: C16
    weight: float = -1.0


@dataclass(frozen=True, eq=False)
class Observable:
    """A number for every circuit; the smaller the better. Little-endian: qubit k is bit k of an index.

    Attributes:
        qubits: n, of the circuits.
        idle: further qubits above them, which no gate touches.
        start: c16 (2^(n + idle),), the state circuits begin in.
        operator: sum of Pauli strings on n qubits (idle is then 0), or a projector.
    """

    qubits: int
    idle: int
    start: C16
    operator: PauliSum | Projector

    def __post_init__(self) -> None:
        """Check sizes and norms.

        Raises:
            InvalidSpec: too many qubits, or a state of another size or norm.
        """
        if not self.qubits >= 1 or self.qubits + self.idle > MAX_QUBITS:
            raise InvalidSpec(
                f"Expected 1 to {MAX_QUBITS} qubits, idle ones included, got {self.qubits} + {self.idle}. Use fewer."
            )
        if isinstance(self.operator, PauliSum):
            if self.idle or self.operator.qubits != self.qubits:
                raise InvalidSpec(
                    f"Expected a Hamiltonian on {self.qubits} qubits and none idle, "
                    f"got one on {self.operator.qubits} with {self.idle} idle."
                )
        else:
            _check_state(self.operator.vector, self.dimension)
        _check_state(self.start, self.dimension)

    @property
    def dimension(self) -> int:
        """Number of amplitudes, 2^(n + idle)."""
        return 1 << (self.qubits + self.idle)

    @classmethod
    def of_energy(cls, hamiltonian: PauliSum, start_bits: Sequence[int] = ()) -> Observable:
        """Return <psi|H|psi> of circuits that begin in a basis state.

        Args:
            hamiltonian: H.
            start_bits: qubits that begin in |1>.

        Raises:
            InvalidSpec: no such qubit.
        """
        n, index = hamiltonian.qubits, 0
        for q in start_bits:
            if not 0 <= q < n:
                raise InvalidSpec(f"Expected qubits 0 .. {n - 1} that begin in |1>, got {q}.")
            index |= 1 << q
        return cls(n, 0, _basis(n, index), hamiltonian)

    @classmethod
    def of_state(cls, target: C16) -> Observable:
        """Return minus the fidelity, -|<target|psi>|^2, of circuits that begin in |0..0>.

        Args:
            target: c16 (2^n,), norm 1.

        Raises:
            InvalidSpec: not a state of 1 to 12 qubits.
        """
        n = max(len(target).bit_length() - 1, 0)
        return cls(n, 0, _basis(n, 0), Projector(np.asarray(target, np.complex128)))

    @classmethod
    def of_unitary(cls, matrix: C16) -> Observable:
        """Return -|Tr(U'V)|^2 / 4^n of the matrix V of a circuit, which is 1 where V is U up to a phase.

        Half of a maximally entangled pair of registers goes through the circuit; the other half stays idle (Choi).

        Args:
            matrix: U, c16 (2^n, 2^n), unitary.

        Raises:
            InvalidSpec: not a unitary matrix on 1 to 6 qubits.
        """
        given = np.asarray(matrix, np.complex128)
        size = len(given)
        if given.shape != (size, size) or not np.allclose(given.conj().T @ given, np.eye(size), rtol=0, atol=NORMAL):
            raise InvalidSpec(f"Expected a unitary matrix, got one of shape {given.shape} with U'U not 1 to {NORMAL}.")
        n = max(size.bit_length() - 1, 0)
        # Index k + 2^n j: column j of the matrix stands where the idle register holds j.
        start, target = np.eye(size).ravel() / np.sqrt(size) + 0j, given.T.ravel() / np.sqrt(size)
        return cls(n, n, start, Projector(target))

    @cached_property
    def real(self) -> bool:
        """Whether operator and start hold real numbers only."""
        made = self.compiled
        return not (made.turned.any() or made.vector[1].any() or made.start[1].any())

    @cached_property
    def compiled(self) -> Operator:
        """Return the operator as the compiled functions take it, padded with zeros to at least 8 amplitudes."""
        size = max(self.dimension, LANES)

        def planes(state: C16) -> F8:
            padded = np.zeros((2, size))
            padded[0, : len(state)], padded[1, : len(state)] = state.real, state.imag
            return padded

        start = planes(self.start)
        if isinstance(self.operator, Projector):
            nothing = np.zeros(0, np.int64), np.zeros(0, bool), np.zeros((0, size))
            return Operator(*nothing, planes(self.operator.vector), float(self.operator.weight), start)
        rows: list[tuple[int, bool, F8]] = []
        for index, factor in self.operator.columns:
            for turned, part in enumerate(planes(factor)):
                if part.any():
                    rows.append((int(index[0]), bool(turned), part))
        rows.sort(key=lambda row: (row[0] % LANES, row[0], row[1]))
        return Operator(
            np.array([flip for flip, _, _ in rows], np.int64),
            np.array([turned for _, turned, _ in rows], bool),
            np.array([part for _, _, part in rows]).reshape(-1, size),
            np.zeros((2, size)),
            0.0,
            start,
        )


def _basis(n: int, index: int) -> C16:
    state = np.zeros(1 << n, np.complex128)
    state[index] = 1.0
    return state


def _check_state(state: C16, dimension: int) -> None:
    if state.shape != (dimension,):
        raise InvalidSpec(f"Expected a state of {dimension} amplitudes, got shape {state.shape}. Give 2^n of them.")
    norm = float(np.linalg.norm(state))
    if not abs(norm - 1.0) <= NORMAL:
        raise InvalidSpec(f"Expected a state of norm 1, got {norm:.12g}. Divide it by its norm.")
