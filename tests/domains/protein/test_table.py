"""Uploaded tables: what is read, and what is refused with row and column."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domains.catalog import load
from domains.protein.tables import read as table
from domains.protein.tables.read import TableSettings, read_table
from poets_core.errors import InvalidTable
from poets_core.intake import TableBounds

GOOD = "variant,fitness\nVDGV,1\nADGV,0.0619\nFWAA,8.762\n"
VALUES = {"VDGV": 1.0, "ADGV": 0.0619, "FWAA": 8.762}


def put(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace(",", ";").encode(),
        gzip.compress(GOOD.encode(), mtime=0),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.rstrip().encode(),
        (GOOD + "\n\n").encode(),
        GOOD.replace("VDGV", " vdgv ").encode(),
        (GOOD + "VDGV,1.0\n").encode(),  # the same value twice
        b"id,Variants,count,Fitness\n1,VDGV,5,1\n2,ADGV,6,0.0619\n3,FWAA,7,8.762\n",
    ],
    ids=["csv", "tsv", "semicolon", "gzip", "bom", "crlf", "no-newline", "blank-end", "spaces", "repeat", "usual"],
)  # fmt: skip
def test_reads(tmp_path: Path, data: bytes) -> None:
    assert read_table(put(tmp_path, data)).values == VALUES


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["float64", "float32", "Int64"])
def test_reads_parquet(tmp_path: Path, packed: bool, kind: str) -> None:
    frame = pd.DataFrame({"variant": ["VDGV", "ADGV"], "value": pd.Series([1, 3], dtype=kind)})
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    if packed:
        path = put(tmp_path, gzip.compress(path.read_bytes(), mtime=0), "t.parquet.gz")
    assert read_table(path).values == {"VDGV": 1.0, "ADGV": 3.0}


def test_parquet_keeps_every_digit_and_refuses_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"variant": ["VD", "AD"], "value": [0.1 + 0.2, 1e-300]}).to_parquet(path)
    assert read_table(path).values == {"VD": 0.1 + 0.2, "AD": 1e-300}
    pd.DataFrame({"variant": ["VD", "AD"], "value": [0.1, np.nan]}).to_parquet(path)
    with pytest.raises(InvalidTable, match="without a value .row 3, column 'value'"):
        read_table(path)


def test_columns_are_found_by_kind_when_no_name_is_usual(tmp_path: Path) -> None:
    path = put(tmp_path, "n,residues,level\n1,VD,5\n2,AD,6\n")
    found = read_table(path, TableSettings(value_column="level"))
    assert (found.variant_column, found.value_column) == ("residues", "level")
    assert read_table(path).value_column == "level"  # n numbers the rows


def test_named_columns_win(tmp_path: Path) -> None:
    path = put(tmp_path, "variant,fitness,other,parent\nVD,1,7,AA\nAD,2,8,CC\n")
    found = read_table(path, TableSettings("parent", "other"))
    assert found.values == {"AA": 7.0, "CC": 8.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header row.*empty file"),
        ("\n", "header row"),
        ("variant,fitness\n", "without rows"),
        ("variant,fitness\n,\n", "without rows"),
        ("variant,fitness\nVDGV,\n", r"1 without a value .row 2, column 'fitness', got ''"),
        ("variant,fitness\nVDGV,1\nADGV,nan\n", r"a word for no value .row 3, column 'fitness', got 'nan'"),
        ("variant,fitness\nVDGV,1\nADGV,inf\n", r"an infinite number .row 3, column 'fitness', got 'inf'"),
        ("variant,fitness\nVDGV,1\nADGV,high\n", r"text in place .* .row 3, column 'fitness', got 'high'"),
        ("variant,fitness\nVDGV,1\nADXV,1\n", r"row 3, column 'variant', got 'X' at position 3 of 'ADXV'"),
        ("variant,fitness\nVDGV,1\nAD*V,1\n", r"row 3, column 'variant', got '\*' \(a stop codon\) at position 3"),
        ("variant,fitness\nVDGV,1\nAD-V,1\n", r"row 3, column 'variant', got '-' \(a gap\)"),
        ("variant,fitness\nVDGV,1\nAD\u2603V,1\n", r"row 3, column 'variant'.* at position 3"),
        ("variant,fitness\nVDGV,1\n,2\n", r"1 without a variant .row 3, column 'variant', got ''"),
        (
            "variant,fitness\nVDGV,1\nADG,1\n",
            r"1 of another length .row 3, column 'variant', got 'ADG'.*4 residues in 1",
        ),
        ("variant,fitness\nVDGV,1\n\nADGV,x\n", r"row 4, column 'fitness'"),  # rows as a spreadsheet counts
        ("fitness,score\n1,2\n2,3\n", r"text column of variants"),
        ("variant,name\nVDGV,a\n", r"row 2, column 'name', got 'a'"),
        ("variant\nVDGV\n", r"numeric column"),
        ("variant,fitness,fitness\nVDGV,1,2\n", r"distinct column names.*'fitness' twice"),
        ('variant,fitness\n"VDGV,1\n', r"column|readable"),
        ("variant,fitness\nVDGV,1\nADGV,1,2\n", r"readable.*3 cells in line 3"),
        ("variant,fitness\nVDGV,1\nADGV\n", r"row 3, column 'fitness', got ''"),
        ("variant,fitness\nVDGV,1\nSDG\u00df,1\n", r"row 3, column 'variant'.* at position 4"),
        (b"variant,fitness\nVD\xffV,1\n", r"row 2, column 'variant', got 'VDÿV'"),
        (b"PAR1 this is not parquet", r"readable.*Parquet"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-12], r"readable"),
    ],
)
def test_refuses(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        read_table(put(tmp_path, text))


def test_refuses_wrong_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match=r"column 'activity', got the columns \['variant', 'fitness'\]"):
        read_table(put(tmp_path, GOOD), TableSettings(value_column="activity"))
    with pytest.raises(InvalidTable, match=r"column 'fitness', got 'VDGV'"):
        read_table(put(tmp_path, "variant,fitness\nAA,VDGV\n"), TableSettings(value_column="fitness"))
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InvalidTable, match="readable"):
            read_table(path)


def test_stops_early_at_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "BOUNDS", TableBounds(rows=1000))
    rows = "".join(f"{a},1\n" for a in ["VDGV"] * 3000)
    for name, data in (("t.csv", f"variant,fitness\n{rows}".encode()), ("t.csv.gz", None)):
        path = put(tmp_path, data or gzip.compress(f"variant,fitness\n{rows}".encode(), mtime=0), name)
        with pytest.raises(InvalidTable, match="at most 1,000 rows"):
            read_table(path)
    pd.DataFrame({"variant": ["VD"] * 1001, "value": 1.0}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InvalidTable, match="at most 1,000 rows"):
        read_table(tmp_path / "t.parquet")


def test_three_million_rows_are_refused_without_parsing(tmp_path: Path) -> None:
    block = b"VDGV,1\n" * 1_000_000
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"variant,fitness\n")
        for _ in range(3):
            out.write(block)
    with pytest.raises(InvalidTable, match="at most 2,000,000 rows"):
        read_table(path)


def test_150_000_rows_load_fast(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    codes = rng.choice(20**4, size=150_000, replace=False)
    words = letters[np.stack([codes // 20**i % 20 for i in range(4)], axis=1)]
    lines = [f"{''.join(w)},{v!r}" for w, v in zip(words.tolist(), rng.normal(size=150_000).tolist(), strict=True)]
    path = put(tmp_path, "variant,fitness\n" + "\n".join(lines))
    began = time.process_time()
    assert len(read_table(path).values) == 150_000
    assert time.process_time() - began < 3  # about .5 s on an idle core


@pytest.mark.skipif("POETS_GB1" not in os.environ, reason="set POETS_GB1 to the GB1 table (Wu 2016) to check it")
def test_gb1() -> None:
    problem = load("protein/landscape", table=os.environ["POETS_GB1"], wild_type="VDGV", positions="39,40,41,54")
    assert problem.info.objectives[0].optimum == pytest.approx(8.762, abs=5e-4)
    assert (problem.info.facts["measured"], problem.info.facts["space"]) == (149_361, 160_000)
    assert problem.info.facts["wild_type_value"] == 1.0


PARENT = os.environ.get("POETS_AVGFP_PARENT", "")


@pytest.mark.skipif(
    "POETS_AVGFP" not in os.environ or not PARENT,
    reason="set POETS_AVGFP to the avGFP table (Sarkisyan 2016) and POETS_AVGFP_PARENT to its parent to check it",
)
def test_avgfp_is_read_with_its_parent_as_it_lies_there() -> None:
    parent = "".join(Path(PARENT).read_text().splitlines()[1:])
    found = read_table(Path(os.environ["POETS_AVGFP"]), parent=parent)
    assert (len(found.values), len(found.whole), found.rows) == (51_714, 238, 51_714)
    assert found.values[
        "".join(parent[i] if label != "110" else "D" for i, label in zip(found.places, found.labels, strict=True))
    ] == pytest.approx(1.30103000388)


@pytest.mark.parametrize(
    "row",
    [
        "AC,1" + " " * 90_000 + "2x",
        "A" + "1" * 90_000 + ",1",
        "A1C" + "(" * 90_000 + "x,1",
        "wt" + "_" * 90_000 + "x,1",
    ],
    ids=["blanks", "digits", "brackets", "underscores"],
)
def test_no_cell_keeps_a_pattern_busy(tmp_path: Path, row: str) -> None:
    path = put(tmp_path, "variant,value\n" + f"{row}\n" * 10)
    began = time.process_time()
    with pytest.raises(InvalidTable, match="10 of 10 rows"):
        read_table(path)
    assert time.process_time() - began < 1  # quadratic: minutes


@pytest.mark.parametrize(
    ("use", "rows", "told"), [("benchmark", 30, True), ("replay", 30, False), ("benchmark", 400, False)]
)
def test_a_thin_table_warns_of_invalid_proposals_before_it_is_searched(
    tmp_path: Path, use: str, rows: int, told: bool
) -> None:
    letters = "ACDEFGHIKLMNPQRSTVWY"
    variants = [a + b for a in letters for b in letters][:: 400 // rows]
    path = put(tmp_path, "variant,value\n" + "".join(f"{v},{i}\n" for i, v in enumerate(variants)))
    lines = load("protein/landscape", table=str(path), use=use).report["lines"]
    assert any("costs a call" in line for line in lines) == told
