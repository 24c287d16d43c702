"""Hypothesis strategies and languages for circuits."""

from __future__ import annotations

from hypothesis import strategies as st

from domains.quantum.circuit import FREE, G1, G2, LEVELS, R1, Language, Op, full_coupling, line_coupling
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.models import spin_chain

FIXED = Language(4, full_coupling(4), free=False, max_ops=14, max_two=6)
FREELY = Language(4, line_coupling(4), free=True, max_ops=14, max_two=6)


def ops_of(language: Language) -> st.SearchStrategy[Op]:
    """Any gate of the language."""
    qubit = st.integers(0, language.qubits - 1).map(lambda q: (q,))
    angle = st.just(FREE) if language.free else st.integers(0, LEVELS - 1)
    return st.one_of(
        st.builds(Op, st.sampled_from(G1), qubit, st.just(-1)),
        st.builds(Op, st.sampled_from(R1), qubit, angle),
        st.builds(Op, st.sampled_from(G2), st.sampled_from(sorted(language.pairs)), st.just(-1)),
    )


def circuits_of(language: Language) -> st.SearchStrategy[list[Op]]:
    """Any circuit within the number of gates; the budget of two-qubit gates is not kept."""
    return st.lists(ops_of(language), min_size=1, max_size=language.max_ops)


def ising(n: int, coupling: float = 1.0, field: float = 1.0) -> PauliSum:
    """The open Ising chain."""
    return spin_chain("ising", n, coupling=coupling, second=field, periodic=False)
