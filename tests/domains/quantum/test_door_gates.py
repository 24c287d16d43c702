"""Gates of other tools are said again exactly, and angles come along when gates are put in order."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import library
from qiskit.quantum_info import Operator, Statevector

from domains.quantum.circuit import (
    FREE,
    GATES,
    LEVELS,
    Language,
    Op,
    canonical,
    canonical_angles,
    full_coupling,
    line_coupling,
)
from domains.quantum.door.express import Expressed, express
from domains.quantum.door.foreign import Foreign, Gate
from domains.quantum.door.modify import qiskit_gate
from domains.quantum.door.standard import STANDARD, Part, words_of
from domains.quantum.verify import to_qiskit
from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for
from tests.domains.quantum.circuits import FIXED, FREELY, circuits_of

FREE4 = Language(4, full_coupling(4), free=True, max_ops=400, max_two=200)
LEVELS4 = replace(FREE4, free=False)


@dataclass(frozen=True)
class Richer(Language):
    """A language with the fields that a problem may add: words allowed, qubits that begin in |1>."""

    gates: tuple[str, ...] = ("h", "x", "s", "sdg", "t", "rx", "ry", "rz", "cx", "cz")
    start: tuple[int, ...] = ()


def built(parts: list[Part], qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    for part in parts:
        circuit.append(qiskit_gate(library, part.name, part.params), part.wires)
    return circuit


def state(circuit: QuantumCircuit) -> np.ndarray:
    return np.asarray(Statevector(circuit).data)


def same_state(a: QuantumCircuit, b: QuantumCircuit) -> bool:
    return abs(abs(np.vdot(state(a), state(b))) - 1) < 1e-12


def written(foreign: Foreign, qubits: int = 4) -> QuantumCircuit:
    return built([Part(g.name, g.params, g.qubits) for g in foreign.gates], qubits)


def foreign(*gates: tuple[str, tuple[float, ...], tuple[int, ...]], qubits: int = 4) -> Foreign:
    return Foreign(qubits, tuple(Gate(*g, line=k + 4) for k, g in enumerate(gates)), (), "OpenQASM 3")


def said_or_refused(circuit: Foreign, language: Language) -> tuple[Expressed | None, str]:
    try:
        return express(circuit, language), ""
    except InvalidDesign as error:
        return None, str(error)


SPECIAL = (0.0, math.pi / 2, math.pi, -math.pi, 2 * math.pi, 3 * math.pi, -math.pi / 2, 4.0)


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_every_standard_gate_is_said_again_exactly(name: str) -> None:
    known = STANDARD[name]
    rng = rng_for(0, "angles", name)
    angles = [tuple(rng.uniform(-7, 7, known.params)) for _ in range(5)]
    angles += [tuple(rng.choice(SPECIAL, known.params)) for _ in range(40 if known.params else 0)]
    for params in angles:
        wires = tuple(range(known.qubits))[::-1]
        ours = Operator(built(words_of(name, params, wires), known.qubits))
        theirs = Operator(built([Part(name, params, wires)], known.qubits))
        assert {word.name for word in words_of(name, params, wires)} <= set(GATES)
        assert ours.equiv(theirs), params


@given(st.sampled_from([FIXED, FREELY]).flatmap(lambda x: st.tuples(st.just(x), circuits_of(x))), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_canonical_order_carries_the_angles(case: tuple[Language, list[Op]], seed: int) -> None:
    language, ops = case
    angles = rng_for(seed, "angles").uniform(-9, 9, sum(op.angle == FREE for op in ops)).tolist()
    made, values = canonical_angles(ops, angles, language)
    assert made == canonical(ops, language)
    assert canonical_angles(made, values, language)[0] == made
    assert same_state(to_qiskit(ops, 4, angles), to_qiskit(made, 4, values))


def test_gates_in_another_order_keep_their_own_angles() -> None:
    """The trap: two rotations that change places in the canonical order, their angles left where they were."""
    ops = [Op("ry", (3,), FREE), Op("ry", (0,), FREE), Op("ry", (3,), FREE)]
    made, values = canonical_angles(ops, [0.3, 0.7, 0.1], FREE4)
    assert (made, values) == ([Op("ry", (0,), FREE), Op("ry", (3,), FREE)], (0.7, pytest.approx(0.4)))


GRID = st.integers(-40, 40).map(lambda k: 2 * math.pi * k / LEVELS)


@st.composite
def circuits(draw: st.DrawFn, angle: st.SearchStrategy[float]) -> Foreign:
    gates = []
    for _ in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(sorted(STANDARD)))
        known = STANDARD[name]
        qubits = draw(st.permutations(range(4)))[: known.qubits]
        gates.append((name, tuple(draw(angle) for _ in range(known.params)), tuple(qubits)))
    return foreign(*gates)


@given(circuits(st.floats(-20, 20)))
@settings(max_examples=60, deadline=None)
def test_free_languages_keep_the_state_of_any_circuit(circuit: Foreign) -> None:
    said = express(circuit, FREE4)
    assert said.angles is not None
    assert same_state(written(circuit), to_qiskit(said.ops, 4, said.angles))


@given(circuits(GRID))
@settings(max_examples=60, deadline=None)
def test_languages_of_levels_keep_the_state_or_name_the_gate(circuit: Foreign) -> None:
    said, refusal = said_or_refused(circuit, LEVELS4)
    if said is not None:
        assert same_state(written(circuit), to_qiskit(said.ops, 4))
        return
    assert "multiples of 2 pi / 32" in refusal
    assert " on line " in refusal
    # Only halves of odd levels are off the grid: gates with one control and an angle.
    assert any(g.name[0] == "c" and g.params for g in circuit.gates), refusal


def test_words_stay_as_the_author_wrote_them() -> None:
    said = express(foreign(("CX", (), (0, 1)), ("h", (), (2,)), ("cz", (), (1, 2)), ("rz", (0.25,), (3,))), FREE4)
    assert said.ops == (Op("cx", (0, 1)), Op("h", (2,)), Op("rz", (3,), FREE), Op("cz", (1, 2)))
    assert (said.raw, said.notes, said.angles) == (2, (), (0.25,))


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (("rz", (0.3,), (0,)), r"rz\(0.3\) on line 4. The nearest level is a2 = pi/8 = 0.39269908"),
        (("rz", (45.0,), (0,)), "if degrees were meant, write pi/4"),
        (("rz", (0.25,), (0,)), "if half turns were meant, write pi/4"),
        (("rz", (0.785398,), (0,)), "If that was rounded, write pi/4"),
        (("crz", (math.pi / 16,), (0, 1)), r"crz\(0.1963495408\) on line 4, which needs rz\("),
        (("u3", (0.1, 0.0, 0.0), (0,)), r"u3\(0.1, 0, 0\) on line 4, which needs ry\(0.1\)"),
        (("rx", (math.nan,), (0,)), r"rx\(an input\) on line 4. This problem.*assign_parameters"),
    ],
)
def test_angles_off_the_grid_are_refused_by_gate_line_and_level(gate, says) -> None:
    with pytest.raises(InvalidDesign, match=says):
        express(foreign(gate), LEVELS4)


@pytest.mark.parametrize(("angle", "level"), [(0.785398163, 4), (10 * math.pi + math.pi / 4, 4), (-math.pi / 4, 28)])
def test_angles_on_the_grid_to_nine_digits_are_levels(angle: float, level: int) -> None:
    assert express(foreign(("rz", (angle,), (0,))), LEVELS4).ops == (Op("rz", (0,), level),)


def test_an_open_angle_becomes_one_that_the_problem_optimises() -> None:
    said = express(replace(foreign(("rzz", (math.nan,), (0, 1))), inputs=("theta",)), FREE4)
    assert said.angles is None
    assert [op.gate for op in said.ops] == ["cx", "rz", "cx"]
    assert any("theta" in note for note in said.notes)


def test_qubits_that_are_not_coupled_are_named() -> None:
    line = replace(LEVELS4, pairs=line_coupling(4))
    with pytest.raises(InvalidDesign, match=r"cx on line 4 on 0, 3. Coupled are 0-1, 1-2, 2-3. Transpile") as caught:
        express(foreign(("cx", (), (0, 3))), line)
    assert "coupling_map" in str(caught.value)
    with pytest.raises(InvalidDesign, match="ccx on line 4 on 0, 1, 2, which needs 0-2"):
        express(foreign(("ccx", (), (0, 1, 2))), line)


def test_a_direction_that_is_not_coupled_is_turned_around() -> None:
    one_way = replace(LEVELS4, pairs=frozenset({(0, 1), (1, 2)}))
    circuit = foreign(("h", (), (0,)), ("rx", (math.pi / 8,), (1,)), ("cx", (), (1, 0)), ("cz", (), (2, 1)))
    said = express(circuit, one_way)
    assert all(len(op.qubits) < 2 or op.qubits in one_way.pairs for op in said.ops)
    assert same_state(written(circuit), to_qiskit(said.ops, 4))
    assert any("turned around" in note for note in said.notes)


FEWER = [("ry", "cx"), ("rx", "rz", "cz"), ("ry", "rz", "cx"), ("rx", "ry", "cz"), ("h", "rz", "cx")]


@pytest.mark.parametrize("gates", FEWER)
def test_languages_with_fewer_words_say_what_they_can(gates: tuple[str, ...]) -> None:
    language = Richer(4, full_coupling(4), free=True, max_ops=400, max_two=99, gates=gates)
    wanted = [("h", (), (0,)), ("x", (), (1,)), ("t", (), (1,)), ("cz", (), (0, 1)), ("rx", (0.3,), (2,))]
    wanted += [("y", (), (3,)), ("cx", (), (2, 0)), ("sdg", (), (0,)), ("ry", (1.0,), (1,))]
    said, refusal = said_or_refused(foreign(*wanted), language)
    if gates == ("ry", "cx"):
        assert "Expected gates that ry cx can make, got h on line 4" in refusal
        return
    assert said is not None, refusal
    assert {op.gate for op in said.ops} <= set(gates)
    assert same_state(written(foreign(*wanted)), to_qiskit(said.ops, 4, said.angles or ()))


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("words", [("x", "ry", "rz", "cx", "h"), ("ry", "rz", "cx", "h")])
def test_qubits_that_begin_in_one_give_the_same_state(free: bool, words: tuple[str, ...]) -> None:
    language = Richer(4, full_coupling(4), free=free, max_ops=40, max_two=9, gates=words, start=(0, 2, 3))
    circuit = foreign(("x", (), (0,)), ("cx", (), (0, 1)), ("ry", (math.pi / 4,), (2,)), ("h", (), (3,)))
    said = express(circuit, language)
    begun = to_qiskit([*(Op("x", (q,)) for q in language.start), *said.ops], 4, said.angles or ())
    assert same_state(written(circuit), begun)
    assert sum(op.gate == "x" for op in said.ops) == ("x" in words)  # that of qubit 3; the file's own x is the start's
    assert sum(op.gate == "ry" and op.qubits == (2,) for op in said.ops) == 1


def test_sizes_and_budgets_are_said_with_their_counts() -> None:
    assert "|0> is kept on qubits 2..3" in express(foreign(("h", (), (0,)), qubits=2), LEVELS4).notes[0]
    assert "|0> is kept on qubit 3" in express(foreign(("h", (), (0,)), qubits=3), LEVELS4).notes[0]
    with pytest.raises(InvalidDesign, match="at most 4 qubits, got 5"):
        express(foreign(("h", (), (0,)), qubits=5), LEVELS4)
    small = replace(LEVELS4, max_ops=3, max_two=2)
    with pytest.raises(InvalidDesign, match=r"at most 2 two-qubit gates \(CX\), got 3"):
        express(foreign(("swap", (), (0, 1))), small)
    with pytest.raises(InvalidDesign, match="at most 3 gates, got 4"):
        express(foreign(*(("h", (), (q,)) for q in range(4))), small)
    # What cancels is not counted.
    assert express(foreign(*[("h", (), (0,))] * 9), small).ops == (Op("h", (0,)),)
