"""Hamiltonians as tools print them and tables hold them: read as meant, or refused with both readings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from domains.quantum.hamiltonian_file import read_hamiltonian
from domains.quantum.own import given_text
from poets_core.errors import InvalidTable

OP = SparsePauliOp(["IIZ", "IZZ", "XXI"], [0.5, -0.25, 0.125])
PAIRS = "[{0}'pauli': 'ZZ', 'qubits': [0, 1], 'coeff': 1{1}, {0}'pauli': 'ZX', 'qubits': [1, 2], 'coeff': 2{1}]"
CIRQ_Z = [{"cirq_type": "LineQubit", "x": 1}, {"cirq_type": "_PauliZ", "exponent": 1.0}]
CIRQ = {"cirq_type": "PauliSum", "items": [[[CIRQ_Z], {"cirq_type": "complex", "real": 0.5, "imag": 0.0}], [[], 2.0]]}
PYTKET = [{"string": [[["q", [1]], "Z"]], "coefficient": [0.5, 0.0]}, {"string": [], "coefficient": [2.0, 0.0]}]
HALF_Z1 = {"ZI": 0.5, "II": 2.0}

READ: dict[str, tuple[str, dict[str, float]]] = {
    # Letters apart, and identities.
    "letters apart": ("Z I I 0.5\nX I I 0.25", {"ZII": 0.5, "XII": 0.25}),
    "tensor signs": ("0.5 Z⊗I + 0.25 X⊗I", {"ZI": 0.5, "XI": 0.25}),
    "opflow": ("(0.5 * Z ^ I) + (-0.25 * X ^ I)", {"ZI": 0.5, "XI": -0.25}),
    "at": ("0.5 * X @ I", {"XI": 0.5}),
    "json, letters apart": ('{"I Z": 0.5, "X X": 0.25}', {"IZ": 0.5, "XX": 0.25}),
    "identity with wire": ("Identity(0) + 0.5 * PauliZ(0)", {"I": 1.0, "Z": 0.5}),
    "identity with wire, last": ("Identity(2)*0.7 + 0.5 * PauliZ(0)", {"III": 0.7, "IIZ": 0.5}),
    # Letters with qubits beside them.
    "json qubits": (PAIRS.format("{", "}").replace("'", '"'), {"IZZ": 1.0, "XZI": 2.0}),
    "csv qubits": ("pauli,qubits,coeff\nZZ,0 1,1\nZX,1 2,2", {"IZZ": 1.0, "XZI": 2.0}),
    "csv qubit": ("pauli,qubit,coeff\nZ,0,1\nX,1,2", {"IZ": 1.0, "XI": 2.0}),
    "csv weight": ("pauli,weight,coeff\nIZ,1,0.5\nXX,2,0.25", {"IZ": 0.5, "XX": 0.25}),
    "csv index": ("index,pauli,coeff\n0,IZ,0.5\n1,XX,0.25", {"IZ": 0.5, "XX": 0.25}),
    "csv index without name": ("0,IZ,0.5\n1,XX,0.25", {"IZ": 0.5, "XX": 0.25}),
    "identity and a number": ("I 2\nZZ 1", {"II": 2.0, "ZZ": 1.0}),
    "commas at the ends": ("IZ 0.5;\nXX -0.25,", {"IZ": 0.5, "XX": -0.25}),
    "brackets first": ("[Z0 Z1] 0.5\n[X0] -0.25\n[] 1", {"ZZ": 0.5, "IX": -0.25, "II": 1.0}),
    # Brackets, products and quotients.
    "pennylane": ("2 * (Z(0) + 0.5 * X(1))", {"IZ": 2.0, "XI": 1.0}),
    "pennylane nested": (
        "0.5 * Z(0) + -1 * ((0.25 * X(0)) @ Y(1)) + 0.3 * I(0)",
        {"IZ": 0.5, "YX": -0.25, "II": 0.3},
    ),
    "pennylane identity of several": ("0.25 * I([0, 1, 2]) + 0.5 * Z(0)", {"III": 0.25, "IIZ": 0.5}),
    "csv of letters with qubits": ("Z0,0.5\nX0 Y1,-0.3", {"IZ": 0.5, "YX": -0.3}),
    "fractions in json": ('{"IZ": "1/2", "XX": "-sqrt(2)/2"}', {"IZ": 0.5, "XX": -(0.5**0.5)}),
    "sum over lines": ("0.5*XX\n- 0.3*YY\n+ 0.2", {"XX": 0.5, "YY": -0.3, "II": 0.2}),
    "coefficient first, identity last": ("0.5 XX - 0.3\n0.2 YY", {"XX": 0.5, "II": -0.3, "YY": 0.2}),
    "a count of qubits": ('{"terms": {"IZ": 1}, "qubits": 2}', {"IZ": 1.0}),
    "pennylane product": ("(-1 * Z(0)) @ Z(1) - X(0)", {"ZZ": -1.0, "IX": -1.0}),
    "pennylane module": ("0.5*qml.PauliZ(0) - 0.25*qml.Z(wires=1)", {"IZ": 0.5, "ZI": -0.25}),
    "pennylane call": ("H = qml.Hamiltonian([0.5, 1/4], [qml.Z(0), qml.X(0) @ qml.X(1)])", {"IZ": 0.5, "XX": 0.25}),
    "pennylane terms": ("([0.5, -0.25], [Z(0), X(0) @ X(1)])", {"IZ": 0.5, "XX": -0.25}),
    "minus bracket": ("1.5 - (0.5 * Z0 - X1)/2", {"II": 1.5, "IZ": -0.25, "XI": 0.5}),
    "bracket first": ("(Z0 - X1) * 0.5", {"IZ": 0.5, "XI": -0.5}),
    "fractions": ("1/2 Z0 - Z0*Z1/4", {"IZ": 0.5, "ZZ": -0.25}),
    "typeset": ("0.5 Z₀Z₁ + 0.25 × X_{0} + 1·Y₁", {"ZZ": 0.5, "IX": 0.25, "YI": 1.0}),
    "fortran": ("IZ 0.5D0\nXX -2.5d-1", {"IZ": 0.5, "XX": -0.25}),
    "i of 0": ("(0.5+0.0i) * Z0Z1 + (0.25-0i) * X0", {"ZZ": 0.5, "IX": 0.25}),
    "numpy scalars": ("np.float64(0.5) * Z(0) + np.float64(0.25) * X(q[1])", {"IZ": 0.5, "XI": 0.25}),
    "name": ("H = 0.5*Z0 - 0.25*Z0*Z1", {"IZ": 0.5, "ZZ": -0.25}),
    # Other tools.
    "openfermion terms": ("{((0, 'Z'),): 0.5, ((0, 'X'), (1, 'Y')): 2, (): 1}", {"IZ": 0.5, "YX": 2.0, "II": 1.0}),
    "openfermion calls": ("QubitOperator('X0 X1', 0.5) - 2 * QubitOperator('Z0', 0.25)", {"XX": 0.5, "IZ": -0.5}),
    "pytket": ("{(Zq[0], Zq[1]): 0.5, (Xq[0]): -0.25, (): 1.5}", {"ZZ": 0.5, "IX": -0.25, "II": 1.5}),
    "pytket json": (json.dumps(PYTKET), HALF_Z1),
    "cirq json": (json.dumps(CIRQ), HALF_Z1),
    "rounding beside large": ("(100.5+3e-12j) [Z0] +\n(0.25+0j) [X0]", {"Z": 100.5, "X": 0.25}),
    # Python.
    "to_sparse_list": (str(OP.to_sparse_list()), dict(zip(OP.paulis.to_labels(), OP.coeffs.real, strict=True))),
    "to_list": (str(OP.to_list()), dict(zip(OP.paulis.to_labels(), OP.coeffs.real, strict=True))),
    "comments and fractions": (
        "# of a paper\nfrom qiskit.quantum_info import SparsePauliOp\nH = SparsePauliOp.from_list([\n"
        '  ("IZ", 0.5),  # first\n  ("XX", 1/8),\n])',
        {"IZ": 0.5, "XX": 0.125},
    ),
    "signs of labels": ('SparsePauliOp(["-IZ", "XX"])', {"IZ": -1.0, "XX": 1.0}),
    "one label": ('SparsePauliOp("ZZ", 0.5)', {"ZZ": 0.5}),
    "paulis": ('SparsePauliOp([Pauli("IZ"), Pauli("XX")], [0.5, 2])', {"IZ": 0.5, "XX": 2.0}),
    "pauli list": ('SparsePauliOp(PauliList(["IZ"]), coeffs=np.array([0.5]))', {"IZ": 0.5}),
    "multiple": ('2 * SparsePauliOp(["ZZ"], [0.5]) - SparsePauliOp("IX")', {"ZZ": 1.0, "IX": -1.0}),
    "pauli sum": ('PauliSumOp(SparsePauliOp(["ZZ"], coeffs=[0.5+0.j]), coeff=2.0)', {"ZZ": 1.0}),
    "dict": ("H = {'IZ': 0.5, 'XX': (-0.25+0j)}", {"IZ": 0.5, "XX": -0.25}),
    "list": ("paulis = [('IZ', 0.5), ('XX', -0.25)]", {"IZ": 0.5, "XX": -0.25}),
    "lines of a dict": ('"IZ": 0.5,\n"XX": -0.25,', {"IZ": 0.5, "XX": -0.25}),
    "name in a comment": ("# from SparsePauliOp\nIZ 0.5\nXX 0.25", {"IZ": 0.5, "XX": 0.25}),
    # Tables.
    "spaces in names": ("Pauli String,Coefficient (Ha)\nIZ,0.5", {"IZ": 0.5}),
    "parts": ("term,pauli,coeff_real,coeff_imag\n1,IZ,0.5,0\n2,XX,0.25,0", {"IZ": 0.5, "XX": 0.25}),
    "german": ("sep=;\nPauli;Koeffizient\nIZ;0,5\nXX;-1,25", {"IZ": 0.5, "XX": -1.25}),
    "tab at the end": ("IZ\t0.5\t\nXX\t1.204\t", {"IZ": 0.5, "XX": 1.204}),
    "blank header": ("Pauli  Coeff\nIZ  0.5\nXX  1", {"IZ": 0.5, "XX": 1.0}),
    "comments": ("% of a paper\nIZ 0.5 # first\nXX 1 // second", {"IZ": 0.5, "XX": 1.0}),
    "two parts": ("IZ 0.5 0.0\nXX -1.0 0.0", {"IZ": 0.5, "XX": -1.0}),
    "point beside semicolons": ("IZ;1.204\nXX;0.25", {"IZ": 1.204, "XX": 0.25}),
    # JSON.
    "weights": ('{"ops": ["IZ", "XX"], "weights": [0.5, 2]}', {"IZ": 0.5, "XX": 2.0}),
    "real and imag": ('{"paulis": ["IZ"], "coeffs_real": [0.5], "coeffs_imag": [0.0]}', {"IZ": 0.5}),
    "sum in json": ('{"hamiltonian": "0.5*ZZ + 0.25*XI"}', {"ZZ": 0.5, "XI": 0.25}),
    "text": ('"0.5*ZZ + 0.25*XI"', {"ZZ": 0.5, "XI": 0.25}),
    "texts": ('["0.5 ZZ", "0.25 XI"]', {"ZZ": 0.5, "XI": 0.25}),
}  # fmt: skip


@pytest.mark.parametrize("shape", READ)
def test_what_is_read(shape: str) -> None:
    text, terms = READ[shape]
    read = read_hamiltonian(text, order="qiskit")
    assert dict(read.hamiltonian.terms) == pytest.approx(terms, abs=1e-15)
    meant = SparsePauliOp.from_list(list(terms.items())).to_matrix()
    assert np.allclose(read.hamiltonian.matrix(), meant, atol=1e-13)


REFUSED = {
    "qubits in another order": ('{"terms": {"IZ": 1}, "qubits": [1, 0]}', "order that the form states.*under 'qubits'"),
    "order in a comment": ("# big-endian\nIZ 1", "one order of qubits.*'big-endian'"),
    "order in a comment, in words": ("# qubit 0 is leftmost\nIZ 1", "one order of qubits.*leftmost"),
    "big": ('{"terms": {"IZ": 1}, "order": "big"}', "one order of qubits"),
    "msb": ('{"terms": {"IZ": 1}, "order": "msb"}', "one order of qubits"),
    "a comma that may stand between qubits": ("Z0,1\nX0,2", "numbers, letters IXYZ"),
    "signs in columns": ("XX  - 0.5\nYY    0.3", "in columns, or a sum with.*Write -0.5"),
    "signs in columns, both": ("X0 Y1 + 0.5\nY0 - 0.3", "got 'X0 Y1 . 0.5' in line 1"),
    "label of two lengths": ("0.5 XX I", "one label in term 1"),
    "product of letters": ("0.5 Z * X", "one label in term 1"),
    "label and letter": ("0.5 ZZ X0", "labels among its factors"),
    "imaginary": ("0.5i Z0 + 1.0 X0", "real coefficients.*0.5j in term 1"),
    "imaginary unit": ("0.5*i*Z0 + X0", "imaginary unit"),
    "imaginary unit of sympy": ("0.5*I*Z0 + X0", "identity or the imaginary unit"),
    "imaginary one": ("1i*Z0*Z1 + X0", "real coefficients.*1j"),
    "phase": ("0.5 iXX + XY", "capital letters.*got 'iXX'"),
    "phase in json": ('{"iXX": 0.5}', "capital letters.*got 'iXX'"),
    "imag key": ('[{"pauli": "IZ", "coeff": 0.5, "imag": 0.3}]', "real coefficients.*0.3j"),
    "coeff_imag key": ('[{"pauli": "IZ", "coeff": 0.5, "coeff_imag": 0.3}]', "real coefficients.*0.3j"),
    "coeff_imag column": ("pauli,coeff,coeff_imag\nIZ,0.5,0.3", "real coefficients.*0.3j in line 2"),
    "imag list": ('{"paulis": ["IZ", "XX"], "real": [0.5, 1], "imag": [0.3, 0]}', "real coefficients.*0.3j"),
    "imaginary beside small": ("1e-9 XX\n(1e-9+1e-13j) ZZ", "real coefficients.*1e-13j"),
    "index of one letter": ('[{"pauli":"Z","index":0,"coeff":1},{"pauli":"X","index":1,"coeff":1}]', "another name"),
    "qubits of another number": ("pauli,qubits,coeff\nZZ,0 1 2,1", "as many letters IXYZ as qubits in line 2"),
    "repulsion": ('{"paulis": ["IZ"], "coeffs": [0.5], "nuclear_repulsion": 0.72}', "'nuclear_repulsion' with '0.72'"),
    "scale": ('{"terms": {"IZ": 0.5}, "scale": 2}', "'scale' with '2'"),
    "scale of a row": ("pauli,coeff,factor\nIZ,0.5,2", "'factor' with '2'"),
    "too few qubits": ('SparsePauliOp.from_sparse_list([("ZZ", [0, 3], 1.0)], num_qubits=2)', "4 to 12.*number 2"),
    "other qubits": ('{"num_qubits": 4, "terms": {"IZ": 0.5}}', "labels of 4 letters.*got 2 letters"),
    "two coefficients": ("pauli,coeff,coefficient\nIZ,0.5,0.25", "one coefficient in the header"),
    "1.204 beside a comma": ("label;coeff\nIIZ;1.204\nXXX;0,5", "1204 with a decimal comma and 1.204 with a point"),
    "1.204 alone": ("label;coeff\nIIZ;1.204\nXXX;2.500", "line 2, which is 1204"),
    "numbers around a label": ("7,IZ,0.5\n1,XX,0.25", "both sides of the label"),
    "more cells than names": ("label,coeff\nIZ,0,5", "2 cells in line 2, got 'IZ,0,5'"),
    "labels alone": ('["ZZ", "XI"]', "labels alone"),
    "letter and number": ("Z 0", "Z0 for Z on qubit 0, or 0"),
    "grid": ("0.5*Z(q(0, 0))*Z(q(0, 1))", r"the number of a qubit.*q\(0, 0\)"),
    "wire with a name": ("0.5 * Z('a')", "the number of a qubit"),
    "names in python": ("SparsePauliOp(paulis, coeffs)", r"got 'SparsePauliOp\(paulis, coeffs\)'. Print the operator"),
    "product of labels": ('SparsePauliOp("ZZ") @ SparsePauliOp("XX")', "got a product"),
    "negative qubit": ("{((-1, 'Z'),): 0.5}", r"got .\[-1, 'Z'\]"),
    "divided by 0": ("Z0/0", "other than 0"),
    "power": ("0.5*X0^2", "a power is not read"),
    "header and its line": ("Pauli  Size\nIZ  0.5", "got 'Pauli Size"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    text, match = REFUSED[case]
    with pytest.raises(InvalidTable, match=f"(?s){match}") as caught:
        read_hamiltonian(text, order="qiskit")
    assert "Call(" not in str(caught.value)
    assert "None" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Z I 0.5", "blanks between them"),
        ("0.5 Z1 Z2 + 0.25 X1", "qubit 0.*count from 1"),
        ("pauli,weight,coeff\nIZ,1,0.5", "Not used: 'weight'"),
        ("0,IZ,0.5\n1,XX,0.25", "the first column, it counts the rows"),
        ("index,pauli,coeff\n0,IZ,0.5\n1,XX,0.25", "'index', it counts terms"),
        ('{"IZ": [0.5, 1e-12], "XX": 1}', "Taken for rounding: imaginary parts of at most 1e-12"),
        ("# MSB left\nIZ 1", "'MSB left', were not understood"),
        ("# little-endian\nIZ 1", "says so too"),
        ("Z0 -0.5", "not as a difference"),
    ],
)
def test_what_is_said(text: str, note: str) -> None:
    read = read_hamiltonian(text, order="qiskit")
    assert any(re.search(note, said) for said in read.notes)


def test_a_file_in_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes("pauli,coeff\nIZ,0.5\n".encode("utf-16"))
    assert given_text("", str(path), "hamiltonian") == "pauli,coeff\nIZ,0.5\n"
