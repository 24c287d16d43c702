"""Text as every database and every reader takes it.

PostgreSQL refuses NUL in a text, and half of a surrogate pair is no character: a log that holds one could never be
read again. A spec with either is refused (`poets_core.spec.base`); what an oracle or a model says is not a person's
to correct, so there U+FFFD, the replacement character, stands for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_HALVES = re.compile("[\ud800-\udfff]")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def is_text(text: str) -> bool:
    """Return whether every database takes a text as it is."""
    return "\0" not in text and not _HALVES.search(text)


def storable(text: str) -> str:
    """Return text with U+FFFD for NUL and for half surrogate pairs."""
    return _HALVES.sub("\ufffd", text).replace("\0", "\ufffd")


def json_text(data: Mapping[str, Any]) -> str:
    """Return JSON data as text of ASCII letters, half surrogate pairs replaced. NUL is escaped and may stay.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return whole_characters(text)


def whole_characters(text: str) -> str:
    """Return JSON text without half surrogate pairs; whole ones, letters beyond U+FFFF, stay as they are."""
    if not _HALF.search(text):  # as good as always
        return text
    return json.dumps(_whole(json.loads(text)), separators=(",", ":"))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALVES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_HALVES.sub("\ufffd", name): _whole(part) for name, part in value.items()}
    return [_whole(part) for part in value] if isinstance(value, list) else value
