"""Problems with free angles: the contract, what is read, wrong input by field, circuits to start from."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.catalog import check, entries, load
from domains.quantum.circuit import count_two
from domains.quantum.drawing import read_gates
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.problem import CircuitProblem
from poets_core.errors import InvalidInput
from poets_core.runs.store import open_store
from poets_core.runs.views.fold import fold
from poets_core.spec import parse_spec
from poets_core.types import Record, Vocabulary
from poets_core.worker.worker import FINISHED, work
from tests.contracts.problem_contract import EOS, SPECIAL, ProblemContract, Spelling

NOBODY = np.random.default_rng(0)
SMALL: dict[str, Any] = {"max_cx": 3, "iterations": 20, "starts": 1}
REAL = "-0.4 [] +\n0.3 [Z0 Z1] + 0.2 [X0] + 0.2 [X1] +\n0.25 [Y1 Y2] + 0.1 [Z2]"
COMPLEX = "IYZ 0.4\nXXI 0.5\nZIZ -0.3\nIIX 0.2"
MATRIX = "1 0 0 0\n0 1 0 0\n0 0 0 1j\n0 0 1j 0"
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nry(0.4) q[0];\ncx q[0], q[1];\ncx q[1], q[2];\n'
FAR = QASM.replace("cx q[1], q[2]", "cx q[0], q[2]")
OLD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncx q[1],q[2];\n'


def own(**more: Any) -> CircuitProblem:
    """The real Hamiltonian on a line."""
    found = load("quantum/hamiltonian", **{"hamiltonian": REAL, "coupling": "line", **SMALL, **more})
    assert isinstance(found, CircuitProblem)
    return found


class CircuitContract(ProblemContract):
    @pytest.fixture(scope="class")
    @classmethod
    def spelling(cls, texts: list[str]) -> Spelling:
        # Dressed circuits have a word for each pair, which depends on the problem.
        words = sorted({word for text in texts for word in text.split()})
        return Spelling(Vocabulary((*SPECIAL, *words, "\N{SNOWMAN}"), eos=EOS), " ")


class TestRealHamiltonian(CircuitContract):
    bad_texts = ("", "cx 0 2", "cx 0 3", "ry 0 a5", "cx 0 1 " * 4)
    n = 8

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return own(start="011")


class TestComplexHamiltonian(CircuitContract):
    bad_texts = ("", "cx 0 3", "cz 0 1 cz 1 2 cx 0 1 cx 1 2")
    n = 8

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return own(hamiltonian=COMPLEX, order="first letter is qubit 0", coupling="all", written="gates")


class TestMolecule(CircuitContract):
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return load("quantum/molecule", **SMALL)  # type: ignore[return-value]


class TestSpinChain(CircuitContract):
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return load("quantum/spin-chain", model="j1-j2", qubits=4, coupling="ring", reward="gap", **SMALL)  # type: ignore[return-value]


class TestState(CircuitContract):
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return load("quantum/state", state="dicke", qubits=4, ones=2, reward="target", **SMALL)  # type: ignore[return-value]


class TestUnitary(CircuitContract):
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return load("quantum/unitary", matrix=MATRIX, written="gates", **SMALL)  # type: ignore[return-value]


class TestCut(CircuitContract):
    n = 6

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> CircuitProblem:
        return load("quantum/maxcut", graph="a b 1.5\nb c 2\nc a 1", coupling="own", pairs="0-1, 1-2", **SMALL)  # type: ignore[return-value]


def test_examples_in_the_empty_fields_can_be_read() -> None:
    shown = [(e, p) for e in entries() if e.domain == "quantum" for p in e.parameters if p.example]
    assert {p.name for _, p in shown} == {"hamiltonian", "amplitudes", "matrix", "graph", "circuits"}
    for e, p in shown:
        text = p.example.partition("\n\n")[0]
        more = {"state": "own"} if p.name == "amplitudes" else {}
        if p.name != "circuits":
            assert check(e.name, {p.name: text, **more, **SMALL}) is not None
    assert len(own(circuits={p.name: p.example for _, p in shown}["circuits"]).given) == 1


def test_the_report_says_what_was_read_and_the_order_of_qubits() -> None:
    lines = check("quantum/hamiltonian", {"hamiltonian": COMPLEX, "order": "first letter is qubit 0", **SMALL})["lines"]
    assert "Qubits: 3" in lines
    assert any(line.startswith("Order: first letter is qubit 0") for line in lines)
    assert any(line.startswith("Matrix: complex") for line in lines)


def test_the_order_of_qubits_is_kept() -> None:
    terms = dict(own(hamiltonian=COMPLEX, order="first letter is qubit 0").hamiltonian.terms)
    assert terms["ZYI"] == 0.4
    assert dict(own(hamiltonian=COMPLEX).hamiltonian.terms)["IYZ"] == 0.4


def test_the_identity_is_kept_and_the_ground_energy_is_exact() -> None:
    problem = own()
    by_hand = PauliSum((("III", -0.4), ("IZZ", 0.3), ("IIX", 0.2), ("IXI", 0.2), ("YYI", 0.25), ("ZII", 0.1))).matrix()
    assert problem.info.facts["ground_energy"] == pytest.approx(float(np.linalg.eigvalsh(by_hand)[0]), abs=1e-12)


def test_circuits_begin_in_the_state_that_is_asked_for() -> None:
    # |10>: qubit 1 is 1 and qubit 0 is 0.
    problem = load("quantum/hamiltonian", hamiltonian="ZI 1.0\nIZ -0.5\nXX 0.01", start="10", **SMALL)
    assert problem.info.facts["start"] == [1]
    level = {x["name"]: x["error"] for x in problem.info.facts["levels"]}["basis state |10>"]
    assert level == pytest.approx(-1.5 - problem.info.facts["ground_energy"], abs=1e-12)
    design = problem.decode("cx 0 1")
    details = problem.oracle.evaluate([design], [0], rng=NOBODY).details[0]
    text = problem.export([Record("0-0", design, 0.0, details)], "qasm2").decode()
    first = next(line for line in text.splitlines() if line.endswith("];") and not line.startswith("qreg"))
    assert first == "x q[1];"


def test_a_line_allows_neighbours_alone_and_an_own_coupling_its_pairs() -> None:
    assert own().info.facts["pairs"] == [[0, 1], [1, 2]]
    assert own(coupling="own", pairs="[[0, 2], [2, 1]]").info.facts["pairs"] == [[0, 2], [1, 2]]


WRONG: list[tuple[str, Mapping[str, Any], str, str]] = [
    ("hamiltonian", {"hamiltonian": "0.5 [Z0 Z1] +\n0.3j [X0]"}, "hamiltonian", "real coefficients"),
    ("hamiltonian", {"hamiltonian": "ZZ one"}, "hamiltonian", "line 1"),
    ("hamiltonian", {"hamiltonian": ""}, "hamiltonian", "got neither"),
    ("hamiltonian", {"hamiltonian": "ZZ 1", "file": "/nowhere"}, "hamiltonian", "got both"),
    ("hamiltonian", {"hamiltonian": "Z" * 13 + " 1"}, "hamiltonian", "12"),
    ("hamiltonian", {"hamiltonian": REAL, "start": "01"}, "start", "3 letters"),
    ("hamiltonian", {"hamiltonian": REAL, "start": "01x"}, "start", "3 letters"),
    ("hamiltonian", {"hamiltonian": REAL, "coupling": "own"}, "pairs", "coupling map"),
    ("hamiltonian", {"hamiltonian": REAL, "coupling": "own", "pairs": "0-1"}, "pairs", "joins all 3"),
    ("hamiltonian", {"hamiltonian": REAL, "coupling": "own", "pairs": "0-7, 1-2"}, "pairs", "pair 1"),
    ("hamiltonian", {"hamiltonian": REAL, "reward": "target", "target": 0.0}, "target", "error"),
    ("hamiltonian", {"hamiltonian": REAL, "coupling": "nowhere"}, "coupling", "one of"),
    ("hamiltonian", {"hamiltonian": REAL, "coupling": "line", "circuits": FAR}, "circuits", "0, 2"),
    ("hamiltonian", {"hamiltonian": REAL, "circuits": "wobble 0 1"}, "circuits", "wobble"),
    ("molecule", {"molecule": "gold"}, "molecule", "one of"),
    ("spin-chain", {"qubits": 1}, "qubits", "between"),
    ("state", {"state": "dicke", "qubits": 3, "ones": 3}, "ones", "1 to 2"),
    ("state", {"state": "own", "amplitudes": "1 2 3"}, "amplitudes", "Expected"),
    ("unitary", {"matrix": "1 1\n0 1"}, "matrix", "unitary"),
    ("maxcut", {"graph": "a a"}, "graph", "Expected"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "field", "says"), WRONG, ids=lambda x: x[:24] if isinstance(x, str) else "")
def test_wrong_input_names_its_field(name: str, params: Mapping[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(f"quantum/{name}", {**SMALL, **params})
    assert list(caught.value.fields) == [f"problem.params.{field}"], str(caught.value)
    assert says in str(caught.value)


def packed(tmp_path: Path, files: Mapping[str, str]) -> str:
    """Write a ZIP of texts; return its path."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    path = tmp_path / "circuits.zip"
    path.write_bytes(data.getvalue())
    return str(path)


def test_a_pasted_circuit_is_given_with_its_value() -> None:
    problem = own(circuits=QASM)
    (given,) = problem.given
    gates = read_gates(given.design)
    assert count_two(gates) == 2
    assert [op.qubits for op in gates if len(op.qubits) == 2] == [(0, 1), (1, 2)]
    answer = problem.oracle.evaluate([given.design], [0], rng=NOBODY)
    assert given.value == pytest.approx(answer.values[0, 0], abs=1e-12)
    assert given.details["n_cx"] == 2
    assert given.details["energy"] == pytest.approx(answer.details[0]["energy"], abs=1e-12)
    assert any("pasted circuit" in line and "energy:" in line for line in problem.report["lines"])


def test_a_zip_of_circuits_is_given_each_circuit_once(tmp_path: Path) -> None:
    path = packed(
        tmp_path, {"a.qasm": QASM, "b.qasm": OLD, "again.qasm": QASM.replace("0.4", "1.9"), "w.txt": "cx 0 1"}
    )
    problem = own(circuits_file=path)
    assert [count_two(read_gates(g.design)) for g in problem.given] == [2, 1, 1]
    assert len({g.design for g in problem.given}) == 3
    assert [g.details["file"] for g in problem.given] == [
        "circuits.zip:a.qasm",
        "circuits.zip:b.qasm",
        "circuits.zip:w.txt",
    ]
    both = own(circuits="cx 1 2 cx 0 1", circuits_file=path)
    assert len(both.given) == 4


def test_a_zip_with_one_bad_circuit_names_it(tmp_path: Path) -> None:
    path = packed(tmp_path, {"a.qasm": QASM, "bad.qasm": QASM.replace("cx q[0], q[1]", "wobble q[0]")})
    with pytest.raises(InvalidInput, match=r"bad\.qasm.*line 5.*wobble") as caught:
        own(circuits_file=path)
    assert list(caught.value.fields) == ["problem.params.circuits_file"]


def test_an_export_is_given_again(tmp_path: Path) -> None:
    problem = own(circuits="cx 0 1 cx 1 2")
    path = tmp_path / "again.qasm"
    (given,) = problem.given
    path.write_bytes(problem.export([Record("0-0", given.design, given.value, given.details)], "qasm3"))
    assert own(circuits_file=str(path)).given[0].design == given.design


def test_a_search_learns_circuits_to_start_from_before_its_first_round(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'poets.db'}")
    params = {"hamiltonian": REAL, "coupling": "line", **SMALL, "circuits": "cx 0 1 cx 1 2 cx 0 1"}
    spec = parse_spec(
        {
            "problem": {"name": "quantum/hamiltonian", "params": params},
            "search": {"method": "ga"},
            "budget": {"rounds": 2, "batch": 4},
        }
    )
    run = store.create(spec)
    assert work(store, run) == FINISHED
    view = fold(store.read(run))
    store.close()
    (given,) = (view.candidates[i] for i in view.given)
    assert (given.source, given.value) == ("given", own(circuits="cx 0 1 cx 1 2 cx 0 1").given[0].value)
    assert given.details["n_cx"] == 3
    assert view.calls == 8  # it costs none of the budget
    assert given.design not in {view.candidates[i].design for i in view.order}  # and is not measured again
