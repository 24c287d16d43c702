"""The panels of a run: pure functions from a snapshot to plotly.js data.

Cost does not grow with a run: lines keep ~1,200 points, scatters 4,000, and
nothing here walks through all candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np

from pages.parts.look import DASHES, MARKERS, Look
from pages.parts.panel import LINE_POINTS, MARKED, Json, Panel, axis, empty, layout, numbers, sample, thin
from pages.parts.text import in_figure
from pages.parts.words import EXACT_HELP, MODEL_HELP, number, quantity, short_model
from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.types import round_number

DOTS = 1200
DOT = "Each dot is a measured design: click it to see the design."
SATURATED = 0.98
"""Share of its bound above which a divergence says no more than that everything differs."""
TICKS = [0, 0.5, 0.95]


def value_axis(view: RunView) -> str:
    """Return the name of the first objective with its unit, for an axis."""
    name, unit = quantity(view.objective.name), view.objective.unit
    return f"{name} [{unit}]" if unit else name


def progress(view: RunView, look: Look, batch: int, selected: str = "") -> Panel:
    """Best value so far, mean of each round, and measured designs: all that set a record, and a sample of the rest.

    Args:
        view: the run.
        look: colours.
        batch: oracle calls a round, to place the means.
        selected: candidate to mark.
    """
    title = "Best and mean value"
    if not view.order:
        return empty(look, "progress", title, DOT, "No design has been measured yet.")
    n = len(view.order)
    line = sample(n, LINE_POINTS)  # monotone: evenly spread points lose nothing
    records = list(view.records)
    kept_records = [records[i] for i in sample(len(records), DOTS).tolist()]
    others = sample(n, DOTS, places(view, selected)).tolist()
    dots = [i for i in sorted({*others, *kept_records}) if view.values[i] is not None]
    means = np.array([np.nan if m is None else m for m in view.round_means])
    # Contests lie between rounds, so that a round does not end at its number times the batch.
    ends = np.array([view.round_ends.get(r, (r + 1) * batch) for r in range(len(means))], dtype=np.float64)
    kept = thin(ends, means)
    traces: list[Json] = [
        {
            "type": "scattergl",
            "mode": "markers",
            "name": "measured design",
            "x": [i + 1 for i in dots],
            "y": numbers([view.values[i] for i in dots], 4),
            "customdata": [view.order[i] for i in dots],
            "marker": {"size": 5, "color": look.muted, "opacity": 0.45},
            "hovertemplate": "design %{customdata}<br>value %{y}<extra></extra>",
        },
        _line("mean of the round", numbers(ends[kept]), numbers(means[kept]), look, 1, marks=True),
        _line("best so far", (line + 1).tolist(), numbers([view.best_so_far[i] for i in line]), look, 0, shape="hv"),
    ]
    optimum = view.objective.optimum
    if optimum is not None:
        traces.append(_level("best possible", [1, max(n, 2)], float(optimum), look))
    known = [view.sign * v for i in view.given if (v := view.candidates[i].value) is not None]
    if known:
        traces.append(_level("best of the given data", [1, max(n, 2)], view.sign * max(known), look, dash="dot"))
    traces += ring(view, look, selected, lambda c: c.order, lambda c: c.value)
    best = "none yet" if view.best is None else f"{view.best.value:.4g}"
    shown = _shown(len(dots), view.valid_calls, len(kept_records), len(records))
    alt = f"{title} over {n} measurements: best {best}" + (
        f", best possible {optimum:.4g}." if optimum is not None else "."
    )
    form = layout(look, xaxis=axis(look, "measurements"), yaxis=axis(look, value_axis(view)))
    return Panel("progress", title, f"{DOT} {shown}".strip(), traces, form, f"{alt} {shown}".strip(), n, shown)


def _shown(dots: int, valid: int, records: int, of: int) -> str:
    """Say which designs are drawn where that is not all of them."""
    if dots >= valid:
        return ""
    every = "every one that was better than all before" if records == of else f"{records:,} of {of:,} records"
    return f"{dots:,} of {valid:,} valid designs shown, {every} among them."


def regret(view: RunView, look: Look) -> Panel:
    """Distance of the best design from the best possible one, and the mean distance of all calls.

    Where the optimum is unknown there is no regret; the panel then shows how many
    designs were valid and new.
    """
    if view.info is not None and view.objective.optimum is None:
        return _yield(view, look)
    title = "Distance from the best possible"
    help = (
        "Of the best design so far (simple regret) and on average over all measurements (cumulative regret over calls)."
    )
    optimum = view.objective.optimum
    if not view.order or view.regret[-1] is None or optimum is None:
        return empty(look, "regret", title, help, "No design has been measured yet.")
    n, sign = len(view.order), view.sign
    line = sample(n, LINE_POINTS)
    best = [view.best_so_far[i] for i in line]
    total = [view.regret[i] for i in line]
    simple = numbers([None if b is None else sign * (optimum - b) for b in best])
    mean = numbers([None if r is None else r / (i + 1) for i, r in zip(line.tolist(), total, strict=True)])
    x = (line + 1).tolist()
    traces = [
        _line("average of all measurements", x, mean, look, 1),
        _line("best design", x, simple, look, 0, shape="hv"),
    ]
    alt = f"{title}: best design {simple[-1]}, average of {n} measurements {mean[-1]}."
    unit = view.objective.unit or "same unit as the value"
    form = layout(look, xaxis=axis(look, "measurements"), yaxis=axis(look, f"distance [{unit}]", rangemode="tozero"))
    return Panel("regret", title, help, traces, form, alt, n)


def _yield(view: RunView, look: Look) -> Panel:
    title = "Valid and new designs"
    help = "Shares of each round. The best possible value of this problem is not known, so no regret can be shown."
    shown = [("valid", "valid"), ("unique", "not measured before")]
    traces = [_metric(view, look, key, name, i) for i, (key, name) in enumerate(shown) if series(view, key)]
    if not traces:
        return empty(look, "regret", title, help, "Shown after the first round.")
    form = layout(look, xaxis=_rounds(view, look), yaxis=axis(look, "share", range=[0, 1.05]))
    return Panel("regret", title, help, traces, form, f"{title} over {len(view.rounds)} rounds.", len(view.order))


def disagreement(view: RunView, look: Look, branches: int = 2) -> Panel:
    """How much the branches differ, and whether their spread can be believed.

    Jensen-Shannon divergence (nats, at most log M) above; below, the standard deviation
    of predictions, with the share of new measurements within two. One branch has none.
    """
    title = "Disagreement of the models"
    help = (
        "Above: how differently the models write (Jensen-Shannon divergence). Below: how far their predictions of "
        "the reward differ, in its standard deviations. The spread can be believed when about 95 % of the "
        "predictions held (right axis): the new measurement fell within two spreads."
    )
    if branches < 2:
        return empty(look, "disagreement", title, help, "One model alone has nothing to disagree with.")
    found = [v for _, v in series(view, "js_sequence")]
    full = bool(found) and min(found) >= SATURATED * log(branches)
    if learnt_exactly(view):
        help += (
            " Here models learn exactly: the spread of new designs holds the noise of a measurement too, and models "
            "write alike, for each stays close to the untrained one; it is how they rank all designs that differs."
        )
    if full:
        # A line at its bound takes half of the panel to say one thing.
        help += f" No two models write the same designs ({log(branches):.2f} nats of at most as many): not drawn."
    parts = [
        *([] if full else [_metric(view, look, "js_sequence", "designs differ", 0)]),
        _metric(view, look, "js_token", "per token", 3),
        _metric(view, look, "spread", "spread, new", 1, yaxis="y2"),
        _metric(view, look, "spread_replay", "spread, measured", 2, yaxis="y2"),
        _metric(view, look, "coverage", "predictions that held (right, want 95 %)", 4, yaxis="y3"),
    ]
    traces = [t for t in parts if any(v is not None for v in t["y"])]
    if not traces:
        return empty(look, "disagreement", title, help, "Shown after the first round of learning.")
    traces = [t | ({"mode": "markers"} if t.get("yaxis") == "y3" else {}) for t in traces]
    form = layout(
        look,
        xaxis=_rounds(view, look, anchor="y2"),
        yaxis=axis(look, "JS [nats]", domain=[0.57, 1], rangemode="tozero"),
        yaxis2=axis(look, "spread [s.d.]", domain=[0, 0.45], rangemode="tozero"),
        yaxis3=axis(look, "share", overlaying="y2", side="right", range=[0, 1.1], showgrid=False, tickvals=TICKS),
    )
    alt = f"{title}, last round: " + ", ".join(f"{t['name']} {t['y'][-1]}" for t in traces) + "."
    return Panel("disagreement", title, help, traces, form, alt, len(view.order))


def learnt_exactly(view: RunView) -> bool:
    """Return whether models are exact draws of the posterior, as the run itself says."""
    return bool((view.backbone or {}).get("exact"))


def fit_in_words(view: RunView) -> str:
    """Say how large the exact fit took differences between designs and the noise to be; "" where there is none."""
    sizes = [view.metrics.get(name) for name in ("amplitude", "noise")]
    if not learnt_exactly(view) or not all(isinstance(s, int | float) and s >= 0 for s in sizes):
        return ""
    scale, noise = (number(float(s) ** 0.5, 2) for s in sizes if s is not None)
    return (
        f"{EXACT_HELP} By the data, designs differ by {scale} and a measurement errs by {noise} (s.d. of the reward)."
    )


def branch_matrix(view: RunView, look: Look) -> Panel:
    """Jensen-Shannon divergence between each two branches after the last round, nats (at most log 2)."""
    title, help = "Model against model", "How differently each two models write, after the last round. Dark: alike."
    matrix = view.metrics.get("js_matrix")
    if not matrix or len(matrix) < 2:
        return empty(look, "matrix", title, help, "Shown after the first round of learning, for two models or more.")
    m = len(matrix)
    cells = [numbers(row, 3) for row in matrix]
    off = [v for i, row in enumerate(cells) for j, v in enumerate(row) if i != j and v is not None]
    if off and min(off) >= SATURATED * log(2):
        return empty(look, "matrix", title, help, f"No two models write the same designs (all at {log(2):.2f} nats).")
    names = [short_model(b) for b in range(m)]
    trace: Json = {
        "type": "heatmap",
        "name": "divergence [nats]",
        "z": cells,
        "x": names,
        "y": names,
        "colorscale": "Cividis",
        "zmin": 0,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"title": {"text": "nats", "side": "right"}, "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "model %{x} against %{y}: %{z} nats<extra></extra>",
        **({"texttemplate": "%{z:.2g}"} if m <= 8 else {}),
    }
    ticks: Json = {"type": "category", "tickmode": "linear", "dtick": 1 if m <= 16 else 4, "autorange": False}
    # Ranges are said outright: plotly.js keeps the direction that an axis had when it was first drawn, and a page that
    # was open before the first round drew it empty.
    across, down = [-0.5, m - 0.5], [m - 0.5, -0.5]
    form = layout(
        look, xaxis=axis(look, "model", range=across, **ticks), yaxis=axis(look, "model", range=down, **ticks)
    )
    alt = f"{title}: {m} models, divergences up to {max(off, default=0):.3g} nats."
    return Panel("matrix", title, help, [trace], form, alt, len(view.order))


def branches(view: RunView, look: Look, chosen: Mapping[int, int]) -> Panel:
    """Designs chosen by each branch, its divergence from the reference and its loss.

    Args:
        view: the run.
        look: colours.
        chosen: observed candidates by branch; -1 is the reference.
    """
    title = "Model by model"
    loss = "how far its rewards are from those measured" if learnt_exactly(view) else "its training loss"
    help = (
        f"Designs each model had measured, how far it moved from the untrained model, and {loss}. KL is estimated from "
        f"a few samples of each: a small one may fall below 0. {MODEL_HELP}"
    )
    if not chosen:
        return empty(look, "branches", title, help, "No design has been measured yet.")
    columns: list[tuple[str, Sequence[Any], Sequence[Any]]] = [
        ("designs", [short_model(b) for b in sorted(chosen)], [chosen[b] for b in sorted(chosen)])
    ]
    for key, name in (("kl", "KL [nats]"), ("loss", "loss")):
        found = view.metrics.get(key)
        if isinstance(found, list) and found:
            columns.append((name, [short_model(b) for b in range(len(found))], numbers(found, 4)))
    gap, k = 0.12, len(columns)
    width = (1 - gap * (k - 1)) / k
    axes: Json = {}
    traces: list[Json] = []
    fills = {"fgcolor": look.paper, "fillmode": "overlay"}
    for i, (name, x, y) in enumerate(columns):
        n = "" if i == 0 else str(i + 1)
        start = i * (width + gap)
        axes[f"xaxis{n}"] = axis(look, "model", domain=[start, start + width], type="category", anchor=f"y{n}")
        axes[f"yaxis{n}"] = axis(look, name, anchor=f"x{n}", rangemode="tozero")
        traces.append(
            {
                "type": "bar",
                "x": list(x),
                "y": list(y),
                "name": name,
                "xaxis": f"x{n}",
                "yaxis": f"y{n}",
                "marker": {"color": look.series[i], "pattern": fills | {"shape": ("", "/", ".")[i]}},
                "hovertemplate": f"model %{{x}}: %{{y}} {name}<extra></extra>",
            }
        )
    most = max(chosen.values())
    alt = f"{title}: {len(chosen)} models chose between {min(chosen.values())} and {most} designs each."
    return Panel("branches", title, help, traces, layout(look, showlegend=False, **axes), alt, len(view.order))


def series(view: RunView, key: str) -> list[tuple[float, float]]:
    """Return (round from 1, value) of a metric where it is a number; absent metrics give none."""
    return [
        (float(round_number(r.round)), float(v))
        for r in view.rounds
        if isinstance(v := r.metrics.get(key), int | float)
    ]


def _metric(view: RunView, look: Look, key: str, name: str, i: int, **more: Any) -> Json:
    found = np.array(series(view, key), dtype=np.float64).reshape(-1, 2)
    kept = thin(found[:, 0], found[:, 1])
    return _line(name, numbers(found[kept, 0]), numbers(found[kept, 1], 4), look, i, marks=True) | more


def _rounds(view: RunView, look: Look, **settings: Any) -> Json:
    """An axis of rounds, which are whole numbers from 1."""
    few = len(view.rounds) <= 12
    top = max(len(view.rounds) + 0.5, 4.5)
    return axis(look, "round", range=[0.5, top], tickformat="d", **({"dtick": 1} if few else {}), **settings)


def _line(name: str, x: Any, y: Any, look: Look, i: int, *, marks: bool = False, shape: str = "linear") -> Json:
    return {
        "type": "scatter",
        "mode": "lines+markers" if marks and len(x) <= MARKED else "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": look.series[i], "width": 2.5, "dash": DASHES[i], "shape": shape},
        "marker": {"symbol": MARKERS[i], "size": 7},
        "hovertemplate": f"{name} %{{y}}<extra></extra>",
    }


def _level(name: str, x: list[int], y: float, look: Look, dash: str = "dash") -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": [y, y],
        "line": {"color": look.series[2 if dash == "dash" else 3], "width": 2, "dash": dash},
        "hovertemplate": f"{name} %{{y}}<extra></extra>",
    }


def places(view: RunView, selected: str) -> list[int]:
    """Positions that a sample must hold: the best design and the selected one."""
    ids = [selected, view.best.id if view.best else ""]
    found = [view.candidates[id].order for id in ids if id in view.candidates]
    return sorted({k - 1 for k in found if k is not None})


def ring(view: RunView, look: Look, selected: str, x: Any, y: Any) -> list[Json]:
    """A ring around the selected candidate, with its id as text; nothing if it has no place here."""
    candidate: CandidateView | None = view.candidates.get(selected)
    if candidate is None or x(candidate) is None or y(candidate) is None:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": "selected",
            "showlegend": False,
            "x": [x(candidate)],
            "y": [y(candidate)],
            "text": [in_figure(selected)],
            "textposition": "top center",
            "customdata": [selected],
            "cliponaxis": False,
            "hoverinfo": "skip",
            "marker": {"symbol": "circle-open", "size": 15, "color": look.text, "line": {"width": 2.5}},
        }
    ]
