"""The best designs told apart: near-duplicates of a better one are hidden, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.parts.run.naming import distance, named
from pages.parts.tables import Filter, find
from poets_core.runs.views.fold import RunView

BEST = 32
"""Designs that are kept, at most."""
LOOKED_AT = 2000
"""Distinct designs that are looked at, best first; a long run of near-duplicates ends there."""
FURTHEST = 20
"""Distances from here on are not told apart: such designs have nothing in common."""


@dataclass(frozen=True)
class Apart:
    """The best designs, none near a better one.

    Attributes:
        ids: best first, at most `BEST`.
        hidden: designs that were passed over because they are near a better one that is kept.
        nearest: differences to the nearest better one that is kept, by id; `FURTHEST` means at least as many. The best
            has none.
        from_best: differences to the best one.
        looked_at: distinct designs that were looked at.
    """

    ids: tuple[str, ...]
    hidden: int
    nearest: Mapping[str, int]
    from_best: Mapping[str, int]
    looked_at: int


def told_apart(view: RunView, differences: int, count: int = BEST) -> Apart:
    """Choose the best designs that differ from every better one chosen in at least so many places.

    Best first, each is kept unless it is near one that was kept: what is hidden is always worse than what hides it, or
    equal and later.

    Args:
        view: the run.
        differences: see `naming.distance`; 1 keeps every distinct design.
        count: how many to keep, at most.
    """
    kept: list[tuple[str, tuple[str, ...]]] = []
    seen: set[str] = set()
    hidden, nearest, from_best = 0, {}, {}
    for id in find(view, Filter()):
        candidate = view.candidates[id]
        if len(kept) == count or len(seen) == LOOKED_AT:
            break
        if candidate.design in seen or candidate.value is None:
            continue
        seen.add(candidate.design)
        parts = named(view, candidate).parts
        if any(distance(parts, other, differences) < differences for _, other in kept):
            hidden += 1
            continue
        if kept:
            nearest[id] = min(distance(parts, other, FURTHEST) for _, other in kept)
            from_best[id] = distance(parts, kept[0][1], FURTHEST)
        kept.append((id, parts))
    return Apart(tuple(id for id, _ in kept), hidden, nearest, from_best, len(seen))
