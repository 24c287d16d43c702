"""Optimal proportions: closed forms against linear programs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.allocation import bernoulli_kl, condorcet_winner, optimal_proportions


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
