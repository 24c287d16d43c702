"""How the designs of a run are named and how far they are from each other, as their science says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domains.catalog import naming_of
from domains.entry import Named
from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.types import ProblemInfo


def said(
    design: str,
    info: ProblemInfo | None,
    details: Mapping[str, Any] | None = None,
    failed: Callable[[Exception], None] = lambda error: None,
) -> Named | None:
    """Return what a science says of a design; None where it has nothing to say, or cannot.

    Args:
        design: canonical text, or what a model wrote.
        info: the problem as a run says it; None where there is none.
        details: what the oracle says about the design.
        failed: told what the science raised.
    """
    if info is None or not design.strip():
        return None
    try:
        naming = naming_of(info.name)
        return naming(design, facts=info.facts, details=details or {}) if naming else None
    except Exception as error:
        # A science may come from anywhere and may raise anything; the design is still there to read.
        failed(error)
        return None


def named(view: RunView, candidate: CandidateView) -> Named:
    """Return what the science of a run says of a design; a design without a science is its letters or its lines."""
    design = candidate.design
    return said(design, view.info, candidate.details) or Named(
        "", {}, tuple(design.splitlines() if "\n" in design else design)
    )


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
