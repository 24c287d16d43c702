"""What `pip install` gives: the same from a wheel as from the sources, and a `poets` that works from any folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path
from urllib.error import URLError

import pytest
from packaging.requirements import Requirement

from tests.gate.plant import copy_tree

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIMIT = 120
QUICK = {
    "problem": {"name": "protein/ehrlich", "params": {"length": 8, "motifs": 1, "motif_length": 3, "quantization": 3}},
    "backbone": {"source": "library", "steps": 5},
    "search": {"branches": 2, "steps": 2, "pool": 2},
    "budget": {"rounds": 2, "batch": 4},
}


def wanted(extra: str = "") -> dict[str, Requirement]:
    """What the library, or one of its extras, needs; extras of ours inside it are followed."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    out: dict[str, Requirement] = {}
    for found in map(Requirement, lines):
        if found.name == PROJECT["name"]:
            for inner in found.extras:
                out |= wanted(inner)
        else:
            out[found.name] = found
    return out


def test_requirements_are_what_the_app_needs_pinned():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    needed = wanted() | wanted("app")
    assert set(pins) == set(needed)
    assert {n: v for n, v in pins.items() if not needed[n].specifier.contains(v)} == {}


def test_a_science_needs_its_own_packages_alone():
    foreign = {"biopython", "qiskit", "qiskit-qasm3-import", "streamlit", "plotly"}
    assert foreign.isdisjoint(wanted())
    assert foreign & set(wanted("protein")) == {"biopython"}
    assert foreign & set(wanted("quantum")) == {"qiskit", "qiskit-qasm3-import"}
    assert foreign <= set(wanted("app"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the tree: what an older build left behind must not come in."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    copy_tree(tree)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    done = subprocess.run([*command, "-w", str(out)], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_library_and_the_app_and_nothing_else(wheel, tmp_path):
    copy_tree(tmp_path)
    data = {".py", ".js", ".png", ".json", ".md", ".safetensors", ".csv"}
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    library = {f for f in files if f.startswith(("poets_core/", "domains/")) and Path(f).suffix in data}
    app = {f"poets_app/{f}" for f in files if f.startswith("pages/") and Path(f).suffix in data}
    app |= {"poets_app/app.py", "poets_app/.streamlit/config.toml"}
    held = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert held == library | app


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of executables of an environment with the wheel; what it depends on is taken from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    here = next((folder / "lib").glob("python*/site-packages"))
    (here / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


def environment(home: Path) -> dict[str, str]:
    """Nothing of this process that could help: no paths, no settings of Streamlit."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "STREAMLIT", "POETS"))}
    return kept | {"HOME": str(home), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_poets_works_from_an_empty_folder(installed, tmp_path):
    def poets(*words: str) -> str:
        command, env = [installed / "poets", *words], environment(tmp_path)
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "protein/ehrlich" in [p["name"] for p in json.loads(poets("problems", "--json"))]
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(QUICK))
    facts = json.loads(poets("run", str(spec), "--json"))
    assert facts["calls"] == 8
    assert (tmp_path / "store" / "poets.db").is_file()


@pytest.mark.slow
def test_the_app_starts_from_an_empty_folder_with_its_own_settings(installed, tmp_path):
    # What the folder holds must not get in between: its own settings, and modules with the names of ours.
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text('[server]\naddress = "0.0.0.0"\nenableStaticServing = false\n')
    for name in ("pages", "domains", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong module')\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [installed / "poets", "app", "--port", str(port)],
            cwd=tmp_path, env=environment(tmp_path), stdout=out, stderr=out,
        )  # fmt: skip
    try:
        assert fetched(f"http://127.0.0.1:{port}/_stcore/health", server, log) == b"ok"
        assert b"plotly.js v" in fetched(f"http://127.0.0.1:{port}/app/static/plotly.min.js", server, log)[:500]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    said = log.read_text()
    assert re.search(rf"http://127\.0\.0\.1:{port}", said), said
    assert "0.0.0.0" not in said
    assert "usage statistics" not in said
    assert "wrong module" not in said


def fetched(url: str, server: subprocess.Popen[bytes], log: Path) -> bytes:
    """Ask until the server answers."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"expected an answer of {url}, got none; the server said:\n{log.read_text()}")
