"""What an audit has seen, pair by pair: the judge's verdicts, people's labels, and the evidence of both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from poets_core.llm_po.audit.bets import STAKES, STRATA, bet, corrected, lowest
from poets_core.llm_po.audit.compiled import compiled
from poets_core.types import F8

AGREED, AGREED_WEIGHT = 0.75, 4.0
"""How often people are taken to agree with a verdict before any label, and for how many labels that counts."""
STRATUM_WEIGHT = 4.0
"""Labels of its own after which a stratum is predicted by them as much as by the other pairs of its favoured policy."""
LEAST_VARIANCE = 0.02
"""Of labels in a stratum: five that agree do not prove that the sixth will."""


class Tally(NamedTuple):
    """Counts and evidence; arrays are changed in place. Entry (i, j) is seen from policy i, (j, i) says the same of j.

    Attributes:
        judged: comparisons with the judge's verdict 0, 1 or 2 (`bets.STRATA`).
        labels: those of them that a person has labelled.
        total: sum of their labels, 1 where the person preferred i, 1/2 for a tie.
        sums: log of the product of bets on i, one for each stake (`bets.bet`).
        log_e: log evidence that people prefer i to j, nats.
    """

    judged: Float64[np.ndarray, "K K 3"]
    labels: Float64[np.ndarray, "K K 3"]
    total: Float64[np.ndarray, "K K 3"]
    sums: Float64[np.ndarray, "K K stakes"]
    log_e: Float64[np.ndarray, "K K"]


@compiled
def new_tally(k: int) -> Tally:
    """K policies before any comparison."""
    counts = np.zeros((3, k, k, STRATA))
    return Tally(counts[0], counts[1], counts[2], np.zeros((k, k, len(STAKES) + 1)), np.zeros((k, k)))


@compiled
def predicted(tally: Tally, i: int, j: int) -> F8:
    """f: what people are expected to say, given each verdict of the judge about i and j; f8 (3,), 1: i is better.

    Labels of the stratum, drawn towards those of all pairs in which the judge favoured the same policy: a judge is
    biased to policies rather than to pairs. Of what came before alone, so that bets on it are fair.
    """
    out = np.empty(STRATA)
    for s in range(STRATA):
        # A tie of the judge says nothing of who is better.
        prior = 0.5
        if s != 1:
            for_one = i if s == 2 else j
            told, agreed = AGREED_WEIGHT, AGREED_WEIGHT * AGREED
            for other in range(len(tally.log_e)):
                told += tally.labels[for_one, other, 2]
                agreed += tally.total[for_one, other, 2]
            prior = agreed / told if s == 2 else 1.0 - agreed / told
        out[s] = (tally.total[i, j, s] + STRATUM_WEIGHT * prior) / (tally.labels[i, j, s] + STRATUM_WEIGHT)
    return out


@compiled
def weights(tally: Tally, i: int, j: int) -> F8:
    """How likely each verdict of the judge is; f8 (3,), sums to 1."""
    seen = tally.judged[i, j] + np.array([1.0, 0.2, 1.0])
    out: F8 = seen / seen.sum()
    return out


@compiled
def variances(f: F8) -> F8:
    """Variance of a person's label in each stratum, f8 (3,): that of yes or no, which ties can only lower."""
    return np.maximum(f * (1.0 - f), LEAST_VARIANCE)


@compiled
def count(
    tally: Tally, i: int, j: int, verdict: int, f: F8, shares: F8, stakes: F8, audited: bool, label: float
) -> None:
    """Take in a comparison.

    Args:
        tally: changed in place.
        i, j: the policies.
        verdict: of the judge, 0 for j, 1 for a tie, 2 for i.
        f, shares: f8 (3,), prediction of i and probability of an audit, fixed before the verdict was known.
        stakes: f8 (2,), planned for the bets on i and on j, fixed before it too.
        audited: whether a person was asked.
        label: what the person said, 1 for i, 0 for j, 1/2 for neither; unread without an audit.
    """
    y = corrected(f[verdict], label, audited, shares[verdict])
    # Both directions are betted on: which of them people prefer is what is to be found out.
    tally.log_e[i, j] = bet(tally.sums[i, j], y, lowest(f, shares), 0.5, stakes[0])
    tally.log_e[j, i] = bet(tally.sums[j, i], 1.0 - y, lowest(1.0 - f, shares), 0.5, stakes[1])
    tally.judged[i, j, verdict] += 1.0
    tally.judged[j, i, 2 - verdict] += 1.0
    if audited:
        tally.labels[i, j, verdict] += 1.0
        tally.labels[j, i, 2 - verdict] += 1.0
        tally.total[i, j, verdict] += label
        tally.total[j, i, 2 - verdict] += 1.0 - label
