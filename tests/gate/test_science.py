"""Faults that no error shows: what a search or an experiment would do a little worse, for ever.

tests/gate/plant.py plants each of them and sees that its test fails.
"""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.llm_po import balance
from poets_core.search.history import History
from poets_core.types import Candidate, Observation
from tests.search.sites import Sites, build, play


def test_a_search_tempers_its_choice(tmp_path):
    problem = Sites()
    # Without tempering every slot follows the mean over branches, so all take the best of one list, in its order.
    search = build(tmp_path, problem, tempering=0.0)
    play(search, problem, 1)
    means = [c.predicted_mean for c in search.ask(12)]
    assert len(set(means)) > 6
    assert means == sorted(means, reverse=True)


def test_gradients_are_clipped_branch_by_branch(tmp_path):
    problem, most = Sites(), 1e-4
    search = build(tmp_path, problem, gradient_norm=most, steps=1)
    play(search, problem, 1)
    state = search.state()
    # After one step Adam's first moment is a tenth of the gradient it was given, (M, rows, columns) in each tensor.
    squares = [(state[k] ** 2).sum(axis=(1, 2)) for k in state if k.startswith("adam.exp_avg.")]
    np.testing.assert_allclose(np.sqrt(np.sum(squares, axis=0)), 0.1 * most, rtol=1e-3)


def test_a_reset_forgets_the_optimiser(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, reset_every=2, steps=3)
    steps = []
    for _ in range(3):
        play(search, problem, 1)
        steps.append(int(search.state()["adam.step.0"].max()))
    assert steps == [3, 6, 3]


def test_the_leader_is_preferred_as_opponent():
    k, j, leader, other = 8, 0, 1, 2
    wins = np.full((k, k), 10, dtype=np.int64)
    wins[j, 3:], wins[3:, j] = 40, 5  # j beats them clearly: they will not exclude it
    wins[[leader, other], j], wins[j, [leader, other]] = 400, 200
    evidence = np.zeros((k, k))
    duels = balance.Duels(wins, wins + wins.T, evidence, evidence, evidence, np.zeros(k), np.zeros(k), 0.5)
    chosen = [balance.opponent(duels, j, leader, 0.05, np.random.default_rng(seed)) for seed in range(100)]
    assert set(chosen) <= {leader, other}
    assert chosen.count(leader) > 80  # by the draws alone, about half


@pytest.mark.parametrize(("direction", "best"), [("minimise", ["A", "C"]), ("maximise", ["G", "F"])])
def test_elites_of_a_minimised_problem_are_its_smallest(direction, best):
    history = History(direction, "z", 1, 0)
    words = "CGADF"
    candidates = [
        Candidate(f"0-{k}", 0, -1, "reference", 0, word, word, "", 0.0, 0.0, 0.0, 0.0) for k, word in enumerate(words)
    ]
    values = {"A": -2.0, "C": 0.5, "D": 1.0, "F": 1.5, "G": 7.0}
    history.add(candidates, [Observation(c.id, (values[c.design],), (0.0,), True, "") for c in candidates], None)
    assert history.elites(2) == best
