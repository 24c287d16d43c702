"""Experiments on comparison logs at the command line: a spec made of a file, and what was read of it."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poets_core.cli.specs import assigned
from poets_core.errors import InvalidComparisons, InvalidSpec
from poets_core.runs.examine import LogPreview, preview_log
from poets_core.spec import ExperimentSpec, LogMapping, RunSpec, parse_spec
from poets_core.spec.base import VERSION
from poets_core.spec.experiment import MOST_COMPARISONS
from poets_core.spec.log_mapping import MEANINGS, Shown

_TEXTS = "first second first_name second_name outcome swapped prompt judge conversation order first_response"
ROLES = (*_TEXTS.split(), "second_response", "first_cost", "second_cost")
"""What a column can be told to be."""
_DECIDES = {"first", "second", "outcome", "swapped"}
"""Columns whose change asks for other words."""
_MAPPING = "experiment.mapping."


def spec_from_log(
    file: Path,
    columns: Sequence[str],
    words: Sequence[str],
    order_words: Sequence[str],
    policies: Sequence[str],
    assignments: Sequence[str],
    seed: int | None,
) -> tuple[ExperimentSpec, list[str]]:
    """Return an experiment on a log, and what was read of the log in sentences.

    Args:
        file: the log.
        columns: ``ROLE=COLUMN``, see `ROLES`; an empty column takes it away.
        words: ``WORD=MEANING``, see `MEANINGS`; order_words: ``WORD=first``, ``second`` or ``unknown``.
        policies: whose rows count; none: all that have rows.
        assignments: ``key=value`` of the spec, e.g. ``experiment.delta=0.05``.
        seed: wins over the assignments.

    Raises:
        InvalidComparisons: the log cannot be read, or something in it must be said first.
        InvalidSpec: an option that is no pair, a role, meaning or field that there is not.
    """
    path = file.expanduser().absolute()
    tree = assigned(assignments)
    own = tree.get("experiment", {})
    changes = own.pop("mapping", {}) if isinstance(own, dict) else {}
    found = preview_log(path, path.name)
    mapping = found.mapping
    if given := _columns(columns) | (changes if isinstance(changes, dict) else {}):
        reset: dict[str, Any] = {"words": {}, "by_name": False, "middle": None} if _DECIDES & given.keys() else {}
        reset |= {"order_words": {}} if "order" in given else {}
        reset |= {"always_first": False} if "outcome" in given else {}
        mapping = _checked(mapping.model_dump() | reset | given)
        found = preview_log(path, path.name, mapping)
        mapping = found.mapping
    meanings = {w: _one_of(m, tuple(MEANINGS), "--word") for w, m in _pairs(words, "--word")}
    shown = {w: _one_of(m, typing.get_args(Shown), "--order-word") for w, m in _pairs(order_words, "--order-word")}
    mapping = _checked(
        mapping.model_dump() | {"words": mapping.words | meanings, "order_words": mapping.order_words | shown}
    )
    _open_questions(found, mapping)
    read = preview_log(path, path.name, mapping, list(policies) or None)
    if read.wrong:
        raise InvalidComparisons(_with_options(next(iter(read.wrong.values()))), fields=read.wrong)
    names = list(policies) or list(read.counted)
    data: dict[str, Any] = {
        "source": "log",
        "judge": "replay",
        "log": str(path),
        "mapping": mapping.model_dump(mode="json"),
    }
    # All of a log is there already: an experiment that stops before its last row has thrown rows away.
    data["budget"] = min(read.comparisons, MOST_COMPARISONS)
    data |= {"policies": [{"name": n} for n in names], **(own if isinstance(own, dict) else {})}
    whole = {"version": VERSION, "kind": "experiment", **tree, "experiment": data}
    made = parse_spec(whole | ({} if seed is None else {"seed": seed}), where="the options")
    if not isinstance(made, ExperimentSpec):
        raise InvalidSpec(f"Expected an experiment with --log, got kind {made.kind!r}. Leave the kind out.")
    return made, [*read.says, *read.warns]


def mapped(made: RunSpec) -> RunSpec:
    """Return a spec that says how its log is read: where it says nothing, what is proposed.

    Raises:
        InvalidComparisons: the log cannot be read, or something in it must be said first.
    """
    if not isinstance(made, ExperimentSpec) or made.experiment.source != "log" or made.experiment.mapping is not None:
        return made
    path = Path(made.experiment.log)
    found = preview_log(path, path.name)
    _open_questions(found, found.mapping)
    return made.model_copy(update={"experiment": made.experiment.model_copy(update={"mapping": found.mapping})})


def _open_questions(found: LogPreview, mapping: LogMapping) -> None:
    """Refuse to go on while a column is open, or a word that no option has said."""
    unsaid = [w for w in found.words if w.text not in mapping.words]
    answered = {f"{_MAPPING}words"} if not unsaid or mapping.by_name or mapping.middle is not None else set()
    roles = {name: bool(getattr(mapping, name)) for name in ROLES} | {"order_words": False}
    answered |= {f"{_MAPPING}{role}" for role, said in roles.items() if said}
    if f"{_MAPPING}order_words" in found.questions:
        return  # the reader says which words are missing
    for field, question in found.questions.items():
        if field not in answered:
            raise InvalidComparisons(_with_options(question), field=field)


def _with_options(message: str) -> str:
    return (
        f"{message} At the command line: --column ROLE=COLUMN, --word WORD=MEANING ({', '.join(MEANINGS)}), "
        "--policy NAME with `poets spec --log FILE`."
    )


def _columns(given: Sequence[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for role, column in _pairs(given, "--column", last=False):
        _one_of(role, ROLES, "--column")
        if role == "outcome":
            out[role] = (*out.get(role, ()), column) if column else ()
        else:
            out[role] = column
    return out


def _pairs(given: Sequence[str], option: str, *, last: bool = True) -> list[tuple[str, str]]:
    """Return ``KEY=VALUE`` options; a word may hold ``=`` itself, and so may a column."""
    out = []
    for text in given:
        key, equals, value = text.rpartition("=") if last else text.partition("=")
        if not equals:
            raise InvalidSpec(f"Expected {option} KEY=VALUE, got {text!r}.")
        out.append((key.strip(), value.strip()))
    return out


def _one_of(text: str, known: Sequence[str], option: str) -> str:
    if text not in known:
        raise InvalidSpec(f"Expected one of {', '.join(known)} with {option}, got {text!r}.")
    return text


def _checked(data: dict[str, Any]) -> LogMapping:
    try:
        return LogMapping.model_validate(data)
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("",), "msg": str(error)}
        field = f"{_MAPPING}{'.'.join(map(str, first['loc']))}"
        raise InvalidSpec(f"Expected a mapping of the log, got for {field}: {first['msg']}.", field=field) from error
