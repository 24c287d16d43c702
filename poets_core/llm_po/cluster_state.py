"""What the rows of a log say so far of each pair, cluster by cluster: an experiment's evidence where rows depend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.clusters import STEPS, bet, mean_evidence, ways
from poets_core.llm_po.comparison import Comparison, Two, two
from poets_core.llm_po.dependence import Dependence, PairRows
from poets_core.types import F8, I8

_WORTH = {"first": 1.0, "second": 0.0, "tie": 0.5}


@dataclass
class _Pair:
    """Of one pair: the rows that are in, of the first policy in the order of `two`, and four products of bets."""

    rows: PairRows
    unit: Mapping[int, int]
    said: dict[int, float] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    sums: F8 = field(default_factory=lambda: np.zeros((4, STEPS)))
    ways: tuple[I8, I8] | None = None


Found = tuple[float, float, float, float]
"""Evidence of a pair a, b, nats: against a, against b, shown of a, shown of b (`evidence.Duels`)."""


class ClusterState:
    """Bets on the clusters that are complete; those that are not wait for their last row.

    A cluster half seen is not counted: whoever may stop in the middle of one could choose when it looks best.
    """

    def __init__(self, dependence: Dependence, bound: float) -> None:
        """Start without rows.

        Args:
            dependence: of the log.
            bound: 1/2 less the indifference zone.
        """
        self.dependence, self._bound = dependence, bound
        self._pairs: dict[Two, _Pair] = {}

    def plain(self, first: str, second: str) -> bool:
        """Whether the pair's rows are counted one by one, as those that share nothing."""
        rows = self.dependence.pairs.get(two(first, second))
        return rows is None or rows.plain

    def means(self, first: str, second: str) -> list[float]:
        """Return the means of the pair's complete clusters, of `first`; of crossed ones, every row once all are in."""
        pair = self._pairs.get(two(first, second))
        if pair is None:
            return []
        return pair.means if first < second else [1.0 - mean for mean in pair.means]

    def apart(self, first: str, second: str) -> int | None:
        """Return how many rows one way consists of, where the pair's clusters cross; None where they do not."""
        rows = self.dependence.pairs.get(two(first, second))
        return rows.apart if rows is not None and rows.crossed else None

    def ways(self, first: str, second: str) -> tuple[I8, I8] | None:
        """Return wins and losses of `first` in each drawn way to take rows that share nothing, once all rows are in.

        None where the pair's clusters do not cross, or some of its rows are missing.
        """
        pair = self._pairs.get(two(first, second))
        if pair is None or pair.ways is None:
            return None
        return pair.ways if first < second else pair.ways[::-1]

    def record(self, comparison: Comparison) -> Found | None:
        """Take in a row; return the evidence of its pair, `first` as a, if the row completes a cluster.

        Raises:
            InvalidComparisons: a row that the log has not, or that was taken in before.
        """
        which = two(comparison.first, comparison.second)
        pair = self._pairs.get(which)
        if pair is None:
            pair = self._pairs[which] = _begun(self.dependence.pairs.get(which))
        at = pair.unit.get(comparison.row)
        if at is None or comparison.row in pair.said:
            raise InvalidComparisons(
                f"Expected a row of the log that was not counted before, of {which[0]!r} and {which[1]!r}, "
                f"got row {comparison.row}."
            )
        worth = _WORTH[comparison.outcome]
        pair.said[comparison.row] = worth if comparison.first == which[0] else 1.0 - worth
        pair.missing[at] -= 1
        if pair.missing[at]:
            return None
        found = self._crossed(pair) if pair.rows.crossed else self._bet(pair, pair.rows.units[at])
        a, b, shown_a, shown_b = found
        return found if comparison.first == which[0] else (b, a, shown_b, shown_a)

    def _bet(self, pair: _Pair, unit: tuple[int, ...]) -> Found:
        # Sorted, since a sum of floats depends on its order, and rows may come in any.
        mean = sum(sorted(pair.said[row] for row in unit)) / len(unit)
        pair.means.append(mean)
        low = self._bound
        return (
            bet(pair.sums[0], mean, low),
            bet(pair.sums[1], 1.0 - mean, low),
            bet(pair.sums[2], 1.0 - mean, 1.0 - low),
            bet(pair.sums[3], mean, 1.0 - low),
        )

    def _crossed(self, pair: _Pair) -> Found:
        outcomes = np.array([pair.said[row] for row in pair.rows.units[0]])
        pair.means.extend(outcomes.tolist())
        # The draws are the same whoever looks: they depend on nothing but the rows' clusters.
        pair.ways, low = ways(outcomes, pair.rows.keys, 0), self._bound
        wins, losses = pair.ways
        return (
            mean_evidence(wins, losses, low),
            mean_evidence(losses, wins, low),
            mean_evidence(losses, wins, 1.0 - low),
            mean_evidence(wins, losses, 1.0 - low),
        )


def _begun(rows: PairRows | None) -> _Pair:
    if rows is None:
        return _Pair(PairRows((), np.zeros((0, 0), dtype=np.int64)), {})
    unit = {row: at for at, of in enumerate(rows.units) for row in of}
    return _Pair(rows, unit, missing=[len(of) for of in rows.units])
