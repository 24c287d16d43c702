"""The methods that train one policy by its gradient: what each is, its settings and the defaults it was tuned to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from poets_core.spec.base import Mark
from poets_core.spec.fields import (
    AllowRepeats,
    Beta,
    GradientNorm,
    LearningRate,
    Minibatch,
    Rank,
    Replay,
    RewardTransform,
    Steps,
)
from poets_core.spec.method import MethodSettings


class PolicyGradientSettings(MethodSettings):
    """Base of the methods that train one policy by its gradient."""

    trains = True

    beta: Beta = 0.1
    steps: Steps = 40
    transform: RewardTransform = "auto"
    learning_rate: LearningRate = 5e-3
    minibatch: Minibatch = 32
    gradient_norm: GradientNorm = 1.0
    rank: Rank = 8


class GRPOSettings(PolicyGradientSettings):
    """Group-relative policy optimisation (arXiv 2402.03300)."""

    title = "GRPO"
    says = "One policy, clipped policy gradients within each round."

    method: Literal["grpo"] = "grpo"
    beta: Annotated[Beta, Mark.TUNED] = 0.03
    gradient_norm: Annotated[GradientNorm, Mark.TUNED] = 10.0
    clip: Annotated[
        float,
        Field(gt=0, lt=1, title="Clip", description="How far a policy may move from the one that drew the data."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 0.4
    replay: Replay = False
    allow_repeats: AllowRepeats = False


class PPOSettings(PolicyGradientSettings):
    """Proximal policy optimisation (arXiv 1707.06347), its penalty inside the reward (arXiv 2203.02155)."""

    title = "PPO"
    says = "One policy, clipped policy gradients, each token judged by a value head."

    method: Literal["ppo"] = "ppo"
    beta: Annotated[Beta, Mark.TUNED] = 0.03
    gradient_norm: Annotated[GradientNorm, Mark.TUNED] = 10.0
    clip: Annotated[
        float,
        Field(gt=0, lt=1, title="Clip", description="How far a policy may move from the one that drew the data."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 0.4
    trace: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            title="Trace",
            description="λ of the advantages. 1: a token answers for all that follows, 0: for the next one alone.",
        ),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 0.95
    allow_repeats: AllowRepeats = False


class RLOOSettings(PolicyGradientSettings):
    """REINFORCE with the leave-one-out baseline (arXiv 2402.14740)."""

    title = "REINFORCE, leave-one-out"
    says = "One policy, plain policy gradients."

    method: Literal["rloo"] = "rloo"
    # Without a ratio, gradients from older rounds are biased: no form offers it.
    replay: Annotated[Replay, Mark.HIDDEN] = False
    allow_repeats: AllowRepeats = False


class ToSFiTSettings(PolicyGradientSettings):
    """Variational Bayesian optimistic sampling (arXiv 2510.13328)."""

    title = "ToSFiT"
    says = "One policy, tuned towards the Thompson samples of a Gaussian process."

    method: Literal["tosfit"] = "tosfit"
    steps: Annotated[Steps, Mark.TUNED] = 40
    exploration: Annotated[
        float,
        Field(ge=0, le=100, title="Exploration", description="Weight of the uncertainty. 0: (soft) actor-critic."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 1.0
    allow_repeats: AllowRepeats = False
