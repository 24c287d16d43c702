"""The ranking of an experiment: intervals against brute force and closed forms, coverage at every step, ranks."""

from __future__ import annotations

from itertools import permutations, product
from math import comb, exp, lgamma, log, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest

from poets_core.keyed import rng_for
from poets_core.llm_po.clusters import log_cluster_evidence, mean_evidence
from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.dependence import dependence_of
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.log import Row
from poets_core.llm_po.ranking.intervals import cluster_interval, crossed_interval, evidence_against, pair_intervals
from poets_core.llm_po.ranking.means import mean_intervals, planned_intervals
from poets_core.llm_po.ranking.ranking import LogFacts, groups_of, intervals_of, ranking_of, ranks_of, simultaneous
from poets_core.llm_po.ranking.scores import difference_bounds, fitted_scores, with_features

DELTA = 0.2


def played(wins, *, delta=DELTA, **more):
    """An experiment with these wins (row over column)."""
    names = [f"p{i}" for i in range(len(wins))]
    found = Experiment(names, delta, **more)
    for i, j in product(range(len(wins)), repeat=2):
        for _ in range(int(wins[i][j])):
            found.record(Comparison(names[i], names[j], "first"))
    return found


# -- one pair ------------------------------------------------------------


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (3, 2), (40, 11), (0, 7)])
def test_an_interval_holds_the_values_that_the_mixture_does_not_contradict(wins, losses):
    level, grid = log(20.0), np.linspace(0.0005, 0.9995, 1000)
    mixture = lgamma(wins + 0.5) + lgamma(losses + 0.5) - lgamma(wins + losses + 1) - log(pi)
    inside = [p for p in grid if mixture - wins * log(p) - losses * log(1 - p) <= level]
    low, high = (float(end[0]) for end in pair_intervals(np.array([wins]), np.array([losses]), level))
    assert (min(inside) - 0.001 <= low <= min(inside)) or (low == 0.0 and min(inside) == grid[0])
    assert (max(inside) <= high <= max(inside) + 0.001) or (high == 1.0 and max(inside) == grid[-1])


def test_the_mixture_is_an_e_process_of_expectation_one():
    """All sequences of six comparisons: the evidence against the truth has expectation exactly 1 at every length."""
    for p, n in product([0.2, 0.5, 0.9], range(1, 7)):
        ways = [(comb(n, w) * p**w * (1 - p) ** (n - w), w) for w in range(n + 1)]
        mean = sum(
            chance * exp(evidence_against(np.array([p]), np.array([w]), np.array([n - w]))[0]) for chance, w in ways
        )
        assert mean == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("means", [[0.5], [1.0, 0.0, 0.25], [1.0] * 12, [0.75] * 30 + [0.0] * 3])
def test_ends_of_clusters_are_where_the_bets_reach_the_level(means):
    level, y = 2.5, np.array(means)
    low, high = cluster_interval(y, level)
    for end, values in ((high, y), (1.0 - low, 1.0 - y)):
        if end < 1.0:
            assert log_cluster_evidence(values, end) == pytest.approx(level, abs=1e-6)
            assert log_cluster_evidence(values, 0.99 * end) < level
        else:
            assert log_cluster_evidence(values, 1.0 - 1e-9) <= level + 1e-6


def test_ends_of_crossed_rows_are_where_the_mean_over_ways_reaches_the_level():
    rng = rng_for(3, "test")
    wins = rng.integers(20, 30, 200)
    losses = 34 - wins
    low, high = crossed_interval(wins, losses, 2.0)
    assert mean_evidence(wins, losses, high) == pytest.approx(2.0, abs=1e-3)
    assert mean_evidence(losses, wins, 1.0 - low) == pytest.approx(2.0, abs=1e-3)


# -- means ---------------------------------------------------------------


def test_a_mean_goes_as_far_as_the_vectors_that_are_not_contradicted():
    wins = np.array([[0, 7, 2], [3, 0, 5], [9, 5, 0]])
    level = 3.0
    low, high = mean_intervals(wins, np.ones((3, 3), dtype=bool), level)
    for i in range(3):
        others = [j for j in range(3) if j != i]
        w, lost = wins[i, others], wins[others, i]

        # Brute force: every vector of two probabilities that is not contradicted.
        p, q = np.meshgrid(*[np.linspace(0.0005, 0.9995, 2000)] * 2)
        against = evidence_against(p, w[:1], lost[:1]) + evidence_against(q, w[1:], lost[1:])
        seen = ((p + q) / 2)[against <= level]
        assert low[i] == pytest.approx(seen.min(), abs=1e-3)
        assert low[i] <= seen.min()
        assert high[i] == pytest.approx(seen.max(), abs=1e-3)
        assert high[i] >= seen.max()


def test_a_pair_that_never_met_leaves_its_part_of_the_mean_open():
    wins = np.array([[0, 50, 0], [0, 0, 0], [0, 0, 0]])
    low, high = mean_intervals(wins, np.ones((3, 3), dtype=bool), 3.0)
    assert high[0] == 1.0
    assert 0.4 < low[0] < 0.5
    assert low[1] == 0.0
    assert 0.5 < high[1] < 0.6


# -- scores --------------------------------------------------------------


def test_scores_of_one_pair_are_its_log_odds_and_differences_chain():
    upper = np.array([[0.5, 0.6, 1.0], [0.7, 0.5, 0.8], [1.0, 1.0, 0.5]])
    far = difference_bounds(upper)
    assert far[0, 1] == pytest.approx(logit(0.6))
    assert far[0, 2] == pytest.approx(logit(0.6) + logit(0.8))
    assert np.isinf(far[2, 0])


def test_a_cycle_that_no_scores_can_explain_is_said():
    wins = np.array([[0, 200, 0], [0, 0, 200], [200, 0, 0]])
    found = ranking_of(played(wins))
    assert found["contradicted"]
    assert found["policies"][0]["ranks"]["bradley-terry"] is None
    assert [p["ranks"]["duels"] for p in found["policies"]] == [[2, 2]] * 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=6, max_size=6))
def test_fitted_scores_have_no_slope(counts):
    wins = np.zeros((3, 3))
    for (i, j), n in zip(permutations(range(3), 2), counts, strict=True):
        wins[i, j] = n
    s = fitted_scores(wins)

    def cost(s):
        return sum(wins[i, j] * np.log1p(np.exp(s[j] - s[i])) for i, j in permutations(range(3), 2))

    # Half a win and half a loss of each against an average policy, at the level that fits best.
    levels = np.linspace(-8, 8, 4001)
    level = levels[np.argmin([(np.log1p(np.exp(-s - t)) + np.log1p(np.exp(s + t))).sum() for t in levels])]

    def whole(s):
        return cost(s) + 0.5 * (np.log1p(np.exp(-s - level)) + np.log1p(np.exp(s + level))).sum()

    assert all(whole(s) <= whole(s + 0.02 * d) + 1e-6 for d in np.vstack([np.eye(3), -np.eye(3)]))


def test_features_only_tighten_and_keep_the_truth():
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    rng, theta = rng_for(1, "features"), 0.6
    wins = np.zeros((4, 4), dtype=np.int64)
    for i, j in zip(*np.triu_indices(4, 1), strict=True):
        wins[i, j] = rng.binomial(200, expit(theta * (x[i, 0] - x[j, 0])))
        wins[j, i] = 200 - wins[i, j]
    _, upper = pair_intervals(wins, wins.T, log(60.0))
    np.fill_diagonal(upper, 0.5)
    far = difference_bounds(upper)
    low, high = with_features(far, x)
    truth = theta * (x[:, 0] - 1.5)
    assert (low <= truth).all()
    assert (truth <= high).all()
    assert (high - low < far.mean(1) + far.mean(0)).all()


# -- coverage ------------------------------------------------------------


def histories(p, runs, steps, *, turns):
    """Wins after every comparison of so many experiments, (runs, steps, K, K)."""
    k = len(p)
    pairs = list(zip(*np.triu_indices(k, 1), strict=True))
    out = np.zeros((runs, steps, k, k), dtype=np.int64)
    for run in range(runs):
        rng, wins = rng_for(run, "coverage"), np.zeros((k, k), dtype=np.int64)
        for t in range(steps):
            # A sampler that follows the outcomes: the pair that looks most even, now and then another.
            even = min(pairs, key=lambda e: abs(wins[e] - wins[e[::-1]]) / (1 + wins[e] + wins[e[::-1]]) + rng.random())
            i, j = pairs[t % len(pairs)] if turns else even
            wins[(i, j) if rng.random() < p[i, j] else (j, i)] += 1
            out[run, t] = wins
    return out


TRUTHS = {
    "null": np.full((3, 3), 0.5),
    "scores": expit(np.subtract.outer([1.0, 0.0, -0.5], [1.0, 0.0, -0.5])),
    "cycle": np.array([[0.5, 0.8, 0.2], [0.2, 0.5, 0.8], [0.8, 0.2, 0.5]]),
}


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("planned", [False, True])
def test_all_intervals_hold_together_at_every_step(truth, planned):
    p, runs, steps = TRUTHS[truth], 100, 90
    mean = (p.sum(1) - 0.5) / 2
    decided = np.full((3, 3), steps // 3) - np.diag([steps // 3] * 3) if planned else None
    lower, upper, low, high = simultaneous(histories(p, runs, steps, turns=planned), DELTA, decided)
    pairs_missed = ((p < lower) | (p > upper)).any((1, 2, 3))
    missed = int((pairs_missed | ((mean < low) | (mean > high)).any((1, 2))).sum())
    assert (upper - lower)[:, -1].mean() < 0.6  # and yet they say something
    # Runs that miss would be more than this only once in a thousand suites if delta were exceeded.
    assert binomtest(missed, runs, DELTA, alternative="greater").pvalue > 1e-3, missed


def test_an_interval_for_one_look_would_not_hold_at_every_step():
    """The check above can fail: Wald's interval at the same level misses far more often than delta."""
    missed = 0
    for seed in range(200):
        y = rng_for(seed, "wald").random(200) < 0.5
        n = np.arange(1, 201)
        share = np.cumsum(y) / n
        missed += (np.abs(share - 0.5) > 1.282 * np.sqrt(0.25 / n))[10:].any()
    assert missed / 200 > 2 * DELTA


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_intervals_of_dependent_rows_hold(share):
    """Prompts that sway all their rows: each prompt prefers one policy with probability `share`, four rows alike."""
    missed, runs, prompts = 0, 40, 30
    for seed in range(runs):
        rng = rng_for(seed, "clusters")
        rows, index = [], 0
        for prompt in range(prompts):
            outcome = "first" if rng.random() < share else "second"
            for _ in range(4):
                index += 1
                rows.append(Row(index, index, f"q{prompt}", "p0", "p1", outcome, ("", ""), True))
        of = dependence_of(rows)
        found = Experiment(["p0", "p1"], DELTA, dependence=of)
        for row in rows:
            found.record(Comparison(row.first, row.second, row.outcome, row=row.index))
            if row.index % 4 == 0:
                around, _ = intervals_of(found)
                if not around.lower[0, 1] <= share <= around.upper[0, 1]:
                    missed += 1
                    break
    assert binomtest(missed, runs, DELTA, alternative="greater").pvalue > 1e-3, missed
    # Rows taken one by one would be four times as sure as they are.
    lower, upper = pair_intervals(np.array([4 * 21]), np.array([4 * 9]), log(2 / DELTA))
    assert around.upper[0, 1] - around.lower[0, 1] > 1.5 * float(upper[0] - lower[0])


def test_the_planned_mean_is_tighter_where_pairs_have_few_rows():
    k, n = 40, 5
    wins = np.full((k, k), 3)
    wins[np.tril_indices(k)] = 2
    np.fill_diagonal(wins, 0)
    planned = np.full((k, k), n)
    np.fill_diagonal(planned, 0)
    level = log(8 * k / 0.1)
    low, high = planned_intervals(wins, planned, (np.zeros((k, k)), np.ones((k, k))), level)
    joint = mean_intervals(wins, np.ones((k, k), dtype=bool), level)
    assert (high - low < 0.6 * (joint[1] - joint[0])).all()
    # Closed form: Hoeffding's half width for sum_t y_t / (n (K - 1)) over n (K - 1) rows.
    assert (high - low) / 2 == pytest.approx(np.sqrt(level / 2 / (n * (k - 1))), rel=1e-9)


# -- ranks and groups ----------------------------------------------------


def test_ranks_agree_with_every_order_that_is_possible():
    """Brute force: pairs that are open fall either way, and every rank that comes up lies in the interval."""
    beats = np.zeros((4, 4), dtype=bool)
    beats[0, 1] = beats[0, 2] = beats[1, 3] = True
    open_pairs = [(i, j) for i in range(4) for j in range(i) if not beats[i, j] and not beats[j, i]]
    may = beats.copy()
    for i, j in open_pairs:
        may[i, j] = may[j, i] = True
    seen = [set() for _ in range(4)]
    for way in product([0, 1], repeat=len(open_pairs)):
        full = beats.copy()
        for (i, j), turn in zip(open_pairs, way, strict=True):
            full[(i, j) if turn else (j, i)] = True
        for i in range(4):
            seen[i].add(1 + int(full[:, i].sum()))
    assert ranks_of(beats, may) == [(min(s), max(s)) for s in seen]


def test_groups_part_where_no_interval_reaches_across():
    assert groups_of([(1, 2), (5, 5), (2, 3), (4, 4), (1, 1)], np.array([0.5, 0.1, 0.4, 0.2, 0.9])) == [
        [4, 0, 2],
        [3],
        [1],
    ]


def test_a_clear_ranking_is_found_and_pairs_shown_in_one_order_leave_it_open():
    wins = np.array([[0, 150, 190], [50, 0, 150], [10, 50, 0]])
    found = ranking_of(played(wins), pairs=True)
    assert [p["ranks"]["duels"] for p in found["policies"]] == [[1, 1], [2, 2], [3, 3]]
    assert found["groups"]["mean"] == [[0], [1], [2]]
    assert len(found["pairs"]) == 3
    decided = wins + wins.T
    one_order = LogFacts([("p0", "p1")], decided)
    withheld = ranking_of(played(wins), log=one_order)
    assert [p["ranks"]["duels"] for p in withheld["policies"]] == [[1, 2], [1, 2], [3, 3]]
    assert withheld["uncertified"] == [["p0", "p1"]]


def test_both_bad_is_counted_apart_from_ties():
    found = Experiment(["p0", "p1"], 0.1)
    for bad in (True, False, False):
        found.record(Comparison("p0", "p1", "tie", both_bad=bad))
    first = ranking_of(found)["policies"][0]
    assert (first["ties"], first["both_bad"], first["comparisons"]) == (2, 1, 3)


def test_three_hundred_policies_are_ranked():
    k, rng = 300, rng_for(0, "many")
    found = Experiment([f"p{i}" for i in range(k)], 0.1)
    s = np.linspace(1.5, -1.5, k)
    wins = rng.binomial(5, expit(np.subtract.outer(s, s)))
    wins[np.tril_indices(k)] = (5 - wins.T)[np.tril_indices(k)]
    np.fill_diagonal(wins, 0)
    found.duels.wins[:] = wins
    found.duels.judged[:] = wins + wins.T
    out = ranking_of(found, log=LogFacts((), wins + wins.T), pairs=True)
    truth = expit(np.subtract.outer(s, s))
    mean = (truth.sum(1) - 0.5) / (k - 1)
    for i, p in enumerate(out["policies"]):
        assert p["ranks"]["mean"][0] <= i + 1 <= p["ranks"]["mean"][1]
        assert p["mean"][1] <= mean[i] <= p["mean"][2]
    assert out["policies"][0]["ranks"]["mean"][1] < 100
    assert len(out["pairs"]) == k * (k - 1) // 2
