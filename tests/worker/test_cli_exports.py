"""`poets export`: the archive and designs in every format, named as what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domains.catalog import load
from poets_core.cli import main
from poets_core.errors import InvalidSpec
from poets_core.runs.launch import ROOT
from poets_core.worker.facts import require_same_problem

SPEC = {
    "problem": {"name": "quantum/artificial-7q"},
    "search": {"method": "ga"},
    "budget": {"rounds": 2, "batch": 4},
    "seed": 7,
    "device": "cpu",
}
Done = subprocess.CompletedProcess[str]


def poets(folder: Path, *words: str) -> Done:
    """Run the command line as a person does."""
    environment = os.environ | {
        "POETS_STORE": f"sqlite:///{folder}/store/poets.db", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-m", "poets_core", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("exports")
    (folder / "spec.json").write_text(json.dumps(SPEC))
    done = poets(folder, "run", "spec.json", "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)["run"]


Refused = Callable[..., str]


@pytest.fixture
def refused(run: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """What is said of words that are refused, in this process; nothing was written and no worker started."""
    folder, name = run
    monkeypatch.setenv("POETS_STORE", f"sqlite:///{folder}/store/poets.db")
    monkeypatch.chdir(folder)

    def there() -> list[Path]:
        # Not what lies deeper: the worker of the run may still be tidying up, and SQLite has files of its own.
        return sorted([*folder.iterdir(), *(folder / "store" / "runs").iterdir()])

    def said(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["poets", "export", name, *words])
        before = there()
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert there() == before
        return capsys.readouterr().err

    return said


def test_an_archive_is_named_zip(run: tuple[Path, str], refused: Refused) -> None:
    folder, name = run
    for wrong in ("x.tar.gz", "x", "x.qasm"):
        said = refused(wrong)
        assert "ends in .zip" in said
        assert "Call it x.zip" in said
    assert poets(folder, "export", name, "run.ZIP").returncode == 0
    assert zipfile.is_zipfile(folder / "run.ZIP")


def test_one_circuit_is_named_by_its_format(run: tuple[Path, str]) -> None:
    folder, name = run
    done = poets(folder, "export", name, "one.qpy", "--format", "qpy", "--best", "1")
    assert done.returncode == 0, done.stderr
    assert "1 design, 1 measured again" in done.stderr
    data = (folder / "one.qpy").read_bytes()
    assert data.startswith(b"QISKIT")
    # what the files say of the run, out of its spec
    assert name.encode() in data
    assert re.search(rb'"seed": ?7\b', data)
    one = poets(folder, "export", name, "one.py", "--format", "python", "--design", "0-0")
    assert one.returncode == 0, one.stderr
    text = (folder / "one.py").read_text()
    assert f"circuit: {name}/0-0\n" in text
    assert "seed: 7\n" in text


@pytest.mark.parametrize(("format", "ending"), [("qasm2", "zip"), ("json", "json")])
def test_several_circuits_are_named_as_what_is_written(run: tuple[Path, str], format: str, ending: str) -> None:
    folder, name = run
    (folder / format).mkdir()
    done = poets(folder, "export", name, format, "--format", format, "--best", "3")
    assert done.returncode == 0, done.stderr
    (path,) = (folder / format).iterdir()
    assert path.name == f"quantum-artificial-7q_{name}_best_3.{ending}"
    assert zipfile.is_zipfile(path) == (ending == "zip")


def test_what_is_not_there_is_refused_before_a_worker_starts(refused: Refused) -> None:
    assert "one of ['csv', 'json'" in refused("x.docx", "--format", "docx")
    assert "9-9" in refused("x.qasm", "--format", "qasm3", "--design", "9-9")
    assert "Expected --format" in refused("x.zip", "--best", "3")
    assert "ends in .zip, since 3 designs" in refused("x.qasm", "--format", "qasm3", "--best", "3")
    assert "ends in .qasm, since 1 design as" in refused("x.zip", "--format", "qasm3", "--best", "1")
    assert "ends in .json" in refused("x.zip", "--format", "json", "--best", "3")


def test_a_run_of_before_is_exported_in_formats_of_today() -> None:
    """Files that a later version also writes do not make another problem; other facts do."""
    now = load("quantum/artificial-7q").info
    require_same_problem("r", replace(now, export_formats=("qasm3", "csv")), now)
    with pytest.raises(InvalidSpec, match="max_ops"):
        require_same_problem("r", replace(now, facts={**now.facts, "max_ops": 3}), now)


def test_last_bits_do_not_make_another_problem_and_a_millionth_does() -> None:
    now = load("quantum/artificial-7q").info
    energy = float(now.facts["ground_energy"])
    require_same_problem("r", replace(now, facts={**now.facts, "ground_energy": energy * (1 + 1e-13)}), now)
    with pytest.raises(InvalidSpec, match="ground_energy"):
        require_same_problem("r", replace(now, facts={**now.facts, "ground_energy": energy * (1 + 1e-6)}), now)
    terms = [[label, c + 1e-6] for label, c in now.facts["hamiltonian"]]
    with pytest.raises(InvalidSpec, match="hamiltonian"):
        require_same_problem("r", replace(now, facts={**now.facts, "hamiltonian": terms}), now)
