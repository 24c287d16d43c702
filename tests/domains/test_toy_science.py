"""One file outside the package is a whole science: the contract, the command line, and the how-to that shows it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from domains.catalog import drawing_of, export_of, load
from domains.palette import ON_WHITE
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from poets_core.spec import parse_spec
from tests.contracts.problem_contract import ProblemContract
from tests.domains.svg import HARMLESS, HOSTILE, tags
from tests.toy import ROOT, SOURCE, toy_science


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with toy_science(tmp_path_factory.mktemp("domains")) as made:
        yield made


class TestPromoter(ProblemContract):
    bad_texts = ("", "ACGT", "ACGTACGTACGN", "ACGTACGTACGTA")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> Problem:
        return load("dna/promoter")


@pytest.mark.parametrize("gc", [0.0, 0.4, 1.0])
def test_its_optimum_is_the_best_of_all_designs(gc: float) -> None:
    problem = load("dna/promoter", length=6, motif="TATG", gc=gc)
    designs = ["".join(bases) for bases in product("ACGT", repeat=6)]
    values = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "all")).values
    assert values.max() == pytest.approx(problem.info.objectives[0].optimum)


def test_a_wrong_motif_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="motif"):
        load("dna/promoter", motif="TATAUT")


def test_its_designs_are_drawn_and_its_files_have_names() -> None:
    draw = drawing_of("dna/promoter")
    assert draw is not None
    drawing = draw("TATAATGCGCGC", facts={}, details={}, colours=ON_WHITE, narrow=True)
    assert drawing is not None
    assert drawing.says == "DNA TATAATGCGCGC"
    assert tags(drawing.svg) <= HARMLESS
    for text in HOSTILE:
        assert draw(text, facts={}, details={}, colours=ON_WHITE, narrow=False) is None
    assert export_of("dna/promoter", "csv").media_type == "text/csv"


def command(folder: Path, store: Path, *words: str) -> str:
    environment = os.environ | {
        "POETS_DOMAINS": str(folder), "POETS_STORE": f"sqlite:///{store}/poets.db", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "poets_core", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_command_line_lists_it_specifies_it_and_runs_it(folder: Path, tmp_path: Path) -> None:
    assert "dna/promoter" in {p["name"] for p in json.loads(command(folder, tmp_path, "problems", "--json"))}
    small = (
        "problem.params.gc=0.25", "search.branches=2", "search.steps=2", "search.pool=2", "budget.rounds=2",
        "budget.batch=4", "backbone.width=16", "backbone.steps=20", "device=cpu",
    )  # fmt: skip
    spec = tmp_path / "spec.json"
    spec.write_text(command(folder, tmp_path, "spec", "dna/promoter", *(w for s in small for w in ("--set", s))))
    assert parse_spec(json.loads(spec.read_text())).problem.params == {"length": 12, "motif": "TATAAT", "gc": 0.25}
    shown = json.loads(command(folder, tmp_path, "run", str(spec), "--json"))
    assert shown["state"] == "finished"
    assert shown["calls"] == 8
    load("dna/promoter").decode(shown["best"]["design"])


def test_the_howto_shows_this_very_file() -> None:
    text = (ROOT / "docs" / "howto" / "add-a-science.md").read_text()
    shown = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    lines = [[line for line in t.splitlines() if line.strip()] for t in (shown, SOURCE.read_text())]
    assert lines[0] == lines[1]
