"""What a protein engineer looks at, against known values."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from domains.palette import ON_WHITE
from domains.protein.alphabet import LETTERS, text_of
from domains.protein.parent import Scaffold, parent_of
from domains.protein.views.alignment import alignment_rows, alignment_svg, alignment_text
from domains.protein.views.enrichment import enriched, false_discoveries, fisher
from domains.protein.views.heat import ORDER, heat_figure, heat_of
from domains.protein.views.logo import information, logo_svg
from domains.protein.views.properties import properties_of, property_table
from domains.protein.views.structure import locate, read_structure, structure_figure
from poets_core.errors import InvalidTable
from poets_core.keyed import rng_for
from tests.domains.svg import HARMLESS, HOSTILE, tags, texts

ROOT = Path(__file__).parents[3]
LABELS = ("39", "54")
NOT = float("nan")


# -- heat map ------------------------------------------------------------------


def test_a_heat_map_averages_by_residue_and_site() -> None:
    heat = heat_of(["VV", "VA", "AA", "AX", "A", "AA"], [1.0, 2.0, 6.0, 9.0, 9.0, NOT], LABELS)
    row = {a: r for r, a in enumerate(ORDER)}
    assert sorted(ORDER) == sorted(LETTERS)
    assert heat.mean[row["V"], 0] == pytest.approx(1.5)
    assert heat.mean[row["A"], 1] == pytest.approx(4.0)
    assert heat.count[row["A"]].tolist() == [1, 2]
    assert heat.error[row["A"], 1] == pytest.approx(np.std([2, 6], ddof=1) / np.sqrt(2))
    assert np.isnan(heat.mean[row["W"], 0])
    assert np.isnan(heat.error[row["A"], 0])
    told = heat_of(["VV", "VA"], [1.0, 2.0], LABELS, std=[0.1, 0.3])
    assert told.error[row["V"], 0] == pytest.approx(0.2)


@given(st.integers(0, 99))
def test_a_heat_map_is_the_plain_mean(seed: int) -> None:
    rng = rng_for(seed, "heat")
    designs = [text_of(c) for c in rng.integers(0, 20, (60, 3))]
    values = rng.normal(1e6, 1.0, 60)
    heat = heat_of(designs, values.tolist(), ("1", "2", "3"))
    for r, a in enumerate(heat.letters):
        own = [v for d, v in zip(designs, values, strict=True) if d[1] == a]
        assert heat.count[r, 1] == len(own)
        if len(own) > 1:
            assert heat.mean[r, 1] == pytest.approx(np.mean(own), rel=1e-12)
            assert heat.error[r, 1] == pytest.approx(scipy.stats.sem(own), rel=1e-5)


def test_a_heat_figure_has_a_cell_for_every_residue_and_marks_the_parent() -> None:
    heat = heat_of(["VV", "VA", "AA"], [1.0, 2.0, 6.0], LABELS)
    figure = heat_figure(heat, ON_WHITE, "VD", title="KD [nM]")
    cells, ring = figure["data"]
    assert (len(cells["z"]), len(cells["z"][0])) == (20, 2)
    assert cells["z"][ORDER.index("W")] == [None, None]
    assert cells["text"][ORDER.index("A")][1] == "A54: 4 ± 2, 2 designs"
    assert list(zip(ring["x"], ring["y"], strict=True)) == [("39", "V"), ("54", "D")]
    assert len(heat_figure(heat, ON_WHITE, show="count")["data"]) == 1
    empty = heat_of([], [], LABELS)
    assert heat_figure(empty, ON_WHITE)["data"][0]["z"][0] == [None, None]


# -- logo ----------------------------------------------------------------------


def test_information_of_a_site_is_that_of_schneider_and_stephens() -> None:
    many = ["WA"] * 5000 + ["WC"] * 5000
    bits = information(many)
    chance = 19 / (2 * math.log(2) * 10_000)
    assert bits[:, 0].sum() == pytest.approx(math.log2(20) - chance)
    assert bits[LETTERS.index("A"), 1] == pytest.approx((math.log2(20) - 1 - chance) / 2)
    even = information([a for a in LETTERS for _ in range(50)])
    assert even.sum() == pytest.approx(0, abs=1e-9)
    assert information(["W"]).sum() == 0  # one sequence says nothing
    assert information([]).shape == (20, 0)


def test_a_logo_draws_the_tallest_letter_on_top() -> None:
    svg = logo_svg(["WA"] * 30 + ["WC"] * 10, LABELS, ON_WHITE)
    shown = texts(svg)
    assert shown.index("W") < shown.index("C") < shown.index("A")
    assert "39 W, aromatic" in svg
    assert tags(svg) <= HARMLESS
    for text in HOSTILE:
        assert tags(logo_svg(["W"], [text], ON_WHITE)) <= HARMLESS


# -- alignment -----------------------------------------------------------------


def test_an_alignment_shows_what_differs_from_the_parent() -> None:
    assert alignment_rows(["VDGV", "AWGV", "AW"], "VDGV") == ["....", "AW..", "AW"]
    text = alignment_text(["0-1", "second"], ["VDGV", "AWGV"], ["39", "40", "41", "100a"], "VDGV")
    assert text == "           1\n           0\n        3440\n        901a\nparent  VDGV\n0-1     ....\nsecond  AW..\n"
    svg = alignment_svg(["0-1", "0-2"], ["VDGV", "AWGV"], ["39", "40", "41", "54"], "VDGV", ON_WHITE)
    assert svg.count("<rect") == 2
    for hostile in HOSTILE:
        assert tags(alignment_svg([hostile], [hostile], [hostile], hostile, ON_WHITE)) <= HARMLESS


# -- enrichment ----------------------------------------------------------------


@given(*[st.integers(0, 30)] * 4)
def test_fisher_is_that_of_scipy(a: int, b: int, c: int, d: int) -> None:
    assert fisher(a, b, c, d) == pytest.approx(scipy.stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=30))
def test_false_discoveries_are_those_of_scipy(p: list[float]) -> None:
    wanted = scipy.stats.false_discovery_control(p, method="bh") if p else []
    assert false_discoveries(p) == pytest.approx(list(wanted))


def test_a_mutation_of_the_best_quarter_is_found() -> None:
    designs = ["AD"] * 10 + ["VW"] * 15 + ["VD"] * 15
    values = [10.0 + i for i in range(10)] + [1.0] * 30
    first, second = enriched(designs, values, "VD", LABELS)
    assert (first.mutation, first.best, first.best_of, first.others, first.others_of) == ("V39A", 10, 10, 0, 30)
    assert first.p == pytest.approx(scipy.stats.fisher_exact([[10, 0], [0, 30]]).pvalue)
    assert first.odds == pytest.approx(10.5 * 30.5 / (0.5 * 0.5))
    assert second.mutation == "D54W"
    assert second.odds < 1
    worst = enriched(designs, [-v for v in values], "VD", LABELS, minimise=True)[0]
    assert (worst.mutation, worst.best) == ("V39A", 10)
    assert enriched(["VD"], [1.0], "VD", LABELS) == []
    assert enriched(["VD", "VD"], [NOT, 1.0], "VD", LABELS) == []


# -- properties ----------------------------------------------------------------


def test_properties_of_a_protein_with_known_ones() -> None:
    # Hen egg-white lysozyme: 129 residues, 14.3 kDa, basic.
    lysozyme = (
        "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDG"
        "NGMNAWVAWRNRCKGTDVQAWIRGCRL"
    )
    found = properties_of(lysozyme)
    assert (found.length, round(found.mass)) == (129, 14313)
    assert found.isoelectric == pytest.approx(9.32, abs=0.05)
    assert found.hydropathy == pytest.approx(-0.472, abs=0.005)
    assert 7 < found.charge < 9
    scaffold = Scaffold(lysozyme, ("1",), (0,), parent_of([("A", lysozyme)]).chains)
    changed, same = property_table(scaffold, ["E", "K"])
    assert same == found
    assert found.charge - changed.charge == pytest.approx(2, abs=0.3)


# -- structure -----------------------------------------------------------------

PDB = """\
HEADER    TEST
MODEL        1
ATOM      1  N   VAL A  39      11.104   6.134  -6.504  1.00  0.00           N
ATOM      2  CA  VAL A  39      11.639   6.071  -5.147  1.00  0.00           C
ATOM      3  CA  ASP A  40      12.000   7.000  -4.000  1.00  0.00           C
ATOM      4  CA  GLY A  40A     13.000   8.000  -3.000  1.00  0.00           C
TER
ATOM      5  CA  VAL B  54       1.000   2.000   3.000  1.00  0.00           C
HETATM    6 CA    CA B 200       9.000   9.000   9.000  1.00  0.00          CA
ENDMDL
MODEL        2
ATOM      1  CA  VAL A  39      99.000  99.000  99.000  1.00  0.00           C
ENDMDL
END
"""
CIF = """\
data_test
loop_
_atom_site.group_PDB
_atom_site.label_atom_id
_atom_site.label_comp_id
_atom_site.auth_asym_id
_atom_site.auth_seq_id
_atom_site.pdbx_PDB_ins_code
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.pdbx_PDB_model_num
ATOM N  VAL A 39 ? 11.104 6.134 -6.504 1
ATOM CA VAL A 39 ? 11.639 6.071 -5.147 1
ATOM CA ASP A 40 ? 12.000 7.000 -4.000 1
ATOM CA GLY A 40 A 13.000 8.000 -3.000 1
ATOM CA VAL B 54 ? 1.000 2.000 3.000 1
HETATM CA CA B 200 ? 9.000 9.000 9.000 1
ATOM CA VAL A 39 ? 99.0 99.0 99.0 2
"""


@pytest.mark.parametrize("text", [PDB, CIF], ids=["pdb", "mmcif"])
def test_a_structure_is_its_trace_with_sites_located(text: str) -> None:
    residues = read_structure(text.encode(), "x")
    assert [(r.chain, r.number, r.code, r.letter) for r in residues] == [
        ("A", 39, "", "V"),
        ("A", 40, "", "D"),
        ("A", 40, "a", "G"),
        ("B", 54, "", "V"),
    ]
    assert residues[0].at == pytest.approx((11.639, 6.071, -5.147), abs=1e-3)
    found = locate(residues, ["39", "40a", "B54", "41", "40"], "VGVGE")
    assert [s.residue and s.residue.letter for s in found] == ["V", "G", "V", None, "D"]
    assert [s.agrees for s in found] == [True, True, True, False, False]
    shifted = locate(residues, ["57"], "V", offset=-18)[0]
    assert shifted.agrees
    assert locate(residues, ["54"], chain="B")[0].agrees
    figure = structure_figure(residues, found, ON_WHITE)
    assert [t["name"] for t in figure["data"]] == ["chain A", "chain B", "sites"]
    assert figure["data"][-1]["text"] == ["V39", "G40a", "VB54", "E40"]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"data_x\n", b"\x00\xff" * 50, b"ATOM" * 99, CIF.replace("11.639", "nan").encode()]
)
def test_a_file_that_is_no_structure_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidTable, match="Expected"):
        read_structure(data, "x.pdb")


def test_views_are_light() -> None:
    names = ("heat", "logo", "alignment", "enrichment")
    code = "import sys\n" + "".join(f"import domains.protein.views.{n}\n" for n in names)
    code += "print([m for m in ('torch', 'streamlit', 'plotly', 'scipy', 'pandas', 'Bio') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr
