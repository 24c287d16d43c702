"""The compiled core of the Bradley-Terry model against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from poets_core.llm_po.bradley_terry import constrained_fit, divergence_to


@pytest.mark.parametrize("seed", range(6))
def test_the_constrained_fit_is_scipys(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, 3))
    first, second = np.triu_indices(5, 1)
    d, n, p = x[first] - x[second], rng.integers(0, 30, 10).astype(float), rng.uniform(size=10)
    c = x[0] - x[1] if seed % 2 else np.zeros(3)
    at = np.zeros(3)
    cost = constrained_fit(n, p, d, c, at, 1e-9)
    told = minimize(
        lambda v: (n * (np.logaddexp(0, d @ v) - p * (d @ v))).sum(), np.zeros(3), method="SLSQP",
        constraints=[{"type": "eq", "fun": lambda v: c @ v}] if c.any() else [],
        options={"maxiter": 500, "ftol": 1e-14},
    )  # fmt: skip
    assert cost == pytest.approx(told.fun, rel=1e-6)
    np.testing.assert_allclose(at, told.x, atol=2e-3)
    out = np.empty(10)
    divergence_to(p, d, at, out)
    q = expit(d @ at)
    np.testing.assert_allclose(out, p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)), atol=1e-9)
