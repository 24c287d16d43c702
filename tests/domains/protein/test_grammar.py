"""Decoding, masks and edits agree on one language, whatever the vocabulary."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.protein.alphabet import LETTERS, mutations, parse
from domains.protein.edits import edit
from domains.protein.mask import residue_mask
from poets_core.errors import InvalidDesign
from poets_core.keyed import rng_for
from poets_core.types import Vocabulary
from tests.contracts.problem_contract import accepts

sequences = st.text(alphabet=LETTERS, min_size=1, max_size=12)
lengths = st.tuples(st.integers(1, 6), st.integers(0, 6)).map(lambda p: (p[0], p[0] + p[1]))
pieces = st.lists(
    st.text(alphabet=LETTERS + "xB*\n ", max_size=3), min_size=0, max_size=8, unique=True
).map(lambda more: Vocabulary(("", "", "", *more), 2))  # fmt: skip
CHARACTERS = Vocabulary(("", "", "", *LETTERS), 2)


@given(st.text(max_size=20), lengths)
def test_decode_is_idempotent_or_refuses_with_words(text: str, limits: tuple[int, int]) -> None:
    try:
        design = parse(text, *limits)
    except InvalidDesign as refusal:
        words = str(refusal)
    else:
        assert parse(design, *limits) == design
        assert set(design) <= set(LETTERS)
        assert limits[0] <= len(design) <= limits[1]
        return
    assert words.startswith("Expected")
    assert "got" in words


@given(sequences, st.data())
def test_white_space_and_case_do_not_matter(design: str, data: st.DataObject) -> None:
    spaced = "".join(a + data.draw(st.sampled_from(["", " ", "\n", "\t"])) for a in design)
    assert parse(spaced.lower(), 1, 12) == design


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MKB", r"got 'B' at position 3 of 'MKB'"),
        ("M*K", r"a stop codon\) at position 2"),
        ("M-K", r"a gap\) at position 2"),
        (" ", r"empty"),
        ("M" * 9, r"2 to 8 residues, got 9"),
        ("M", r"2 to 8 residues, got 1"),
        ("MK\u00b5", r"at position 3"),
        ("MK\u0131", r"at position 3"),  # a dotless i, whose upper case is I
        ("MK\u00df", r"at position 3"),  # a sharp s, whose upper case is SS
    ],
)
def test_refusals_name_letter_and_position(text: str, message: str) -> None:
    with pytest.raises(InvalidDesign, match=message):
        parse(text, 2, 8)


@given(pieces, lengths, st.data())
def test_mask_accepts_exactly_what_decodes(
    vocabulary: Vocabulary, limits: tuple[int, int], data: st.DataObject
) -> None:
    """Every token string over the vocabulary: accepted if and only if its text is a design, letter for letter."""
    mask = residue_mask(vocabulary, *limits)
    tokens = data.draw(st.lists(st.integers(3, len(vocabulary.tokens) - 1), max_size=8)) if len(
        vocabulary.tokens
    ) > 3 else []  # fmt: skip
    text = "".join(vocabulary.tokens[t] for t in tokens)
    try:
        # white space and lower case decode, but a backbone has no business writing them
        wanted = parse(text, *limits) == text and all(vocabulary.tokens[t] for t in tokens)
    except InvalidDesign:
        wanted = False
    if mask is None:
        assert not wanted
    else:
        assert accepts(mask, [*tokens, vocabulary.eos]) == wanted
        assert not wanted or len(tokens) + 1 <= mask.max_tokens


@given(pieces, lengths)
def test_mask_has_no_dead_ends(vocabulary: Vocabulary, limits: tuple[int, int]) -> None:
    mask = residue_mask(vocabulary, *limits)
    if mask is None:
        sizes = {len(t) for t in vocabulary.tokens if t and set(t) <= set(LETTERS)}
        reachable = {0}
        for _ in range(limits[1]):
            reachable |= {r + s for r in reachable for s in sizes if r + s <= limits[1]}
        assert not reachable & set(range(limits[0], limits[1] + 1))
        return
    seen, front = set(), {0}
    while front:
        state = front.pop()
        seen.add(state)
        allowed = np.flatnonzero(mask.allowed(np.array([state]))[0])
        assert len(allowed)
        states = mask.advance(np.full(len(allowed), state), allowed)
        front |= {int(s) for s, t in zip(states, allowed, strict=True) if t != vocabulary.eos} - seen


def test_a_piece_after_which_the_length_cannot_be_reached_is_refused() -> None:
    mask = residue_mask(Vocabulary(("", "", "", "AC", "ACD"), 2), 4, 4)
    assert mask is not None
    assert np.flatnonzero(mask.allowed(mask.start(1))[0]).tolist() == [3]  # after ACD one residue would be left
    assert residue_mask(Vocabulary(("", "", "", "ACD"), 2), 4, 5) is None


def test_at_the_longest_only_the_end_is_left() -> None:
    mask = residue_mask(CHARACTERS, 2, 3)
    assert mask is not None
    state = mask.start(1)
    for expected in (20, 20, 21, 1):
        assert mask.allowed(state)[0].sum() == expected
        state = mask.advance(state, np.array([3]))


@given(st.lists(sequences, min_size=1, max_size=5), st.integers(0, 2**31 - 1))
def test_edits_stay_in_the_grammar(elites: list[str], seed: int) -> None:
    for child in edit(elites, 20, 1, 12, rng=rng_for(seed, "edit")):
        assert parse(child, 1, 12) == child


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**31 - 1), st.data())
def test_edits_of_a_fixed_length_keep_it(length: int, k: int, seed: int, data: st.DataObject) -> None:
    elites = [data.draw(st.text(alphabet=LETTERS, min_size=length, max_size=length)) for _ in range(k)]
    for child in edit(elites, 20, length, length, rng=rng_for(seed, "edit")):
        assert len(child) == length
        close = min(sum(a != b for a, b in zip(child, e, strict=True)) for e in elites)
        crossed = any(
            child == a[:at] + b[at:] for a, b in itertools.product(elites, repeat=2) for at in range(length + 1)
        )
        assert close == 1 or crossed


def test_every_kind_of_edit_is_made() -> None:
    children = edit(["MKVLA", "WWWWWWW"], 2000, 2, 10, rng=rng_for(0, "edit"))
    single = edit(["MKVLA"], 2000, 2, 10, rng=rng_for(1, "edit"))
    assert {len(c) for c in single} == {4, 5, 6}
    assert all(c != "MKVLA" or len(c) != 5 for c in single)
    assert any(c.startswith("MK") and c.endswith("WWW") for c in children)
    assert {c[2] for c in single if len(c) == 5 and c[:2] == "MK" and c[3:] == "LA"} >= set(LETTERS) - {"V"}


def test_no_elites_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one elite"):
        edit([], 1, 1, 3, rng=rng_for(0, "edit"))


def test_mutations_are_named_by_position() -> None:
    assert mutations("VWGV", "VDGV", (39, 40, 41, 54)) == ["D40W"]
    assert mutations("VDGV", "VDGV", (39, 40, 41, 54)) == []
