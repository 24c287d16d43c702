"""The settings of the methods that draw from a surrogate of the values, over a whole space or over a pool."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from poets_core.spec.base import Mark
from poets_core.spec.fields import AllowRepeats, Beta, EditShare, Elites, Features, Pool, RewardTransform
from poets_core.spec.method import MethodSettings


class GaussianProcessSettings(MethodSettings):
    """Thompson sampling by a Gaussian process, over the whole space where it is small, else over a pool."""

    title = "Gaussian process, Thompson sampling"
    says = (
        "The statistician's choice: strong while there are few observations; the model writes only its first designs."
    )
    predicts = True

    method: Literal["gp"] = "gp"
    features: Annotated[Features, Mark.TUNED] = "one-hot"
    edit_share: Annotated[EditShare, Mark.TUNED] = 0.5
    pool: Annotated[Pool, Mark.TUNED] = 32
    transform: RewardTransform = "auto"
    elites: Elites = 16
    allow_repeats: AllowRepeats = False


class StringProcessSettings(MethodSettings):
    """Thompson sampling by a Gaussian process with a string kernel (BOSS, arXiv 2010.00979)."""

    title = "String-kernel Gaussian process"
    says = "Compares designs by the short words that they share, wherever these stand: for designs of any length."
    predicts = True

    method: Literal["string-gp"] = "string-gp"
    longest: Annotated[
        int,
        Field(
            ge=1, le=4, title="Longest word", description="Tokens of the longest words that designs are compared by."
        ),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 3
    gap_decay: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            title="Words with gaps",
            description="What a word counts less for each token that it skips. 0: words without gaps only.",
        ),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 0.0
    edit_share: Annotated[EditShare, Mark.TUNED] = 0.5
    pool: Annotated[Pool, Mark.TUNED] = 32
    transform: RewardTransform = "auto"
    elites: Elites = 16
    allow_repeats: AllowRepeats = False


class BoostingSettings(MethodSettings):
    """Thompson sampling by an ensemble of boosted trees, after ALDE (Yang et al., Cell Systems 2025)."""

    title = "Boosted trees, Thompson sampling"
    says = "Ensembles of decision trees, each fitted to nine tenths of the data; a design is the choice of one of them."
    predicts = True

    method: Literal["boosting"] = "boosting"
    features: Annotated[Features, Mark.TUNED] = "auto"
    ensembles: Annotated[
        int,
        Field(ge=2, le=64, title="Ensembles", description="How many; their disagreement is the uncertainty."),
        Mark.TUNED,
    ] = 5
    trees: Annotated[
        int,
        Field(ge=1, le=1000, title="Trees", description="Of each ensemble, fitted one after the other."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 100
    depth: Annotated[
        int,
        Field(ge=1, le=12, title="Depth", description="Splits on the way to a leaf, at most."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 4
    shrinkage: Annotated[
        float,
        Field(gt=0, le=1, title="Shrinkage", description="Part of its error that each tree makes good."),
        Mark.ADVANCED,
        Mark.TUNED,
    ] = 0.1
    edit_share: Annotated[EditShare, Mark.TUNED] = 0.5
    pool: Annotated[Pool, Mark.TUNED] = 32
    transform: RewardTransform = "auto"
    elites: Elites = 16
    allow_repeats: AllowRepeats = False


class KLThompsonSettings(MethodSettings):
    """Exact KL-regularised Thompson sampling on a space that can be enumerated."""

    title = "Exact KL-regularised Thompson sampling"
    says = "What POETS approximates, by a Gaussian process on every design: small spaces of fixed length only."
    needs = "a space of fixed length with at most 250,000 designs"
    predicts = True

    method: Literal["klts"] = "klts"
    beta: Beta = 0.1
    transform: RewardTransform = "auto"
    allow_repeats: AllowRepeats = False


class BestOfReferenceSettings(MethodSettings):
    """Thompson sampling by a Gaussian process over samples of the reference alone."""

    title = "Best of the model's samples"
    says = "A Gaussian process chooses among designs that the model writes untrained."
    predicts = True

    method: Literal["best-of-reference"] = "best-of-reference"
    pool: Annotated[Pool, Mark.TUNED] = 64
    transform: RewardTransform = "auto"
    allow_repeats: AllowRepeats = False


SurrogateSettings: TypeAlias = (
    GaussianProcessSettings | StringProcessSettings | BoostingSettings | KLThompsonSettings | BestOfReferenceSettings
)
"""Settings of any of them."""
