"""What would settle an experiment: how many further comparisons of which pairs, if answers go on as they have.

A plan for people, not a rule: it puts the win probabilities seen so far in place of the true ones and asks how far
the evidence of `poets_core.llm_po.evidence` still is from its thresholds. Nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log
from typing import Literal

from poets_core.llm_po.evidence import Duels, log_evidence_at, term

LARGEST = 100_000
"""Comparisons of one pair; policies that need more are as good as equal, and no number is worth saying."""


@dataclass(frozen=True)
class Plan:
    """What would bring a verdict.

    Attributes:
        kind: of that verdict.
        policy: its winner, -1 without one.
        pairs: the two policies and how many further comparisons of them, most first; ties are counted in.
    """

    kind: Literal["winner", "none"]
    policy: int
    pairs: tuple[tuple[int, int, int], ...]

    @property
    def comparisons(self) -> int:
        """Further comparisons of all pairs."""
        return sum(n for _, _, n in self.pairs)


def plan(duels: Duels, delta: float, *, assume: bool, ties: float) -> Plan | None:
    """Return the shortest way to a verdict of `evidence.decide` at the present shares of wins.

    Args:
        duels: counts and evidence.
        delta: largest error.
        assume: a winner is assumed to exist.
        ties: share of comparisons that are ties, 0 to below 1.

    Returns:
        None where no way is within `LARGEST` comparisons of a pair: the policies look equally good.
    """
    k = len(duels.score)
    ways = [_winner(duels, i, log(2.0 * k / delta), ties) for i in range(k)]
    if not assume:
        ways.append(_excluded(duels, range(k), log(2.0 / delta), ties, Plan("none", -1, ())))
    elif duels.bound == 0.5:
        best = min(range(k), key=lambda i: (duels.score[i], i))
        others = [i for i in range(k) if i != best]
        ways = [_excluded(duels, others, log(1.0 / delta), ties, Plan("winner", best, ()))]
    found = [way for way in ways if way is not None]
    return min(found, key=lambda way: way.comparisons) if found else None


def _winner(duels: Duels, i: int, threshold: float, ties: float) -> Plan | None:
    """Return what shows that i holds its own against every other."""
    pairs = []
    for j in range(len(duels.score)):
        if j == i or duels.shown[i, j] >= threshold:
            continue
        n = _further(
            duels, i, j, lambda w, lost: log_evidence_at(lost, w, 1.0 - duels.bound) - threshold, duels.bound, ties
        )
        if n is None:
            return None
        pairs.append((i, j, n))
    return Plan("winner", i, _ordered(pairs))


def _excluded(duels: Duels, who: range | list[int], threshold: float, ties: float, to: Plan) -> Plan | None:
    """Return what excludes each of `who`, by the opponent that does it soonest; `to` says what that would show."""
    rho = 1.0 / (len(duels.score) - 1)
    pairs = []
    for j in who:
        if duels.score[j] >= threshold:
            continue
        ways = []
        for i in range(len(duels.score)):
            if i == j:
                continue
            rest = float(duels.score[j] - duels.terms[j, i]) - threshold

            def missing(w: int, lost: int, rest: float = rest) -> float:
                return rest + term(log_evidence_at(lost, w, duels.bound), rho)

            if (n := _further(duels, i, j, missing, 1.0 - duels.bound, ties)) is not None:
                ways.append((i, j, n))
        if not ways:
            return None
        pairs.append(min(ways, key=lambda way: way[2]))
    return Plan(to.kind, to.policy, _ordered(pairs))


def _ordered(pairs: list[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    return tuple(sorted(pairs, key=lambda pair: -pair[2]))


def _further(
    duels: Duels, i: int, j: int, missing: Callable[[int, int], float], above: float, ties: float
) -> int | None:
    """Return how many further comparisons of i and j make `missing(wins of i, losses of i)` reach 0.

    None beyond `LARGEST`, and where i does not win more often than `above`: then more comparisons lead away from it.
    """
    wins, losses = int(duels.wins[i, j]), int(duels.wins[j, i])
    # Half a win either way, as in `report.estimate_of`: three comparisons must not look like a certainty.
    p = (wins + 0.5) / (wins + losses + 1.0)
    if p <= above:
        return None

    def reached(n: int) -> bool:
        won = round(p * n)
        return missing(wins + won, losses + n - won) >= 0.0

    high = 1
    while not reached(high):
        high *= 2
        if high > LARGEST:
            return None
    low = high // 2  # not enough; the evidence grows with n on average, so that bisection meets its crossing
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return ceil(high / (1.0 - ties))
