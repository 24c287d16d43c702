"""The compiled state, our sampling rule and its rivals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from poets_core.llm_po.allocation import optimal_proportions
from poets_core.llm_po.balance import balance
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.duels import NONE, OPEN, WINNER, new_duels, tied, won
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.report import report
from poets_core.llm_po.rivals import RIVALS
from poets_core.llm_po.simulate import simulate
from poets_core.llm_po.stopping import duels_of
from tests.llm_po.test_experiment import bradley_terry


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3), some.booleans()), max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_state_kept_up_to_date_is_the_state_of_the_counts(steps):
    duels = new_duels(4, 0.45)
    for i, j, tie in steps:
        if i != j:
            (tied if tie else won)(duels, i, j, 1)
    again = duels_of(duels.wins, duels.judged - duels.wins - duels.wins.T, tie_zone=0.05)
    for ours, fresh in zip(duels, again, strict=True):
        np.testing.assert_array_equal(ours, fresh)
    for i, j, tie in steps:
        if i != j:
            (tied if tie else won)(duels, i, j, -1)
    assert not duels.score.any()  # everything taken back: exactly the beginning
    assert not duels.judged.any()


@pytest.mark.parametrize("name", ["balance", *RIVALS])
def test_every_rule_finds_the_winner_wherever_it_stands(name):
    sampler = {"balance": balance, **RIVALS}[name]
    p = bradley_terry(4)
    order = np.array([2, 1, 0, 3])  # the best is the third
    found = simulate(sampler, p[np.ix_(order, order)], runs=20, delta=0.1, most=20_000)
    assert (found.kind == WINNER).all()
    assert (found.winner == 2).sum() >= 17
    again = simulate(sampler, p[np.ix_(order, order)], runs=20, delta=0.1, most=20_000)
    np.testing.assert_array_equal(found.comparisons, again.comparisons)  # keyed
    verified = simulate(sampler, p[np.ix_(order, order)], runs=5, delta=0.1, assume_condorcet=False, most=50_000)
    assert (verified.winner == 2).sum() >= 4


def test_ours_needs_fewer_comparisons_than_taking_turns():
    for p, ratio in ((bradley_terry(8), 4.0), (circle(8), 2.0)):
        ours, turns = (simulate(s, p, runs=60, delta=0.1).comparisons.mean() for s in (balance, RIVALS["round-robin"]))
        assert ratio * ours < turns


def circle(k):
    """A winner by .6 over policies that beat each other in a circle by .9."""
    p = np.full((k, k), 0.5)
    p[0, 1:], p[1:, 0] = 0.6, 0.4
    for a in range(1, k):
        for step in range(1, (k - 1) // 2 + 1):
            b = 1 + (a - 1 + step) % (k - 1)
            p[a, b], p[b, a] = 0.9, 0.1
    return p


@pytest.mark.parametrize("p", [circle(4), bradley_terry(4)], ids=["cyclic", "bradley-terry"])
def test_the_lower_bound_is_approached_as_errors_grow_rarer(p):
    def multiple(delta: float) -> float:
        bound = optimal_proportions(p).t_star * (1 - 2 * delta) * (np.log1p(-delta) - np.log(delta))
        return float(simulate(balance, p, runs=40, delta=delta).comparisons.mean() / bound)

    often, seldom, hardly = multiple(1e-2), multiple(1e-8), multiple(1e-32)
    assert often > seldom > hardly > 1  # below the bound a rule would have to err
    assert hardly < 1.2


def test_errors_near_the_boundary_are_rarer_than_delta():
    found = simulate(balance, np.array([[0.5, 0.55], [0.45, 0.5]]), runs=400, delta=0.1)
    assert (found.winner == 1).mean() < 0.1


def test_a_tie_zone_settles_what_is_equal():
    same = np.full((3, 3), 0.5)
    strict = simulate(balance, same, runs=30, delta=0.1, assume_condorcet=False, most=3_000)
    assert (strict.kind == OPEN).sum() >= 28
    lax = simulate(balance, same, runs=30, delta=0.1, assume_condorcet=False, tie_zone=0.1, most=3_000)
    assert (lax.kind == WINNER).all()
    rock = np.array([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]])
    told = simulate(balance, rock, runs=30, delta=0.1, assume_condorcet=False, tie_zone=0.1, most=3_000)
    assert (told.kind == NONE).sum() >= 28


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


def test_the_report_says_what_the_experiment_knows():
    experiment = Experiment(["a", "b", "c"], 0.1, assume_condorcet=True)
    assert report(experiment)["optimal"] is None  # nobody is ahead yet
    for _ in range(60):
        pair = experiment.next_pair()
        experiment.record(Comparison(pair.first, pair.second, "first" if pair.first < pair.second else "second"))
        if experiment.verdict():
            break
    told = json.loads(json.dumps(report(experiment, compare=True)))
    assert told["left"] == ["a"]
    assert told["comparisons"] == len(experiment.comparisons) == np.sum(told["wins"])
    assert np.sum(told["optimal"]) == pytest.approx(2.0)
    assert sum(e >= told["evidence_threshold"] for e in told["evidence"]) == 2
    assert told["round_robin"]["mean"] > 0
