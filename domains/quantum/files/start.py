"""The layer of X that some circuits begin with: not part of a design, but of every file."""

from __future__ import annotations

from collections.abc import Sequence

from domains.quantum.circuit import Language, Op


def start_of(language: Language) -> tuple[int, ...]:
    """Return the qubits that begin in |1>, in order; none where all begin in |0>."""
    return tuple(sorted(language.start))


def with_start(ops: Sequence[Op], language: Language) -> list[Op]:
    """Return a circuit from |0..0>: an X on every qubit that begins in |1>, then the design's gates."""
    return [*(Op("x", (q,)) for q in start_of(language)), *ops]
