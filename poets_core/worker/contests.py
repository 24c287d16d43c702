"""Contests among the branches of a search while it goes on: which one to deploy, with what error.

A contest is paid for by the search, so that everything it measures belongs to the search: each response is a
candidate, in the log before the oracle is asked, and each answer an observation, which the search is told when the
contest is over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from poets_core.keyed import seed_for
from poets_core.llm_po.comparison import Comparison, Pair
from poets_core.protocols import Problem, Search
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import Outcome, ProposedCandidate
from poets_core.runs.events import ContestPlayed, Proposed
from poets_core.search import loop
from poets_core.spec import CALLS_PER_COMPARISON, ContestSpec, ExperimentSettings, PolicySpec, SearchSpec
from poets_core.types import Candidate, Evaluation, Observation, branch_of, contest_candidate, policy_name
from poets_core.worker.experiment.sources.branch import BranchPolicy, BranchSource
from poets_core.worker.experiment.sources.source import by_value
from poets_core.worker.experiment.statistics import ExperimentStatistics
from poets_core.worker.search_log import SearchLog, observed_events
from poets_core.worker.session import Session


class SearchContests:
    """The contests of one search; every one begins without evidence, because branches change between them.

    Attributes:
        calls: oracle calls of all contests played.
    """

    def __init__(self, session: Session[SearchSpec], problem: Problem, search: Search, log: SearchLog) -> None:
        self._session, self._spec, self._problem, self._search = session, session.spec, problem, search
        self._played = {contest.round for contest in log.contests}
        self._cut_off = log.contest
        self.calls = sum(contest.calls for contest in log.contests)

    def play(self, left: int) -> int:
        """Play the contest that follows the last completed round, or what is left of it, and tell the search.

        Args:
            left: oracle calls that the search may still spend, before the contest has begun.

        Returns:
            oracle calls of the contest; 0 if none is due, it was played before, or no comparison can be paid.

        Raises:
            Stopped, Terminated: told to leave; the next worker goes on with the comparison that was cut off.
        """
        spec, number = self._spec.contest, self._search.round - 1
        if spec is None or number < 0 or (number + 1) % spec.every or number in self._played:
            return 0
        if left < CALLS_PER_COMPARISON:
            return 0
        # Its calls come out of the search's budget, so a contest that the budget cannot pay in full is a shorter one.
        contest = self._play(spec, number, min(spec.comparisons, left // CALLS_PER_COMPARISON))
        self._played.add(number)
        self.calls += contest.calls
        return contest.calls

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
        candidates: list[Candidate] = []
        observations: list[Observation] = []
        while (verdict := statistics.verdict()) is None:
            (pair,) = statistics.next_pairs(1, asked=len(said))
            two = self._proposed(source, pair, number)
            answers = self._measured(two, number, pair.index)
            first, second = policy_name(two[0].branch), policy_name(two[1].branch)
            source.use(first, second, two[0].prompt)
            one, other = map(_value, answers)
            outcome = by_value(one, other, self._problem.info.objectives[0].direction)
            statistics.record(Comparison(first, second, outcome, judge="oracle"))
            said.append((first, second, outcome))
            candidates += two
            observations += answers
        contest = ContestPlayed(
            number, len(candidates), tuple(said), statistics.metrics(), statistics.verdict_facts(verdict)
        )
        # First into the log: a worker that is cut off in between tells the search when it has read it there.
        self._session.append(contest)
        self._search.tell(candidates, observations)
        self._cut_off = loop.Pending()
        return contest

    def _proposed(self, source: BranchSource, pair: Pair, number: int) -> Sequence[Candidate]:
        """Return the two designs of a comparison: out of the log if they are there, else written now and put there."""
        at = CALLS_PER_COMPARISON * pair.index
        if kept := self._cut_off.candidates[at : at + CALLS_PER_COMPARISON]:
            return kept
        two = [
            Candidate(
                contest_candidate(number, at + k),
                number,
                branch_of(name),
                "contest",
                source.item(pair.index),
                response.design,
                response.text,
                response.reason,
                response.log_prob,
                math.nan,  # the reference is not asked what it would have said
                math.nan,  # and nobody predicts: a contest takes what branches write, not what they think best
                math.nan,
                response.tokens,
            )
            for k, (name, response) in enumerate(zip((pair.first, pair.second), source.written(pair), strict=True))
        ]
        self._session.append(Proposed(number, tuple(map(ProposedCandidate.of, two))))
        return two

    def _measured(self, two: Sequence[Candidate], number: int, comparison: int) -> list[Observation]:
        """Return the oracle's answers to the designs of a comparison, those that the log has among them."""
        observed = {c.id: self._cut_off.observed[c.id] for c in two if c.id in self._cut_off.observed}

        def ask(designs: Sequence[Candidate], number: int, chunk: int) -> Evaluation:
            return loop.ask_oracle(self._problem, designs, self._spec.seed, "contest", number, comparison, chunk)

        for step in loop.measured(self._problem, ask, two, number, observed):
            match step:
                case loop.Evaluating():
                    self._session.step(Doing("contest", (number, comparison, step.chunk)))
                case loop.Evaluated():
                    self._session.append(*observed_events(self._session.run, step))
        return [observed[c.id] for c in two]


def _value(observation: Observation) -> float | None:
    return observation.value[0] if observation.valid else None
