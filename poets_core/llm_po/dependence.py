"""Which rows of a log depend on each other, pair by pair, and what is assumed of them; decided without their outcomes.

A kind of cluster (prompt, judge, conversation) is sampled: a verdict holds for others like those of the log. Judges are
taken as they are where they are few: then a verdict is about them, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from poets_core.llm_po.clusters import most_apart
from poets_core.llm_po.comparison import Two, two
from poets_core.llm_po.log.counts import KINDS, Kind, clusters
from poets_core.llm_po.log.row import Row

PANEL = 10
"""Judges, below which they are a panel that a verdict is about. A bet on each of so few could never show that others
would judge alike: nine that agree on everything bring 2^9, less than an error of 1 % needs."""
APART = 0.9
"""Clusters that cross are merged where that leaves at least this share of the rows that share nothing."""


@dataclass(frozen=True)
class PairRows:
    """The rows of one pair of policies.

    Attributes:
        units: `Row.index` of the rows that are counted together, when the last of them is in.
        keys: cluster of each row in each sampled kind, rows in the order of the units; read where `crossed`.
        crossed: whether clusters of different kinds cross, so that all rows make one unit (`crossed_evidence`).
        apart: rows that share nothing, of which one way consists.
    """

    units: tuple[tuple[int, ...], ...]
    keys: Int64[np.ndarray, "rows kinds"]
    crossed: bool = False
    apart: int = 0

    @property
    def plain(self) -> bool:
        """Whether no two rows of the pair share a cluster: then they are counted one by one."""
        return all(len(unit) == 1 for unit in self.units)


@dataclass(frozen=True)
class Dependence:
    """How the rows of a log depend on each other.

    Attributes:
        pairs: of every pair that has rows.
        counts: clusters of every kind that the log names.
        sampled: kinds that the error bound is over; given: those that are taken as they are.
        dependent: whether two rows of the log share a cluster of a sampled kind.
        rows: of the log.
    """

    pairs: Mapping[Two, PairRows]
    counts: Mapping[Kind, int] = field(default_factory=dict)
    sampled: tuple[Kind, ...] = ()
    given: tuple[Kind, ...] = ()
    dependent: bool = False
    rows: int = 0

    @property
    def crossed(self) -> bool:
        """Whether clusters cross in some pair."""
        return any(pair.crossed for pair in self.pairs.values())

    def sentence(self) -> str:
        """Say what the error bound assumes."""
        if not self.counts:
            return "The log names no prompt, judge or conversation, so that its rows count as independent."
        over = " and ".join(f"{self.counts[k]:,} {k}s" for k in self.sampled)
        if not self.sampled:
            said = "Rows count as independent but for their judges"
        elif not self.dependent:
            said = f"No two rows share a {' or a '.join(self.sampled)}, so that they count as independent"
        elif self.crossed:
            kinds = " or a ".join(self.sampled)
            said = (
                f"The error bound is over {over}, which cross: it rests on rows that share no {kinds}, averaged over "
                "many ways to take them, and is read when all rows of a pair are in"
            )
        else:
            said = (
                f"Rows of one {' or one '.join(self.sampled)} count as one comparison: the error bound is over {over}"
            )
        given = "".join(
            f"; it is about the {self.counts[k]} {k}{'s' * (self.counts[k] != 1)} of this log, and not about others"
            for k in self.given
        )
        return f"{said}{given}."


def dependence_of(rows: Sequence[Row], like: Dependence | None = None) -> Dependence:
    """Return how rows depend on each other, by what they share and not by what they say.

    Args:
        rows: of a log.
        like: of earlier rows, by which it was settled what is sampled and what is taken as it is; None: by these.
    """
    found = clusters(rows)
    counts = {kind: found[kind].count for kind in KINDS if kind in found}
    given: tuple[Kind, ...] = ("judge",) if counts.get("judge", PANEL) < PANEL else ()
    sampled = tuple(kind for kind in counts if kind not in given)
    if like is not None:
        sampled, given = tuple(k for k in like.sampled if k in counts), tuple(k for k in like.given if k in counts)
    keys = np.full((len(rows), len(sampled)), -1, dtype=np.int64)
    for at, kind in enumerate(sampled):
        keys[:, at] = found[kind].keys
    of_pair: dict[Two, list[int]] = {}
    for place, row in enumerate(rows):
        of_pair.setdefault(two(row.first, row.second), []).append(place)
    index = [row.index for row in rows]
    pairs = {pair: _pair(keys[places], [index[p] for p in places]) for pair, places in of_pair.items()}
    named = (keys >= 0).sum(0)
    dependent = any(int(n) > counts[kind] for n, kind in zip(named, sampled, strict=True))
    return Dependence(pairs, counts, sampled, given, dependent, len(rows))


def _pair(keys: Int64[np.ndarray, "rows kinds"], index: Sequence[int]) -> PairRows:
    groups = _joined(keys)
    order = [place for group in groups for place in group]
    units = tuple(tuple(index[place] for place in group) for group in groups)
    apart = most_apart(keys) if keys.shape[1] > 1 else len(groups)
    if len(groups) < APART * apart:
        return PairRows((tuple(index[place] for place in order),), keys[order], crossed=True, apart=apart)
    return PairRows(units, keys[order], apart=len(groups))


def _joined(keys: Int64[np.ndarray, "rows kinds"]) -> list[list[int]]:
    """Return rows that share any cluster, directly or through others, as groups in the order of their first row."""
    parent = list(range(len(keys)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for column in keys.T:
        met: dict[int, int] = {}
        for place, key in enumerate(column.tolist()):
            if key >= 0:
                a, b = root(met.setdefault(key, place)), root(place)
                parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for place in range(len(keys)):
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())
