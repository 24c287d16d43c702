"""Contests among the branches of a search while it goes on: which one to deploy, with what error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from poets_core.keyed import seed_for
from poets_core.llm_po.comparison import Comparison
from poets_core.protocols import Problem
from poets_core.runs.events import Event
from poets_core.spec import ContestSpec, ExperimentSettings, PolicySpec, SearchSpec
from poets_core.worker.experiment.sources.branch import BranchPolicy, BranchSource
from poets_core.worker.experiment.statistics import Contest
from poets_core.worker.science import Asks, Parts

CALLS = 2
"""Oracle calls of a comparison."""


class SearchContests:
    """The contests of one search; every one begins without evidence, because branches change between them.

    Attributes:
        calls: oracle calls of all contests played.
    """

    def __init__(
        self, spec: SearchSpec, problem: Problem, search: Asks, parts: Parts, played: Sequence[Mapping[str, Any]]
    ):
        self._spec, self._problem, self._search, self._parts = spec, problem, search, parts
        self._played = {body["round"] for body in played}
        self.calls = sum(body["calls"] for body in played)

    def play(self, left: int, step: Callable[[str], None]) -> Event | None:
        """Play the contest that follows the last completed round.

        Args:
            left: oracle calls that the search may still spend.
            step: called before every comparison; it may raise to leave, and the contest is played again.

        Returns:
            the `contest` event, None if no contest is due, it was played before, or no comparison can be paid.
        """
        spec, number = self._spec.contest, self._search.round - 1
        if spec is None or number < 0 or (number + 1) % spec.every or number in self._played or left < CALLS:
            return None
        body = self._body(spec, number, min(spec.comparisons, left // CALLS), step)
        self._played.add(number)
        self.calls += body["calls"]
        return Event("contest", body)

    def _body(self, spec: ContestSpec, number: int, most: int, step: Callable[[str], None]) -> dict[str, Any]:
        names = [f"branch {m}" for m in range(self._spec.search.policies)]
        policies = [BranchPolicy(name, self._search, m) for m, name in enumerate(names)]
        source = BranchSource(self._problem, policies, self._parts, self._spec.seed, "contest", number)
        settings = ExperimentSettings(
            source="branches", judge="oracle", delta=spec.delta, budget=most,
            policies=tuple(PolicySpec(name=name, run="this", branch=m) for m, name in enumerate(names)),
        )  # fmt: skip
        contest = Contest(settings, seed_for(self._spec.seed, "contest", number))
        said: list[list[str]] = []
        while (verdict := contest.verdict()) is None:
            step(f"contest {number} {len(said)}")
            (pair,) = source.responses(contest.next_pairs(1, asked=len(said)))
            source.count(pair)
            judged = source.judge(pair)
            contest.record(Comparison(pair.first, pair.second, judged.outcome, judge="oracle"))
            said.append([pair.first, pair.second, judged.outcome])
        return {
            "round": number, "calls": CALLS * len(said), "comparisons": said, "metrics": contest.metrics(),
            "verdict": contest.verdict_body(verdict),
        }  # fmt: skip
