"""The problems of this science: what every problem owes, and DNA against Biopython."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from Bio.SeqUtils import MeltingTemp
from hypothesis import given
from hypothesis import strategies as st

from domains.catalog import load
from domains.palette import ON_WHITE
from domains.strings.dna import complement, melting_point
from domains.strings.drawing import draw
from domains.strings.oracle import ALLOWED
from poets_core.keyed import rng_for
from poets_core.protocols import Problem
from poets_core.runs.export import archive_bytes
from poets_core.runs.store import SqlStore
from poets_core.spec import parse_spec
from poets_core.worker.worker import work
from tests.contracts.problem_contract import ProblemContract


class TestPrimer(ProblemContract):
    bad_texts = (
        "",
        "ACGT",
        "acgtacgtacgtacgtacgc",
        "ACGTACGTACGTACGTACGA",
        "GAATTCACGTACGTACGTAC",
        "A" * 17 + "C",
        "=" * 20,
    )

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls) -> Problem:
        return load("strings/primer")


class TestOwn(ProblemContract):
    bad_texts = ("", "01", "01012", "11111111")

    @pytest.fixture(scope="class")
    @classmethod
    def problem(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Problem]:
        folder = tmp_path_factory.mktemp("oracle")
        (folder / "ones_of_a_test.py").write_text("def measure(design):\n    return design.count('1')\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(ALLOWED, "yes")
            problem = load(
                "strings/own",
                alphabet="own",
                letters="01=",
                pattern="[01=]*",
                function="ones_of_a_test:measure",
                folder=str(folder),
                longest_run=3,
                parallel=2,
                min_length=4,
                max_length=8,
            )
            yield problem
            problem.oracle.close()  # type: ignore[attr-defined]


@given(st.text("ACGT", min_size=8, max_size=40), st.floats(0.01, 100), st.floats(0.01, 1))
def test_melting_points_are_those_of_biopython(strand: str, micromolar: float, sodium: float) -> None:
    alone = strand == complement(strand)
    nanomolar = 1000 * micromolar
    theirs = MeltingTemp.Tm_NN(
        strand,
        nn_table=MeltingTemp.DNA_NN3,
        dnac1=nanomolar,
        dnac2=nanomolar,
        Na=1000 * sodium,
        saltcorr=5,
        selfcomp=alone,
    )
    assert melting_point(strand, micromolar, sodium) == pytest.approx(theirs, abs=1e-6)


def test_an_edit_is_one_change() -> None:
    problem = load("strings/primer")
    (elite,) = problem.library(1, rng=rng_for(0, "t"))
    for edit in problem.edit([elite], 60, rng=rng_for(1, "t")):
        assert problem.decode(edit) == edit
        assert abs(len(edit) - len(elite)) <= len(elite)
    assert len(set(problem.edit([elite], 60, rng=rng_for(1, "t")))) > 20


def test_a_run_with_an_oracle_of_ones_own_is_verified_where_it_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the spec to the archive; verify asks before it runs what an archive names."""
    from typer.testing import CliRunner

    from poets_core.cli import app

    mark = tmp_path / "ran"
    (tmp_path / "oracle_of_a_run.py").write_text(
        f"def measure(design):\n    open({str(mark)!r}, 'a').write('x')\n    return design.count('A')\n"
    )
    params = {"function": "oracle_of_a_run:measure", "folder": str(tmp_path), "min_length": 4, "max_length": 6}
    spec = {
        "problem": {"name": "strings/own", "params": params},
        "search": {"method": "ga"},
        "backbone": {"steps": 20, "width": 16},
        "budget": {"rounds": 2, "batch": 4},
        "device": "cpu",
    }
    monkeypatch.setenv(ALLOWED, "yes")
    store = SqlStore(f"sqlite:///{tmp_path}/poets.db")
    run = store.create(parse_spec(spec))
    assert work(store, run) == 0
    (tmp_path / "run.zip").write_bytes(archive_bytes(store, run))
    store.close()
    calls = len(mark.read_text())
    assert calls == 8

    def states(*words: str) -> dict[str, str]:
        done = CliRunner().invoke(app, ["verify", str(tmp_path / "run.zip"), "--json", *words])
        assert done.exit_code == 0, done.stdout
        return {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}

    assert states()["measured again"] == "not done"
    assert len(mark.read_text()) == calls, "an archive ran a program of its own"
    assert states("--run-oracle")["measured again"] == "ok"
    assert len(mark.read_text()) == 2 * calls


def test_letters_are_drawn_as_text() -> None:
    facts = {"letters": "<A&"}
    drawn = draw("<A&<", facts=facts, details={}, colours=ON_WHITE, narrow=True)
    assert drawn is not None
    assert "&lt;" in drawn.svg
    assert drawn.svg.count("<text") == 4
    assert draw("<AB", facts=facts, details={}, colours=ON_WHITE, narrow=True) is None
    assert draw("", facts={}, details={}, colours=ON_WHITE, narrow=False) is None
