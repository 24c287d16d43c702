"""Tables in the shapes that people have: every kind is read as it should be, or refused by a sentence that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tables_cases import CASES
from benchmarks.tables_files import TableCase
from domains.catalog import load
from poets_core.errors import InvalidInput


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_kind_of_table(case: TableCase, tmp_path: Path) -> None:
    path = tmp_path / f"table.{case.ending}"
    path.write_bytes(case.data())
    if case.values is None:
        with pytest.raises(InvalidInput) as caught:
            load("protein/landscape", table=str(path), **case.params)
        assert list(caught.value.fields) == [case.field]
        said = str(caught.value)
        assert said.startswith("Expected ")
        assert len(said) <= 500
    else:
        problem = load("protein/landscape", table=str(path), **case.params)
        values = problem.oracle.values
        assert len(values) == case.values if isinstance(case.values, int) else values == case.values
        assert problem.info.objectives[0].direction == case.direction
        if case.labels:
            assert tuple(map(str, problem.info.facts["positions"])) == case.labels
        said = "\n".join(problem.report["lines"])
    at = 0
    for word in case.message:
        assert word in said[at:], said
        at = said.index(word, at) + len(word)
