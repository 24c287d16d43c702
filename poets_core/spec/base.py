"""What all specs are made of: frozen validated data whose fields know their title, help, bounds and marks.

A form, the command line and the reference pages read these classes; no other list of fields exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

VERSION: Literal[2] = 2
"""Layout of a spec's JSON. A file without a version is of the layout before; see `poets_core.spec.old`."""
LARGEST_SEED = 2**31 - 1


class Mark(Enum):
    """What a field says of itself, beside its title, help and bounds."""

    ADVANCED = "a form shows it only when asked"
    HIDDEN = "no form shows it, or one that draws it by hand"
    TUNED = "its default was chosen for this method: settings of a problem or preset, made for POETS, leave it alone"
    REPORT = "it changes what a round reports, never what the search does"


@dataclass(frozen=True)
class Step:
    """How far one press of a number field's buttons goes."""

    step: float


class SpecModel(BaseModel):
    """Base of all specs: frozen, no unknown fields, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def marked(cls, name: str, mark: Mark) -> bool:
        """Whether a field carries a mark."""
        return mark in cls.model_fields[name].metadata


def mismatch(field: str, message: str) -> PydanticCustomError:
    """Return an error of several fields together, to be raised in a validator, that belongs to one of them.

    Args:
        field: its name in the model, ``""`` for the model as a whole.
        message: for people.
    """
    return PydanticCustomError("mismatch", "{message}", {"field": field, "message": message})


class ProblemSpec(SpecModel):
    """Which problem, with which parameters (see `domains.catalog`)."""

    name: Annotated[str, Field(min_length=1)]
    params: dict[str, JsonValue] = Field(default_factory=dict)


class BackboneSpec(SpecModel):
    """The frozen language model.

    `source` is a catalog backbone (``"protein"``, ``"circuit"``), ``"library"`` (a small model trained on the problem's
    own library when the run starts), a local folder, or a Hugging Face name. The default of `branch_from` suits the
    shipped models.
    """

    source: Annotated[
        str,
        Field(
            min_length=1,
            title="Backbone",
            description="The language model that writes designs. It stays frozen; only small adapters on it are "
            "trained.",
        ),
        Mark.HIDDEN,
    ] = "library"
    branch_from: Annotated[
        int,
        Field(
            title="First own layer",
            description="Lower layers are shared by all branches and computed once. -1: the last. Library: 0.",
        ),
        Mark.ADVANCED,
    ] = -1
    cache_mb: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000,
            title="Trunk cache (MB)",
            description="Memory for lower layers' results; more goes to disk.",
        ),
        Mark.ADVANCED,
    ] = 2048
    width: Annotated[
        int,
        Field(ge=8, le=512, multiple_of=8, title="Width", description="Of a library model, in units."),
        Mark.ADVANCED,
    ] = 32
    layers: Annotated[int, Field(ge=1, le=12, title="Layers", description="Of a library model."), Mark.ADVANCED] = 1
    steps: Annotated[
        int,
        Field(
            ge=1,
            le=20_000,
            title="Library training steps",
            description="Training of a library model when the run starts.",
        ),
        Mark.ADVANCED,
    ] = 150


class Budget(SpecModel):
    """How much may be spent: `rounds` rounds of `batch` oracle calls."""

    rounds: Annotated[
        int, Field(ge=1, le=100_000, title="Rounds", description="Propose, measure, learn: so many times.")
    ] = 12
    batch: Annotated[
        int,
        Field(
            ge=1,
            le=4096,
            title="Designs per round",
            description="Oracle calls in each round. Rounds times this is the budget.",
        ),
    ] = 32

    @property
    def calls(self) -> int:
        """Oracle calls in all."""
        return self.rounds * self.batch


class RunFields(SpecModel):
    """What every run has, whatever its kind."""

    version: Literal[2] = VERSION
    kind: str
    label: Annotated[str, Field(max_length=120, title="Name of the run (optional)")] = ""
    seed: Annotated[
        int, Field(ge=0, le=LARGEST_SEED, title="Seed", description="The same settings and seed give the same run.")
    ] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Field(title="Device", description="“auto” takes a GPU where there is one."),
    ] = "auto"
    threads: Annotated[int, Field(ge=1, le=256, title="Threads", description="Of the worker's process.")] = 1
