"""Files of candidates: whole proteins, mutations, units, blanks and genes; all of them reload."""

from __future__ import annotations

import csv
import io
import math
import sys

import pytest
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from domains.protein.alphabet import LETTERS, text_of
from domains.protein.dna import ORGANISMS, codon_usage, complement, gene_of, protein_of, read_sites_to_avoid
from domains.protein.parent import Scaffold, parent_of
from domains.protein.variants_file import FORMATS, VariantsFile
from poets_core.errors import InvalidDesign, InvalidInput, InvalidSpec, InvalidTable, MissingPackage
from poets_core.keyed import rng_for
from poets_core.types import Record

GB1 = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
SCAFFOLD = Scaffold(GB1, ("39", "40", "41", "54"), (38, 39, 40, 53), parent_of([("A", GB1)]).chains)
PAIR = parent_of([("H", "EVQLV"), ("L", "DIQMT")])
CHAINED = Scaffold(PAIR.sequence, ("H3", "L2"), (2, 6), PAIR.chains)
FILE = VariantsFile(SCAFFOLD, "KD", "nM", avoid="BsaI")
UNKNOWN = float("nan")

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
cells = words | st.integers(-(2**53), 2**53) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
taken = ("id", "design", "mutations", "sequence", "value", "unit", "chain", "organism", "KD [nM]", "")
records = st.builds(
    Record,
    id=st.sampled_from(["0-1", "run/3-4", "=1+1", "'x", "-1"]),
    design=st.text(alphabet=LETTERS, min_size=4, max_size=4),
    value=st.floats(allow_nan=False, allow_infinity=False),
    metadata=st.dictionaries(words.filter(lambda w: w not in taken), cells, max_size=3),
)


@pytest.mark.parametrize("format", ["fasta", "csv", "xlsx"])
@given(some=st.lists(records, max_size=3))
@settings(max_examples=40, deadline=None)
def test_records_reload_equal(format: str, some: list[Record]) -> None:
    assert FILE.read(FILE.write(some, format), format) == some


def test_whole_proteins_mutations_and_units() -> None:
    some = [Record("0-1", "AWGV", 1.25, {"round": 0, "expected": 2.0}), Record("0-2", "VDGV", 0.5)]
    header, first, second = csv.reader(io.StringIO(FILE.write(some, "csv").decode(), newline=""))
    assert header == ["id", "design", "mutations", "sequence", "KD [nM]", "round", "expected [nM]"]
    assert first == ["0-1", "AWGV", "V39A D40W", SCAFFOLD.full("AWGV"), "1.25", "0", "2.0"]
    assert second[2] == "wild type"
    text = FILE.write(some, "fasta").decode()
    assert text.startswith(
        f">0-1 mutations=V39A,D40W value=1.25 unit=nM round=0 expected=2.0\n{SCAFFOLD.full('AWGV')}\n"
    )


@pytest.mark.parametrize("missing", [None, UNKNOWN])
def test_what_is_not_known_is_blank_and_never_zero(missing: float | None) -> None:
    record = Record("0-1", "AWGV", UNKNOWN, {"expected": missing, "std": missing, "round": 0})
    rows = list(csv.reader(io.StringIO(FILE.write([record], "csv").decode(), newline="")))
    assert rows[1][4:] == ["", "", "", "0"]
    sheet = load_workbook(io.BytesIO(FILE.write([record], "xlsx"))).active
    assert sheet is not None
    assert [c.value for c in sheet[2]][4:] == [None, None, None, 0]
    assert b"value=" not in FILE.write([record], "fasta")
    for format in FORMATS:
        (back,) = FILE.read(FILE.write([record], format), format)
        assert (back.id, back.design, math.isnan(back.value)) == ("0-1", "AWGV", True)
        assert "expected" not in back.metadata


def test_no_cell_is_a_formula() -> None:
    record = Record("=1+1", "AWGV", -2.5, {"note": "=HYPERLINK(1)", "@x": "+1", "shift": -3})
    sheet = load_workbook(io.BytesIO(VariantsFile(SCAFFOLD, "=KD", "").write([record], "xlsx"))).active
    assert sheet is not None
    found = [c for row in sheet.iter_rows() for c in row]
    assert not [c.value for c in found if c.data_type == "f" or str(c.value).startswith(("=", "+", "@"))]
    assert [c.value for c in found if c.data_type == "n"] == [-2.5, -3]


def test_two_chains_are_two_records_and_one_design() -> None:
    file = VariantsFile(CHAINED, "KD")
    some = [Record("0-1", "AV", 1.0), Record("0-2", "QI", 2.0)]
    text = file.write(some, "fasta").decode()
    assert text.startswith(">0-1:H chain=H mutations=H:Q3A,L:I2V value=1.0\nEVALV\n>0-1:L chain=L")
    assert b"EVALV:DVQMT" in file.write(some, "csv")
    for format in FORMATS:
        assert [(r.id, r.design, r.value) for r in file.read(file.write(some, format), format)] == [
            ("0-1", "AV", 1.0),
            ("0-2", "QI", 2.0),
        ]


@pytest.mark.parametrize(
    ("data", "format", "said"),
    [
        (b"id,design,value\n", "csv", "columns id, design, mutations, sequence, KD"),
        (b"id,design,mutations,sequence,KD [nM]\n1,AWGV\n", "csv", "5 cells in row 2"),
        (f"id,design,mutations,sequence,KD [nM]\n1,AAAA,,{GB1},1\n".encode(), "csv", "sequence of AAAA in row 2"),
        (f"id,design,mutations,sequence,KD [nM]\n1,VDGV,,{GB1},x\n".encode(), "csv", "number as value in row 2"),
        (f">1\nA{GB1[1:]}\n".encode(), "fasta", "line 1: Expected M at residue 1"),
        (b"MK\n", "fasta", "starts with '>'"),
        (b">1\nATGA\n", "dna", "whole codons"),
        (b"PK\x03\x04", "xlsx", "workbook"),
        (b"\xff\xfe", "csv", "UTF-8"),
    ],
)
def test_broken_files_are_refused(data: bytes, format: str, said: str) -> None:
    with pytest.raises(InvalidTable, match=said):
        FILE.read(data, format)


# -- genes ---------------------------------------------------------------------


@pytest.mark.parametrize("organism", ORGANISMS)
def test_a_gene_translates_back(organism: str) -> None:
    gene = gene_of(GB1, codon_usage(organism))
    assert str(Seq(gene).translate()) == f"{GB1}*"
    assert protein_of(gene) == GB1


@given(st.text(alphabet=LETTERS, min_size=1, max_size=40), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_no_gene_holds_a_site_on_either_strand(protein: str, seed: int) -> None:
    avoid = read_sites_to_avoid("BsaI, EcoRI; GANTC CCWGG")
    gene = gene_of(protein, codon_usage("E. coli"), avoid, seed=seed)
    assert protein_of(gene) == protein
    assert gene == gene_of(protein, codon_usage("E. coli"), avoid, seed=seed)
    for strand in (gene, complement(gene)):
        for site in ("GGTCTC", "GAATTC", "GAATC", "GACTC", "GAGTC", "GATTC", "CCAGG", "CCTGG"):
            assert site not in strand


def test_the_best_gene_is_found_and_an_impossible_one_is_said() -> None:
    usage = {"M": {"ATG": 1.0}, "K": {"AAA": 0.7, "AAG": 0.3}, "*": {"TAA": 1.0}}
    assert gene_of("MK", usage, ["AAATAA"]) == "ATGAAGTAA"
    with pytest.raises(InvalidInput, match="from residue 2 on") as caught:
        gene_of("MK", usage, ["GAA"])
    assert caught.value.field == "problem.params.avoid_sites"
    genes = {gene_of("MKKKKKKKK", usage, seed=k) for k in range(30)}
    assert len(genes) > 15
    share = sum(g.count("AAA") for g in genes) / sum(g.count("AAA") + g.count("AAG") for g in genes)
    assert share == pytest.approx(0.7, abs=0.15)


def test_sites_are_enzymes_or_dna() -> None:
    assert read_sites_to_avoid("BsaI") == ("GGTCTC", "GAGACC")
    assert read_sites_to_avoid("ecori, GAATTC") == ("GAATTC",)
    for text in ("NoSuchI", "GAA", "GAXTTC"):
        with pytest.raises(InvalidSpec, match="BsaI"):
            read_sites_to_avoid(text)
    with pytest.raises(InvalidDesign):
        protein_of("ATGTAAATG")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_codon_tables", None)
    with pytest.raises(MissingPackage, match=r"poets\[dna\]"):
        FILE.write([Record("0-1", "VDGV", 1.0)], "dna")


def test_a_long_gene_is_quick() -> None:
    protein = text_of(rng_for(0, "protein").integers(0, 20, 1273))
    avoid = read_sites_to_avoid("BsaI BbsI EcoRI NotI SfiI XhoI")
    assert protein_of(gene_of(protein, codon_usage("H. sapiens"), avoid)) == protein
