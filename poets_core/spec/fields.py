"""The settings that several methods share: type, bounds, title and help of each, said once.

A method's class gives a field its default; reward s.d. means standard deviations of the transformed values.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from poets_core.spec.base import Mark, Names

Transform: TypeAlias = Literal["auto", "z", "log"]

Beta = Annotated[
    float,
    Field(
        gt=0,
        le=10,
        title="Stay close to the base model",
        description="β, the KL weight: pull to the untrained model, in reward s.d.",
    ),
]
Pool = Annotated[
    int,
    Field(
        ge=1,
        le=512,
        title="Ideas per measured design",
        description="Designs considered for each one that is measured: the pool.",
    ),
]
LengthPrice = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        title="Price of length",
        description="What a design of the greatest length costs, in reward s.d. Prices from 0 to this are spread over "
        "models and over the good designs that are edited, which finds good designs of every length. 0: none.",
    ),
    Mark.ADVANCED,
]
EditShare = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        title="Mutants of good designs",
        description="Share of the ideas, 0 to 1, that edit good designs; the rest is written.",
    ),
]
Steps = Annotated[
    int, Field(ge=0, le=10_000, title="Training steps per round", description="Adam steps after each round.")
]
RewardTransform = Annotated[
    Transform,
    Field(
        title="Scale of values",
        description="Logarithmic for positive, skewed values; linear for others; automatic decides from the data.",
    ),
    Names({"auto": "automatic", "z": "linear", "log": "logarithmic"}),
]
LearningRate = Annotated[
    float,
    Field(gt=0, le=1, title="Learning rate", description="Step size of Adam, the optimiser."),
    Mark.ADVANCED,
]
Minibatch = Annotated[
    int,
    Field(ge=2, le=4096, title="Minibatch", description="Observations in each training step."),
    Mark.ADVANCED,
]
GradientNorm = Annotated[
    float,
    Field(gt=0, title="Largest gradient norm", description="Longer gradients are shortened to this."),
    Mark.ADVANCED,
]
Rank = Annotated[
    int,
    Field(ge=1, le=256, title="Adapter rank", description="Size of the trained adapter of each branch."),
    Mark.ADVANCED,
]
Features = Annotated[
    Literal["auto", "one-hot", "aaindex", "blosum"],
    Field(
        title="Residues are described by",
        description="Whether the surrogate knows which amino acids are alike; automatic: by properties in proteins. "
        "Designs of different lengths are compared by their words.",
    ),
    Names(
        {
            "auto": "automatic",
            "one-hot": "their letters alone",
            "aaindex": "properties (AAindex)",
            "blosum": "exchanges in evolution (BLOSUM62)",
        }
    ),
    Mark.ADVANCED,
]
Elites = Annotated[
    int,
    Field(ge=1, le=1000, title="Parents", description="How many of the best designs edits start from."),
    Mark.ADVANCED,
]
Replay = Annotated[
    bool, Field(title="Learn from all rounds", description="Off: from the last one alone."), Mark.ADVANCED
]
AllowRepeats = Annotated[
    bool, Field(title="Measure designs again", description="Sensible for noisy measurements only."), Mark.ADVANCED
]
