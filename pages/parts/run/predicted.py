"""What was measured against what had been expected: on the diagonal where the prediction came true."""

from __future__ import annotations

from collections.abc import Sequence

from pages.parts.look import DASHES, MARKERS, Look
from pages.parts.panel import SOURCES, Json, Panel, axis, empty, layout, numbers, sample
from pages.parts.run.charts import places, ring, value_axis
from pages.parts.run.expected import unit_note
from poets_core.runs.views.fold import CandidateView, RunView

TITLE = "Measured against expected"
HELP = (
    "Each dot is a measured design: what was expected of it before (across) and what was measured (up), in the unit of "
    "the value. On the diagonal the two are equal; above it, it was underrated."
)


def predictions(view: RunView, look: Look, selected: str = "") -> Panel:
    """Measured values against expected ones, with the diagonal.

    Args:
        view: the run.
        look: colours.
        selected: candidate to mark.
    """
    wanted = sample(len(view.order), always=places(view, selected)).tolist()
    found = (view.candidates[view.order[i]] for i in wanted)
    # Nobody expects anything before the first update, nor of designs that are written for a contest.
    shown = [c for c in found if c.expected is not None and c.value is not None]
    if not shown:
        return empty(look, "predictions", TITLE, HELP, unit_note(view) or "No prediction has been measured yet.")
    traces = [_dots(shown, source, i, look) for i, source in enumerate(SOURCES)]
    traces = [t for t in traces if t["x"]]
    ends = [v for c in shown for v in (c.expected, c.value) if v is not None]
    low, high = min(ends), max(ends)
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "as expected",
            "x": numbers([low, high], 4),
            "y": numbers([low, high], 4),
            "hoverinfo": "skip",
            "line": {"color": look.text, "width": 1.5, "dash": DASHES[1]},
        }
    )
    traces += ring(view, look, selected, lambda c: c.expected, lambda c: c.value)
    name = value_axis(view)
    form = layout(look, xaxis=axis(look, f"expected {name}"), yaxis=axis(look, f"measured {name}"))
    alt = f"{TITLE}: {len(shown)} measured designs{_held(shown)}."
    return Panel("predictions", TITLE, HELP, traces, form, alt, len(view.order))


def _dots(shown: Sequence[CandidateView], source: str, i: int, look: Look) -> Json:
    part = [c for c in shown if c.source == source]
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": SOURCES[source],
        "customdata": [c.id for c in part],
        "x": numbers([c.expected for c in part], 4),
        "y": numbers([c.value for c in part], 4),
        "marker": {"symbol": MARKERS[i], "size": 7, "color": look.series[i], "opacity": 0.6},
        "hovertemplate": "design %{customdata}<br>expected %{x}<br>measured %{y}<extra></extra>",
    }


def _held(shown: Sequence[CandidateView]) -> str:
    """Say how many fell into their expected range, where one was predicted."""
    told = [c for c in shown if c.expected_low is not None or c.expected_high is not None]
    if not told:
        return ""
    infinite = float("inf")
    held = sum(
        (-infinite if c.expected_low is None else c.expected_low)
        <= (c.value or 0.0)
        <= (infinite if c.expected_high is None else c.expected_high)
        for c in told
    )
    return f", {held} of {len(told)} within the range that was expected"
