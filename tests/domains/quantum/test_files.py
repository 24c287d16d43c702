"""What each file of a circuit holds, how several are packed, and what is refused when one comes back."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.quantum import export
from domains.quantum.artificial import Artificial7q
from domains.quantum.circuit import Language, Op, full_coupling, line_coupling
from domains.quantum.energy import CircuitEnergy
from domains.quantum.export import FORMATS, read, write
from domains.quantum.files import facts, packing
from domains.quantum.files.facts import Source, checksum_of
from domains.quantum.files.start import with_start
from domains.quantum.files.texts import real
from domains.quantum.files.transpiled import transpiled
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.models import spin_chain
from domains.quantum.observable import Observable
from domains.quantum.problem import CircuitProblem
from domains.quantum.tfim import Tfim6
from domains.quantum.verify import circuit_energy, to_qiskit
from poets_core.errors import InvalidDesign, InvalidInput, InvalidSpec, InvalidTable
from poets_core.keyed import rng_for
from poets_core.types import Record

ZIPPED = ("qasm3", "qasm2", "qpy", "python")
WILD = (
    '"""\nimport os\nos.system("touch escaped")\n"""',
    "a\\",
    "\u2028// poets: {}",
    "x\r\nh q[0];",
    "'; DROP",
    "*/ h q[0]; /*",
    "=1+1",
    "\N{SNOWMAN}\x00",
)
"""Ids and names that would leave a comment, a docstring or a cell."""


@pytest.fixture(scope="module", params=["artificial", "tfim"])
def problem(request: pytest.FixtureRequest) -> CircuitProblem:
    return Artificial7q() if request.param == "artificial" else Tfim6(iterations=30)


@pytest.fixture(scope="module")
def records(problem: CircuitProblem) -> list[Record]:
    designs = [problem.decode(t) for t in problem.library(3, rng=rng_for(1, "files"))]
    answer = problem.oracle.evaluate(designs, [0] * 3, rng=rng_for(0, "none"))
    return [
        Record(f"2026-a/0-{k}", d, float(v), {"run": "2026-a", "seed": 5, **details})
        for k, (d, v, details) in enumerate(zip(designs, answer.values[:, 0], answer.details, strict=True))
    ]


def chain(n: int, field: float = 1.0) -> PauliSum:
    return spin_chain("ising", n, coupling=1.0, second=field, periodic=False)


def judged(language: Language, hamiltonian: PauliSum, iterations: int = 0) -> CircuitEnergy:
    return CircuitEnergy(language, Observable.of_energy(hamiltonian, language.start), iterations)


def qpy_of(data: bytes) -> Any:
    from qiskit import qpy

    return qpy.load(io.BytesIO(data))[0]


def said(format: str, data: bytes) -> str:
    """Everything that a file says of its circuit besides its gates, as text."""
    return json.dumps(qpy_of(data).metadata) if format == "qpy" else data.decode()


@pytest.mark.parametrize("format", FORMATS)
def test_every_file_says_what_it_is(problem: CircuitProblem, records: list[Record], format: str) -> None:
    record = records[1]
    text = said(format, problem.export([record], format))
    ground = problem.info.facts["ground_energy"]
    assert problem.info.name in text
    assert facts.ORDER in text
    assert "qiskit" in text
    assert "2026-a" in text
    assert " ".join(record.design.split()) in text.replace(" ;", "")
    for label, coefficient in problem.hamiltonian.terms:
        assert label in text
        assert repr(coefficient) in text
    numbers = {"seed": "5", "cx": str(record.metadata["n_cx"]), "depth": str(record.metadata["depth"])}
    if format == "csv":
        (row,) = csv.DictReader(io.StringIO(text))
        assert {k: row[k] for k in numbers} == numbers
        assert float(row["error"]) == pytest.approx(record.metadata["energy"] - ground, abs=1e-9)
        assert 0 <= int(row["cx_transpiled"]) <= record.metadata["n_cx"]
    elif format == "python":
        assert f"gates: {numbers['cx']} CX, depth {numbers['depth']}\n" in text
        assert "at level 3 for the run's coupling map: " in text
        assert "seed: 5\n" in text
        assert "error: " in text
    else:
        whole = (
            json.loads(text) if format in ("json", "qpy") else json.loads(text.split("// poets: ")[1].split("\n")[0])
        )
        one = whole["circuits"][0] if format == "json" else whole
        assert {k: str(one[k]) for k in numbers} == numbers
        assert one["error"] == pytest.approx(record.metadata["energy"] - ground, abs=1e-9)
        assert one["qiskit_energy"] == pytest.approx(record.metadata["energy"], abs=1e-9)
        assert 0 <= one["cx_transpiled"] <= record.metadata["n_cx"]
        assert whole["hamiltonian_sha256"] == checksum_of(problem.hamiltonian.terms)


@pytest.mark.parametrize("format", FORMATS)
def test_one_circuit_is_one_file_and_several_are_a_zip(
    problem: CircuitProblem, records: list[Record], format: str
) -> None:
    one, several = problem.export(records[:1], format), problem.export(records, format)
    assert not one.startswith(b"PK")
    assert several.startswith(b"PK") == (format in ZIPPED)
    if format in ZIPPED:
        ending = {"qpy": "qpy", "python": "py"}.get(format, "qasm")
        with zipfile.ZipFile(io.BytesIO(several)) as archive:
            names = archive.namelist()
            assert archive.read(names[0]) == one
        assert names == [f"{k:05d}_2026-a_0-{k}_{r.metadata['n_cx']}cx.{ending}" for k, r in enumerate(records)]
    elif format == "json":
        assert [c["id"] for c in json.loads(several)["circuits"]] == [r.id for r in records]


def test_qasm_2_and_qpy_have_the_same_energy_in_qiskit(problem: CircuitProblem, records: list[Record]) -> None:
    from qiskit import qasm2

    for record in records:
        two = qasm2.loads(problem.export([record], "qasm2").decode(), include_path=())
        for circuit in (two, qpy_of(problem.export([record], "qpy"))):
            energy = circuit_energy(circuit, problem.hamiltonian.terms)
            assert energy == pytest.approx(record.metadata["energy"], abs=1e-10)


def test_the_snippet_runs_and_prints_the_energy(problem: CircuitProblem, records: list[Record], tmp_path: Path) -> None:
    path = tmp_path / "circuit.py"
    path.write_bytes(problem.export(records[:1], "python"))
    done = subprocess.run([sys.executable, path.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(records[0].metadata["energy"], abs=1e-9)


@pytest.mark.parametrize("name", WILD)
def test_names_stay_names(name: str, tmp_path: Path) -> None:
    """Ids and problem names come from people: none of them leaves the comment, docstring or cell it stands in."""
    energy = judged(Language(2, full_coupling(2), free=False, max_ops=4, max_two=4), chain(2))
    source = Source(energy, name, name, None)
    record = Record(name, "h 0\ncx 0 1", math.nan, {"run": name, "seed": 1, "note": name})
    for format in FORMATS:
        data = write(source, [record], format)
        if format not in export.WRITTEN_ALONE:
            (back,) = read(source, data, format)
            assert (back.id, back.design, back.metadata) == (record.id, record.design, record.metadata)
            assert math.isnan(back.value)
        if format != "qpy":
            assert data.isascii() or format == "csv"
    module = ast.parse(write(source, [record], "python"))
    assert [type(line).__name__ for line in module.body] == [
        *("Expr", "ImportFrom", "ImportFrom", "Assign", "Expr", "Expr", "Assign", "Expr"),
    ]  # the docstring, imports, the circuit and its two gates, the Hamiltonian, print
    assert not (tmp_path / "escaped").exists()
    text = write(source, [record], "qasm2").decode()
    assert [line for line in text.splitlines() if not line.startswith("//")] == [
        *("OPENQASM 2.0;", 'include "qelib1.inc";', "qreg q[2];", "h q[0];", "cx q[0], q[1];"),
    ]


def test_a_snippet_that_reads_otherwise_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from domains.quantum.files import snippet

    monkeypatch.setattr(snippet, "_read", lambda text: [])
    with pytest.raises(InvalidDesign, match="snippet"):
        Artificial7q().export([Record("a", "h 0", math.nan)], "python")


@pytest.mark.parametrize(("format", "why"), list(export.WRITTEN_ALONE.items()))
def test_programs_are_never_read(format: str, why: str) -> None:
    problem = Artificial7q()
    with pytest.raises(InvalidSpec, match="OpenQASM 3") as caught:
        problem.read_export(problem.export([Record("a", "h 0", math.nan)], format), format)
    assert why in str(caught.value)


def started(free: bool = False, start: tuple[int, ...] = (0, 2)) -> Source:
    language = Language(3, line_coupling(3), free=free, max_ops=9, max_two=3, start=start)
    return Source(judged(language, chain(3), 5), "quantum/started", "", -3.5)


@pytest.mark.parametrize("design", ["h 1", "x 0\nh 2", "cx 0 1\nry 2 a5", "ry 0 a*\ncx 0 1\nrz 1 a*"])
def test_the_layer_of_x_is_in_every_file_and_not_in_the_design(design: str) -> None:
    source = started(free="a*" in design)
    design = source.energy.decode(design)
    record = Record("a", design, 1.0, {"angles": [0.1, 0.2]} if "a*" in design else {})
    assert to_qiskit(with_start([], source.energy.language), 3).count_ops() == {"x": 2}
    wanted = write(source, [record], "json")
    energy = json.loads(wanted)["circuits"][0]["qiskit_energy"]
    from qiskit import qasm2, qasm3

    for format, loads in (("qasm3", qasm3.loads), ("qasm2", qasm2.loads)):
        text = write(source, [record], format).decode()
        assert "start: x 0 x 2" in text
        assert circuit_energy(loads(text), source.terms) == pytest.approx(energy, abs=1e-10)
    assert circuit_energy(qpy_of(write(source, [record], "qpy")), source.terms) == pytest.approx(energy, abs=1e-10)
    assert "\ncircuit.x(0)\ncircuit.x(2)\n" in write(source, [record], "python").decode()
    for format in ("qasm3", "qasm2", "json", "csv"):
        assert read(source, write(source, [record], format), format) == [record]
    other = started(free="a*" in design, start=())
    with pytest.raises(InvalidDesign):  # where all begin in |0>, the X are gates of the design
        read(other, write(source, [record], "qasm3"), "qasm3")


def test_transpiled_circuits_keep_their_energy_and_their_map() -> None:
    hamiltonian, pairs = chain(5), line_coupling(5)
    language = Language(5, pairs, free=False, max_ops=60, max_two=40)
    from domains.quantum.circuit_prior import draw_circuit

    for k in range(12):
        circuit = to_qiskit(draw_circuit(language, rng_for(k, "transpiled")), 5)
        after = transpiled(circuit, pairs)
        assert set(after.count_ops()) <= {"rz", "sx", "x", "cx"}
        for gate in after.data:
            used = tuple(after.find_bit(q).index for q in gate.qubits)
            assert len(used) == 1 or used in pairs
        laid = hamiltonian_after(after, hamiltonian)
        assert laid == pytest.approx(circuit_energy(circuit, hamiltonian.terms), abs=1e-8)
        assert transpiled(circuit, pairs) == after


def hamiltonian_after(circuit: Any, hamiltonian: PauliSum) -> float:
    from qiskit.quantum_info import SparsePauliOp, Statevector

    observable = SparsePauliOp.from_list(list(hamiltonian.terms)).apply_layout(circuit.layout)
    return float(np.real(Statevector(circuit).expectation_value(observable)))


def test_level_3_drops_what_cancels_and_unconnected_qubits_stay() -> None:
    wasteful = to_qiskit([Op("cx", (0, 1)), Op("rz", (0,), 4), Op("cx", (0, 1))], 4)
    assert transpiled(wasteful, frozenset({(0, 1), (1, 0)})).count_ops().get("cx", 0) == 0
    one_way = to_qiskit([Op("cx", (1, 0))], 4)
    assert transpiled(one_way, frozenset({(0, 1)})).count_ops()["cx"] == 1


def test_a_long_hamiltonian_is_named_by_its_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Artificial7q()
    records = [Record("a", "h 0", math.nan), Record("b", "h 1", math.nan)]
    checksum = checksum_of(problem.hamiltonian.terms)
    monkeypatch.setattr(packing, "MOST_TERMS", 8)
    for format in ("qasm3", "qasm2"):
        text = problem.export(records[:1], format).decode()
        assert "-1.0 IIXIIII" not in text
        assert checksum in text
        assert "in the JSON export" in text
        data = problem.export(records, format)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            kept = json.loads(archive.read("hamiltonian.json"))
        assert (len(names), names[-1]) == (3, "hamiltonian.json")
        assert checksum_of(tuple(map(tuple, kept))) == checksum
        assert [r.id for r in problem.read_export(data, format)] == ["a", "b"]
    monkeypatch.setattr(packing, "MOST_TERMS", 4000)
    monkeypatch.setattr(packing, "MOST_LINES", 17)  # nine terms twice
    assert b"hamiltonian.json" in problem.export(records, "qasm3")


def test_the_checksum_is_of_the_sum_and_not_of_its_order() -> None:
    terms = (("ZI", 1.0), ("IX", -0.5), ("ZI", 1.0))
    assert checksum_of(terms) == checksum_of((("IX", -0.5), ("ZI", 2.0)))
    assert checksum_of(terms) != checksum_of((("XI", -0.5), ("ZI", 2.0)))


def test_a_hamiltonian_of_thousands_of_terms_reads_back() -> None:
    """Comments longer than the 64 kB that a circuit may have."""
    rng = rng_for(0, "long")
    labels = {"".join(rng.choice(list("IXYZ"), 8)) for _ in range(3500)}
    terms = tuple((label, float(c)) for label, c in zip(sorted(labels), rng.normal(size=len(labels)), strict=True))
    energy = judged(Language(8, line_coupling(8), free=False, max_ops=4, max_two=4), PauliSum(terms))
    source, record = Source(energy, "quantum/long"), Record("a", "h 0\ncx 0 1", 1.0)
    for format in ("qasm3", "qasm2", "json", "csv"):
        data = write(source, [record], format)
        assert format == "csv" or len(data) > 64 * 1024
        assert read(source, data, format) == [record]


def test_numbers_keep_their_digits_and_have_a_point() -> None:
    for angle in (1e-17, -0.5, 3.0000000000000004, 1e22, 2.0, -1e-300):
        text = real(angle)
        assert float(text) == angle
        assert "." in text.split("e")[0]


Change = Callable[[dict[str, Any]], object]
FALSE: dict[str, Change] = {
    "another format": lambda d: d.update(format="x"),
    "another version": lambda d: d.update(version=2),
    "another number of qubits": lambda d: d.update(qubits=6),
    "another order of qubits": lambda d: d.update(qubit_order="big-endian"),
    "another start": lambda d: d.update(start=[1]),
    "another Hamiltonian": lambda d: d["hamiltonian"][0].__setitem__(1, 7.0),
    "a Hamiltonian of words": lambda d: d.update(hamiltonian=[["ZIIIIII", "1"]]),
    "another checksum": lambda d: d.update(hamiltonian_sha256="0"),
    "circuits that are none": lambda d: d.update(circuits={"a": 1}),
    "a circuit that is none": lambda d: d.update(circuits=[3]),
    "another design": lambda d: d["circuits"][0].update(design="h 0"),
    "no design": lambda d: d["circuits"][0].update(design=None),
    "gates that are none": lambda d: d["circuits"][0].update(gates="h"),
    "one gate less": lambda d: d["circuits"][0]["gates"].pop(),
    "a gate of other qubits": lambda d: d["circuits"][0]["gates"][0].update(qubits=[5]),
    "another angle": lambda d: d["circuits"][0]["gates"][1].update(angle=0.3),
    "an angle that is true": lambda d: d["circuits"][0]["gates"][1].update(angle=True),
    "no angle": lambda d: d["circuits"][0]["gates"][1].pop("angle"),
    "an angle too many": lambda d: d["circuits"][0]["gates"][0].update(angle=0.1),
    "an id that is a number": lambda d: d["circuits"][0].update(id=3),
    "a value that is true": lambda d: d["circuits"][0].update(value=True),
    "a value of too many digits": lambda d: d["circuits"][0].update(value=10**400),
    "no value": lambda d: d["circuits"][0].pop("value"),
    "metadata that are a list": lambda d: d["circuits"][0].update(metadata=[]),
}


@pytest.mark.parametrize("name", FALSE)
def test_json_that_contradicts_itself_is_refused(name: str) -> None:
    problem = Artificial7q()
    document = json.loads(problem.export([Record("a", "h 0\nry 1 a5\ncx 0 1", 1.0)], "json"))
    assert problem.read_export(json.dumps(document).encode(), "json") == [Record("a", "h 0\nry 1 a5\ncx 0 1", 1.0)]
    FALSE[name](document)
    with pytest.raises(InvalidDesign) as caught:
        problem.read_export(json.dumps(document).encode(), "json")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe", b"[]", b"null", b"3", b'{"format": "poets circuits", "version": NaN}', b"[" * 100_000,
        b"9" * 10_000, b"{" + b" " * (33 << 20), b"\n" * 2_100_000,
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.timeout(20)
def test_json_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidDesign):
        Artificial7q().read_export(data, "json")


@pytest.mark.parametrize("format", ["qasm3", "qasm2", "json", "csv"])
def test_a_file_of_another_hamiltonian_is_refused(format: str) -> None:
    language = started(start=()).energy.language
    source = Source(judged(language, chain(3)), "quantum/a")
    data = write(source, [Record("a", "h 0", 1.0)], format)
    other = Source(judged(language, chain(3, 2.0)), "quantum/a")
    with pytest.raises(InvalidInput, match="another problem"):
        read(other, data, format)


def test_qasm_2_that_is_none_is_refused() -> None:
    problem = Artificial7q()
    head = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
    for text in (
        'OPENQASM 2.0;\ninclude "/etc/passwd";\nqreg q[7];\nh q[0];\n',
        head + "qreg q[3000000];\nh q[0];\n",
        "// " + "x" * 400_000,
    ):
        with pytest.raises(InvalidDesign):
            problem.read_export(text.encode(), "qasm2")
    assert problem.read_export((head + "qreg q[7];\nh q[0];\n").encode(), "qasm2")[0].design == "h 0"


OLD_QASM = """OPENQASM 3.0;
include "stdgates.inc";
// poets: {"design": "h 0 ; ry 1 a6", "id": "2-1", "metadata": {"n_cx": 0, "round": 2}, "problem": "quantum/artificial-7q", "qiskit_energy": 0.5, "value": -0.5}
qubit[7] q;
h q[0];
ry(1.1780972450961724) q[1];
"""  # noqa: E501
OLD_CSV = 'id,value,design,qiskit_energy,metadata\n2-1,-0.5,h 0 ry 1 a6,0.5,"{""n_cx"": 0, ""round"": 2}"\n'


@pytest.mark.parametrize(("format", "text"), [("qasm3", OLD_QASM), ("csv", OLD_CSV)])
def test_files_of_before_are_read(format: str, text: str) -> None:
    record = Record("2-1", "h 0\nry 1 a6", -0.5, {"n_cx": 0, "round": 2})
    assert Artificial7q().read_export(text.encode(), format) == [record]


def test_what_is_not_known_is_said_so() -> None:
    source = Source(started(start=()).energy, "quantum/a")
    text = write(source, [Record("a", "h 0", 1.0)], "qasm3").decode()
    for line in ("error: not known", "run: not known", "seed: not known"):
        assert f"// {line}\n" in text
    with pytest.raises(InvalidDesign, match="JSON values"):
        write(source, [Record("a", "h 0", 1.0, {"x": math.nan})], "qasm3")
    with pytest.raises(InvalidTable):
        read(source, write(source, [Record("a", "h 0", 1.0)], "csv").replace(b",1.0,", b",inf,"), "csv")
