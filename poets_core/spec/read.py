"""Read a spec out of JSON, and say of every wrong field what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from poets_core.errors import InvalidSpec
from poets_core.intake import JSON_BYTES, read_file, read_json
from poets_core.spec.base import Bounds
from poets_core.spec.experiment import ExperimentSpec
from poets_core.spec.methods import METHODS
from poets_core.spec.old import upgraded
from poets_core.spec.rewards import RewardsSpec
from poets_core.spec.search import SearchSpec
from poets_core.spec.task import TaskSpec

RunSpec: TypeAlias = SearchSpec | ExperimentSpec | RewardsSpec | TaskSpec
"""What determines a run: the same spec and seed on the same hardware give the same events."""

_ADAPTER: TypeAdapter[RunSpec] = TypeAdapter(Annotated[RunSpec, Field(discriminator="kind")])
_LIMITS = {
    "greater_than_equal": "ge",
    "greater_than": "gt",
    "less_than_equal": "le",
    "less_than": "lt",
    "multiple_of": "multiple_of",
}
"""Kinds of pydantic's errors about a number outside its limits, and what the limit is called."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL and half surrogate pairs: a database refuses the one, and a file cannot hold the other."""
MOST_VALUES = 10_000
"""Of a spec: keys, and items of lists. Each wrong one is a message, and a spec of 64 policies has five hundred."""
SHOWN_LINES = 12
"""Wrong fields that a message lists; `fields` has all of them."""
_SHOWN = 80
"""Characters of a wrong value that a message repeats."""


def parse_spec(data: str | bytes | Mapping[str, Any], *, where: str = "the run spec") -> RunSpec:
    """Validate JSON text, or the object it holds, into a spec; old layouts are read too.

    Args:
        data: the JSON; without ``version`` it is of the layout before 2 (see `poets_core.spec.old`).
        where: what it came from, for the message.

    Raises:
        InvalidSpec: its `fields` have a message for every wrong field, by dotted path.
    """
    tree = _object(data, where) if isinstance(data, str | bytes) else data
    if _values(tree) > MOST_VALUES:
        raise InvalidSpec(f"Expected at most {MOST_VALUES:,} values in {where}, got more. Write a spec's fields alone.")
    if unwritable := dict(_unwritable(tree)):
        raise InvalidSpec(f"{' '.join(unwritable.values())} It is in {where}.", fields=unwritable)
    try:
        return _ADAPTER.validate_python(_complete(tree) if "version" in tree else upgraded(tree))
    except ValidationError as error:
        fields: dict[str, str] = {}
        for item in _told(error):
            path, text = _place(item), _text(item)
            fields[path] = f"{fields[path]}\n{text}" if path in fields else text
        lines = [f"  {path or '(whole)'}: {text}" for path, text in fields.items()]
        told = [*lines[:SHOWN_LINES], *([f"  and {len(lines) - SHOWN_LINES} more"] if len(lines) > SHOWN_LINES else [])]
        raise InvalidSpec(
            f"Expected a valid run spec in {where}, got {len(lines)} problem(s):\n" + "\n".join(told) + "\n"
            "Change the fields named, or print a complete spec with `poets spec PROBLEM`.",
            fields=fields,
        ) from error


def parse_search(data: str | bytes | Mapping[str, Any], *, where: str = "the run spec") -> SearchSpec:
    """Validate like `parse_spec` what has to be a search.

    Raises:
        InvalidSpec: it is wrong, or of another kind.
    """
    made = parse_spec(data, where=where)
    if not isinstance(made, SearchSpec):
        raise InvalidSpec(f"Expected a search in {where}, got kind {made.kind!r}.", field="kind")
    return made


def read_spec(path: Path) -> RunSpec:
    """Read a spec from a JSON file.

    Raises:
        InvalidSpec: the file is missing, unreadable or not a valid spec.
    """
    return parse_spec(read_file(path, JSON_BYTES, InvalidSpec), where=str(path))


def _values(tree: object) -> int:
    """Return how many keys and items a tree has, as far as `MOST_VALUES`."""
    found, left = 0, [tree]
    while left and found <= MOST_VALUES:
        node = left.pop()
        inner = list(node.values()) if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else []
        found += len(inner)
        left += inner[: MOST_VALUES + 1]
    return found


def _object(text: str | bytes, where: str) -> Mapping[str, Any]:
    found = read_json(text, f"JSON in {where}", InvalidSpec)
    if not isinstance(found, dict):
        raise InvalidSpec(f"Expected one JSON object in {where}, got {type(found).__name__}.")
    return found


def _unwritable(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the dotted path of every text, or name of a field, that no store can keep, with what is wrong with it."""
    if isinstance(value, str) and (found := _NO_TEXT.search(value)):
        yield path, f"Expected text in {path or 'a name'}, got U+{ord(found[0]):04X}, which is no character. Remove it."
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, part in parts:
        yield from _unwritable(name, path)
        yield from _unwritable(part, f"{path}.{name}" if path else str(name))


def _complete(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a file may leave unsaid and the union needs to know: that it is a search, by POETS."""
    new = {"kind": "search", **tree}
    if new["kind"] == "search" and isinstance(search := new.get("search"), Mapping):
        new["search"] = {"method": "poets", **search}
    return new


def _told(error: ValidationError) -> list[Mapping[str, Any]]:
    """Return the errors, without those that a list has only because its wrong items do not count."""
    found = error.errors(include_url=False)
    places = [item["loc"] for item in found]
    return [
        item
        for item in found
        if item["type"] != "too_short"
        or not any(p != item["loc"] and p[: len(item["loc"])] == item["loc"] for p in places)
    ]


def _place(item: Mapping[str, Any]) -> str:
    """Return the dotted path of an error, without the tags by which unions are told apart."""
    loc: Sequence[str | int] = item["loc"][1:]  # the first one is the kind
    if len(loc) > 1 and loc[0] == "search" and loc[1] in METHODS:
        loc = [loc[0], *loc[2:]]
    field = item.get("ctx", {}).get("field", "") if item["type"] == "mismatch" else ""
    if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
        field = "method" if loc else "kind"
    return ".".join([*map(str, loc), *([field] if field else [])])


def _text(item: Mapping[str, Any]) -> str:
    """Return the message of an error, with the value that was wrong unless it is a whole section."""
    if item["type"] == "mismatch":
        return str(item["msg"])
    if item["type"] == "union_tag_invalid":
        return f"Expected one of {item['ctx']['expected_tags']}, got {item['ctx']['tag']!r}."
    if item["type"] == "extra_forbidden":
        return _foreign(item) or "There is no such field. Remove it, or write its name as the spec does."
    given = item.get("input")
    if item["type"] in _LIMITS:
        name = _LIMITS[item["type"]]
        return f"Expected a number {Bounds(**{name: item['ctx'][name]})}, got {repr(given)[:_SHOWN]}."
    told = "" if isinstance(given, Mapping | list | tuple) else f"; got {repr(given)[:_SHOWN]}"
    return f"{item['msg']}{told}."


def _foreign(item: Mapping[str, Any]) -> str:
    """Say whose setting it is that a method does not have, ``""`` if it is nobody's."""
    loc = item["loc"]
    if len(loc) < 3 or loc[1] != "search" or loc[2] not in METHODS:
        return ""
    theirs = [name for name, cls in METHODS.items() if loc[-1] in cls.model_fields]
    return f"Method {loc[2]!r} has no such setting, only {', '.join(theirs)}. Remove it." if theirs else ""
