"""How the designs of a run are named and how far they are from each other, as their science says it."""

from __future__ import annotations

from collections.abc import Sequence

from domains.catalog import naming_of
from domains.entry import Named
from poets_core.errors import PoetsError
from poets_core.runs.views.fold import CandidateView, RunView


def named(view: RunView, candidate: CandidateView) -> Named:
    """Return what the science of a run says of a design; a design without a science is its letters or its lines."""
    design = candidate.design
    bare = Named("", {}, tuple(design.splitlines() if "\n" in design else design))
    if view.info is None or not design:
        return bare
    try:
        naming = naming_of(view.info.name)
        return naming(design, facts=view.info.facts, details=candidate.details) if naming else bare
    except (PoetsError, ImportError, ArithmeticError, LookupError, TypeError, ValueError):
        # A science may come from anywhere, and a design may be whatever a model wrote. It is still there to read.
        return bare


def name_of(view: RunView, candidate: CandidateView) -> str:
    """Return a design's short name, plain text; "" where it has none but its own text."""
    return named(view, candidate).name


def distance(one: Sequence[str], other: Sequence[str], limit: int) -> int:
    """Count the differences between two designs, as far as `limit`.

    Designs of equal length differ in so many places. Others differ by the fewest parts that have to be put in, taken
    out or replaced (the distance of Levenshtein).

    Args:
        one, other: parts of two designs, as `domains.entry.Named` has them.
        limit: larger distances are not told apart.

    Returns:
        the distance, `limit` where it is at least that.
    """
    if len(one) == len(other):
        return min(sum(a != b for a, b in zip(one, other, strict=True)), limit)
    if abs(len(one) - len(other)) >= limit:
        return limit
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, row = row, [i] + [0] * len(other)
        # Outside of this band a cell is at least `limit` away from the diagonal, and so is what comes of it.
        for j in range(1, len(other) + 1):
            if abs(i - j) >= limit:
                row[j] = limit
            else:
                row[j] = min(before[j - 1] + (a != other[j - 1]), before[j] + 1, row[j - 1] + 1)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
