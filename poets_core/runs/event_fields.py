"""What events are made of: the values inside their bodies, and how values become JSON data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from poets_core.types import Candidate, Source

EventKind: TypeAlias = Literal[
    "claimed",
    "prepared",
    "proposed",
    "observed",
    "updated",
    "state",
    "artifact",
    "finished",
    "failed",
    "asked",
    "compared",
    "withdrawn",
    "audited",
    "skipped",
    "verdict",
    "contest",
    "measured",
    "budget",
    "rejected",
    "rewards",
    "answers",
    "extended",
]
"""The kinds of events, as stores name them; each is a class of `poets_core.runs.events`."""
Outcome: TypeAlias = Literal["first", "second", "tie"]
"""Which response of a pair is better."""
JsonObject: TypeAlias = dict[str, Any]
"""JSON data by name. A plain dict and no Mapping: reading one is three times faster."""


@dataclass(frozen=True, slots=True)
class ProposedCandidate:
    """A candidate as `proposed` holds it; see `poets_core.types.Candidate`. A number that is not finite is None.

    Attributes:
        id: round and slot, ``"3-17"``; of a contest, its round and the number of the design in it, ``"c3-17"``.
        round: that proposed it; of a contest, that it follows.
        branch: that chose it, -1 for the reference; in a contest, that wrote it.
        source: branch, edit, reference, space or contest.
        prompt: index of the prompt.
        design: canonical design, empty if the text is none.
        text: what was written.
        reason: why the text is no design.
        log_prob: under its branch, nats.
        reference_log_prob: under the reference, nats.
        predicted_mean: standardised reward before the oracle was asked.
        predicted_std: deviation over branches, same unit.
        tokens: of the text.
    """

    id: str
    round: int
    branch: int
    source: Source
    prompt: int
    design: str
    text: str
    reason: str
    log_prob: float | None
    reference_log_prob: float | None
    predicted_mean: float | None
    predicted_std: float | None
    tokens: tuple[int, ...] = ()

    @staticmethod
    def of(candidate: Candidate) -> ProposedCandidate:
        """Return what is stored of a candidate."""
        known = jsonable(asdict(candidate))
        return ProposedCandidate(**known | {"tokens": tuple(known["tokens"])})

    def candidate(self) -> Candidate:
        """Return the candidate; None becomes NaN."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        floats = ("log_prob", "reference_log_prob", "predicted_mean", "predicted_std")
        return Candidate(**known | {name: nan_for_none(known[name]) for name in floats})


@dataclass(frozen=True, slots=True)
class PresentedPair:
    """Two responses as a judge sees them.

    Attributes:
        index: number of the pair.
        first: policy whose response is shown as A.
        second: policy whose response is shown as B.
        item: number of the prompt.
        prompt: its text.
        responses: texts of first and second.
        reasons: why each is no valid response, empty where it is one.
        row: of the log it was taken from, 0 for none.
    """

    index: int
    first: str
    second: str
    item: int
    prompt: str
    responses: tuple[str, str]
    reasons: tuple[str, str] = ("", "")
    row: int = 0


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """What is known of which policy is best; see `poets_core.llm_po.comparison.Verdict`.

    Attributes:
        kind: winner, top (the best k), none (no policy beats all others) or undecided.
        policy: the winner, or null.
        error_bound: probability that this is wrong, at most; null for undecided.
        comparisons: counted.
        left: policies that may be the best, or among the best k; of kind top, those k.
        rule: that decided.
        spec: all that recomputes the verdict.
    """

    kind: Literal["winner", "top", "none", "undecided"]
    policy: str | None
    error_bound: float | None
    comparisons: int
    left: tuple[str, ...]
    rule: str = ""
    spec: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeasuredWell:
    """One line of results.

    Attributes:
        candidate: id of the design; empty for a control.
        control: name of the control; empty for a design.
        place: plate and well, such as 1:A01; empty without plates.
        value: in the objective's unit; null where there is none.
        note: why there is no value, or what was noted beside it.
        row: of the file.
    """

    candidate: str
    control: str
    place: str
    value: float | None
    note: str = ""
    row: int = 0


def plain(value: Any) -> Any:
    """Return dataclasses as objects and tuples as lists; everything else is JSON data already."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    return value


def nan_for_none(value: float | None) -> float:
    """Return a stored number; null becomes NaN."""
    return math.nan if value is None else float(value)


def jsonable(value: Any) -> Any:
    """Return `value` as JSON data: NumPy scalars and arrays become plain, non-finite numbers null.

    Args:
        value: numbers, text, booleans, None, and mappings and sequences of them.

    Raises:
        TypeError: something else is inside.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [jsonable(v) for v in items]
    raise TypeError(f"Expected JSON data in an event, got {type(value).__name__}.")
