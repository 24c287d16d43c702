"""The language: parsing, canonical form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.quantum.circuit import FREE, Op, canonical, count_two, depth_of, parse, text_of
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable
from domains.quantum.simulator import states_of
from poets_core.errors import InvalidDesign
from tests.domains.quantum.circuits import FIXED, FREELY, circuits_of, ops_of


def unitary_columns(ops: list[Op], qubits: int) -> np.ndarray:
    """The operator of a circuit: its action on every basis state, prepared by x gates."""
    columns = []
    for basis in range(2**qubits):
        prepared = [Op("x", (q,)) for q in range(qubits) if basis >> q & 1]
        columns.append([*prepared, *ops])
    return states_of(columns, Observable.of_energy(PauliSum((("Z" * qubits, 1.0),))))


@settings(max_examples=150, deadline=None)
@given(circuits_of(FIXED))
def test_canonical_form_keeps_the_operator_up_to_a_global_phase(ops: list[Op]) -> None:
    reduced = canonical(ops, FIXED)
    before, after = unitary_columns(ops, 4), unitary_columns(reduced, 4)
    assert abs(np.vdot(before, after)) == pytest.approx(16, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(circuits_of(FIXED))
def test_canonical_form_is_idempotent_and_shorter(ops: list[Op]) -> None:
    reduced = canonical(ops, FIXED)
    assert canonical(reduced, FIXED) == reduced
    assert 1 <= len(reduced) <= len(ops)
    assert count_two(reduced) <= count_two(ops)
    if count_two(reduced) <= FIXED.max_two:
        assert parse(text_of(reduced), FIXED) == reduced


@settings(max_examples=200, deadline=None)
@given(circuits_of(FIXED), st.data())
def test_gates_on_other_qubits_commute_away(ops: list[Op], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(ops) - 1))
    if at + 1 < len(ops) and not set(ops[at].qubits) & set(ops[at + 1].qubits):
        swapped = [*ops[:at], ops[at + 1], ops[at], *ops[at + 2 :]]
        assert canonical(swapped, FIXED) == canonical(ops, FIXED)


@settings(max_examples=200, deadline=None)
@given(circuits_of(FIXED), ops_of(FIXED), st.data())
def test_an_inserted_inverse_pair_cancels(ops: list[Op], op: Op, data: st.DataObject) -> None:
    inverse = {"s": "sdg", "sdg": "s"}.get(op.gate, op.gate)
    if op.gate == "t":
        return
    back = op._replace(gate=inverse, angle=(-op.angle) % 32 if op.angle >= 0 else -1)
    at = data.draw(st.integers(0, len(ops)))
    assert canonical([*ops[:at], op, back, *ops[at:]], FIXED) == canonical(ops, FIXED)


@settings(max_examples=60, deadline=None)
@given(circuits_of(FREELY), st.integers(0, 2**32 - 1))
def test_free_canonical_form_keeps_the_family(ops: list[Op], seed: int) -> None:
    """Each angle setting of the original is met by some setting of the canonical circuit."""
    rng = np.random.default_rng(seed)
    numbered = [op._replace(angle=int(rng.integers(1, 32))) if op.angle == FREE else op for op in ops]
    reduced = canonical(ops, FREELY)
    fixed = canonical(numbered, FIXED)
    # With numbers in place of stars at most as many gates remain; the family must contain them all.
    assert sum(op.angle >= 0 for op in reduced) <= sum(op.angle == FREE for op in ops) or len(reduced) == 1
    assert canonical(reduced, FREELY) == reduced
    if len(fixed) == len(reduced):
        assert [(o.gate, o.qubits) for o in fixed] == [(o.gate, o.qubits) for o in reduced]


def test_rotations_merge_and_vanish() -> None:
    assert text_of(canonical(parse("rz 0 a30 rz 0 a5", FIXED), FIXED)) == "rz 0 a3"
    assert text_of(canonical(parse("h 1 rz 0 a30 rz 0 a2 h 1 ry 2 a0", FIXED), FIXED)) == "rz 0 a0"
    assert text_of(canonical(parse("ry 1 a* ry 1 a*", FREELY), FREELY)) == "ry 1 a*"
    assert text_of(canonical(parse("cz 2 1", FREELY), FREELY)) == "cz 1 2"
    assert text_of(canonical(parse("cx 2 1 cx 1 2", FREELY), FREELY)) == "cx 2 1\ncx 1 2"


def test_calls_are_read_and_never_run() -> None:
    assert text_of(parse("qc.ry(0.3926990817, 2)\nqc.cx(0, 1);", FIXED)) == "ry 2 a2\ncx 0 1"
    assert text_of(parse("ry(-0.3, 1) h(0)", FREELY)) == "ry 1 a*\nh 0"
    for text in ("__import__('os').system('true')", "qc.ry(nan, 1)", "qc.ry(1e999, 1)", "qc.h(0) + 1", "h((0))"):
        with pytest.raises(InvalidDesign):
            parse(text, FIXED)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one gate"),
        ("ry 2 a5 foo 1", "gate 2 .word 4."),
        ("h 9", "qubit 0 .. 3"),
        ("h \u0663", "qubit 0 .. 3"),
        ("rx 1 a*", "a0 .. a31"),
        ("rx 1 a32", "a0 .. a31"),
        ("rx 1 a05", "a0 .. a31"),
        ("cx 1 1", "coupled"),
        ("h 0 cx 1", "2 words after 'cx'"),
        ("h 0 " * 15, "at most 14 gates"),
        ("cx 0 1 " * 7, "at most 6 two-qubit"),
        ("h 0 " * 20_000, "bytes"),
    ],
)
def test_errors_name_the_place(text: str, said: str) -> None:
    with pytest.raises(InvalidDesign, match=said):
        parse(text, FIXED)


def test_chain_refuses_distant_qubits() -> None:
    with pytest.raises(InvalidDesign, match="coupled"):
        parse("cx 0 2", FREELY)


def test_counts_match_a_transpiled_circuit() -> None:
    from qiskit import transpile

    from domains.quantum.verify import to_qiskit

    ops = parse("h 0 cx 0 1 cz 2 1 ry 1 a3 cx 1 3 t 3", FIXED)
    basis = transpile(to_qiskit(ops, 4), basis_gates=["cx", "rz", "sx", "x"], optimization_level=0)
    assert basis.count_ops()["cx"] == count_two(ops) == 3
    assert depth_of(ops, 4) == to_qiskit(ops, 4).depth() == 6
