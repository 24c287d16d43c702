"""Bootstrap weights, reward scales and disagreement figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from poets_core.errors import InvalidSpec
from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.metrics import (
    coverage,
    effective_sample_size,
    ensemble_js,
    error_correlation,
    pairwise_js,
)
from poets_core.lm.likelihood import divergence
from poets_core.reward import WINSOR
from poets_core.search.reward import fit_scale

IDS = [f"{r}-{s}" for r in range(30) for s in range(32)]


@given(st.permutations(range(12)), st.integers(1, 12))
def test_weights_are_a_pure_function_of_seed_observation_and_branch(order, m):
    ids = IDS[:12]
    weights = bootstrap_weights(7, ids, 12)
    assert (bootstrap_weights(7, [ids[i] for i in order], 12) == weights[:, order]).all()
    assert (bootstrap_weights(7, ids, m) == weights[:m]).all()


def test_weights_are_poisson_and_independent_between_branches():
    w = bootstrap_weights(0, IDS, 8).astype(float)
    assert abs(w.mean() - 1) < 0.05
    assert abs(w.var() - 1) < 0.08
    assert np.abs(np.corrcoef(w) - np.eye(8)).max() < 0.12
    assert (bootstrap_weights(1, IDS, 8) != w).any()
    assert bootstrap_weights(0, [], 8).shape == (8, 0)


VALUES = hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e6, 1e6))


@given(VALUES, st.sampled_from(["auto", "z"]), st.sampled_from(["maximise", "minimise"]), st.data())
def test_rewards_are_finite_monotone_and_invalid_ones_lie_just_below_the_worst(values, transform, direction, data):
    valid = data.draw(hnp.arrays(np.bool_, len(values)))
    scale = fit_scale(values, valid, direction=direction, transform=transform)
    rewards = scale.rewards(np.where(valid, values, np.nan), valid)
    assert np.isfinite(rewards).all()
    assert rewards.min() >= -WINSOR - 0.2
    order = np.argsort(values[valid] * (1 if direction == "maximise" else -1))
    assert (np.diff(rewards[valid][order]) >= 0).all()
    if valid.any() and not valid.all():
        gap = rewards[valid].min() - rewards[~valid]
        assert ((gap > 0) & (gap < 0.2)).all()


def test_auto_takes_the_logarithm_of_skewed_non_negative_values_only():
    rng = np.random.default_rng(0)
    skewed, plain = rng.lognormal(0, 2, 500), rng.normal(10, 1, 500)
    every = np.ones(500, dtype=bool)
    assert fit_scale(skewed, every, direction="maximise", transform="auto").log
    assert not fit_scale(plain, every, direction="maximise", transform="auto").log
    assert not fit_scale(skewed - 5, every, direction="maximise", transform="auto").log
    assert not fit_scale(skewed, every, direction="minimise", transform="auto").log
    with pytest.raises(InvalidSpec, match="negative"):
        fit_scale(skewed - 5, every, direction="maximise", transform="log")
    assert not fit_scale(np.zeros(500), every, direction="maximise", transform="log").log


def test_one_wild_value_cannot_squeeze_the_others():
    values = np.append(np.random.default_rng(0).normal(0, 1, 200), 1e9)
    rewards = fit_scale(values, np.ones(201, dtype=bool), direction="maximise", transform="z").rewards(
        values, np.ones(201, dtype=bool)
    )
    assert 0.8 < rewards[:200].std() < 1.2
    assert WINSOR < rewards[200] < 2 * WINSOR
    best = np.append(np.random.default_rng(0).normal(-45, 10, 300), np.linspace(55, 95, 32))
    scale = fit_scale(best, np.ones(332, dtype=bool), direction="maximise", transform="z")
    assert (np.diff(scale.rewards(best, np.ones(332, dtype=bool))[300:]) > 0).all()


def test_divergences_of_known_distributions():
    p = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    exact = 0.5 * np.log(2)  # half the mass is told apart perfectly
    samples = np.array([0] * 500 + [1] * 500 + [1] * 500 + [2] * 500)
    branch = np.array([0] * 1000 + [1] * 1000)
    assert ensemble_js(log_p[:, samples], branch) == pytest.approx(exact)
    assert pairwise_js(log_p[:, samples], branch)[0, 1] == pytest.approx(exact)
    assert float(divergence(torch.from_numpy(log_p[:, None, :]))[0]) == pytest.approx(exact)
    same = np.log(np.tile(p[1:] + 1e-9, (4, 1)))
    assert ensemble_js(same[:, samples], np.arange(2000) % 4) == pytest.approx(0, abs=1e-9)
    apart = np.log(np.eye(4) + 1e-300)
    assert ensemble_js(apart[:, np.arange(4)], np.arange(4)) == pytest.approx(np.log(4))
    assert np.isnan(pairwise_js(log_p[:, samples], np.zeros(2000, dtype=int))[0, 1])


def test_coverage_and_sample_size():
    assert coverage(np.zeros(4), np.ones(4), np.array([0.0, 1.9, -2.1, 3.0])) == 0.5
    assert coverage(np.zeros(0), np.zeros(0), np.zeros(0)) is None
    std = np.array([0.1, 0.2, 0.3, 0.4])
    assert error_correlation(np.zeros(4), std, np.array([1.0, -2.0, 3.0, -9.0])) == pytest.approx(1.0)
    assert error_correlation(np.zeros(4), std[::-1], np.array([1.0, -2.0, 3.0, -9.0])) == pytest.approx(-1.0)
    assert error_correlation(np.zeros(4), np.ones(4), std) is None
    assert effective_sample_size(np.array([[1, 1, 1, 1], [4, 0, 0, 0], [0, 0, 0, 0]])) == [4.0, 1.0, 0.0]
