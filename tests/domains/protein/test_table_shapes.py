"""Further shapes of tables: mutations in three columns, grids, two lines of headings, names that say what is better."""

from __future__ import annotations

from pathlib import Path

import pytest

from domains.protein.tables.read import MeasuredTable, TableSettings, read_table
from poets_core.errors import InvalidTable

PARENT = "MKVDGTAVLKRS"
BODY = "V3A,1.5\nD4W,0.4\nG5L,0.2\n"
VALUES = {"ADG": 1.5, "VWG": 0.4, "VDL": 0.2}


def read(folder: Path, text: str, parent: str = PARENT, **settings: str) -> MeasuredTable:
    path = folder / "t.csv"
    path.write_text(text)
    return read_table(path, TableSettings(**settings), parent=parent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "position,wildtype,mutation,score\n3,V,A,1.5\n4,D,W,0.4\n5,G,L,0.2\n",
        "pos,wt_aa,mut_aa,DMS_score\n3.0,Val,Ala,1.5\n4.0,Asp,Trp,0.4\n5.0,Gly,Leu,0.2\n",
        "Residue,Mutant AA,activity\n3,A,1.5\n4,W,0.4\n5,L,0.2\n",
        "score,to,from,pos\n1.5,A,V,3\n0.4,W,D,4\n0.2,L,G,5\n",
    ],
)
def test_mutations_in_columns_of_their_own(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text)
    assert (table.values, table.labels) == (VALUES, ("3", "4", "5"))
    with pytest.raises(InvalidTable, match="Expected a wild type"):
        read(tmp_path, text, parent="")  # a residue alone is no variant: A at 3 and A at 8 are two


def test_what_is_wrong_in_three_columns_is_quoted_as_a_mutation(tmp_path: Path) -> None:
    text = "pos,wt,mut,score\n3,V,A,1.5\n4,K,W,0.4\n5,G,*,0.2\n,,WT,1\n8,V,I,1.1\n6,T,T,1\n"
    with pytest.raises(InvalidTable, match="'G5\\*'.*'K4W'"):
        read(tmp_path, text)
    table = read(tmp_path, text, bad_rows="leave out")
    assert table.labels == ("3", "6", "8")
    assert table.values == {"ATV": 1.5, "VTV": 1.0, "VTI": 1.1}
    assert table.report.wild_value == 1.0


def test_a_column_of_whole_mutations_comes_before_its_parts(tmp_path: Path) -> None:
    text = "mutant,position,wt,mut,score\nV3A:D4W,3,V,A,1.5\nD4W,4,D,W,0.4\nG5L,5,G,L,0.2\n"
    assert read(tmp_path, text).values == {"AWG": 1.5, "VWG": 0.4, "VDL": 0.2}
    beside = "type,position,wt,mut,score\nmissense,3,V,A,1.5\nmissense,4,D,W,0.4\nmissense,5,G,L,0.2\n"
    assert read(tmp_path, beside).values == VALUES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pos,wt,A,C,D,E\n3,V,1,2,3,4\n4,D,1,2,3,4\n", "a grid whose columns are residues"),
        (",1,2,3,4\nA,.1,.2,.3,.4\nB,.2,.3,.4,.5\nC,.1,.6,.7,.8\n", "a grid whose columns are wells of a plate"),
        ("S3,D4,G5,score\nA,D,G,1.5\nV,W,G,0.4\nV,D,L,0.3\n", "join them in one column, such as VDGV"),
        ("VH,VL,score\nEVQL,DIQM,1\nEVQA,DIQM,2\nEVQL,DIAM,3\n", "join chains in one"),
        ("mutation,score\nV3A,1\nD4*,2\n", "row 3, column 'mutation', got 'D4\\*'"),
        ("mutation,score\nV3A,1\nD4W,1e308\n", "with a number beyond 1e150"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidTable, match=says):
        read(tmp_path, text)


def test_two_lines_of_headings_that_name_the_columns_together(tmp_path: Path) -> None:
    rows = "V3A,1.5,0.1\nD4W,0.4,0.1\nG5L,0.2,0.1\n"
    for lines in ("Variant,Assay 1,\n,activity,sd\n", "Variant,,\n,activity,sd\n"):
        table = read(tmp_path, lines + rows)
        assert (table.values, table.value_column) == (VALUES, "activity")
    # a row of data below a header with a gap is no line of headings
    data = read(tmp_path, "variant,,activity\nV3A,bad,\nD4W,ok,2\nG5L,ok,3\n", bad_rows="leave out")
    assert (data.rows, data.variant_column, data.values) == (3, "variant", {"VWG": 2.0, "VDL": 3.0})
    assert read(tmp_path, "Variant,kcat,Km\n,1/s,mM\n" + rows, value_column="kcat").values == VALUES


@pytest.mark.parametrize(
    "name",
    ["log10Kd", "logIC50", "log10(Kd)", "log2 IC50", "lnKd", "mean IC50 (nM)", "neut EC50", "ΔΔGbind", "ddGbind",
     "off-rate", "dissociation constant (nM)", "K_D", "Koff (1/s)", "KD (nM)", "IC 50", "Kd_app"],
)  # fmt: skip
def test_less_is_better(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"mutation,{name}\n{BODY}").direction == "minimise"


@pytest.mark.parametrize(
    "name",
    ["pIC50", "pKd", "-log10(Kd)", "neglog10_IC50", "log(1/IC50)", "1/Kd", "Kd⁻¹", "Kd(WT)/Kd(mut)", "kcat/Km",
     "WT-normalized fold change", "logFC", "delta_log10Ka", "minus ddG", "log10 titre", "dG_unfolding"],
)  # fmt: skip
def test_more_is_better(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"mutation,{name}\n{BODY}").direction == "maximise"


def test_a_corrected_p_value_is_no_measurement(tmp_path: Path) -> None:
    text = "mutation,logFC,PValue,FDR\nV3A,1.5,.01,.1\nD4W,0.4,.2,.3\nG5L,0.2,.1,.2\n"
    assert read(tmp_path, text).value_column == "logFC"
