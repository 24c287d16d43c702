"""Experiments under the Bradley-Terry model: the exact stopping rule, the tracked allocation, doubt in the model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from benchmarks.llm_po_structured import simulate_structured
from poets_core.errors import InvalidComparisons
from poets_core.llm_po.balance import round_robin
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.cutting_planes import structured_proportions
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.report import report
from poets_core.llm_po.structured import StructuredRule


def instance(k, d, seed):
    """Scores as those of `bradley_terry(k)`, on the first of d features."""
    rng = np.random.default_rng(seed)
    scores = np.append(0.7, np.linspace(0, -1, k - 1))
    return np.eye(d)[0], np.column_stack([scores, rng.normal(size=(k, d - 1)) / 2])


def test_separated_answers_keep_the_fit_finite():
    rule = StructuredRule(4, None)
    for _ in range(30):
        rule.record(0, 1, tie=False)
        rule.record(1, 2, tie=False)
        rule.record(2, 3, tie=False)
    assert np.isfinite(rule.state.fitted).all()
    assert rule.leader == 0
    assert 0 < rule.margin < 90 * np.log(2)


def test_the_exact_rule_errs_no_more_than_it_may_and_ties_never_end():
    features = np.array([[1.0, 0.2], [1.0 - 1e-9, -0.2], [0.0, 0.3], [-1.0, 0.1]])  # two best, equal but for nothing
    theta = np.array([0.8, 0.0])
    found = simulate_structured(None, theta, features, runs=150, delta=0.2, most=600)
    named = found.kind == 1
    assert named.mean() < 0.2
    near = simulate_structured(None, *instance(4, 2, 0), runs=150, delta=0.2)
    assert (near.winner != 0).mean() < 0.2
    assert (near.winner == 0).sum() > 100


def test_features_pay_and_the_allocation_pays():
    theta, x = instance(8, 3, 1)
    ours, turns = (simulate_structured(r, theta, x, runs=30, delta=0.1) for r in (None, round_robin))
    assert (ours.winner == 0).all()
    assert 1.5 * ours.comparisons.mean() < turns.comparisons.mean()


def test_the_tracked_proportions_come_near_the_optimal_ones():
    theta, x = instance(5, 3, 2)
    rule = StructuredRule(5, x)
    rng = np.random.default_rng(0)
    for _ in range(6000):
        i, j = rule.select([])
        if rng.random() >= expit((x[i] - x[j]) @ theta):
            i, j = j, i
        rule.record(i, j, tie=False)
    best = structured_proportions(theta, x).weights
    best = best + best.T
    assert np.abs(rule.weights() - best).sum() / 2 < 0.25
    asked = rule.state.judged / rule.state.judged.sum()
    assert np.abs(asked - rule.weights()[rule.state.first, rule.state.second]).max() < 0.1


def play(experiment, p, seed=0, most=4000):
    rng, names = np.random.default_rng(seed), experiment.policies
    while (verdict := experiment.verdict()) is None and len(experiment.comparisons) < most:
        pair = experiment.next_pair()
        i, j = names.index(pair.first), names.index(pair.second)
        experiment.record(Comparison(pair.first, pair.second, "first" if rng.random() < p[i, j] else "second"))
    return verdict


def test_an_experiment_under_the_model():
    names = list("abcdefgh")
    theta, x = instance(8, 3, 1)
    p = expit((x @ theta)[:, None] - (x @ theta)[None])
    experiment = Experiment(names, 0.1, space="bradley-terry", features=x, seed=1)
    verdict = play(experiment, p)
    assert (verdict.policy, verdict.rule) == ("a", "bradley-terry")
    told = report(experiment)["model"]
    assert told["margin"] >= told["margin_threshold"]
    assert not told["doubted"]
    again = Experiment(names, 0.1, space="bradley-terry", features=x, seed=1)
    for n, comparison in enumerate(experiment.comparisons):  # the state is a function of the answers
        pair = again.next_pair()
        assert (pair.first, pair.second) == (comparison.first, comparison.second)
        if n == 20:
            again.record(comparison)
            again.withdraw(comparison)
            again.asked -= 1
            assert (p2 := again.next_pair()) == pair, p2
        again.record(comparison)
    assert again.verdict() == verdict


def test_data_that_contradict_the_model_silence_it():
    circle = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
    experiment = Experiment(list("abc"), 0.1, space="bradley-terry", seed=3)
    verdict = play(experiment, circle)
    assert experiment.structured.doubted
    assert verdict.kind == "none"
    assert verdict.rule == "unstructured"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"space": "bradley-terry", "features": np.array([[1.0], [np.nan], [0.0]])}, "NaN"),
        ({"space": "bradley-terry", "features": np.ones((3, 2))}, "rank 0"),
        ({"space": "bradley-terry", "features": np.ones((2, 1))}, "one row for each"),
        ({"features": np.eye(3)}, "only with space"),
        ({"space": "linear"}, "'linear'"),
        ({"tie_zone": 0.5}, "tie zone"),
        ({"duel_rule": "best"}, "duel rule"),
    ],
)
def test_what_is_no_model_is_refused(options, says):
    with pytest.raises(InvalidComparisons, match=says):
        Experiment(["a", "b", "c"], 0.1, **options)
