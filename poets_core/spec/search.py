"""The spec of a search: a problem, a backbone, a method with its settings, and a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from poets_core.spec.base import BackboneSpec, Budget, ProblemSpec, RunFields, SpecModel, mismatch
from poets_core.spec.laboratory import LaboratorySpec
from poets_core.spec.methods import PoetsSettings, SearchSettings

CALLS_PER_COMPARISON = 2
"""Oracle calls of one comparison in a contest: one for each response."""


class ContestSpec(SpecModel):
    """A contest among the branches of a search, judged by its oracle: which one to deploy.

    Its oracle calls count in the search's budget, and the search learns from what they measure.
    """

    every: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            title="Rounds between contests",
            description="A contest is held after every so many rounds.",
        ),
    ] = 4
    comparisons: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            title="Comparisons, at most",
            description="In one contest; each takes two measurements, which the search learns from.",
        ),
    ] = 64
    delta: Annotated[
        float,
        Field(
            gt=0,
            le=0.5,
            title="Largest error (δ)",
            description="Probability that a contest names a wrong model, at most.",
        ),
    ] = 0.1


class SearchSpec(RunFields):
    """One search.

    Attributes:
        search: the settings of its method, and no other's.
        contest: which of its branches is best while it goes on; None for no contests.
        laboratory: how batches go out, where people answer; None: by the defaults.
    """

    kind: Literal["search"] = "search"
    problem: ProblemSpec
    backbone: BackboneSpec = BackboneSpec()
    search: Annotated[SearchSettings, Field(discriminator="method")] = PoetsSettings()
    budget: Budget = Budget()
    contest: ContestSpec | None = None
    laboratory: LaboratorySpec | None = None

    @model_validator(mode="after")
    def _contests_have_branches(self) -> SearchSpec:
        if self.contest is not None and self.search.policies < 2:
            raise mismatch(
                "contest",
                f"Expected contests only where two branches or more are trained, got {self.search.policies} by method "
                f"{self.search.method!r}. Leave the contests out, or take method 'poets' with more branches.",
            )
        return self


@dataclass(frozen=True)
class Plan:
    """What a search's budget pays for, if every contest takes all the comparisons it may.

    A contest that ends early leaves its calls to further rounds.

    Attributes:
        rounds: that are played.
        batch: oracle calls of a round.
        comparisons: of all contests.
    """

    rounds: int
    batch: int
    comparisons: int

    @property
    def contest_calls(self) -> int:
        """Oracle calls of all contests."""
        return CALLS_PER_COMPARISON * self.comparisons

    @property
    def calls(self) -> int:
        """Oracle calls in all."""
        return self.rounds * self.batch + self.contest_calls

    def __str__(self) -> str:
        """Say it as a sum; see `calls_in_words`."""
        return calls_in_words(self.rounds, self.rounds * self.batch, self.contest_calls)


def calls_in_words(rounds: int, of_rounds: int, of_contests: int) -> str:
    """Say as a sum what oracle calls are spent on: ``"8 rounds (256) + 64 comparisons (128) = 384 measurements"``.

    Args:
        rounds: how many.
        of_rounds, of_contests: oracle calls.
    """
    comparisons = of_contests // CALLS_PER_COMPARISON
    contests = f" + {_times(comparisons, 'comparison')} ({of_contests:,})" if of_contests else ""
    return f"{_times(rounds, 'round')} ({of_rounds:,}){contests} = {of_rounds + of_contests:,} measurements"


def _times(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def plan_of(budget: Budget, contest: ContestSpec | None) -> Plan:
    """Return what a budget pays for, with contests or without."""
    rounds = comparisons = 0
    left = budget.calls
    while True:
        if contest is not None and rounds and rounds % contest.every == 0:
            held = min(contest.comparisons, left // CALLS_PER_COMPARISON)
            comparisons, left = comparisons + held, left - CALLS_PER_COMPARISON * held
        if rounds >= budget.rounds or left < budget.batch:
            return Plan(rounds, budget.batch, comparisons)
        rounds, left = rounds + 1, left - budget.batch
