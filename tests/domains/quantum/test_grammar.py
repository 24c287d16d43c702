"""The mask accepts exactly what the parser accepts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.quantum.circuit import GATES, LEVELS, Language, full_coupling, line_coupling, parse
from domains.quantum.grammar import GrammarMask, grammar_mask
from poets_core.errors import InvalidDesign
from poets_core.types import Vocabulary

WORDS = ("", "", "", *GATES, *map(str, range(10)), *(f"a{k}" for k in range(LEVELS)), "a*", "n6", "free")
VOCABULARY = Vocabulary(WORDS, eos=2)
TINY = {
    "fixed": Language(3, full_coupling(3), free=False, max_ops=3, max_two=1),
    "free": Language(3, line_coupling(3), free=True, max_ops=3, max_two=2),
    "alone": Language(2, frozenset(), free=True, max_ops=2, max_two=2),
}


def mask_of(language: Language) -> GrammarMask:
    mask = grammar_mask(language, VOCABULARY)
    assert mask is not None
    return mask


def accepted(mask: GrammarMask, words: tuple[str, ...]) -> bool:
    state = mask.start(1)
    for token in [*(WORDS.index(w) for w in words), VOCABULARY.eos]:
        if not mask.allowed(state)[0, token]:
            return False
        state = mask.advance(state, np.array([token]))
    return True


def parses(language: Language, words: tuple[str, ...]) -> bool:
    try:
        parse(" ".join(words), language)
    except InvalidDesign:
        return False
    return True


@pytest.mark.parametrize("name", TINY)
def test_mask_equals_parser_on_every_short_text(name: str) -> None:
    language, mask = TINY[name], mask_of(TINY[name])
    alphabet = ("h", "ry", "cx", "0", "1", "2", "a0", "a*", "n6")
    hits = 0
    for length in range(5):
        for words in product(alphabet, repeat=length):
            fine = accepted(mask, words)
            assert fine == parses(language, words), words
            hits += fine
    assert hits > 5


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(TINY)), st.lists(st.sampled_from(("x", "rz", "cz", "0", "1", "2", "a7", "a*")), max_size=12)
)
def test_mask_equals_parser_on_random_words(name: str, words: list[str]) -> None:
    assert accepted(mask_of(TINY[name]), tuple(words)) == parses(TINY[name], tuple(words))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(TINY)), st.integers(0, 2**32 - 1))
def test_every_walk_ends_in_a_circuit(name: str, seed: int) -> None:
    rng, mask = np.random.default_rng(seed), mask_of(TINY[name])
    state, words = mask.start(1), []
    for _ in range(mask.max_tokens):
        token = int(rng.choice(np.flatnonzero(mask.allowed(state)[0])))
        state = mask.advance(state, np.array([token]))
        if token == VOCABULARY.eos:
            break
        words.append(WORDS[token])
    else:
        raise AssertionError(f"no end within {mask.max_tokens} tokens: {words}")
    assert parses(TINY[name], tuple(words))
    # After the end only the end follows.
    assert np.flatnonzero(mask.allowed(state)[0]).tolist() == [VOCABULARY.eos]


def test_states_do_not_depend_on_the_order_of_visits() -> None:
    path = [WORDS.index(w) for w in ("cx", "0", "1", "h", "2")]
    one, two = mask_of(TINY["fixed"]), mask_of(TINY["fixed"])
    for token in range(len(WORDS)):
        two.advance(two.start(1), np.array([token]))
    a, b = one.start(1), two.start(1)
    for token in path:
        a, b = one.advance(a, np.array([token])), two.advance(b, np.array([token]))
        assert a == b


def test_when_budgets_are_spent_only_the_end_follows() -> None:
    mask = mask_of(TINY["fixed"])
    state = mask.start(1)
    for word in ("cx", "0", "1"):
        state = mask.advance(state, np.array([WORDS.index(word)]))
    follow = {WORDS[k] for k in np.flatnonzero(mask.allowed(state)[0])}
    assert not follow & {"cx", "cz"}
    assert {"h", "ry", ""} <= follow
    for word in ("h", "0", "h", "1"):
        state = mask.advance(state, np.array([WORDS.index(word)]))
    assert np.flatnonzero(mask.allowed(state)[0]).tolist() == [VOCABULARY.eos]


def test_a_vocabulary_without_the_words_has_no_mask() -> None:
    without = Vocabulary(tuple(w for w in WORDS if w != "cx"), eos=2)
    assert grammar_mask(TINY["fixed"], without) is None
    assert grammar_mask(TINY["fixed"], Vocabulary(tuple(w for w in WORDS if w != "a0"), eos=2)) is not None
