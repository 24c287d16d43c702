"""Contests among the branches of a search while it goes on: which one to deploy, with what error."""

from __future__ import annotations

from collections.abc import Sequence

from poets_core.keyed import seed_for
from poets_core.llm_po.comparison import Comparison
from poets_core.protocols import Problem, Search
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import Outcome
from poets_core.runs.events import ContestPlayed
from poets_core.spec import ContestSpec, ExperimentSettings, PolicySpec, SearchSpec
from poets_core.types import policy_name
from poets_core.worker.experiment.sources.branch import BranchPolicy, BranchSource
from poets_core.worker.experiment.statistics import ExperimentStatistics
from poets_core.worker.session import Session

CALLS = 2
"""Oracle calls of a comparison."""


class SearchContests:
    """The contests of one search; every one begins without evidence, because branches change between them.

    Attributes:
        calls: oracle calls of all contests played.
    """

    def __init__(self, session: Session[SearchSpec], problem: Problem, search: Search, played: Sequence[ContestPlayed]):
        self._session, self._spec, self._problem, self._search = session, session.spec, problem, search
        self._played = {contest.round for contest in played}
        self.calls = sum(contest.calls for contest in played)

    def play(self, left: int) -> ContestPlayed | None:
        """Play the contest that follows the last completed round.

        A worker that is told to leave meanwhile leaves it unwritten, and the next one plays it again from the start.

        Args:
            left: oracle calls that the search may still spend.

        Returns:
            the event, None if no contest is due, it was played before, or no comparison can be paid.
        """
        spec, number = self._spec.contest, self._search.round - 1
        if spec is None or number < 0 or (number + 1) % spec.every or number in self._played or left < CALLS:
            return None
        # Its calls come out of the search's budget, so a contest that the budget cannot pay in full is a shorter one.
        contest = self._play(spec, number, min(spec.comparisons, left // CALLS))
        self._played.add(number)
        self.calls += contest.calls
        return contest

    def _play(self, spec: ContestSpec, number: int, most: int) -> ContestPlayed:
        # The reference does not take part: it cannot be deployed as a branch, and every duel with it costs two calls.
        names = [policy_name(m) for m in range(self._spec.search.policies)]
        policies = [BranchPolicy(name, self._search, m) for m, name in enumerate(names)]
        source = BranchSource(self._problem, policies, self._session.science, self._spec.seed, "contest", number)
        settings = ExperimentSettings(
            source="branches",
            judge="oracle",
            delta=spec.delta,
            budget=most,
            policies=tuple(PolicySpec(name=name, run="this", branch=m) for m, name in enumerate(names)),
        )
        # A seed of its own for every contest: otherwise all of them would ask the same pairs in the same order.
        statistics = ExperimentStatistics(settings, seed_for(self._spec.seed, "contest", number))
        said: list[tuple[str, str, Outcome]] = []
        while (verdict := statistics.verdict()) is None:
            self._session.step(Doing("contest", (number, len(said))))
            (pair,) = source.responses(statistics.next_pairs(1, asked=len(said)))
            source.count(pair)
            judged = source.judge(pair)
            statistics.record(Comparison(pair.first, pair.second, judged.outcome, judge="oracle"))
            said.append((pair.first, pair.second, judged.outcome))
        return ContestPlayed(
            number, CALLS * len(said), tuple(said), statistics.metrics(), statistics.verdict_facts(verdict)
        )
