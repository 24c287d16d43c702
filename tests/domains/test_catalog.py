"""How sciences are found, what becomes of broken ones, and what they say about themselves."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from domains import catalog
from domains.discovery import find
from poets_core.errors import InvalidSpec
from poets_core.spec import parse_spec
from tests.toy import ROOT, SOURCE, domains_in, toy_science

SMALL = """
from domains.entry import Entry, Science
SCIENCE = Science(name={name!r}, title="T", problems=(Entry(
    name={problem!r}, loader="json:loads", title="T", summary="", objective="o", unit="", seconds=1e-3,
    tokens=lambda params: 7, backbones={backbones!r}),))
"""


def small(name: str, problem: str = "", backbones: tuple[str, ...] = ("library",)) -> str:
    return SMALL.format(name=name, problem=problem or f"{name}/one", backbones=backbones)


def names() -> list[str]:
    return [s.name for s in catalog.sciences()]


def test_this_project_brings_five_sciences_and_they_are_sound() -> None:
    assert catalog.broken() == ()
    assert names()[:5] == ["protein", "quantum", "language", "text", "strings"]
    for entry in catalog.entries():
        assert find_spec(entry.loader.split(":")[0])
        params = {p.name: p.default for p in entry.parameters}
        assert entry.tokens(params) > 0
        assert entry.seconds > 0
        parse_spec({"problem": {"name": entry.name, "params": params}, **entry.settings})
        assert catalog.drawing_of(entry.name) is not None
    for backbone in catalog.backbones().values():
        assert backbone.folder.is_dir()
    for task in catalog.tasks():
        draw, score = catalog.load_task(task.name)
        item = draw(task.name, 1, seed=0)[0]
        assert score(task.name, item, item.answers[0]) == 1.0
    with pytest.raises(InvalidSpec, match="object-counting"):
        catalog.task("sums")


def test_exports_of_a_loaded_problem_are_described() -> None:
    for name in ("protein/ehrlich", "quantum/artificial-7q", "quantum/tfim-6"):
        known = catalog.science(name)
        assert known is not None
        formats = catalog.load(name).info.export_formats
        assert set(formats) <= {e.name for e in known.exports}
        for format in formats:
            kind = catalog.export_of(name, format)
            assert kind.title != kind.name
            assert "/" in kind.media_type
    assert catalog.export_of("nobody/knows", "docx").media_type == "application/octet-stream"
    assert catalog.drawing_of("nobody/knows") is None


def test_files_are_called_after_what_was_written() -> None:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    packed, zipped = buffer.getvalue(), ("zip", "application/zip")
    for name, ending, media_type in (
        ("qasm3", "qasm", "text/plain"), ("qasm2", "qasm", "text/plain"), ("qpy", "qpy", "application/octet-stream"),
        ("python", "py", "text/x-python"),
    ):  # fmt: skip
        kind = catalog.export_of("quantum/tfim-6", name)
        assert (kind.named(b"x"), kind.named(packed), kind.named(b"PK x")) == (
            (ending, media_type), zipped, (ending, media_type),
        )  # fmt: skip
    for name in ("json", "csv"):
        kind = catalog.export_of("quantum/tfim-6", name)
        assert kind.named(b"{}") == (name, kind.media_type)
    # a workbook is a ZIP and keeps its own name
    assert catalog.Export("xlsx", "Excel", "xlsx", "application/x").named(packed) == ("xlsx", "application/x")


def test_a_folder_of_modules_and_packages_is_read(tmp_path: Path) -> None:
    (tmp_path / "poets_small.py").write_text(small("small"))
    (tmp_path / "poets_package").mkdir()
    (tmp_path / "poets_package" / "__init__.py").write_text("from poets_package.entries import SCIENCE\n")
    (tmp_path / "poets_package" / "entries.py").write_text(small("package"))
    (tmp_path / "_helper.py").write_text("raise RuntimeError\n")
    (tmp_path / "notes.txt").write_text("")
    with domains_in(tmp_path):
        assert names()[5:] == ["package", "small"]
        assert catalog.broken() == ()
        assert catalog.entry("small/one").tokens({}) == 7
    assert "small" not in names()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("def broken(:\n", "SyntaxError"),
        ("SCIENCE = 3\n", "int"),
        ("x = 1\n", "Expected SCIENCE"),
        (small("Protein"), "science name"),
        (small("protein"), "'protein', which is taken"),
        (small("fine", "protein/ehrlich"), "'fine/problem'"),
        (small("fine", backbones=("nowhere",)), "nowhere"),
    ],
)
def test_a_broken_science_is_named_and_takes_no_other_down(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "poets_a_broken_one.py").write_text(text)
    with toy_science(tmp_path):
        assert names() == ["protein", "quantum", "language", "text", "strings", "dna"]
        (fault,) = catalog.broken()
        assert fault.source == str(tmp_path / "poets_a_broken_one.py")
        assert said in fault.message


def test_a_module_that_would_hide_behind_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text(small("small"))
    with domains_in(tmp_path):
        assert "Rename the file" in catalog.broken()[0].message


def test_a_folder_that_is_not_there_and_a_relative_one_are_named(tmp_path: Path) -> None:
    for folders, said in ((str(tmp_path / "gone"), "none there"), ("examples/toy_science", "relative")):
        found, broken = find((), folders)
        assert found == ()
        assert said in broken[0].message


def test_an_installed_package_announces_its_science(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "poets_installed.py").write_text(small("installed"))
    info = tmp_path / "poets_installed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: poets-installed\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[poets.domains]\ninstalled = poets_installed:SCIENCE\nlost = poets_lost:SCIENCE\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found, broken = find(catalog.SCIENCES, "")
    monkeypatch.delitem(sys.modules, "poets_installed")
    assert [s.name for s in found][-1] == "installed"
    assert [b.source for b in broken] == ["poets_lost:SCIENCE (entry point lost)"]


def test_the_command_line_names_a_broken_science(tmp_path: Path) -> None:
    (tmp_path / "poets_a_broken_one.py").write_text("x = 1\n")
    with domains_in(tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "poets_core", "problems", "--json"], cwd=ROOT, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    assert "poets_a_broken_one.py" in done.stderr
    assert "protein/ehrlich" in done.stdout


BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import numpy
from domains.catalog import load
from poets_core.errors import PoetsError
from poets_core.types import Record
"""


def without(packages: tuple[str, ...], code: str) -> str:
    """Run code in a process that lacks packages; return what it prints."""
    text = BLOCKED.format(blocked=packages) + code
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


SEARCH = """
p, rng = load({name!r}), numpy.random.default_rng(0)
d = [p.decode(t) for t in p.library(2, rng=rng)]
p.oracle.evaluate(d, [0, 0], rng=rng)
"""


def test_a_quantum_user_needs_no_protein_package_and_the_reverse() -> None:
    quantum = SEARCH.format(name="quantum/artificial-7q") + "print(len(p.export([Record('0-0', d[0], 1.0)], 'qasm3')))"
    assert int(without(("Bio",), quantum)) > 100
    assert without(("qiskit", "qiskit_qasm3_import"), SEARCH.format(name="protein/instability") + "print('fine')")
    code = "import sys; print([m for m in sys.modules if m.startswith('domains.protein') and 'entries' not in m])"
    modules = without((), SEARCH.format(name="quantum/artificial-7q") + code)
    assert modules.strip() == "['domains.protein']"


@pytest.mark.parametrize(
    ("package", "code", "extra"),
    [
        ("Bio", "load('protein/instability')", "poets[protein]"),
        ("qiskit", "p = load('quantum/artificial-7q'); p.export([Record('0-0', 'h 0', 1.0)], 'csv')", "poets[quantum]"),
        ("qiskit_qasm3_import",
         "p = load('quantum/tfim-6'); p.read_export(b'OPENQASM 3.0; qubit[6] q; rx(0.5) q[0];', 'qasm3')",
         "poets[quantum]"),
    ],
)  # fmt: skip
def test_a_missing_package_is_named_with_what_installs_it(package: str, code: str, extra: str) -> None:
    said = without((package,), f"try:\n    {code}\nexcept PoetsError as error:\n    print(error)\n")
    assert f"'{package}'" in said
    assert f"pip install '{extra}'" in said


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"prior_temperature": float("nan")}, "a finite number .* got nan"),
        ({"prior_keep": float("inf")}, "a finite number .* got inf"),
        ({"parent": "MKV" * 100_000}, "0 to 60,000 characters .* got 300,000"),
        ({"max_mutations": -1}, "between 0 and 512, got -1"),
    ],
)
def test_a_parameter_out_of_its_bounds_is_told_in_a_line(params: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSpec, match=says) as caught:
        catalog.check_params("protein/campaign", params)
    assert list(caught.value.fields) == [f"problem.params.{next(iter(params))}"]
    assert len(str(caught.value)) < 200


def test_the_toy_science_is_one_file() -> None:
    assert [p.name for p in SOURCE.parent.iterdir() if p.suffix == ".py"] == ["dna.py"]


CIRCUITS = {"circuits_file": ("cx 0 1", "cx 0 1 cx 0 1")}
FILES: dict[str, dict[str, tuple[str, str]]] = {
    "protein/landscape": {
        "table": ("variant,fitness\nAC,1\nAD,2\nAE,9\n", "variant,fitness\nAC,2\nAD,1\nAE,9\n"),
    },
    "protein/campaign": {
        "data": ("variant,fitness\nAC,1\nAD,2\nAE,9\n", "variant,fitness\nAC,2\nAD,1\nAE,9\n"),
        "answers": ("variant,fitness\nAC,1\nAD,2\nAE,9\n", "variant,fitness\nAC,2\nAD,1\nAE,9\n"),
    },
    "quantum/hamiltonian": {"file": ("1 ZZI\n1 IXX\n", "1 ZZI\n2 IXX\n"), **CIRCUITS},
    "quantum/molecule": CIRCUITS,
    "quantum/spin-chain": CIRCUITS,
    "quantum/state": {"file": ("0.6 0 0 0.8", "0.8 0 0 0.6"), **CIRCUITS},
    "quantum/unitary": {"file": ("[[0, 1], [1, 0]]", "[[1, 0], [0, 1]]"), **CIRCUITS},
    "quantum/maxcut": {"file": ("0 1\n1 2\n2 0", "0 1\n1 2\n2 3"), **CIRCUITS},
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "quantum/hamiltonian": {"hamiltonian": "1 ZZI\n1 IXX"},
    "quantum/unitary": {"matrix": "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]"},
    "quantum/maxcut": {"graph": "0 1\n1 2\n2 0"},
}
"""What a problem needs besides, where a file does not say what is searched."""
"""For every parameter that is a file: two of them that differ in nothing but a few values."""


def test_what_a_problem_reads_out_of_files_shows_in_its_facts(tmp_path: Path) -> None:
    read = {e.name: [p.name for p in e.parameters if p.kind == "file"] for e in catalog.entries()}
    wanted = {name: files for name, files in read.items() if files and name.startswith(("protein/", "quantum/"))}
    assert wanted == {name: list(files) for name, files in FILES.items()}
    for name, files in FILES.items():
        for parameter, texts in files.items():
            infos = []
            for text in (*texts, texts[0]):
                (tmp_path / "file").write_text(text)
                more: dict[str, Any] = {"oracle": "table"} if parameter == "answers" else {}
                if name.startswith("quantum/"):
                    more |= {"max_cx": 2, "starts": 1, "iterations": 5}
                    more |= OTHERWISE.get(name, {}) if parameter == "circuits_file" else {}
                    more |= {"state": "own"} if (name, parameter) == ("quantum/state", "file") else {}
                infos.append(catalog.load(name, **more, **{parameter: str(tmp_path / "file")}).info)
            assert infos[0] != infos[1]
            assert infos[0] == infos[2]
