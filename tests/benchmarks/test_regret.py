"""Growth of regret against closed forms and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.regret import (
    cumulative_regret,
    expected_growth,
    growth_exponent,
    judge_growth,
    product_information_gain,
)


def test_cumulative_regret_adds_up_what_was_missed():
    assert cumulative_regret(np.array([1.0, 3.0, 2.0]), 4.0).tolist() == [3.0, 4.0, 6.0]


def greedy_information_gain(kernel, noise, most):
    """Lower bound of gamma_t = max_{|A| <= t} 1/2 log det(I + K_A / noise) for t = 1 .. most, by the greedy set.

    Within a factor 1 - 1/e of the maximum (the gain is submodular; Srinivas et al., arXiv 0912.3995).
    """
    posterior = np.array(kernel, dtype=np.float64)
    gains = np.empty(most)
    total = 0.0
    for k in range(most):
        variance = np.diagonal(posterior)
        at = int(variance.argmax())
        total += 0.5 * np.log1p(max(float(variance[at]), 0.0) / noise)
        gains[k] = total
        column = posterior[:, at].copy()
        posterior -= np.outer(column, column) / (column[at] + noise)
    return gains


def test_the_greedy_information_gain_is_near_the_best_subset():
    x = np.random.default_rng(0).normal(size=(8, 2))
    kernel = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / 2)
    found = greedy_information_gain(kernel, 0.1, 4)
    for t in (1, 2, 4):
        best = max(
            0.5 * np.linalg.slogdet(np.eye(t) + kernel[np.ix_(a, a)] / 0.1)[1]
            for a in map(list, itertools.combinations_with_replacement(range(8), t))
        )
        assert (1 - 1 / np.e) * best <= found[t - 1] <= best + 1e-9
    identity = greedy_information_gain(np.eye(10), 1.0, 10)  # independent designs: each call gains log(2) / 2
    assert np.allclose(identity, 0.5 * np.log(2) * np.arange(1, 11))


@pytest.mark.parametrize("power", [0.5, 0.8, 1.0])
def test_growth_is_the_exponent_of_a_power_law(power):
    t = np.arange(1, 769)
    curves = np.stack([c * t**power for c in (0.3, 1.0, 7.0)])
    slope, low, high = growth_exponent(curves)
    assert slope == pytest.approx(power)
    assert low == pytest.approx(high, abs=1e-9)
    assert expected_growth(np.full(768, 3.0)) == pytest.approx(0.5)


def test_uniform_sampling_grows_with_exponent_one():
    rng = np.random.default_rng(0)
    curves = np.cumsum(rng.random((40, 768)), axis=1)
    slope, low, high = growth_exponent(curves)
    assert slope == pytest.approx(1.0, abs=0.02)
    assert low < 1.0 < high


def test_a_product_space_bounds_its_information_gain():
    shape, rho, noise, most = (4, 3, 3), 0.6, 0.1, 60
    codes = np.array(list(itertools.product(*map(range, shape))))
    kernel = rho ** (codes[:, None] != codes[None]).sum(-1)
    greedy = greedy_information_gain(kernel, noise, most)
    bound = product_information_gain(shape, rho, noise, most)
    assert (bound >= greedy - 1e-9).all()
    assert bound[-1] <= greedy[-1] * 1.02  # as many calls as designs: equal shares are nearly reached
    exact = 0.5 * np.linalg.slogdet(np.eye(36) + most / 36 / noise * kernel)[1]
    assert bound[-1] == pytest.approx(exact)


def _curves(rng, exponent, *, n=8, calls=768):
    """Cumulative regret that grows as t^exponent, each call off by a factor, each seed by a little exponent."""
    t = np.arange(1, calls + 1)
    powers = exponent + 0.02 * rng.normal(size=(n, 1))
    steps = np.diff(t**powers, prepend=0.0, axis=1) * rng.lognormal(0.0, 0.3, (n, calls))
    return np.cumsum(steps, axis=1)


@pytest.mark.parametrize(
    ("exponent", "bound", "right"),
    [(1.0, 0.8, "linear"), (0.7, 0.8, "within"), (0.9, 0.8, "slower"), (0.8, 0.8, "undecided")],
)
def test_what_curves_are_evidence_for_is_rarely_wrong(exponent, bound, right):
    rng = np.random.default_rng(3)
    said = [judge_growth(_curves(rng, exponent), bound).verdict for _ in range(300)]
    if right == "undecided":  # at the bound itself each one-sided claim is an error
        assert said.count("within") / 300 < 0.05
        assert said.count("slower") / 300 < 0.05
    elif right == "linear":
        assert said.count("linear") / 300 > 0.94
    else:
        assert said.count(right) / 300 > 0.95
        assert not {"within", "slower"} - {right} & set(said)


def test_a_search_that_has_found_its_optimum_is_no_evidence():
    t = np.arange(1, 769)
    curves = np.minimum(t, 100)[None] + np.linspace(0, 1, 8)[:, None] + 0.001 * t
    assert judge_growth(curves, 0.9).verdict == "ended"
    assert judge_growth(curves[:1], 0.9).verdict == "linear"  # one curve has no interval
