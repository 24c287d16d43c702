"""How sequences are named: by their mutations where there is a wild type to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.entry import Named
from domains.protein.alphabet import mutations

NAMED = 6
"""Mutations that a name holds; a sequence with more is named by their number."""


def numbers_of(design: str, facts: Mapping[str, Any]) -> Sequence[int]:
    """Return the number of each residue in the parent; 1, 2, 3, ... where the problem says none for this length."""
    positions = [int(p) for p in facts.get("positions") or [] if isinstance(p, int)]
    return positions if len(positions) == len(design) else range(1, len(design) + 1)


def named(design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
    """Name a sequence, see `domains.entry.Naming`; its parts are its residues."""
    wild_type = str(facts.get("wild_type") or "")
    # A design of another length has no mutations with names.
    if not wild_type or len(wild_type) != len(design):
        return Named("", {}, tuple(design))
    changed = mutations(design, wild_type, numbers_of(design, facts))
    name = " ".join(changed) if len(changed) <= NAMED else f"{len(changed)} mutations"
    return Named(name or "wild type", {"mutations": len(changed)}, tuple(design))
