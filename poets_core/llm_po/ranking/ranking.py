"""The ranking of an experiment at one moment: rank intervals, mean win probabilities, Bradley-Terry scores, groups.

A policy's rank is one more than the number of policies that beat it, so that the Condorcet winner is the one of rank 1
and the ranking never contradicts a verdict. Everything that is claimed follows from one family of intervals: it holds
as a whole, at all moments together, with error at most delta.

Source: intervals as in `intervals` and `means`; simultaneous rank intervals by counting what is certain (Mogstad,
Romano, Shaikh and Wilhelm 2024, inference for ranks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log as nats
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.special import logit

from poets_core.llm_po.comparison import Two
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.ranking.intervals import cluster_interval, crossed_interval, pair_intervals
from poets_core.llm_po.ranking.means import mean_intervals, planned_intervals
from poets_core.llm_po.ranking.scores import MOST_WITH_FEATURES, difference_bounds, fitted_scores, with_features
from poets_core.types import F8


@dataclass(frozen=True)
class Pairs:
    """Win probabilities of all pairs.

    Attributes:
        lower, upper: ends, 0 and 1 where nothing is known; the diagonal is 1/2.
        share: of wins; 1/2 where nothing is known.
        won: wins, or halves and means of clusters, from which the estimate comes.
        known: pairs whose interval is not all of [0, 1] for lack of comparisons.
    """

    lower: Float64[np.ndarray, "K K"]
    upper: Float64[np.ndarray, "K K"]
    share: Float64[np.ndarray, "K K"]
    won: Float64[np.ndarray, "K K"]
    known: Bool[np.ndarray, "K K"]


@dataclass(frozen=True)
class Scores:
    """Bradley-Terry scores, log odds against an average policy.

    Attributes:
        score, lower, upper: of each policy, infinite where nothing bounds it.
        far: largest s_i - s_j.
        features: whether features were used.
    """

    score: F8
    lower: F8
    upper: F8
    far: Float64[np.ndarray, "K K"]
    features: bool


@dataclass(frozen=True)
class LogFacts:
    """What an experiment on a log knows before any outcome.

    Attributes:
        uncertified: pairs that were shown in one order alone: nothing is claimed of them.
        decided: symmetric; rows of each pair that are no ties. None where rows were added later, when some outcomes
            were known: then they are no plan.
    """

    uncertified: Collection[Two]
    decided: Int64[np.ndarray, "K K"] | None


def ranking_of(
    experiment: Experiment,
    *,
    log: LogFacts | None = None,
    costs: Mapping[str, float] | None = None,
    pairs: bool = False,
) -> dict[str, Any]:
    """Return the ranking as JSON data, see `poets_core.runs.views.ranking`.

    Args:
        experiment: at any moment.
        log: that it reads; None where pairs are judged as they are asked.
        costs: mean cost of a response by policy, where it is known.
        pairs: whether to add the interval of every pair that was compared.
    """
    names, k = experiment.policies, len(experiment.policies)
    found, (low, high) = intervals_of(experiment, log)
    scores, means = _scores(experiment, found), _mean_share(found)
    # A policy beats another where it wins more often by more than the indifference zone.
    zone = 0.5 + experiment.tie_zone
    ranks: dict[str, list[tuple[int, int]] | None] = {
        # Certain of a duel is what both ends say: who is shown to beat whom, and who may.
        "duels": (duels := ranks_of(found.lower > zone, found.upper > zone)),
        "mean": ranks_of(low[:, None] > high[None, :], high[:, None] > low[None, :]),
        "bradley-terry": None if scores is None else _model_ranks(scores, duels, float(logit(zone))),
    }
    doubted = experiment.structured is not None and experiment.structured.doubted
    assumed = experiment.structured is not None and not doubted and scores is not None
    counts = _counts(experiment)
    out: dict[str, Any] = {
        "delta": experiment.delta,
        "by": "bradley-terry" if assumed else "duels",
        "tie_zone": experiment.tie_zone,
        "contradicted": scores is None or doubted,
        "features": scores is not None and scores.features,
        "uncertified": [] if log is None else [list(pair) for pair in sorted(log.uncertified)],
        "policies": [
            {
                "name": names[i],
                "ranks": {by: None if of is None else list(of[i]) for by, of in ranks.items()},
                "mean": [float(v[i]) for v in (means, low, high)],
                "score": None if scores is None else [float(v[i]) for v in (scores.score, scores.lower, scores.upper)],
                **counts[i],
                "cost": None if costs is None else costs.get(names[i]),
            }
            for i in range(k)
        ],
        "groups": {by: None if of is None else groups_of(of, means) for by, of in ranks.items()},
        "pairs": None,
    }
    if pairs:
        judged = [(i, j) for i in range(k) for j in range(i + 1, k) if experiment.duels.judged[i, j]]
        out["pairs"] = [[i, j, *(float(v[i, j]) for v in (found.share, found.lower, found.upper))] for i, j in judged]
    return out


# -- intervals -----------------------------------------------------------


def intervals_of(
    experiment: Experiment, log: LogFacts | None = None
) -> tuple[Pairs, tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]]:
    """Return the intervals of all pairs and of the mean win probabilities, which hold all together.

    Args:
        experiment: at any moment.
        log: that it reads.
    """
    k, delta = len(experiment.policies), experiment.delta
    every, apart = k * (k - 1) // 2, np.zeros((k, k), dtype=np.bool_)
    if log is not None:
        at = {name: i for i, name in enumerate(experiment.policies)}
        for a, b in log.uncertified:
            apart[at[a], at[b]] = apart[at[b], at[a]] = True
    if experiment.clusters is not None:
        # Rows of different pairs may depend on each other: the error is shared, and nothing is multiplied.
        found = _clustered(experiment, nats(2.0 * every / delta), apart)
        return found, _averages(found)
    # What was shown in one order alone tells quality from order by nothing: such pairs keep their whole interval.
    wins = experiment.wins.copy()
    wins[apart] = 0
    planned = np.zeros((k, k), dtype=np.int64)
    if log is not None and log.decided is not None:
        planned = np.where(apart, 0, log.decided)
    lower, upper, low, high = simultaneous(wins, delta, None if log is None else planned, used=~apart)
    return _pairs(lower, upper, wins.astype(np.float64)), (low, high)


def simultaneous(
    wins: Int64[np.ndarray, "... K K"],
    delta: float,
    planned: Int64[np.ndarray, "K K"] | None = None,
    used: Bool[np.ndarray, "K K"] | None = None,
) -> tuple[
    Float64[np.ndarray, "... K K"],
    Float64[np.ndarray, "... K K"],
    Float64[np.ndarray, "... K"],
    Float64[np.ndarray, "... K"],
]:
    """Return ends of the win probabilities of all pairs, then of all means: all hold, always, with error delta at most.

    For comparisons that are independent given the past.

    Args:
        wins: entry (i, j) is how often i was preferred to j.
        delta: of everything together.
        planned: decided comparisons that each pair will have, where that is known beforehand.
        used: symmetric; pairs that say something of the means; None: all.
    """
    k, turned = wins.shape[-1], np.swapaxes(wins, -1, -2)
    every = k * (k - 1) // 2  # shared by all pairs, for rows of any of them may still come
    # Half of delta for all pairs, half for the K means; with a log a quarter for each of two ways to bound those.
    lower, upper = pair_intervals(wins, turned, nats(2.0 * every / delta))
    diagonal = np.eye(k, dtype=np.bool_)
    lower, upper = np.where(diagonal, 0.5, lower), np.where(diagonal, 0.5, upper)
    share = 2.0 if planned is None else 4.0
    all_used = np.ones((k, k), dtype=np.bool_) if used is None else used
    low, high = mean_intervals(wins, all_used, nats(share * k / delta))
    # All hold in the same event, so that the tightest ends count.
    low = np.maximum(low, (lower.sum(-1) - 0.5) / (k - 1))
    high = np.minimum(high, (upper.sum(-1) - 0.5) / (k - 1))
    if planned is not None:
        ends = planned_intervals(wins, planned, (lower, upper), nats(2.0 * share * k / delta))
        low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
    return lower, upper, low, high


def _averages(found: Pairs) -> tuple[Float64[np.ndarray, " K"], Float64[np.ndarray, " K"]]:
    k = len(found.lower)
    low, high = ((ends.sum(1) - 0.5) / (k - 1) for ends in (found.lower, found.upper))  # less the diagonal
    return low, high


def _pairs(lower: F8, upper: F8, won: F8) -> Pairs:
    n = won + won.T
    share = np.where(n > 0, won / np.where(n > 0, n, 1.0), 0.5)
    for ends in (lower, upper, share):
        np.fill_diagonal(ends, 0.5)
    return Pairs(lower, upper, share, won, n > 0)


def _clustered(experiment: Experiment, level: float, apart: Bool[np.ndarray, "K K"]) -> Pairs:
    """Pairs whose rows count cluster by cluster; ties are half a win here, of single rows too."""
    state, names, k = experiment.clusters, experiment.policies, len(experiment.policies)
    lower, upper, won = np.zeros((k, k)), np.ones((k, k)), np.zeros((k, k))
    if state is None:
        return _pairs(lower, upper, won)
    for i, first in enumerate(names):
        for j in range(i + 1, k):
            if not experiment.duels.judged[i, j] or apart[i, j]:
                continue
            second, wins = names[j], experiment.wins
            drawn = state.ways(first, second)
            if drawn is not None:
                means = np.asarray(state.means(first, second))
                ends = crossed_interval(*drawn, level)
                # At the share of all rows, what one way consists of.
                n = float(state.apart(first, second) or 0)
                won[i, j], won[j, i] = n * means.mean(), n * (1.0 - means.mean())
            else:
                if state.plain(first, second):
                    ties = int(experiment.duels.judged[i, j] - wins[i, j] - wins[j, i])
                    means = np.repeat([1.0, 0.0, 0.5], [wins[i, j], wins[j, i], ties])
                else:
                    means = np.asarray(state.means(first, second))
                if not len(means):  # no cluster is complete yet
                    continue
                ends = cluster_interval(means, level)
                won[i, j], won[j, i] = means.sum(), (1.0 - means).sum()
            lower[i, j], upper[i, j] = ends
            lower[j, i], upper[j, i] = 1.0 - ends[1], 1.0 - ends[0]
    return _pairs(lower, upper, won)


# -- ranks ---------------------------------------------------------------


def ranks_of(beats: Bool[np.ndarray, "K K"], may_beat: Bool[np.ndarray, "K K"]) -> list[tuple[int, int]]:
    """Return each policy's best and worst possible rank: one more than how many beat it.

    Args:
        beats: the row certainly beats the column.
        may_beat: the row may beat the column.
    """
    others = ~np.eye(len(beats), dtype=np.bool_)
    best, worst = 1 + (beats & others).sum(0), 1 + (may_beat & others).sum(0)
    return list(zip(best.tolist(), worst.tolist(), strict=True))


def groups_of(ranks: Sequence[tuple[int, int]], means: F8) -> list[list[int]]:
    """Return groups that cannot be told apart: policies whose rank intervals overlap, directly or through others.

    Places of the policies, the best group first, in each the best by `means` first.
    """
    groups: list[list[int]] = []
    reach = 0
    for i in sorted(range(len(ranks)), key=lambda i: ranks[i][0]):
        if groups and ranks[i][0] <= reach:
            groups[-1].append(i)
        else:
            groups.append([i])
        reach = max(reach, ranks[i][1])
    return [sorted(group, key=lambda i: (-means[i], i)) for group in groups]


def _mean_share(found: Pairs) -> Float64[np.ndarray, " K"]:
    """Return the mean estimate over the opponents that a policy has met; 1/2 before any."""
    met = found.known.sum(1)
    total = np.where(found.known, found.share, 0.0).sum(1)
    return np.asarray(np.where(met > 0, total / np.maximum(1, met), 0.5))


def _scores(experiment: Experiment, found: Pairs) -> Scores | None:
    """Return scores of all policies; None where no scores fit the intervals."""
    features, far = experiment.features, difference_bounds(found.upper.copy())
    if far is None:
        return None
    score = fitted_scores(found.won, features)
    # s_i less the mean score is the mean of all s_i - s_j, which is bounded term by term.
    upper, lower = far.mean(1), -far.mean(0)
    used = features is not None and len(score) <= MOST_WITH_FEATURES
    if features is not None and used:
        tighter = with_features(far, features)
        if tighter is None:
            return None
        lower, upper = np.maximum(lower, tighter[0]), np.minimum(upper, tighter[1])
        far = np.minimum(far, upper[:, None] - lower[None, :])
        np.fill_diagonal(far, 0.0)
    return Scores(score, lower, upper, far, used)


def _model_ranks(scores: Scores, ranks: Sequence[tuple[int, int]], zone: float) -> list[tuple[int, int]]:
    """Return rank intervals where one score per policy decides; never wider than those without the model."""
    # s_j - s_i is at most far[j, i] and at least -far[i, j]: j beats i for certain, or may.
    certain, may = zone < (-scores.far).T, scores.far > zone
    under = ranks_of(certain, may)
    return [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(under, ranks, strict=True)]


def _counts(experiment: Experiment) -> list[dict[str, int]]:
    judged, wins = experiment.duels.judged, experiment.wins
    bad = Counter(name for c in experiment.comparisons if c.both_bad for name in (c.first, c.second))
    out = []
    for i, name in enumerate(experiment.policies):
        n, won, lost = int(judged[i].sum()), int(wins[i].sum()), int(wins[:, i].sum())
        ties = n - won - lost - bad[name]
        out.append({"comparisons": n, "wins": won, "losses": lost, "ties": ties, "both_bad": bad[name]})
    return out
