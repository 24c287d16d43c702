"""Where a search stands, read back from its events, and how what it does becomes events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from poets_core.protocols import Round
from poets_core.runs.doing import Doing
from poets_core.runs.event_fields import jsonable, nan_for_none
from poets_core.runs.events import ContestPlayed, Event, Observed, Prepared, Proposed, Updated
from poets_core.search.loop import Evaluated, Pending, chunks
from poets_core.types import Candidate, Observation


@dataclass(frozen=True)
class SearchLog:
    """A run's completed rounds and the one that was cut off.

    Attributes:
        prepared: what the run began with, None before it.
        rounds: completed rounds: candidates and their observations, in slot order.
        updated: end of the last of them, None before it.
        pending: candidates proposed and not yet updated on; empty for none.
        observed: observations of pending candidates, by id.
        contests: that were played.
    """

    prepared: Prepared | None = None
    rounds: tuple[Round, ...] = ()
    updated: Updated | None = None
    pending: tuple[Candidate, ...] = ()
    observed: Mapping[str, Observation] = field(default_factory=dict)
    contests: tuple[ContestPlayed, ...] = ()

    @property
    def cut_off(self) -> Pending:
        """The round that was cut off, as the loop takes it up again."""
        return Pending(self.pending, self.observed)

    def in_flight(self, doing: Doing | None, chunk: int) -> list[str]:
        """Return the candidates that were with the oracle when the last worker was cut off.

        Args:
            doing: `Lease.doing`.
            chunk: designs an oracle call takes.
        """
        if not self.pending or doing is None or doing.step != "evaluate" or doing.round != self.pending[0].round:
            return []
        # A chunk is with the oracle as a whole, and what has no design was not sent. Candidates that are observed
        # already are no repetition: their answer came before the cut.
        asked = [rows for index, rows in chunks(len(self.pending), chunk) if index == doing.numbers[1]]
        return [c.id for rows in asked for c in self.pending[rows] if c.design and c.id not in self.observed]


def read_search_log(events: Iterable[Event]) -> SearchLog:
    """Fold the events of a search."""
    prepared: Prepared | None = None
    updated: Updated | None = None
    rounds: list[Round] = []
    pending: tuple[Candidate, ...] = ()
    observed: dict[str, Observation] = {}
    contests: list[ContestPlayed] = []
    for event in events:
        match event:
            case Prepared():
                prepared = event
            case Proposed():
                pending, observed = tuple(c.candidate() for c in event.candidates), {}
            case Observed():
                observed[event.candidate] = observation_of(event)
            case Updated():
                updated = event
                # In slot order, whatever the order of the answers: the search was told so, and its state depends on it.
                rounds.append((pending, [observed[c.id] for c in pending]))
                pending, observed = (), {}
            case ContestPlayed():
                contests.append(event)
    return SearchLog(prepared, tuple(rounds), updated, pending, observed, tuple(contests))


def observed_events(run: str, step: Evaluated) -> list[Observed]:
    """Return one `observed` event per candidate of a chunk.

    Args:
        run: run id, part of the idempotency key.
        step: what the oracle answered.
    """
    return [
        Observed(
            candidate.round,
            candidate.id,
            f"{run}/{candidate.id.replace('-', '/')}",
            value=tuple(jsonable(o.value)),
            std=tuple(jsonable(o.std)),
            valid=o.valid,
            reason=o.reason,
            details=jsonable(details),
        )
        for candidate, o, details in zip(step.candidates, step.observations, step.details, strict=True)
    ]


def observation_of(event: Observed) -> Observation:
    """Return the observation in an event; null becomes NaN, as the loop told it to the search."""
    value, std = tuple(map(nan_for_none, event.value)), tuple(map(nan_for_none, event.std))
    return Observation(event.candidate, value, std, event.valid, event.reason)
