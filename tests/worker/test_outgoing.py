"""A whole run, its command line and its worker: nothing is asked of another machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.outgoing import Outgoing
from poets_core.runs.store import open_store

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        ("protein/ehrlich", ["backbone.source=protein", "search.branches=2", "search.pool=2", "search.steps=2"]),
        pytest.param(
            "quantum/tfim-6",
            ["backbone.source=circuit", "search.branches=2", "search.pool=2", "search.steps=2"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_run_asks_no_other_machine(tmp_path: Path, problem: str, settings: list[str]) -> None:
    outgoing = Outgoing(tmp_path / "asked.log")
    url = f"sqlite:///{tmp_path}/store/poets.db"
    # As a machine that is set up to tell: what a library would send by default must not be sent here.
    quiet = {"HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TRANSFORMERS_OFFLINE", "DO_NOT_TRACK"}
    environment = {k: v for k, v in os.environ.items() if k not in quiet}
    environment |= outgoing.environment | {"POETS_STORE": url, "OMP_NUM_THREADS": "1"}
    words = [f"--set={s}" for s in [*settings, "budget.rounds=2", "budget.batch=4"]]

    def poets(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "poets_core", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    made = poets("spec", problem, *words)
    assert made.returncode == 0, made.stderr
    (tmp_path / "spec.json").write_text(made.stdout)
    ran = poets("run", str(tmp_path / "spec.json"))
    assert ran.returncode == 0, ran.stderr
    store = open_store(url)
    (row,) = store.runs()
    assert poets("export", row.id, str(tmp_path / "a.zip")).returncode == 0
    store.close()
    assert outgoing.hears()
    assert outgoing.strangers == []
