"""Hamiltonians and states of textbooks: spin chains, the largest cut of a graph, W, Dicke and GHZ states.

Labels are little-endian as in Qiskit, and so are amplitudes: qubit k is bit k of the index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb, sqrt

import numpy as np

from domains.quantum.hamiltonian import C16, PauliSum
from poets_core.errors import InvalidSpec

MODELS = ("ising", "heisenberg", "j1-j2")
STATES = ("w", "dicke", "ghz")


def label(letters: Mapping[int, str], n: int) -> str:
    """Return the label of a Pauli string from its letters by qubit."""
    return "".join(letters.get(n - 1 - k, "I") for k in range(n))


def _bonds(n: int, distance: int, periodic: bool) -> list[tuple[int, int]]:
    """Bonds of a chain, each once: a ring of two qubits has one bond, not two."""
    ends = range(n) if periodic else range(n - distance)
    return sorted({(min(k, (k + distance) % n), max(k, (k + distance) % n)) for k in ends if k != (k + distance) % n})


def spin_chain(model: str, n: int, *, coupling: float, second: float, periodic: bool) -> PauliSum:
    """Return a spin chain on n qubits.

    Args:
        model: ``"ising"``: -J sum Z Z - h sum X; ``"heisenberg"``: J sum (X X + Y Y + Z Z);
            ``"j1-j2"``: that, and J2 times the same between next neighbours.
        n: number of qubits.
        coupling: J.
        second: h of the Ising chain, J2 of j1-j2; not used by heisenberg.
        periodic: whether the chain is closed.

    Raises:
        InvalidSpec: unknown model.
    """
    near, terms = _bonds(n, 1, periodic), []
    if model == "ising":
        terms = [(label({a: "Z", b: "Z"}, n), -coupling) for a, b in near]
        terms += [(label({k: "X"}, n), -second) for k in range(n)]
    elif model in ("heisenberg", "j1-j2"):
        terms = [(label({a: p, b: p}, n), coupling) for a, b in near for p in "XYZ"]
        if model == "j1-j2" and n > 2:
            terms += [(label({a: p, b: p}, n), second) for a, b in _bonds(n, 2, periodic) for p in "XYZ"]
    else:
        raise InvalidSpec(f"Expected a model, one of {', '.join(MODELS)}, got {model!r}.", field="problem.params.model")
    return PauliSum(tuple((name, float(c)) for name, c in terms if c))


def largest_cut(edges: Sequence[tuple[int, int, float]], n: int) -> PauliSum:
    """Return minus the weight of a cut: sum of w (Z_a Z_b - 1) / 2 over edges; its ground energy is minus the largest."""
    zz = [(label({a: "Z", b: "Z"}, n), w / 2) for a, b, w in edges]
    return PauliSum((("I" * n, -sum(w for _, _, w in edges) / 2), *zz))


def named_state(name: str, n: int, ones: int) -> C16:
    """Return a state of n qubits, c16 (2^n,).

    Args:
        name: ``"w"``: all states with one |1> alike; ``"dicke"``: with `ones`; ``"ghz"``: |0..0> + |1..1>.
        n: number of qubits.
        ones: read for ``"dicke"`` alone.

    Raises:
        InvalidSpec: unknown name, or a Dicke state of no or only ones.
    """
    if name == "ghz":
        state = np.zeros(2**n, complex)
        state[[0, -1]] = 1 / sqrt(2)
        return state
    if name not in STATES:
        raise InvalidSpec(f"Expected a state, one of {', '.join(STATES)}, got {name!r}.", field="problem.params.state")
    weight = 1 if name == "w" else ones
    if not 0 < weight < n:
        raise InvalidSpec(
            f"Expected 1 to {n - 1} ones in a Dicke state of {n} qubits, got {weight}.", field="problem.params.ones"
        )
    chosen = np.bitwise_count(np.arange(2**n)) == weight
    return np.where(chosen, 1 / sqrt(comb(n, weight)), 0.0).astype(complex)
