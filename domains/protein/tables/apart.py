"""Mutations whose parts stand in columns of their own: the number of the residue, what was there, what is there now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domains.protein.tables.letters import content
from domains.protein.tables.mutations import THREE
from poets_core.intake.sheet import Sheet


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_AT = _list(
    "position pos site residue resi resid resnum residuenumber residueposition aaposition aapos mutationposition "
    "positionaa residueindex"
)
_OLD = _list(
    "wildtype wt wtaa wildtypeaa aawt wtresidue wildtyperesidue from ref refaa aaref reference original old native "
    "parent wtaminoacid wildtypeaminoacid aa1"
)
_NEW = _list(
    "mutation mutant mut mutaa mutantaa aamut mutantresidue mutatedresidue mutationaa to alt altaa aaalt variant new "
    "newaa substitution substitutedaa mutaminoacid mutantaminoacid aminoacid aa residue aa2"
)
"""Names of such columns, without blanks and marks; the first one found counts."""
_RESIDUE = re.compile(rf"[A-Za-z*=]|{'|'.join(THREE)}|Ter", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,5}(?:\.0+)?")
MOST = 0.8
"""Share of cells, at least, that are what the column's name says; the others are wild types, controls, mistakes."""


@dataclass(frozen=True)
class Parts:
    """Names of the columns: number, residue before (`""` where there is none) and residue after."""

    at: str
    old: str
    new: str

    @property
    def columns(self) -> list[str]:
        """The columns beside that of the residue after."""
        return [self.at, *([self.old] if self.old else [])]


def parts_of(head: Sheet, variant: str) -> Parts | None:
    """Return the columns that hold parts of mutations; None where one column holds variants whole.

    Args:
        head: the beginning of a table.
        variant: column that a person chose, `""` for none.
    """
    columns = head.columns
    at = _named(columns, _AT, _NUMBER, set())
    new = _named(columns, _NEW, _RESIDUE, {at}) if at else ""
    if not new or variant not in ("", new):
        return None
    old = _named(columns, _OLD, _RESIDUE, {at, new})
    for name, cells in columns.items():
        if name not in (at, old, new) and _whole(cells[:2000]):
            return None
    return Parts(at, old, new)


def joined(parts: Parts, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Return mutations such as `V39A`; a row without a number stays as it is: a wild type, a control."""
    old = columns[parts.old] if parts.old else [""] * len(columns[parts.at])
    rows = zip(old, columns[parts.at], columns[parts.new], strict=True)
    return [f"{a if new else ''}{at.partition('.')[0]}{new}" if at else new or a for a, at, new in rows]


def _named(columns: Mapping[str, Sequence[str]], wanted: Sequence[str], shape: re.Pattern[str], taken: set[str]) -> str:
    plain = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in columns if name not in taken}
    fits = [n for n in plain if plain[n] in wanted and _share(columns[n][:2000], shape) >= MOST]
    return min(fits, key=lambda n: wanted.index(plain[n]), default="")


def _share(cells: Sequence[str], shape: re.Pattern[str]) -> float:
    some = [c for c in cells if c]
    return sum(len(c) < 10 and shape.fullmatch(c) is not None for c in some) / len(some) if some else 0.0


def _whole(cells: Sequence[str]) -> bool:
    """Whether a column holds variants that need no other column: mutations with their numbers, or sequences."""
    kind, share = content(cells)
    some = [c for c in cells if c]
    # A word such as "missense" is spelled with residues: what names variants differs from row to row.
    varies = len(set(some)) > 1 and 3 * len(set(some)) >= min(len(some), 60)
    return share > 0.5 and (kind == "mutations" or (kind != "" and varies and max(map(len, some)) > 1))
