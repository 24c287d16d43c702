"""The first run: settings with which a newcomer sees something found within half a minute."""

from __future__ import annotations

from domains.entry import Entry
from pages.parts.launch.settings import build_spec, defaults
from poets_core.errors import InvalidSpec
from poets_core.spec import SearchSpec

ROUNDS = 30
"""Rounds of the first run."""


def first_spec(entry: Entry) -> SearchSpec:
    """Return the first run of a problem whose parameters all have defaults: a quick look that goes on longer.

    Raises:
        InvalidSpec: a parameter has no default.
    """
    sections = defaults(entry, "quick")
    sections["budget"]["rounds"] = ROUNDS
    spec, errors = build_spec(entry, {}, sections, label=f"First look: {entry.title}")
    if spec is None:
        raise InvalidSpec("\n".join(errors.values()), fields=errors)
    return spec
