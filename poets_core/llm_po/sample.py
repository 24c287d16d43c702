"""A log as an experiment sees it: a sample of comparisons, with what its structure allows to be said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.llm_po.dependence import dependence_of
from poets_core.llm_po.log.costs import mean_costs
from poets_core.llm_po.log.row import Row
from poets_core.llm_po.order import one_order
from poets_core.llm_po.ranking.ranking import LogFacts
from poets_core.llm_po.replay import Replay


class Sample:
    """The rows of a log, those that depend on each other, and those that were shown in one order.

    Attributes:
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
        self.dependence, self.orders = dependence_of(rows), one_order(rows)
        self.replay = Replay(rows, self.dependence, names, seed)
        at, decided = {name: i for i, name in enumerate(names)}, np.zeros((len(names), len(names)), dtype=np.int64)
        for row in rows:
            if row.outcome != "tie":
                decided[at[row.first], at[row.second]] += 1
        possible = sum(pair not in self.orders for pair in self.dependence.pairs)
        self.facts = LogFacts(possible, tuple(self.orders), decided + decided.T)
        self.costs = mean_costs(rows) or None
