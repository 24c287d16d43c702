"""Circuits that no search can start from: their energy is Qiskit's all the same; idle qubits, includes, advice."""

from __future__ import annotations

import math

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import library

from domains.catalog import load
from domains.quantum.door.foreign import Foreign, Gate, fitted
from domains.quantum.door.reader import Reader
from domains.quantum.door.score import lines_of, score, score_files
from domains.quantum.problem import CircuitProblem
from domains.quantum.verify import circuit_energy
from poets_core.errors import InvalidDesign, InvalidSpec

H2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
H3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
HAMILTONIAN = "0.5 XYZ\n-0.7 ZZI\n0.3 IXX\n0.9 IIZ\n-0.2 YIX\n0.4 ZII\n0.6 IYI"
SMALL = {"hamiltonian": HAMILTONIAN, "max_cx": 3, "iterations": 1, "starts": 1}


@pytest.fixture(scope="module")
def problem() -> CircuitProblem:
    return load("quantum/hamiltonian", **SMALL)


@pytest.fixture(scope="module")
def reader():
    with Reader() as one:
        yield one


def made(*gates: tuple, qubits: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    for name, *arguments in gates:
        getattr(circuit, name)(*arguments)
    return circuit


# Kind -> (text, the same circuit by Qiskit, why no search starts from it)
BARE = {
    "product": (H2 + "qreg q[3]; ry(.3) q[0]; x q[2];", made(("ry", 0.3, 0), ("x", 2)), "two-qubit gate"),
    "empty": (H2 + "qreg q[3];", made(), "at least one gate, got an empty circuit"),
    "measured alone": (H2 + "qreg q[3]; creg c[3]; measure q -> c;", made(), "an empty circuit"),
    "fewer qubits": (H2 + "qreg q[1]; x q[0];", made(("x", 0)), "two-qubit gate"),
    "more than the budget": (
        H2 + "qreg q[3]; " + "h q[0]; cx q[0],q[1]; " * 4,
        made(*[("h", 0), ("cx", 0, 1)] * 4),
        "problem.params.max_cx, now 3",
    ),
    "more than any budget": (
        H3 + "qubit[3] q;\n" + "ry(.1) q[0]; cx q[0],q[1]; cx q[1],q[2];\n" * 30,
        made(*[("ry", 0.1, 0), ("cx", 0, 1), ("cx", 1, 2)] * 30),
        "at most 3 two-qubit gates",
    ),
}


@pytest.mark.parametrize("kind", BARE)
def test_a_circuit_that_no_search_can_start_from_has_its_energy(kind, problem: CircuitProblem, reader: Reader) -> None:
    text, circuit, why = BARE[kind]
    facts = score(text, problem, reader=reader)
    wanted = circuit_energy(circuit, problem.hamiltonian.terms)
    assert facts["energy"] == pytest.approx(wanted, abs=1e-12)
    assert facts["design"] is None
    assert why in facts["refused"]
    lines = lines_of(facts)
    assert any(line.startswith("energy: ") for line in lines)
    assert any(why in line for line in lines if line.startswith("note: no search"))
    with pytest.raises(InvalidSpec, match=r"pasted circuit: Expected at (least|most)"):
        load("quantum/hamiltonian", **SMALL, circuits=text)


def test_coupling_and_levels_refuse_a_search_and_no_energy(reader: Reader) -> None:
    line = load("quantum/hamiltonian", **SMALL, coupling="line")
    facts = score(H2 + "qreg q[3]; h q[0]; cx q[0],q[2];", line, reader=reader)
    assert facts["energy"] == pytest.approx(circuit_energy(made(("h", 0), ("cx", 0, 2)), line.hamiltonian.terms))
    assert "Coupled are 0-1, 1-2" in facts["refused"]
    levels = load("quantum/artificial-7q")
    facts = score(H2 + "qreg q[7]; rx(.3) q[0];", levels, reader=reader)
    wanted = circuit_energy(made(("rx", 0.3, 0), qubits=7), levels.hamiltonian.terms)
    assert facts["energy"] == pytest.approx(wanted)
    assert "multiples of 2 pi / 32" in facts["refused"]


def test_open_angles_without_a_design_stay_an_error(problem: CircuitProblem) -> None:
    text = H3 + "input float a;\nqubit[3] q;\nrx(a) q[0];"
    (found,) = score_files([("a", text.encode())], problem)
    assert "Expected at least one two-qubit gate" in found.error


# Kind -> (text, the same circuit by Qiskit, what the notes say)
FEWER = {
    "register": (H2 + "qreg q[5]; h q[0]; cx q[0],q[1];", made(("h", 0), ("cx", 0, 1)), "2 of the file's 5 qubits"),
    "ancillas": (
        H2 + "qreg q[3]; qreg ancilla[2]; h q[1]; cx q[1],q[2];",
        made(("h", 1), ("cx", 1, 2)),
        "the others keep their numbers",
    ),
    "scattered": (
        H2 + "qreg q[5]; creg c[5]; x q[4]; cx q[4],q[1]; ry(.2) q[3]; measure q -> c;",
        made(("x", 2), ("cx", 2, 0), ("ry", 0.2, 1)),
        "the file's qubit 1 is qubit 0, the file's qubit 3 is qubit 1, the file's qubit 4 is qubit 2",
    ),
    "a measured qubit without a gate": (
        H2 + "qreg q[5]; creg c[3]; h q[0]; cx q[0],q[4]; measure q[0]->c[0]; measure q[2]->c[1]; measure q[4]->c[2];",
        made(("h", 0), ("cx", 0, 2)),
        "the file's qubit 4 is qubit 2",
    ),
    "measured in another order": (
        H2 + "qreg q[5]; creg c[3]; cx q[4],q[0]; x q[4]; measure q[4]->c[0]; measure q[0]->c[1]; measure q[2]->c[2];",
        made(("cx", 2, 0), ("x", 2)),
        "bit 0 is the file's qubit 4, bit 1 is the file's qubit 0, bit 2 is the file's qubit 2; qubits keep the file's",
    ),
    "measured in another order, OpenQASM 3": (
        H3 + "bit[2] c;\nx $1;\ncz $1, $2;\nc[0] = measure $2;\nc[1] = measure $1;\n",
        made(("x", 1), ("cz", 1, 2)),
        "bit 0 is $2, bit 1 is $1; qubits keep the file's order",
    ),
    "device register": (
        H2 + "qreg q[127]; x q[60]; cx q[60],q[59];",
        made(("x", 1), ("cx", 1, 0)),
        "125 of the file's 127 qubits left out",
    ),
    "physical": (
        H3 + "sx $12;\necr $12, $13;\n",
        made(("sx", 0), ("ecr", 0, 1)),
        "$12 is qubit 0, $13 is qubit 1",
    ),
    "physical of a large device": (
        H3 + "sx $56;\ncz $56, $57;\nsx $162; cz $57,$162;\n",
        made(("sx", 0), ("cz", 0, 1), ("sx", 2), ("cz", 1, 2)),
        "$56 is qubit 0, $57 is qubit 1, $162 is qubit 2",
    ),
    "physical that fit": (H3 + "sx $1;\ncz $1, $2;\n", made(("sx", 1), ("cz", 1, 2)), "$k is qubit k, 3 in all"),
}


@pytest.mark.parametrize("kind", FEWER)
def test_idle_qubits_are_left_out_and_the_note_says_which(kind, problem: CircuitProblem, reader: Reader) -> None:
    text, circuit, note = FEWER[kind]
    facts = score(text, problem, reader=reader)
    assert facts["energy"] == pytest.approx(circuit_energy(circuit, problem.hamiltonian.terms), abs=1e-12)
    assert facts["design"]
    assert sum(note in said for said in facts["notes"]) == 1


def test_more_qubits_than_the_problem_has_are_refused(problem: CircuitProblem, reader: Reader) -> None:
    with pytest.raises(InvalidDesign, match="at most 3 qubits, got 6, gates on 4 of them"):
        score(H2 + "qreg q[6]; h q[0]; h q[1]; h q[2]; h q[5];", problem, reader=reader)


def test_a_circuit_that_fits_stays_as_it_is() -> None:
    circuit = Foreign(3, (Gate("h", (), (2,), 1),), (), "OpenQASM 3")
    assert fitted(circuit, 3) == circuit
    assert fitted(circuit, 5) == circuit


def phased(theta: float, phi: float, qubit: int) -> QuantumCircuit:
    """U1q by its matrix exp(-i theta/2 (cos phi X + sin phi Y)), as Quantinuum defines it."""
    circuit = QuantumCircuit(3)
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    turned = complex(math.cos(phi), math.sin(phi))
    circuit.append(library.UnitaryGate([[c, -1j * s * turned.conjugate()], [-1j * s * turned, c]]), [qubit])
    return circuit


HQS = 'OPENQASM 2.0;\ninclude "hqslib1.inc";\nqreg q[3];\n'
LIBRARIES = {
    "U1q": (HQS + "U1q(0.4*pi,0.3*pi) q[0]; cx q[0],q[1];", [phased(0.4 * math.pi, 0.3 * math.pi, 0), ("cx", 0, 1)]),
    "RZZ and Rz": (
        HQS + "h q[0]; h q[1]; RZZ(.3) q[0],q[1]; Rz(.2) q[0]; h q[0];",
        [("h", 0), ("h", 1), ("rzz", 0.3, 0, 1), ("rz", 0.2, 0), ("h", 0)],
    ),
    "ZZ": (HQS + "h q[0]; h q[1]; ZZ() q[0],q[1]; h q[0];", [("h", 0), ("h", 1), ("rzz", math.pi / 2, 0, 1), ("h", 0)]),
    "ZZ by its definition in the file": (
        HQS + "h q[0]; h q[1]; ZZ q[0],q[1]; h q[0];",
        [
            *[("h", 0), ("h", 1), phased(math.pi / 2, math.pi / 2, 1), ("cx", 0, 1), ("rz", -math.pi / 2, 0)],
            *[phased(math.pi / 2, 0.0, 1), phased(math.pi / 2, -math.pi / 2, 1), ("h", 0)],
        ],
    ),
    "OQC": (
        'OPENQASM 2.0;\ninclude "oqclib1.inc";\nqreg q[3];\nrz(.3) q[0]; sx q[0]; ecr q[0],q[1];',
        [("rz", 0.3, 0), ("sx", 0), ("ecr", 0, 1)],
    ),
    "Braket": (
        "OPENQASM 3.0;\nqubit[3] q;\nh q[0];\nxx(.3) q[0],q[2]; yy(.4) q[0],q[2]; zz(.5) q[0],q[2]; h q[0];",
        [("h", 0), ("rxx", 0.3, 0, 2), ("ryy", 0.4, 0, 2), ("rzz", 0.5, 0, 2), ("h", 0)],
    ),
}


@pytest.mark.parametrize("kind", LIBRARIES)
def test_gates_of_other_libraries_are_what_their_makers_say(kind, problem: CircuitProblem, reader: Reader) -> None:
    text, gates = LIBRARIES[kind]
    wanted = QuantumCircuit(3)
    for gate in gates:
        wanted.compose(gate if isinstance(gate, QuantumCircuit) else made(gate), inplace=True)
    facts = score(text, problem, reader=reader)
    assert facts["energy"] == pytest.approx(circuit_energy(wanted, problem.hamiltonian.terms), abs=1e-12)
    if kind == "Braket":
        assert any("zz(angle) read as Braket has it, rzz(angle) (line 4)" in note for note in facts["notes"])
    elif kind != "OQC":
        assert any("hqslib1.inc: Rz is rz" in note for note in facts["notes"])


def test_names_of_quantinuum_need_their_include(problem: CircuitProblem, reader: Reader) -> None:
    with pytest.raises(InvalidDesign, match="got 'ZZ'"):
        score(H2 + "qreg q[3]; ZZ q[0],q[1];", problem, reader=reader)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("qc = QuantumCircuit(3)\nqc.h(0)\nqc.cx(0, 1)", "got Python (line 1: "),
        ("from qiskit import QuantumCircuit\nqc.h(0)", "got Python (line 1: "),
        ("qc.h(0)\nfor i in range(2):\n    qc.cx(0, 1)", "got Python (line 2: "),
        ("import cirq\nq = cirq.LineQubit.range(3)\ncirq.Circuit(cirq.H(q[0]))", "got Python"),
        ("q_0: ┤ H ├──■──\nq_1: ─────┤ X ├", "got a drawing (line 1 "),
        ("0: ───H───@───\n1: ───────X───", "got a drawing (line 1 "),
        ("0: ---H---@---\n1: -------X---", "got a drawing (line 1 "),
        ("H 0\nCX 0 1", "got the gate 'H' of another language"),
        ("CNOT 0 1", "got the gate 'CNOT' of another language"),
        ("DECLARE ro BIT\nH 0", "got Quil (line 1: "),
    ],
)
def test_what_is_no_circuit_text_is_named_with_advice(text, says, problem: CircuitProblem, reader: Reader) -> None:
    with pytest.raises(InvalidDesign) as caught:
        score(text, problem, reader=reader)
    assert says in str(caught.value)
    assert "qiskit.qasm3.dumps(circuit)" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_words_and_calls_are_still_words(problem: CircuitProblem) -> None:
    for text in ("cx 0 1", "0-1 1-2", "qc.cx(0, 1)", "qc.ry(0.3, 2); qc.cx(0, 1)\n", "ry 0 a* cx 0 1"):
        assert score(text, problem)["dialect"] == "words"
