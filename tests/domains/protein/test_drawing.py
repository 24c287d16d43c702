"""Sequences as drawings: whole, numbered, with their mutations, and never as markup."""

from __future__ import annotations

import pytest

from domains.palette import ON_WHITE
from domains.protein.alphabet import LETTERS
from domains.protein.drawing import draw, legend_svg, residue_class, sequence_svg
from domains.protein.naming import named
from tests.domains.svg import DARK, HARMLESS, HOSTILE, tags, texts


def test_a_sequence_is_drawn_whole_and_numbered() -> None:
    design = LETTERS * 4
    letters = [t for t in texts(sequence_svg(design, ON_WHITE)) if t.isalpha()]
    assert "".join(letters) == design
    assert "71" in texts(sequence_svg(design, DARK))


def test_mutations_are_framed_and_named_by_the_position_in_the_parent() -> None:
    facts = {"wild_type": "VDGV", "positions": [39, 40, 41, 54]}
    drawing = draw("VWGA", facts=facts, details={}, colours=ON_WHITE, narrow=False)
    assert drawing is not None
    assert drawing.note == "Against the wild type VDGV: D40W V54A"
    assert drawing.svg.count("<path") == 2
    assert "wild type D" in drawing.svg
    same = draw("VDGV", facts=facts, details={}, colours=ON_WHITE, narrow=False)
    assert same is not None
    assert same.note.endswith("no mutation")
    other = draw("VDG", facts=facts, details={}, colours=ON_WHITE, narrow=False)
    assert other is not None
    assert other.note == ""


def test_a_sequence_is_named_by_its_mutations() -> None:
    facts = {"wild_type": "VDGV", "positions": [39, 40, 41, 54]}
    said = named("AWGV", facts=facts, details={})
    assert (said.name, said.figures, said.parts) == ("V39A D40W", {"mutations": 2}, ("A", "W", "G", "V"))
    assert named("VDGV", facts=facts, details={}).name == "wild type"
    assert named("A" * 9, facts={"wild_type": "C" * 9}, details={}).name == "9 mutations"
    for other in (named("VDG", facts=facts, details={}), named("VDGV", facts={}, details={})):
        assert (other.name, other.figures) == ("", {})


def test_a_narrow_drawing_has_shorter_rows() -> None:
    wide, narrow = (draw("A" * 30, facts={}, details={}, colours=ON_WHITE, narrow=narrow) for narrow in (False, True))
    assert wide is not None
    assert narrow is not None
    assert (wide.svg.count('y="18"'), narrow.svg.count('y="18"')) == (30, 15)
    assert (wide.key.count('y="13"'), narrow.key.count('y="13"')) == (7, 3)


def test_every_residue_has_a_class_and_unknown_letters_say_so() -> None:
    assert all(residue_class(a)[0] != "not a residue" for a in LETTERS)
    assert residue_class("X")[0] == "not a residue"
    assert len(texts(legend_svg(ON_WHITE))) == 7


@pytest.mark.parametrize("text", HOSTILE)
def test_generated_text_cannot_become_markup(text: str) -> None:
    assert tags(sequence_svg(text, ON_WHITE)) <= HARMLESS
    assert draw(text, facts={}, details={}, colours=ON_WHITE, narrow=False) is None


def test_chains_stand_apart_in_a_whole_sequence() -> None:
    facts = {
        "wild_type": "VG", "sites": ["A3", "B1"], "parent": "MKVGS", "site_index": [2, 3],
        "chains": [["A", 0, 3], ["B", 3, 2]],
    }  # fmt: skip
    assert named("AG", facts=facts, details={}).texts["sequence"] == "MKA:GS"
    one = facts | {"chains": [["A", 0, 5]]}
    assert named("AG", facts=one, details={}).texts["sequence"] == "MKAGS"
    assert named("AG", facts=facts | {"chains": [["A", 0, 3], ["B", 4, 9]]}, details={}).texts["sequence"] == "MKAGS"
