"""The nouns that every room shares, as frozen values.

Shape letters: n batch, N observations so far, M branches, T tokens,
V vocabulary, t rounds. Log-probabilities are in nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Design: TypeAlias = str
"""A canonical scientific object as text: a sequence, a circuit."""

F8: TypeAlias = NDArray[np.float64]
I8: TypeAlias = NDArray[np.int64]
Bool: TypeAlias = NDArray[np.bool_]

Direction: TypeAlias = Literal["maximise", "minimise"]
Source: TypeAlias = Literal["branch", "edit", "reference", "space", "contest", "given"]
"""Written by a branch, an edit of a good design, written by the reference, chosen out of the whole space, written by a
branch for a contest between branches, or measured before the run (`Given`)."""


REFERENCE: int = -1
"""Index of the backbone without any branch."""


def policy_name(branch: int) -> str:
    """Return the name of a branch as a policy: ``"branch 3"``, or ``"reference"`` for -1."""
    return "reference" if branch == REFERENCE else f"branch {branch}"


def branch_of(policy: str) -> int:
    """Return the branch that `policy_name` named.

    Raises:
        ValueError: the name says no branch.
    """
    if policy == "reference":
        return REFERENCE
    word, _, number = policy.partition(" ")
    if word != "branch" or not number.isdecimal():
        raise ValueError(f"Expected the name of a branch, such as 'branch 3', or 'reference', got {policy!r}.")
    return int(number)


def round_number(round: int) -> int:
    """Return the number that people read for a round: ids and logs count from 0, people from 1."""
    return round + 1


BEFORE: int = -1
"""Round of what was measured before the run; people read it as round 0."""


def given_candidate(number: int) -> str:
    """Return the id of a design that was measured before the run: its number in `Problem.given`, from 0."""
    return f"g{number}"


def contest_candidate(round: int, number: int) -> str:
    """Return the id of a design that a contest has measured.

    Args:
        round: after which the contest is held, from 0.
        number: of the design in this contest, from 0; two belong to each comparison.
    """
    return f"c{round}-{number}"


@dataclass(frozen=True)
class Objective:
    """One number an oracle returns.

    Attributes:
        name: short name, e.g. ``"fitness"``.
        unit: unit for axes, e.g. ``"relative to wild type"``; ``""`` when dimensionless.
        direction: which way is better.
        optimum: the best attainable value when it is known exactly, else None.
        optimum_source: how the optimum was computed, in one phrase.
    """

    name: str
    unit: str
    direction: Direction = "maximise"
    optimum: float | None = None
    optimum_source: str = ""


@dataclass(frozen=True)
class ProblemInfo:
    """What is public about a problem.

    Attributes:
        name: catalog name, e.g. ``"protein/landscape"``.
        domain: name of its science, the first part of `name`: ``"protein"``.
        title: name for people.
        objectives: what the oracle returns, in order; the search uses the first.
        answered_by: a program, or people (a run then waits for them).
        chunk: how many designs one oracle call takes; a chunk is observed or
            lost as a whole, so expensive oracles keep it small.
        export_formats: names accepted by `Problem.export`.
        max_tokens: longest completion of the problem, in design units (residues,
            circuit words), the end marker not counted.
        facts: further facts for display (wild type, qubits, couplings, ...), JSON values.
    """

    name: str
    domain: str
    title: str
    objectives: tuple[Objective, ...]
    answered_by: Literal["program", "people"] = "program"
    chunk: int = 32
    export_formats: tuple[str, ...] = ("csv",)
    max_tokens: int = 64
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """One oracle answer for n designs.

    Attributes:
        values: f8 (n, objectives), NaN where invalid; never a magic penalty.
        std: f8 (n, objectives), known standard deviation of each value, 0 if exact.
        valid: bool (n,).
        reason: (n,) why a design is invalid, ``""`` where it is valid.
        details: (n,) JSON-able facts worth keeping (angles, energy, gate counts).
        missing: (n,) of the designs that are not valid, those of which nothing is known, see `Observation.missing`;
            empty for none.
    """

    values: F8
    std: F8
    valid: Bool
    reason: tuple[str, ...]
    details: tuple[Mapping[str, Any], ...]
    missing: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.valid)
        if self.values.ndim != 2 or self.values.shape != self.std.shape or len(self.values) != n:
            raise ValueError(
                f"Expected values and std of shape ({n}, objectives), got {self.values.shape} and {self.std.shape}."
            )
        if len(self.reason) != n or len(self.details) != n:
            raise ValueError(f"Expected {n} reasons and details, got {len(self.reason)} and {len(self.details)}.")
        if not np.isfinite(self.values[self.valid]).all():
            raise ValueError("Expected finite values for every valid design; mark the design invalid instead.")


@dataclass(frozen=True)
class Artifact:
    """A file made for people: a drawing, a table, an export."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Record:
    """One observed design as exports need it.

    Attributes:
        id: candidate id, ``"<round>-<slot>"``.
        design: canonical design.
        value: value of the first objective, in its own unit.
        metadata: further columns (round, branch, source, details), JSON values.
    """

    id: str
    design: Design
    value: float
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """A design that was measured before the run; a search learns it before its first proposal, and no call is charged.

    Attributes:
        design: canonical design.
        value: of the first objective, in its own unit.
        std: known standard deviation of the value, 0 if exact or unknown.
        details: what is known besides, JSON values (row of the table, replicates).
    """

    design: Design
    value: float
    std: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a backbone as a grammar sees them.

    Attributes:
        tokens: (V,) text of each token; special tokens are ``""``.
        eos: id of the end-of-sequence token.
    """

    tokens: tuple[str, ...]
    eos: int


@dataclass(frozen=True)
class Candidate:
    """A proposed design, not yet measured.

    Attributes:
        id: ``"<round>-<slot>"``, in a contest `contest_candidate`, of given data `given_candidate`; with the run it is
            the idempotency key.
        round: round that proposed it, from 0; of a contest, the round that it follows; `BEFORE` of given data.
        branch: branch that chose it, in a contest the one that wrote it; -1 for the reference.
        source: where the text came from.
        prompt: index of the prompt.
        design: canonical design, ``""`` if the text did not decode.
        text: what the backbone wrote, before canonicalisation.
        reason: why the text is not a design, ``""`` if it is one.
        log_prob: log-probability under its branch, nats.
        reference_log_prob: log-probability under the reference, nats.
        predicted_mean: mean over branches of the predicted value (first
            objective's unit before any transform is undone: standardised reward).
        predicted_std: standard deviation over branches, same unit.
        tokens: completion token ids, the end marker included where it was written.
    """

    id: str
    round: int
    branch: int
    source: Source
    prompt: int
    design: Design
    text: str
    reason: str
    log_prob: float
    reference_log_prob: float
    predicted_mean: float
    predicted_std: float
    tokens: tuple[int, ...] = ()


def of_contest(candidates: Sequence[Candidate]) -> bool:
    """Return whether candidates were measured by a contest between two rounds, and not by a round."""
    return bool(candidates) and candidates[0].source == "contest"


def of_given(candidates: Sequence[Candidate]) -> bool:
    """Return whether candidates were measured before the run."""
    return bool(candidates) and candidates[0].source == "given"


@dataclass(frozen=True)
class Observation:
    """One oracle answer for one candidate.

    Attributes:
        candidate: id of the candidate.
        value: (objectives,) values; NaN where invalid.
        std: (objectives,) known noise.
        valid: whether the design could be evaluated.
        reason: why not, ``""`` if it could.
        missing: nothing is known of the design: its well failed, or nobody measured it. Nothing is learnt from it, and
            it may be proposed again.
    """

    candidate: str
    value: tuple[float, ...]
    std: tuple[float, ...]
    valid: bool
    reason: str
    missing: bool = False
