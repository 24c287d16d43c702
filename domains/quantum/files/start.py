"""The layer of X that some circuits begin with: not part of a design, but of every file."""

from __future__ import annotations

from collections.abc import Sequence

from domains.quantum.circuit import Language, Op


def start_of(language: Language) -> tuple[int, ...]:
    """Return the qubits that begin in |1>, in order; none where all begin in |0>."""
    return tuple(sorted(getattr(language, "start", ())))


def with_start(ops: Sequence[Op], language: Language) -> list[Op]:
    """Return a circuit from |0..0>: an X on every qubit that begins in |1>, then the design's gates."""
    return [*(Op("x", (q,)) for q in start_of(language)), *ops]


def without_start(ops: Sequence[Op], language: Language) -> list[Op]:
    """Return the design's gates of a circuit from |0..0>; the other direction of `with_start`.

    Where a qubit that begins in |1> is not turned first, an X is put before it: the states stay equal.
    """
    rest = list(ops)
    for qubit in reversed(start_of(language)):
        first = next((k for k, op in enumerate(rest) if qubit in op.qubits), None)
        if first is not None and rest[first] == Op("x", (qubit,)):
            del rest[first]
        else:
            rest.insert(0, Op("x", (qubit,)))
    return rest
