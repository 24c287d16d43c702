"""Where a search stands, read back from its events, and how what it does becomes events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from poets_core.protocols import Round
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import jsonable, nan_for_none
from poets_core.runs.events import ContestPlayed, Event, Finished, Observed, Prepared, Proposed, Updated
from poets_core.runs.laboratory_events import Rejected
from poets_core.search.loop import Evaluated, Given, Pending, chunks, known
from poets_core.types import BEFORE, Candidate, Observation, of_contest


@dataclass(frozen=True)
class SearchLog:
    """What a search was told, and the round or contest that was cut off.

    Attributes:
        prepared: what the run began with, None before it.
        told: given data, rounds, and the contests and corrections between them, in order up to the last `updated`;
            each with its observations, in slot order.
        updated: end of the last round, or of the learning of given data; None before it.
        since: the contest that was played after that, and what was corrected; empty for none.
        updates: how many of `told` each update knew, in order.
        rounds: how many are complete.
        spent: oracle calls of complete rounds.
        cut_off: the round that was proposed and not yet updated on, as the loop takes it up again.
        contest: designs of the contest that was cut off, two a comparison, and what of them is observed.
        contests: that were played.
        exported: SHA-256 of the adapters' files, where those of the last round were exported.
        ended: whether the run has ended since the last round.
    """

    prepared: Prepared | None = None
    told: tuple[Round, ...] = ()
    updated: Updated | None = None
    since: tuple[Round, ...] = ()
    cut_off: Pending = field(default_factory=Pending)
    contest: Pending = field(default_factory=Pending)
    contests: tuple[ContestPlayed, ...] = ()
    exported: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False
    updates: tuple[int, ...] = ()
    rounds: int = 0
    spent: int = 0

    def in_flight(self, doing: Doing | None, chunk: int) -> list[str]:
        """Return the candidates that were with the oracle when the last worker was cut off.

        Args:
            doing: `Lease.doing`.
            chunk: designs an oracle call takes.
        """
        match doing:
            case Doing(step="evaluate", numbers=(number, at)):
                asked, observed = self.cut_off.candidates, self.cut_off.observed
            case Doing(step="contest", numbers=(number, comparison, at)):
                pair = slice(2 * comparison, 2 * comparison + 2)
                asked, observed = self.contest.candidates[pair], self.contest.observed
            case _:
                return []
        if not asked or asked[0].round != number:
            return []
        # A chunk is with the oracle as a whole, and what has no design was not sent. Candidates that are observed
        # already are no repetition: their answer came before the cut.
        sent = [rows for index, rows in chunks(len(asked), chunk) if index == at]
        return [c.id for rows in sent for c in asked[rows] if c.design and c.id not in observed]


def read_search_log(events: Iterable[Event]) -> SearchLog:
    """Fold the events of a search."""
    reading = _Reading()
    for event in events:
        reading.add(event)
    return reading.log()


@dataclass
class _Open:
    """A round or a contest while its events are read."""

    candidates: list[Candidate] = field(default_factory=list)
    observed: dict[str, Observation] = field(default_factory=dict)

    def complete(self) -> Round:
        # In slot order, whatever the order of the answers: the search was told so, and its state depends on it.
        return known(self.candidates, self.observed)

    def pending(self) -> Pending:
        return Pending(tuple(self.candidates), self.observed)


class _Reading:
    """A log while its events are read; see `SearchLog` for what the fields become."""

    def __init__(self) -> None:
        self.prepared: Prepared | None = None
        self.updated: Updated | None = None
        self.told: list[Round] = []
        self.since: list[Round] = []
        self.round, self.contest = _Open(), _Open()
        self.contests: list[ContestPlayed] = []
        self.exported: Mapping[str, str] = {}
        self.ended = False
        self.rounds = self.spent = 0
        self.updates: list[int] = []
        self.complete: dict[str, Candidate] = {}  # candidates of rounds that were learnt
        self.heard: set[str] = set()  # of which something was told

    def add(self, event: Event) -> None:
        """Take in one more event."""
        match event:
            case Prepared():
                self.prepared = event
            case Proposed():
                candidates = [c.candidate() for c in event.candidates]
                (self.contest if of_contest(candidates) else self.round).candidates += candidates
            case Observed():
                self._observed(event)
            case Rejected():
                self.round.candidates = [c for c in self.round.candidates if c.id not in event.candidates]
            case Finished():
                self.exported, self.ended = event.files, True
            case Updated():
                self._updated(event)
            case ContestPlayed():
                self.contests.append(event)
                # Contests of older programs left no designs behind; nothing was told of them, and nothing is.
                if self.contest.candidates:
                    self.since.append(self.contest.complete())
                self.contest = _Open()

    def _observed(self, event: Observed) -> None:
        if event.candidate in self.complete:
            # A correction, or a late answer; that still nothing is known tells a search nothing.
            if not event.missing or event.candidate in self.heard:
                self.since.append(([self.complete[event.candidate]], [observation_of(event)]))
                self.heard.add(event.candidate)
            return
        # A contest is open from its first designs until it is played, and no round goes on meanwhile.
        (self.contest if self.contest.candidates else self.round).observed[event.candidate] = observation_of(event)

    def _updated(self, event: Updated) -> None:
        self.updated, self.exported, self.ended = event, {}, False
        if event.round != BEFORE:
            self.rounds, self.spent = self.rounds + 1, self.spent + len(self.round.candidates)
        self.told += self.since
        if (latest := self.round.complete())[0]:
            self.told.append(latest)
        self.updates.append(len(self.told))
        self.heard |= {c.id for c in latest[0]}
        self.complete |= {c.id: c for c in self.round.candidates}
        self.round, self.since = _Open(), []

    def log(self) -> SearchLog:
        """Return what was read."""
        return SearchLog(
            self.prepared,
            tuple(self.told),
            self.updated,
            tuple(self.since),
            self.round.pending(),
            self.contest.pending(),
            contests=tuple(self.contests),
            exported=self.exported,
            ended=self.ended,
            updates=tuple(self.updates),
            rounds=self.rounds,
            spent=self.spent,
        )


def observed_events(run: str, step: Evaluated | Given) -> list[Observed]:
    """Return one `observed` event per candidate of a chunk, or of given data.

    Args:
        run: run id, part of the idempotency key.
        step: what the oracle answered, or what was given.
    """
    return [
        observed_event(run, candidate.round, o, details)
        for candidate, o, details in zip(step.candidates, step.observations, step.details, strict=True)
    ]


def observed_event(
    run: str, round: int, o: Observation, details: Mapping[str, Any], *, corrects: bool = False
) -> Observed:
    """Return the event that says one observation.

    Args:
        run: run id, part of the idempotency key.
        round: of the candidate.
        o: the observation.
        details: what the oracle tells besides.
        corrects: whether it takes the place of one that is in the log.
    """
    return Observed(
        round,
        o.candidate,
        f"{run}/{o.candidate.replace('-', '/')}",
        value=tuple(jsonable(o.value)),
        std=tuple(jsonable(o.std)),
        valid=o.valid,
        reason=o.reason,
        details=jsonable(details),
        missing=o.missing,
        corrects=corrects,
    )


def observation_of(event: Observed) -> Observation:
    """Return the observation in an event; null becomes NaN, as the loop told it to the search."""
    value, std = tuple(map(nan_for_none, event.value)), tuple(map(nan_for_none, event.std))
    return Observation(event.candidate, value, std, event.valid, event.reason, event.missing)
