"""Whether the data of a campaign tell its variants apart; where they do not, a ranking of designs is an accident."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import pvariance, variance

import numpy as np

from poets_core.runs.views.run import CandidateView, RunView
from poets_core.types import F8

FEWEST = 12
"""Designs that are needed before anything is said."""
FOLDS = 5
RIDGE = 1.0
"""Weight of the penalty, in units of one observation."""
Z = 1.96
CHANCE = 0.05
MOST_PLACES = 600
"""Places of a design that are looked at; more are no longer a matter of seconds."""


@dataclass(frozen=True)
class Signal:
    """What the data say.

    Attributes:
        correlation: rank correlation of held-out values with what the others predict of them; None where it cannot be
            had. low, high: its interval of 95 %.
        designs: that it rests on.
        predicted: whether the search itself has predicted them, before they were measured; else a plain model did.
        replicates: probability of designs that differ as much as these, or more, if only replicates differed (F test);
            None without replicates.
        beaten: whether a design is better than the parent by more than its error; None where its value is not known.
    """

    correlation: float | None
    low: float | None
    high: float | None
    designs: int
    predicted: bool
    replicates: float | None
    beaten: bool | None

    @property
    def none(self) -> bool:
        """Whether the data cannot tell variants apart."""
        return (self.low is not None and self.low <= 0) or (self.replicates is not None and self.replicates > CHANCE)

    def lines(self) -> list[str]:
        """Say why, in sentences; empty where there is a signal."""
        found = []
        if self.correlation is not None and self.low is not None and self.high is not None and self.low <= 0:
            who = (
                f"The last {self.designs} designs were predicted by the search before they were measured"
                if self.predicted
                else f"Each of {self.designs} designs was predicted from the others by a plain model"
            )
            found.append(
                f"{who}: that agrees with what was measured no better than chance (rank correlation "
                f"{_said(self.correlation)}, 95 % between {_said(self.low)} and {_said(self.high)})."
            )
        if self.replicates is not None and self.replicates > CHANCE:
            found.append(
                f"Replicates of one design are as far apart as different designs (F test, p = {self.replicates:.2f})."
            )
        if self.beaten is False and found:
            found.append("Nothing that was measured is better than the parent.")
        return found


def _said(value: float) -> str:
    """Two digits and a proper minus."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def signal_of(view: RunView) -> Signal | None:
    """Return what the data of a run say; None where there are too few.

    Held-out correlation: what the search has predicted of the last rounds, where it has; else five-fold
    cross-validation of a ridge regression on the parts of each design.
    """
    measured = [c for c in view.candidates.values() if c.value is not None and c.design]
    if len(measured) < FEWEST:
        return None
    foretold = [c for c in measured if c.expected is not None]
    last = foretold[-4 * FEWEST :] if len(foretold) >= FEWEST else []
    pairs = [(c.expected or 0.0, c.value or 0.0) for c in last] if last else _held_out(measured)
    rho = None if pairs is None else _spearman([a for a, _ in pairs], [b for _, b in pairs])
    low, high = (None, None) if rho is None or pairs is None else _interval(rho, len(pairs))
    return Signal(
        rho,
        low,
        high,
        0 if pairs is None else len(pairs),
        bool(last),
        _replicates(measured),
        _beaten(view, measured),
    )


def _spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Rank correlation, ties at their mean rank; None where one of them is constant."""
    x, y = _ranks(a), _ranks(b)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _ranks(values: Sequence[float]) -> F8:
    """Ranks from 1, equal values at their mean rank."""
    _, at, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[at], dtype=np.float64)


def _interval(rho: float, n: int) -> tuple[float, float]:
    """Fisher's interval with the variance for ranks, 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957)."""
    centre, half = math.atanh(max(-0.999999, min(0.999999, rho))), Z * math.sqrt(1.06 / max(n - 3, 1))
    return math.tanh(centre - half), math.tanh(centre + half)


def _held_out(measured: Sequence[CandidateView]) -> list[tuple[float, float]] | None:
    """Predict each fifth from the others; None where designs cannot be compared part by part."""
    parts = [c.design.splitlines() if "\n" in c.design else list(c.design) for c in measured]
    places = len(parts[0])
    if any(len(p) != places for p in parts) or places > MOST_PLACES:
        return None
    names = {key: k for k, key in enumerate(dict.fromkeys((i, p[i]) for p in parts for i in range(places)))}
    x = np.zeros((len(parts), len(names)))
    for row, p in enumerate(parts):
        x[row, [names[i, p[i]] for i in range(places)]] = 1.0
    # Ranks and not values: one giant must not be all there is to predict.
    y = _ranks([c.value or 0.0 for c in measured])
    fold = np.arange(len(parts)) % FOLDS
    out = np.zeros(len(parts))
    for k in range(FOLDS):
        rest, own = fold != k, fold == k
        centre = y[rest].mean()
        gram = x[rest] @ x[rest].T + RIDGE * np.eye(int(rest.sum()))
        out[own] = centre + x[own] @ x[rest].T @ np.linalg.solve(gram, y[rest] - centre)
    return list(zip(out.tolist(), y.tolist(), strict=True))


def _replicates(measured: Sequence[CandidateView]) -> float | None:
    """Return the p of an analysis of variance: do designs differ by more than their replicates say?"""
    wells = [(c.value or 0.0, c.std or 0.0, int(c.details.get("wells", 0) or 0)) for c in measured]
    several = [(value, std**2 * n, n) for value, std, n in wells if n > 1 and std > 0]
    if len(several) < 3:
        return None
    from scipy.stats import f as f_distribution  # a third of a second, where there are replicates

    # The standard error of a mean of n wells is that of one well, through the root of n.
    freedom = sum(n - 1 for _, _, n in several)
    within = sum(v * (n - 1) for _, v, n in several) / freedom
    size = len(several) / sum(1.0 / n for _, _, n in several)
    return float(
        f_distribution.sf(size * variance([value for value, _, _ in several]) / within, len(several) - 1, freedom)
    )


def _beaten(view: RunView, measured: Sequence[CandidateView]) -> bool | None:
    known = view.info.facts.get("wild_type_value") if view.info else None
    if not isinstance(known, int | float) or view.best is None:
        return None
    spread = math.sqrt(pvariance([c.value or 0.0 for c in measured])) if len(measured) > 1 else 0.0
    best = view.candidates[view.best.id]
    error = Z * (best.std or 0.0)
    return view.sign * (view.best.value - float(known)) > max(error, 1e-12 * max(spread, abs(float(known))))
