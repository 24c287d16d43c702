"""How events are read back from JSON, out of a store or an archive; `to_json` turned round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from poets_core.errors import StoreUnavailable
from poets_core.runs.event_fields import jsonable
from poets_core.runs.events import KINDS, Event, Recorded
from poets_core.runs.storable import whole_characters
from poets_core.types import ProblemInfo


@cache
def _reader(kind: str) -> TypeAdapter[Event]:
    return TypeAdapter(KINDS[kind])


def read_event(kind: str, body: str | bytes) -> Event:
    """Read an event out of its stored JSON.

    Raises:
        ValueError: no such kind, or not the fields of this kind.
    """
    if kind not in KINDS:
        raise ValueError(f"Expected a kind of event, one of {', '.join(KINDS)}, got {kind!r}.")
    try:
        # strict: "1" is no number and 1 no text; a body that says so is damaged
        return _reader(kind).validate_json(body, strict=True)
    except ValidationError as error:
        # A store of an earlier version may hold half a surrogate pair, which the reader of JSON calls damage.
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        if (whole := whole_characters(text)) != text:
            return read_event(kind, whole)
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:3])
        raise ValueError(f"Expected the fields of {kind!r}, got {wrong}.") from error


def from_json(kind: str, body: Mapping[str, Any]) -> Event:
    """Return the event with this JSON body; `to_json` turned round. Raises like `read_event`."""
    return read_event(kind, json.dumps(body))


def read_recorded(run: str, seq: int, at: float, kind: str, body: str) -> Recorded:
    """Return a row of a store's table of events.

    Raises:
        StoreUnavailable: it is damaged; the message names run and number.
    """
    try:
        return Recorded(seq, at, read_event(kind, body))
    except ValueError as error:
        raise StoreUnavailable(
            f"Expected event {seq} of run {run} to be readable, got {body[:60]!r}: {error} "
            "Restore the store from a copy, or use the program version that wrote it."
        ) from error


def read_line(line: str | bytes) -> Recorded:
    """Read a line of an archive's events.jsonl.

    Raises:
        ValueError: it is damaged.
    """
    found = json.loads(line)
    return Recorded(found["seq"], found["at"], from_json(found["kind"], found["body"]))


def stored_info(info: ProblemInfo) -> ProblemInfo:
    """Return the facts of a problem as they are read back from `prepared`, so that they can be compared with those."""
    return TypeAdapter(ProblemInfo).validate_json(json.dumps(jsonable(asdict(info))), strict=True)
