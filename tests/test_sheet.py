"""Sheets of any kind as text, where a table begins in them, and numbers as people write them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidTable
from poets_core.intake import TableBounds
from poets_core.intake.numbers import LARGEST, read_numbers
from poets_core.intake.sheet import Sheet, read_sheet


def sheet(folder: Path, data: str | bytes, **bounds: int) -> Sheet:
    path = folder / "t"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_sheet(path, TableBounds(**bounds), InvalidTable)


def test_rows_have_the_numbers_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    found = sheet(tmp_path, '# note\n\na,b\n1,"x\ny"\n\n2,z\na,b\n3,\n')
    assert found.columns == {"a": ["1", "2", "3"], "b": ["x\ny", "z", ""]}
    assert list(found.rows) == [4, 6, 8]
    assert "1 comment line was skipped" in found.notes
    assert any("header" in note for note in found.notes)


def test_sep_line_is_no_row(tmp_path: Path) -> None:
    found = sheet(tmp_path, "sep=;\r\na;b\r\n1;2\r\n")
    assert (found.separator, list(found.rows), found.columns["b"]) == (";", [2], ["2"])


def test_columns_are_chosen_by_what_stands_first_and_the_rest_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{i},{i + 1},x\n" for i in range(50_000)))
    heads: list[Sheet] = []

    def choose(head: Sheet) -> list[str]:
        heads.append(head)
        return ["b"]

    found = read_sheet(path, TableBounds(), InvalidTable, columns=choose)
    assert list(heads[0].columns) == ["a", "b", "c"]
    assert found.columns == {"b": [str(i + 1) for i in range(50_000)]}
    assert found.rows[-1] == 50_001


def test_unnamed_and_empty_columns(tmp_path: Path) -> None:
    found = sheet(tmp_path, ",a,,b,,\n0,1,,2,,\n1,3,,4,,\n")
    assert list(found.columns) == ["Unnamed: 0", "a", "b"]


@pytest.mark.parametrize(
    ("data", "bounds", "message"),
    [
        ("a,b\n" + "1,2\n" * 11, {"rows": 9}, "at most 9 rows"),
        ("a,b\n" + "1,2\n" * 11, {"cells": 10}, "10 cells"),
        ("title\na,b\n" + "1,2\n" * 11, {"cells": 12}, "12 cells"),
        ("a,b,c\n1,2,3\n", {"columns": 2}, "columns"),
        (f"a,b\n1,{'x' * 101}\n", {"cell": 100}, "at most 100 characters in row 2, column 'b'"),
        ("a,b\n1,2,3\n", {}, "3 cells in line 2"),
        ("a,a\n1,2\n", {}, "'a' twice"),
        ("a\0b\n", {}, "no text"),
    ],
)
def test_bounds_hold(tmp_path: Path, data: str, bounds: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        sheet(tmp_path, data, **bounds)


@given(st.binary(max_size=600) | st.text(alphabet="ab,;\t\"'\n\r#-.0159", max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_sheet_or_a_sentence(tmp_path: Path, data: bytes) -> None:
    found: Sheet | str
    try:
        found = sheet(tmp_path, data)
    except InvalidTable as error:
        found = str(error)
    if isinstance(found, str):
        assert found.startswith("Expected ")
        return
    assert {len(cells) for cells in found.columns.values()} <= {len(found.rows)}


@given(
    st.lists(st.lists(st.floats(-LARGEST, LARGEST), min_size=2, max_size=2), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_that_a_program_wrote_are_read_to_the_last_digit(
    tmp_path: Path, rows: list[list[float]], end: str, encoding: str
) -> None:
    lines = ["µ one;two", *(";".join(map(repr, row)) for row in rows)]
    found = sheet(tmp_path, end.join([*lines, ""]).encode(encoding))
    for at, cells in enumerate(found.columns.values()):
        numbers = read_numbers(cells, decimal="point", separator=";")
        assert numbers.values.tolist() == [row[at] for row in rows]


@pytest.mark.parametrize(
    ("cells", "separator", "values"),
    [
        (["1,0", "0,0619"], ";", [1.0, 0.0619]),
        (["1,204.5", "12"], ",", [1204.5, 12]),
        (["1.204,5", "3"], ";", [1204.5, 3]),
        (["1.204.500", "3"], ";", [1204500, 3]),
        (["1 204,5", "3"], "\t", [1204.5, 3]),
        (["1'204.5", "3"], ",", [1204.5, 3]),
        (["−0.5", "+2"], ",", [-0.5, 2]),
        (["5.4 %", "7%"], ",", [5.4, 7]),
        (["1.2×10^3", "5x10^-2", "1e3"], ",", [1200, 0.05, 1000]),
        (["5.4 nM", "7 nM"], ",", [5.4, 7]),
        (["1.204", "2.5"], ";", [1.204, 2.5]),
        (["1.204", "2.310"], "\t", [1.204, 2.31]),
        (["1,204", "2,310"], ";", [1.204, 2.31]),
        (["'1.5", "2"], "", [1.5, 2]),
        (["\u00a01.5\u202f"], ",", [1.5]),
    ],
)
def test_numbers_as_people_write_them(cells: list[str], separator: str, values: list[float]) -> None:
    found = read_numbers(cells, separator=separator)
    assert found.doubt is None
    assert found.values.tolist() == values
    assert found.bad == {}


@pytest.mark.parametrize(
    ("cells", "separator", "readings"),
    [
        (["987", "1.204", "12.930"], ";", (1.204, 1204.0)),
        (["1.204", "12.930"], ";", (1.204, 1204.0)),
        (["987", "1,204"], "\t", (1204.0, 1.204)),
        (["987", "1,204"], "", (1204.0, 1.204)),
    ],
)
def test_what_can_be_read_in_two_ways_is_never_guessed(
    cells: list[str], separator: str, readings: tuple[float, float]
) -> None:
    found = read_numbers(cells, separator=separator)
    assert found.doubt is not None
    assert found.doubt[1:] == readings
    for decimal, reading in zip(("point", "comma"), readings, strict=True):
        told = read_numbers(cells, decimal=decimal, separator=separator)  # type: ignore[arg-type]
        assert told.doubt is None
        assert reading in told.values.tolist()


def test_what_is_wrong_with_a_cell() -> None:
    cells = ["1", "", "NA", "n.d.", "#DIV/0!", "<0.01", "> 500", "≤3", "LOD", "inf", "high", "1,5", "2.5", "12-05"]
    kinds = read_numbers(cells, separator=";").bad
    assert [kinds.get(i, "") for i in range(len(cells))] == [
        "",
        "empty",
        *["missing"] * 3,
        *["censored"] * 4,
        "infinite",
        "text",
        "ambiguous",
        "",
        "text",
    ]
    assert read_numbers(["5%", "0.3"]).bad == {1: "ambiguous"}


def test_a_workbook_is_read_as_it_is_shown(tmp_path: Path) -> None:
    from datetime import date

    from openpyxl import Workbook

    book, out = Workbook(), io.BytesIO()
    book.active.title = "empty"
    second = book.create_sheet("data")
    for row in ([None, "Assay 3"], [], [None, "id", "x"], [None, date(2026, 1, 2), 0.125], [None, "b", "=1+1"]):
        second.append(row)
    book.save(out)
    found = sheet(tmp_path, out.getvalue())
    assert found.columns == {"id": ["2026-01-02", "b"], "x": ["0.125", ""]}
    assert list(found.rows) == [4, 5]
    assert "read from the sheet 'data', of 2 sheets" in found.notes
