"""The posterior benchmark: densities against scipy, what a joint one sees, and observations that no model chose."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from benchmarks import posterior_models
from benchmarks.posterior import ALL, RIVALS, goals_of, results_of
from benchmarks.posterior_measures import Predictive, measures, negative_log_density, neighbours
from benchmarks.posterior_models import (
    LIMIT,
    OURS,
    Lesson,
    ensemble,
    likely_noise,
    of_sample,
    of_surrogate,
    posterior,
    string_parts,
    string_process,
    tuned_weights,
    widened,
)
from benchmarks.posterior_sets import Place, history, judged
from poets_core.keyed import rng_for
from poets_core.search.rivals.surrogate import fit_surrogate

SMOOTH = np.exp(-0.5 * ((np.arange(40)[:, None] - np.arange(40)[None]) / 4.0) ** 2)
"""Covariance of a process at forty places in a row."""


def predictive(rng, n):
    root = rng.standard_normal((n, n))
    return Predictive(rng.standard_normal(n), root @ root.T, rng.uniform(0.1, 1.0, n))


def test_the_joint_density_is_the_one_of_scipy():
    rng = rng_for(0, "joint")
    p, y = predictive(rng, 7), rng.standard_normal(7)
    sets = np.array([[0, 3, 5], [6, 1, 2]])
    found = negative_log_density(y, p, sets)
    total = p.covariance + np.diag(p.noise)
    for own, value in zip(sets, found, strict=True):
        wanted = -multivariate_normal(p.mean[own], total[np.ix_(own, own)]).logpdf(y[own]) / 3
        assert value == pytest.approx(wanted, rel=1e-12)


def test_the_marginal_density_is_the_joint_one_of_single_designs():
    rng = rng_for(0, "marginal")
    p, y = predictive(rng, 6), rng.standard_normal(6)
    found = measures(y, p, np.arange(6)[:, None])
    assert found["marginal"] == pytest.approx(-norm(p.mean, p.deviation).logpdf(y).mean(), rel=1e-12)
    assert found["joint"] == pytest.approx(found["marginal"], rel=1e-12)
    assert found["worth"] == pytest.approx(0.0, abs=1e-12)


def test_samples_of_the_true_process_beat_shuffled_ones_jointly_and_not_one_by_one():
    rng = rng_for(0, "shuffled")
    root = np.linalg.cholesky(SMOOTH + 1e-9 * np.eye(40))
    samples = rng.standard_normal((2000, 40)) @ root.T
    # Each design's values in another order: every marginal stays what it was, all covariance is lost.
    shuffled = rng.permuted(samples, axis=0)
    sets = np.stack([np.arange(k, k + 10) for k in range(0, 31, 5)])
    noise = 0.05
    apart = []
    for _ in range(20):
        y = root @ rng.standard_normal(40) + np.sqrt(noise) * rng.standard_normal(40)
        right, wrong = (measures(y, of_sample(s, noise), sets) for s in (samples, shuffled))
        assert right["marginal"] == pytest.approx(wrong["marginal"], rel=1e-9)
        apart.append(wrong["joint"] - right["joint"])
    assert np.mean(apart) > 0.3
    assert np.mean(apart) > 4 * np.std(apart) / 20**0.5


def test_a_fitted_process_has_the_moments_of_its_own_draws():
    rng = rng_for(0, "process")
    x = rng.standard_normal((30, 3))
    fitted = fit_surrogate(x[:20], np.sin(x[:20]).sum(1))
    p = of_surrogate(fitted, x[20:])
    mean, std = fitted.predict(x[20:])
    assert np.allclose(p.mean, mean)
    assert np.allclose(np.sqrt(np.diagonal(p.covariance)), std, atol=2e-3)
    drawn = fitted.sample(x[20:], 20_000, rng)
    assert np.allclose(np.cov(drawn, rowvar=False), p.covariance, atol=0.05 * float(p.covariance.max()))


def test_noise_is_what_the_predictions_leave_unexplained():
    rng = rng_for(0, "noise")
    variance = rng.uniform(0.0, 1.0, 20_000)
    residual = rng.standard_normal(20_000) * np.sqrt(variance + 0.3)
    assert likely_noise(residual, variance) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_widened_interval_is_the_sample_deviation_times_the_factor(factor):
    values = rng_for(0, "widened").standard_normal((8, 5))
    found = widened(of_sample(values, 0.1), factor)
    assert np.allclose(found.deviation, factor * values.std(0, ddof=1), rtol=1e-2)


def test_one_branch_alone_has_no_covariance():
    found = of_sample(np.ones((1, 4)), 0.2)
    assert not found.covariance.any()
    assert np.allclose(found.deviation, 0.2**0.5)


def test_neighbours_are_an_anchor_and_what_is_nearest():
    places = np.arange(30.0)[:, None] ** 2
    for own in neighbours(places, rng_for(0, "anchors"), 3):
        apart = np.abs(places[:, 0] - places[own[0], 0])
        assert set(own.tolist()) == set(np.argsort(apart, kind="stable")[:3].tolist())
        assert apart[own[0]] == 0.0


def test_the_string_kernel_takes_designs_of_all_lengths_and_learns_what_counts(tmp_path):
    rng = rng_for(0, "strings")
    tokens = [tuple(rng.integers(0, 4, rng.integers(10, 14)).tolist()) for _ in range(260)]
    # The share of one pair of letters: neither a sum over places nor over single letters.
    y = np.array([sum(p == (1, 2) for p in itertools.pairwise(t)) / (len(t) - 1) for t in tokens])
    y = (y - y.mean()) / y.std()
    parts = [p(slice(0, 260), slice(0, 260)) for p in string_parts(tokens, 200)]
    for part in parts:
        assert float(np.linalg.eigvalsh(part).min()) > -1e-6
        assert float(np.diagonal(part)[:200].mean()) == pytest.approx(1.0, rel=1e-6)
    place = Place("instability-60", 0, tmp_path)
    lesson = Lesson(place, [], tokens[:200], y[:200], np.ones(200, dtype=bool), {"space": tokens[200:]})
    found = measures(y[200:], string_process(lesson)["space"], np.arange(60)[:, None])
    assert found["rank"] > 0.9
    assert found["marginal"] < 0.5


@pytest.mark.parametrize(("place", "exact"), [("nk-smooth", True), ("ehrlich-15", False)])
def test_the_posterior_is_told_by_many_draws_where_branches_are_draws_of_one(tmp_path, place, exact, monkeypatch):
    monkeypatch.setattr(posterior_models, "DRAWS", 12)
    here = Place(place, 101, tmp_path, None)
    rounds = history(here, "half", 32)
    told = [(c, o) for candidates, observed in rounds for c, o in zip(candidates, observed, strict=True)]
    asked = {"space": [c.tokens for c, _ in told[:6]]}
    valid = np.array([o.valid for _, o in told])
    lesson = Lesson(here, rounds, [c.tokens for c, _ in told], np.zeros(len(told)), valid, asked, ("branches=4",))
    found = posterior(lesson)
    assert set(found) == ({LIMIT} if exact else set())
    if exact:
        few = ensemble(lesson)[OURS]["space"]
        assert few.noise == pytest.approx(found[LIMIT]["space"].noise)
        # Twelve draws, four at a time: their covariance has the rank that those of four cannot have.
        assert np.linalg.matrix_rank(few.covariance, tol=1e-6) <= 3
        assert np.linalg.matrix_rank(found[LIMIT]["space"].covariance, tol=1e-6) > 3


def test_weights_are_found_by_marginal_likelihood():
    rng = rng_for(0, "weights")
    x = np.linspace(0, 20, 300)
    right = np.exp(-0.5 * (x[:, None] - x[None]) ** 2)
    wrong = np.exp(-0.5 * ((x[:, None] - x[None]) / 0.05) ** 2)
    y = np.linalg.cholesky(right + 1e-8 * np.eye(300)) @ rng.standard_normal(300) + 0.3 * rng.standard_normal(300)
    weights, noise = tuned_weights([right, wrong], y)
    assert weights[0] > 5 * weights[1]
    assert noise + weights[1] == pytest.approx(0.09, rel=0.3)


def test_a_history_is_a_function_of_its_key_and_the_judged_are_new(tmp_path):
    place = Place("ehrlich-15", 0, tmp_path)
    rounds = history(place, "half", 24)
    candidates = [c for part, _ in rounds for c in part]
    assert [c.source for c in candidates[:12]] == ["reference"] * 12
    assert {c.source for c in candidates[12:]} <= {"edit", "reference"}
    assert len({c.id for c in candidates}) == len({c.design for c in candidates}) == 24
    (place.own / "half-24.json").unlink()
    assert [[c.design for c in part] for part, _ in history(place, "half", 24)] == [
        [c.design for c in part] for part, _ in rounds
    ]
    sets = judged(place, "half", 24)
    assert set(sets) == {"space", "pool", "children"}
    for own in sets.values():
        assert len(own.designs) == len(set(own.designs)) == len(own.values) > 10
        assert not set(own.designs) & {c.design for c in candidates}
        assert np.isfinite(own.values).all()
    assert judged(replace(place), "half", 24) == sets


def row(model, seed, joint):
    figures = {"rank": 0.5, "marginal": 1.0, "joint": joint, "worth": 0.1, "coverage": 0.95}
    sets = {"children": figures | {"deviation": 1.0, "error": 1.0}}
    key = {"landscape": "gb1", "seed": seed, "kind": "half", "size": 96, "model": model}
    return key | {"sets": sets}


def test_models_are_compared_seed_by_seed_and_goals_stand_beside():
    rows = [row(OURS, s, 1.0 + s) for s in range(3)] + [row(RIVALS[0], s, 1.5 + s) for s in range(3)]
    found = results_of(rows)
    apart = found["gb1"][ALL][f"{OURS} minus {RIVALS[0]}"]["joint"]
    assert apart == {"mean": pytest.approx(-0.5), "standard_error": pytest.approx(0.0), "n": 3}
    assert found["gb1"]["half"]["96"]["children"][OURS]["joint"]["mean"] == pytest.approx(2.0)
    goals = {g.name: g for g in goals_of(found)}
    assert len(goals) == 4
    assert all(g.holds for g in goals.values())
