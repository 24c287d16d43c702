"""What was expected of a design, in words and figures of the objective's own unit."""

from __future__ import annotations

from math import inf

from pages.parts.words import number
from poets_core.runs.views.run import CandidateView, RunView

ROUNDING = 1e-9
"""What is smaller than this share of its range is 0, and was left over by arithmetic."""

RANGE_HELP = (
    "Two deviations over the models to either side of what was expected, in the unit of the value. Where models "
    "learn exactly, the noise of a measurement is part of it. Blank where "
    "nothing was predicted: before the first update, and by methods that predict nothing."
)


def expected_range(c: CandidateView) -> str:
    """Return what was expected as a range: ``"0.31 to 0.52"``; a dash where nothing was predicted."""
    if c.expected is None or c.predicted_std is None:
        return "–"
    ends = (c.expected_low, c.expected_high)
    size = max(abs(x) for x in (*ends, c.expected) if x is not None)
    low, high = (None if x is None else 0.0 if abs(x) < ROUNDING * size else x for x in ends)
    return f"{'−∞' if low is None else number(low, 3)} to {'∞' if high is None else number(high, 3)}"


def unsure(c: CandidateView) -> float:
    """Return the width of what was expected, in the unit of the value; -1 where nothing was, to sort by it."""
    if c.expected is None or c.predicted_std is None:
        return -1.0
    if c.expected_low is None or c.expected_high is None:
        return inf
    return c.expected_high - c.expected_low


def unit_note(view: RunView) -> str:
    """Say why what was expected is not shown, where the log does not say in which unit it is; "" otherwise."""
    unknown = next((c for c in reversed(list(view.candidates.values())) if c.predicted_mean is not None), None)
    if unknown is None or not unknown.unit_unknown:
        return ""
    return "What was expected is stored without its unit (an older program made this run): it is not shown."
