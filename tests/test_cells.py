"""No text cell of any export begins like a formula."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.protein import export as protein
from pages.parts.tables import safe_csv
from poets_core.cells import FORMULA, guarded, unguarded
from poets_core.runs.export import _cell
from poets_core.types import Record

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\n=", "\r\n="]


@pytest.mark.parametrize("start", STARTS)
def test_every_export_guards_every_start_of_a_formula(start: str) -> None:
    text = start + "cmd|' /C calc'!A0"
    assert guarded(text) == _cell(text) == "'" + text
    table = next(csv.DictReader(io.StringIO(safe_csv(pd.DataFrame({text: [text]})).decode(), newline="")))
    safe = "'" + text.replace("\r\n", "\n").replace("\r", "\n")
    assert table == {safe: safe}
    record = Record("a", "MK", 1.0, {"note": text, text: "x"})
    made = protein.write([record], "csv")
    assert not [c for row in csv.reader(io.StringIO(made.decode(), newline="")) for c in row if c.startswith(FORMULA)]
    assert protein.read(made, "csv", str) == [record]


def test_circuits_guard_them_too() -> None:
    from domains.catalog import load

    problem = load("quantum/tfim-6")
    design = problem.decode(problem.library(1, rng=np.random.default_rng(0))[0])
    answer = problem.oracle.evaluate([design], [0], rng=np.random.default_rng(0))
    for start in (s for s in STARTS if not s.isspace()):  # no id of a circuit has lines
        record = Record(start + "1", design, float(answer.values[0, 0]), dict(answer.details[0]))
        made = problem.export([record], "csv")
        # Above the table stand lines that say what the values are.
        rows = [line for line in csv.reader(io.StringIO(made.decode(), newline="")) if len(line) > 2]
        texts = [cell for name, cell in zip(rows[-2], rows[-1], strict=True) if name in ("id", "design")]
        assert len(texts) == 2
        assert not [text for text in texts if text.startswith(FORMULA)]
        assert [r.id for r in problem.read_export(made, "csv")] == [start + "1"]


@given(st.text())
def test_a_reversible_guard_gives_every_text_back(text: str) -> None:
    safe = guarded(text, reversible=True)
    assert not safe.startswith(FORMULA)
    assert unguarded(safe) == text
