"""Evidence of rows that are not independent: rows of one prompt, judge or conversation.

The rule behind it: take rows that share nothing, one of each cluster, and bet on them; then average over all ways to
take them. Each way is an e-value, and so is their average, whatever the dependence inside a cluster. Where clusters are
disjoint the average has a closed form, the product of one bet on each cluster's mean (`ClusterBets`); where they cross,
as prompts and judges do, it is an average of drawn ways (`crossed_evidence`).

Source: Waudby-Smith and Ramdas (2024), betting on bounded means; Vovk and Wang (2021), averages of e-values; Ville.
"""

from __future__ import annotations

from math import exp, log, log1p

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.llm_po.compiled import compiled
from poets_core.llm_po.evidence import log_evidence_at
from poets_core.types import F8, I8

STEPS = 32
"""Stakes that are averaged over: with 32 the mixture costs as much as Jeffreys' own up to some thousand clusters."""
STAKES: Float64[np.ndarray, " stakes"] = np.cos(np.pi * (2.0 * np.arange(STEPS) + 1.0) / (4.0 * STEPS))
"""In (0, 1), equally likely: Chebyshev's nodes, (1 + stake) / 2 has Jeffreys' Beta(1/2, 1/2) prior above 1/2."""
DRAWS, FEWEST_DRAWS, WORK = 400, 40, 20_000_000
"""Ways to take rows that are drawn of crossed clusters, fewest of them, and rows looked at for one pair at most."""


# -- disjoint clusters ---------------------------------------------------


@compiled
def bet(sums: F8, mean: float, bound: float) -> float:
    """Add a cluster's mean to the logarithms of the products, one for each stake; return log E, nats.

    Args:
        sums: f8 (stakes,), changed in place.
        mean: of the outcomes of the cluster, in [0, 1].
        bound: log E is against "the mean is `bound` or more".
    """
    # In units in which a lost bet loses the stake: 1 - bound is what a mean of 1 lies above the bound.
    x = (bound - mean) / (1.0 - bound)
    top = -np.inf
    for s in range(len(sums)):
        sums[s] += log1p(STAKES[s] * x)
        top = max(top, sums[s])
    total = 0.0
    for s in range(len(sums)):
        total += exp(sums[s] - top)
    return top + log(total / len(sums))


def log_cluster_evidence(means: Float64[np.ndarray, " clusters"], bound: float = 0.5) -> float:
    """log E against "a cluster's mean is expected to be `bound` or more", in nats.

    E is the mean over stakes l of prod_c (1 + l (bound - y_c) / (1 - bound)): at 1/2, of prod_c (1 - l (2 y_c - 1)).
    Its expectation is at most 1 at any stopping time if E[y_c | clusters before] >= bound, whatever the dependence of
    the rows inside a cluster.

    Args:
        means: y_c in [0, 1], ties 1/2; their order does not matter.
        bound: in (0, 1).
    """
    return evidence_of(products(means, bound))


def products(means: Float64[np.ndarray, " clusters"], bound: float) -> Float64[np.ndarray, " stakes"]:
    """Return the logarithm of every stake's product of bets; see `log_cluster_evidence`."""
    x = (bound - np.asarray(means, dtype=np.float64)) / (1.0 - bound)
    return np.asarray(np.log1p(np.multiply.outer(STAKES, x)).sum(1))


def evidence_of(sums: Float64[np.ndarray, " stakes"]) -> float:
    """Return log E of the products of all stakes, nats."""
    return float(np.logaddexp.reduce(sums) - log(len(sums)))


# -- crossed clusters ----------------------------------------------------


def crossed_evidence(
    outcomes: Float64[np.ndarray, " rows"], keys: Int64[np.ndarray, "rows kinds"], bound: float, seed: int
) -> float:
    """log E against "the first policy wins with probability `bound` or more", of rows whose clusters cross; nats.

    The mean over drawn ways (the largest 1 % as 0) of the evidence of rows that share no cluster of any kind. Which
    rows are taken does not depend on outcomes, so each way is an e-value under dependence through every kind, and so is
    their mean. It is one of all rows at once: it may be looked at when the last of them is in, not before.

    Args:
        outcomes: 1, 0 or 1/2 of the first policy.
        keys: cluster of each row in each kind, -1 where the row names none.
        bound: 1/2, or less by an indifference zone.
        seed: of the draws.
    """
    return mean_evidence(*ways(outcomes, keys, seed), bound)


def ways(
    outcomes: Float64[np.ndarray, " rows"], keys: Int64[np.ndarray, "rows kinds"], seed: int
) -> tuple[Int64[np.ndarray, " draws"], Int64[np.ndarray, " draws"]]:
    """Return wins and losses of the first policy in each drawn way to take rows; see `crossed_evidence`."""
    rng = np.random.default_rng(seed)
    wins, losses = _taken(outcomes, np.ascontiguousarray(keys), draws_for(len(outcomes)), rng)
    return wins, losses


def draws_for(rows: int) -> int:
    """Return how many ways are drawn of so many rows."""
    return int(np.clip(WORK // max(1, rows), FEWEST_DRAWS, DRAWS))


def most_apart(keys: Int64[np.ndarray, "rows kinds"]) -> int:
    """Return how many rows that share nothing one draw takes: it hardly differs between draws."""
    ones = np.ones(len(keys))
    wins, _ = _taken(ones, np.ascontiguousarray(keys), 1, np.random.default_rng(0))
    return int(wins[0])


@compiled
def _taken(outcomes: F8, keys: I8, draws: int, rng: np.random.Generator) -> tuple[I8, I8]:
    """Wins and losses among the rows of each draw, (draws,) both."""
    n, kinds = keys.shape
    wins, losses = np.zeros(draws, dtype=np.int64), np.zeros(draws, dtype=np.int64)
    used = np.full((kinds, keys.max() + 2), -1)
    order = np.arange(n)
    for d in range(draws):
        # In random order, each row that shares nothing with those taken before.
        for at in range(n - 1, -1, -1):
            other = int(rng.random() * (at + 1))
            order[at], order[other] = order[other], order[at]
            row = order[at]
            free = True
            for kind in range(kinds):
                free = free and (keys[row, kind] < 0 or used[kind, keys[row, kind]] != d)
            if not free:
                continue
            for kind in range(kinds):
                if keys[row, kind] >= 0:
                    used[kind, keys[row, kind]] = d
            wins[d] += outcomes[row] > 0.5
            losses[d] += outcomes[row] < 0.5
    return wins, losses


@compiled
def mean_evidence(wins: I8, losses: I8, bound: float) -> float:
    """log of the mean E over ways, nats; see `crossed_evidence`."""
    found = np.empty(len(wins))
    for d in range(len(wins)):
        found[d] = log_evidence_at(wins[d], losses[d], bound)
    # A single draw may be lucky by itself, whatever the rows say. The largest hundredth counts as nothing, which only
    # lowers E, so that no verdict hangs on a few draws.
    found.sort()
    kept = found[: len(found) - max(1, len(found) // 100)]
    top = kept[-1]
    return float(top + log(np.exp(kept - top).sum() / len(found)))
