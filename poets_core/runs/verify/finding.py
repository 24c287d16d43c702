"""What a check of an archive says: what was looked at, and where something is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from poets_core.errors import told

LISTED = 20
"""Findings of one check that are kept; the rest is counted."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        file: member of the archive.
        message: expected what, got what.
        row: of the file: a line, an event, a candidate, a tensor; "" for the file as a whole.
        field: of the row; "" where the row as a whole is meant.
    """

    file: str
    message: str
    row: str = ""
    field: str = ""

    @property
    def place(self) -> str:
        """File, row and field in one line."""
        return ", ".join(part for part in (self.file, self.row, self.field) if part)


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what it is about, in a word or two.
        state: ok, wrong, or "not done": it could not be checked, and `said` says why.
        said: what was looked at, with numbers.
        findings: what is wrong, the first `LISTED` of them.
        more: further ones that are not listed.
    """

    name: str
    state: Literal["ok", "wrong", "not done"]
    said: str
    findings: tuple[Finding, ...] = ()
    more: int = 0


def check(name: str, said: str, findings: Iterable[Finding]) -> Check:
    """Return a check that was made: wrong if anything was found."""
    kept: list[Finding] = []
    more = 0
    for one in findings:
        if len(kept) < LISTED:
            # What is quoted comes out of a file of anybody.
            kept.append(Finding(one.file, told(one.message), told(one.row), told(one.field)))
        else:
            more += 1
    return Check(name, "wrong" if kept else "ok", said, tuple(kept), more)


def not_done(name: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, "not done", told(why))
