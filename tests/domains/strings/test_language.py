"""Patterns, lengths and forbidden words: against Python's own regular expressions, and by counting."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.strings.language import language, size_in_words
from domains.strings.regular import compiled, without
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import Vocabulary

LETTERS = "AB"
WORDS = ["".join(w) for n in range(7) for w in product(LETTERS, repeat=n)]


def matched(pattern: str) -> set[str]:
    automaton = compiled(pattern, LETTERS, "pattern")
    out = set()
    for word in WORDS:
        state = 0
        for letter in word:
            state = int(automaton.step[state, LETTERS.index(letter)])
        if automaton.accept[state]:
            out.add(word)
    return out


PATTERNS = (
    "",
    "A",
    ".",
    "A*",
    "A+B?",
    "(AB)*",
    "A|B",
    "A|",
    "(A|BB)+",
    "A{2}",
    "A{1,3}B",
    "A{2,}",
    "[A]B",
    "[^A]*",
    "(A*B*)*",
    "((A|B)(A|B))*",
    "A{0}B",
    ".*ABA.*",
    "(|A)B",
    "((A?){3}B){2}",
    "(A+)+B",
    "(.*.*)*",
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_what_it_means_to_python(pattern: str) -> None:
    assert matched(pattern) == {w for w in WORDS if re.fullmatch(pattern, w)}


def joined() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["A", "B", ".", "[AB]", "[^A]"])
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda p: f"({p[0]}|{p[1]})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{1,}"])).map(lambda p: f"({p[0]}){p[1]}"),
        ),
        max_leaves=6,
    )


@settings(max_examples=60, deadline=None)
@given(joined())
def test_any_pattern_means_what_it_means_to_python(pattern: str) -> None:
    assert matched(pattern) == {w for w in WORDS if re.fullmatch(pattern, w)}


@given(st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=5))
def test_forbidden_words_are_nowhere(words: list[str]) -> None:
    automaton = without(words, LETTERS)
    for word in WORDS:
        state = 0
        for letter in word:
            state = int(automaton.step[state, LETTERS.index(letter)])
        assert bool(automaton.accept[state]) == (not any(w in word for w in words)), word


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("(A", "its end"),
        ("A)", "place 2"),
        ("*A", "place 1"),
        ("[", "its end"),
        ("[^AB]", "its end"),
        ("A{", "its end"),
        ("A{2", "its end"),
        ("A{3,2}", "its end"),
        ("A{999}", "place 3"),
        ("C", "place 1"),
        ("A**", "place 3"),
        ("(" * 30 + ")" * 30, "place 22"),
        ("A\\d", "place 2"),
        ("A{\u0662}", "place 3"),
    ],
)
def test_a_malformed_pattern_is_refused_where_it_is(pattern: str, place: str) -> None:
    with pytest.raises(InvalidSpec, match=place) as caught:
        compiled(pattern, LETTERS, "problem.params.pattern")
    assert caught.value.field == "problem.params.pattern"


@pytest.mark.parametrize("pattern", [".*A.{20}", "(A{500}){9}", "((((A{9}){9}){9}){9}){9}"])
def test_a_pattern_that_explodes_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidSpec, match="states"):
        compiled(pattern, LETTERS, "p")


def made(**changes: object):
    form = {
        "alphabet": "own",
        "letters": LETTERS,
        "shortest": 2,
        "longest": 5,
        "pattern": "A.*",
        "forbidden": "BB",
        "longest_run": 3,
    }
    return language(**form | changes)


def fits(word: str) -> bool:
    return 2 <= len(word) <= 5 and word[:1] == "A" and "BB" not in word and "AAAA" not in word


def test_the_language_is_what_its_form_says() -> None:
    found = made()
    assert {w for w in WORDS if not found.why_not(w)} == {w for w in WORDS if fits(w)}
    assert size_in_words(found) == str(sum(map(fits, WORDS)))
    assert set(found.sample(400, rng=rng_for(0, "t"))) == {w for w in WORDS if fits(w)}


def test_words_of_one_length_are_drawn_uniformly() -> None:
    found = made(shortest=5)
    words = [w for w in WORDS if fits(w) and len(w) == 5]
    drawn = found.sample(4000, rng=rng_for(0, "t"))
    expected = 4000 / len(words)
    assert sum((drawn.count(w) - expected) ** 2 / expected for w in words) < len(words) + 6 * np.sqrt(2 * len(words))


def test_the_mask_writes_exactly_the_language() -> None:
    found = made()
    vocabulary = Vocabulary(("", "", "", "B", "A", "x"), 2)
    mask = found.mask(vocabulary)
    assert mask is not None
    assert found.mask(Vocabulary(("", "", "", "A"), 2)) is None
    ended, front = set(), [(mask.start(1), "")]
    while front:
        state, text = front.pop()
        allowed = mask.allowed(state)[0]
        assert allowed.any()
        for token in np.flatnonzero(allowed):
            if token == 2:
                ended.add(text)
            else:
                front.append((mask.advance(state, np.array([token])), text + vocabulary.tokens[token]))
        for token in np.flatnonzero(~allowed):
            assert not mask.allowed(mask.advance(state, np.array([token]))).any()
    assert ended == {w for w in WORDS if fits(w)}


def test_long_designs_of_many_letters_are_drawn() -> None:
    """Counts beyond the largest float."""
    found = language("protein", "", 400, 400, "", "", 3)
    (text,) = found.sample(1, rng=rng_for(0, "t"))
    assert len(text) == 400
    assert size_in_words(found).startswith("about 10^5")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"alphabet": "dna"}, "letters", "two alphabets"),
        ({"letters": "A"}, "letters", "two or more"),
        ({"letters": "AA"}, "letters", "two or more"),
        ({"letters": "A*"}, "letters", r"\*"),
        ({"letters": "A "}, "letters", "two or more"),
        ({"letters": "Aß"}, "letters", "ß"),
        ({"shortest": 6}, "max_length", "at least 6"),
        ({"forbidden": "C"}, "forbidden", "'C'"),
        ({"forbidden": "A"}, "pattern", "none that does"),
        ({"pattern": "B", "shortest": 2}, "pattern", "none that does"),
    ],
)
def test_a_form_that_cannot_be_is_refused(changes: dict[str, object], field: str, said: str) -> None:
    with pytest.raises(InvalidSpec, match=said) as caught:
        made(**changes)
    assert caught.value.field == f"problem.params.{field}"
