"""The statistics of an experiment: which pairs to ask next, and what is known of the policies so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poets_core.llm_po.comparison import Comparison, Pair, Verdict
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.order import withheld
from poets_core.llm_po.ranking.ranking import ranking_of
from poets_core.llm_po.report import never_judged, report
from poets_core.llm_po.sample import Sample
from poets_core.runs.event_fields import VerdictFacts, jsonable
from poets_core.spec import ExperimentSettings

MOST_RANKED_LIVE = 64
"""Policies up to which every `updated` brings their ranking; of more it comes with the verdict."""


class ExperimentStatistics:
    """An `Experiment` that can be told where it stands; a function of asked pairs and counted answers alone."""

    def __init__(self, spec: ExperimentSettings, seed: int, sample: Sample | None = None) -> None:
        """Start without comparisons.

        Args:
            spec: of the experiment.
            seed: key of its randomness.
            sample: the log that it reads; None where pairs are judged as they are asked.

        Raises:
            InvalidComparisons: features that do not fit a Bradley-Terry model.
        """
        self._spec, self._seed, self._sample = spec, seed, sample
        self._experiment = self._new()

    def _new(self) -> Experiment:
        # The spec has seen to it that all policies have features, or none.
        rows = [p.features for p in self._spec.policies]
        features = np.array(rows, dtype=np.float64) if rows[0] else None
        return Experiment(
            [p.name for p in self._spec.policies],
            self._spec.delta,
            space=self._spec.space,
            features=features,
            assume_condorcet=self._spec.assume_condorcet,
            budget=self._spec.budget,
            tie_zone=self._spec.tie_zone,
            duel_rule=self._spec.sampler,
            seed=self._seed,
            dependence=None if self._sample is None else self._sample.dependence,
            top=self._spec.top,
        )

    @property
    def comparisons(self) -> int:
        """Counted so far, ties included."""
        return len(self._experiment.comparisons)

    def rebuild(self, comparisons: Sequence[Comparison]) -> None:
        """Forget everything and count these, in the order in which they were made."""
        # From the beginning, because evidence of the structured rule depends on the order of all comparisons.
        self._experiment = self._new()
        for comparison in comparisons:
            self._experiment.record(comparison)

    def record(self, comparison: Comparison) -> None:
        """Count an answer."""
        self._experiment.record(comparison)

    def next_pairs(self, n: int, *, asked: int, waiting: Sequence[Pair] = ()) -> list[Pair]:
        """Return n pairs to ask; fewer where a log has no more rows.

        Args:
            n: how many.
            asked: pairs asked before, answered or not: the number of the first new one.
            waiting: those of them that are still open.
        """
        # Randomness is keyed by the number of the pair, and open or skipped pairs have numbers too.
        self._experiment.asked = asked
        left = None if self._sample is None else self._sample.replay.left
        return self._experiment.next_pairs(n, waiting, left)

    def verdict(self) -> Verdict | None:
        """What has been found; None while more comparisons are needed."""
        return self._experiment.verdict()

    def withheld(self, verdict: Verdict) -> tuple[Verdict, str]:
        """Return a verdict as it may be said, and why it is less than the counts say; see `order.withheld`."""
        orders = {} if self._sample is None else self._sample.orders
        return withheld(verdict, orders, assume=self._spec.assume_condorcet)

    def missing(self) -> str:
        """Say what ran out, and which pairs that were never judged would decide."""
        found = never_judged(self._experiment)
        return "; ".join([f"all {self.comparisons:,} rows of the log are used", *found])

    def left(self) -> tuple[str, ...]:
        """Policies that may be the best, in their order."""
        found = self._experiment.confidence_set()
        return tuple(p.name for p in self._spec.policies if p.name in found)

    def metrics(self, *, last: bool = False) -> dict[str, Any]:
        """The numbers of an `updated` event; the last one also says what round-robin would have needed."""
        found: dict[str, Any] = jsonable(report(self._experiment, compare=last and self._spec.top == 1))
        # Of very many policies it takes seconds: once, with the verdict.
        if last or len(self._spec.policies) <= MOST_RANKED_LIVE:
            found["ranking"] = self.ranking(pairs=last)
        return found

    def ranking(self, *, pairs: bool) -> dict[str, Any]:
        """All policies ranked, as JSON data; see `ranking_of`."""
        sample = self._sample
        log = None if sample is None else sample.facts
        costs = None if sample is None else sample.costs
        found: dict[str, Any] = jsonable(ranking_of(self._experiment, log=log, costs=costs, pairs=pairs))
        return found

    def verdict_facts(self, verdict: Verdict) -> VerdictFacts:
        """Return a verdict with all that recomputes it."""
        spec, experiment = self._spec, self._experiment
        facts = {
            "policies": experiment.policies,
            "delta": spec.delta,
            "assume_condorcet": spec.assume_condorcet,
            "space": spec.space,
            "features": [p.features for p in spec.policies] if spec.policies[0].features else None,
            "tie_zone": spec.tie_zone,
            **({"top": spec.top} if spec.top > 1 else {}),
            "wins": experiment.wins,
            "ties": self._ties(),
            # A judge that is a model speaks for itself alone.
            "according_to": spec.judge_model or None,
            # Rows that depend on each other are counted by the means of their clusters, of the first policy.
            "clusters": self._means(),
            # Counts decide without a model; the rule of a Bradley-Terry model reads the answers in their order.
            "comparisons": self._in_order() if spec.space == "bradley-terry" else None,
        }
        return VerdictFacts(
            verdict.kind,
            verdict.policy,
            jsonable(verdict.error_bound),
            verdict.comparisons,
            tuple(verdict.left),
            verdict.rule,
            jsonable(facts),
        )

    def _means(self) -> list[tuple[str, str, list[float]]] | None:
        state, names = self._experiment.clusters, self._experiment.policies
        if state is None:
            return None
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if not state.plain(a, b)]
        return [(a, b, state.means(a, b)) for a, b in pairs]

    def _ties(self) -> list[list[int]]:
        """Ties by first and second policy, (K, K)."""
        at = {name: i for i, name in enumerate(self._experiment.policies)}
        found = [[0] * len(at) for _ in at]
        for c in self._experiment.comparisons:
            if c.outcome == "tie":
                found[at[c.first]][at[c.second]] += 1
        return found

    def _in_order(self) -> list[tuple[str, str, str]]:
        return [(c.first, c.second, c.outcome) for c in self._experiment.comparisons]
