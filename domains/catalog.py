"""The catalog: every science, with the names, forms and units of its problems.

Importing this module costs nothing beyond the standard library, so pages can
read it; `load` imports the science of one problem only.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from domains.brought import Prune, Pruned, Score, Scored
from domains.discovery import VARIABLE, BrokenScience, find, resolve
from domains.entry import (
    Draw,
    Entry,
    Export,
    Naming,
    Parameter,
    Science,
    ShippedBackbone,
    Structure,
    Task,
    Verifiable,
    Views,
)
from domains.packages import needed_for
from domains.palette import Colours
from poets_core.errors import InvalidInput, InvalidSpec

if TYPE_CHECKING:
    from poets_core.protocols import Problem
    from poets_core.verifiable import VerifiableTask

SCIENCES = (
    "domains.protein.entries",
    "domains.quantum.entries",
    "domains.language.entries",
    "domains.text.entries",
    "domains.strings.entries",
)
"""Sciences of this project, in the order they are offered: modules with a SCIENCE each."""
Named = TypeVar("Named", Entry, Task, Verifiable)
MOST_LISTED = 30
"""Choices of a parameter that a message lists."""


@lru_cache(maxsize=4)
def _found(folders: str) -> tuple[tuple[Science, ...], tuple[BrokenScience, ...]]:
    return find(SCIENCES, folders)


def sciences() -> tuple[Science, ...]:
    """Return all sciences: those of this project first, then installed ones, then those of folders."""
    return _found(os.environ.get(VARIABLE, ""))[0]


def broken() -> tuple[BrokenScience, ...]:
    """Return the sciences that were found and cannot be used, and why."""
    return _found(os.environ.get(VARIABLE, ""))[1]


def forget() -> None:
    """Look for sciences again when they are asked for next."""
    _found.cache_clear()


def science(name: str) -> Science | None:
    """Return the science called `name`, or the one of the problem called `name`; None if there is none."""
    return next((s for s in sciences() if s.name == name.split("/")[0]), None)


def entries() -> tuple[Entry, ...]:
    """Return all problems, in the order they are offered."""
    return tuple(e for s in sciences() for e in s.problems)


def entry(name: str) -> Entry:
    """Return the entry called `name`.

    Raises:
        InvalidSpec: there is none.
    """
    lost = "" if science(name) else f" Its science was not found: install it, or name its folder in {VARIABLE}."
    return _named(entries(), name, "a problem name", "problem.name", lost)


def _named(known: Sequence[Named], name: str, what: str, field: str, remedy: str = "") -> Named:
    found = {one.name: one for one in known}
    if name not in found:
        raise InvalidSpec(f"Expected {what}, one of {', '.join(found)}, got {name!r}.{remedy}", field=field)
    return found[name]


def backbones() -> Mapping[str, ShippedBackbone]:
    """Return the backbones that come with a science, by the name a RunSpec uses."""
    return {b.name: b for s in sciences() for b in s.backbones}


def tasks() -> tuple[Task, ...]:
    """Return all tasks for language models, in the order they are offered."""
    return tuple(t for s in sciences() for t in s.tasks)


def task(name: str) -> Task:
    """Return the task called `name`.

    Raises:
        InvalidSpec: there is none.
    """
    return _named(tasks(), name, "a language task", "experiment.task")


def load_task(name: str) -> tuple[Callable[..., Any], Callable[..., float]]:
    """Import how a task draws its items and how it scores a response, see `Task`.

    Raises:
        InvalidSpec: there is no such task.
    """
    known = task(name)
    return resolve(known.items), resolve(known.score)


def verifiables() -> tuple[Verifiable, ...]:
    """Return all kinds of tasks that language models can learn from, in the order they are offered."""
    return tuple(v for s in sciences() for v in s.verifiables)


def verifiable(name: str) -> Verifiable:
    """Return the kind of verifiable task called `name`.

    Raises:
        InvalidSpec: there is none.
    """
    return _named(verifiables(), name, "a task with verifiable rewards", "task.name")


def load_verifiable(name: str, params: Mapping[str, Any]) -> VerifiableTask:
    """Import and build one task with verifiable rewards.

    Args:
        name: catalog name, e.g. ``"text/reasoning-gym"``.
        params: of the task; missing ones take their defaults.

    Raises:
        InvalidSpec: unknown task or parameter, or a value out of range.
        InvalidInput: a file that cannot be used.
        MissingPackage: a package that the task needs is not installed.
    """
    checked = check_verifiable(name, params)
    return cast("VerifiableTask", _call(name, verifiable(name).loader, checked))


def check_verifiable(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults and check every parameter of a task with verifiable rewards against its form.

    Raises:
        InvalidSpec: names the parameter, what it got and what it takes.
    """
    return _checked(name, verifiable(name).parameters, params, "task.params")


def load_answers(file: str) -> Any:
    """Read a file of answers that have rewards already; see `domains.text.offline.Rewarded`.

    Args:
        file: its path.

    Raises:
        InvalidInput: the file cannot be read, or no science reads such files.
    """
    reader = next((s for s in sciences() if s.answers), None)
    if reader is None:
        raise InvalidInput("Expected a science that reads answers with rewards, got none. Install the science of text.")
    return _call(f"{reader.name}/answers", reader.answers, {"file": file})


def export_of(problem: str, format: str) -> Export:
    """Return how files of a format are called; a format that the problem's science does not describe is bytes."""
    known = science(problem)
    named = {e.name: e for e in known.exports} if known else {}
    return named.get(format, Export(format, format, format, "application/octet-stream"))


def drawing_of(problem: str) -> Draw | None:
    """Import the function that draws designs of a problem; None where they are shown as text.

    Raises:
        InvalidSpec, ImportError: the science names a function that is not there.
    """
    known = science(problem)
    if known is None:
        return None
    own = next((e.drawing for e in known.problems if e.name == problem), "")
    path = own or known.drawing
    return cast("Draw", resolve(path)) if path else None


def naming_of(problem: str) -> Naming | None:
    """Import the function that names designs of a problem; None where its science has none.

    Raises:
        InvalidSpec, ImportError: the science names a function that is not there.
    """
    known = science(problem)
    return cast("Naming", resolve(known.naming)) if known is not None and known.naming else None


def views_of(problem: str) -> Views | None:
    """Import the function that shows what a science looks at; None where it has none.

    Raises:
        InvalidSpec, ImportError: the science names a function that is not there.
    """
    known = science(problem)
    return cast("Views", resolve(known.views)) if known is not None and known.views else None


def show_structure(
    problem: str, data: bytes, name: str, facts: Mapping[str, Any], colours: Sequence[str]
) -> dict[str, Any]:
    """Return a file of a structure beside the designs of a problem, as the fields of `domains.entry.View`.

    Args:
        problem: catalog name.
        data: of the file; name: as a person calls it.
        facts: of the problem.
        colours: of text, of what matters less, of the background.

    Raises:
        InvalidInput: it cannot be read, or the science shows no structures.
        InvalidSpec, ImportError: the science names a function that is not there.
    """
    known = science(problem)
    if known is None or not known.structure:
        raise InvalidInput(f"Expected a science that shows structures, got that of {problem!r}.")
    show = cast("Structure", resolve(known.structure))
    return asdict(show(data, name, facts=facts, colours=Colours(*colours)))


def score(name: str, params: Mapping[str, Any], files: Sequence[tuple[str, bytes]]) -> list[Scored]:
    """Read designs that people bring as files, and score them by a problem.

    Args:
        name: of the problem; params: of it, missing ones take their defaults.
        files: (name, bytes).

    Raises:
        InvalidSpec: unknown problem or parameter, or a science that reads no files of designs.
        MissingPackage: a package that reads them is not installed.
    """
    problem, known = load(name, **params), science(name)
    if known is None or not known.score:
        able = ", ".join(s.name for s in sciences() if s.score)
        raise InvalidSpec(
            f"Expected a problem of a science that reads files of designs ({able}), got {name!r}.", field="problem.name"
        )
    return cast("Score", resolve(known.score))(files, problem)


def prune(name: str, params: Mapping[str, Any], design: str, details: Mapping[str, Any], allowed: float) -> Pruned:
    """Take out of a design what does not matter, see `domains.brought.Prune`.

    Args:
        name: of the problem; params: of it, missing ones take their defaults.
        design, details, allowed: see there.

    Raises:
        InvalidSpec: unknown problem or parameter, or a science that prunes nothing.
        InvalidDesign: the design is none of this problem, or cannot be pruned.
    """
    problem, known = load(name, **params), science(name)
    if known is None or not known.prune:
        raise InvalidSpec(f"Expected a problem of a science that prunes designs, got {name!r}.", field="problem.name")
    return cast("Prune", resolve(known.prune))(problem, design, details, allowed)


def check_params(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults and check every parameter of a problem against its form.

    Raises:
        InvalidSpec: names the parameter, what it got and what it takes.
    """
    return _checked(name, entry(name).parameters, params, "problem.params")


def _checked(name: str, form: Sequence[Parameter], params: Mapping[str, Any], field: str) -> dict[str, Any]:
    known = {p.name: p for p in form}
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise InvalidSpec(
            f"Expected parameters of {name} among {sorted(known)}, got {unknown}. Remove or rename them.",
            field=f"{field}.{unknown[0]}",
        )
    return {p.name: _check(name, p, params.get(p.name, p.default), f"{field}.{p.name}") for p in known.values()}


def _check(problem: str, p: Parameter, value: Any, field: str) -> Any:
    where = f"parameter {p.name!r} of {problem}"
    if value is None:
        raise InvalidSpec(f"Expected a value for {where}, got none. {p.help}", field=field)
    wanted: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "text": (str,),
        "file": (str,),
        "bool": (bool,),
    }
    if not isinstance(value, wanted[p.kind]) or (isinstance(value, bool) and p.kind != "bool"):
        raise InvalidSpec(f"Expected {p.kind} for {where}, got {value!r}.", field=field)
    size = len(value) if isinstance(value, str) else cast("float", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidSpec(f"Expected a finite number for {where}, got {value!r}.", field=field)
    if (p.minimum is not None and size < p.minimum) or (p.maximum is not None and size > p.maximum):
        if isinstance(value, str):
            bounds = (
                f"{p.minimum or 0:,.0f} to {p.maximum:,.0f}" if p.maximum is not None else f"{p.minimum:,.0f} or more"
            )
            raise InvalidSpec(f"Expected {bounds} characters for {where}, got {len(value):,}.", field=field)
        raise InvalidSpec(f"Expected {where} between {p.minimum} and {p.maximum}, got {value!r}.", field=field)
    if p.choices and value not in p.choices:
        raise InvalidSpec(f"Expected {where} to be one of {_few(p.choices, value)}, got {value!r}.", field=field)
    return value


def _few(choices: Sequence[str], value: Any) -> str:
    """Return choices as a message may list them: all, or of very many those that look like what was given."""
    if len(choices) <= MOST_LISTED:
        return str(list(choices))
    near = difflib.get_close_matches(str(value)[:100], choices, 5) or list(choices[:5])
    return f"{len(choices)} names such as {near}"


def check(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Check a problem's parameters as the worker will, and the files that they name, without keeping the problem.

    Returns:
        what was found in the files, as JSON values: ``"lines"`` for people, ``"facts"``; empty where nothing is to be
        said.

    Raises:
        InvalidInput: unknown problem or parameter, a value out of range, or a file that cannot be used; with the field.
        MissingPackage: a package that the problem needs is not installed.
    """
    checked, path = check_params(name, params), entry(name).check
    found = _call(name, path, checked) if path else None
    return dict(getattr(found, "report", {}))


def load(name: str, **params: Any) -> Problem:
    """Import and build one problem.

    Args:
        name: catalog name, e.g. ``"protein/landscape"``.
        params: the problem's parameters; missing ones take their defaults.

    Raises:
        InvalidSpec: unknown problem or parameter, or a value out of range.
        InvalidTable: an uploaded table cannot be used.
        MissingPackage: a package that the problem needs is not installed.
    """
    return cast("Problem", _call(name, entry(name).loader, check_params(name, params)))


def _call(name: str, path: str, params: Mapping[str, Any]) -> object:
    """Call what a problem's entry names; readers of some files import their packages when they meet one."""
    known = science(name)
    with needed_for(name, known.install if known else ""):
        return resolve(path)(**params)
