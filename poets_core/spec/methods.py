"""The search methods: what each is, what it needs, and its settings with the defaults it was tuned to.

A method is added by a class here, a search class, and a line in `poets_core.search.registry`. How the defaults were
chosen: docs/papers.md and benchmarks/search.py.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from poets_core.spec.base import Mark, Names, mismatch
from poets_core.spec.fields import (
    AllowRepeats,
    Beta,
    EditShare,
    Elites,
    GradientNorm,
    LearningRate,
    LengthPrice,
    Minibatch,
    Pool,
    Rank,
    RewardTransform,
    Steps,
)
from poets_core.spec.method import MethodSettings
from poets_core.spec.policy_gradients import GRPOSettings, PPOSettings, RLOOSettings, ToSFiTSettings
from poets_core.spec.surrogates import (
    BestOfReferenceSettings,
    BoostingSettings,
    GaussianProcessSettings,
    KLThompsonSettings,
    StringProcessSettings,
)


class PoetsSettings(MethodSettings):
    """An ensemble of branches (arXiv 2605.07775); the defaults are the measured recipe of docs/papers.md."""

    title = "POETS ensemble"
    says = "Several models of the same data, by bootstrap or as exact draws; their disagreement is the uncertainty."
    trains = True
    ensemble = True
    predicts = True

    method: Literal["poets"] = "poets"
    branches: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            title="Models",
            description="Branches of the ensemble: adapters on the base model. Their disagreement is the uncertainty.",
        ),
    ] = 8
    edit_share: EditShare = 0.45
    prior_scale: Annotated[
        float,
        Field(
            ge=0,
            le=20,
            title="Initial diversity",
            description="c, the spread before data: how far models start apart, in reward s.d. 0: no prior adapters. "
            "Learning exactly, the data decide how far; 0: all models are the mean.",
        ),
    ] = 0.3
    fit: Annotated[
        Literal["gradient", "exact", "auto"],
        Field(
            title="How models learn",
            description="By gradient: Adam steps on the adapters of all own layers. Exactly: models are draws from the "
            "posterior of the head's adapters, and training settings do not count. Automatic: exactly where designs "
            "are all combinations of some letters, at most a million.",
        ),
        Names({"gradient": "by gradient", "exact": "exactly", "auto": "automatic"}),
    ] = "gradient"
    exact_beta: Annotated[
        float,
        Field(
            gt=0,
            le=10,
            title="Stay close, learning exactly",
            description="β, the KL weight, where models learn exactly, in reward s.d.",
        ),
        Mark.ADVANCED,
    ] = 1.0
    whole_space: Annotated[
        bool,
        Field(
            title="Search the whole space",
            description="Each place in a round takes the best of all combinations of letters, where these are at most "
            "a million; no ideas are written.",
        ),
    ] = False
    climb: Annotated[
        int,
        Field(
            ge=0,
            le=20,
            title="Steps of climbing",
            description="Where the space is larger: so many times the best ideas of each model are edited again.",
        ),
        Mark.ADVANCED,
    ] = 0
    reference_weight: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            title="Trust in the base model",
            description="What a nat of the base model's log-probability is worth when ideas are chosen, in reward s.d.",
        ),
        Mark.ADVANCED,
    ] = 0.0
    reference_share: Annotated[
        float,
        Field(
            ge=0,
            le=0.9,
            title="Share of the base model",
            description="Part of a round that the base model writes, whatever was learnt: it meets what no model "
            "believes in.",
        ),
        Mark.ADVANCED,
    ] = 0.0
    tempering: Annotated[
        float,
        Field(
            ge=0,
            le=2,
            title="Follow own opinion",
            description="τ, tempering: a model's own opinion against the mean's. 0: only the mean's, 1: only its own.",
        ),
    ] = 0.5
    length_price: LengthPrice = 0.0
    pool: Pool = 16
    beta: Beta = 0.1
    steps: Steps = 40
    transform: RewardTransform = "auto"
    learning_rate: LearningRate = 5e-3
    minibatch: Minibatch = 32
    gradient_norm: GradientNorm = 1.0
    best_share: Annotated[
        float,
        Field(
            ge=0,
            le=0.95,
            title="Share of the best",
            description="Part of a minibatch that replays the best quarter; the rest is drawn from all observations.",
        ),
        Mark.ADVANCED,
    ] = 0.0
    adapt_edits: Annotated[
        bool,
        Field(
            title="Adapt the share of mutants",
            description="It follows what mutants have brought. The share must lie between 0 and 1, neither of them.",
        ),
        Mark.ADVANCED,
    ] = False
    bootstrap: Annotated[
        bool,
        Field(
            title="Bootstrap",
            description="Each model learns from its own draw of the data. Off: all learn from all alike, which one "
            "model alone does better with.",
        ),
        Mark.ADVANCED,
    ] = True
    stop_early: Annotated[
        bool,
        Field(
            title="Stop early",
            description="Each model keeps its best step on data left out by its bootstrap.",
        ),
        Mark.ADVANCED,
    ] = False
    rank: Rank = 8
    prior_rank: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            title="Prior adapter rank",
            description="Size of the fixed adapter that sets models apart.",
        ),
        Mark.ADVANCED,
    ] = 8
    elites: Elites = 16
    reset_every: Annotated[
        int,
        Field(ge=0, title="Reset every", description="Start the adapters afresh every so many rounds. 0: never."),
        Mark.ADVANCED,
    ] = 0
    shared_pool: Annotated[
        bool,
        Field(
            title="One pool for all",
            description="Off: each place in a round keeps to its own pool, which is less greedy and more varied.",
        ),
        Mark.ADVANCED,
    ] = True
    allow_repeats: AllowRepeats = False
    exact_regret: Annotated[
        bool,
        Field(
            title="Exact soft regret",
            description="For small tables: each round on every design. Each is measured once, outside the budget.",
        ),
        Mark.ADVANCED,
        Mark.REPORT,
    ] = False

    @property
    def policies(self) -> int:
        """See `MethodSettings`."""
        return self.branches

    @model_validator(mode="after")
    def _early_stopping_has_data(self) -> PoetsSettings:
        if self.stop_early and not self.bootstrap:
            raise mismatch(
                "stop_early",
                "Expected bootstrap=true with stop_early, which judges a branch by what its bootstrap left out, got "
                "false. Switch one of the two.",
            )
        return self


class GeneticSettings(MethodSettings):
    """Edits and crossovers of the best designs."""

    title = "Genetic algorithm"
    says = "Edits and crossovers of the best designs so far, no model of the values."

    method: Literal["ga"] = "ga"
    elites: Annotated[Elites, Mark.TUNED] = 8
    mutations: Annotated[
        float,
        Field(ge=1, le=100, title="Edits per child", description="One after the other, on average."),
        Mark.ADVANCED,
    ] = 1.0
    length_price: LengthPrice = 0.0
    allow_repeats: AllowRepeats = False
    transform: Annotated[RewardTransform, Mark.HIDDEN, Mark.REPORT] = "auto"


class InContextSettings(MethodSettings):
    """The frozen model reads designs of a bootstrap of the data and writes the next one; nothing is trained."""

    title = "In-context Thompson sampling"
    says = "The model reads good designs, from a bootstrap of the data for each place in a round, and writes the next."

    method: Literal["in-context"] = "in-context"
    context: Annotated[
        int,
        Field(ge=1, le=64, title="Designs it reads", description="As many as fit in front of the one that it writes."),
        Mark.TUNED,
    ] = 4
    shows: Annotated[
        Literal["best", "random"],
        Field(title="Which designs it reads", description="Of a bootstrap of the data; always the best one last."),
        Names({"best": "the best", "random": "any"}),
        Mark.TUNED,
    ] = "best"
    allow_repeats: AllowRepeats = False
    transform: Annotated[RewardTransform, Mark.HIDDEN, Mark.REPORT] = "auto"


class ReferenceSettings(MethodSettings):
    """Samples of the reference, round after round."""

    title = "Untrained model, learns nothing"
    says = "Samples the model as it is: what a search has to beat."

    method: Literal["reference"] = "reference"
    allow_repeats: AllowRepeats = False
    transform: Annotated[RewardTransform, Mark.HIDDEN, Mark.REPORT] = "auto"


SearchSettings: TypeAlias = (
    PoetsSettings
    | GaussianProcessSettings
    | StringProcessSettings
    | BoostingSettings
    | GeneticSettings
    | GRPOSettings
    | PPOSettings
    | RLOOSettings
    | ToSFiTSettings
    | KLThompsonSettings
    | InContextSettings
    | BestOfReferenceSettings
    | ReferenceSettings
)
"""Settings of any method, told apart by `method`."""

METHODS: dict[str, type[SearchSettings]] = {cls.model_fields["method"].default: cls for cls in SearchSettings.__args__}
"""Every method by name, in the order in which they are offered."""
