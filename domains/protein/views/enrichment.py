"""Mutations that are more frequent among the best designs than among the others.

Fisher's exact test on two by two tables, two-sided; the share of false discoveries by Benjamini and Hochberg,
Journal of the Royal Statistical Society B 57:289 (1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domains.protein.substitutions import substitutions

SHARE = 0.25
"""Of the designs, which count as the best."""


@dataclass(frozen=True)
class Enriched:
    """How often one mutation is among the best.

    Attributes:
        mutation: such as ``"V39A"``.
        best, best_of: best designs that have it, of how many; others, others_of: the same of the rest.
        odds: ratio of the odds, each count raised by a half so that it is finite.
        p: of Fisher's exact test, two-sided.
        q: smallest share of false discoveries at which it counts as one.
    """

    mutation: str
    best: int
    best_of: int
    others: int
    others_of: int
    odds: float
    p: float
    q: float


def enriched(
    designs: Sequence[str],
    values: Sequence[float],
    parent: str,
    labels: Sequence[str],
    *,
    share: float = SHARE,
    minimise: bool = False,
) -> list[Enriched]:
    """Return all mutations of measured designs, the most surely enriched or depleted first.

    Args:
        designs: (n,) letters at the sites.
        values: (n,) measured; NaN is left out.
        parent: its letters at the sites; mutations are told against it.
        labels: of the sites.
        share: of the designs, which are the best; at least one is.
        minimise: whether the smallest values are.
    """
    known = [(d, v) for d, v in zip(designs, values, strict=True) if math.isfinite(v) and len(d) == len(parent)]
    known.sort(key=lambda pair: pair[1], reverse=not minimise)
    if len(known) < 2:
        return []
    cut = min(len(known) - 1, max(1, round(share * len(known))))
    counts: dict[str, list[int]] = {}
    for rank, (design, _) in enumerate(known):
        for name in substitutions(design, parent, labels):
            counts.setdefault(name, [0, 0])[rank >= cut] += 1
    rest = len(known) - cut
    found = [(name, a, b, fisher(a, cut - a, b, rest - b)) for name, (a, b) in counts.items()]
    q = false_discoveries([p for *_, p in found])
    out = [
        Enriched(name, a, cut, b, rest, (a + 0.5) * (rest - b + 0.5) / ((cut - a + 0.5) * (b + 0.5)), p, one)
        for (name, a, b, p), one in zip(found, q, strict=True)
    ]
    return sorted(out, key=lambda e: (e.p, -abs(math.log(e.odds)), e.mutation))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Return the two-sided p of Fisher's exact test of the table ((a, b), (c, d))."""
    row, column, n = a + b, a + c, a + b + c + d

    def log_chance(x: int) -> float:
        return _log_choose(column, x) + _log_choose(n - column, row - x) - _log_choose(n, row)

    here = log_chance(a)
    low, high = max(0, row + column - n), min(row, column)
    # All tables that are no more likely than this one, with room for rounding.
    chances = (log_chance(x) for x in range(low, high + 1))
    return min(1.0, math.fsum(math.exp(x) for x in chances if x <= here + 1e-7))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def false_discoveries(p: Sequence[float]) -> list[float]:
    """Return the q values of Benjamini and Hochberg, in the order of `p`."""
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    out, least = [0.0] * len(p), 1.0
    for rank, i in enumerate(order):
        least = min(least, p[i] * len(p) / (len(p) - rank))
        out[i] = least
    return out
