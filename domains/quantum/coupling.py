"""Coupling maps: which pairs of qubits a two-qubit gate may act on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import isqrt

from domains.quantum.circuit import full_coupling, line_coupling
from poets_core.errors import InvalidSpec

Pairs = frozenset[tuple[int, int]]
KINDS = ("all", "line", "ring", "grid", "t (5 qubits)", "h (7 qubits)", "heavy-hex (16 qubits)", "own")
DEVICES = {
    "t (5 qubits)": "0-1 1-2 1-3 3-4",
    "h (7 qubits)": "0-1 1-2 1-3 3-5 4-5 5-6",
    "heavy-hex (16 qubits)": "0-1 1-2 1-4 2-3 3-5 4-7 5-8 6-7 7-10 8-9 8-11 10-12 11-14 12-13 12-15 13-14",
}
"""Maps of superconducting devices: of IBM's five-qubit Lima, seven-qubit Jakarta, and Falcon with 16 (Guadalupe)."""


def coupling_of(kind: str, n: int, own: Iterable[tuple[int, int]] = ()) -> Pairs:
    """Return both directions of every coupled pair of n qubits.

    A device with more qubits gives the first n that hang together, numbered anew in the order of a breadth-first walk
    from its qubit 0.

    Args:
        kind: one of `KINDS`.
        n: number of qubits.
        own: pairs of ``"own"``.

    Raises:
        InvalidSpec: unknown kind, too few qubits on a device, or qubits that are not connected.
    """
    if kind == "all":
        return full_coupling(n)
    if kind == "line":
        return line_coupling(n)
    if kind in DEVICES:
        pairs = _first(kind, n)
    elif kind == "ring":
        pairs = [(k, (k + 1) % n) for k in range(n)]
    elif kind == "grid":
        # As square as n allows; the last row may be shorter.
        wide = -(-n // max(1, isqrt(n)))
        pairs = [(k, k + 1) for k in range(n - 1) if (k + 1) % wide] + [(k, k + wide) for k in range(n - wide)]
    elif kind == "own":
        pairs = list(own)
    else:
        raise InvalidSpec(
            f"Expected a coupling, one of {', '.join(KINDS)}, got {kind!r}.", field="problem.params.coupling"
        )
    both = frozenset((a, b) for x, y in pairs if x != y for a, b in ((x, y), (y, x)))
    if n > 1 and len(_walk(both, n)) < n:
        raise InvalidSpec(
            f"Expected a coupling that connects all {n} qubits, got {sorted(p for p in both if p[0] < p[1])}. "
            "Add pairs.",
            field="problem.params.coupling",
        )
    return both


def _walk(pairs: Iterable[tuple[int, int]], n: int) -> list[int]:
    """The qubits that hang together with qubit 0, nearest first."""
    near: dict[int, list[int]] = {}
    for a, b in sorted(pairs):
        near.setdefault(a, []).append(b)
    order, waiting = [0], deque([0])
    while waiting and len(order) < n:
        for q in near.get(waiting.popleft(), ()):
            if q not in order and len(order) < n:
                order.append(q)
                waiting.append(q)
    return order


def _first(kind: str, n: int) -> list[tuple[int, int]]:
    pairs = [(int(a), int(b)) for a, b in (pair.split("-") for pair in DEVICES[kind].split())]
    both = [(a, b) for x, y in pairs for a, b in ((x, y), (y, x))]
    size = 1 + max(a for a, _ in both)
    if n > size:
        raise InvalidSpec(
            f"Expected at most {size} qubits on {kind!r}, got {n}. Choose a larger device.",
            field="problem.params.coupling",
        )
    order = {q: k for k, q in enumerate(_walk(both, n))}
    return [(order[a], order[b]) for a, b in pairs if a in order and b in order]
