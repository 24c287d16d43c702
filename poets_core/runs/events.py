"""The events of a run: one frozen class a kind.

The worker appends events; everything else is folded from them. `Event` is the union of the kinds. A store hands them
out as `Recorded`, with their number and time.

`claimed`, `state` and `failed` say who worked and what went wrong. All others follow from the spec, but for `seconds`.

The names of the fields are the keys of the stored JSON, in this order. A later field has a default; unknown keys are
left out. docs/architecture.md is printed from these docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal, TypeAlias, get_args

from poets_core.runs.audit_events import Audited
from poets_core.runs.event_fields import (
    EventKind,
    JsonObject,
    Outcome,
    PresentedPair,
    ProposedCandidate,
    VerdictFacts,
    plain,
)
from poets_core.runs.event_kind import Kind
from poets_core.runs.laboratory_events import BudgetChanged, Extended, Measured, Rejected
from poets_core.runs.reward_events import Answered, RewardsBegun
from poets_core.types import ProblemInfo

DETERMINISTIC: frozenset[EventKind] = frozenset(get_args(EventKind)) - {"claimed", "state", "failed"}
"""Kinds that are the same for an interrupted and an uninterrupted run (see `without_times`)."""


@dataclass(frozen=True, slots=True)
class Claimed(Kind):
    """A worker took the run.

    Attributes:
        worker: host and process.
        pid: process id.
        epoch: of the lease.
        device: that the search computes on.
        threads: that it may use.
        asked_again: candidates or pairs that the last worker had with the oracle or judge when it was cut off.
    """

    tag: ClassVar[EventKind] = "claimed"
    worker: str
    pid: int
    epoch: int
    device: str
    threads: int
    asked_again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared(Kind):
    """Problem and search are built; once a run.

    Attributes:
        info: facts of the problem; null for an experiment without one.
        backbone: facts of backbone and search.
        check: what a task of that name measured, only there.
        experiment: facts of source, policies and judge, only in experiments.
        files: SHA-256 of the files of the run's own backbone, by name; only where it has one.
    """

    tag: ClassVar[EventKind] = "prepared"
    info: ProblemInfo | None
    backbone: JsonObject = field(default_factory=dict)
    check: JsonObject | None = None
    experiment: JsonObject | None = None
    files: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return the body; what a run does not have is left out, and an experiment names the backbone first."""
        body = plain(self)
        order = ("info", "backbone", "check") if self.experiment is None else ("backbone", "info", "experiment")
        kept = {name: body[name] for name in order if name in ("info", "backbone") or body[name] is not None}
        return kept | ({"files": body["files"]} if self.files else {})


@dataclass(frozen=True, slots=True)
class Proposed(Kind):
    """Candidates, before the oracle is asked: those of a round, the two of a comparison in a contest, or given data.

    Attributes:
        round: from 0; of a contest, the round that it follows; -1 of given data.
        candidates: in slot order: design, text, tokens, branch, source, log-probabilities, predicted mean and
            deviation.
    """

    tag: ClassVar[EventKind] = "proposed"
    round: int
    candidates: tuple[ProposedCandidate, ...]


@dataclass(frozen=True, slots=True)
class Observed(Kind):
    """The oracle's answer for one candidate; a later one of the same candidate corrects it.

    Attributes:
        round: of the candidate; -1 of given data.
        candidate: its id.
        key: run and id, its parts apart by "/": equal for the same call, whoever made it.
        value: of every objective in its own unit; null where the design is invalid.
        std: known standard deviation of each value, 0 if exact.
        valid: whether the design could be measured.
        reason: why not.
        details: what the oracle adds.
        missing: whether nothing is known of the design, because its well failed or nobody measured it; only there.
        corrects: whether it takes the place of an earlier one; only there.
    """

    tag: ClassVar[EventKind] = "observed"
    round: int
    candidate: str
    key: str
    value: tuple[float | None, ...]
    std: tuple[float | None, ...]
    valid: bool
    reason: str
    details: JsonObject = field(default_factory=dict)
    missing: bool = False
    corrects: bool = False

    def to_json(self) -> JsonObject:
        """Return the body; most observations are neither missing nor corrections, and do not say so."""
        body: JsonObject = plain(self)
        return {name: body[name] for name in body if name not in ("missing", "corrects") or body[name]}

    @property
    def first(self) -> float | None:
        """Value of the first objective; None where the design is invalid."""
        return self.value[0] if self.valid and self.value else None


@dataclass(frozen=True, slots=True)
class Updated(Kind):
    """A round is complete; in an experiment: so many comparisons are counted.

    Attributes:
        round: that was completed, -1 where given data are learnt; of an experiment, the number of comparisons.
        metrics: figures by name.
        checkpoint: name of the file; empty in experiments.
        sha256: of that file.
        seconds: wall time; not the same when a run is repeated.
    """

    tag: ClassVar[EventKind] = "updated"
    round: int
    metrics: JsonObject
    checkpoint: str = ""
    sha256: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class StateChanged(Kind):
    """The worker obeyed a command, or was told to end and gave the run back.

    Attributes:
        state: paused, running or stopped.
    """

    tag: ClassVar[EventKind] = "state"
    state: Literal["paused", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class ArtifactMade(Kind):
    """A task wrote a file and checked it.

    Attributes:
        name: of the file.
        media_type: of its contents.
        path: inside the folder of the run.
        sha256: of its contents.
        rows: designs in it.
        rescored: of them, how many were measured again.
        max_difference: between stored and repeated values, in the objective's unit; null if none was repeated.
        run: whose candidates they are.
        format: of the export.
    """

    tag: ClassVar[EventKind] = "artifact"
    name: str
    media_type: str
    path: str
    sha256: str
    rows: int = 0
    rescored: int = 0
    max_difference: float | None = None
    run: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Asked(Kind):
    """Pairs are with the judge.

    Attributes:
        pairs: number, policies (the first is shown as A), item and text of the prompt, responses, why one is invalid,
            row of a log.
    """

    tag: ClassVar[EventKind] = "asked"
    pairs: tuple[PresentedPair, ...]


@dataclass(frozen=True, slots=True)
class Compared(Kind):
    """One answer of a judge.

    Attributes:
        index: of the pair.
        first: policy shown as A.
        second: policy shown as B.
        outcome: first, second or tie.
        judge: who answered.
        answer: number of the command that brought it; null where a program judges.
        second_opinion: whether another judge's answer counts already.
        details: what the judging program adds, its values above all.
    """

    tag: ClassVar[EventKind] = "compared"
    index: int
    first: str
    second: str
    outcome: Outcome
    judge: str
    answer: int | None = None
    second_opinion: bool = False
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdrawn(Kind):
    """A judge took an answer back; it no longer counts.

    Attributes:
        index: of the pair.
        judge: who took it back.
        answer: number of the command that said so.
        second_opinion: whether it was one.
    """

    tag: ClassVar[EventKind] = "withdrawn"
    index: int
    judge: str
    answer: int
    second_opinion: bool = False


@dataclass(frozen=True, slots=True)
class Skipped(Kind):
    """A pair will not be judged; another is asked.

    Attributes:
        index: of the pair.
        judge: who skipped it.
        answer: number of the command that said so.
    """

    tag: ClassVar[EventKind] = "skipped"
    index: int
    judge: str
    answer: int


@dataclass(frozen=True, slots=True)
class VerdictReached(VerdictFacts, Kind):
    """What an experiment has found; before it is finished, each time that it ends.

    Attributes:
        why: what ran out, of an undecided one.
    """

    tag: ClassVar[EventKind] = "verdict"
    why: str = ""

    @staticmethod
    def of(found: VerdictFacts, why: str = "") -> VerdictReached:
        """Return the event of a verdict."""
        return VerdictReached(**{f.name: getattr(found, f.name) for f in fields(found)}, why=why)


@dataclass(frozen=True, slots=True)
class ContestPlayed(Kind):
    """A contest of a search's branches is over; its designs and values are in `proposed` and `observed` before it.

    Attributes:
        round: after which it was played.
        calls: of the oracle; older programs wrote no designs and values, and these calls stand here alone.
        comparisons: first, second and outcome of each.
        metrics: as those of an experiment.
        verdict: kind, policy, error_bound, comparisons, left, rule, spec.
    """

    tag: ClassVar[EventKind] = "contest"
    round: int
    calls: int
    comparisons: tuple[tuple[str, str, Outcome], ...]
    metrics: JsonObject
    verdict: VerdictFacts


@dataclass(frozen=True, slots=True)
class Finished(Kind):
    """The run has ended well; adapters are written.

    Attributes:
        reason: budget, exhausted, stopped, verdict or task.
        files: SHA-256 of the adapters' files, by name; only where there are any.
    """

    tag: ClassVar[EventKind] = "finished"
    reason: str
    files: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return the body; without adapters it is the reason alone."""
        return {"reason": self.reason} | ({"files": dict(self.files)} if self.files else {})


@dataclass(frozen=True, slots=True)
class Failed(Kind):
    """The run has ended with an error; Resume tries again.

    Attributes:
        error: class of the exception.
        message: for people.
    """

    tag: ClassVar[EventKind] = "failed"
    error: str
    message: str


Event: TypeAlias = (
    Claimed
    | Prepared
    | Proposed
    | Observed
    | Updated
    | StateChanged
    | ArtifactMade
    | Asked
    | Compared
    | Audited
    | Withdrawn
    | Skipped
    | VerdictReached
    | ContestPlayed
    | Measured
    | BudgetChanged
    | Rejected
    | RewardsBegun
    | Answered
    | Extended
    | Finished
    | Failed
)
KINDS: Mapping[str, type[Event]] = {cls.tag: cls for cls in get_args(Event)}
"""Class of every kind."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in a run's log.

    Attributes:
        seq: 1, 2, 3, ... within the run.
        at: seconds since the epoch.
        event: what happened.
    """

    seq: int
    at: float
    event: Event

    @property
    def kind(self) -> EventKind:
        """Its kind, as the store names it."""
        return self.event.tag

    def to_json(self) -> JsonObject:
        """Return it as a line of an archive's events.jsonl."""
        return {"seq": self.seq, "at": self.at, "kind": self.kind, "body": self.event.to_json()}


def without_times(line: Recorded) -> tuple[str, JsonObject]:
    """Return kind and body without what differs between equal runs: `seconds`, the run's id in a key of `observed`."""
    body = {k: v for k, v in line.event.to_json().items() if k != "seconds"}
    if "key" in body:
        body["key"] = str(body["key"]).partition("/")[2]
    return line.kind, body
