"""Whether a search is past its peak: what it proposes has become worse, and it finds nothing better.

The rule looks at the means of rounds and at the calls that set a record, both of which the log has, so that every
reader of a run comes to the same answer. It says nothing in the first rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poets_core.runs.views.run import RunView

FEWEST_ROUNDS = 12
"""Rounds before anything is said."""
WINDOW, SHARE = 3, 0.1
"""Rounds that are averaged: at least so many, and at least this share of all."""
QUIET = 0.25
"""Share of all calls since the last better design, at least."""
FALLEN = 0.5
"""Share of what the means had gained that was lost again, at least."""
CLEAR = 4.0
"""The fall in standard deviations of one round's mean, at least: chance does not do that."""


@dataclass(frozen=True)
class Peak:
    """A peak that lies behind.

    Attributes:
        quiet: calls since the last better design.
        high: mean of the best rounds, in the objective's unit.
        low: mean of the last rounds.
        rounds: how many rounds each of the two means is of.
    """

    quiet: int
    high: float
    low: float
    rounds: int


def past_peak(view: RunView) -> Peak | None:
    """Return the peak that a search has behind it; None while it climbs, stays where it is, or is young.

    All of these hold: at least `FEWEST_ROUNDS` rounds are done; the last better design is at least `QUIET` of all calls
    ago; the average mean of the last rounds lies below that of the best rounds by at least `FALLEN` of what had been
    gained since the first rounds, and by at least `CLEAR` standard deviations of a round's mean, taken from the
    differences between neighbouring rounds.
    """
    means = np.array([m for m in view.round_means if m is not None], dtype=np.float64) * view.sign
    if len(means) < FEWEST_ROUNDS or not view.records:
        return None
    quiet = len(view.order) - 1 - view.records[-1]
    if quiet < QUIET * len(view.order):
        return None
    width = max(WINDOW, round(SHARE * len(means)))
    smooth = np.convolve(means, np.full(width, 1.0 / width), mode="valid")
    high, low = float(smooth.max()), float(smooth[-1])
    # Neighbours share the trend, so that their differences hold the noise of two rounds and little else.
    noise = float(np.sqrt(np.mean(np.diff(means) ** 2) / 2))
    fall = high - low
    if fall <= 0 or fall < FALLEN * (high - float(smooth[0])) or fall < CLEAR * noise:
        return None
    return Peak(quiet, view.sign * high, view.sign * low, width)
