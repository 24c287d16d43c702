"""Exports reload equal, are safe to open in a spreadsheet, and say what is wrong with a broken file."""

from __future__ import annotations

import csv
import io
import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.protein.alphabet import LETTERS, parse
from domains.protein.export import FORMATS, read, write
from poets_core.errors import InvalidInput, InvalidTable
from poets_core.types import Record

decode = partial(parse, minimum=1, maximum=200)
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
cells = st.one_of(words, numbers, st.integers(), st.booleans(), st.none(), st.lists(st.integers(), max_size=3))
records = st.builds(
    Record,
    id=st.from_regex(r"[0-9]{1,3}-[0-9]{1,3}", fullmatch=True) | st.sampled_from(["=1+1", "'x", "a b", "-1"]),
    design=st.text(alphabet=LETTERS, min_size=1, max_size=130),
    value=numbers,
    metadata=st.dictionaries(words.filter(lambda w: w not in ("id", "design", "value", "")), cells, max_size=4),
)


@pytest.mark.parametrize("format", FORMATS)
@given(some=st.lists(records, max_size=4))
def test_reloads_equal_with_metadata(format: str, some: list[Record]) -> None:
    found = read(write(some, format), format, decode)
    assert found == some


@pytest.mark.parametrize("format", FORMATS)
def test_text_that_looks_like_a_number_stays_text(format: str) -> None:
    record = Record(
        "0-1", "MKV", -1.5, {"batch": "007", "plate": "12", "flag": "true", "x": "NaN", "empty": "", "n": 12}
    )
    assert read(write([record], format), format, decode) == [record]


def test_fasta_is_what_other_programs_read() -> None:
    text = write([Record("3-17", "M" * 70, 0.1 + 0.2, {"round": 3, "branch": 5, "source": "edit"})], "fasta").decode()
    assert text == f">3-17 value=0.30000000000000004 round=3 branch=5 source=edit\n{'M' * 60}\n{'M' * 10}\n"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_never_starts_a_formula(text: str) -> None:
    record = Record(text, "MKV", -2.5, {"note": text, text: "x", "shift": -3})
    data = write([record], "csv").decode()
    for row in csv.reader(io.StringIO(data, newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r"))
            assert not cell.startswith("-") or not math.isnan(float(cell))
    assert read(data.encode(), "csv", decode) == [record]


def test_reload_accepts_a_byte_order_mark_and_spreadsheet_line_ends() -> None:
    record = Record("0-1", "MKV", 1.25, {"round": 0})
    for format in FORMATS:
        plain = write([record], format).replace(b"\r\n", b"\n")
        for data in (plain, b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")):
            assert read(data, format, decode) == [record]


@pytest.mark.parametrize(
    ("data", "format", "message"),
    [
        (b"MKV\n>0-1 value=1\n", "fasta", "line 1 of the FASTA"),
        (b">0-1 value=1\nMKX\n", "fasta", r"line 1 of the FASTA: .*'X' at position 3"),
        (b">0-1 round=1\nMKV\n", "fasta", "number as value in line 1"),
        (b">\nMKV\n", "fasta", "line 1"),
        (b">0-1 value=1\n", "fasta", "empty"),
        (b"a,b\n", "csv", "columns id, design, value"),
        (b"id,design,value\n0-1,MKV\n", "csv", "3 cells in row 2"),
        (b"id,design,value\n0-1,MKV,high\n", "csv", "number as value in row 2 of the CSV, got 'high'"),
        (b"id,design,value\n0-1,MK*,1\n", "csv", "row 2 of the CSV.*stop codon"),
        (b'id,design,value\n"0-1,MKV,1\n', "csv", "Expected CSV"),
        (b"\xff\xfe", "csv", "UTF-8"),
    ],
)
def test_broken_files(data: bytes, format: str, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        read(data, format, decode)


def test_unknown_format_and_clashing_metadata() -> None:
    with pytest.raises(InvalidInput, match=r"\['fasta', 'csv'\], got 'xlsx'"):
        write([], "xlsx")
    with pytest.raises(InvalidInput, match=r"'xlsx'"):
        read(b"", "xlsx", decode)
    with pytest.raises(InvalidInput, match=r"\['value'\] in record '0-1'"):
        write([Record("0-1", "MKV", 1.0, {"value": 2})], "csv")
