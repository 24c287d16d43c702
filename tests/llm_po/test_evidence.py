"""Evidence against its definition and by enumeration; the state kept up to date; what is decided and when."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.integrate import quad

from poets_core.llm_po.evidence import (
    NONE,
    OPEN,
    WINNER,
    confidence_set,
    decide,
    duels_of,
    log_evidence,
    new_duels,
    tied,
    won,
)


@given(some.integers(0, 40), some.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_evidence_is_a_mixture_over_the_largest_likelihood(w, lost):
    def likelihood(p):
        return p**w * (1 - p) ** lost

    mixture = quad(lambda t: likelihood(np.sin(t) ** 2) * 2 / np.pi, 0, np.pi / 2, epsabs=0, epsrel=1e-10)[0]
    largest = likelihood(max(0.5, w / (w + lost))) if w + lost else 1.0
    assert float(log_evidence(w, lost)) == pytest.approx(np.log(mixture / largest), abs=1e-6)


@pytest.mark.parametrize("p", [0.5, 0.6, 0.9])
def test_evidence_ever_exceeds_its_level_no_more_often_than_it_may(p):
    """Every path of 60 comparisons, by dynamic programming over wins: Ville's inequality exactly."""
    delta, alive, crossed = 0.1, {0: 1.0}, 0.0
    for n in range(1, 61):
        after: dict[int, float] = {}
        for w, mass in alive.items():
            for more, q in ((1, p), (0, 1 - p)):
                after[w + more] = after.get(w + more, 0.0) + mass * q
        crossed += sum(m for w, m in after.items() if float(log_evidence(w, n - w)) >= np.log(1 / delta))
        alive = {w: m for w, m in after.items() if float(log_evidence(w, n - w)) < np.log(1 / delta)}
        expected = sum(
            comb(n, w) * p**w * (1 - p) ** (n - w) * np.exp(float(log_evidence(w, n - w))) for w in range(n + 1)
        )
        assert expected <= 1 + 1e-9
    assert crossed <= delta
    if p == 0.5:
        assert crossed > 0.02  # it is not so cautious as to say nothing


def test_scores_are_the_product_over_opponents():
    wins = np.array([[0, 30, 25], [5, 0, 12], [7, 3, 0]])
    e = np.exp(log_evidence(wins, wins.T))
    expected = [np.log(np.prod([0.5 + 0.5 * e[j, k] for k in range(3) if k != j])) for j in range(3)]
    np.testing.assert_allclose(duels_of(wins).score, expected)
    two = np.array([[0, 30], [5, 0]])
    assert duels_of(two).score[1] == pytest.approx(float(log_evidence(5, 30)))
    assert np.isfinite(duels_of(np.array([[0, 100_000], [0, 0]])).score).all()


def test_what_is_decided_and_when():
    none = duels_of(np.zeros((3, 3), dtype=np.int64))
    assert confidence_set(none, 0.1) == [0, 1, 2]
    assert decide(none, 0.1, False) == (OPEN, -1)
    clear = duels_of(np.array([[0, 60, 60], [2, 0, 30], [2, 30, 0]]))
    assert decide(clear, 0.1, True) == (WINNER, 0)
    assert decide(clear, 0.1, False) == (WINNER, 0)
    circle = duels_of(np.array([[0, 60, 2], [2, 0, 60], [60, 2, 0]]))
    assert decide(circle, 0.1, False) == (NONE, -1)
    assert decide(circle, 0.1, True) == (OPEN, -1)


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3), some.booleans()), max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_state_kept_up_to_date_is_the_state_of_the_counts(steps):
    duels = new_duels(4, 0.45)
    for i, j, tie in steps:
        if i != j:
            (tied if tie else won)(duels, i, j, 1)
    again = duels_of(duels.wins, duels.judged - duels.wins - duels.wins.T, tie_zone=0.05)
    for ours, fresh in zip(duels, again, strict=True):
        np.testing.assert_array_equal(ours, fresh)
    for i, j, tie in steps:
        if i != j:
            (tied if tie else won)(duels, i, j, -1)
    assert not duels.score.any()  # everything taken back: exactly the beginning
    assert not duels.judged.any()
