"""The gate is shut: every planted fault is found."""

from __future__ import annotations

import pytest

from tests.gate.plant import FAULTS, GATE, MYPY, ROOT, RUFF, Checks, Fault, copy_tree, plant


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    copy_tree(folder)
    return folder


@pytest.fixture(scope="module")
def checks():
    with Checks() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("fault", [f for f in FAULTS if f.check != MYPY], ids=lambda f: f.name)
def test_a_planted_fault_is_found(fault, tree, checks):
    # That the check passes without the fault is what the rest of the suite shows; the script looks itself.
    assert plant(fault, tree, checks) == ""


def test_make_check_runs_what_finds_faults():
    recipe = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    for part in (f"{RUFF} .", MYPY, *GATE, "tests.gate.plant --nodes"):
        assert part in recipe


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_the_place_of_a_fault_is_there_once(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1


def test_a_fault_that_is_not_found_is_said(tmp_path, checks):
    (tmp_path / "x.py").write_text("y = 1\n")
    assert "to fail" in plant(Fault("harmless", "x.py", "y = 1", "y = 2", "ruff check", "F821"), tmp_path, checks)
    assert (tmp_path / "x.py").read_text() == "y = 1\n"
    with pytest.raises(ValueError, match="once"):
        plant(Fault("gone", "x.py", "z", "y", "ruff check", "F821"), tmp_path, checks)
