"""Which preset the next run should take, by what an earlier run of the same problem showed. Plain rules, plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poets_core.spec.methods import PoetsSettings

FEWEST_CALLS = 100
"""Valid calls below which a run shows nothing."""
FEW_LEVELS = 0.1
"""Share of distinct values among all, below which a landscape is one of plateaus: most edits change nothing."""
AGREED = 0.25
"""Share of log M, below which the branches have come to write alike."""
STALLED = 0.2
"""Share of the rounds of the second half that improved the best value, below which a search has stalled."""

WIDE = 1.0
"""Spread before data (c), in reward deviations, from which untempered branches explore widely."""


@dataclass(frozen=True)
class Evidence:
    """What the rule looks at, of one run.

    Attributes:
        calls: valid ones.
        levels: distinct values over valid calls; 1 where designs may be measured again, which says nothing of levels.
        agreement: Jensen-Shannon divergence of the branches after the last round over log M; None for one branch.
        improving: share of the rounds of the second half that improved the best value.
        wide: whether the run itself explored widely.
        exact: whether its branches were exact draws: they stay near the reference, and their divergence says nothing.
        whole: whether it chose from the whole space, where no edits are made.
    """

    calls: int
    levels: float
    agreement: float | None
    improving: float
    wide: bool = False
    exact: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Advice:
    """A preset and why.

    Attributes:
        preset: a key of `PRESETS`.
        reason: for people, with the figures that decided.
    """

    preset: str
    reason: str


def evidence(
    values: Sequence[float | None],
    batch: int,
    search: PoetsSettings,
    rounds: Sequence[Mapping[str, Any]],
    sign: float = 1.0,
    facts: Mapping[str, Any] | None = None,
) -> Evidence:
    """Read a run.

    Args:
        values: of all calls in their order, None where invalid.
        batch: calls a round.
        search: settings of the run, by POETS.
        rounds: metrics of each; the last `js_sequence` is read.
        sign: -1 where small values are good.
        facts: of the model, as the run wrote them down: whether it learnt exactly, and from the whole space.
    """
    known_facts = facts or {}
    exact, whole = bool(known_facts.get("exact")), bool(known_facts.get("whole_space"))
    v = sign * np.array([np.nan if x is None else x for x in values], dtype=np.float64)
    known = v[np.isfinite(v)]
    if not len(known):
        return Evidence(0, 1.0, None, 0.0, exact=exact, whole=whole)
    best = np.fmax.reduceat(v, np.arange(0, len(v), batch))
    so_far = np.fmax.accumulate(best)
    better = so_far[1:] > np.nan_to_num(so_far[:-1], nan=-np.inf)
    late = better[len(better) // 2 :]
    js = [x for r in rounds if isinstance(x := r.get("js_sequence"), int | float)]
    return Evidence(
        calls=len(known),
        levels=1.0 if search.allow_repeats else len(np.unique(known.round(9))) / len(known),
        agreement=js[-1] / math.log(search.branches) if js and search.branches > 1 and not exact else None,
        improving=float(late.mean()) if len(late) else 1.0,
        wide=search.prior_scale >= WIDE and search.tempering >= 1.0,
        exact=exact,
        whole=whole,
    )


def advise(found: Evidence | None) -> Advice:
    """Choose a preset.

    Plateaus first: where hardly any two designs differ in value, edits of the best designs are what
    makes progress (benchmarks/search.py, Ehrlich). Then a stalled search whose branches have come to agree: they
    have nothing left to disagree about where they look, and should start further apart (deceptive landscapes). Neither
    helps a run that has no edits to make, or whose branches' distance the data decide.
    """
    if found is None:
        return Advice("default", "No POETS run of this problem yet. A first run shows which settings suit it.")
    if found.calls < FEWEST_CALLS:
        return Advice("default", f"The runs of this problem are short: {found.calls} valid calls at most.")
    if found.levels < FEW_LEVELS and not found.whole:
        return Advice(
            "plateau", f"Only {found.levels:.0%} of the measured values differ from one another: a landscape of steps."
        )
    improved = f"{found.improving:.0%} of the later rounds found a better design"
    if found.agreement is not None and found.agreement < AGREED and found.improving < STALLED:
        return Advice(
            "explore",
            f"The best run of this problem stalled ({improved}), its branches agreeing (divergence "
            f"{found.agreement:.0%} of what is possible).",
        )
    if found.wide:
        return Advice("explore", f"The best run of this problem explored widely: {improved}.")
    if found.exact:
        every = " and chose among all designs" if found.whole else ""
        return Advice(
            "default",
            f"In the best run of this problem models learnt exactly{every}, where other presets "
            f"change little; {improved}.",
        )
    apart = (
        "" if found.agreement is None else f", and branches still differ ({found.agreement:.0%} of what is possible)"
    )
    return Advice("default", f"In the best run of this problem {improved}{apart}.")
