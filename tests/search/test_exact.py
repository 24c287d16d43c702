"""Soft regret on an enumerated space, against every design scored on its own; and the calibration of predictions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poets_core.errors import InvalidSpec
from poets_core.lm.enumeration import last_token_log_prob
from poets_core.search.poets.calibration import FEWEST, Calibration
from poets_core.search.poets.exact_regret import soft_regret, tilted
from poets_core.search.reward import RewardScale
from poets_core.search.space import product_space
from poets_core.types import Candidate, Observation
from tests.search.sites import Sites, build, play


def test_a_space_by_its_prefixes_is_every_design_scored_on_its_own(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem)
    play(search, problem, 2)
    ensemble = search.ensemble
    space = product_space(ensemble.table, ensemble.backbone.vocabulary.eos)
    tokens = space.tokens(np.arange(len(space)))
    k = len(space.options[-1])
    found = last_token_log_prob(ensemble, tokens[::k, :-2], space.options[-1])
    whole = ensemble.log_prob(ensemble.encode(tokens.tolist(), np.zeros(len(tokens), dtype=np.int64)))
    np.testing.assert_allclose(found.branches, whole.branches, atol=2e-5)
    np.testing.assert_allclose(found.reference, whole.reference, atol=2e-5)
    np.testing.assert_allclose(np.exp(found.branches).sum(1), 1.0, atol=1e-5)


def test_the_reported_soft_regret_is_the_loss_of_the_regularised_objective(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, exact_regret=True)
    history, reports = play(search, problem, 3)
    beta, ensemble = search.settings.beta, search.ensemble
    designs = ["".join(w) for w in itertools.product(problem.letters, repeat=problem.length)]
    tokens = [ensemble.backbone.completion_ids(d) for d in designs]
    p = ensemble.log_prob(ensemble.encode(tokens, np.zeros(len(tokens), dtype=np.int64)))
    values = np.array([problem.table[d] for d in designs])
    r = search.history.scale().rewards(values, np.ones(len(values), dtype=bool))

    def objective(log_p):
        return (np.exp(log_p) * (r - beta * (log_p - p.reference))).sum()

    best = objective(tilted(p.reference, r, beta))
    expected = [best - objective(x) for x in p.branches]
    np.testing.assert_allclose(reports[-1].metrics["soft_regret"], expected, rtol=1e-3)
    assert min(expected) > 0
    plain = build(tmp_path / "plain", problem)
    ours = [c.design for cs, _ in play(plain, problem, 3)[0] for c in cs]
    assert ours == [c.design for cs, _ in history for c in cs]  # measuring changes nothing
    assert "soft_regret" not in play(plain, problem, 1)[1][0].metrics


def distribution(n, seed):
    x = np.random.default_rng(seed).normal(size=n)
    return x - np.logaddexp.reduce(x)


@pytest.mark.parametrize("beta", [0.1, 1.0, 5.0])
def test_soft_regret_is_the_loss_of_the_regularised_objective(beta):
    reference, policy = distribution(30, 0), distribution(30, 1)
    r = np.random.default_rng(2).normal(size=30)

    def objective(log_p):
        p = np.exp(log_p)
        return (p * r).sum() - beta * (p * (log_p - reference)).sum()

    best = tilted(reference, r, beta)
    assert np.exp(best).sum() == pytest.approx(1.0)
    assert soft_regret(policy, reference, r, beta) == pytest.approx(objective(best) - objective(policy))
    assert soft_regret(best, reference, r, beta) == pytest.approx(0.0, abs=1e-12)
    # max r - E r <= soft regret + beta log 1 / pi_ref(x*)
    link = soft_regret(policy, reference, r, beta) + beta * -reference[r.argmax()]
    assert r.max() - (np.exp(policy) * r).sum() <= link + 1e-12


def test_soft_regret_takes_impossible_designs():
    reference, r = np.log([0.5, 0.5]), np.array([0.0, 1.0])
    assert soft_regret(np.array([-np.inf, 0.0]), reference, r, 1.0) == pytest.approx(-tilted(reference, r, 1.0)[1])


def test_a_space_that_is_too_large_or_has_prompts_is_refused(tmp_path):
    with pytest.raises(InvalidSpec, match="exact_regret"):
        build(tmp_path, Sites(letters="ACDEFGHI", prompts=("A", "C")), exact_regret=True)


def _round(rng, n, factor):
    """Predictions whose errors are `factor` times as large as they say."""
    std = rng.uniform(0.5, 2.0, n)
    mean = rng.normal(size=n)
    value = mean + factor * std * rng.normal(size=n)
    candidates = [
        Candidate(f"1-{i}", 1, 0, "branch", 0, "A", "A", "", 0.0, 0.0, float(m), float(s), (0,))
        for i, (m, s) in enumerate(zip(mean, std, strict=True))
    ]
    return candidates, [
        Observation(c.id, (float(v),), (0.0,), True, "") for c, v in zip(candidates, value, strict=True)
    ]


def test_intervals_widened_by_past_errors_cover_what_they_say():
    rng, judge = np.random.default_rng(4), Calibration()
    scale = RewardScale(1.0, False, location=0.0, scale=1.0, floor=0.0, invalid=0.0)
    plain, widened = [], []
    for _ in range(60):
        told = judge.judge(*_round(rng, 32, 3.0), scale)
        plain.append(told["coverage"])
        if told["coverage_scaled"] is not None:
            widened.append(told["coverage_scaled"])
    assert np.mean(plain) == pytest.approx(0.495, abs=0.05)  # P(|z| < 2/3)
    assert np.mean(widened) == pytest.approx(0.95, abs=0.02)
    assert told["interval_factor"] == pytest.approx(2.94, rel=0.25)  # 3 x 1.96 / 2
    assert len(widened) == 59
    assert FEWEST <= 32


def test_a_round_is_judged_before_it_is_learnt_from():
    rng, judge = np.random.default_rng(5), Calibration()
    scale = RewardScale(1.0, False, location=0.0, scale=1.0, floor=0.0, invalid=0.0)
    assert judge.judge(*_round(rng, 10, 1.0), scale)["interval_factor"] is None
    judge.judge(*_round(rng, 32, 1.0), scale)
    told = judge.judge(*_round(rng, 32, 100.0), scale)
    assert told["interval_factor"] < 3
    assert told["coverage_scaled"] < 0.2
    assert told["prediction_error"] > 3  # rewards beyond 5 are drawn in
