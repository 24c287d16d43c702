"""A log as a sample: every row once, clusters together, and a pair without rows gives way."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.logs_cells import NOBODY, crossed_log, independent_log, play
from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.dependence import dependence_of
from poets_core.llm_po.evidence import OPEN, decide, duels_of
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.replay import Replay

EVEN = np.full((4, 4), 0.5)


@pytest.mark.parametrize("missing", [(), (0, 5), (0, 1, 2)])
@pytest.mark.parametrize("at_once", [1, 3])
def test_every_row_is_used_once_whatever_the_rule_wants(missing, at_once):
    rows = independent_log(EVEN, "ABCD", 12, rng_for(0, "log"), missing)
    replay = Replay(rows, dependence_of(rows), "ABCD", 0)
    experiment, used = Experiment("ABCD", 1e-6, dependence=dependence_of(rows)), []
    while pairs := experiment.next_pairs(at_once, left=replay.left):
        for pair in pairs:
            taken = replay.upcoming(pair.first, pair.second, 0)
            replay.use(taken.index)
            used.append(taken.index)
            experiment.record(Comparison(taken.first, taken.second, taken.outcome, row=taken.index))
    assert sorted(used) == [row.index for row in rows]
    assert not replay.left.any()
    assert replay.upcoming("A", "D", 0) is None


def test_rows_of_a_cluster_come_one_after_the_other_in_an_order_of_the_seed():
    rows = crossed_log(7, 3, 0.8, "prompt", rng_for(0, "log"))
    orders = []
    for seed in (0, 0, 1):
        replay, order = Replay(rows, dependence_of(rows), NOBODY, seed), []
        for skip in range(21):
            order.append(replay.upcoming("B", "A", skip).prompt)
        assert [len(set(order[at : at + 3])) for at in range(0, 21, 3)] == [1] * 7
        orders.append(order)
    assert orders[0] == orders[1] != orders[2]


def test_rows_that_were_used_in_another_order_are_passed_over():
    """As in a run that began before rows of a cluster stood together."""
    rows = crossed_log(4, 2, 0.8, "prompt", rng_for(0, "log"))
    replay = Replay(rows, dependence_of(rows), NOBODY, 0)
    for index in (5, 8, 5):
        replay.use(index)
    left = [replay.upcoming("A", "B", skip).index for skip in range(6)]
    assert sorted(left) == [1, 2, 3, 4, 6, 7]
    assert replay.left[0, 1] == replay.left[1, 0] == 6


def test_what_all_rows_certify_is_certified_where_a_pair_is_missing():
    p = np.array([[0.5, 0.9, 0.9], [0.1, 0.5, 0.5], [0.1, 0.5, 0.5]])
    for seed in range(5):
        rows = independent_log(p, "ABC", 60, rng_for(seed, "log"), (2,))
        wins = np.zeros((3, 3), dtype=np.int64)
        for row in rows:
            first, second = "ABC".index(row.first), "ABC".index(row.second)
            wins[(first, second) if row.outcome == "first" else (second, first)] += 1
        assert decide(duels_of(wins), 0.1, False)[0] != OPEN
        assert play(rows, "ABC", delta=0.1, seed=seed).verdict.policy == "A"
