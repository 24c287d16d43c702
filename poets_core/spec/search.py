"""The spec of a search: a problem, a backbone, a method with its settings, and a budget."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from poets_core.spec.base import BackboneSpec, Budget, ProblemSpec, RunFields, SpecModel, mismatch
from poets_core.spec.methods import PoetsSettings, SearchSettings


class ContestSpec(SpecModel):
    """A contest among the branches of a search, judged by its oracle: which one to deploy.

    Its oracle calls count in the search's budget.
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
            description="In one contest; each takes two measurements.",
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
    """

    kind: Literal["search"] = "search"
    problem: ProblemSpec
    backbone: BackboneSpec = BackboneSpec()
    search: Annotated[SearchSettings, Field(discriminator="method")] = PoetsSettings()
    budget: Budget = Budget()
    contest: ContestSpec | None = None

    @model_validator(mode="after")
    def _contests_have_branches(self) -> SearchSpec:
        if self.contest is not None and self.search.policies < 2:
            raise mismatch(
                "contest",
                f"Expected contests only where two branches or more are trained, got {self.search.policies} by method "
                f"{self.search.method!r}. Leave the contests out, or take method 'poets' with more branches.",
            )
        return self
