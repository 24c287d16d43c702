"""Circuits of other tools, by kind: read with the energy that Qiskit gives them, or refused by line."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import library
from qiskit.quantum_info import Statevector

from domains.quantum.door.foreign import Foreign, read_circuit_file
from domains.quantum.door.modify import qiskit_gate
from domains.quantum.door.prescan import MAX_BYTES, decoded
from domains.quantum.door.reader import Reader
from poets_core.errors import InvalidDesign

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
REGISTER = HEAD + "qubit[7] q;\n"
HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
BODY = "h q[0];\nry(pi/4) q[1];\ncx q[0],q[1];\nrz(3*pi/8) q[6];\ncz q[5],q[6];\ns q[2];\nsdg q[3];\nt q[4];\n"


@pytest.fixture(scope="module")
def reader():
    with Reader() as one:
        yield one


def state_of(foreign: Foreign) -> np.ndarray:
    circuit = QuantumCircuit(foreign.qubits)
    for gate in foreign.gates:
        circuit.append(qiskit_gate(library, gate.name, gate.params), gate.qubits)
    return np.asarray(Statevector(circuit).data)


def by_qiskit(text: str) -> np.ndarray:
    """The state of a text, read by Qiskit alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "OPENQASM 2" in text:
            custom = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
            circuit = qasm2.loads(text, include_path=(), custom_instructions=custom)
        else:
            circuit = qasm3.loads(text)
    circuit.remove_final_measurements()
    return np.asarray(Statevector(circuit).data)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and abs(abs(np.vdot(a, b)) - 1) < 1e-12


# Kind -> text that Qiskit reads as well: the two states must agree.
BOTH = {
    "plain": REGISTER + BODY,
    "version 3": REGISTER.replace("3.0", "3") + BODY,
    "version 3.1": REGISTER.replace("3.0", "3.1") + BODY,
    "comment first": "// made by a tool\n" + REGISTER + BODY,
    "block comment": HEAD + "/* a ; { comment\n*/\nqubit[7] q;" + BODY,
    "a statement in a comment": HEAD + "// see http://example.org; x q[0];\nqubit[7] q;" + BODY,
    "barriers": REGISTER + BODY + "barrier q;\nbarrier q[0], q[3];\nh q[1];",
    "bits that are not used": HEAD + "bit[7] c;\nqubit[7] q;\n" + BODY,
    "bits that are measured": HEAD + "bit[7] m;\nqubit[7] q;\n" + BODY + "barrier q;\nm[0] = measure q[0];",
    "all bits measured": HEAD + "bit[7] m;\nqubit[7] q;\n" + BODY + "m = measure q;",
    "global phase": HEAD + "gphase(pi/4);\nqubit[7] q;\n" + BODY,
    "U without include": "OPENQASM 3.0;\nqubit[7] q;\nU(0.3,0.2,pi/4) q[0];",
    "CX in capitals": REGISTER + "h q[0]; CX q[0], q[1];",
    "ccx": REGISTER + "h q[0]; x q[1]; ccx q[0], q[1], q[2];",
    "controlled rotations": REGISTER + "h q; crz(pi/4) q[0], q[1]; crx(.3) q[1], q[2]; cry(.4) q[2], q[3]; "
    "ch q[0], q[2];",
    "identity": REGISTER + "id q[0]; h q[1];",
    "phase and u": REGISTER + "h q; p(pi/2) q[0]; u3(pi/2,0,pi) q[1]; u2(.1,.2) q[2]; u1(.3) q[3]; phase(.2) q[4];",
    "controlled u": REGISTER + "h q; cu(.1,.2,.3,.4) q[0], q[1]; cp(.3) q[1], q[2]; cphase(.2) q[0], q[2];",
    "definition of rzz": REGISTER + "gate rzz(p0) a, b { cx a, b; rz(p0) b; cx a, b; }\nh q; rzz(pi/4) q[0], q[1];",
    "definition in definition": REGISTER
    + "gate f(a) x, y { cx x, y; rz(a/2) y; }\ngate g(a, b) x, y { f(a+b) y, x; f(-b) x, y; h x; }\n"
    "h q; g(.3, .4) q[0], q[1];",
    "definition with a control and a phase": REGISTER
    + "gate g(a) x { gphase(a); rx(a) x; }\nh q; ctrl @ g(.7) q[0], q[1];",
    "sx": REGISTER + "sx q[0]; x q[1];",
    "y z tdg swap": REGISTER + "h q; y q[0]; z q[1]; tdg q[2]; swap q[3], q[4]; cy q[0], q[1]; cswap q[0], q[1], q[2];",
    "broadcast": REGISTER + "h q; rz(.3) q;",
    "two registers": HEAD + "qubit[4] a;\nqubit[3] b;\nh a[0];\ncx a[0], b[2];",
    "broadcast of two registers": HEAD + "qubit[3] a;\nqubit[3] b;\nqubit c;\nh a; cx a, b; cx c, b; cz a, c;",
    "index expression": REGISTER + "h q[2*3];",
    "negative index": REGISTER + "h q[-1]; x q[-7];",
    "physical qubits": HEAD + "h $0;\ncx $0, $1;",
    "single qubits": HEAD + "qubit a;\nqubit[6] b;\nh a;",
    "slices and sets": REGISTER + "h q[0:2]; x q[1:2:6]; s q[{0,3}];",
    "alias": REGISTER + "let a = q[0:2] ++ q[5:6];\nh a; x a[3];",
    "controls": REGISTER + "h q; ctrl @ x q[0], q[1]; ctrl(2) @ x q[0], q[1], q[2]; negctrl @ rx(.3) q[1], q[2];",
    "control of a phase": REGISTER + "h q; ctrl @ gphase(.5) q[0]; ctrl(2) @ gphase(.7) q[1], q[2];",
    "controls of definitions with modifiers within": REGISTER
    + "gate f a { pow(0.5) @ x a; rz(.3) a; }\ngate g a, b { ctrl @ f a, b; gphase(.2); negctrl @ h b, a; }\n"
    "h q; ctrl @ g q[0], q[1], q[2]; inv @ g q[3], q[4];",
    "inverse": REGISTER + "h q; inv @ s q[0]; inv @ rx(.4) q[1]; inv @ U(.1,.2,.3) q[2]; "
    "inv @ cu(.1,.2,.3,.4) q[0], q[1];",
    "powers": REGISTER + "h q; pow(2) @ t q[0]; pow(0.5) @ x q[1]; pow(-2) @ t q[2]; pow(3) @ rx(.2) q[3];",
    "power and control": REGISTER + "h q; ctrl @ pow(0.5) @ x q[0], q[1]; inv @ ctrl @ pow(2) @ t q[1], q[2];",
    "inverse of a definition": REGISTER
    + "gate g(a) x, y { h x; cx x, y; rz(a) y; s x; }\nh q; inv @ g(.3) q[0], q[1]; pow(2) @ g(.2) q[1], q[2];",
    "white space": HEAD + "qubit [7] q;\nh q [0];\ncx q[0] ,\n q[1];",
    "numbers": REGISTER + "h q; rz(10*pi + pi/4) q[0]; rz(7.853981633974483e-1) q[1]; rz(-pi/4) q[2]; "
    "rz(pi*0.25) q[3];",
    "one line": (REGISTER + BODY).replace("\n", " "),
    "no final newline": REGISTER + BODY.rstrip(),
    "one value of an input": HEAD + "qubit[2] q;\nh q[0];\nrz(-.25*pi) q[0];\nh q[0];",
    "version 2": HEAD2 + "qreg q[7];\ncreg c[7];\n" + BODY + "measure q -> c;",
    "version 2 of Cirq": "// Generated from Cirq v1.7.0\n\n"
    + HEAD2 + "\n\n// Qubits: [q(0), q(1)]\nqreg q[2];\n\n\nh q[0];\nry(pi*0.25) q[1];\nsx q[0];\n"
    "u3(pi*0.5,pi*1.25,pi*-0.1) q[1];",
    "version 2 of Qiskit": HEAD2
    + "gate rzx(param0) q0,q1 { h q1; cx q0,q1; rz(param0) q1; cx q0,q1; h q1; }\n"
    "gate ryy(param0) q0,q1 { rx(pi/2) q0; rx(pi/2) q1; cx q0,q1; rz(param0) q1; cx q0,q1; rx(-pi/2) q0; "
    "rx(-pi/2) q1; }\n"
    "qreg q[3];\ncreg meas[3];\nh q[0];\nrzz(0.3) q[0],q[1];\nrzx(pi/3) q[1],q[2];\nryy(0.4) q[0],q[2];\n"
    "barrier q[0],q[1],q[2];\nmeasure q[0] -> meas[0];\nmeasure q[1] -> meas[1];",
    "version 2 of pytket": HEAD2 + "qreg node[2];\ncreg c[2];\nu3(0.5*pi,0.0*pi,1.0*pi) node[0];\n"
    "cx node[0],node[1];\n",
    "version 2: arithmetic": HEAD2 + "qreg q[3];\nh q;\nrz(1/2*pi) q[0];\nrz(2^2/3) q[1];\nrz(-pi^2/7) q[2];\n"
    "rx(sin(0.3)+ln(2)) q[0];",
    "version 2: all gates": HEAD2
    + "qreg q[3];\nh q;\nu1(.1) q[0]; u2(.1,.2) q[1]; u3(.1,.2,.3) q[2]; u(.3,.1,.2) q[0]; p(.2) q[1]; id q[0];\n"
    "cu1(.3) q[0],q[1]; cu3(.1,.2,.3) q[1],q[2]; crz(.2) q[0],q[2]; cy q[0],q[1]; ch q[1],q[2]; rxx(.2) q[0],q[1];\n"
    "rzz(.3) q[1],q[2]; cswap q[0],q[1],q[2]; csx q[0],q[1]; sxdg q[0]; cp(.2) q[0],q[1]; U(.1,.2,.3) q[0]; "
    "CX q[0],q[1];",
    "version 2: gates on many": HEAD2
    + "qreg q[5];\nh q;\nt q;\nc3x q[0],q[1],q[2],q[3];\nc4x q[0],q[1],q[2],q[3],q[4];\nrccx q[0],q[1],q[2];\n"
    "rc3x q[0],q[1],q[2],q[3];\nc3sqrtx q[4],q[1],q[2],q[3];",
    "version 2: names that are words of version 3": HEAD2
    + "qreg in[1];\nqreg output[2];\ncreg bit[3];\ngate inv(angle) a,b { rx(angle) a; cx a,b; }\nh output[1];\n"
    "inv(.3) in[0],output[1];\nmeasure output -> bit;".replace("creg bit[3];", "creg bit[2];"),
    "version 2: broadcast": HEAD2 + "qreg a[2];\nqreg b[2];\nh a;\ncx a,b;\ncx a[0],b;",
}  # fmt: skip


@pytest.mark.parametrize("kind", BOTH)
def test_what_qiskit_reads_has_the_same_state(kind: str, reader: Reader) -> None:
    assert same(state_of(read_circuit_file(BOTH[kind], reader=reader)), by_qiskit(BOTH[kind]))


# Kind -> a text that Qiskit does not read, and the same circuit in words that it does.
ALIKE = {
    "no header": (HEAD.split("\n")[1] + "qubit[7] q;" + BODY, REGISTER + BODY),
    "no header, version 2": ("qreg q[7];\n" + BODY, HEAD2 + "qreg q[7];\n" + BODY),
    "no include": ("OPENQASM 3.0;\nqubit[7] q;" + BODY, REGISTER + BODY),
    "include twice": (HEAD + HEAD.split("\n")[1] + "qubit[7] q;" + BODY, REGISTER + BODY),
    "unicode pi and tau": (REGISTER + "h q; rz(π/4) q[0]; rz(tau/8) q[1]; rz(τ/4) q[2];",
                           REGISTER + "h q; rz(pi/4) q[0]; rz(pi/4) q[1]; rz(pi/2) q[2];"),
    "a register in Greek": (HEAD + "qubit[7] ψ;\nh ψ[0];", REGISTER + "h q[0];"),
    "annotation": (HEAD + "@foo a {b\nqubit[7] q;\n" + BODY, REGISTER + BODY),
    "pragma": (HEAD + '#pragma foo "bar\nqubit[7] q;\npragma x {\n' + BODY, REGISTER + BODY),
    "byte order mark": ("\ufeff" + REGISTER + BODY, REGISTER + BODY),
    "line ends of Windows": ((REGISTER + BODY).replace("\n", "\r\n"), REGISTER + BODY),
    "line ends of an old Mac": ("// a\r" + (REGISTER + BODY).replace("\n", "\r"), REGISTER + BODY),
    "a word processor's quotes, minus and blanks": (
        "OPENQASM 3.0;\ninclude “stdgates.inc”;\nqubit[7]\u00a0q;\nh q; rz(\u2212pi/4)\u00a0q[0];",
        REGISTER + "h q; rz(-pi/4) q[0];"),
    "a register called like a gate": (HEAD + "qubit[7] h;\nx h[0];", REGISTER + "x q[0];"),
    "constants": (REGISTER + "const float[64] th = pi/4;\nconst int n = 3;\nh q; rz(th*2) q[n-1]; rx(th/n) q[0];",
                  REGISTER + "h q; rz(pi/2) q[2]; rx(pi/12) q[0];"),
    "variables": (REGISTER + "int i = 1; float a = .5; i += 2; a = a*i; h q[i]; rx(a) q[0];",
                  REGISTER + "h q[3]; rx(1.5) q[0];"),
    "for": (REGISTER + "for uint i in [0:6] { h q[i]; }", REGISTER + "h q;"),
    "for with a step, for in for, over a set": (
        REGISTER + "for int i in [6:-3:0] { x q[i]; for int j in {1,2} rz(i*.1+j) q[j]; }\n"
        "for int i in [0:4] cx q[i], q[i+1];",
        REGISTER + "x q[6]; rz(1.6) q[1]; rz(2.6) q[2]; x q[3]; rz(1.3) q[1]; rz(2.3) q[2]; x q[0]; rz(1.) q[1]; "
        "rz(2.) q[2]; " + " ".join(f"cx q[{i}], q[{i + 1}];" for i in range(5))),
    "for in a definition": (REGISTER + "gate g(a) x { for int i in [1:3] { rx(a*i) x; } }\ng(.1) q[0];",
                            REGISTER + "rx(.6) q[0];"),
    "if that is known": (REGISTER + "const int n = 2;\nif (n == 2) { h q[0]; } else { x q[0]; }", REGISTER + "h q[0];"),
    "size of a register": (REGISTER + "h q[sizeof(q)-1];", REGISTER + "h q[6];"),
    "functions and powers": (REGISTER + "h q; rz(sqrt(2)*cos(pi)) q[0]; rz(2.0**-3*pi) q[1]; rz(arctan(1.)) q[2];",
                             REGISTER + "h q; rz(-1.4142135623730951) q[0]; rz(pi/8) q[1]; rz(pi/4) q[2];"),
    "a division of integers that has no rest": (REGISTER + "h q; rz(4/2*pi/8) q[0];", REGISTER + "h q; rz(pi/4) q[0];"),
    "rzz without a definition": (REGISTER + "h q; rzz(.3) q[0], q[1];",
                                 REGISTER + "h q; cx q[0], q[1]; rz(.3) q[1]; cx q[0], q[1];"),
    "a definition of a standard gate, by itself": (REGISTER + "gate h a { h a; x a; }\n"
    "h q[0];", REGISTER + "h q[0]; x q[0];"),
    "measured when declared": (REGISTER + "h q[0];\nbit b = measure q[0];\nmeasure q[1];", REGISTER + "h q[0];"),
    "reset at the start": (REGISTER + "reset q;\nh q[0];", REGISTER + "h q[0];"),
    "delay and box": (REGISTER + "box { h q[0]; delay[10ns] q[1]; }", REGISTER + "h q[0];"),
    "output bits": (HEAD + "output bit[7] c;\nqubit[7] q;\nh q[0];\nc = measure q;", REGISTER + "h q[0];"),
    "old registers in version 3": (HEAD + "qreg q[7];\ncreg c[7];\nh q[0];\nmeasure q -> c;", REGISTER + "h q[0];"),
    "opaque gates that are not used": (HEAD2 + "opaque delay(t) a;\nqreg q[7];\nh q[0];", REGISTER + "h q[0];"),
    "standard gates spelled out": (
        REGISTER + "gate P(a) x { ctrl @ gphase(a) x; }\ngate CNOT a, b { ctrl @ U(pi,0,pi) a, b; }\n"
        "h q; P(.3) q[0]; CNOT q[0], q[1];",
        REGISTER + "h q; p(.3) q[0]; cx q[0], q[1];",
    ),
    "global phase of PennyLane": (HEAD2 + "qreg q[7];\nh q[0];\ngphase(-0.785) q[0];", REGISTER + "h q[0];"),
    "names of Braket": (
        "OPENQASM 3.0;\nqubit[7] q;\nh q; v q[0]; vi q[1]; si q[2]; ti q[3]; i q[4]; ccnot q[0], q[1], q[2];\n"
        "phaseshift(.1) q[0]; cphaseshift(.2) q[0], q[1];",
        REGISTER + "h q; sx q[0]; inv @ sx q[1]; sdg q[2]; tdg q[3]; ccx q[0], q[1], q[2]; p(.1) q[0]; "
        "cp(.2) q[0], q[1];",
    ),
    "a plus sign": (REGISTER + "h q; rz(+0.5) q[0]; rz(2*+pi) q[1];", REGISTER + "h q; rz(.5) q[0]; rz(2*pi) q[1];"),
    "cnot": (REGISTER + "h q[0]; cnot q[0], q[1];", REGISTER + "h q[0]; cx q[0], q[1];"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ALIKE)
def test_what_qiskit_does_not_read_is_what_it_says(kind: str, reader: Reader) -> None:
    text, alike = ALIKE[kind]
    assert same(state_of(read_circuit_file(text, reader=reader)), by_qiskit(alike))


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("barriers", "barrier dropped (lines 12, 13)"),
        ("bits that are measured", "final measurement dropped (line 14)"),
        ("global phase", "global phase dropped (line 3)"),
        ("two registers", "in the order of declaration: a[0..3] are 0..3, b[0..2] are 4..6"),
        ("single qubits", "a is 0, b[0..5] are 1..6"),
        ("no header", "read as OpenQASM 3"),
        ("no header, version 2", "read as OpenQASM 2"),
        ("no include", "no include"),
        ("annotation", "annotation left out: it is no part of the circuit (line 3)"),
        ("pragma", "pragma left out: it is no part of the circuit (lines 3, 5)"),
        ("reset at the start", "reset at the start dropped: qubits begin in |0> (line 4)"),
        ("delay and box", "delay dropped"),
    ],
)
def test_what_is_left_out_or_assumed_is_said(kind: str, note: str, reader: Reader) -> None:
    text = BOTH[kind] if kind in BOTH else ALIKE[kind][0]
    assert any(note in said for said in read_circuit_file(text, reader=reader).notes)


def test_an_input_stays_open(reader: Reader) -> None:
    text = HEAD + "input float[64] theta;\ninput angle b;\nqubit[7] q;\nrz(2*theta) q[0]; rx(b) q[1]; ry(.5) q[2];"
    found = read_circuit_file(text, reader=reader)
    assert found.inputs == ("b", "theta")
    assert [g.params[0] == g.params[0] for g in found.gates] == [False, False, True]


def test_each_gate_has_the_line_of_its_call(reader: Reader) -> None:
    text = "\n".join(
        ["OPENQASM 3.0;", "/* one", "two */", "gate g a {", "h a;", "x a; }", "qubit[2] q;", "", "g q[0];", "x q;"]
    )
    assert [g.line for g in read_circuit_file(text, reader=reader).gates] == [9, 9, 10, 10]


# Kind -> (text, what the message says)
REFUSED = {
    "another version": ("OPENQASM 4.0;\nqubit[2] q;\nh q[0];", "version 4"),
    "a second header": (REGISTER + "h q[0];\n" + REGISTER, "a header on line 5"),
    "same qubit twice": (REGISTER + "cx q[0], q[0];", "'cx' on line 4"),
    "no register": (HEAD + "const int n = 1;", "Expected a register and gates on it, got none"),
    "too many qubits": (HEAD + "qubit[30] q;\nh q;", "at most 24 qubits, got more by line 4"),
    "a register without end": (HEAD + "qubit[9999] q;", "Expected 1 to 2000 qubits in all registers, got 9999"),
    "end": (REGISTER + "h q[0];\nend;", "got 'end' on line 5. It changes no state: remove it"),
    "end in version 2": (HEAD2 + "qreg q[2];\nh q[0];\nend;", "got 'end' on line 5, which it does not have. Remove"),
    "another include": ('OPENQASM 2.0;\ninclude "mylib.inc";\nqreg q[2];', "hqslib1.inc, oqclib1.inc, got 'mylib.inc'"),
    "a gate of pytket without a name here": ('OPENQASM 2.0;\ninclude "hqslib1.inc";\nqreg q[2];\n'
    "Rxxyyzz(.1,.2,.3) q[0],q[1];", "line 4 or standard, got 'Rxxyyzz'"),
    "out of range": (REGISTER + "\nh q[9];", "0 .. 6 of q on line 5, got 9"),
    "negative index in version 2": (HEAD2 + "qreg q[2];\nh q[-1];", "line 4"),
    "unknown register": (REGISTER + "h p[0];", "one of q, got 'p'"),
    "unknown gate": (REGISTER + "magic(.3) q[0];", "line 4 or standard, got 'magic'"),
    "gate in capitals": (REGISTER + "H q[0];", "got 'H'. Write 'h'"),
    "header without its end": ("OPENQASM 3.0\nqubit[2] q;\nh q[0];", "maybe without ';'"),
    "gate before its definition": (REGISTER + "g q[0];\ngate g a { h a; }", "line 4 or standard, got 'g'"),
    "opaque gate": (HEAD2 + "opaque g a;\nqreg q[2];\ng q[0];", "line 5, got opaque 'g'"),
    "too few angles": (REGISTER + "rx q[0];", "1 angles of the gate 'rx' on line 4, got 0"),
    "too many angles": (REGISTER + "h(1) q[0];", "0 angles of the gate 'h' on line 4, got 1"),
    "too few qubits": (REGISTER + "cx q[0];", "2 qubits of the gate 'cx' on line 4, got 1"),
    "registers of two sizes": (HEAD + "qubit[2] a; qubit[3] b;\ncx a, b;", r"one size at 'cx' on line 4"),
    "integer division": (REGISTER + "rz(1/2*pi) q[0];", "line 4, got 1/2: it is 0 in OpenQASM 3 and 0.5 elsewhere"),
    "negative power of an integer": (REGISTER + "rz(2**-3*pi) q[0];", r"line 4, got 2\*\*-3"),
    "infinite angle": (REGISTER + "rx(1e308*10) q[0];", "finite angles on line 4"),
    "division by zero": (REGISTER + "rx(1/0) q[0];", "division by zero"),
    "root of a negative number": (REGISTER + "rx((-1.0)**0.5) q[0];", "line 4"),
    "logarithm of a negative number": (REGISTER + "rx(log(-1.0)) q[0];", "line 4"),
    "no such constant": (REGISTER + "rx(theta) q[0];", "declared before line 4, got 'theta'"),
    "assignment to a constant": (REGISTER + "const int n = 1;\nn = 2;\nh q[0];", "line 5"),
    "gate after measurement": (HEAD + "bit c;\nqubit[2] q;\nc = measure q[0];\n"
    "h q[0];", "line 6 on a qubit that was measured on line 5"),
    "gate after measurement of all": (HEAD2 + "qreg q[2];\ncreg c[2];\nmeasure q -> c;\ncx q[0],q[1];", "line 6"),
    "reset later": (REGISTER + "h q[0];\nreset q[0];", "reset .* on line 5"),
    "if on bits": (HEAD + "bit c;\nqubit[2] q;\nc = measure q[0];\nif (c) { x q[1]; }", "'if' on line 6"),
    "if of version 2": (HEAD2 + "qreg q[2];\ncreg c[2];\nif(c==1) x q[0];", "'if' on line 5"),
    "while": (REGISTER + "while (true) { h q[0]; }", "'while' on line 4"),
    "def": (REGISTER + "def f(int a) { }\nh q[0];", "'def' on line 4"),
    "extern": (REGISTER + "extern f(int) -> int;\nh q[0];", "'extern' on line 4"),
    "defcal": (REGISTER + "defcal x $0 { }\nh q[0];", "line 4"),
    "input of another type": (HEAD + "input int n;\nqubit[2] q;\nh q[n];", "line 3"),
    "syntax": (REGISTER + "h q[0];\nh q[0] q[1];\nh q[2];", "is none on line 5"),
    "missing semicolon": (REGISTER + "h q[0]\n\nh q[1];", "is none on line 6. Line 4 before it does not end with ';'"),
    "missing semicolon in version 2": (HEAD2 + "qreg q[2]\nh q[0];", "Line 3 before it does not end with ';': add it"),
    "no end": (REGISTER + "h q[0];\nh q[0]", "is none"),
    "quote that is open": (HEAD + 'qubit[7] q;\nh "q[0];', "is none on line 4"),
    "comment that is open": (REGISTER + "/* h q[0];", "line 4"),
    "registers and physical qubits": (REGISTER + "h $0;", "both on line 4"),
    "modified too wide": (HEAD + "qubit[12] q;\n"
    "ctrl(7) @ ctrl(3) @ x q[0],q[1],q[2],q[3],q[4],q[5],q[6],q[7],q[8],q[9],q[10];", "line 4"),
    "open angle under a control": (HEAD + "input float t;\nqubit[2] q;\nctrl @ rx(t) q[0], q[1];", "line 5"),
    "JSON": ('{"cols": [["H"]]}', "got JSON"),
    "Python without an import": ("qc = QuantumCircuit(2)\nqc.cx(0, 1)", r"Python \(line 1: .*qiskit.qasm3.dumps"),
    "Python": ("from qiskit import QuantumCircuit; qc = 1;", "got Python"),
    "QPY": ("QISKIT\x0b\x01;", "QPY"),
    "words without semicolons": ("circuit of two qubits", "without ';'"),
    "an empty text": (" \n", "an empty text"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_by_line(kind: str, reader: Reader) -> None:
    text, says = REFUSED[kind]
    with pytest.raises(InvalidDesign, match=says) as caught:
        read_circuit_file(text, reader=reader)
    assert str(caught.value).startswith("Expected ")
    assert len(str(caught.value)) < 400


def test_files_are_decoded_as_editors_write_them() -> None:
    assert decoded("h ψ;".encode()) == decoded("\ufeffh ψ;".encode()) == decoded("h ψ;".encode("utf-16")) == "h ψ;"
    with pytest.raises(InvalidDesign, match="UTF-8"):
        decoded(b"h \xff\xfe;")
    with pytest.raises(InvalidDesign, match="QPY"):
        decoded(b"QISKIT\x0d\x02")


def test_the_largest_files_are_read(reader: Reader) -> None:
    text = REGISTER + "cx q[0],q[1];\n" * 2000
    assert len(read_circuit_file(text, reader=reader).gates) == 2000
    with pytest.raises(InvalidDesign, match="at most 2000 gates"):
        read_circuit_file(REGISTER + "h q;" * 300, reader=reader)
    with pytest.raises(InvalidDesign, match=f"at most {MAX_BYTES} bytes"):
        read_circuit_file(REGISTER + "// " + "x" * MAX_BYTES, reader=reader)
