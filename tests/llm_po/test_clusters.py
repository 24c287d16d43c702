"""Evidence of rows that depend on each other: brute force, exact enumeration, null logs of every shape."""

from __future__ import annotations

import itertools
from math import comb, log

import numpy as np
import pytest

from benchmarks.logs_cells import NOBODY, crossed_log, independent_log, play, row
from poets_core.errors import InvalidComparisons
from poets_core.keyed import rng_for
from poets_core.llm_po.cluster_state import ClusterState
from poets_core.llm_po.clusters import STAKES, crossed_evidence, log_cluster_evidence
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.dependence import dependence_of
from poets_core.llm_po.evidence import log_evidence
from poets_core.llm_po.experiment import Experiment

DELTA = 0.1


def products(means, bound=0.5):
    """Every stake's product of bets, written out."""
    return [np.prod([1.0 + stake * (bound - y) / (1.0 - bound) for y in means]) for stake in STAKES]


@pytest.mark.parametrize("bound", [0.5, 0.4, 0.6])
@pytest.mark.parametrize("means", [[], [0.0], [1.0], [0.5, 0.5], [0.0, 0.25, 0.9, 1.0, 1 / 3], [0.1] * 40])
def test_evidence_is_the_mean_over_stakes_of_the_product_of_bets(means, bound):
    expected = log(np.mean(products(means, bound)))
    assert log_cluster_evidence(np.array(means), bound) == pytest.approx(expected, abs=1e-12)
    assert log_cluster_evidence(np.array(means[::-1]), bound) == pytest.approx(expected, abs=1e-12)


def test_a_bet_on_the_mean_is_the_average_over_all_ways_to_take_one_row_of_each_cluster():
    clusters = [[0.0, 1.0, 1.0], [0.0], [0.5, 0.0], [0.0, 0.0, 1.0, 0.5]]
    ways = [np.mean(products(way)) for way in itertools.product(*clusters)]
    found = log_cluster_evidence(np.array([np.mean(c) for c in clusters]))
    assert found == pytest.approx(log(np.mean(ways)), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "shares", "bound"),
    [
        ([0.0, 1.0], [0.5, 0.5], 0.5),
        ([0.0, 0.5, 1.0], [0.4, 0.2, 0.4], 0.5),  # rows of a cluster that agree, or not, however often
        ([0.2, 0.9], [4 / 7, 3 / 7], 0.5),
        ([0.0, 1.0], [0.6, 0.4], 0.4),
        ([0.0, 1.0], [0.3, 0.7], 0.5),  # better than the bound: E falls
    ],
)
def test_e_is_a_supermartingale_and_ever_exceeds_its_level_no_more_often_than_it_may(values, shares, bound):
    """Every sequence of nine clusters, six where there are three values, exactly."""
    n, ever, mean = 9 if len(values) == 2 else 6, 0.0, 0.0
    for way in itertools.product(range(len(values)), repeat=n):
        chance = np.prod([shares[v] for v in way])
        path = [log_cluster_evidence(np.array([values[v] for v in way[:t]]), bound) for t in range(1, n + 1)]
        ever += chance * (max(path) >= log(1 / 0.1))
        mean += chance * np.exp(path[-1])
    expected = np.dot(values, shares)
    assert mean == pytest.approx(1.0) if expected == pytest.approx(bound) else mean < 1.0
    assert ever <= 0.1


def test_the_mixture_costs_no_more_than_that_of_independent_rows():
    for n in (10, 100, 1000, 4000):
        for share in (0.05, 0.2, 0.4):
            wins = int(share * n)
            means = np.repeat([1.0, 0.0], [wins, n - wins])
            # it looks at one side only, which brings up to log 2
            assert log_cluster_evidence(means) > float(log_evidence(wins, n - wins)) - 0.1


@pytest.mark.parametrize("cause", ["prompts", "judges", "both"])
def test_crossed_clusters_exactly(cause):
    """All answers of four prompts and leanings of four judges: E of the crossed rows has mean 1 at most."""
    keys = np.array([(p, q) for p in range(4) for q in range(4)])
    total, counted = 0.0, 0.0
    for way in itertools.product([0.0, 1.0], repeat=8):
        a, b = np.array(way[:4])[keys[:, 0]], np.array(way[4:])[keys[:, 1]]
        outcomes = a if cause == "prompts" else b if cause == "judges" else (a == b).astype(float)
        total += np.exp(crossed_evidence(outcomes, keys, 0.5, 0)) / 256
        counted += np.exp(float(log_evidence(int(outcomes.sum()), int(16 - outcomes.sum())))) / 256
    assert total <= 1.0 + 1e-9
    if cause != "both":
        assert counted > 3.0  # as if rows were independent


def test_crossed_evidence_is_an_average_over_rows_that_share_nothing():
    """Of a Latin square all ways take one row a prompt, and these have other judges: permutations, all alike here."""
    keys = np.array([(p, q) for p in range(5) for q in range(5)])
    outcomes = (keys[:, 0] != keys[:, 1]).astype(float)
    # wins = 5 less the fixed points of a random permutation
    fixed = [comb(5, k) * derangements for k, derangements in zip(range(6), (44, 9, 2, 1, 0, 1), strict=True)]
    expected = sum(m * np.exp(float(log_evidence(k, 5 - k))) for k, m in enumerate(fixed)) / 120
    draws = np.exp([crossed_evidence(1.0 - outcomes, keys, 0.5, seed) for seed in range(40)])
    assert 0.5 * expected < draws.mean() < 1.02 * expected  # the largest hundredth of the draws counts as nothing


# -- which rows depend -----------------------------------------------------


def log_of(*triples):
    """Rows "A against B" with these prompts and judges."""
    return [row(n + 1, pair[0], pair[1], True, prompt, judge) for n, (pair, prompt, judge) in enumerate(triples)]


@pytest.mark.parametrize(
    ("rows", "units", "says"),
    [
        (log_of(("AB", "", ""), ("AB", "", "")), [(1,), (2,)], "names no prompt"),
        (log_of(("AB", "p", ""), ("AB", "q", "")), [(1,), (2,)], "No two rows share a prompt"),
        (log_of(("AB", "p", ""), ("AB", "q", ""), ("BA", "p", "")), [(1, 3), (2,)], "Rows of one prompt count as one"),
        (log_of(("AB", "p", "me"), ("AB", "q", "me"), ("AB", "p", "me")), [(1, 3), (2,)], "about the 1 judge of this"),
        (log_of(("AB", "", "me"), ("AB", "", "me")), [(1,), (2,)], "independent but for their judges"),
        # many judges who have prompts of their own: rows of a judge hang together
        (
            log_of(*(("AB", f"p{n}", f"j{n // 2}") for n in range(24))),
            [(2 * n + 1, 2 * n + 2) for n in range(12)],
            "or",
        ),
    ],
)
def test_rows_that_share_a_cluster_are_one_unit(rows, units, says):
    found = dependence_of(rows)
    assert list(found.pairs["A", "B"].units) == units
    assert not found.crossed
    assert says in found.sentence()
    assert found.dependent == any(len(u) > 1 for u in units)


def test_prompts_and_many_judges_cross_and_few_judges_are_taken_as_they_are():
    many = dependence_of(crossed_log(12, 10, 1.0, "prompt", rng_for(0, "log")))
    assert many.crossed
    assert many.sampled == ("prompt", "judge")
    assert "12 prompts and 10 judges, which cross" in many.sentence()
    few = dependence_of(crossed_log(12, 9, 1.0, "prompt", rng_for(0, "log")))
    assert (few.crossed, few.given, len(few.pairs["A", "B"].units)) == (False, ("judge",), 12)
    assert "9 judges of this log, and not about others" in few.sentence()


# -- in an experiment ------------------------------------------------------


def told(rows, names, **options):
    """An experiment that was told these rows, in this order."""
    experiment = Experiment(names, DELTA, **options)
    for r in rows:
        experiment.record(Comparison(r.first, r.second, r.outcome, row=r.index))
    return experiment


def test_rows_that_share_nothing_are_counted_as_without_a_log():
    p = np.array([[0.5, 0.7, 0.8], [0.3, 0.5, 0.6], [0.2, 0.4, 0.5]])
    rows = independent_log(p, "ABC", 30, rng_for(0, "log"), ())
    with_log, without = told(rows, "ABC", dependence=dependence_of(rows)), told(rows, "ABC")
    for one, other in zip(with_log.duels, without.duels, strict=True):
        assert np.array_equal(one, other)
    assert with_log.next_pairs(3) == without.next_pairs(3)


def test_the_order_of_rows_within_a_cluster_changes_nothing_and_a_cluster_half_seen_does_not_count():
    rows = crossed_log(6, 3, 0.7, "prompt", rng_for(1, "log"))
    dependence = dependence_of(rows)
    whole = told(rows, NOBODY, dependence=dependence)
    for seed in range(5):
        order = [3 * p + int(q) for p in range(6) for q in rng_for(seed, "order", p).permutation(3)]
        other = told([rows[o] for o in order], NOBODY, dependence=dependence)
        assert np.array_equal(other.duels.against, whole.duels.against)
    five, three = (told(rows[:n], NOBODY, dependence=dependence).duels for n in (5, 3))
    assert np.array_equal(five.against, three.against)
    assert five.judged[0, 1] == 5
    means = [np.mean([r.outcome == "first" for r in rows[3 * p : 3 * p + 3]]) for p in range(6)]
    assert whole.duels.against[0, 1] == pytest.approx(log_cluster_evidence(np.array(means)))
    assert whole.duels.shown[0, 1] == pytest.approx(log_cluster_evidence(1.0 - np.array(means)))


def test_copies_of_a_row_change_nothing():
    once, eight = (crossed_log(30, 1, 1.0, "prompt", rng_for(2, "log"), copies=n) for n in (1, 8))
    found = told(eight, NOBODY, dependence=dependence_of(eight)).duels.against
    means = np.array([float(r.outcome == "first") for r in once])
    assert found[0, 1] == pytest.approx(log_cluster_evidence(means))


def test_duels_on_the_same_prompts_are_not_multiplied():
    """A loses to everybody on one prompt: one surprise, not one for each of its opponents."""
    names = "ABCDE"
    rows = log_of(*((f"{other}A", f"p{n}", "") for n in range(3) for other in names[1:]))
    score = told(rows, names, dependence=dependence_of(rows)).duels.score[0]
    assert score == max(0.0, float(log_evidence(0, 3)) - log(4))
    assert told(rows, names).duels.score[0] > 2 * score


def test_a_row_counts_once_and_must_be_of_the_log():
    rows = crossed_log(2, 2, 1.0, "prompt", rng_for(0, "log"))
    state = ClusterState(dependence_of(rows), 0.5)
    state.record(Comparison("A", "B", "first", row=1))
    for wrong in (1, 9, 0):
        with pytest.raises(InvalidComparisons, match="row of the log that was not counted before"):
            state.record(Comparison("A", "B", "first", row=wrong))


@pytest.mark.parametrize(
    ("prompts", "judges", "agreement", "by", "copies"),
    [
        (40, 12, 0.9, "judge", 1),
        (40, 12, 1.0, "both", 1),
        (40, 4, 1.0, "prompt", 1),
        (60, 2, 0.8, "prompt", 1),
        (40, 1, 1.0, "prompt", 8),
    ],
)
def test_null_logs_have_no_more_winners_than_the_error_allows(prompts, judges, agreement, by, copies):
    runs, winners, before = 24, 0, 0
    for seed in range(runs):
        rows = crossed_log(prompts, judges, agreement, by, rng_for(seed, "null"), copies)
        winners += play(rows, NOBODY, delta=DELTA, seed=seed).verdict is not None
        before += play(rows, NOBODY, delta=DELTA, seed=seed, shared=False).verdict is not None
    assert winners <= 5  # more has probability under 4 % at a share of winners of delta
    if judges >= 4 or copies > 1:
        assert before > 5  # counted as independent they have
