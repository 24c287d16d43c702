"""What a page knows of a run: the values that its events fold into (`poets_core.runs.views.fold.fold`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from poets_core.runs.events import ArtifactMade, ContestPlayed, Updated
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.rewards import RewardsView
from poets_core.spec import calls_in_words
from poets_core.types import Objective, ProblemInfo, round_number

TOP = 100
"""Designs whose mean is drawn."""
LEADERS = 10
"""Designs that are listed as the best ones."""
UNNAMED = Objective("value", "")


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A candidate and, once it is observed, its value.

    Attributes:
        id: ``"<round>-<slot>"``, in a contest `poets_core.types.contest_candidate`, of given data `given_candidate`.
        round, branch, source, prompt, design, text: see `poets_core.types.Candidate`.
        log_prob, reference_log_prob: nats.
        predicted_mean, predicted_std: of the standardised reward, before the value was known, as the log has them.
        expected: value that was predicted, in the objective's unit; None where nothing was, or in no known unit.
        expected_low, expected_high: values two predicted deviations to either side of it, the smaller one first; not
            symmetric where rewards are logarithms. None where no value reaches so far.
        value: first objective in its own unit; None while unobserved or invalid.
        values: all objectives.
        std: known noise of `value`.
        valid: None while unobserved.
        reason: why it is not valid.
        details: what the oracle adds.
        order: number of the oracle call, from 1; None while unobserved, and of given data.
        at: when it was observed, seconds since the epoch.
        was: values that were corrected since, oldest first.
        missing: whether nothing is known of it: its well failed, or nobody measured it.
    """

    id: str
    round: int
    branch: int
    source: str
    prompt: int
    design: str
    text: str
    log_prob: float | None
    reference_log_prob: float | None
    predicted_mean: float | None
    predicted_std: float | None
    expected: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    value: float | None = None
    values: tuple[float | None, ...] = ()
    std: float | None = None
    valid: bool | None = None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    order: int | None = None
    at: float = 0.0
    was: tuple[float | None, ...] = ()
    missing: bool = False

    @property
    def round_in_words(self) -> str:
        """Say when it was proposed: ``"round 4"``, or ``"contest after round 4"``; people count rounds from 1."""
        if self.source == "given":
            return "given data"
        return f"{'contest after ' if self.source == 'contest' else ''}round {round_number(self.round)}"

    @property
    def unit_unknown(self) -> bool:
        """Whether something was predicted and its log does not say in which unit: programs before 0.1 wrote none."""
        return self.expected is None and self.predicted_mean is not None and self.round > 0


@dataclass(frozen=True)
class Best:
    """The best observed candidate, and when it was observed (seconds since the epoch)."""

    value: float
    design: str
    id: str
    at: float = 0.0


@dataclass(frozen=True)
class RunView:
    """Everything a page draws about a run. Series have one entry per oracle call, in call order.

    Attributes:
        seq: last event folded.
        started, last: times of the first and of the last event, seconds since the epoch.
        claims: how many workers took the run.
        device: of the last worker.
        phase: ``"running"``, ``"paused"`` or ``"stopped"`` as the worker last said.
        finished: reason, None while the run goes on.
        failed: message, None if it did not fail (or was resumed since).
        asked_again: oracle calls that an interruption made necessary twice.
        info: facts of the problem, None before `prepared` and where an experiment has none.
        backbone: backbone facts.
        check: what a task of name ``"check"`` measured, None otherwise.
        rounds: the `updated` event of every completed round.
        learnt: the `updated` event of the given data, None where there are none.
        given: ids of what was measured before the run; they are in no series.
        candidates: by id, in the order proposed.
        order: candidate ids in call order.
        values: value of each call, None where invalid.
        best_so_far: best valid value up to each call, None before there is one.
        regret: cumulative regret up to each call, None where the optimum is
            unknown or nothing valid says what an invalid design is worth.
        best: best observed candidate by the first objective's direction.
        records: positions in `order` of the calls that were better than all before, ascending.
        leaders: ids of the best `LEADERS` distinct designs, best first; of equals, the earlier one first.
        artifacts: files that a task wrote.
        experiment: what an experiment has found, None for other runs.
        rewards: what a run that learns from rewards knows beside its rounds, None for other runs.
        contests: which branch of a search is best, after some of its rounds.
        round_ends: oracle calls made when each round was measured, as far as it is, by round from 0: more than rounds
            times batch where contests lie between.
        contested: oracle calls of contests, as far as `order` holds them.
        contest_calls: further ones, of contests of older programs, of which nothing else is known.
    """

    seq: int = 0
    started: float = 0.0
    last: float = 0.0
    claims: int = 0
    device: str = ""
    phase: str = ""
    finished: str | None = None
    failed: str | None = None
    asked_again: int = 0
    info: ProblemInfo | None = None
    backbone: Mapping[str, Any] | None = None
    check: Mapping[str, Any] | None = None
    rounds: Sequence[Updated] = field(default_factory=list)
    learnt: Updated | None = None
    given: Sequence[str] = field(default_factory=list)
    candidates: Mapping[str, CandidateView] = field(default_factory=dict)
    order: Sequence[str] = field(default_factory=list)
    values: Sequence[float | None] = field(default_factory=list)
    best_so_far: Sequence[float | None] = field(default_factory=list)
    regret: Sequence[float | None] = field(default_factory=list)
    best: Best | None = None
    records: Sequence[int] = field(default_factory=list)
    leaders: Sequence[str] = field(default_factory=list)
    artifacts: Sequence[ArtifactMade] = field(default_factory=list)
    experiment: ExperimentView | None = None
    rewards: RewardsView | None = None
    contests: Sequence[ContestPlayed] = field(default_factory=list)
    # running totals; values here are signed so that larger is better
    valid_calls: int = 0
    worst: float | None = None
    regret_so_far: float = 0.0
    undecided: int = 0
    undecodable: int = 0
    by_design: Mapping[str, float | None] = field(default_factory=dict)
    top: Sequence[float] = field(default_factory=list)
    round_totals: Mapping[int, tuple[float, int]] = field(default_factory=dict)
    round_ends: Mapping[int, int] = field(default_factory=dict)
    contested: int = 0
    contest_calls: int = 0

    @property
    def calls(self) -> int:
        """Oracle calls charged so far, invalid ones and those of contests too; of an experiment, comparisons; of a run
        that learns from rewards, rounds.

        In stores of older programs, calls of contests are charged that `order` does not hold.
        """
        if self.rewards is not None:
            return len(self.rounds)
        return len(self.order) + self.contest_calls if self.experiment is None else self.experiment.comparisons

    @property
    def objective(self) -> Objective:
        """First objective; a nameless "value" before `prepared`."""
        return UNNAMED if self.info is None else self.info.objectives[0]

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Figures of the last completed round, else of the given data; empty before either."""
        last = self.rounds[-1] if self.rounds else self.learnt
        return {} if last is None else last.metrics

    @property
    def sign(self) -> float:
        """1 where larger is better, -1 where smaller is."""
        return -1.0 if self.objective.direction == "minimise" else 1.0

    @property
    def invalid_value(self) -> float | None:
        """What an invalid design counts as in regret and top-100, in the objective's
        unit: the problem's `facts["invalid_value"]`, else the worst valid value so far."""
        stated: float | None = None if self.info is None else self.info.facts.get("invalid_value")
        return stated if stated is not None else None if self.worst is None else self.sign * self.worst

    @property
    def cumulative_regret(self) -> float | None:
        """Sum over calls of optimum minus value, None where the optimum is unknown."""
        return self.regret[-1] if self.regret else None

    @property
    def top_100_mean(self) -> float | None:
        """Mean of the best 100 distinct designs (of all, while there are fewer);
        invalid ones count as `invalid_value`. None before anything valid."""
        if not self.top:
            return None
        distinct_invalid = len(self.by_design) + self.undecodable - sum(v is not None for v in self.by_design.values())
        filled = min(TOP - len(self.top), distinct_invalid)
        total = self.sign * fsum(self.top) + filled * (self.invalid_value or 0.0)
        return total / (len(self.top) + filled)

    @property
    def distinct(self) -> int:
        """Different designs measured; a text without a design is none. `calls` counts repeats too."""
        return len(self.by_design)

    def best_first(self) -> list[CandidateView]:
        """Return all valid candidates by the first objective, the best first; of equals, the earlier one first."""
        measured = [c for c in self.candidates.values() if c.valid and c.value is not None]
        return sorted(measured, key=lambda c: -self.sign * (c.value or 0.0))

    @property
    def measured_in_words(self) -> str:
        """Say how much was measured: ``"96 measurements of 71 different designs"``, shorter where they are as many."""
        if self.distinct == self.calls:
            return f"{self.calls:,} designs measured"
        return f"{self.calls:,} measurements of {self.distinct:,} different designs"

    @property
    def calls_in_words(self) -> str:
        """Say what calls were spent on: ``"8 rounds (256) + 64 comparisons (128) = 384 measurements"``.

        Empty for a run without contests, whose calls are all those of its rounds.
        """
        contests = self.contested + self.contest_calls
        if not contests:
            return ""
        return calls_in_words(len(self.round_ends), len(self.order) - self.contested, contests)

    @property
    def valid_fraction(self) -> float | None:
        """Valid calls of all calls."""
        return self.valid_calls / len(self.order) if self.order else None

    @property
    def unique_fraction(self) -> float | None:
        """Distinct designs of all calls; a text without a design is nobody's equal and no design."""
        return len(self.by_design) / len(self.order) if self.order else None

    @property
    def round_values(self) -> list[float | None]:
        """Values of the calls of rounds alone, in call order: a batch each, without the contests between them."""
        if not self.contested:
            return list(self.values)
        called = zip(self.order, self.values, strict=True)
        return [value for id, value in called if self.candidates[id].source != "contest"]

    @property
    def round_means(self) -> list[float | None]:
        """Mean of the valid values of each round, in round order."""
        last = max(self.round_totals, default=-1)
        totals = (self.round_totals.get(r, (0.0, 0)) for r in range(last + 1))
        return [total / n if n else None for total, n in totals]
