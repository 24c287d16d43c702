"""Where a run stands, read back from its events."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from poets_core.protocols import Round
from poets_core.runs.events import Event, jsonable
from poets_core.types import Candidate, Evaluation, Observation
from poets_core.worker.science import chunks

_FLOATS = ("log_prob", "reference_log_prob", "predicted_mean", "predicted_std")


@dataclass(frozen=True)
class History:
    """A run's completed rounds and the one that was cut off.

    Attributes:
        prepared: body of `prepared`, None before it.
        rounds: completed rounds: candidates and their observations, in slot order.
        updated: body of the last `updated`, None before it.
        pending: candidates proposed and not yet updated on; empty for none.
        observed: observations of pending candidates, by id.
        contests: bodies of `contest` events.
    """

    prepared: Mapping[str, Any] | None = None
    rounds: tuple[Round, ...] = ()
    updated: Mapping[str, Any] | None = None
    pending: tuple[Candidate, ...] = ()
    observed: Mapping[str, Observation] = field(default_factory=dict)
    contests: tuple[Mapping[str, Any], ...] = ()

    def in_flight(self, doing: str, chunk: int) -> list[str]:
        """Return the candidates that were with the oracle when the last worker was cut off.

        Args:
            doing: `Lease.doing`.
            chunk: designs an oracle call takes.
        """
        words = doing.split()
        if not self.pending or words[:2] != ["evaluate", str(self.pending[0].round)] or len(words) != 3:
            return []
        asked = [rows for index, rows in chunks(len(self.pending), chunk) if str(index) == words[2]]
        return [c.id for rows in asked for c in self.pending[rows] if c.design and c.id not in self.observed]


def read_history(events: Iterable[Event]) -> History:
    """Fold a run's events into its history."""
    prepared: Mapping[str, Any] | None = None
    updated: Mapping[str, Any] | None = None
    rounds: list[Round] = []
    pending: tuple[Candidate, ...] = ()
    observed: dict[str, Observation] = {}
    contests: list[Mapping[str, Any]] = []
    for event in events:
        if event.kind == "prepared":
            prepared = event.body
        elif event.kind == "proposed":
            pending, observed = tuple(map(candidate_from_json, event.body["candidates"])), {}
        elif event.kind == "observed":
            observed[event.body["candidate"]] = _observation_from_json(event.body)
        elif event.kind == "updated":
            updated = event.body
            rounds.append((pending, [observed[c.id] for c in pending]))
            pending, observed = (), {}
        elif event.kind == "contest":
            contests.append(event.body)
    return History(prepared, tuple(rounds), updated, pending, observed, tuple(contests))


def candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    """Return a candidate as it stands in `proposed`."""
    found: dict[str, Any] = jsonable(asdict(candidate))
    return found


def candidate_from_json(body: Mapping[str, Any]) -> Candidate:
    """Read a candidate out of `proposed`; null becomes NaN."""
    known = {f.name: body[f.name] for f in fields(Candidate)}
    known |= {name: _number(body[name]) for name in _FLOATS}
    return Candidate(**known | {"tokens": tuple(body["tokens"])})


def observations(run: str, asked: Sequence[Candidate], answer: Evaluation | None, objectives: int) -> list[Event]:
    """Return one `observed` event per candidate of a chunk.

    Args:
        run: run id, part of the idempotency key.
        asked: candidates of the chunk; those without a design were not sent to
            the oracle and are charged all the same.
        answer: the oracle's answer for those with a design, None if there are none.
        objectives: how many values an answer has.
    """
    found, row = [], 0
    for candidate in asked:
        value: list[Any] = [None] * objectives
        std: list[Any] = [0.0] * objectives
        valid, reason, details = False, candidate.reason or "the text does not decode to a design", {}
        if candidate.design and answer is not None:
            value, std = jsonable(answer.values[row]), jsonable(answer.std[row])
            valid, reason = bool(answer.valid[row]), answer.reason[row]
            details = jsonable(answer.details[row])
            row += 1
        if not valid:  # an invalid design has no value, whatever the oracle wrote there
            value = [None] * objectives
        found.append(
            Event(
                "observed",
                {
                    "round": candidate.round, "candidate": candidate.id,
                    "key": f"{run}/{candidate.id.replace('-', '/')}",
                    "value": value, "std": std, "valid": valid, "reason": reason, "details": details,
                },
            )
        )  # fmt: skip
    return found


def _observation_from_json(body: Mapping[str, Any]) -> Observation:
    value, std = tuple(map(_number, body["value"])), tuple(map(_number, body["std"]))
    return Observation(body["candidate"], value, std, body["valid"], body["reason"])


def observation_of(event: Event) -> Observation:
    """Return the observation in an `observed` event: the same whether it was just made or read back."""
    return _observation_from_json(event.body)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
