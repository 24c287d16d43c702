"""Dressed circuits: written as two-qubit gates, with rotations put around them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Op, canonical, full_coupling, line_coupling, text_of
from domains.quantum.dressing import dress, dressed_language, read_circuit, skeleton
from domains.quantum.energy import CircuitEnergy
from domains.quantum.grammar import grammar_mask
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable
from domains.quantum.skeletons import draw_skeleton, edit_skeletons
from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for
from poets_core.types import Vocabulary

REAL = dressed_language(4, full_coupling(4), 6, real=True)
CHAIN = dressed_language(4, line_coupling(4), 6, real=False, start=(0, 2))
TERMS = PauliSum((("ZZII", 0.7), ("XXYY", 0.4), ("IXXI", -0.6), ("ZIIX", 0.3), ("IYYZ", 0.2)))
PAIRS = st.lists(st.sampled_from(sorted(REAL.pairs)), min_size=1, max_size=6)


def _energy(language=REAL) -> CircuitEnergy:  # type: ignore[no-untyped-def]
    return CircuitEnergy(language, Observable.of_energy(TERMS, language.start), 100)


def test_every_qubit_is_turned_first_and_both_after_a_gate() -> None:
    assert text_of(read_circuit("cx 0 2", REAL)).split("\n") == [
        "ry 0 a*", "ry 1 a*", "ry 2 a*", "ry 3 a*", "cx 0 2", "ry 0 a*", "ry 2 a*",
    ]  # fmt: skip
    assert len(read_circuit("cx 0 1", CHAIN)) == 2 * 4 + 1 + 2 * 2


def test_a_gate_that_is_turned_round_is_the_same_and_rotations_are_put_anew() -> None:
    assert read_circuit("cx 2 0", REAL) == read_circuit("cx 0 2", REAL) == read_circuit("ry 3 a* cx 0 2 ry 1 a*", REAL)


@pytest.mark.parametrize("text", ["ry 0 a*", "", "h 0 cx 0 1", "cz 0 1", "cx 0 1 " * 7, "0-0", "0-4", "0-1-2", "-"])
def test_what_is_no_dressed_circuit_is_refused(text: str) -> None:
    with pytest.raises(InvalidDesign):
        read_circuit(text, REAL)


def test_uncoupled_pairs_are_refused() -> None:
    with pytest.raises(InvalidDesign, match="coupled"):
        read_circuit("cx 0 2", CHAIN)


@given(PAIRS)
def test_the_words_of_a_design_give_the_design(pairs: list[tuple[int, int]]) -> None:
    energy = _energy()
    design = energy.decode(" ".join(f"cx {a} {b}" for a, b in pairs))
    words = energy.encode(design)
    assert len(words.split()) == len(pairs)
    assert set(words.split()) <= set(REAL.words)
    assert energy.decode(" ".join(f"{b}-{a}" for a, b in pairs)) == design
    assert energy.decode(words) == energy.decode(design) == design


def test_gates_on_other_qubits_change_places() -> None:
    energy = _energy()
    assert energy.decode("cx 0 1 cx 2 3") == energy.decode("cx 2 3 cx 0 1")
    assert energy.decode("cx 0 1 cx 1 2") != energy.decode("cx 1 2 cx 0 1")


def test_every_pair_is_written_once_and_the_grammar_knows_no_rotation() -> None:
    assert sorted(REAL.pairs) == [(a, b) for a in range(4) for b in range(a + 1, 4)]
    assert REAL.words == ("0-1", "0-2", "0-3", "1-2", "1-3", "2-3")
    vocabulary = Vocabulary(("", "", "", "cx", "ry", "a*", *REAL.words), eos=2)
    mask = grammar_mask(REAL, vocabulary)
    assert mask is not None
    assert np.flatnonzero(mask.allowed(mask.start(1))[0]).tolist() == [6, 7, 8, 9, 10, 11]
    assert mask.max_tokens == 6 + 1
    state = mask.start(1)
    for _ in range(6):
        state = mask.advance(state, np.array([8]))
    assert np.flatnonzero(mask.allowed(state)[0]).tolist() == [2]
    assert not mask.allowed(mask.advance(state, np.array([8]))).any()
    assert np.flatnonzero(mask.allowed(mask.advance(state, np.array([2])))[0]).tolist() == [2]
    assert grammar_mask(REAL, Vocabulary(("", "", "", *REAL.words[1:]), eos=2)) is None


@pytest.mark.parametrize("pairs", [[(0, 1), (1, 2)], [(0, 1), (0, 2), (2, 3)]])
@pytest.mark.parametrize("real", [True, False])
def test_turning_gates_round_reaches_the_same_energy(pairs: list[tuple[int, int]], real: bool) -> None:
    language = dressed_language(4, full_coupling(4), 6, real=real)
    observable = Observable.of_energy(TERMS)
    there = dress([Op("cx", p) for p in pairs], language)
    back = dress([Op("cx", p[::-1]) for p in pairs], language)
    found = optimise_angles([there, back], observable, iterations=600, starts=12).energies
    assert found[0] == pytest.approx(found[1], abs=1e-7)


def test_drawn_and_edited_circuits_keep_the_budget_the_coupling_and_their_form() -> None:
    rng = rng_for(0, "skeletons")
    drawn = [text_of(canonical(dress(draw_skeleton(CHAIN, rng), CHAIN), CHAIN)) for _ in range(200)]
    children = edit_skeletons(drawn[:8], 300, CHAIN, rng=rng)
    for design in (*drawn, *children):
        ops = read_circuit(design, CHAIN)
        assert text_of(ops) == design
        assert 1 <= len(skeleton(ops)) <= 6
        assert all(op.qubits in CHAIN.pairs for op in skeleton(ops))
    assert {len(skeleton(read_circuit(d, CHAIN))) for d in drawn} == set(range(1, 7))
    # An edit of one parent may lead to another, but most lead to something new.
    assert len(set(children) - set(drawn)) > 50
    assert edit_skeletons([], 3, CHAIN, rng=rng)


def test_a_child_differs_from_its_parent_where_the_language_leaves_room() -> None:
    parent = text_of(read_circuit("cx 0 1 cx 2 3", REAL))
    rng = rng_for(1, "skeletons")
    assert parent not in edit_skeletons([parent], 200, REAL, rng=rng)
    only = dressed_language(2, frozenset({(0, 1)}), 1, real=True)
    alone = text_of(read_circuit("cx 0 1", only))
    assert edit_skeletons([alone], 2, only, rng=rng) == [alone] * 2


def test_all_free_angles_are_rotations_of_the_language() -> None:
    for ops in (read_circuit("cx 0 1 cx 1 2", REAL), read_circuit("cx 0 1 cx 1 2", CHAIN)):
        assert {op.angle for op in ops if len(op.qubits) == 1} == {FREE}
    assert {op.gate for op in read_circuit("cx 0 1", CHAIN)} == {"ry", "rz", "cx"}
