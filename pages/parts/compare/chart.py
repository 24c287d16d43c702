"""The figure of the Compare page: one line a group, its 95 % interval behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.parts.compare.comparison import MEASURES, Group, band, reached
from pages.parts.look import DASHES, Look
from pages.parts.panel import LINE_POINTS, Json, Panel, axis, layout, numbers, sample
from pages.parts.text import in_figure
from pages.parts.words import number, quantity, times
from poets_core.types import F8, I8, Objective


def comparison(groups: Sequence[Group], measure: str, look: Look, objective: Objective) -> Panel:
    """Return the figure.

    Args:
        groups: what is compared.
        measure: one of `MEASURES`.
        look: colours.
        objective: whose values are drawn.
    """
    title, help = MEASURES[measure]
    traces: list[Json] = []
    for k, group in enumerate(groups):
        mean, half = band(group, measure)
        if not len(mean):
            continue
        at = sample(len(mean), LINE_POINTS // 2)
        x, colour = (at + 1).tolist(), look.series[k % len(look.series)]
        if np.isfinite(half[at]).any():
            traces.append(_interval(group.name, at, mean[at], half[at], colour))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{in_figure(group.name)} ({_seeds(group, objective.optimum)})",
                "legendgroup": group.name,
                "x": x,
                "y": numbers(mean[at]),
                "line": {
                    "color": colour,
                    "width": 2.5,
                    "dash": DASHES[k % len(DASHES)],
                    "shape": "hv" if measure == "best" else "linear",
                },
                "hovertemplate": f"measurement %{{x}}: %{{y}}<extra>{in_figure(group.name)}</extra>",
            }
        )
    optimum = objective.optimum
    most = max((g.calls for g in groups), default=1)
    if measure == "best" and optimum is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "best possible",
                "x": [1, max(most, 2)],
                "y": [optimum, optimum],
                "hoverinfo": "skip",
                "line": {"color": look.muted, "width": 1.5, "dash": "dot"},
            }
        )
    form = layout(look, xaxis=axis(look, "measurements"), yaxis=axis(look, _label(objective, measure)))
    ends = [f"{g.name} {number(float(band(g, measure)[0][-1]))}" for g in groups if len(band(g, measure)[0])]
    alt = f"{title} over {times(most, 'measurement')}; at the end {', '.join(ends)}."
    return Panel(f"compare-{measure}", title, f"{help} Shaded: 95 % interval over runs.", traces, form, alt, most)


def _interval(name: str, at: I8, mean: F8, half: F8, colour: str) -> Json:
    """Return the 95 % interval of a group as a filled ring: forwards along its upper edge, back along its lower one."""
    known = np.isfinite(mean + half)
    x, upper, lower = (at[known] + 1).tolist(), (mean + half)[known].tolist(), (mean - half)[known].tolist()
    return {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": name,
        "x": [*x, *x[::-1]],
        "y": numbers([*upper, *lower[::-1]]),
        "line": {"width": 0, "color": colour},
        "fillcolor": colour,
        "opacity": 0.16,
    }


def _seeds(group: Group, optimum: float | None) -> str:
    """Return how many runs a mean is of, and how many of them found the best possible value."""
    n, share = f"n = {len(group.curves)}", reached(group, optimum, group.calls)
    return n if share is None else f"{n}, {share.reached} of {share.n} reached the best possible"


def _label(objective: Objective, measure: str) -> str:
    """Return the vertical axis: what is drawn, in which unit, and which way is better."""
    unit = objective.unit
    if measure == "regret":
        return f"regret (in {unit or 'the unit of the value'})"
    better = ", smaller is better" if objective.direction == "minimise" else ""
    name = quantity(objective.name)
    return f"{name} (in {unit}){better}" if unit else f"{name}{better}"
