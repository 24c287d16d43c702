"""Parents as people paste them, sites as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.protein.alphabet import LETTERS
from domains.protein.parent import Chain, Parent, Scaffold, parent_of, read_parent
from domains.protein.sites import read_sites
from poets_core.errors import InvalidDesign, InvalidSpec

GB1 = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
PARENT = read_parent(GB1)
TWO = read_parent("EVQLVEVQLV:DIQMTDIQMT")
FOUR = (38, 39, 40, 53)


@pytest.mark.parametrize(
    "text",
    [
        GB1,
        GB1.lower(),
        f"  {GB1[:20]}\n{GB1[20:]}\r\n",
        f"{GB1}*",
        f">sp|P06654|SPG1\n{GB1[:30]}\n{GB1[30:]}\n",
        "        1 " + " ".join(GB1[i : i + 10].lower() for i in range(0, 56, 10)) + "\n//",
        "ORIGIN\n        1 " + GB1[:30].lower() + "\n       31 " + GB1[30:].lower() + "\n//\n",
        f"\ufeff{GB1}",
        "-".join(GB1),
    ],
)
def test_a_parent_is_read_as_it_is_pasted(text: str) -> None:
    assert read_parent(text).sequence == GB1


def test_three_letter_codes_are_no_letters() -> None:
    assert read_parent("Met-Ser-Lys").sequence == "MSK"
    assert read_parent("MET SER LYS ALA").sequence == "MSKA"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("EVQLV:DIQMT", "AB"),
        ("EVQLV/DIQMT", "AB"),
        (">heavy\nEVQLV\n>light\nDIQMT\n", "AB"),
        (">1ABC_1|Chain H|mus\nEVQLV\n>1ABC_2|Chain L|mus\nDIQMT", "HL"),
        (">x_H\nEVQLV\n>x_L\nDIQMT", "HL"),
        (">H\nEVQLV\n>L\nDIQMT", "HL"),
        (">x_H\nEVQLV\n>y_H\nDIQMT", "AB"),
        (">both\nEVQLV:DIQMT\n", "AB"),
    ],
)
def test_chains_have_names_and_places(text: str, names: str) -> None:
    found = read_parent(text)
    assert found == Parent("EVQLVDIQMT", (Chain(names[0], 0, 5), Chain(names[1], 5, 5)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MKX", "'X' at position 3"),
        ("MQ1YK", "'1' at position 3"),
        ("ACGTACGTACGT", "looks like DNA.*Translate"),
        (">name\n", "Keep the line break"),
        ("name >x\nMK", "before it"),
        ("MK::V", "chain 2"),
        ("M" * 40_001, "40,001"),
    ],
)
def test_a_wrong_parent_is_refused_beside_its_field(text: str, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said) as caught:
        read_parent(text)
    assert caught.value.field == "problem.params.parent"


@pytest.mark.parametrize(
    "text",
    [
        "V39,D40,G41,V54",
        "39 40 41 54",
        "39;40;41;54",
        "39-41,54",
        "39\u201341, 54",
        "39 to 41 and 54",
        "V39-G41 V54",
        "A39,A40,A41,A54",
        "A:V39 A:D40 A:G41 A:V54",
        "Val39, Asp40, Gly41, Val54",
        "+39,+40,+41,+54",
        "V39+D40+G41+V54",
        "sites 39-41 and residue 54",
    ],
)
def test_sites_as_people_write_them(text: str) -> None:
    found = read_sites(text, PARENT)
    assert (found.index, found.labels, found.notes) == (FOUR, ("39", "40", "41", "54"), ())


def test_chains_and_insertion_codes() -> None:
    assert read_sites("A3,A5,B2", TWO).index == (2, 4, 11)
    assert read_sites("A3-A5,B1", TWO).labels == ("A3", "A4", "A5", "B1")
    assert read_sites("A:Q3,B:I2", TWO).letters == ("Q", "I")
    found = read_sites("100,100a,100b,101", read_parent("M" * 120))
    assert (found.labels, found.index) == (("100", "100a", "100b", "101"), (99, 100, 101, 102))
    assert "100a was counted as residue 101" in found.notes[0]
    assert read_sites("7,7B,8", PARENT).index == (6, 8, 9)  # 7B says that there is a 7A


def test_without_a_parent_sites_are_labels() -> None:
    found = read_sites("A39,A40,A41,B54")  # B is no residue
    assert (found.labels, found.index) == (("A39", "A40", "A41", "B54"), (0, 1, 2, 3))
    assert read_sites("V39,D40").labels == ("39", "40")
    assert read_sites("V39,D40").letters == ("V", "D")


def test_an_offset_is_found_by_letters_or_stated() -> None:
    found = read_sites("V257,D258,G259,V272", PARENT)
    assert (found.index, found.labels) == (FOUR, ("257", "258", "259", "272"))
    assert "offset -218" in found.notes[0]
    for text in ("57-59,72 offset -18", "57-59, 72; offset: -18"):
        assert read_sites(text, PARENT).index == FOUR
    assert read_sites("21-23,36 offset +18", PARENT).index == FOUR
    with pytest.raises(InvalidSpec, match=r"Expected V at site 40, got D.*'offset -19' and with 'offset -1'"):
        read_sites("V40,D41", PARENT)  # two letters are no proof


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("C39", "Expected C at site 39, got V"),
        ("V39A", "mutation 'V39A'.*V39a"),
        ("54,39", "Write 39, 54"),
        ("39,39", "39 twice"),
        ("999", "56 residues of the parent, got 999"),
        ("0", "residue 0"),
        ("39,forty", "'forty'"),
        ("", "1 to 2,048 sites"),
        ("41-39", "range"),
        ("1-100000", "range"),
        ("9" * 900, "residue numbers"),
        ("B:39", "chain A"),
    ],
)
def test_wrong_sites_are_refused_beside_their_field(text: str, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said) as caught:
        read_sites(text, PARENT)
    assert caught.value.field == "problem.params.sites"


def test_two_chains_want_a_chain() -> None:
    with pytest.raises(InvalidSpec, match="chain \\(A, B\\) before each site"):
        read_sites("3,5", TWO)
    with pytest.raises(InvalidSpec, match="10 residues of chain B, got B11"):
        read_sites("B11", TWO)


@given(st.text(alphabet="0123456789AVDGabX:+-,; \u2013.", max_size=20))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    for parent in (None, PARENT, TWO):
        try:
            found = read_sites(text, parent)
        except InvalidSpec as refusal:
            words = str(refusal)
            found = None
        if found is None:
            assert words.startswith("Expected")
            continue
        assert len(set(found.labels)) == len(found.labels) == len(found.index)
        if parent is not None:
            assert all(x in ("", parent.sequence[i]) for x, i in zip(found.letters, found.index, strict=True))


@given(st.data())
def test_designs_and_whole_proteins_are_inverse(data: st.DataObject) -> None:
    sequences = data.draw(st.lists(st.text(alphabet=LETTERS, min_size=1, max_size=8), min_size=1, max_size=3))
    parent = parent_of(list(zip("ABC", sequences, strict=False)))
    sites = sorted(data.draw(st.sets(st.integers(0, len(parent.sequence) - 1), min_size=1)))
    scaffold = Scaffold(parent.sequence, tuple(f"{i + 1}" for i in sites), tuple(sites), parent.chains)
    design = data.draw(st.text(alphabet=LETTERS, min_size=len(sites), max_size=len(sites)))
    whole = scaffold.full(design)
    assert scaffold.design(whole) == design
    assert scaffold.design(":".join(s for _, s in scaffold.split(whole)).lower()) == design
    assert scaffold.full(scaffold.wild_type) == parent.sequence
    differ = [f"{a}{i + 1}{b}" for i, (a, b) in enumerate(zip(parent.sequence, whole, strict=True)) if a != b]
    assert scaffold.mutations(design) == differ


def test_a_scaffold_refuses_other_proteins_and_names_mutations() -> None:
    scaffold = Scaffold(GB1, ("39", "40", "41", "54"), FOUR, PARENT.chains)
    assert scaffold.mutations("AWGV") == ["V39A", "D40W"]
    with pytest.raises(InvalidDesign, match="56 residues, got 55"):
        scaffold.design(GB1[1:])
    with pytest.raises(InvalidDesign, match="Expected M at residue 1.*got 'A'"):
        scaffold.design("A" + GB1[1:])
    chained = Scaffold(TWO.sequence, ("A3", "B2"), (2, 11), TWO.chains)
    assert chained.mutations("AV") == ["A:Q3A", "B:I2V"]
    unknown = Scaffold("MXK", ("2",), (1,), (Chain("A", 0, 3),))
    assert (unknown.wild_type, unknown.mutations("A"), unknown.full("A")) == ("", [], "MAK")
