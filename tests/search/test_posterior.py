"""Bayesian regression and draws from its posterior, against what textbooks say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from poets_core.search.poets.posterior import AMPLITUDE, JITTER, LIMITS, NOISE, draw_weights, regress


def observations(n=40, p=6, prompts=1, *, amplitude=1.0, noise=0.1, seed=0):
    """Features, rewards and prompts of a linear truth with an offset for each prompt."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, p)).astype(np.float32)
    weights = np.sqrt(amplitude) * rng.normal(size=p)
    prompt = np.arange(n) % prompts
    rewards = features @ weights + np.sqrt(noise) * rng.normal(size=n) + 3.0 * prompt
    return features, rewards, prompt


def closed_form(found, features, rewards, prompt):
    """Mean and covariance of weights with a flat mean per prompt: N(0, a) weights beside means of infinite variance."""
    x, g = features.astype(np.float64), np.eye(prompt.max() + 1)[prompt]
    g = g[:, g.any(0)]
    n = found.noise + JITTER
    both = np.concatenate([x, g], axis=1)
    precision = both.T @ both / n
    precision[: x.shape[1], : x.shape[1]] += np.eye(x.shape[1]) / found.amplitude
    covariance = np.linalg.inv(precision)
    mean = covariance @ both.T @ rewards / n
    k = x.shape[1]
    return mean[:k], covariance[:k, :k]


def linear_map(found, features, rewards):
    """What draws are of prior and perturbation, which they are linear in: mean, and one row per standard normal."""
    n, p = features.shape
    zero = draw_weights(found, features, rewards, np.zeros((1, p), dtype=np.float32), np.zeros((1, n)))[0]
    of_prior = draw_weights(found, features, np.zeros(n), np.eye(p, dtype=np.float32), np.zeros((p, n)))
    of_noise = draw_weights(found, features, np.zeros(n), np.zeros((n, p), dtype=np.float32), np.eye(n))
    return zero, np.concatenate([of_prior, of_noise])


CASES = [(40, 6, 1), (40, 6, 3), (12, 30, 2)]


@pytest.mark.parametrize(("n", "p", "prompts"), CASES)
def test_draws_have_the_mean_and_the_covariance_of_the_posterior(n, p, prompts):
    features, rewards, prompt = observations(n, p, prompts)
    found = regress(features, rewards, prompt)
    mean, covariance = closed_form(found, features, rewards, prompt)
    zero, rows = linear_map(found, features, rewards)
    np.testing.assert_allclose(zero, mean, atol=2e-4)
    np.testing.assert_allclose(rows.T @ rows, covariance, atol=2e-4 * found.amplitude)
    assert np.trace(covariance) < 0.95 * p * found.amplitude  # data have told something


def test_many_draws_scatter_as_the_posterior_does():
    features, rewards, prompt = observations(30, 4, noise=0.5)
    found = regress(features, rewards, prompt)
    mean, covariance = closed_form(found, features, rewards, prompt)
    rng, m = np.random.default_rng(2), 20_000
    prior = rng.standard_normal((m, 4)).astype(np.float32)
    draws = draw_weights(found, features, rewards, prior, rng.standard_normal((m, 30)))
    deviation = np.sqrt(np.diag(covariance))
    assert (np.abs(draws.mean(0) - mean) < 5 * deviation / np.sqrt(m)).all()
    scatter = np.cov(draws.T) / np.outer(deviation, deviation)
    np.testing.assert_allclose(scatter, covariance / np.outer(deviation, deviation), atol=0.05)


def test_without_randomness_all_branches_are_the_mean():
    features, rewards, prompt = observations()
    found = regress(features, rewards, prompt)
    draws = draw_weights(found, features, rewards, np.zeros((3, 6), dtype=np.float32), np.zeros((3, 40)))
    assert (draws == draws[0]).all()
    np.testing.assert_allclose(draws[0], closed_form(found, features, rewards, prompt)[0], atol=1e-4)


def test_every_prompt_has_a_mean_of_its_own():
    features, rewards, prompt = observations(prompts=3)
    found = regress(features, rewards, prompt)
    zeros = np.zeros((1, 6), dtype=np.float32), np.zeros((1, 40))
    ours = draw_weights(found, features, rewards, *zeros)
    moved = rewards + np.array([5.0, -2.0, 7.0])[prompt]
    again = regress(features, moved, prompt)
    assert (again.amplitude, again.noise) == pytest.approx((found.amplitude, found.noise), rel=1e-3)
    np.testing.assert_allclose(draw_weights(found, features, moved, *zeros), ours, atol=1e-4)
    # One mean for all would have to be noise or weights: the offsets of `observations` are 3 apart.
    assert regress(features, moved, np.zeros(40, dtype=np.int64)).noise > 5 * found.noise


def test_prompts_without_observations_count_for_nothing():
    features, rewards, prompt = observations(prompts=2)
    there, apart = regress(features, rewards, prompt), regress(features, rewards, 3 * prompt)
    assert (there.amplitude, there.noise) == (apart.amplitude, apart.noise)


def test_projections_leave_what_has_no_mean():
    features, rewards, prompt = observations(prompts=2)
    found = regress(features, rewards, prompt)
    x = np.random.default_rng(1).normal(size=(3, 40))
    projected = found.project(x)
    means = np.stack([x[:, prompt == k].mean(1) for k in range(2)], axis=1)
    np.testing.assert_allclose(projected, x - means[:, prompt], atol=1e-10)
    np.testing.assert_allclose(found.project(projected), projected, atol=1e-10)


def test_solving_is_dividing_by_the_covariance_without_means():
    features, rewards, prompt = observations(20, 6, 2)
    found = regress(features, rewards, prompt)
    g = np.eye(2)[prompt]
    p = np.eye(20) - g @ np.linalg.inv(g.T @ g) @ g.T
    kernel = (features @ features.T).astype(np.float64)
    whole = found.amplitude * p @ kernel @ p + (found.noise + JITTER) * np.eye(20)
    for residual in (rewards, np.stack([rewards, rewards**2], axis=1)):
        np.testing.assert_allclose(
            found.solve(residual), p @ np.linalg.solve(whole, p @ residual), rtol=1e-4, atol=1e-5
        )


def evidence(features, rewards, prompt, amplitude, noise):
    """Minus the logarithm of the restricted likelihood (Patterson and Thompson) and of the priors, up to a constant."""
    x, g = features.astype(np.float64), np.eye(prompt.max() + 1)[prompt]
    v = amplitude * x @ x.T + (noise + JITTER) * np.eye(len(x))
    inner = g.T @ np.linalg.solve(v, g)
    centre = g @ np.linalg.solve(inner, g.T @ np.linalg.solve(v, rewards))
    likelihood = np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1]
    likelihood += (rewards - centre) @ np.linalg.solve(v, rewards - centre)
    off = (np.log(amplitude) - AMPLITUDE[0]) / AMPLITUDE[1], (np.log(noise) - NOISE[0]) / NOISE[1]
    return 0.5 * likelihood + 0.5 * (off[0] ** 2 + off[1] ** 2)


@pytest.fixture
def costs(monkeypatch):
    """The function that is minimised for the evidence."""
    found, minimize = [], scipy.optimize.minimize

    def spy(cost, *args, **kwargs):
        found.append(cost)
        return minimize(cost, *args, **kwargs)

    monkeypatch.setattr(scipy.optimize, "minimize", spy)
    return found


@pytest.mark.parametrize(("n", "p", "prompts"), CASES)
def test_the_evidence_is_the_restricted_likelihood_and_its_slope_is_right(costs, n, p, prompts):
    features, rewards, prompt = observations(n, p, prompts)
    regress(features, rewards, prompt)
    points = np.log([[0.5, 0.1], [2.0, 0.02], [0.03, 1.5]])
    ours = np.array([costs[0](t)[0] for t in points])
    theirs = np.array([evidence(features, rewards, prompt, *np.exp(t)) for t in points])
    np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], rtol=1e-4, atol=1e-3)
    for t in points:
        steps = 1e-5 * np.eye(2)
        slope = [(costs[0](t + s)[0] - costs[0](t - s)[0]) / 2e-5 for s in steps]
        np.testing.assert_allclose(costs[0](t)[1], slope, rtol=1e-4, atol=1e-4)


def test_what_is_chosen_is_the_best_of_a_grid():
    features, rewards, prompt = observations(30, 6, 2, noise=0.3)
    found = regress(features, rewards, prompt)
    grid = [(a, n) for a in np.geomspace(0.01, 20, 40) for n in np.geomspace(0.005, 5, 40)]
    best = min(evidence(features, rewards, prompt, *point) for point in grid)
    assert evidence(features, rewards, prompt, found.amplitude, found.noise) <= best + 1e-3


@pytest.mark.parametrize(("amplitude", "noise"), [(1.0, 0.01), (1.0, 0.5), (0.05, 0.2), (4.0, 1.0)])
def test_evidence_finds_what_was_planted(amplitude, noise):
    features, rewards, prompt = observations(400, 80, 2, amplitude=amplitude, noise=noise)
    found = regress(features, rewards, prompt)
    assert found.noise == pytest.approx(noise, rel=0.3)
    assert found.amplitude == pytest.approx(amplitude, rel=0.5)


def test_rewards_that_follow_nothing_are_noise():
    features, _, prompt = observations(200, 20)
    rewards = np.random.default_rng(3).normal(size=200)
    found = regress(features, rewards, prompt)
    assert found.noise == pytest.approx(1.0, rel=0.3)
    assert found.amplitude < 0.02


def test_an_amplitude_that_is_given_is_taken():
    features, rewards, prompt = observations()
    assert regress(features, rewards, prompt, amplitude=0.3).amplitude == pytest.approx(0.3)
    assert np.exp(LIMITS[0][0]) < regress(features, rewards, prompt).amplitude < np.exp(LIMITS[0][1])


@pytest.mark.parametrize("prompts", [1, 2])
def test_one_observation_a_prompt_says_nothing(prompts):
    """Each is taken up by its mean; weights keep their prior."""
    features, rewards, prompt = observations(prompts, 5, prompts)
    found = regress(features, rewards, prompt)
    prior = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    draws = draw_weights(found, features, rewards, prior, np.ones((3, prompts)))
    np.testing.assert_allclose(draws, np.sqrt(found.amplitude) * prior, rtol=1e-5)
    assert found.amplitude == pytest.approx(0.5, rel=1e-3)
    assert found.noise == pytest.approx(0.1, rel=1e-3)
