"""Designs that people bring, and designs that they shorten: what a science offers for them. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Scored:
    """A design that a person brought as a file, as a problem sees it.

    Attributes:
        name: of the file.
        lines: what was read and what it is worth, for people.
        facts: the same as JSON values; ``"design"`` is its canonical text.
        error: why it cannot be read; then there is nothing else.
    """

    name: str
    lines: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class Score(Protocol):
    """A function that reads files of designs from anywhere and scores them by a problem."""

    def __call__(self, files: Sequence[tuple[str, bytes]], problem: Any) -> list[Scored]:
        """Return one result for each design, in order.

        Args:
            files: (name, bytes); a file may hold several designs.
            problem: a loaded problem of the science.
        """
        ...


@dataclass(frozen=True)
class Pruned:
    """A design from which what does not matter was taken out.

    Attributes:
        lines: what went and what it is worth now, for people.
        design: its text, for the science's drawing; details: what goes with it.
        file: it as a file of the science's first format; file_name: of it.
    """

    lines: tuple[str, ...]
    design: str
    details: Mapping[str, Any]
    file: str
    file_name: str


class Prune(Protocol):
    """A function that takes out of a design what does not matter."""

    def __call__(self, problem: Any, design: str, details: Mapping[str, Any], allowed: float) -> Pruned:
        """Return what is left.

        Args:
            problem: a loaded problem of the science.
            design: canonical; details: what its oracle said of it.
            allowed: how much worse it may become, in the unit of its error.

        Raises:
            InvalidDesign: it cannot be pruned.
        """
        ...
