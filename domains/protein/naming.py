"""How sequences are named: by their mutations where there is a wild type to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domains.entry import Named
from domains.protein.alphabet import mutations

NAMED = 6
"""Mutations that a name holds; a sequence with more is named by their number."""


def numbers_of(design: str, positions: Iterable[Any]) -> Sequence[int]:
    """Return the number of each residue in the parent; 1, 2, 3, ... where there are none for this length."""
    numbers = [int(p) for p in positions if isinstance(p, int)]
    return numbers if len(numbers) == len(design) else range(1, len(design) + 1)


def named(design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
    """Name a sequence, see `domains.entry.Naming`; its parts are its residues."""
    wild_type = str(facts.get("wild_type") or "")
    # A design of another length has no mutations with names.
    if not wild_type or len(wild_type) != len(design):
        return Named("", {}, tuple(design))
    changed = mutations(design, wild_type, numbers_of(design, facts.get("positions") or ()))
    name = " ".join(changed) if len(changed) <= NAMED else f"{len(changed)} mutations"
    return Named(name or "wild type", {"mutations": len(changed)}, tuple(design))
