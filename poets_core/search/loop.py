"""The round, written once: ask, evaluate chunk by chunk, tell, update, until the budget is spent.

    for step in play(search, problem, budget=Budget(rounds=5, batch=20), seed=0):
        if isinstance(step, Updated):
            print(step.round, step.report.metrics)

The generator yields before and after every step. Whoever plays may therefore write each step down before the next one
begins, as the worker does, or leave between two steps and go on later with `pending`. A search can also be played by
hand: `ask`, measure, `tell`, `update`; `observations` makes what `tell` wants out of plain values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from poets_core.errors import InvalidInput
from poets_core.keyed import rng_for
from poets_core.protocols import Problem, Search, UpdateReport
from poets_core.spec import Budget
from poets_core.types import BEFORE, Candidate, Evaluation, Observation, of_given

UNDECODED = "the text does not decode to a design"


@dataclass(frozen=True)
class Given:
    """The search is about to learn what was measured before the run; no oracle is asked.

    Attributes:
        candidates: of round `BEFORE`.
        observations: one a candidate, in their order.
        details: what is known of each besides.
    """

    candidates: Sequence[Candidate]
    observations: Sequence[Observation]
    details: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Asking:
    """The search is about to propose a round's candidates."""

    round: int


@dataclass(frozen=True)
class Asked:
    """Candidates are proposed; no oracle has seen them yet."""

    round: int
    candidates: Sequence[Candidate]


@dataclass(frozen=True)
class Evaluating:
    """A chunk of the round's candidates goes to the oracle."""

    round: int
    chunk: int
    candidates: Sequence[Candidate]


@dataclass(frozen=True)
class Evaluated:
    """The oracle has answered.

    Attributes:
        round, chunk, candidates: as in `Evaluating`.
        observations: one a candidate, in their order.
        details: what the oracle adds for each.
    """

    round: int
    chunk: int
    candidates: Sequence[Candidate]
    observations: Sequence[Observation]
    details: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Updating:
    """Everything is measured; the search is about to learn."""

    round: int


@dataclass(frozen=True)
class Updated:
    """The round is complete.

    Attributes:
        round: that was completed; `BEFORE`: the given data are learnt.
        candidates, observations: what the search was told.
        report: what `update` said.
    """

    round: int
    candidates: Sequence[Candidate]
    observations: Sequence[Observation]
    report: UpdateReport


@dataclass(frozen=True)
class Ended:
    """No further round: the budget is spent, or the search has nothing left to propose."""

    reason: Literal["budget", "exhausted"]


Step: TypeAlias = Given | Asking | Asked | Evaluating | Evaluated | Updating | Updated | Ended
Evaluate: TypeAlias = Callable[[Sequence[Candidate], int, int], Evaluation]
"""Candidates with a design, round, chunk -> the oracle's answer."""


@dataclass(frozen=True)
class Pending:
    """A round that was cut off, or given data that were not learnt to the end.

    Attributes:
        candidates: proposed in it; empty for none.
        observed: those that are measured already, by candidate id.
    """

    candidates: Sequence[Candidate] = ()
    observed: Mapping[str, Observation] = field(default_factory=dict)


def play(
    search: Search,
    problem: Problem,
    *,
    budget: Budget,
    seed: int,
    evaluate: Evaluate | None = None,
    pending: Pending | None = None,
    spent: int | None = 0,
    between: Callable[[int], int] | None = None,
    learnt: bool = False,
    ask: Callable[[int], list[Candidate]] | None = None,
) -> Iterator[Step]:
    """Play a search to the end of its budget.

    Args:
        search: at the beginning of a round; it is changed.
        problem: what it searches.
        budget: rounds, and oracle calls a round.
        seed: key of the oracle's randomness.
        evaluate: how candidates are measured; None for the problem's oracle (`ask_oracle`).
        pending: a round that was cut off and is finished first.
        spent: oracle calls already charged, those of `pending` not; None: rounds alone are counted.
        between: called before every round with the calls that are left; it returns how many of them it has spent
            itself, which shortens the search.
        learnt: whether the search has learnt what the problem gives; a search that goes on has.
        ask: how so many candidates are proposed; None for `search.ask`.

    Yields:
        what comes next or is done; `Ended` at last.

    Raises:
        InvalidInput: values of the wrong shape; and whatever search and oracle raise.
    """
    waiting = pending or Pending()
    measure = evaluate or (lambda candidates, number, chunk: ask_oracle(problem, candidates, seed, number, chunk))
    if not learnt and problem.given:
        yield from _learn_given(search, problem, waiting)
        waiting = Pending()
    while True:
        if between is not None and spent is not None:
            spent += between(budget.calls - spent)
        if search.round >= budget.rounds or (spent is not None and spent + budget.batch > budget.calls):
            yield Ended("budget")
            return
        number = search.round
        if not waiting.candidates:
            yield Asking(number)
            asked = (ask or search.ask)(budget.batch)
            if not asked:
                yield Ended("exhausted")
                return
            yield Asked(number, asked)
            waiting = Pending(asked)
        observed = dict(waiting.observed)
        yield from measured(problem, measure, waiting.candidates, number, observed)
        yield from _learn(search, number, *known(waiting.candidates, observed))
        spent = None if spent is None else spent + len(waiting.candidates)
        waiting = Pending()


def known(
    candidates: Sequence[Candidate], observed: Mapping[str, Observation]
) -> tuple[list[Candidate], list[Observation]]:
    """Return the candidates of which something is known, and what: nothing can be learnt of the others."""
    found = [c for c in candidates if not observed[c.id].missing]
    return found, [observed[c.id] for c in found]


def _learn_given(search: Search, problem: Problem, pending: Pending) -> Iterator[Step]:
    """Tell the search what was measured before the run, and let it learn; this is no round and costs no call."""
    if of_given(pending.candidates):
        candidates, told = known(pending.candidates, pending.observed)
    else:
        candidates = search.given()
        # An id names a place in `given`: what cannot be spelled is left out, so places and rows differ.
        rows = [problem.given[int(c.id[1:])] for c in candidates]
        others = len(problem.info.objectives) - 1
        told = [
            Observation(c.id, (g.value, *[math.nan] * others), (g.std, *[math.nan] * others), True, "")
            for c, g in zip(candidates, rows, strict=True)
        ]
        yield Given(candidates, told, [g.details for g in rows])
    if candidates:
        yield from _learn(search, BEFORE, candidates, told)


def _learn(search: Search, number: int, candidates: Sequence[Candidate], told: Sequence[Observation]) -> Iterator[Step]:
    """Tell a round, of which nothing may be known, and let the search learn."""
    yield Updating(number)
    if candidates:
        search.tell(candidates, told)
    report = search.update()
    yield Updated(number, candidates, told, report)


def measured(
    problem: Problem, measure: Evaluate, candidates: Sequence[Candidate], number: int, observed: dict[str, Observation]
) -> Iterator[Evaluating | Evaluated]:
    """Measure candidates chunk by chunk.

    Args:
        problem: whose oracle it is.
        measure: asks it.
        candidates: of a round, or of a comparison.
        number: round they belong to.
        observed: what is measured already, by candidate id; it grows by the answers.

    Yields:
        what is about to be measured, and what came.

    Raises:
        InvalidInput: values of the wrong shape; and whatever the oracle raises.
    """
    objectives = len(problem.info.objectives)
    for chunk, rows in chunks(len(candidates), problem.info.chunk):
        part = candidates[rows]
        # A chunk is observed or lost as a whole: its random numbers are keyed by chunk, so one that was cut off is
        # measured again with the same ones.
        if all(c.id in observed for c in part):
            continue
        yield Evaluating(number, chunk, part)
        decoded = [c for c in part if c.design]
        answer = measure(decoded, number, chunk) if decoded else None
        if answer is not None and answer.values.shape != (len(decoded), objectives):
            raise InvalidInput(
                f"Expected values of shape {(len(decoded), objectives)} from the oracle of {problem.info.name}, "
                f"got {answer.values.shape}."
            )
        told, details = _read_answer(part, answer, objectives)
        observed |= {o.candidate: o for o in told}
        yield Evaluated(number, chunk, part, told, details)


def ask_oracle(problem: Problem, candidates: Sequence[Candidate], seed: int, *key: int | str) -> Evaluation:
    """Measure candidates with the problem's oracle; its randomness depends on seed and key only.

    Args:
        problem: whose oracle is asked.
        candidates: n that have a design.
        seed: of the run.
        key: round, and chunk in it.

    Returns:
        values (n, objectives).
    """
    rng = rng_for(seed, "oracle", *key)
    return problem.oracle.evaluate([c.design for c in candidates], [c.prompt for c in candidates], rng=rng)


def _read_answer(
    candidates: Sequence[Candidate], answer: Evaluation | None, objectives: int
) -> tuple[list[Observation], list[Mapping[str, Any]]]:
    """Return one observation a candidate, and the oracle's details.

    Candidates without a design were not sent to the oracle; they are charged all the same.
    """
    told: list[Observation] = []
    details: list[Mapping[str, Any]] = []
    row = 0
    nothing = (math.nan,) * objectives
    for c in candidates:
        if not c.design or answer is None:
            told.append(Observation(c.id, nothing, (0.0,) * objectives, False, c.reason or UNDECODED))
            details.append({})
            continue
        valid = bool(answer.valid[row])
        # an invalid design has no value, whatever the oracle wrote there
        value = tuple(map(_finite, answer.values[row].tolist())) if valid else nothing
        std = tuple(map(_finite, answer.std[row].tolist()))
        missing = not valid and bool(answer.missing) and answer.missing[row]
        told.append(Observation(c.id, value, std, valid, answer.reason[row], missing))
        details.append(answer.details[row])
        row += 1
    return told, details


def _finite(value: float) -> float:
    """A number as the log keeps it: what is not finite is NaN, so that a resumed search is told the same."""
    return float(value) if math.isfinite(value) else math.nan


def observations(candidates: Sequence[Candidate], values: Sequence[float | None]) -> list[Observation]:
    """Return what `Search.tell` wants, out of one plain value a candidate.

    Args:
        candidates: n, as `ask` returned them.
        values: (n,) of the objective in its own unit; None for a design that could not be measured.

    Raises:
        ValueError: another number of values than of candidates.
    """
    if len(candidates) != len(values):
        raise ValueError(f"Expected {len(candidates)} values, one a candidate, got {len(values)}.")
    return [
        Observation(c.id, (math.nan if v is None else float(v),), (0.0,), v is not None, "" if v is not None else why)
        for c, v in zip(candidates, values, strict=True)
        for why in (c.reason or "no value",)
    ]


def chunks(n: int, chunk: int) -> list[tuple[int, slice]]:
    """Return (chunk index, rows) that cut n rows into chunks."""
    return [(i, slice(start, min(start + chunk, n))) for i, start in enumerate(range(0, n, max(1, chunk)))]
