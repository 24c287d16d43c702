"""How sequences are named: by their mutations where there is a wild type to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.entry import Named
from domains.protein.substitutions import substitutions

NAMED = 6
"""Mutations that a name holds; a sequence with more is named by their number."""


def labels_of(design: str, facts: Mapping[str, Any]) -> list[str]:
    """Return how the number of each residue is written; 1, 2, 3, ... where nothing is known for this length.

    Args:
        design: letters at the sites, or a whole sequence.
        facts: of its problem: `sites`, or in older runs `positions`.
    """
    for name in ("sites", "positions"):
        found = [str(x) for x in facts.get(name) or () if isinstance(x, str | int)]
        if len(found) == len(design):
            return found
    return [str(k + 1) for k in range(len(design))]


def named(design: str, *, facts: Mapping[str, Any], details: Mapping[str, Any]) -> Named:
    """Name a sequence, see `domains.entry.Naming`; its parts are its residues."""
    wild_type = str(facts.get("wild_type") or "")
    # A design of another length has no mutations with names.
    if not wild_type or len(wild_type) != len(design):
        return Named("", {}, tuple(design), {"sequence": design})
    changed = substitutions(design, wild_type, labels_of(design, facts))
    name = " ".join(changed) if len(changed) <= NAMED else f"{len(changed)} mutations"
    texts = {"mutations": " ".join(changed) or "wild type", "sequence": by_chains(whole_of(design, facts), facts)}
    return Named(name or "wild type", {"mutations": len(changed)}, tuple(design), texts)


def by_chains(whole: str, facts: Mapping[str, Any]) -> str:
    """Return a whole sequence with a colon between its chains, as it is pasted: a gene is ordered for each."""
    chains = [(c[1], c[2]) for c in facts.get("chains") or () if isinstance(c, Sequence) and len(c) == 3]
    if len(chains) < 2 or not all(isinstance(x, int) for c in chains for x in c):
        return whole
    parts = [whole[start : start + length] for start, length in chains]
    return ":".join(parts) if "".join(parts) == whole else whole


def whole_of(design: str, facts: Mapping[str, Any]) -> str:
    """Return the whole sequence of a design, the design itself where its parent is not known."""
    parent, index = str(facts.get("parent") or ""), facts.get("site_index") or ()
    places = [i for i in index if isinstance(i, int) and 0 <= i < len(parent)]
    if len(places) != len(design):
        return design
    letters = list(parent)
    for place, letter in zip(places, design, strict=True):
        letters[place] = letter
    return "".join(letters)
