"""The lowest energy of a product state, from the Bloch vectors of its qubits: no state of 2^n amplitudes is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.types import F8

STILL = 1e-13
"""A sweep that gains less, relative to 1 or to the energy if that is larger, is the last."""
SWEEPS = 1000


def lowest_product(terms: Sequence[tuple[str, float]], begin: F8) -> float:
    """Minimise the energy of a product state from several starts, one qubit after the other, and return the lowest.

    With all other qubits held, the energy is linear in the Bloch vector of one, which is then set against its factor.
    No step goes up.

    Args:
        terms: (label, coefficient), qubit 0 last.
        begin: f8 (starts, n, 3), Bloch vectors of length 1 to begin with; qubit 0 first.
    """
    letters = np.array([["IXYZ".index(letter) for letter in reversed(label)] for label, _ in terms])
    coefficients = np.array([coefficient for _, coefficient in terms])
    starts, n, _ = begin.shape
    bloch = np.concatenate([np.ones((starts, n, 1)), begin], axis=2)
    # Of each qubit, which terms hold X, Y and Z: f8 (terms, 3).
    held = [(letters[:, [k]] == [1, 2, 3]).astype(float) for k in range(n)]
    energies = np.full(starts, np.inf)
    for _ in range(SWEEPS):
        after = [np.ones((starts, len(terms)))]
        for k in range(n - 1, 0, -1):
            after.append(after[-1] * bloch[:, k, letters[:, k]])
        product = np.repeat(coefficients[None], starts, axis=0)
        for k in range(n):
            against = (product * after[n - 1 - k]) @ held[k]
            length = np.linalg.norm(against, axis=1, keepdims=True)
            # Where the energy does not depend on a qubit, it stays.
            bloch[:, k, 1:] = np.where(length > 0, -against / np.where(length > 0, length, 1.0), bloch[:, k, 1:])
            product *= bloch[:, k, letters[:, k]]
        before, energies = energies, product.sum(axis=1)
        if (before - energies < STILL * np.maximum(1.0, abs(energies))).all():
            break
    return float(energies.min())
