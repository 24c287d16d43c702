"""Pauli strings applied one by one, compiled: for sums of so many bit flips that reading a matrix takes longest.

No factor is stored: the sign of a string is a product of one over the lowest bits and one over the others. Strings that
agree on the lowest bits share a copy of the state, moved and signed; each adds runs of it to the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from domains.quantum.statevector.compiled import compiled
from poets_core.types import F8, I8

LOW = 4
"""Bits that strings are grouped by; a state has at least so many."""
RUN = 1 << LOW
ONE = np.uint64(1)


class Strings(NamedTuple):
    """A sum of Pauli strings, sorted by the lowest bits of flips and signs.

    (H psi)[j] = sum_m weights[m] (-1)^|k & signs[m]| psi[k], k = j ^ flips[m] (times i where `turned`).

    Attributes:
        flips, signs: i8 (m,), bits.
        turned: i8 (m,), 1 where the factor is imaginary.
        weights: f8 (m,).
    """

    flips: I8
    signs: I8
    turned: I8
    weights: F8


def strings_of(terms: Sequence[tuple[str, float]]) -> Strings:
    """Return labels (qubit 0 last) with coefficients as numbers."""
    rows = []
    for label, coefficient in terms:
        flips, signs, turns = (
            int("".join("01"[letter in letters] for letter in label), 2) for letters in ("XY", "YZ", "Y")
        )
        # P |k> = i^(number of Y) (-1)^|k & signs| |k ^ flips>.
        quarter = turns.bit_count() % 4
        rows.append((flips, signs, quarter % 2, -coefficient if quarter > 1 else coefficient))
    rows.sort(key=lambda row: (row[0] % RUN, row[1] % RUN, row[0], row[1]))
    bits = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
    flips, signs, turned = np.ascontiguousarray(bits.T)
    return Strings(flips, signs, turned, np.array([row[3] for row in rows], np.float64))


@compiled
def odd(bits: np.uint64) -> bool:
    """Whether the number of bits set, of the lowest 16, is odd."""
    for shift in (8, 4, 2, 1):
        bits ^= bits >> np.uint64(shift)
    return bool(bits & ONE == ONE)


@compiled
def add_strings(strings: Strings, width: int, x: F8, y: F8) -> None:
    """Add H x to y.

    Args:
        strings: H.
        width: of a number.
        x: f8 (width size,): real numbers, width 1, or real and imaginary parts by turns, width 2.
        y: f8 (2, width size): the sum of what has real factors, then of what has imaginary ones, without the i.
    """
    size = np.uint64(len(x) // width)
    runs, run = size >> np.uint64(LOW), np.uint64(RUN * width)
    moved, parity = np.empty(len(x)), np.empty(runs)
    for k in range(runs):
        parity[k] = -1.0 if odd(np.uint64(k)) else 1.0
    low = sign = -1
    for m in range(len(strings.flips)):
        flips, signs = strings.flips[m], strings.signs[m]
        if flips % RUN != low or signs % RUN != sign:
            low, sign = flips % RUN, signs % RUN
            for j in range(size):
                there = j ^ np.uint64(low)
                factor = -1.0 if odd(there & np.uint64(sign)) else 1.0
                for part in range(np.uint64(width)):
                    moved[np.uint64(width) * j + part] = factor * x[np.uint64(width) * there + part]
        high, mask, weight = np.uint64(flips >> LOW), np.uint64(signs >> LOW), strings.weights[m]
        goal = y[strings.turned[m]]
        for k in range(runs):
            back = k ^ high
            factor = weight * parity[back & mask]
            here, there = k * run, back * run
            for i in range(run):
                goal[here + i] += factor * moved[there + i]
