"""Circuits of one's own scored by a problem, in the library and at the command line."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qasm3

from domains import catalog
from domains.quantum.artificial import Artificial7q
from domains.quantum.door.score import lines_of, score, score_files
from domains.quantum.tfim import Tfim6
from domains.quantum.verify import circuit_energy, qiskit_energy
from poets_core.errors import InvalidDesign, InvalidSpec

ROOT = Path(__file__).parents[3]
HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
MINE = (
    HEAD + "qubit[6] q;\nbit[6] c;\nry(.5) q[4]; ry(.3) q[0]; swap q[1], q[2]; rzz(-.7) q[0], q[1]; p(.2) q[3];\n"
    "c = measure q;\n"
)


@pytest.fixture(scope="module")
def chain() -> Tfim6:
    return Tfim6(iterations=20)


def test_the_energy_is_that_of_the_circuit_as_written(chain: Tfim6) -> None:
    facts = score(MINE, chain)
    reference = QuantumCircuit(6)
    reference.ry(0.5, 4)
    reference.ry(0.3, 0)
    reference.swap(1, 2)
    reference.rzz(-0.7, 0, 1)
    wanted = circuit_energy(reference, chain.hamiltonian.terms)
    assert facts["energy"] == pytest.approx(wanted, abs=1e-12)
    assert facts["error"] == pytest.approx(wanted - chain.hamiltonian.ground_energy(), abs=1e-12)
    assert qiskit_energy(chain.energy, facts["design"], {"angles": facts["angles"]}) == pytest.approx(wanted, abs=1e-12)
    assert (facts["n_cx"], facts["n_cx_raw"], facts["written"]["two"]) == (5, 5, 2)
    assert facts["measured_energy"] < wanted  # the problem's optimiser goes on from the structure
    assert any("measurement" in note for note in facts["notes"])
    assert any("swap (1)" in note for note in facts["notes"])
    json.dumps(facts, allow_nan=False)
    assert any(f"{wanted:.12g}" in line for line in lines_of(facts))


def test_what_cancels_is_counted_before_and_after() -> None:
    facts = score(HEAD + "qubit[7] q;\ncx q[0], q[1]; cx q[0], q[1]; h q[0];\n", Artificial7q())
    assert (facts["n_cx_raw"], facts["n_cx"], facts["design"]) == (2, 0, "h 0")


def test_words_and_calls_are_scored_too(chain: Tfim6) -> None:
    for text in ("ry 2 a5\ncx 0 1", "qc.ry(0.98, 2); qc.cx(0, 1)", "ry 2 a5 cx 0 1"):
        facts = score(text, Artificial7q())
        assert (facts["design"], facts["dialect"]) == ("cx 0 1\nry 2 a5", "words")
        assert facts["energy"] == pytest.approx(facts["measured_energy"], abs=1e-10)
    assert score("ry 2 a* cx 0 1", chain)["energy"] is None


def test_open_angles_are_left_to_the_problem(chain: Tfim6) -> None:
    facts = score(HEAD + "input float t;\nqubit[6] q;\nry(t) q;\n", chain)
    assert (facts["energy"], facts["angles"]) == (None, None)
    assert facts["measured_energy"] < -5
    with pytest.raises(InvalidDesign, match=r"ry\(an input\) on line 5"):
        score(HEAD + "input float t;\nqubit[6] q;\nry(t) q;\n", Artificial7q())


def test_one_bad_file_does_not_stop_the_others() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.qasm", HEAD + "qubit[7] q;\nh q[0];")
        archive.writestr("b.qasm", HEAD + "qubit[9] q;\nh q;")
    files = [("z.zip", data.getvalue()), ("x", b"QISKIT\x0c"), ("y", b"\xff\xff\xff"), ("c.qasm", b"x 0")]
    found = score_files(files, Artificial7q())
    assert [one.name for one in found] == ["z.zip:a.qasm", "z.zip:b.qasm", "x", "y", "c.qasm"]
    assert [bool(one.error) for one in found] == [False, True, True, True, False]
    assert found[0].facts["design"] == "h 0"


@pytest.mark.parametrize(
    ("problem", "text", "says"),
    [
        (Artificial7q, "qubit[7] q;\n" + "h q[0]; t q[0];\n" * 11, "problem.params.max_ops, now 20"),
        (Tfim6, "qubit[6] q;\n" + "cx q[0], q[1]; h q[0];\n" * 11, "problem.params.max_cx, now 10"),
        (Tfim6, "qubit[6] q;\n" + "h q[0]; t q[0];\n" * 20, "problem.params.max_cx, now 10"),
    ],
)
def test_a_circuit_that_is_too_long_names_what_to_raise(problem: type, text: str, says: str) -> None:
    (found,) = score_files([("a", (HEAD + text).encode())], problem())
    assert says in found.facts["refused"]
    assert any(says in line for line in found.lines)


def test_a_false_re_expression_would_be_noticed(monkeypatch: pytest.MonkeyPatch, chain: Tfim6) -> None:
    """The guard itself: where words and file differ, no energy is given."""
    from domains.quantum.door import standard

    monkeypatch.setitem(standard.STANDARD, "y", standard.STANDARD["z"])
    with pytest.raises(InvalidDesign, match="fault of the program"):
        score(HEAD + "qubit[6] q;\nry(.3) q[0]; y q[0];", chain)


def test_the_catalog_scores_by_name() -> None:
    (found,) = catalog.score("quantum/artificial-7q", {"max_ops": 5}, [("a", b"h 0")])
    assert found.facts["energy"] == pytest.approx(-2.5)
    with pytest.raises(InvalidSpec, match="reads files of designs"):
        catalog.score("protein/ehrlich", {}, [("a", b"h 0")])


def poets(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "poets_core", "circuit", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_line_scores_and_refuses(tmp_path: Path) -> None:
    good, long, bad, far = (tmp_path / f"{name}.qasm" for name in ("good", "long", "bad", "far"))
    good.write_text(MINE)
    long.write_text(HEAD + "qubit[6] q;\n" + "cx q[0], q[1]; h q[0];\n" * 11)
    bad.write_text(HEAD + "qubit[6] q;\nwobble q[0], q[1], q[2];\n")
    far.write_text(HEAD + "qubit[6] q;\nccx q[0], q[1], q[2];\n")
    done = poets(str(good), "--problem", "quantum/tfim-6", "--set", "iterations=5")
    assert done.returncode == 0, done.stderr
    assert "energy: -" in done.stdout
    assert "final measurement dropped (line 6)" in done.stdout
    settings = ["--problem", "quantum/tfim-6", "--set", "problem.params.max_cx=12", "--set", "iterations=5", "--json"]
    done = poets(str(good), str(long), str(bad), str(far), *settings)
    assert done.returncode == 2
    assert "1 of 4 circuits" in done.stderr
    found = json.loads(done.stdout)
    assert [bool(one["error"]) for one in found] == [False, False, True, False]
    assert "line 4 or standard, got 'wobble'" in found[2]["error"]
    assert "ccx on line 4" in found[3]["facts"]["refused"]
    assert found[3]["facts"]["energy"] == pytest.approx(-5.0)
    assert found[1]["facts"]["n_cx"] == 11
    assert poets(str(tmp_path / "none.qasm"), "--problem", "quantum/tfim-6").returncode == 2


def test_an_export_pasted_back_has_the_same_energy(chain: Tfim6) -> None:
    facts = score(MINE, chain)
    from poets_core.types import Record

    exported = chain.export([Record("a", facts["design"], 0.5, {"angles": facts["angles"]})], "qasm3").decode()
    again = score(exported, chain)
    assert again["energy"] == pytest.approx(facts["energy"], abs=1e-12)
    assert (again["design"], again["angles"]) == (facts["design"], facts["angles"])
    assert circuit_energy(qasm3.loads(exported), chain.hamiltonian.terms) == pytest.approx(facts["energy"], abs=1e-12)
    assert not math.isnan(again["energy"])
