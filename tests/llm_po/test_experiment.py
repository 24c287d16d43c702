"""Whole experiments against judges with known win probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.experiment import Experiment

NAMES = "abcdefgh"


def bradley_terry(k):
    theta = np.append(0.7, np.linspace(0, -1, k - 1))
    return 1 / (1 + np.exp(theta[None] - theta[:, None]))


def play(p, seed, delta=0.1, most=20_000, ties=0.0, **options):
    """Run an experiment to its verdict."""
    experiment = Experiment(NAMES[: len(p)], delta, budget=most, seed=seed, **options)
    rng = np.random.default_rng(seed)
    while (verdict := experiment.verdict()) is None:
        pair = experiment.next_pair()
        i, j = NAMES.index(pair.first), NAMES.index(pair.second)
        u = rng.random()
        outcome = "tie" if u < ties else "first" if rng.random() < p[i, j] else "second"
        experiment.record(Comparison(pair.first, pair.second, outcome))
    return experiment, verdict


def test_the_winner_is_found_with_few_comparisons():
    calls, wrong = [], 0
    for seed in range(60):
        _, verdict = play(bradley_terry(4), seed, assume_condorcet=True)
        calls.append(verdict.comparisons)
        wrong += verdict.policy != "a"
    assert wrong <= 6  # delta .1
    assert np.mean(calls) < 240  # round-robin needs 615


@pytest.mark.parametrize("strength", [0.75, 0.9])
def test_a_circle_has_no_winner(strength):
    p = np.array([[0.5, strength, 1 - strength], [1 - strength, 0.5, strength], [strength, 1 - strength, 0.5]])
    verdicts = [play(p, seed)[1] for seed in range(30)]
    assert sum(v.kind == "none" for v in verdicts) >= 28
    assert all(v.error_bound == 0.1 for v in verdicts)


def test_equal_policies_stay_undecided_and_ties_count_as_calls():
    kinds = [play(np.full((3, 3), 0.5), seed, delta=0.05, most=400)[1] for seed in range(30)]
    assert sum(v.kind == "winner" for v in kinds) <= 2
    undecided = next(v for v in kinds if v.kind == "undecided")
    assert undecided.error_bound is None
    assert undecided.comparisons == 400
    assert len(undecided.left) >= 2
    experiment, verdict = play(bradley_terry(3), 1, most=50, ties=1.0)
    assert (verdict.kind, verdict.comparisons, experiment.wins.sum()) == ("undecided", 50, 0)


def test_an_experiment_resumes_from_its_log():
    whole, _ = play(bradley_terry(4), 5)
    again = Experiment(NAMES[:4], 0.1, budget=20_000, seed=5)
    half = len(whole.comparisons) // 2
    for comparison in whole.comparisons[:half]:
        again.record(comparison)
    for comparison in whole.comparisons[half:]:
        pair = again.next_pair()
        assert (pair.first, pair.second) == (comparison.first, comparison.second)
        again.record(comparison)
    assert again.verdict() == whole.verdict()
    assert again.allocation().sum() == pytest.approx(2.0)


def test_batches_spread_and_answers_may_come_in_any_order():
    experiment = Experiment(NAMES[:5], 0.1, seed=3)
    pairs = experiment.next_pairs(40)
    assert [p.index for p in pairs] == list(range(40))
    assert len({frozenset((p.first, p.second)) for p in pairs}) > 5
    assert 8 < sum(p.first < p.second for p in pairs) < 32  # the order of presentation is random
    comparisons = [Comparison(p.first, p.second, "first" if p.first < p.second else "second") for p in pairs]
    other = Experiment(NAMES[:5], 0.1, seed=3)
    for comparison in comparisons:
        experiment.record(comparison)
    for comparison in reversed(comparisons):
        other.record(comparison)
    np.testing.assert_array_equal(experiment.evidence(), other.evidence())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Comparison("a", "a", "first"), "compared with itself"),
        (lambda: Comparison("a", "b", "A"), "'first', 'second' or 'tie'"),
        (lambda: Comparison("a", "b", "tie", order_shown="left"), "order_shown"),
        (lambda: Experiment(["a"], 0.1), "two or more"),
        (lambda: Experiment(["a", "a"], 0.1), "different names"),
        (lambda: Experiment(["a", "b"], 0.0), "delta"),
        (lambda: Experiment(["a", "b"], 1.0), "delta"),
        (lambda: Experiment(["a", "b"], 0.1, budget=0), "budget"),
        (lambda: Experiment(["a", "b"], 0.1).record(Comparison("a", "c", "tie")), "'c'"),
    ],
)
def test_what_cannot_be_is_refused(make, says):
    with pytest.raises(InvalidComparisons, match=says):
        make()


def test_an_undone_answer_leaves_nothing_behind():
    names = ["a", "b", "c"]
    kept, undone = Experiment(names, 0.1), Experiment(names, 0.1)
    for n, (a, b) in enumerate([("a", "b"), ("b", "c"), ("a", "c"), ("a", "b")]):
        answer = Comparison(a, b, "tie" if n == 1 else "first")
        undone.record(answer)
        if n != 2:
            kept.record(answer)
    undone.withdraw(Comparison("a", "c", "first"))
    np.testing.assert_array_equal(kept.evidence(), undone.evidence())
    np.testing.assert_array_equal(kept.allocation(), undone.allocation())


def test_pairs_that_wait_leave_no_trace_and_are_not_asked_alone():
    experiment = Experiment(list("abcdefgh"), 0.1, seed=2)
    before = experiment.duels.judged.copy()
    first = experiment.next_pairs(3)
    more = experiment.next_pairs(20, waiting=first)
    np.testing.assert_array_equal(experiment.duels.judged, before)
    assert not experiment.evidence().any()
    assert [p.index for p in more] == list(range(3, 23))
    assert len({frozenset((p.first, p.second)) for p in more}) > 5
