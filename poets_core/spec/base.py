"""What all specs are made of: frozen validated data whose fields know their title, help, bounds and marks.

A form, the command line and the reference pages read these classes; no other list of fields exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

VERSION: Literal[2] = 2
"""Layout of a spec's JSON. A file without a version is of the layout before; see `poets_core.spec.old`."""
LARGEST_SEED = 2**31 - 1
DESIGNED_WIDTH, NGRAM_WIDTH = 256, 384
"""Width of a small backbone with laid-out features: fewer numbers let unlike designs look alike by chance."""


class Mark(Enum):
    """What a field says of itself, beside its title, help and bounds."""

    ADVANCED = "a form shows it only when asked"
    HIDDEN = "no form shows it, or one that draws it by hand"
    TUNED = "its default was chosen for this method: settings of a problem or preset, made for POETS, leave it alone"
    REPORT = "it changes what a round reports, never what the search does"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits of a number, under the names that a field declares them by.

    Attributes:
        ge, gt: it is at least, above.
        le, lt: it is at most, below.
        multiple_of: it is a multiple.
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None

    def __str__(self) -> str:
        """Return the limits in words: ``"1 to 4,096"``, ``"above 0, at most 10"``; ``""`` for none."""
        words = [
            f"{_number(self.ge)} to {_number(self.le)}" if None not in (self.ge, self.le) else "",
            f"at least {_number(self.ge)}" if self.ge is not None and self.le is None else "",
            f"above {_number(self.gt)}" if self.gt is not None else "",
            f"at most {_number(self.le)}" if self.le is not None and self.ge is None else "",
            f"below {_number(self.lt)}" if self.lt is not None else "",
            f"a multiple of {_number(self.multiple_of)}" if self.multiple_of is not None else "",
        ]
        return ", ".join(filter(None, words))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"


@dataclass(frozen=True)
class Names:
    """What the values of a field are called on the pages, by value; files and commands use the values."""

    of: Mapping[str, str]


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

    name: Annotated[str, Field(min_length=1, max_length=200)]
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
            title="Base model",
            description="The language model that writes designs (backbone). It stays frozen; only small adapters on it "
            "are trained.",
        ),
        Mark.HIDDEN,
    ] = "library"
    branch_from: Annotated[
        int,
        Field(
            title="First own layer",
            description="Lower layers are shared by all models and computed once. -1: the last. Small model: 0.",
        ),
        Mark.ADVANCED,
    ] = -1
    cache_mb: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000,
            title="Cache of shared layers (MB)",
            description="Memory for lower layers' results; more goes to disk.",
        ),
        Mark.ADVANCED,
    ] = 2048
    width: Annotated[
        int,
        Field(ge=8, le=512, multiple_of=8, title="Width", description="Of the small model, in units."),
        Mark.ADVANCED,
    ] = 32
    layers: Annotated[int, Field(ge=1, le=12, title="Layers", description="Of the small model."), Mark.ADVANCED] = 1
    steps: Annotated[
        int,
        Field(
            ge=1,
            le=20_000,
            title="Training steps of the small model",
            description="When the run starts, on the problem's own library.",
        ),
        Mark.ADVANCED,
    ] = 150
    features: Annotated[
        Literal["auto", "trained", "designed", "n-grams"],
        Field(
            title="Features of the small model",
            description="Designed: laid out so that designs which differ in few places or in like letters look alike. "
            "N-grams: laid out for any length, by what stands so many tokens back. Of both only the head is trained. "
            "Automatic: where models learn exactly, designed at a few places and n-grams elsewhere; else trained.",
        ),
        Names({"auto": "automatic", "trained": "trained", "designed": "designed", "n-grams": "n-grams"}),
        Mark.ADVANCED,
    ] = "auto"


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
            description="Measurements in each round. Rounds times this is the budget.",
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
