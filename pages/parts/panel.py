"""What every chart is made of: a panel of traces and layout, and thinning to a fixed size.

Figures are plain data for plotly.js; nothing here imports plotly or streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pages.parts.look import Look
from pages.parts.text import in_figure

Json: TypeAlias = dict[str, Any]

SOURCES = {
    "branch": "written by a model",
    "edit": "edit of a good design",
    "reference": "written by the untrained model",
    "space": "chosen out of the whole space",
    "contest": "written for a contest",
    "given": "measured before the run",
}
LINE_POINTS = 1200
SCATTER_POINTS = 4000
MARKED = 40
"""Points of a line that are marked; more would be one thick line."""
LEGEND = 46
"""Pixels kept free for two lines of legend, so that the plot stays where it is as series come in."""


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        name: short name for files and keys, e.g. ``"regret"``.
        title: heading.
        help: how to read it, in one or two sentences.
        traces, layout: plotly.js data.
        alt: what the chart shows now, for screen readers.
        points: how many oracle answers are behind it (not how many are drawn).
        note: a sentence that stands below it, "" for none.
    """

    name: str
    title: str
    help: str
    traces: list[Json] = field(default_factory=list)
    layout: Json = field(default_factory=dict)
    alt: str = ""
    points: int = 0
    note: str = ""


def thin(x: NDArray[np.float64], y: NDArray[np.float64], limit: int = LINE_POINTS) -> NDArray[np.int64]:
    """Choose points of a line so that every peak and trough stays.

    Args:
        x: f8 (n,), ascending; only its length matters, neighbours share a bucket.
        y: f8 (n,), NaN where there is no value.
        limit: how many points may stay.

    Returns:
        i8 (k,) ascending indices, k <= limit: first and last, and the lowest and
        highest of each of ``limit // 2 - 1`` buckets. Every index if n <= limit.
    """
    n = len(x)
    if n <= limit:
        return np.arange(n)
    buckets = max(limit // 2 - 1, 1)
    edges = np.linspace(0, n, buckets + 1).astype(np.int64)
    kept = [0, n - 1]
    for a, b in pairwise(edges.tolist()):
        part = y[a:b]
        if np.isfinite(part).any():
            kept += [int(a + np.nanargmin(part)), int(a + np.nanargmax(part))]
    return np.unique(np.asarray(kept, dtype=np.int64))


def sample(n: int, limit: int = SCATTER_POINTS, always: Sequence[int] = ()) -> NDArray[np.int64]:
    """Choose at most `limit` of n points, evenly spread in time, `always` among them.

    Returns:
        i8 (k,) ascending indices.
    """
    if n <= limit:
        return np.arange(n)
    spread = np.linspace(0, n - 1, limit - len(always)).astype(np.int64)
    return np.unique(np.concatenate([spread, np.asarray(always, dtype=np.int64)]))


def numbers(values: NDArray[np.float64] | Sequence[float | None], digits: int = 6) -> list[float | None]:
    """Make a JSON list of numbers: six significant digits, null where there is none."""
    clean = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in clean]


def axis(look: Look, title: str, **settings: Any) -> Json:
    """Return an axis in the theme's colours. `title` holds the unit, which may be a foreign science's."""
    return {
        "title": {"text": in_figure(title), "font": {"size": 12, "color": look.muted}, "standoff": 8},
        "gridcolor": look.grid,
        "linecolor": look.grid,
        "zeroline": False,
        "tickfont": {"size": 11, "color": look.muted},
        "automargin": True,
        **settings,
    }


def layout(look: Look, **settings: Any) -> Json:
    """Return a layout in the theme's colours; legends lie above the plot, where there is room for them."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": look.text, "size": 12, "family": "'Source Sans', sans-serif"},
        "margin": {"l": 8, "r": 12, "t": LEGEND, "b": 8},
        "hoverlabel": {"bgcolor": look.paper, "font": {"color": look.text}, "bordercolor": look.grid},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
        "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": look.muted, "activecolor": look.text},
        "hovermode": "closest",
        "dragmode": "zoom",
        **settings,
    }


def empty(look: Look, name: str, title: str, help: str, message: str) -> Panel:
    """Return a panel that says why there is nothing to see, without axes that would show nothing."""
    note = {
        "text": in_figure(message, 500),
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "font": {"size": 13, "color": look.muted},
    }
    hidden = {"visible": False}
    return Panel(name, title, help, [], layout(look, annotations=[note], xaxis=hidden, yaxis=hidden), message, 0)
