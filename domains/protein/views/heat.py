"""Residue against site: what designs with that residue there have measured, or are predicted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int64

from domains.palette import Colours
from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of

ORDER = "AVILMFWYSTNQKRHDEGPC"
"""Residues by chemistry, from top to bottom."""


@dataclass(frozen=True)
class Heat:
    """Means by residue and site.

    Attributes:
        labels: (L,) of the sites; letters: (20,) rows, in `ORDER`.
        count: designs with a value; mean: of their values, NaN where there are none.
        error: standard error of the mean, NaN below two designs; or what was passed as `std`, averaged alike.
    """

    labels: tuple[str, ...]
    letters: tuple[str, ...]
    count: Int64[np.ndarray, "20 L"]
    mean: Float64[np.ndarray, "20 L"]
    error: Float64[np.ndarray, "20 L"]


def heat_of(
    designs: Sequence[str], values: Sequence[float], labels: Sequence[str], std: Sequence[float] | None = None
) -> Heat:
    """Average the values of designs by residue and site.

    Args:
        designs: (n,) letters at the sites; of another length, or with other letters, they are left out.
        values: (n,) measured or predicted; NaN is left out.
        labels: (L,) of the sites.
        std: (n,) uncertainty of each value, in its unit, where one is known.
    """
    length = len(labels)
    kept = [
        i for i, d in enumerate(designs) if len(d) == length and np.isfinite(values[i]) and UNKNOWN not in codes_of(d)
    ]
    y = np.array([values[i] for i in kept], dtype=np.float64)
    own = None if std is None else np.array([std[i] for i in kept], dtype=np.float64)
    count = np.zeros((20, length), dtype=np.int64)
    total, square, spread = (np.zeros((20, length)) for _ in range(3))
    codes = codes_of("".join(designs[i] for i in kept)).reshape(len(kept), length).astype(np.int64)
    center = float(y.mean()) if len(y) else 0.0
    for site in range(length):
        np.add.at(count[:, site], codes[:, site], 1)
        # About the mean of all, so that small differences of large values are not lost.
        np.add.at(total[:, site], codes[:, site], y - center)
        np.add.at(square[:, site], codes[:, site], (y - center) ** 2)
        if own is not None:
            np.add.at(spread[:, site], codes[:, site], own)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = np.maximum(square - count * mean**2, 0.0) / (count - 1)
        error = np.where(count > 1, np.sqrt(variance / count), np.nan) if own is None else spread / count
    rows = [LETTERS.index(a) for a in ORDER]
    return Heat(tuple(labels), tuple(ORDER), count[rows], (mean + center)[rows], error[rows])


def heat_figure(
    heat: Heat, colours: Colours, parent: str = "", show: Literal["mean", "error", "count"] = "mean", title: str = ""
) -> dict[str, Any]:
    """Return a heat map as data for `plotly.graph_objects.Figure`; the parent's residues are marked by a dot.

    Args:
        heat: what is shown.
        colours: of the page.
        parent: its letters at the sites, `""` where they are not known.
        show: which numbers give the colour.
        title: of the colour bar, with the unit.
    """
    shown = {"mean": heat.mean, "error": heat.error, "count": heat.count.astype(np.float64)}[show]
    cells = [
        [
            f"{a}{label}: {_said(heat.mean[r, k])} ± {_said(heat.error[r, k])}, {heat.count[r, k]} designs"
            for k, label in enumerate(heat.labels)
        ]
        for r, a in enumerate(heat.letters)
    ]
    trace: dict[str, Any] = {
        "type": "heatmap",
        "x": list(heat.labels),
        "y": list(heat.letters),
        "z": [[None if np.isnan(v) else float(v) for v in row] for row in shown],
        "text": cells,
        "hoverinfo": "text",
        "hoverongaps": False,
        "colorscale": "Viridis",
        "colorbar": {"title": {"text": title}},
    }
    own = [(label, a) for label, a in zip(heat.labels, parent, strict=False) if a in ORDER]
    ring: Mapping[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _ in own],
        "y": [y for _, y in own],
        # White in black, to be seen on every colour of the scale.
        "marker": {"symbol": "circle", "size": 9, "color": "#FFFFFF", "line": {"width": 2, "color": "#000000"}},
        "hoverinfo": "skip",
        "name": "parent",
    }
    axis = {"type": "category", "fixedrange": True, "color": colours.text, "automargin": True}
    layout = {
        "xaxis": {**axis, "title": {"text": "site"}},
        "yaxis": {**axis, "autorange": "reversed", "title": {"text": "residue"}},
        "paper_bgcolor": colours.paper,
        "plot_bgcolor": colours.paper,
        "font": {"color": colours.text},
        "showlegend": False,
    }
    return {"data": [trace, *([dict(ring)] if own else [])], "layout": layout}


def _said(value: float) -> str:
    return "?" if np.isnan(value) else f"{value:.3g}"
