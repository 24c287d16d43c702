"""Difficulty of a reasoning-gym task: levels of the package's curricula, or fields of a task's own configuration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from poets_core.errors import InvalidSpec
from poets_core.intake import read_json, shown

MOST_LEVELS = 20
_OURS = ("seed", "size")
"""Fields that this project sets: from the task's seed, and as many items as are asked for."""


def checked_levels(text: str) -> tuple[int, ...]:
    """Return the levels that are written as ``"0"``, ``"0-3"`` or ``"0, 2"``; none for an empty text.

    Raises:
        InvalidSpec: it says something else, or one level twice.
    """
    out: list[int] = []
    for part in text.split(",") if text.strip() else ():
        found = re.fullmatch(r"\s*(\d{1,2})\s*(?:-\s*(\d{1,2})\s*)?", part)
        if not found:
            raise InvalidSpec(f"Expected levels such as 0, 0-3 or 0,2, got {shown(text)}.", field="task.params.levels")
        first = int(found[1])
        out += range(first, int(found[2] or first) + 1)
    if len(set(out)) < len(out) or len(out) > MOST_LEVELS or (text.strip() and not out):
        raise InvalidSpec(
            f"Expected 1 to {MOST_LEVELS} different levels, got {shown(text)}.", field="task.params.levels"
        )
    return tuple(out)


def configured(task: str, levels: Sequence[int], settings: str) -> Mapping[str, Any]:
    """Return a configuration of the package for each level; one called ``""`` without levels.

    Args:
        task: a registered name; the package is imported already.
        levels: of its curriculum.
        settings: JSON object of fields, which stand above what a level says.

    Raises:
        InvalidSpec: a level or field that the task does not have, or a value that it refuses.
    """
    from reasoning_gym.factory import CURRICULA, DATASETS

    kind = DATASETS[task][1]
    fields = {f.name for f in dataclasses.fields(kind)} - set(_OURS)
    wanted = _read(task, settings, fields)
    if levels and task not in CURRICULA:
        raise InvalidSpec(
            f"Expected no levels for {task}, which has none, got {list(levels)}. Use its settings: {sorted(fields)}.",
            field="task.params.levels",
        )
    configs = {}
    for level in levels or (None,):
        given = wanted if level is None else {**_of_level(task, CURRICULA[task](), level, fields), **wanted}
        configs["" if level is None else str(level)] = _built(task, kind, given)
    return configs


def _read(task: str, settings: str, fields: set[str]) -> dict[str, Any]:
    if not settings.strip():
        return {}

    def refuse(message: str) -> InvalidSpec:
        return InvalidSpec(message, field="task.params.settings")

    found = read_json(settings, f"a JSON object as the settings of {task}", refuse, most=1 << 16)
    if not isinstance(found, dict):
        raise refuse(f"Expected a JSON object as the settings of {task}, got {shown(settings)}.")
    if unknown := sorted(set(found) - fields):
        why = " Seed and size are parameters of their own here." if set(unknown) & set(_OURS) else ""
        raise refuse(f"Expected settings of {task} among {sorted(fields)}, got {shown(unknown[0])}.{why}")
    return found


def _of_level(task: str, curriculum: Any, level: int, fields: set[str]) -> dict[str, Any]:
    """Return the fields of a level; an attribute with fewer levels stays at its hardest."""
    most = max((len(a.levels) for a in curriculum.attributes.values()), default=0)
    if level >= most:
        raise InvalidSpec(f"Expected levels 0 to {most - 1} for {task}, got {level}.", field="task.params.levels")
    for name, attribute in curriculum.attributes.items():
        curriculum.set_attr_level(name, min(level, len(attribute.levels) - 1))
    try:
        config = curriculum.generate_configuration()
    except Exception as error:
        raise InvalidSpec(
            f"Expected a level of {task} that it can make, got {level}: {str(error)[:200] or type(error).__name__}.",
            field="task.params.levels",
        ) from error
    return {name: getattr(config, name) for name in fields}


def _typed(kind: Any, name: str, value: Any) -> Any:
    """JSON knows no enumerations; a field that has one takes its value."""
    usual = next(f.default for f in dataclasses.fields(kind) if f.name == name)
    return type(usual)(value) if isinstance(usual, Enum) and isinstance(value, str) else value


def _built(task: str, kind: Any, given: Mapping[str, Any]) -> Any:
    try:
        config = kind(**{name: _typed(kind, name, value) for name, value in given.items()})
        if hasattr(config, "validate"):
            config.validate()
    # The package checks by assertions and by whatever its arithmetic raises.
    except Exception as error:
        raise InvalidSpec(
            f"Expected settings that {task} takes, got {shown(dict(given), 120)}: "
            f"{str(error)[:200] or type(error).__name__}.",
            field="task.params.settings",
        ) from error
    return config
