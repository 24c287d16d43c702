"""A statevector simulator for batches of small circuits, plain numpy.

Every gate of the language is written as psi' = c A psi + s C psi[partner]
with per-gate vectors A, C and an index `partner`, so one step of all circuits
of a batch is a handful of elementwise operations. Rows never mix and batches
are padded to a fixed number of steps: a circuit's result does not depend, to
the last bit, on what it is simulated with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from domains.quantum.circuit import FREE, LEVELS, Op
from domains.quantum.hamiltonian import C16, PauliSum
from poets_core.types import F8, I8, Bool

CHUNK = 32
"""Circuits simulated together; more only fall out of the processor's cache."""
_Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Gates:
    """All gates on n qubits: rows of partner i8, same c16, other c16 (G, 2^n), and the row of each inverse."""

    row: dict[_Key, int]
    partner: I8
    same: C16
    other: C16
    inverse: I8


@lru_cache(maxsize=16)
def _gates(n: int) -> _Gates:
    states: I8 = np.arange(2**n)
    rows: dict[_Key, tuple[I8, C16, C16]] = {}

    def add(word: str, qubits: tuple[int, ...], partner: I8, same: ArrayLike, other: ArrayLike) -> None:
        def vector(x: ArrayLike) -> C16:
            return np.broadcast_to(np.asarray(x, np.complex128), states.shape)

        rows[word, qubits] = (partner, vector(same), vector(other))

    add("id", (), states, 1, 0)
    for q in range(n):
        bit = (states >> q) & 1
        sign, flip = 1.0 - 2.0 * bit, states ^ (1 << q)
        for word, turn in (("s", 0.5), ("sdg", -0.5), ("t", 0.25), ("tdg", -0.25)):
            add(word, (q,), states, np.where(bit, np.exp(1j * np.pi * turn), 1.0), 0)
        add("h", (q,), flip, sign / np.sqrt(2), 1 / np.sqrt(2))
        add("x", (q,), flip, 0, 1)
        # Rotations exp(-i theta/2 P) = cos - i sin P: `other` is -i P.
        add("rx", (q,), flip, 1, -1j)
        add("ry", (q,), flip, 1, -sign)
        add("rz", (q,), states, 1, -1j * sign)
        for p in range(n):
            if p != q:
                add("cx", (q, p), states ^ (bit << p), 0, 1)
                add("cz", (q, p), states, 1.0 - 2.0 * (bit & (states >> p)), 0)
    row = {key: k for k, key in enumerate(rows)}
    swap = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t"}
    return _Gates(
        row,
        np.stack([r[0] for r in rows.values()]),
        np.stack([r[1] for r in rows.values()]),
        np.stack([r[2] for r in rows.values()]),
        np.array([row[swap.get(word, word), qubits] for word, qubits in rows]),
    )


class Batch:
    """b circuits on n qubits, padded to S steps with identities.

    Attributes:
        free: bool (b, S), where an angle is to be set.
        angles: f8 (b, S), the angles of levels, 0 elsewhere.
    """

    def __init__(self, circuits: Sequence[Sequence[Op]], qubits: int, steps: int) -> None:
        """Look every gate up.

        Raises:
            ValueError: a circuit is longer than `steps`.
        """
        if any(len(ops) > steps for ops in circuits):
            raise ValueError(f"Expected circuits of at most {steps} gates, got {max(map(len, circuits))}.")
        gates = _gates(qubits)
        self.size, self.steps, self.dim = len(circuits), steps, 2**qubits
        index = np.zeros((self.size, steps), np.int64)
        self.angles: F8 = np.zeros((self.size, steps))
        self.free: Bool = np.zeros((self.size, steps), bool)
        rotates = np.zeros((self.size, steps), bool)
        for b, ops in enumerate(circuits):
            for k, op in enumerate(ops):
                index[b, k] = gates.row[op.gate, op.qubits]
                rotates[b, k] = op.angle >= 0
                self.free[b, k] = op.angle == FREE
                if 0 <= op.angle < LEVELS:
                    self.angles[b, k] = 2 * np.pi * op.angle / LEVELS
        index = index.T
        self._rotates = rotates.T[:, :, None]
        self._rows = np.arange(self.size)[:, None] * self.dim
        self._partner = gates.partner[index] + self._rows
        self._same, self._other = gates.same[index], gates.other[index]
        self._back, self._gates = gates.inverse[index], gates
        self._undo: tuple[C16, C16] | None = None
        # Trailing identities change no bit, so they are not run.
        self._last = max(map(len, circuits), default=0)

    def _factors(self, angles: F8) -> tuple[F8, F8]:
        half = np.where(self.free, angles, self.angles).T[:, :, None] / 2
        return np.where(self._rotates, np.cos(half), 1.0), np.where(self._rotates, np.sin(half), 1.0)

    def states(self, angles: F8 | None = None) -> C16:
        """Return the final states, c16 (b, 2^n), from |0..0>.

        Args:
            angles: f8 (b, S) radians, read where `free`; default 0.
        """
        return self._run(*self._factors(self.angles if angles is None else angles))[-1]

    def energies(self, hamiltonian: PauliSum, angles: F8) -> F8:
        """Return the energies at these angles, f8 (b,)."""
        return hamiltonian.energies(self.states(angles))

    def _run(self, c: F8, s: F8) -> list[C16]:
        psi = np.zeros((self.size, self.dim), complex)
        psi[:, 0] = 1.0
        trace = [psi]
        for k in range(self._last):
            psi = c[k] * self._same[k] * psi + s[k] * self._other[k] * psi.take(self._partner[k])
            trace.append(psi)
        return trace

    def value_and_gradient(self, hamiltonian: PauliSum, angles: F8) -> tuple[F8, F8]:
        """Return energies f8 (b,) and their gradient f8 (b, S), 0 where not `free`.

        Adjoint method: with lambda = H psi pulled back through the circuit,
        dE/dtheta_k = Re <lambda_k| -i P_k |psi_k>, both after gate k
        (Jones and Gacon, arXiv 2009.02823).
        """
        c, s = self._factors(angles)
        trace = self._run(c, s)
        covector = hamiltonian.apply(trace[-1])
        energies: F8 = (trace[-1].conj() * covector).real.sum(axis=1)
        gradient = np.zeros((self.steps, self.size))
        # The gather of an inverse is that of the gate itself: every partner map is an involution.
        if self._undo is None:
            self._undo = self._gates.same[self._back], self._gates.other[self._back]
        same, other = self._undo
        turn = np.where(self._rotates, -s, s)  # a rotation is undone by the opposite angle
        for k in range(self._last - 1, -1, -1):
            if self.free[:, k].any():
                generated = self._other[k] * trace[k + 1].take(self._partner[k])
                gradient[k] = (covector.conj() * generated).real.sum(axis=1)
            covector = c[k] * same[k] * covector + turn[k] * other[k] * covector.take(self._partner[k])
        return energies, np.where(self.free, gradient.T, 0.0)


def energies_of(circuits: Sequence[Sequence[Op]], hamiltonian: PauliSum, steps: int) -> F8:
    """Return the energies of circuits without free angles, f8 (n,).

    Args:
        circuits: (n,) gate lists.
        hamiltonian: fixes the number of qubits.
        steps: longest circuit; pads every batch.
    """
    parts = [
        hamiltonian.energies(Batch(circuits[at : at + CHUNK], hamiltonian.qubits, steps).states())
        for at in range(0, len(circuits), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
