"""The catalog: names, forms and units of every problem.

Importing this module costs nothing beyond the standard library, so pages can
read it; `load` imports the science of one problem only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from poets_core.errors import InvalidSpec

if TYPE_CHECKING:
    from poets_core.protocols import Problem

HERE = Path(__file__).parent

BACKBONES: Mapping[str, Path] = {
    "protein": HERE / "protein" / "backbone",
    "circuit": HERE / "quantum" / "backbone",
}
"""Backbones that ship with the project, by the name a RunSpec uses."""


@dataclass(frozen=True)
class Parameter:
    """One form field of a problem.

    Attributes:
        name: keyword of the problem's loader.
        kind: decides the widget and the validation; ``"file"`` is the path of an upload.
        default: value when the user says nothing; None means the user must say.
        help: one sentence for the form.
        minimum, maximum: inclusive limits of numbers, of lengths for text.
        choices: allowed values; empty means any.
    """

    name: str
    kind: Literal["int", "float", "text", "file", "bool"]
    default: int | float | str | bool | None
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One problem of the catalog.

    Attributes:
        name: ``"domain/problem"``.
        loader: ``"module:class"``, imported by `load`.
        title, summary: for people; the summary is one or two sentences.
        objective, unit: name and unit of what is maximised.
        parameters: form fields.
        backbones: sources offered in Launch, the default first.
        settings: RunSpec fields that differ from the defaults for this problem,
            ``{"search": {...}, "budget": {...}, "backbone": {...}}``.
        reads: what the problem is as a benchmark or as science, said plainly.
    """

    name: str
    loader: str
    title: str
    summary: str
    objective: str
    unit: str
    parameters: tuple[Parameter, ...] = ()
    backbones: tuple[str, ...] = ("library",)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reads: str = ""

    @property
    def domain(self) -> str:
        """The science the problem belongs to."""
        return self.name.split("/")[0]


@dataclass(frozen=True)
class LanguageTask:
    """One task of `domains.language`, as a form shows it.

    Attributes:
        name: as an ExperimentSpec says it.
        title: for people.
        judged: what the rule looks for in a response.
        example: an input.
        most: how many different inputs there are to draw, at most.
    """

    name: str
    title: str
    judged: str
    example: str
    most: int


LANGUAGE_TASKS: tuple[LanguageTask, ...] = (
    LanguageTask(
        "object-counting",
        "Object counting",
        "the number of things, in digits or words",
        "I have a chair, two lamps, and three beds. How many objects do I have?",
        2000,
    ),
    LanguageTask("word-unscrambling", "Word unscrambling", "the English word", "graden", 600),
    LanguageTask("second-letter", "Second letter", "the second letter of the word", "spoon", 330),
    LanguageTask("sum", "Sum", "the sum of the two numbers, in digits or words", "22 10", 5000),
)
"""Language tasks that a rule can judge."""


def entries() -> tuple[Entry, ...]:
    """Return all problems, in the order they are offered."""
    from domains.protein.entries import ENTRIES as PROTEIN
    from domains.quantum.entries import ENTRIES as QUANTUM

    return (*PROTEIN, *QUANTUM)


def entry(name: str) -> Entry:
    """Return the entry called `name`.

    Raises:
        InvalidSpec: there is none.
    """
    found = {e.name: e for e in entries()}
    if name not in found:
        raise InvalidSpec(f"Expected a problem name, one of {', '.join(found)}, got {name!r}.", field="problem.name")
    return found[name]


def check_params(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults and check every parameter of a problem against its form.

    Raises:
        InvalidSpec: names the parameter, what it got and what it takes.
    """
    known = {p.name: p for p in entry(name).parameters}
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise InvalidSpec(
            f"Expected parameters of {name} among {sorted(known)}, got {unknown}. Remove or rename them.",
            field=f"problem.params.{unknown[0]}",
        )
    return {p.name: _check(name, p, params.get(p.name, p.default)) for p in known.values()}


def _check(problem: str, p: Parameter, value: Any) -> Any:
    where, field = f"parameter {p.name!r} of {problem}", f"problem.params.{p.name}"
    if value is None:
        raise InvalidSpec(f"Expected a value for {where}, got none. {p.help}", field=field)
    wanted: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (int, float), "text": (str,), "file": (str,), "bool": (bool,),
    }  # fmt: skip
    if not isinstance(value, wanted[p.kind]) or (isinstance(value, bool) and p.kind != "bool"):
        raise InvalidSpec(f"Expected {p.kind} for {where}, got {value!r}.", field=field)
    size = len(value) if isinstance(value, str) else cast("float", value)
    if (p.minimum is not None and size < p.minimum) or (p.maximum is not None and size > p.maximum):
        raise InvalidSpec(f"Expected {where} between {p.minimum} and {p.maximum}, got {value!r}.", field=field)
    if p.choices and value not in p.choices:
        raise InvalidSpec(f"Expected {where} to be one of {list(p.choices)}, got {value!r}.", field=field)
    return value


def load(name: str, **params: Any) -> Problem:
    """Import and build one problem.

    Args:
        name: catalog name, e.g. ``"protein/landscape"``.
        params: the problem's parameters; missing ones take their defaults.

    Raises:
        InvalidSpec: unknown problem or parameter, or a value out of range.
        InvalidTable: an uploaded table cannot be used.
    """
    checked = check_params(name, params)
    module, _, cls = entry(name).loader.partition(":")
    return cast("Problem", getattr(importlib.import_module(module), cls)(**checked))
