"""Closed forms against linear programs; evidence against its definition and by enumeration."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.integrate import quad
from scipy.optimize import linprog

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.allocation import bernoulli_kl, condorcet_winner, optimal_proportions
from poets_core.llm_po.duels import NONE, OPEN, WINNER, decide
from poets_core.llm_po.stopping import confidence_set, duels_of, log_evidence


def instance(k: int, seed: int, *, winner: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = np.full((k, k), 0.5)
    for i, j in itertools.combinations(range(k), 2):
        p[i, j] = rng.uniform(0.05, 0.95)
        p[j, i] = 1 - p[i, j]
    best = int(rng.integers(k))
    for j in set(range(k)) - {best}:
        if winner:
            p[best, j] = rng.uniform(0.55, 0.95)
            p[j, best] = 1 - p[best, j]
    if not winner:  # a cycle through everyone
        for i in range(k):
            p[i, (i + 1) % k] = rng.uniform(0.55, 0.95)
            p[(i + 1) % k, i] = 1 - p[i, (i + 1) % k]
    return p


def program(p: np.ndarray, *, assume: bool) -> float:
    """max over w of the least cost of an alternative, as a linear program over ordered pairs; returns 1 / value."""
    k, d, best = len(p), bernoulli_kl(p, 0.5), condorcet_winner(p)
    pairs = list(itertools.combinations(range(k), 2))
    rows = []
    for j in range(k):
        if j == best:
            continue
        cost = np.zeros(len(pairs))
        for e, (a, b) in enumerate(pairs):
            other = b if a == j else a if b == j else None
            counts = other is not None and p[other, j] > 0.5 and (assume or best is None or other == best)
            cost[e] = d[a, b] if counts else 0.0
        rows.append(np.append(-cost, 1.0))
    found = linprog(
        np.append(np.zeros(len(pairs)), -1.0),
        A_ub=np.array(rows),
        b_ub=np.zeros(len(rows)),
        A_eq=np.append(np.ones(len(pairs)), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * len(pairs) + [(None, None)],
    )
    return 1.0 / -found.fun


@pytest.mark.parametrize("seed", range(60))
def test_proportions_solve_the_program(seed):
    k = 3 + seed % 5
    for winner, assume in ((True, True), (True, False), (False, True)):
        p = instance(k, seed, winner=winner)
        found = optimal_proportions(p, assume_condorcet=assume)
        assert (found.best is not None) == winner
        assert found.t_star == pytest.approx(program(p, assume=assume), rel=1e-5)
        assert found.weights.sum() == pytest.approx(1.0)
        d = bernoulli_kl(p, 0.5)
        worth = (found.weights * d).sum(0)[[j for j in range(k) if j != found.best]]
        assert worth == pytest.approx(np.full(len(worth), 1 / found.t_star), rel=1e-9)  # every alternative costs alike


def test_readings_agree_under_bradley_terry_and_only_there():
    theta = np.array([0.7, 0.0, -0.4, -1.0])
    p = 1 / (1 + np.exp(theta[None] - theta[:, None]))
    assert optimal_proportions(p).t_star == pytest.approx(optimal_proportions(p, assume_condorcet=False).t_star)
    cyclic = instance(4, 3, winner=True)
    assert optimal_proportions(cyclic).t_star <= optimal_proportions(cyclic, assume_condorcet=False).t_star + 1e-12


def test_the_toughest_opponent_gets_the_effort():
    p = np.array([[0.5, 0.6, 0.6], [0.4, 0.5, 0.9], [0.4, 0.1, 0.5]])
    found = optimal_proportions(p)
    costs = 1 / bernoulli_kl(np.array([0.6, 0.9]), 0.5)
    expected = np.zeros((3, 3))
    expected[0, 1], expected[1, 2] = costs / costs.sum()
    np.testing.assert_allclose(found.weights, expected)
    assert (found.best, found.t_star) == (0, pytest.approx(costs.sum()))


@pytest.mark.parametrize(
    ("p", "says"),
    [
        (np.full((3, 3), 0.5), "tied at 1/2"),
        (np.array([[0.5, 0.7], [0.7, 0.5]]), "p\\[i, j\\]"),
        (np.array([[0.5, np.nan], [0.3, 0.5]]), "NaN"),
        (np.array([[0.5, 1.2], [-0.2, 0.5]]), "between 0 and 1"),
        (np.array([[0.5]]), "two policies"),
        (np.zeros((2, 3)), "square"),
    ],
)
def test_matrices_that_are_none_are_refused(p, says):
    with pytest.raises(InvalidComparisons, match=says):
        optimal_proportions(p)


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
