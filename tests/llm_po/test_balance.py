"""Evidence balancing and round-robin: they find the winner, with what effort, and near the bound."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.llm_po.allocation import optimal_proportions
from poets_core.llm_po.balance import DUEL_RULES, evidence_balancing, opponent, round_robin
from poets_core.llm_po.evidence import NONE, OPEN, WINNER, duels_of
from poets_core.llm_po.simulate import simulate
from tests.llm_po.test_experiment import bradley_terry


def check_that_it_finds_the_winner(rule):
    """Play a rule where the best policy is the third of four."""
    order = np.array([2, 1, 0, 3])
    p = bradley_terry(4)[np.ix_(order, order)]
    played = simulate(rule, p, runs=20, delta=0.1, most=20_000)
    assert (played.kind == WINNER).all()
    assert (played.winner == 2).sum() >= 17
    again = simulate(rule, p, runs=20, delta=0.1, most=20_000)
    np.testing.assert_array_equal(played.comparisons, again.comparisons)  # keyed
    verified = simulate(rule, p, runs=5, delta=0.1, assume_condorcet=False, most=50_000)
    assert (verified.winner == 2).sum() >= 4


@pytest.mark.parametrize("name", DUEL_RULES)
def test_every_rule_finds_the_winner_wherever_it_stands(name):
    check_that_it_finds_the_winner(DUEL_RULES[name])


def test_ours_needs_fewer_comparisons_than_taking_turns():
    for p, ratio in ((bradley_terry(8), 4.0), (circle(8), 2.0)):
        ours, turns = (simulate(r, p, runs=60, delta=0.1).comparisons.mean() for r in (evidence_balancing, round_robin))
        assert ratio * ours < turns


@pytest.mark.parametrize(("k", "least"), [(8, 0.3), (16, 0.3)])
def test_the_leader_is_preferred_to_an_opponent_as_good(k, least):
    """Everybody has beaten policy 1 by 12 to 6: without its discount the leader would have one turn in K - 1."""
    wins = np.zeros((k, k), dtype=np.int64)
    wins[:, 1], wins[1] = 12, 6
    wins[1, 1] = 0
    duels, rng = duels_of(wins), np.random.default_rng(0)
    for leader in (0, k - 1):
        chosen = [opponent(duels, 1, leader, 0.1, rng) for _ in range(400)]
        assert np.mean(np.array(chosen) == leader) > least > 2 / (k - 1)


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
        return float(simulate(evidence_balancing, p, runs=40, delta=delta).comparisons.mean() / bound)

    often, seldom, hardly = multiple(1e-2), multiple(1e-8), multiple(1e-32)
    assert often > seldom > hardly > 1  # below the bound a rule would have to err
    assert hardly < 1.2


def test_errors_near_the_boundary_are_rarer_than_delta():
    found = simulate(evidence_balancing, np.array([[0.5, 0.55], [0.45, 0.5]]), runs=400, delta=0.1)
    assert (found.winner == 1).mean() < 0.1


def test_a_tie_zone_settles_what_is_equal():
    same = np.full((3, 3), 0.5)
    strict = simulate(evidence_balancing, same, runs=30, delta=0.1, assume_condorcet=False, most=3_000)
    assert (strict.kind == OPEN).sum() >= 28
    lax = simulate(evidence_balancing, same, runs=30, delta=0.1, assume_condorcet=False, tie_zone=0.1, most=3_000)
    assert (lax.kind == WINNER).all()
    rock = np.array([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]])
    told = simulate(evidence_balancing, rock, runs=30, delta=0.1, assume_condorcet=False, tie_zone=0.1, most=3_000)
    assert (told.kind == NONE).sum() >= 28
