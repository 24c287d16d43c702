"""What all kinds of events share; see `poets_core.runs.events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from poets_core.runs.event_fields import EventKind, JsonObject, plain


@dataclass(frozen=True, slots=True)
class Kind:
    """What all kinds share."""

    tag: ClassVar[EventKind]

    def to_json(self) -> JsonObject:
        """Return the body as it is stored: JSON data, fields in their order."""
        found: JsonObject = plain(self)
        return found
