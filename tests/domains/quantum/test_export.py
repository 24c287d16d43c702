"""Exports reload and re-score; files from anyone do no harm."""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from domains.quantum.artificial import Artificial7q
from domains.quantum.door.prescan import scan
from domains.quantum.problem import CircuitProblem
from domains.quantum.tfim import Tfim6
from domains.quantum.verify import circuit_energy, qiskit_energy
from poets_core.errors import InvalidDesign, InvalidSpec, InvalidTable
from poets_core.keyed import rng_for
from poets_core.types import Record

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


@pytest.fixture(scope="module", params=["artificial", "tfim"])
def problem(request: pytest.FixtureRequest) -> CircuitProblem:
    return Artificial7q() if request.param == "artificial" else Tfim6(iterations=30)


@pytest.fixture(scope="module")
def records(problem: CircuitProblem) -> list[Record]:
    designs = [problem.decode(t) for t in problem.library(6, rng=rng_for(0, "records"))]
    answer = problem.oracle.evaluate(designs, [0] * 6, rng=rng_for(0, "none"))
    return [
        Record(f"0-{k}", d, float(v), {"branch": k, **details})
        for k, (d, v, details) in enumerate(zip(designs, answer.values[:, 0], answer.details, strict=True))
    ]


def test_qiskit_confirms_stored_energies(problem: CircuitProblem, records: list[Record]) -> None:
    for record in records:
        energy = qiskit_energy(problem.energy, record.design, record.metadata)
        assert energy == pytest.approx(record.metadata["energy"], abs=1e-10)
        without = {k: v for k, v in record.metadata.items() if k != "angles"}
        assert qiskit_energy(problem.energy, record.design, without) == pytest.approx(energy, abs=1e-10)


@pytest.mark.parametrize("format", ["qasm3", "csv"])
def test_records_come_back_equal_and_score_the_same(
    problem: CircuitProblem, records: list[Record], format: str
) -> None:
    for some in (records, records[:1], []):
        data = problem.export(some, format)
        assert data == problem.export(some, format)
        assert problem.read_export(data, format) == some
    nested = [replace(r, metadata={"round": 0, "details": r.metadata}) for r in records]
    assert problem.read_export(problem.export(nested, format), format) == nested


def test_each_file_runs_elsewhere_with_the_same_energy(problem: CircuitProblem, records: list[Record]) -> None:
    from qiskit import qasm3

    with zipfile.ZipFile(io.BytesIO(problem.export(records, "qasm3"))) as archive:
        for name, record in zip(archive.namelist(), records, strict=True):
            circuit = qasm3.loads(archive.read(name).decode())
            energy = circuit_energy(circuit, problem.hamiltonian.terms)
            assert energy == pytest.approx(record.metadata["energy"], abs=1e-10)


@pytest.mark.parametrize("format", ["qasm3", "csv"])
def test_a_false_energy_is_not_exported(problem: CircuitProblem, records: list[Record], format: str) -> None:
    false = replace(records[0], metadata={**records[0].metadata, "energy": records[0].metadata["energy"] + 1e-6})
    with pytest.raises(InvalidDesign, match="Qiskit"):
        problem.export([false], format)


def test_csv_cells_are_no_formulas(problem: CircuitProblem, records: list[Record]) -> None:
    wild = [replace(records[0], id=name) for name in ("=1+1", "@x", "-2", "'=", "a\nb")]
    data = problem.export(wild, "csv")
    assert b"\n'=1+1," in data
    assert problem.read_export(data, "csv") == wild


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"a,b\n1,2\n", b"id,value,design,qiskit_energy,metadata\n1,2\n",
     b"id,value,design,qiskit_energy,metadata\n1,nan,h 0,0,{}\n",
     b"id,value,design,qiskit_energy,metadata\n1,1,h 99,0,{}\n",
     b'id,value,design,qiskit_energy,metadata\n1,1,h 0,0,"' + b"[" * 100_000 + b'"\n'],
)  # fmt: skip
def test_bad_csv_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidTable):
        Artificial7q().read_export(data, "csv")


def test_a_file_that_contradicts_its_comment_is_refused(problem: CircuitProblem, records: list[Record]) -> None:
    text = problem.export(records[:1], "qasm3").decode()
    with pytest.raises(InvalidDesign, match="comment"):
        problem.read_export((text + "x q[0];\n").encode(), "qasm3")
    mark = next(line for line in text.splitlines() if line.startswith("// poets: "))
    facts = json.loads(mark[10:])
    if "angles" in facts["metadata"]:
        facts["metadata"]["angles"][0] += 0.1
        with pytest.raises(InvalidDesign, match="angles"):
            problem.read_export(text.replace(mark, "// poets: " + json.dumps(facts)).encode(), "qasm3")
    with pytest.raises(InvalidDesign, match="JSON"):
        problem.read_export(text.replace(mark, "// poets: {").encode(), "qasm3")


def test_foreign_files_are_read() -> None:
    found = Tfim6(iterations=5).read_export((HEAD + "qubit[6] w;\nry(pi/3) w[2]; cx w[0], w[1];\n").encode(), "qasm3")
    assert found[0].design == "cx 0 1\nry 2 a*"
    assert math.isnan(found[0].value)
    found = Artificial7q().read_export((HEAD + "qubit[7] w;\nry(-pi/8) w[2]; // tail\nh w[0];").encode(), "qasm3")
    assert found[0].design == "h 0\nry 2 a30"
    with pytest.raises(InvalidDesign, match="multiples"):
        Artificial7q().read_export((HEAD + "qubit[7] w; ry(0.3) w[2];").encode(), "qasm3")


HOSTILE = {
    "include of a file": 'OPENQASM 3.0;\ninclude "/etc/passwd";\nqubit[7] q;\nh q[0];',
    "include by a relative path": 'OPENQASM 3.0;\ninclude "../stdgates.inc";\nqubit[7] q;\nh q[0];',
    "huge register": HEAD + "qubit[3000000] q;\nh q[0];",
    "many registers": HEAD + "qubit[20] q;\nqubit[20] p;\nh q[0];",
    "no register": HEAD + "h q[0];",
    "nested parentheses": HEAD + f"qubit[7] q;\nrx({'(' * 90}1{')' * 90}) q[0];",
    "deep parentheses": HEAD + f"qubit[7] q;\nrx({'(' * 3000}1{')' * 3000}) q[0];",
    "infinite angle": HEAD + "qubit[7] q;\nrx(1e308*10) q[0];",
    "division by zero": HEAD + "qubit[7] q;\nrx(1/0) q[0];",
    "named infinity": HEAD + "qubit[7] q;\nrx(inf) q[0];",
    "gate bomb": HEAD
    + "gate g0 a { h a; h a; }\n"
    + "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}\n" for k in range(40))
    + "qubit[7] q;\ng40 q[0];",
    "too many operations": HEAD + "qubit[7] q;\n" + "h q[0];" * 2001,
    "too long": HEAD + "qubit[7] q;\n" + "// " + "x" * 70_000,
    "loop": HEAD + "qubit[7] q;\nfor int i in [0:1000000000] { h q[0]; }",
    "definition of a function": HEAD + "def f(int a) { }\nqubit[7] q;\nh q[0];",
    "extern": HEAD + "extern f(int) -> int;\nqubit[7] q;\nh q[0];",
    "qubit out of range": HEAD + "qubit[7] q;\nh q[9];",
    "other number of qubits": HEAD + "qubit[8] q;\nh q[0];",
    "include in version 2": 'OPENQASM 2.0;\ninclude "/etc/passwd";\nqreg q[7];\nh q[0];',
    "include after a comment": 'OPENQASM 3.0;\ninclude /* a */ "/etc/passwd";\nqubit[7] q;\nh q[0];',
    "include of a name in other quotes": "OPENQASM 3.0;\ninclude '/etc/passwd';\nqubit[7] q;\nh q[0];",
    "a version 2 gate bomb": 'OPENQASM 2.0;\ninclude "qelib1.inc";\ngate g0 a { h a; h a; }\n'
    + "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}\n" for k in range(40))
    + "qreg q[7];\ng40 q[0];",
    "a bomb below a modifier": HEAD
    + "gate g0 a { h a; t a; }\n"
    + "".join(f"gate g{k + 1} a {{ ctrl @ inv @ x a, a; g{k} a; g{k} a; }}\n" for k in range(40))
    + "qubit[7] q;\ninv @ g40 q[0];",
    "a gate that calls itself": HEAD + "gate g a { g a; }\nqubit[7] q;\ng q[0];",
    "loops in loops": HEAD
    + "qubit[7] q;\n"
    + "".join(f"for int i{k} in [0:99] {{ " for k in range(30))
    + "h q[0];"
    + "}" * 30,
    "loops that are empty": HEAD + "qubit[7] q;\nfor int i in [0:999999999] { }\nh q[0];",
    "nested blocks": HEAD + "qubit[7] q;\n" + "if (true) {" * 300 + "h q[0];" + "}" * 300,
    "an endless sum": HEAD + "qubit[7] q;\nrx(" + "1+" * 900 + "1) q[0];",
    "huge power": HEAD + "qubit[7] q;\npow(1e300) @ x q[0];",
    "many controls": HEAD + "qubit[24] q;\nctrl(20) @ x " + ", ".join(f"q[{k}]" for k in range(21)) + ";",
    "a number of many digits": HEAD + "qubit[7] q;\nrx(" + "9" * 1900 + ") q[0];",
    "QPY": "QISKIT\x0c\x00\x00",
    "unbalanced": HEAD + "qubit[7] q;\nrx((1) q[0];",
    "missing angle": HEAD + "qubit[7] q;\nrx q[0];",
    "same qubit twice": HEAD + "qubit[7] q;\ncx q[1], q[1];",
    "no end": HEAD + "qubit[7] q;\nh q[0]",
    "nothing": "",
    "empty circuit": HEAD + "qubit[7] q;",
    "a tower of powers": HEAD + "qubit[7] q;\nrx(9**9**9**9) q[0];",
    "a very long statement": HEAD + "qubit[7] q;\nh" + " " * 60_000 + "q[0];",
    "white space and no wire": HEAD + "qubit[7] q;\nh" + " " * 60_000 + "!;",
    "another register's wire": HEAD + "qubit[7] q;\nh p[0];",
    "angle of a gate that has none": HEAD + "qubit[7] q;\nh(1) q[0];",
    "one wire of two": HEAD + "qubit[7] q;\ncx q[0];",
    "truncated zip": "PK\x03\x04nonsense",
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_quickly_and_quietly(name: str) -> None:
    with pytest.raises(InvalidDesign) as caught:
        Artificial7q().read_export(HOSTILE[name].encode(), "qasm3")
    assert len(str(caught.value)) < 400
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["include of a file", "include by a relative path", "include in version 2", "include after a comment",
     "include of a name in other quotes", "deep parentheses", "nested parentheses", "too long", "a very long statement",
     "nested blocks", "nothing", "no register without end"],
)  # fmt: skip
def test_sizes_nesting_and_includes_never_reach_a_parser(name: str) -> None:
    with pytest.raises(InvalidDesign):
        scan(HOSTILE.get(name, HEAD + "h " * 5000))


def test_a_scan_takes_time_in_proportion_to_the_text() -> None:
    """Ten times the text may take thirty times as long; with a pattern that looks back it took a hundred."""
    kinds = [
        ("h", " ", "!;"),
        ("rx(", "(", ";"),
        ("/*", "/*", "*/"),
        ('"', '"', ";"),
        ("include", " ", ";"),
        ("@", "\n@", ";"),
    ]
    for start, filling, end in [*kinds, ("pragma", "\npragma ", ";"), ("opaque ", "opaque ", ";"), ("", ";\n", "")]:
        taken = []
        for n in (450, 4500, 45_000):
            text = HEAD + "qubit[7] q;\n" + start + filling * (n // len(filling)) + end
            began = time.process_time()
            for _ in range(3):
                with contextlib.suppress(InvalidDesign):
                    scan(text)
            taken.append(time.process_time() - began)
        assert taken[2] < 30 * taken[1] + 0.5, start


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.qasm", "x" * 50_000_000)
    with pytest.raises(InvalidDesign, match="at most"):
        Artificial7q().read_export(path.read_bytes(), "qasm3")


def test_angles_survive_exactly() -> None:
    angles = [0.1 + 0.2, -math.pi, 1e-17, 3.0000000000000004]
    gates = "".join(f"ry({a!r}) q[{k}];\n" for k, a in enumerate(angles))
    found = Tfim6(iterations=1).read_export((HEAD + "qubit[6] q;\n" + gates).encode(), "qasm3")
    assert found[0].metadata["angles"] == angles


def test_foreign_angles_come_along_into_the_canonical_order() -> None:
    text = HEAD + "qubit[6] w;\nry(.3) w[4]; ry(.5) w[0]; cx w[0], w[1]; ry(.2) w[4]; cu3(.1,.2,.3) w[2], w[3];\n"
    problem = Tfim6(iterations=1)
    record = problem.read_export(text.encode(), "qasm3")[0]
    from qiskit import QuantumCircuit, qasm3

    reference = QuantumCircuit(6)
    reference.compose(qasm3.loads(text.replace("cu3(.1,.2,.3)", "cu(.1,.2,.3,0)")), inplace=True)
    wanted = circuit_energy(reference, problem.hamiltonian.terms)
    assert qiskit_energy(problem.energy, record.design, record.metadata) == pytest.approx(wanted, abs=1e-12)
    again = problem.read_export(problem.export([record], "csv").replace(b"nan", b"0.0"), "csv")
    assert dict(again[0].metadata) == dict(record.metadata)


def test_a_file_of_a_zip_is_numbered() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("good.qasm", HEAD + "qubit[7] q;\nh q[0];")
        archive.writestr("bad.qasm", HEAD + "qubit[7] q;\nrz(0.3) q[0];")
    with pytest.raises(InvalidDesign, match=r"File 2 of the zip: .* rz\(0.3\) on line 4"):
        Artificial7q().read_export(data.getvalue(), "qasm3")


def test_unknown_formats_and_false_angles_are_refused() -> None:
    problem = Tfim6(iterations=1)
    with pytest.raises(InvalidSpec):
        problem.export([], "pdf")
    with pytest.raises(InvalidSpec):
        problem.read_export(b"", "qpy")
    for angles in ([], [np.inf], ["1"], [1.0, 2.0], "12"):
        with pytest.raises(InvalidDesign):
            problem.export([Record("a", "ry 0 a*", 0.0, {"angles": angles})], "csv")
