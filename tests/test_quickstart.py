"""The quickstart as it stands in examples/, and what its search refuses."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.sequences import FixedLength, SequenceSearch, Words
from poets_core.types import Record, Vocabulary

QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart.py"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
SMALL = {"branches": 2, "steps": 2, "pool": 2}


def test_the_quickstart_beats_random_words(capsys):
    ran = runpy.run_path(str(QUICKSTART))
    word, value = capsys.readouterr().out.split()
    assert (word, float(value)) == ran["search"].best
    assert ran["score"](word) == float(value)
    random = []
    for seed in range(20):
        words = np.random.default_rng(seed).choice(list(LETTERS), (12 * 16, 8))
        random.append(max(ran["score"]("".join(w)) for w in words))
    assert float(value) > max(random)


def test_a_minimised_search_keeps_the_smallest_and_unmeasured_words_cost_nothing():
    search = SequenceSearch("ACGT", 6, direction="minimise", settings=SMALL)
    seen = []
    for _ in range(3):
        candidates = search.ask(8)
        values = [None if c.design[0] == "A" else float(c.design.count("G")) for c in candidates]
        seen += [(v, c.design) for v, c in zip(values, candidates, strict=True) if v is not None]
        search.tell(values)
    assert search.best is not None
    assert search.best[1] == min(v for v, _ in seen)
    assert len({d for _, d in seen}) == len(seen)  # no word twice


def test_values_belong_to_what_was_asked():
    search = SequenceSearch("AC", 3, settings=SMALL)
    with pytest.raises(InvalidInput, match="Expected 0 values"):
        search.tell([])
    search.ask(4)
    with pytest.raises(InvalidInput, match="Expected 4 values"):
        search.tell([1.0])
    with pytest.raises(InvalidInput, match="by tell"):
        search.ask(4)
    search.tell([1.0, math.nan, 2.0, None])
    assert len(search.ask(8)) == 4  # all that is left of eight words
    assert search.best[1] == 2.0


@pytest.mark.parametrize(("alphabet", "length"), [("A", 3), ("AA", 3), ("A C", 3), ("AC", 0)])
def test_a_space_needs_letters_and_a_length(alphabet, length):
    with pytest.raises(InvalidInput, match="Expected"):
        SequenceSearch(alphabet, length)


def test_words_are_a_problem():
    words, rng = Words("ACGT", 4), np.random.default_rng(0)
    texts = words.library(200, rng=rng)
    assert {len(t) for t in texts} == {4}
    assert all(words.decode(words.encode(t)) == t for t in texts)
    elites = ["AAAA", "GGGG"]
    edited = words.edit(elites, 400, rng=rng)
    assert all(words.decode(e) for e in edited)
    single = [e for e in edited if min(sum(a != b for a, b in zip(e, x, strict=True)) for x in elites) <= 1]
    assert 0.7 < len(single) / len(edited) < 1.0  # the rest are crossovers
    for text in ("AAA", "AAAB"):
        with pytest.raises(InvalidDesign, match="Expected 4 letters"):
            words.decode(text)
    records = [Record("0-1", "ACGT", 0.1), Record("0-2", "AAAA", -2.0)]
    assert words.read_export(words.export(records, "csv"), "csv") == records


def test_the_grammar_is_letters_then_the_end():
    mask = Words("AC", 2).mask(Vocabulary(("", "", "", "A", "C", "G"), eos=2))
    assert isinstance(mask, FixedLength)
    state = mask.start(1)
    for token in (3, 4):
        assert np.flatnonzero(mask.allowed(state)[0]).tolist() == [3, 4]
        state = mask.advance(state, np.array([token]))
    assert np.flatnonzero(mask.allowed(state)[0]).tolist() == [2]
    ended = mask.advance(state, np.array([2]))
    assert not mask.allowed(ended).any()
    assert mask.advance(mask.start(1), np.array([5])).tolist() == [-1]
