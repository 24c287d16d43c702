"""What would settle an experiment: how many further comparisons of which pairs, if answers go on as they have.

A plan for people, not a rule: it puts the win probabilities seen so far in place of the true ones and asks how far
the evidence of `poets_core.llm_po.evidence` still is from its thresholds. Nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Literal

import numpy as np

from poets_core.llm_po.clusters import evidence_of, products
from poets_core.llm_po.evidence import Duels, log_evidence_at, term

Clustered = Mapping[tuple[int, int], Sequence[float]]
"""Pair i, j -> means of its clusters, of i: of the pairs whose rows are counted cluster by cluster, in both orders."""
LARGEST = 100_000
"""Comparisons of one pair; policies that need more are as good as equal, and no number is worth saying."""


@dataclass(frozen=True)
class Plan:
    """What would bring a verdict.

    Attributes:
        kind: of that verdict.
        policy: its winner, -1 without one.
        pairs: the two policies and how many further comparisons of them, most first; ties are counted in. Of rows that
            depend on each other, how many further clusters.
    """

    kind: Literal["winner", "none"]
    policy: int
    pairs: tuple[tuple[int, int, int], ...]

    @property
    def comparisons(self) -> int:
        """Further comparisons of all pairs."""
        return sum(n for _, _, n in self.pairs)


def plan(duels: Duels, delta: float, *, assume: bool, ties: float, clustered: Clustered | None = None) -> Plan | None:
    """Return the shortest way to a verdict of `evidence.decide` at the present shares of wins.

    Args:
        duels: counts and evidence.
        delta: largest error.
        assume: a winner is assumed to exist.
        ties: share of comparisons that are ties, 0 to below 1.
        clustered: means of the pairs whose rows depend on each other.

    Returns:
        None where no way is within `LARGEST` comparisons of a pair: the policies look equally good.
    """
    k, further = len(duels.score), Further(duels, ties, clustered or {})
    ways = [_winner(further, i, log(2.0 * k / delta)) for i in range(k)]
    if not assume:
        ways.append(_excluded(further, range(k), log(2.0 / delta), Plan("none", -1, ())))
    elif duels.bound == 0.5:
        best = min(range(k), key=lambda i: (duels.score[i], i))
        others = [i for i in range(k) if i != best]
        ways = [_excluded(further, others, log(1.0 / delta), Plan("winner", best, ()))]
    found = [way for way in ways if way is not None]
    return min(found, key=lambda way: way.comparisons) if found else None


def _winner(further: Further, i: int, threshold: float) -> Plan | None:
    """Return what shows that i holds its own against every other."""
    duels, pairs = further.duels, []
    for j in range(len(duels.score)):
        if j == i or duels.shown[i, j] >= threshold:
            continue
        # above `bound` as a winner is below 1 - `bound` as a loser
        n = further.needed(i, j, lambda e: e - threshold, 1.0 - duels.bound)
        if n is None:
            return None
        pairs.append((i, j, n))
    return Plan("winner", i, _ordered(pairs))


def _excluded(further: Further, who: range | list[int], threshold: float, to: Plan) -> Plan | None:
    """Return what excludes each of `who`, by the opponent that does it soonest; `to` says what that would show."""
    duels, pairs = further.duels, []
    rho = 1.0 / (len(duels.score) - 1)
    for j in who:
        if duels.score[j] >= threshold:
            continue
        ways = []
        for i in range(len(duels.score)):
            if i == j:
                continue
            rest = float(duels.score[j] - duels.terms[j, i]) - threshold

            def missing(e: float, rest: float = rest) -> float:
                # of dependent duels the best one counts, alone
                return e + log(rho) - threshold if duels.dependent else rest + term(e, rho)

            if (n := further.needed(i, j, missing, duels.bound)) is not None:
                ways.append((i, j, n))
        if not ways:
            return None
        pairs.append(min(ways, key=lambda way: way[2]))
    return Plan(to.kind, to.policy, _ordered(pairs))


def _ordered(pairs: list[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    return tuple(sorted(pairs, key=lambda pair: -pair[2]))


@dataclass(frozen=True)
class Further:
    """Further comparisons of a pair, at the share of wins so far.

    Attributes:
        duels: counts and evidence.
        ties: share of comparisons that are ties, 0 to below 1.
        clustered: means of the pairs whose rows depend on each other.
    """

    duels: Duels
    ties: float
    clustered: Clustered

    def needed(
        self, i: int, j: int, missing: Callable[[float], float], bound: float, share: float | None = None
    ) -> int | None:
        """Return how many further comparisons of i and j, or clusters of them, make `missing(evidence)` reach 0.

        Args:
            i, j: the policies.
            missing: of the evidence against "j wins with probability `bound` or more".
            bound: see there.
            share: that i wins; None: as it has so far.

        Returns:
            None beyond `LARGEST`, and where i wins no more often than 1 - `bound`: then more comparisons lead away.
        """
        wins, losses, means = int(self.duels.wins[i, j]), int(self.duels.wins[j, i]), self.clustered.get((i, j))
        # Half a win either way, as in `report.estimate_of`: three comparisons must not look like a certainty.
        p = (wins + 0.5) / (wins + losses + 1.0) if means is None else (sum(means) + 0.5) / (len(means) + 1.0)
        p = p if share is None else share
        if p <= 1.0 - bound:
            return None
        sums = rate = None
        if means is not None:
            sums = products(1.0 - np.asarray(means, dtype=np.float64), bound)
            # Further clusters scatter as those did that are in: what each has brought on average, half a win and half a
            # loss among them. Means that all are as the average is would seem to settle it in no time.
            rate = (sums + 0.5 * products(np.array([1.0]), bound) + 0.5 * products(np.array([0.0]), bound)) / (
                len(means) + 1.0
            )

        def reached(n: int) -> bool:
            if sums is None or rate is None:
                won = round(p * n)
                return missing(log_evidence_at(losses + n - won, wins + won, bound)) >= 0.0
            return missing(evidence_of(sums + n * rate)) >= 0.0

        high = 1
        while not reached(high):
            high *= 2
            if high > LARGEST:
                return None
        low = high // 2  # not enough; the evidence grows with n on average, so that bisection meets its crossing
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return ceil(high / (1.0 - self.ties)) if sums is None else high
