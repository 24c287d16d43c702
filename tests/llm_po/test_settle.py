"""What would settle an experiment: the plan leads to the verdict it names, and says none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.llm_po.clusters import log_cluster_evidence
from poets_core.llm_po.evidence import NONE, OPEN, WINNER, decide, duels_of
from poets_core.llm_po.settle import Further, plan

DELTA = 0.1


def followed(wins, found, ties=0.0):
    """Wins after a plan was followed and answers went on as they had."""
    out = wins.copy()
    for i, j, n in found.pairs:
        p = (wins[i, j] + 0.5) / (wins[i, j] + wins[j, i] + 1.0)
        decided = round(n * (1.0 - ties))
        out[i, j] += round(p * decided)
        out[j, i] += decided - round(p * decided)
    return out


@pytest.mark.parametrize("assume", [True, False])
@pytest.mark.parametrize("ties", [0.0, 0.4])
def test_a_plan_that_is_followed_brings_its_verdict_and_a_tenth_less_does_not(assume, ties):
    wins = np.array([[0, 14, 20], [6, 0, 11], [5, 9, 0]])
    assert decide(duels_of(wins), DELTA, assume)[0] == OPEN
    found = plan(duels_of(wins), DELTA, assume=assume, ties=ties)
    assert (found.kind, found.policy) == ("winner", 0)
    assert decide(duels_of(followed(wins, found, ties)), DELTA, assume) == (WINNER, 0)
    largest = max(n for _, _, n in found.pairs)
    less = tuple((i, j, int(0.8 * n) if n == largest else n) for i, j, n in found.pairs)
    short = type(found)(found.kind, found.policy, less)
    assert decide(duels_of(followed(wins, short, ties)), DELTA, assume)[0] == OPEN


def test_it_takes_longer_where_policies_are_closer_and_where_nothing_is_assumed():
    def needed(wins, assume):
        return plan(duels_of(np.array(wins)), DELTA, assume=assume, ties=0.0).comparisons

    far, near = [[0, 16], [4, 0]], [[0, 12], [8, 0]]
    assert needed(far, False) < needed(near, False)
    assert needed(far, True) <= needed(far, False)


def test_a_cycle_is_settled_by_showing_that_nobody_beats_all():
    cycle = np.array([[0, 8, 2], [2, 0, 8], [8, 2, 0]])
    found = plan(duels_of(cycle), DELTA, assume=False, ties=0.0)
    assert (found.kind, found.policy) == ("none", -1)
    assert decide(duels_of(followed(cycle, found)), DELTA, False)[0] == NONE


def test_policies_that_look_equal_have_no_plan():
    assert plan(duels_of(np.array([[0, 10], [10, 0]])), DELTA, assume=False, ties=0.0) is None
    assert plan(duels_of(np.array([[0, 5001], [5000, 0]])), DELTA, assume=True, ties=0.0) is None


def missing(evidence):
    return evidence - np.log(40.0)


@pytest.mark.parametrize(("wins", "losses"), [(24, 16), (14, 6), (60, 45)])
def test_clusters_of_one_row_need_as_many_as_independent_rows_do(wins, losses):
    duels = duels_of(np.array([[0, wins], [losses, 0]]))
    plain = Further(duels, 0.0, {}).needed(0, 1, missing, 0.5)
    rows = {(0, 1): [1.0] * wins + [0.0] * losses, (1, 0): [0.0] * wins + [1.0] * losses}
    clustered = Further(duels, 0.0, rows)
    assert clustered.needed(0, 1, missing, 0.5) == pytest.approx(plain, rel=0.35)
    assert clustered.needed(1, 0, missing, 0.5) is None


def test_further_clusters_scatter_as_those_before():
    means = [1.0, 0.2, 0.9, 0.3, 0.8, 0.4] * 4  # .6 on average
    n = Further(duels_of(np.zeros((2, 2), dtype=int)), 0.0, {(0, 1): means}).needed(0, 1, missing, 0.5)
    reached = next(24 * k for k in range(1, 30) if missing(log_cluster_evidence(1 - np.array(means * k))) >= 0)
    assert reached - len(means) == pytest.approx(n, rel=0.3)
    alike = [0.6] * len(means)  # not so were all of them alike
    assert Further(duels_of(np.zeros((2, 2), dtype=int)), 0.0, {(0, 1): alike}).needed(0, 1, missing, 0.5) < 0.5 * n
