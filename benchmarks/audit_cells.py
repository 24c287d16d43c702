"""What the benchmark of audits plays: four policies, people, and a judge who mostly agrees and leans to one policy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from poets_core.keyed import rng_for
from poets_core.types import F8

CELLS = {"clear": (0.7, 0.0, -0.5, -1.0), "close": (0.4, 0.0, -0.5, -1.0)}
"""Bradley-Terry scores of what people prefer: the best is preferred to the second in 67 % and in 60 %."""
AGREEMENT = (0.6, 0.9)
"""Smallest and largest share of comparisons of a pair in which the judge says what people say."""
LEAN = 0.03
"""How often the judge says otherwise where people prefer the policy that it leans to: all other errors favour it."""


class Instance(NamedTuple):
    """One run's policies, in random order.

    Attributes:
        people: f8 (K, K), probability that a person prefers the row to the column.
        says: f8 (K, K, 2, 3), of i < j: probabilities of the judge's verdicts j, tie, i where a person prefers j (0)
            or i (1).
        best: the policy that people prefer to all others. favourite: the one that the judge leans to, people's second.
    """

    people: F8
    says: F8
    best: int
    favourite: int


def instance(scores: tuple[float, ...], seed: int) -> Instance:
    """Draw an instance: the order of policies, and for every pair how often the judge agrees with people.

    Where the favourite is not in a pair, the judge errs both ways alike.
    """
    rng = rng_for(seed, "audited judge")
    s = rng.permutation(np.array(scores))
    people = expit(s[:, None] - s[None])
    best, favourite = int(s.argmax()), int(np.argsort(s)[-2])
    k = len(s)
    says = np.zeros((k, k, 2, 3))
    for i in range(k):
        for j in range(i + 1, k):
            missed = 1.0 - rng.uniform(*AGREEMENT)
            wrong = np.array([missed, missed])  # where people prefer j, and i
            if favourite in (i, j):
                side = int(favourite == i)
                likes = people[i, j] if side else people[j, i]
                # Errors against the favourite are rare; the others make up for them.
                wrong[side], wrong[1 - side] = LEAN, min((missed - likes * LEAN) / (1.0 - likes), 0.97)
            says[i, j, 0] = 1.0 - wrong[0], 0.0, wrong[0]
            says[i, j, 1] = wrong[1], 0.0, 1.0 - wrong[1]
    return Instance(people, says, best, favourite)


def limit(found: Instance) -> tuple[float, float]:
    """Return labels that showing the best takes when much is known, audited and with every comparison labelled.

    Both up to one factor: the sum over duels of variance a label / gap². Of an audit that is Neyman's, the mean
    deviation in a stratum squared, with verdicts of the judge at no price and nothing to learn.
    """
    audited = labelled = 0.0
    for j in range(len(found.people)):
        if j == found.best:
            continue
        a, b = min(found.best, j), max(found.best, j)
        p = found.people[a, b]
        deviation = 0.0
        for verdict in (0, 2):
            yes, no = p * found.says[a, b, 1, verdict], (1.0 - p) * found.says[a, b, 0, verdict]
            deviation += np.sqrt(yes * no)  # share of the stratum times sqrt(h (1 - h)), h = yes / (yes + no)
        audited += deviation**2 / (p - 0.5) ** 2
        labelled += p * (1.0 - p) / (p - 0.5) ** 2
    return audited, labelled


def verdicts(found: Instance) -> F8:
    """Probability that the judge prefers the row to the column, f8 (K, K)."""
    k = len(found.people)
    out = np.full((k, k), 0.5)
    for i in range(k):
        for j in range(i + 1, k):
            p = found.people[i, j]
            out[i, j] = p * found.says[i, j, 1, 2] + (1.0 - p) * found.says[i, j, 0, 2]
            out[j, i] = 1.0 - out[i, j]
    return out
