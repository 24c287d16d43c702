"""Bets on what people prefer, where only a known share of comparisons is shown to a person.

A comparison of two policies falls into a stratum, the judge's verdict: for the second, a tie, for the first. Before it
is made, each stratum has a prediction f of what a person would say (in [0, 1], 1: the first policy) and a probability
pi > 0 with which a person is asked. With the person's label h and A = 1 where one was asked,

    y = f + (h - f) A / pi,   E[y | the past, verdict] = E[h | the past, verdict],

whatever the judge is worth: a bad one costs labels, never truth. f is the judge's verdict itself, or what people were
seen to say where the judge says so, which has less scatter.

Source: Robins, Rotnitzky and Zhao (1994), augmented inverse propensity; Waudby-Smith and Ramdas (2024), betting on
bounded means; Ville's inequality.
"""

from __future__ import annotations

from math import exp, log, log1p

import numpy as np
from jaxtyping import Float64

from poets_core.llm_po.audit.compiled import compiled
from poets_core.types import F8

STRATA = 3
"""What the judge may say: 0 the second is better, 1 a tie, 2 the first."""
STAKES: Float64[np.ndarray, " stakes"] = 0.98 * 2.0 ** (-0.5 * np.arange(12.0))
"""Shares of the largest possible stake: 0.98 to 0.022, a factor of the root of two apart. The best stake is the gap
over the variance, however large the largest one is, so that stakes are spread over orders of magnitude."""


@compiled
def corrected(predicted: float, label: float, audited: bool, share: float) -> float:
    """Return y: the prediction, with the person's label (0 to 1) weighed up by 1 / share where one was asked."""
    return predicted + (label - predicted) / share if audited else predicted


@compiled
def lowest(predicted: F8, shares: F8) -> float:
    """The smallest y that a comparison can bring, of any stratum; at most 0."""
    least = 0.0
    for s in range(len(predicted)):
        # a label of 0; where everything is audited, y is the label itself
        least = min(least, predicted[s] - predicted[s] / shares[s])
    return least


@compiled
def bet(sums: F8, y: float, least: float, null: float, planned: float) -> float:
    """Add a comparison to the logarithms of the products, one for each stake; return log E, nats.

    E is a mean over stakes l of prod_t (1 + l (y_t - null) / (null - least_t)), against "the mean is `null` or less".
    No factor is negative, and none has a conditional expectation above 1 if E[y | past] <= null: stake and `least` do
    not depend on the verdict, only on what was planned before it. Half of the mean is the planned stake, which may be
    another one every time; the other half are `STAKES`, in case the plan was wrong.

    Args:
        sums: f8 (1 + stakes,), that of the planned stake first; changed in place.
        y: what the comparison brought, of the policy that is betted on.
        least: smallest y that it could have brought (`lowest`), below `null`.
        null: in (0, 1).
        planned: a stake in [0, 1), chosen before the verdict.
    """
    # In units in which a lost bet loses the whole stake.
    x = (y - null) / (null - least)
    sums[0] += log1p(planned * x)
    for s in range(len(STAKES)):
        sums[s + 1] += log1p(STAKES[s] * x)
    return evidence(sums)


@compiled
def evidence(sums: F8) -> float:
    """log of the mean over stakes, the first with half of the weight; nats."""
    top, others = sums.max(), len(sums) - 1
    total = others * exp(sums[0] - top)
    for s in range(1, len(sums)):
        total += exp(sums[s] - top)
    return float(top + log(total / (2 * others)))


def interval(
    y: Float64[np.ndarray, " n"], least: Float64[np.ndarray, " n"], most: Float64[np.ndarray, " n"], delta: float
) -> tuple[float, float]:
    """Return a confidence sequence's interval of the mean of y after n comparisons, in [0, 1].

    The means against which neither "it is less" nor "it is more" has evidence of 2 / delta. It holds at every n at once
    with error `delta` at most.

    Args:
        y: what the comparisons brought, in the order in which they were made.
        least, most: what each could have brought, known before it.
        delta: in (0, 1).
    """
    level = log(2.0 / delta)
    low = _bound(np.asarray(y), np.asarray(least), level)
    high = 1.0 - _bound(1.0 - np.asarray(y), 1.0 - np.asarray(most), level)
    # Both sides may be wrong at once, seldom: the interval is empty then, and the point between is said.
    return (low, high) if low <= high else (0.5 * (low + high), 0.5 * (low + high))


def _bound(y: F8, least: F8, level: float) -> float:
    """The largest mean against which the evidence reaches the level: it falls as the mean rises, so it is bisected."""
    low, high = 0.0, 1.0
    for _ in range(20):
        mean = 0.5 * (low + high)
        x = (y - mean) / (mean - least)
        sums = np.log1p(np.multiply.outer(STAKES, x)).sum(1)
        reached = np.logaddexp.reduce(sums) - log(len(STAKES)) >= level
        low, high = (mean, high) if reached else (low, mean)
    return low
