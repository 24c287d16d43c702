"""What is drawn over a run's own panels: other runs of its problem, and the soft regret of its branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pages.parts.look import DASHES, Look
from pages.parts.panel import LINE_POINTS, Json, Panel, axis, numbers, sample
from pages.parts.text import in_figure
from poets_core.runs.views.run import RunView

MOST = 5
"""Curves of other runs in one panel; more could not be told apart."""


@dataclass(frozen=True)
class Reference:
    """Another run of the same problem, to be drawn behind this one.

    Attributes:
        name: for people.
        view: of the run.
        method: its key in `METHODS` where it is another one than this run's, "" where it is no rival.
    """

    name: str
    view: RunView
    method: str = ""


def with_references(panel: Panel, references: Sequence[Reference], look: Look) -> Panel:
    """Add the curves of other runs to the panel of best values or of regret.

    Best so far there, the regret per call here, which is what the panels show of the run itself.
    """
    traces: list[Json] = []
    ends: list[str] = []
    if panel.name not in ("progress", "regret") or not panel.traces:
        return panel
    for k, reference in enumerate(references[:MOST]):
        n = len(reference.view.order)
        at = sample(n, LINE_POINTS // 2)
        if panel.name == "progress":
            y = [reference.view.best_so_far[i] for i in at]
        elif reference.view.regret and reference.view.regret[-1] is not None:
            total = [reference.view.regret[i] for i in at]
            y = [None if r is None else r / (i + 1) for i, r in zip(at.tolist(), total, strict=True)]
        else:
            continue
        name = in_figure(reference.name)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": (at + 1).tolist(),
                "y": numbers(y),
                "line": {
                    "color": look.series[(k + 3) % len(look.series)],
                    "dash": DASHES[(k + 2) % len(DASHES)],
                    "width": 1.8,
                    "shape": "hv" if panel.name == "progress" else "linear",
                },
                "hovertemplate": f"%{{y}}<extra>{name}</extra>",
            }
        )
        ends.append(f"{reference.name} {y[-1]:.4g}" if y and y[-1] is not None else reference.name)
    alt = panel.alt + (f" Beside it: {', '.join(ends)}." if ends else "")
    return replace(panel, traces=[*panel.traces, *traces], alt=alt)


def with_soft_regret(panel: Panel, view: RunView, look: Look, batch: int) -> Panel:
    """Add the soft regret of the branches, where it was computed, on an axis of its own.

    The mean over branches is drawn, and as a band from the least to the largest.
    """
    told = [(r.round, np.array(s, dtype=np.float64)) for r in view.rounds if (s := r.metrics.get("soft_regret"))]
    if panel.name != "regret" or not told or not panel.traces:
        return panel
    x = [view.round_ends.get(int(k), (int(k) + 1) * batch) for k, _ in told]
    low, high = [float(v.min()) for _, v in told], [float(v.max()) for _, v in told]
    colour = look.series[3]
    band: Json = {
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "hoverinfo": "skip",
        "showlegend": False,
        "name": "all models",
        "legendgroup": "soft",
        "yaxis": "y2",
        "x": [*x, *x[::-1]],
        "y": numbers([*high, *low[::-1]]),
        "line": {"width": 0, "color": colour},
        "fillcolor": colour,
        "opacity": 0.15,
    }
    mean = numbers([float(v.mean()) for _, v in told])
    line: Json = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "soft regret of a model (right)",
        "legendgroup": "soft",
        "x": x,
        "y": mean,
        "yaxis": "y2",
        "line": {"color": colour, "width": 2, "dash": "dashdot"},
        "marker": {"symbol": "triangle-up", "size": 7},
        "hovertemplate": "soft regret %{y}<extra></extra>",
    }
    second = axis(
        look,
        "soft regret [s.d.]",
        overlaying="y",
        side="right",
        rangemode="tozero",
        showgrid=False,
        tickmode="auto",
        nticks=5,
    )
    help = (
        f"{panel.help} Soft regret: how far a model is from the best one at its closeness to the base model, over all "
        "designs, in standard deviations of the reward; the band holds all models."
    )
    return replace(
        panel,
        help=help,
        traces=[*panel.traces, band, line],
        layout=panel.layout | {"yaxis2": second},
        alt=f"{panel.alt} Soft regret of the models {mean[-1]} on average.",
    )
