"""The top k: what stops, what is never named wrongly more often than delta, and which pair is asked."""

from __future__ import annotations

from itertools import permutations
from math import log

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.evidence import NONE, OPEN, duels_of
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.top import TOP, decide_top, may_be_in_top, top_threshold


def test_two_clear_leaders_are_the_top_two_though_they_are_even():
    wins = np.zeros((4, 4), dtype=np.int64)
    wins[:2, 2:] = 60
    assert decide_top(duels_of(wins), 0.1, 2) == (TOP, [0, 1])
    assert may_be_in_top(duels_of(wins), 0.1, 2) == [0, 1]
    # The same evidence names no single best, and no top three.
    assert decide_top(duels_of(wins), 0.1, 1)[0] == OPEN
    assert decide_top(duels_of(wins), 0.1, 3)[0] == OPEN


def test_in_a_cycle_each_is_beaten_by_one_so_that_no_one_is_first():
    wins = np.array([[0, 90, 0], [0, 0, 90], [90, 0, 0]])
    assert decide_top(duels_of(wins), 0.1, 1) == (NONE, [])
    assert decide_top(duels_of(wins), 0.1, 2)[0] == TOP  # two of which each is beaten by one only


def test_one_duel_short_of_the_threshold_decides_nothing():
    for n in range(1, 60):
        wins = np.zeros((3, 3), dtype=np.int64)
        wins[:2, 2] = n
        shown = duels_of(wins).shown[0, 2]
        assert (decide_top(duels_of(wins), 0.1, 2)[0] == TOP) == (shown >= log(3 * 2 / 0.1))
    assert top_threshold(3, 0.1) == pytest.approx(log(60))


def play(p, k, seed, *, delta=0.2, budget=600, **more):
    """An experiment on these win probabilities, to its verdict."""
    names = [f"p{i}" for i in range(len(p))]
    found = Experiment(names, delta, top=k, budget=budget, seed=seed, **more)
    rng, at = rng_for(seed, "judge"), {n: i for i, n in enumerate(names)}
    while (verdict := found.verdict()) is None:
        pair = found.next_pair()
        first = rng.random() < p[at[pair.first], at[pair.second]]
        found.record(Comparison(pair.first, pair.second, "first" if first else "second"))
    return verdict


def test_a_wrong_set_is_named_no_more_often_than_delta():
    """The second and the third are as good as even, so that wrong sets are near."""
    s = np.array([2.2, 0.05, 0.0, -2.2])
    p = expit(np.subtract.outer(s, s))
    verdicts = [play(p, 2, seed, budget=100) for seed in range(25)]
    wrong = sum(v.kind == "none" or (v.kind == "top" and v.left != ("p0", "p1")) for v in verdicts)
    assert binomtest(wrong, 25, 0.2, alternative="greater").pvalue > 1e-3
    assert all("p0" in v.left for v in verdicts)


def test_asking_across_the_edge_takes_fewer_comparisons_than_asking_all_in_turn():
    s = np.array([2.0, 1.5, 1.1, -1.1, -1.8, -2.5])
    p = expit(np.subtract.outer(s, s))
    ours = [play(p, 3, seed, budget=3000) for seed in range(3)]
    turns = [play(p, 3, seed, budget=3000, duel_rule="round-robin") for seed in range(3)]
    assert {v.left for v in ours + turns} == {("p0", "p1", "p2")}
    assert 1.2 * sum(v.comparisons for v in ours) < sum(v.comparisons for v in turns)


@pytest.mark.parametrize("more", [{"top": 0}, {"top": 3}, {"top": 2, "assume_condorcet": True}])
def test_a_top_that_cannot_be_decided_is_refused(more):
    with pytest.raises(InvalidComparisons, match="Expected the top 1 to 2 of 3"):
        Experiment(["a", "b", "c"], 0.1, **more)


def test_the_names_of_policies_decide_nothing():
    wins = np.zeros((3, 3), dtype=np.int64)
    wins[0, 2], wins[1, 2], wins[0, 1] = 60, 60, 5
    for order in permutations(range(3)):
        turned = wins[np.ix_(order, order)]
        assert {order[i] for i in decide_top(duels_of(turned), 0.1, 2)[1]} == {0, 1}
