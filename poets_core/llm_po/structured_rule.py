"""What an experiment adds where a linear Bradley-Terry model is assumed: its allocation, its exact rule, its check."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from scipy.special import expit, rel_entr
from scipy.stats import chi2

from poets_core.llm_po.structured import bradley_terry_features, check_features
from poets_core.llm_po.structured_state import (
    LEADER,
    MARGIN,
    count,
    due,
    new_structured,
    observe,
    pair_of,
    refit,
    refit_every,
    track,
)
from poets_core.types import F8

FIT_LEVEL = 1e-3
"""The model is doubted when data that fit it so badly are less likely than this."""
FEWEST = 5
"""Comparisons of a pair before it counts in that."""


class StructuredRule:
    """A pure function of the answers in their order; refitted every so many of them."""

    def __init__(self, policies: int, features: F8 | None) -> None:
        """Start without answers.

        Raises:
            InvalidComparisons: features that are not finite, not (K, d), or do not identify d parameters.
        """
        x = bradley_terry_features(policies) if features is None else check_features(features)
        self.state = new_structured(np.ascontiguousarray(x))
        self.policies, self._every = policies, refit_every(policies)

    def record(self, i: int, j: int, *, tie: bool) -> None:
        """Take in that i was preferred to j, or a tie of the two."""
        if tie:
            count(self.state, pair_of(min(i, j), max(i, j), self.policies))
            return
        observe(self.state, i, j)
        if due(self.state, self._every):
            refit(self.state, True)

    def choose(self, waiting: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """The pair that is furthest behind the optimal proportions; `waiting` are handed out and not answered."""
        out = np.zeros(len(self.state.n))
        for i, j in waiting:
            out[pair_of(min(i, j), max(i, j), self.policies)] += 1.0
        e = track(self.state, out)
        return int(self.state.first[e]), int(self.state.second[e])

    def winner(self, delta: float) -> int | None:
        """The leader, once the exact rule allows an error of delta and the model is not doubted."""
        if self.margin < log(1.0 / delta) or self.doubted:
            return None
        return self.leader

    @property
    def leader(self) -> int:
        """The best policy at the last refit."""
        return int(self.state.numbers[LEADER])

    @property
    def margin(self) -> float:
        """Log evidence that it is, nats; 0 before the first refit."""
        return float(self.state.numbers[MARGIN])

    @property
    def fit(self) -> float:
        """Probability of data that fit the model as badly, by the likelihood ratio to one share per pair."""
        s = self.state
        kept = s.n >= FEWEST
        degrees = int(kept.sum()) - s.features.shape[1]
        if degrees < 1:
            return 1.0
        p = expit(s.differences[kept] @ s.fitted).clip(1e-12, 1 - 1e-12)
        share = s.wins[kept] / s.n[kept]
        deviance = 2.0 * (s.n[kept] * (rel_entr(share, p) + rel_entr(1.0 - share, 1.0 - p))).sum()
        return float(chi2.sf(deviance, degrees))

    @property
    def doubted(self) -> bool:
        """Whether the data contradict the model: the unstructured rule then goes on alone."""
        return self.fit < FIT_LEVEL

    def weights(self) -> F8:
        """The proportions that are followed, symmetric f8 (K, K)."""
        out = np.zeros((self.policies, self.policies))
        out[self.state.first, self.state.second] = out[self.state.second, self.state.first] = self.state.average
        return out
