"""A log as an experiment sees it: a sample of comparisons, with what its structure allows to be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.comparison import two
from poets_core.llm_po.dependence import Dependence, PairRows, dependence_of
from poets_core.llm_po.log.costs import mean_costs
from poets_core.llm_po.log.row import Row
from poets_core.llm_po.order import one_order
from poets_core.llm_po.ranking.ranking import LogFacts
from poets_core.llm_po.replay import Replay


class Sample:
    """The rows of a log, those that depend on each other, and those that were shown in one order.

    Attributes:
        rows: of all files, `Row.index` from 1.
        dependence: see `dependence_of`.
        orders: see `one_order`.
        replay: rows used and left.
        facts: what a ranking may know of the log beforehand.
        costs: mean cost of a response by policy; None where the log says none.
    """

    def __init__(self, rows: Sequence[Row], names: Sequence[str], seed: int) -> None:
        """Look at the rows, but at no outcome beyond whether it is a tie.

        Args:
            rows: of the log, all of these policies.
            names: of the policies, in the order of the experiment.
            seed: key of the order in which rows are used.
        """
        self._files, self._names, self.rows = [rows], tuple(names), tuple(rows)
        self.dependence, self.orders = dependence_of(rows), one_order(rows)
        self.replay = Replay(rows, self.dependence, names, seed)
        at, decided = {name: i for i, name in enumerate(names)}, np.zeros((len(names), len(names)), dtype=np.int64)
        for row in rows:
            if row.outcome != "tie":
                decided[at[row.first], at[row.second]] += 1
        self.facts = LogFacts(tuple(self.orders), decided + decided.T)
        self.costs = mean_costs(self._files) or None

    def add(self, rows: Sequence[Row]) -> tuple[int, list[str]]:
        """Take in the rows of a further file, after the outcomes of some of the first are known.

        A cluster that was counted is closed: what it brought may be why somebody went on, so that further rows of it
        are no fair sample. They are left out, by what they share and not by what they say.

        Args:
            rows: that count by the mapping; their `index` is set here.

        Returns:
            how many were taken in, and what was left out in sentences.

        Raises:
            InvalidComparisons: clusters that cross, rows that depend on each other where the first did not, or none
                that is left.
        """
        sampled, said = self.dependence.sampled, []
        if self.dependence.crossed:
            raise InvalidComparisons(
                f"Expected a log whose clusters do not cross, got one whose {' and '.join(sampled)} clusters do: its "
                "evidence is of all rows at once. Start a new experiment with all rows in one log."
            )
        closed = {kind: {getattr(row, kind) for row in self.rows} - {""} for kind in sampled}
        kept = [row for row in rows if not any(getattr(row, kind) in closed[kind] for kind in sampled)]
        if n := len(rows) - len(kept):
            said.append(f"{_many(n)} left out: the {' or '.join(sampled)} was counted before.")
        kept, n = self._alone(kept)
        if n:
            said.append(f"{_many(n)} left out: in this pair rows were counted singly, so that one a cluster counts.")
        if not kept:
            raise InvalidComparisons(
                f"Expected further rows that count, got none: {' '.join(said) or 'the file adds nothing.'}"
            )
        first = len(self.rows) + 1
        new = [replace(row, index=first + i) for i, row in enumerate(kept)]
        more = dependence_of(new, self.dependence)
        if more.crossed or (more.dependent and not self.dependence.dependent):
            how = "cross" if more.crossed else "hold several rows, which those of the first rows did not"
            raise InvalidComparisons(
                f"Expected further rows that depend on each other as the first do, got clusters that {how}. Start a "
                "new experiment with all rows in one log."
            )
        self.replay.add(new, more)
        self._files, self.rows = [*self._files, new], (*self.rows, *new)
        self.dependence, self.orders = _merged(self.dependence, more, self.rows), one_order(self.rows)
        # No plan any more: that there are further rows may follow from the outcomes of the first.
        self.facts = LogFacts(tuple(self.orders), None)
        self.costs = mean_costs(self._files) or None
        return len(new), said

    def _alone(self, rows: Sequence[Row]) -> tuple[list[Row], int]:
        """Keep one row a cluster in pairs whose rows were counted one by one, and so still are."""
        if not self.dependence.dependent:
            return list(rows), 0
        met: Counter[tuple[object, ...]] = Counter()
        out = []
        for row in rows:
            before = self.dependence.pairs.get(two(row.first, row.second))
            if before is not None and before.plain:
                keys = [(two(row.first, row.second), k, getattr(row, k)) for k in self.dependence.sampled]
                keys = [key for key in keys if key[2]]
                if any(met[key] for key in keys):
                    continue
                met.update(keys)
            out.append(row)
        return out, len(rows) - len(out)


def _many(n: int) -> str:
    return "1 row is" if n == 1 else f"{n:,} rows are"


def _merged(one: Dependence, more: Dependence, rows: Sequence[Row]) -> Dependence:
    """Return both together: their clusters have nothing in common."""
    pairs = dict(one.pairs)
    for pair, new in more.pairs.items():
        old = pairs.get(pair)
        # Keys tell crossing clusters apart, and there are none where rows may be added.
        pairs[pair] = (
            new
            if old is None
            else PairRows(
                (*old.units, *new.units), np.vstack([old.keys[:, :0], new.keys[:, :0]]), apart=old.apart + new.apart
            )
        )
    counts = {kind: len({getattr(row, kind) for row in rows} - {""}) for kind in one.counts}
    return Dependence(pairs, counts, one.sampled, one.given, one.dependent, len(rows))
