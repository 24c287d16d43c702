"""Measurements of a run, made again: by its problem, with the random numbers of then, on the machine of whoever asks.

An oracle that is a program is a function of designs and keyed random numbers. So also a noisy value comes out as it
was. What people measured cannot be made again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domains import catalog
from poets_core.errors import InvalidDesign, InvalidInput, MissingPackage, PoetsError
from poets_core.intake import shown
from poets_core.protocols import Problem
from poets_core.runs.events import Observed, Prepared, Proposed, Recorded
from poets_core.runs.examine import check_problem
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.runs.verify.log import EVENTS
from poets_core.search import loop
from poets_core.spec import CALLS_PER_COMPARISON, ProblemSpec, SearchSpec
from poets_core.types import Candidate, Evaluation, Observation, of_contest, of_given
from poets_core.worker.facts import require_same_problem
from poets_core.worker.search_log import observation_of

NAME = "measured again"
RUNS = "runs"
"""The fact by which a problem says what of a person's it runs or asks: a command, a function, an address."""


@dataclass(frozen=True)
class Limits:
    """How measuring again is done.

    Attributes:
        tolerance: largest difference, of the larger of 1 and the value: libraries and processors round otherwise.
        seconds: for all of it; what is left then is not measured.
        only: candidates to measure; None for all. Others of their chunks are measured beside them.
        runs: whether a program that the spec of an archive names may be run.
    """

    tolerance: float = 1e-6
    seconds: float = 3600.0
    only: Collection[str] | None = None
    runs: bool = False


@dataclass
class Measured:
    """What came out.

    Attributes:
        values: first objective by candidate, None where it is invalid now.
        largest: difference between a value and its repetition.
        findings: what differs.
        late: whether time was up.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    largest: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    late: bool = False


def remeasure(
    archive: Archive, spec: SearchSpec, events: Sequence[Recorded], run: str, folder: Path, limits: Limits
) -> tuple[Check, Measured]:
    """Measure the designs of a run again.

    Args:
        archive: of the run, for the tables that its problem reads.
        spec, events, run: of the run.
        folder: empty; its tables are written there under names of ours.
        limits: how.
    """
    done = Measured()
    # Facts of the problem as the run began: another table or version of a problem must be named as such, and not as
    # many values that all differ.
    began = next((line for line in events if isinstance(line.event, Prepared)), None)
    if began is None or not isinstance(began.event, Prepared):
        return not_done(NAME, "the run has not begun"), done
    try:
        catalog.entry(spec.problem.name)
    except InvalidInput as error:  # the spec was compared before, so this machine lacks the science
        return not_done(NAME, str(error)), done
    try:
        problem = _problem(archive, spec.problem, folder)
    except MissingPackage as error:
        return not_done(NAME, str(error)), done
    except (PoetsError, OSError) as error:
        return check(NAME, "the problem cannot be loaded", [Finding("spec.json", str(error), "", "problem")]), done
    try:
        require_same_problem(run, began.event.info, problem.info)
    except InvalidInput as error:
        row = f"event {began.seq} (prepared)"
        return check(NAME, "nothing", [Finding(EVENTS, str(error), row, "info")]), done
    if problem.info.answered_by == "people":
        return not_done(NAME, "people measured these designs; nobody here can"), done
    # The one place where an archive could make this machine do something: nothing of it is run by itself.
    if (command := problem.info.facts.get(RUNS)) and not limits.runs:
        said = f"the oracle is not of this program, and an archive may name anything: {shown(command, 200)}. Read it; "
        return not_done(NAME, f"{said}--run-oracle lets it be run"), done
    _measure(problem, spec.seed, [line.event for line in events], limits, done)
    said = (
        f"{len(done.values):,} designs measured again, largest difference {done.largest:.3g}, allowed "
        f"{limits.tolerance:g} of the value, or of 1 where that is less"
    )
    if done.late and not done.findings:
        return not_done(NAME, f"{said}; time was up after {limits.seconds:g} s, the rest was not measured"), done
    return check(NAME, said, done.findings), done


def _problem(archive: Archive, problem: ProblemSpec, folder: Path) -> Problem:
    """Load the problem of a spec; every file that it reads comes out of the archive.

    Raises:
        PoetsError: unknown problem or parameter, or a file that is not in the archive.
    """
    params = catalog.check_params(problem.name, problem.params)
    entry = catalog.entry(problem.name)
    files = [p for p in entry.parameters if p.kind == "file" and params[p.name] not in ("", p.default)]
    for p in files:
        params[p.name] = str(archive.write_table(str(params[p.name]), folder, f"the file of {p.name!r}"))
    # In a process with limits of memory and time, before this one reads the same file. Without files nothing is
    # checked that loading does not check: a check may ask an oracle, and nobody has allowed that yet.
    if entry.check and files:
        check_problem(problem.name, params)
    return catalog.load(problem.name, **params)


def _measure(problem: Problem, seed: int, events: Sequence[object], limits: Limits, done: Measured) -> None:
    """Measure every round and contest again, with the keys of then."""
    # A later observation of a candidate corrects an earlier one: the last is what the run claims.
    standing = {e.candidate: e for e in events if isinstance(e, Observed)}
    until = time.monotonic() + limits.seconds
    for event in events:
        if not isinstance(event, Proposed):
            continue
        candidates = [c.candidate() for c in event.candidates]
        if of_given(candidates):  # nobody's answer: the table has them, and its checksum is in the facts
            continue
        done.findings += _decoded(problem, candidates)
        # What is not wanted counts as measured: the loop leaves out chunks of which everything is.
        known = {c.id: observation_of(standing[c.id]) for c in candidates if c.id in standing}
        left = {c.id for c in candidates if limits.only is None or c.id in limits.only} & set(known)
        observed = {i: o for i, o in known.items() if i not in left}
        try:
            for step in loop.measured(problem, _asker(problem, seed, candidates), candidates, event.round, observed):
                if isinstance(step, loop.Evaluating) and time.monotonic() > until:
                    done.late = True
                    return
                if isinstance(step, loop.Evaluated):
                    for candidate, now in zip(step.candidates, step.observations, strict=True):
                        if candidate.id in left:
                            _compare(candidate, known[candidate.id], now, limits.tolerance, done)
        # One round that cannot be measured says nothing of the others.
        except (PoetsError, ValueError, ArithmeticError) as error:
            said = f"Expected an answer of the oracle, got {type(error).__name__}: {error}"
            done.findings.append(Finding(EVENTS, said, f"round {event.round}"))


def _asker(problem: Problem, seed: int, candidates: Sequence[Candidate]) -> loop.Evaluate:
    """Return how the oracle is asked, with the keys of the round or of the comparison that candidates belong to."""
    comparison = int(candidates[0].id.rpartition("-")[2]) // CALLS_PER_COMPARISON if of_contest(candidates) else None

    def ask(part: Sequence[Candidate], number: int, chunk: int) -> Evaluation:
        key = (number, chunk) if comparison is None else ("contest", number, comparison, chunk)
        return loop.ask_oracle(problem, part, seed, *key)

    return ask


def _decoded(problem: Problem, candidates: Sequence[Candidate]) -> Iterator[Finding]:
    """Yield what the text of a candidate does not say: its design is what the problem reads in it, or nothing."""
    for c in candidates:
        try:
            design, why = problem.decode(c.text), ""
        except InvalidDesign as error:
            design, why = "", str(error)
        # An invalid text has no design, and a later version may read more than the one of then did.
        if c.design and design != c.design:
            said = f"Expected {shown(design or why, 80)} as the text says, got {shown(c.design, 80)}."
            yield Finding(EVENTS, said, f"candidate {c.id}", "design")


def _compare(candidate: Candidate, then: Observation, now: Observation, tolerance: float, done: Measured) -> None:
    done.values[candidate.id] = now.value[0] if now.valid else None
    row = f"candidate {candidate.id}"
    if then.valid != now.valid:
        words = {True: "valid", False: "invalid"}
        said = f"Expected it {words[now.valid]}{f' ({now.reason})' if now.reason else ''}, got {words[then.valid]}."
        done.findings.append(Finding(EVENTS, said, row, "valid"))
        return
    for name, olds, news in (("value", then.value, now.value), ("std", then.std, now.std)):
        if len(olds) != len(news):
            done.findings.append(Finding(EVENTS, f"Expected {len(news)} numbers, got {len(olds)}.", row, name))
            continue
        for old, new in zip(olds, news, strict=True):
            if math.isnan(old) and math.isnan(new):
                continue
            difference = abs(old - new)
            if not difference <= tolerance * max(1.0, abs(new)):  # NaN too
                said = f"Expected {new!r} as measured again, got {old!r}, for {shown(candidate.design, 60)}."
                done.findings.append(Finding(EVENTS, said, row, name))
            elif name == "value":
                done.largest = max(done.largest, difference)
