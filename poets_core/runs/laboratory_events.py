"""The events of people who bring something: results of a laboratory, another budget, more for an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from poets_core.runs.event_fields import EventKind, MeasuredWell
from poets_core.runs.event_kind import Kind


@dataclass(frozen=True, slots=True)
class Measured(Kind):
    """Results came in from a laboratory; `observed` follows when a batch is complete, or where a value is corrected.

    A well that was measured before is corrected: what stood there stays in the log and no longer counts.

    Attributes:
        round: of the batch, from 0.
        wells: candidate or control, plate and well, value, note, and row of the file.
        command: number of the command that brought them.
        file: name of the file.
        sha256: of its contents.
    """

    tag: ClassVar[EventKind] = "measured"
    round: int
    wells: tuple[MeasuredWell, ...]
    command: int
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Rejected(Kind):
    """Designs of a batch will not be measured; others follow in `proposed`, as many as there are.

    Attributes:
        round: of the batch, from 0.
        candidates: ids of the designs.
        hold: place in a design, from 0, and what has to stand there in the new ones.
        spread: whether the new ones are far apart, whatever is expected of them.
        command: number of the command that said so.
    """

    tag: ClassVar[EventKind] = "rejected"
    round: int
    candidates: tuple[str, ...]
    hold: dict[str, str]
    spread: bool
    command: int


@dataclass(frozen=True, slots=True)
class BudgetChanged(Kind):
    """A run that waits for people was given another budget.

    Attributes:
        rounds: in all.
        batch: designs of each coming round.
        command: number of the command that said so.
        calls: designs of all rounds, those of the coming ones as `batch` says.
    """

    tag: ClassVar[EventKind] = "budget"
    rounds: int
    batch: int
    command: int
    calls: int


@dataclass(frozen=True, slots=True)
class Extended(Kind):
    """An experiment that had ended goes on with more comparisons, or with further rows of a log.

    Attributes:
        budget: comparisons in all, from now on.
        command: number of the command that said so.
        log: name of the further file in the store's uploads; empty for none.
        sha256: of that file.
        rows: of it that count.
        said: what was left out of it, in sentences.
        refused: why nothing was added; empty where it was.
    """

    tag: ClassVar[EventKind] = "extended"
    budget: int
    command: int
    log: str = ""
    sha256: str = ""
    rows: int = 0
    said: tuple[str, ...] = ()
    refused: str = ""
