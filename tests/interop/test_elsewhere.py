"""Exported circuits have the same energy in Qiskit, Cirq, pytket and PennyLane: `make interop`.

The other tools stand in an environment of their own, since their pins are not ours; where there is none, this skips.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from domains.catalog import load
from domains.quantum.problem import CircuitProblem
from domains.quantum.verify import circuit_energy
from poets_core.keyed import rng_for
from poets_core.types import Record

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("POETS_INTEROP") or ROOT / ".venv-interop" / "bin" / "python")
DESIGNS = 20
TOLERANCE = 1e-9
# pytket 2.18 knows no stdgates.inc, and PennyLane 0.45 reads no include in version 3; without one Qiskit knows no gate.
READS = {"qasm2": {"cirq", "pytket", "pennylane"}, "qasm3": {"cirq"}}

pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason=f"no other tools at {PYTHON}: run `make interop`")


def exported(problem: CircuitProblem, folder: Path) -> dict[str, float]:
    """Write both versions of circuits of a problem; return the energy of each file."""
    designs = list(dict.fromkeys(problem.decode(t) for t in problem.library(DESIGNS, rng=rng_for(0, "interop"))))
    answer = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "oracle"))
    wanted: dict[str, float] = {}
    for k, (design, value, details) in enumerate(zip(designs, answer.values[:, 0], answer.details, strict=True)):
        for format in READS:
            name = f"{problem.info.name.replace('/', '-')}-{k}-{format}.qasm"
            record = Record(f"0-{k}", design, float(value), details)
            (folder / name).write_bytes(problem.export([record], format))
            wanted[name] = details["energy"]
    return wanted


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], dict[str, dict[str, object]]]:
    """Energies as we have them, and as the other tools find them."""
    folder = tmp_path_factory.mktemp("exported")
    wanted: dict[str, float] = {}
    for name, params in (("quantum/artificial-7q", {}), ("quantum/tfim-6", {"iterations": 20})):
        problem = load(name, **params)
        assert isinstance(problem, CircuitProblem)
        wanted |= exported(problem, folder)
        terms = problem.hamiltonian.terms
        for path in sorted(folder.glob(f"{name.replace('/', '-')}*")):
            from qiskit import qasm2, qasm3

            loads = qasm2.loads if path.name.endswith("qasm2.qasm") else qasm3.loads
            assert circuit_energy(loads(path.read_text()), terms) == pytest.approx(wanted[path.name], abs=TOLERANCE)
    script = Path(__file__).with_name("elsewhere.py")
    done = subprocess.run([PYTHON, "-W", "ignore", script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return wanted, json.loads(done.stdout)


@pytest.mark.parametrize("format", READS)
@pytest.mark.parametrize("tool", ["cirq", "pytket", "pennylane"])
def test_the_energy_is_the_same_elsewhere(
    found: tuple[dict[str, float], dict[str, dict[str, object]]], tool: str, format: str
) -> None:
    wanted, energies = found
    files = [name for name in wanted if name.endswith(f"{format}.qasm")]
    assert len(files) >= 30
    for name in files:
        answer = energies[name][tool]
        if tool in READS[format]:
            assert isinstance(answer, float), answer
            assert answer == pytest.approx(wanted[name], abs=TOLERANCE)
        else:  # once it reads these files, the table above and the documents say something false
            assert isinstance(answer, str), f"{tool} reads {format} now"
    if tool in READS[format]:
        largest = max(abs(float(str(energies[name][tool])) - wanted[name]) for name in files)
        print(f"{tool} {format}: {len(files)} files, largest difference {largest:.1e}")
    else:
        print(f"{tool} {format}: not read: {energies[files[0]][tool]}")
