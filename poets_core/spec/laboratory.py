"""How a batch goes to a laboratory and comes back; for problems that people answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from poets_core.spec.base import Names, SpecModel

PLATES: dict[int, tuple[int, int]] = {24: (4, 6), 48: (6, 8), 96: (8, 12), 384: (16, 24)}
"""Rows and columns of each plate, by its wells."""


class LaboratorySpec(SpecModel):
    """Plates, controls and replicates of every batch."""

    plate: Annotated[
        Literal["none", "24", "48", "96", "384"],
        Field(title="Plate", description="Wells of a plate. Without plates, a batch is a plain list."),
        Names({"none": "no plate, a list", "24": "24 wells", "48": "48 wells", "96": "96 wells", "384": "384 wells"}),
    ] = "96"
    replicates: Annotated[
        int,
        Field(
            ge=1,
            le=24,
            title="Replicates",
            description="Wells of each design. The search learns their mean; their spread is kept as its error.",
        ),
    ] = 1
    parent_wells: Annotated[
        int,
        Field(
            ge=0,
            le=48,
            title="Wells of the parent",
            description="In every batch, beside its designs. Two or more let batches be compared: values are then "
            "corrected so that the parent is the same in all of them.",
        ),
    ] = 2
    controls: Annotated[
        str,
        Field(
            max_length=200,
            title="Further controls",
            description="Names, separated by commas, such as empty, sterile: one well each. They are kept and not "
            "learnt from.",
        ),
    ] = ""
    apart: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            title="Differences within a batch",
            description="Designs of one batch differ from each other in so many places at least; 0: as they come. "
            "Where too few are found, the batch is smaller.",
        ),
    ] = 0
    correct: Annotated[
        Literal["auto", "none"],
        Field(
            title="Correct batches",
            description="By the wells of the parent: by their ratio where all values are above zero, else by their "
            "difference. Needs two wells of the parent in both batches.",
        ),
        Names({"auto": "by the parent's wells", "none": "never"}),
    ] = "auto"
    advance: Annotated[
        Literal["itself", "demand"],
        Field(
            title="Next batch",
            description="By itself as soon as every design of a batch has a result, or when it is asked for.",
        ),
        Names({"itself": "by itself", "demand": "when it is asked for"}),
    ] = "itself"

    @property
    def wells(self) -> int:
        """Wells of a plate; 0 without plates."""
        return 0 if self.plate == "none" else int(self.plate)

    @property
    def control_names(self) -> tuple[str, ...]:
        """The further controls, in their order."""
        return tuple(name for part in self.controls.split(",") if (name := part.strip()))
