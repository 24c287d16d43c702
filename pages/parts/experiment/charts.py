"""The panels of an experiment: who beat whom, and the evidence on each policy against its threshold.

Pure functions of what the worker has computed (`updated.metrics` of an
experiment); nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pages.parts.experiment.odds import odds, odds_axis
from pages.parts.look import BLUE, DASHES, MARKERS, VERMILLION, Look
from pages.parts.panel import Json, Panel, axis, empty, layout, numbers
from pages.parts.text import in_figure

MOST = 24
"""Policies that the bars show; more are not readable."""
NAMED = 6
"""Lines with a colour and a name of their own: as many as the palette has."""
CUT = 4.0
"""Evidence lines are shown up to so many times their threshold: beyond it a policy is out, by however much."""
NOTHING = "Nothing has been compared yet."
Metrics = Mapping[str, Any]
"""What the worker reports of an experiment: see `poets_core.llm_po.report.report`."""
Course = Sequence[tuple[int, Sequence[float | None], Sequence[float | None]]]
"""Comparisons so far, evidence against each policy, evidence that each beats every other; one entry an update."""


def label(name: str, longest: int = 22) -> str:
    """Write a policy's name for an axis: cut off, and never read as markup by plotly.js."""
    return in_figure(name, longest)


def by_evidence(metrics: Metrics) -> list[int]:
    """Places of the policies, the least excluded first."""
    evidence = [np.inf if e is None else float(e) for e in metrics["evidence"]]
    return [int(i) for i in np.argsort(evidence, kind="stable")]


def win_matrix(metrics: Metrics, look: Look) -> Panel:
    """Wins of the row's policy against the column's: counts in the cells, their share as colour."""
    title = "Who beat whom"
    help = "Each cell: how often the row's policy was preferred to the column's. Colour: its share, ties left out."
    if not metrics.get("comparisons"):
        return empty(look, "wins", title, help, NOTHING)
    wins = np.asarray(metrics["wins"], dtype=np.float64)
    k, both = len(wins), wins + wins.T
    share = np.divide(wins, both, out=np.full_like(wins, np.nan), where=both > 0)
    names = [label(n, 14 if k > 4 else 22) for n in metrics["policies"]]
    counts = [["" if both[i, j] == 0 else f"{wins[i, j]:.0f}" for j in range(k)] for i in range(k)]
    places = list(range(k))
    trace: Json = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": [numbers(row, 3) for row in share],
        "text": counts,
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "colorscale": [[0, VERMILLION], [0.5, "#2C3541" if look.dark else "#EEF1F4"], [1, BLUE]],
        "colorbar": {
            "title": {"text": "share of wins", "side": "right"},
            "thickness": 10,
            "outlinewidth": 0,
            "tickvals": [0, 0.5, 1],
        },
        "customdata": [
            [f"{names[i]} beat {names[j]}: {counts[i][j]} of {both[i, j]:.0f}" for j in places] for i in places
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        **({"texttemplate": "%{text}", "textfont": {"size": 14 if k <= 6 else 11}} if k <= 16 else {}),
    }
    ticks = {"tickvals": places, "ticktext": names, "showgrid": False}
    form = layout(
        look,
        xaxis=axis(look, "against", **ticks, tickangle="auto" if k <= 4 else -40),
        yaxis=axis(look, "wins of", autorange="reversed", **ticks),
    )
    pairs = [(i, j) for i in places for j in range(i + 1, k) if both[i, j]]
    said = "; ".join(f"{names[i]} {counts[i][j]}, {names[j]} {counts[j][i]}" for i, j in pairs[:10])
    return Panel("wins", title, help, [trace], form, f"{title}, wins by pair: {said}.", int(metrics["comparisons"]))


def evidence_bars(metrics: Metrics, look: Look, assumed: bool = False) -> Panel:
    """Evidence on each policy now, against the thresholds of the verdict.

    Args:
        metrics: of the last update.
        look: colours.
        assumed: a winner is assumed to exist, so that none has to be shown to beat all others.
    """
    title = "Evidence on each policy"
    help = (
        "Left: that it is not the winner; beyond the line it is excluded. "
        "Right: that it beats even the opponent that is hardest to beat; beyond the line it is the winner. "
        "Valid at every moment, however often one looks."
    )
    if assumed:
        help = "That a policy is not the winner; beyond the line it is excluded. Valid at every moment."
    if not metrics.get("comparisons"):
        return empty(look, "evidence", title, help, NOTHING)
    order = by_evidence(metrics)[:MOST]
    names = [label(metrics["policies"][i]) for i in order]
    cases = (OUT,) if assumed else (OUT, WINNER)
    traces: list[Json] = []
    shapes: list[Json] = []
    axes: Json = {}
    for place, case in enumerate(cases):
        bars, line, unit_axis = _bars(case, metrics, order, names, look, place)
        width = 1.0 if assumed else 0.44
        unit_axis["domain"] = [place * 0.56, place * 0.56 + width]
        traces.append(bars)
        shapes.append(line)
        axes[bars["xaxis"].replace("x", "xaxis")] = unit_axis
    ticks = {"tickvals": list(range(len(order))), "ticktext": names, "showgrid": False}
    axes["yaxis"] = axis(look, "", autorange="reversed", **ticks)
    form = layout(look, showlegend=False, shapes=shapes, bargap=0.3, **axes)
    said = ", ".join(
        f"{n} {odds(metrics['evidence'][i])}" for n, i in zip(names, order, strict=True) if _has(metrics, i)
    )
    alt = f"{title}, {odds(float(metrics['evidence_threshold']))} needed for being excluded: {said}."
    if not assumed:
        shown = ", ".join(f"{names[k]} {odds(metrics['shown'][i])}" for k, i in enumerate(order) if _has(metrics, i))
        alt += f" For beating every other {odds(float(metrics['shown_threshold']))} needed: {shown}."
    return Panel("evidence", title, help, traces, form, alt, int(metrics["comparisons"]))


@dataclass(frozen=True)
class _Case:
    """What evidence is for.

    Attributes:
        unit: of the axis; key, limit: of values and threshold in the metrics.
        colour: place in the palette, of policies beyond the threshold.
        word: what they are.
        room: of the axis, beyond the bars, for numbers and that word.
    """

    unit: str
    key: str
    limit: str
    colour: int
    word: str
    room: float


OUT = _Case("odds: not the best", "evidence", "evidence_threshold", 1, "out", 0.5)
WINNER = _Case("odds: beats all others", "shown", "shown_threshold", 0, "winner", 0.7)


def _bars(
    case: _Case, metrics: Metrics, order: Sequence[int], names: Sequence[str], look: Look, place: int
) -> tuple[Json, Json, Json]:
    """Return the bars of one kind of evidence, the line of its threshold, and its axis."""
    n, threshold = "" if place == 0 else str(place + 1), float(metrics[case.limit])
    values = [metrics[case.key][i] for i in order]
    if case is OUT:  # the worker's word, which a page does not second-guess
        passed = [metrics["policies"][i] not in metrics["left"] for i in order]
    else:
        passed = [v is not None and v >= threshold for v in values]
    words = [f" {case.word}" if p else "" for p in passed]
    bars: Json = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(values, 4),
        "y": list(range(len(order))),
        "xaxis": f"x{n}",
        "yaxis": "y",
        "name": case.unit,
        "width": 0.62,
        "cliponaxis": False,
        "textposition": "outside",
        "text": ["" if v is None else f"{odds(v)}{w}" for v, w in zip(values, words, strict=True)],
        "marker": {
            "color": [look.series[case.colour] if p else look.muted for p in passed],
            "pattern": hatched(["/" if p else "" for p in passed], look),
        },
        "customdata": [f"{n}: {'–' if v is None else odds(v)}" for n, v in zip(names, values, strict=True)],
        "hovertemplate": f"%{{customdata}}, {odds(threshold)} needed<extra></extra>",
    }
    line: Json = {
        "type": "line",
        "x0": threshold,
        "x1": threshold,
        "y0": 0,
        "y1": 1,
        "xref": f"x{n}",
        "yref": "paper",
        "line": {"color": look.text, "width": 2, "dash": "dash"},
    }
    top = max([v for v in values if v is not None] + [threshold])
    low = min([v for v in values if v is not None] + [0.0])
    reach: list[float] = [low - 0.3 * (top - low) if low < 0 else 0, top + case.room * (top - low)]
    return bars, line, axis(look, case.unit, range=reach, anchor="y", **odds_axis(*reach))


def hatched(shapes: str | list[str], look: Look) -> Json:
    """Return the hatching of bars, so that colour is not the only sign."""
    return {"shape": shapes, "fgcolor": look.paper, "fillmode": "overlay", "size": 6}


def _has(metrics: Metrics, i: int) -> bool:
    return metrics["evidence"][i] is not None and metrics["shown"][i] is not None


def evidence_lines(metrics: Metrics, course: Course, look: Look, assumed: bool = False) -> Panel:
    """The same evidence over comparisons: above against being the winner, below for beating every other."""
    title = "Evidence over comparisons"
    help = (
        "How the odds of each policy grew. Dashed: beyond it a policy is ruled out (above), or beats every other "
        "(below). The upper chart is cut off well above its line."
    )
    if not course or not metrics.get("comparisons"):
        return empty(look, "course", title, help, NOTHING)
    x = [n for n, _, _ in course]
    order = by_evidence(metrics)
    parts = [(1, "evidence_threshold", "odds: not the best", "")]
    if not assumed:
        parts.append((2, "shown_threshold", "odds: beats all", "2"))
    traces: list[Json] = []
    for at, limit, _, n in parts:
        for rank, i in reversed(list(enumerate(order))):
            named = rank < NAMED
            name = label(metrics["policies"][i])
            line = {"color": look.series[rank], "width": 2.5, "dash": DASHES[rank]} if named else {"color": look.grid}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers" if named and len(x) <= 40 else "lines",
                    "name": name,
                    "x": x,
                    "y": numbers([entry[at][i] for entry in course], 4),
                    "yaxis": f"y{n}",
                    "line": line,
                    "marker": {"symbol": MARKERS[rank % len(MARKERS)], "size": 6},
                    "legendgroup": str(i),
                    "legendrank": rank + 1,
                    "showlegend": named and at == 1,
                    "text": ["" if entry[at][i] is None else odds(entry[at][i]) for entry in course],
                    "hovertemplate": f"{name} %{{text}} after %{{x}}<extra></extra>",
                }
            )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "threshold",
                "x": [0, x[-1]],
                "y": [metrics[limit]] * 2,
                "yaxis": f"y{n}",
                "line": {"color": look.text, "width": 2, "dash": "dash"},
                "showlegend": False,
                "hovertemplate": f"{odds(float(metrics[limit]))} needed<extra></extra>",
            }
        )
    form = layout(look, xaxis=axis(look, "comparisons", rangemode="tozero", anchor=f"y{parts[-1][3]}"))
    for (at, limit, unit, n), domain in zip(parts, [[0, 1]] if assumed else [[0.55, 1], [0, 0.45]], strict=True):
        seen = [v for entry in course for v in entry[at] if v is not None]
        reach = _reach(seen, float(metrics[limit]), cut=at == 1)
        form[f"yaxis{n}"] = axis(look, unit, domain=domain, range=reach, **odds_axis(*reach))
    more = "" if len(order) <= NAMED else f" The {NAMED} least excluded are named."
    alt = f"{title}: {len(order)} policies, {x[-1]} comparisons, {len(metrics['left'])} not excluded.{more}"
    return Panel("course", title, help, traces, form, alt, int(metrics["comparisons"]))


def _reach(seen: Sequence[float], needed: float, *, cut: bool) -> list[float]:
    """Return the range of an axis that shows what was seen and needed, nats; `cut` off well above the latter."""
    low, high = min([*seen, 0.0]), max([*seen, needed])
    high = min(high, CUT * needed) if cut else high
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)]
