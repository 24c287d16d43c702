"""What the laboratory has said of a batch so far, and what that makes of each design: its mean, its error, or nothing.

Everything here is a function of the log, so that a resumed run comes to the same values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from poets_core.intake.numbers import LARGEST
from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.events import Event, Prepared, Proposed, Updated
from poets_core.runs.laboratory.plate import PARENT
from poets_core.runs.laboratory_events import BudgetChanged, Measured, Rejected
from poets_core.spec.laboratory import LaboratorySpec
from poets_core.types import BEFORE, Observation

FEWEST = 2
"""Wells of the parent that a batch needs to be compared with others: of one alone, the error would go into all."""


@dataclass
class Batch:
    """One batch: its designs, and every line of results, in order.

    Attributes:
        round: from 0.
        candidates: ids of designs to be measured; texts that are no design have nothing to measure.
        undecoded: id -> why it is no design.
        lines: (command, line), in the order in which they came.
        complete: whether the search has learnt from it.
        rejected: ids of designs that will not be measured.
        wanted: the last rejection, until others were proposed in their place; None for none.
    """

    round: int
    candidates: list[str] = field(default_factory=list)
    undecoded: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[int, MeasuredWell]] = field(default_factory=list)
    complete: bool = False
    rejected: list[str] = field(default_factory=list)
    wanted: Rejected | None = None

    def standing(self) -> dict[str, list[MeasuredWell]]:
        """Return the lines that count, by candidate, or by ``"control:"`` and name.

        A line replaces those of earlier files for the same design and the same well; lines of one file are replicates.
        Where a file names no wells, it replaces everything that was said of the design without wells.
        """
        newest: dict[tuple[str, str], tuple[int, list[MeasuredWell]]] = {}
        for command, line in self.lines:
            key = (line.candidate or f"control:{line.control}", line.place)
            if key not in newest or newest[key][0] != command:
                newest[key] = (command, [])
            newest[key][1].append(line)
        found: dict[str, list[MeasuredWell]] = {}
        for (name, _), (_, lines) in newest.items():
            found.setdefault(name, []).extend(lines)
        return found

    def missing(self) -> list[str]:
        """Return the designs of which no line, not even a failed one, has come."""
        there = self.standing()
        return [id for id in self.candidates if id not in there]

    def parents(self) -> list[float]:
        """Return the values of the parent's wells."""
        return values(self.standing().get(f"control:{PARENT}", []))


def values(lines: Iterable[MeasuredWell]) -> list[float]:
    """Return the values of lines that have one."""
    return [line.value for line in lines if line.value is not None]


@dataclass
class Campaign:
    """All batches of a run, and its budget as it stands.

    Attributes:
        batches: by round.
        budget: (rounds, batch) where it was changed; None as the spec has it.
        read: number of the last command whose order is in the log.
        parent_value: of the parent in the given data, None where nobody knows.
        objectives: how many values an observation has.
        people: whether people measure.
    """

    batches: dict[int, Batch] = field(default_factory=dict)
    budget: tuple[int, int] | None = None
    read: int = 0
    parent_value: float | None = None
    objectives: int = 1
    people: bool = False

    @staticmethod
    def of(events: Iterable[Event]) -> Campaign:
        """Read it out of a log."""
        found = Campaign()
        for event in events:
            found.add(event)
        return found

    def add(self, event: Event) -> None:
        """Take in one more event."""
        match event:
            case Prepared() if event.info is not None:
                known = event.info.facts.get("wild_type_value")
                self.parent_value = known if isinstance(known, float | int) else None
                self.objectives, self.people = len(event.info.objectives), event.info.answered_by == "people"
            case Proposed() if event.round != BEFORE:
                batch = self.batches.setdefault(event.round, Batch(event.round))
                batch.wanted = None
                batch.candidates += [c.id for c in event.candidates if c.design]
                batch.rejected = [id for id in batch.rejected if id not in batch.candidates]
                batch.undecoded |= {c.id: c.reason for c in event.candidates if not c.design}
            case Measured():
                self.read = max(self.read, event.command)
                self.batches[event.round].lines += [(event.command, line) for line in event.wells]
            case Rejected():
                self.read, batch = max(self.read, event.command), self.batches[event.round]
                batch.wanted = event
                batch.rejected += event.candidates
                batch.candidates = [id for id in batch.candidates if id not in event.candidates]
                batch.undecoded = {id: why for id, why in batch.undecoded.items() if id not in event.candidates}
            case BudgetChanged():
                self.read, self.budget = max(self.read, event.command), (event.rounds, event.batch)
            case Updated() if event.round in self.batches:
                self.batches[event.round].complete = True

    @property
    def open(self) -> Batch | None:
        """The batch that the laboratory has; None between two batches."""
        return next((b for b in self.batches.values() if not b.complete), None)

    def observations(self, round: int, spec: LaboratorySpec) -> dict[str, tuple[Observation, dict[str, Any]]]:
        """Return what the results say of every candidate of a batch, with details.

        Args:
            round: of the batch.
            spec: whether batches are corrected.
        """
        batch, standing = self.batches[round], self.batches[round].standing()
        shift = self.correction(round, spec)
        found: dict[str, tuple[Observation, dict[str, Any]]] = {}
        nothing = (math.nan,) * self.objectives
        for id, reason in batch.undecoded.items():
            found[id] = (Observation(id, nothing, (0.0,) * self.objectives, False, reason), {})
        for id in batch.candidates:
            lines = standing.get(id, [])
            seen = values(lines)
            if not seen:
                said = next((line.note for line in lines if line.note), "failed" if lines else "not measured")
                found[id] = (Observation(id, nothing, nothing, False, said, missing=True), {"wells": len(lines)})
                continue
            corrected = [shift.apply(v) for v in seen]
            error = stdev(corrected) / math.sqrt(len(corrected)) if len(corrected) > 1 else 0.0
            rest = (math.nan,) * (self.objectives - 1)
            details: dict[str, Any] = {"wells": len(seen)}
            if len(seen) < len(lines):
                details["failed wells"] = len(lines) - len(seen)
            if shift.kind != "none":
                details["as measured"] = fmean(seen)
            found[id] = (Observation(id, (fmean(corrected), *rest), (error, *rest), True, ""), details)
        return found

    def correction(self, round: int, spec: LaboratorySpec) -> Correction:
        """Return what brings a batch's values to the level of the data before it, by the wells of the parent."""
        own = self.batches[round].parents()
        if spec.correct == "none" or len(own) < FEWEST:
            return NOT_CORRECTED
        reference = self.parent_value
        if reference is None:
            first = next((b.parents() for b in self.batches.values() if len(b.parents()) >= FEWEST), own)
            if first is own or first == own:
                return NOT_CORRECTED
            reference = fmean(first)
        there = [v for lines in self.batches[round].standing().values() for v in values(lines)]
        level = fmean(own)
        # A parent that is next to nothing beside the values would make them infinite.
        if min([reference, level, *there]) > 0 and max(there) * (reference / level) <= LARGEST:
            return Correction("ratio", reference / level, len(own))
        return Correction("difference", reference - level, len(own))


@dataclass(frozen=True)
class Correction:
    """How the values of a batch are brought to the level of the others.

    Attributes:
        kind: ``"ratio"``: times `amount`; ``"difference"``: plus `amount`; ``"none"``.
        amount: see `kind`.
        wells: of the parent that it rests on.
    """

    kind: str
    amount: float
    wells: int

    def apply(self, value: float) -> float:
        """Return a corrected value."""
        return (
            value * self.amount if self.kind == "ratio" else value + self.amount if self.kind == "difference" else value
        )

    def __str__(self) -> str:
        """Say it in words."""
        if self.kind == "none":
            return "values are as measured"
        how = f"times {self.amount:.4g}" if self.kind == "ratio" else f"{self.amount:+.4g}"
        return f"values are corrected by {self.wells} wells of the parent: {how}"


NOT_CORRECTED = Correction("none", 0.0, 0)


def due(found: Mapping[str, tuple[Observation, Mapping[str, Any]]], told: Mapping[str, Observation]) -> Sequence[str]:
    """Return the candidates of which the results say something else than the log."""
    return [id for id, (now, _) in found.items() if id not in told or _differs(now, told[id])]


def _differs(a: Observation, b: Observation) -> bool:
    """Compare as the log would: NaN equals NaN."""
    return repr((a.value, a.std, a.valid, a.missing)) != repr((b.value, b.std, b.valid, b.missing))
