"""The benchmark of tables: enough kinds, each of its own, and what makes a case fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import tables
from benchmarks.tables_cases import CASES
from benchmarks.tables_files import PLAIN, TableCase, text

REFUSED = TableCase("r", text("variant\nA\n"), message=("numeric", "Name it"), field="problem.params.value_column")
READ = TableCase("t", text(PLAIN), values={"KLWT": 1.0, "ALWT": 0.25, "FLWA": 7.5}, message=("3 of 160,000",))


def test_there_are_enough_kinds_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.values is None for case in CASES) >= 20


@pytest.mark.parametrize("case", [REFUSED, READ], ids=["refused", "read"])
def test_all_doors_say_the_same(case: TableCase, tmp_path: Path) -> None:
    found = list(tables.tried(case, tmp_path, True))
    assert [(t.door, t.wrong) for t in found] == [("form", ""), ("worker", ""), ("command line", "")]
    assert tables.values_wrong(case, tmp_path) == ""


@pytest.mark.parametrize(
    ("case", "answer", "why"),
    [
        (REFUSED, (False, "", "read"), "read"),
        (READ, (True, "", "Expected"), "refused"),
        (REFUSED, (True, "problem.params.table", "numeric. Name it"), "field"),
        (REFUSED, (True, REFUSED.field, "Name it, numeric"), "nothing of"),
        (REFUSED, (True, REFUSED.field, "numeric. Name it"), ""),
    ],
)
def test_what_is_not_as_stated_is_found(case: TableCase, answer: tuple[bool, str, str], why: str) -> None:
    assert tables.stated(case, *answer).startswith(why)
    assert bool(tables.stated(case, *answer)) == bool(why)


def test_values_that_are_not_those_stated_are_found(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(PLAIN.replace("7.5", "7.25"))
    assert tables.values_wrong(READ, tmp_path)


def test_what_a_large_table_takes_is_measured(tmp_path: Path) -> None:
    cost = tables.large(20_000, tmp_path)
    assert cost["rows"] == 20_000
    assert 0 < cost["seconds"] < tables.SECONDS
    assert 20 < cost["megabytes"] < tables.MEGABYTES
