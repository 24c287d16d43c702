"""How sciences are found: those of this project, of installed packages, and of folders.

A science is a `domains.entry.Science` called SCIENCE. An installed package
announces its own in the entry point group ``poets.domains``. A folder that is
named in the environment variable POETS_DOMAINS holds Python modules or
packages, and each of them has one. Workers inherit the variable, so the
browser, the command line and the workers find the same.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from domains.entry import Science
from poets_core.errors import InvalidSpec

GROUP = "poets.domains"
VARIABLE = "POETS_DOMAINS"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class BrokenScience:
    """A science that was found and cannot be used.

    Attributes:
        source: the module, file or entry point.
        message: what is wrong.
    """

    source: str
    message: str


def find(built_in: Sequence[str], folders: str) -> tuple[tuple[Science, ...], tuple[BrokenScience, ...]]:
    """Return every science that can be used, and what is wrong with the others.

    Args:
        built_in: modules of this project.
        folders: value of POETS_DOMAINS, folders separated as in PATH.
    """
    found: list[Science] = []
    broken: list[BrokenScience] = []
    for source, get in _sources(built_in, folders):
        try:
            found.append(_checked(get(), found))
        # A foreign file may raise anything, also by calling exit; the other sciences must stay.
        except (Exception, SystemExit) as error:
            said = str(error) if isinstance(error, InvalidSpec) else f"{type(error).__name__}: {error}"
            broken.append(BrokenScience(source, said))
    return tuple(found), tuple(broken)


def resolve(path: str) -> Any:
    """Return what ``"module:name"`` stands for.

    Raises:
        InvalidSpec: it is written otherwise, or the module has no such name.
        ModuleNotFoundError: the module, or one that it needs, is missing.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise InvalidSpec(f"Expected 'module:name', got {path!r}.")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError as error:
        raise InvalidSpec(f"Expected {name!r} in the module {module!r}, got none.") from error


def _sources(built_in: Sequence[str], folders: str) -> Iterator[tuple[str, Callable[[], object]]]:
    for module in built_in:
        yield module, partial(resolve, f"{module}:SCIENCE")
    for point in entry_points(group=GROUP):
        yield f"{point.value} (entry point {point.name})", point.load
    for folder in filter(None, folders.split(os.pathsep)):
        place = Path(folder).expanduser()
        # Workers have another current folder, where a relative path would name another place.
        if not (place.is_absolute() and place.is_dir()):
            yield f"{VARIABLE}={folder}", partial(_no_folder, place)
            continue
        for path in sorted(place.iterdir()):
            package = (path / "__init__.py").is_file()
            if (package or path.suffix == ".py") and not path.name.startswith(("_", ".")):
                yield str(path), partial(_in_folder, place, path)


def _no_folder(place: Path) -> Science:
    wrong = "none there" if place.is_absolute() else "a relative path"
    raise InvalidSpec(f"Expected the full path of a folder, got {wrong}: {place}. Correct {VARIABLE}.")


def _in_folder(folder: Path, path: Path) -> object:
    """Import a module of a folder under its own name, so that its loaders and pickles find it again."""
    # At the end: no file of the folder may stand in for a module of Python or of this project.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    module = importlib.import_module(path.stem)
    origin = Path(module.__file__ or "").absolute()
    if origin not in (path, path / "__init__.py"):
        raise InvalidSpec(
            f"Expected {path.name} to be imported as {path.stem!r}, got the module at {origin}. Rename the file."
        )
    if not hasattr(module, "SCIENCE"):
        raise InvalidSpec(
            f"Expected SCIENCE in {path.name}, got none. Helpers belong into a package, or begin with an underscore."
        )
    return module.SCIENCE


def _checked(science: object, others: Sequence[Science]) -> Science:
    """Return a science whose names are its own.

    Raises:
        InvalidSpec: it is none, or a name is malformed or taken.
    """
    if not isinstance(science, Science):
        raise InvalidSpec(f"Expected a domains.entry.Science called SCIENCE, got {type(science).__name__}.")
    if not _NAME.fullmatch(science.name):
        raise InvalidSpec(f"Expected a science name of a-z, 0-9 and -, got {science.name!r}.")
    for what, wanted, taken in (
        ("science", [science.name], [s.name for s in others]),
        ("problem", [e.name for e in science.problems], []),
        ("verifiable task", [v.name for v in science.verifiables], []),
        ("task", [t.name for t in science.tasks], [t.name for s in others for t in s.tasks]),
        ("backbone", [b.name for b in science.backbones], ["library", *(b.name for s in others for b in s.backbones)]),
    ):
        doubled = next((n for i, n in enumerate(wanted) if n in taken or n in wanted[:i]), None)
        if doubled is not None:
            raise InvalidSpec(f"Expected a {what} name of its own, got {doubled!r}, which is taken. Choose another.")
    for found in science.verifiables:
        if not found.name.startswith(f"{science.name}/") or found.name.count("/") != 1:
            raise InvalidSpec(f"Expected a task name like '{science.name}/task', got {found.name!r}.")
    for entry in science.problems:
        if not entry.name.startswith(f"{science.name}/") or entry.name.count("/") != 1:
            raise InvalidSpec(f"Expected a problem name like '{science.name}/problem', got {entry.name!r}.")
        known = {"library", *(b.name for s in (*others, science) for b in s.backbones)}
        if not entry.backbones or not known.issuperset(entry.backbones):
            raise InvalidSpec(f"Expected backbones of {entry.name} among {sorted(known)}, got {entry.backbones}.")
    return science
