"""Amplitudes of blocks by evidence: the likelihood it climbs, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from poets_core.search.poets import block_evidence as module
from poets_core.search.poets.block_evidence import FLAT, ROUNDING, block_evidence
from poets_core.search.poets.posterior import AMPLITUDE, JITTER, NOISE

N = 120
PROMPT = np.zeros(N, dtype=np.int64)


def kernels_of(blocks=3, width=12, seed=0):
    """Kernels of random features, mean diagonal 1."""
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal((N, width)) / width**0.5 for _ in range(blocks)]
    return parts, [x @ x.T for x in parts]


def values(parts, weights, noise=0.1, seed=1):
    rng = np.random.default_rng(seed)
    y = sum(w * x @ rng.standard_normal(x.shape[1]) for w, x in zip(weights, parts, strict=True))
    y = y + noise * rng.standard_normal(N)
    return (y - y.mean()) / y.std()


def log_posterior(theta, kernels, y, prompt=PROMPT):
    """The same from SciPy's density of a normal distribution."""
    whole = FLAT * (prompt[:, None] == prompt) + (np.exp(theta[-1]) + JITTER) * np.eye(N)
    for log_a, k in zip(theta[:-1], kernels, strict=True):
        whole += np.exp(log_a) * (k + ROUNDING * np.trace(k) / N * np.eye(N))
    prior = sum(scipy.stats.norm.logpdf(x, AMPLITUDE[0] - np.log(len(kernels)), AMPLITUDE[1]) for x in theta[:-1])
    prior += scipy.stats.norm.logpdf(theta[-1], NOISE[0], NOISE[1])
    return scipy.stats.multivariate_normal(cov=whole).logpdf(y) + prior


def test_it_ends_where_nothing_nearby_is_more_likely():
    parts, kernels = kernels_of()
    y = values(parts, (1.0, 0.3, 0.0))
    found = block_evidence(kernels, y, PROMPT)
    found = block_evidence(kernels, y, PROMPT, found)  # from where it was, as in later rounds
    best, rng = log_posterior(found, kernels, y), np.random.default_rng(2)
    for _ in range(60):
        assert log_posterior(found + 0.3 * rng.standard_normal(4), kernels, y) < best + 0.02


def test_its_slope_is_that_of_the_likelihood(monkeypatch):
    parts, kernels = kernels_of()
    y, seen = values(parts, (1.0, 0.3, 0.0)), []

    def caught(cost, x, **_):
        seen.append(cost)
        return scipy.optimize.OptimizeResult(x=x, fun=0.0)

    monkeypatch.setattr(module.scipy.optimize, "minimize", caught)
    block_evidence(kernels, y, PROMPT)
    at = np.array([-0.5, -2.0, -3.0, -1.5])
    value, slope = seen[0](at)
    other = np.array([-1.0, -1.0, -2.0, -2.5])
    assert value - seen[0](other)[0] == pytest.approx(
        log_posterior(other, kernels, y) - log_posterior(at, kernels, y), abs=1e-6
    )
    wanted = scipy.optimize.approx_fprime(at, lambda t: -log_posterior(t, kernels, y), 1e-5)
    np.testing.assert_allclose(slope, wanted, rtol=1e-3, atol=1e-3)


def test_the_block_that_values_come_from_gets_the_amplitude():
    parts, kernels = kernels_of()
    for k in range(3):
        a = np.exp(block_evidence(kernels, values(parts, np.eye(3)[k]), PROMPT))
        assert a[k] > 5 * max(a[:3][np.arange(3) != k])
        assert a[3] < 0.1


def test_what_is_all_noise_is_called_noise():
    _, kernels = kernels_of()
    a = np.exp(block_evidence(kernels, values([np.zeros((N, 1))] * 3, (0.0, 0.0, 0.0)), PROMPT))
    assert a[3] > 0.6
    assert a[:3].max() < 0.3


def test_every_prompt_has_a_mean_of_its_own():
    parts, kernels = kernels_of()
    y, prompt = values(parts, (1.0, 0.0, 0.0)), np.arange(N) % 2
    apart = block_evidence(kernels, y + 3.0 * prompt, prompt)
    np.testing.assert_allclose(apart, block_evidence(kernels, y, prompt), atol=0.1)
    assert np.exp(block_evidence(kernels, y + 3.0 * prompt, PROMPT)[3]) > 5 * np.exp(apart[3])


def test_equal_designs_make_no_kernel_too_singular():
    parts, _ = kernels_of()
    same = [np.repeat(x[:4], N // 4, axis=0) for x in parts]
    y = np.repeat([0.0, 1.0, 2.0, 3.0], N // 4)
    assert np.isfinite(block_evidence([x @ x.T for x in same], (y - y.mean()) / y.std(), PROMPT)).all()
