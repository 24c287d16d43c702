"""The structured program against a grid, another solver's inner problem, and the closed forms it must not exceed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.llm_po_cells import linear_instance
from poets_core.errors import InvalidComparisons
from poets_core.llm_po.allocation import bernoulli_kl, optimal_proportions
from poets_core.llm_po.bradley_terry import bradley_terry_features
from poets_core.llm_po.cutting_planes import structured_proportions


def least(theta, x, w):
    """min_j F_j(w) by SLSQP with the constraint as it stands; w f8 (pairs,)."""
    first, second = np.triu_indices(len(x), 1)
    d = x[first] - x[second]
    p, best = expit(d @ theta), int(np.argmax(x @ theta))
    values = []
    for j in range(len(x)):
        if j != best:
            c = x[best] - x[j]
            found = minimize(
                lambda v: (w * (np.logaddexp(0, d @ v) - p * (d @ v))).sum(),
                theta - c * (c @ theta) / (c @ c),
                jac=lambda v: d.T @ (w * (expit(d @ v) - p)),
                constraints={"type": "eq", "fun": lambda v, c=c: c @ v, "jac": lambda v, c=c: c},
                method="SLSQP",
                options={"maxiter": 500, "ftol": 1e-15},
            )
            values.append((w * bernoulli_kl(p, expit(d @ found.x))).sum())
    return min(values)


def test_three_policies_against_a_grid():
    theta = np.array([0.9, 0.2])
    x = bradley_terry_features(3)
    found = structured_proportions(theta, x)
    steps = np.arange(0, 41) / 40
    grid = [(a, b, 1 - a - b) for a, b in itertools.product(steps, steps) if a + b <= 1]
    best = max(least(theta, x, np.array(w)) for w in grid)
    assert best <= 1 / found.t_star * (1 + 1e-6)
    assert best >= 1 / found.t_star * 0.99  # as near as the grid is fine
    assert found.gap <= 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_the_certificate_is_true(seed):
    rng = np.random.default_rng(seed)
    k = 4 + seed % 3
    x = bradley_terry_features(k) if seed % 2 else rng.normal(size=(k, 3))
    theta = rng.normal(size=x.shape[1])
    found = structured_proportions(theta, x)
    w = found.weights[np.triu_indices(k, 1)]
    assert found.gap <= 1e-4
    assert w.sum() == pytest.approx(1.0)
    assert least(theta, x, w) == pytest.approx(1 / found.t_star, rel=1e-4)
    for _ in range(20):  # no other proportions do better than the bound allows
        other = rng.dirichlet(np.ones(len(w)))
        assert least(theta, x, other) <= 1 / found.t_star * (1 + 1e-4)
    scores = x @ theta
    p = expit(scores[:, None] - scores[None])
    assert found.t_star <= optimal_proportions(p).t_star * (1 + 1e-6)  # knowing more never costs more
    assert found.best == int(scores.argmax())


@pytest.mark.parametrize(
    ("theta", "x", "says"),
    [
        (np.ones(2), np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]), "rank 1"),
        (np.ones(2), np.array([[1.0, np.nan], [2.0, 0.0], [0.0, 1.0]]), "NaN"),
        (np.ones(3), np.eye(3)[:, :2], "shape"),
        (np.array([1.0, 1.0]), bradley_terry_features(3), "tied"),
    ],
)
def test_what_identifies_nothing_is_refused(theta, x, says):
    with pytest.raises(InvalidComparisons, match=says):
        structured_proportions(theta, x)


def test_regularised_proportions_are_unique_and_cost_next_to_nothing():
    theta, x = linear_instance(5, 2, 0)
    plain, ridge = (structured_proportions(theta, x, regularisation=r) for r in (0.0, 0.01))
    assert ridge.t_star == pytest.approx(plain.t_star, rel=1e-4)
    assert ridge.gap <= 1e-6
    again = structured_proportions(theta, x[::-1].copy(), regularisation=0.01)
    mirrored = again.weights[::-1, ::-1].T
    np.testing.assert_allclose(mirrored, ridge.weights, atol=2e-3)
