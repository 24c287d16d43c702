"""Where the comparisons of an experiment went, beside where they are best spent and what round-robin needs."""

from __future__ import annotations

import numpy as np

from pages.parts.experiment.charts import NOTHING, Metrics, hatched, label
from pages.parts.look import Look
from pages.parts.panel import Json, Panel, axis, empty, layout, numbers
from poets_core.runs.events import VerdictReached

NAME = 16
"""Characters of a policy's name in a pair, at most: the untrained model stands whole."""
MOST_PAIRS = 12


def allocation(metrics: Metrics, look: Look) -> Panel:
    """Share of comparisons of each pair, beside the proportions that are optimal at the present estimate."""
    title = "Where comparisons went"
    help = (
        "Share of all comparisons that each pair has had, and the proportions that need the fewest comparisons if "
        "the win probabilities are those estimated now. A contest is never exactly optimal: it has to find out first."
    )
    if not metrics.get("comparisons"):
        return empty(look, "allocation", title, help, NOTHING)
    spent, best = np.asarray(metrics["allocation"], dtype=np.float64), metrics.get("optimal")
    optimal = None if best is None else np.asarray(best, dtype=np.float64)
    rows, columns = np.triu_indices(len(spent), 1)
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    weight = {p: max(spent[p], 0.0 if optimal is None else optimal[p]) for p in pairs}
    shown = sorted(pairs, key=lambda p: -weight[p])[:MOST_PAIRS]
    rest = [p for p in pairs if p not in set(shown)]
    names = [f"{label(metrics['policies'][i], NAME)} – {label(metrics['policies'][j], NAME)}" for i, j in shown]
    if rest:
        names.append(f"{len(rest)} other pairs")

    def shares(matrix: np.ndarray) -> list[float | None]:
        values = [float(matrix[p]) for p in shown] + ([float(sum(matrix[p] for p in rest))] if rest else [])
        return numbers([100 * v for v in values], 3)

    traces = [_bars("so far", names, shares(spent), look, 0)]
    if optimal is not None:
        traces.append(_bars("optimal at the estimate", names, shares(optimal), look, 1))
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    form = layout(
        look,
        barmode="group",
        bargap=0.25,
        xaxis=axis(look, "share of comparisons [%]", rangemode="tozero"),
        yaxis=axis(look, "", autorange="reversed", **ticks),
    )
    if optimal is None:
        help += " No policy beats every other at the estimate now, so that no proportions are optimal yet."
    most = names[0] if names else ""
    alt = f"{title}: most to {most}, {100 * weight[shown[0]]:.0f} % at most of the two."
    return Panel("allocation", title, help, traces, form, alt, int(metrics["comparisons"]))


def _bars(name: str, names: list[str], values: list[float | None], look: Look, i: int) -> Json:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": values,
        "y": list(range(len(names))),
        "customdata": names,
        "hovertemplate": f"%{{customdata}}: %{{x}} % {name}<extra></extra>",
        "marker": {"color": look.series[i], "pattern": hatched(("", "/")[i], look)},
    }


def saving(metrics: Metrics, look: Look, comparisons: int, *, settled: bool) -> Panel:
    """Comparisons of this experiment beside the lower bound and beside round-robin for the same verdict.

    Args:
        metrics: of the last update.
        look: colours.
        comparisons: recorded by now, ties included.
        settled: whether they have led to a verdict; without one they have saved nothing.
    """
    title = "Comparisons saved" if settled else "Comparisons needed"
    help = (
        "What a verdict with the same error bound takes if the win probabilities are those estimated now: at least "
        "(lower bound of any method, ties not counted), and by comparing all pairs in turn (round-robin, simulated)."
    )
    robin, least = metrics.get("round_robin"), metrics.get("expected")
    if not comparisons:
        return empty(look, "saving", title, help, NOTHING)
    names, values, errors = ["this experiment" + ("" if settled else ", no verdict yet")], [float(comparisons)], [0.0]
    if least is not None:
        names, values, errors = [*names, "lower bound, without ties"], [*values, float(least)], [*errors, 0.0]
    if robin:
        names, values = [*names, "round-robin"], [*values, float(robin["mean"])]
        errors.append(float(robin.get("standard_error") or 0.0))
    text = [f"{v:,.0f}" + (f" ± {e:,.0f}" if e else "") for v, e in zip(values, errors, strict=True)]
    if robin and robin.get("capped"):
        text[-1] = f"{text[-1]}, or more"
        help += " Some simulated runs of round-robin were cut off, so that its true mean is larger."
    if robin is None:
        help += " Round-robin is simulated once, when the experiment has ended."
    ticks = [f"{n}<br><b>{t}</b>" for n, t in zip(names, text, strict=True)]
    trace: Json = {
        "type": "bar",
        "orientation": "h",
        "x": numbers(values, 5),
        "y": list(range(len(names))),
        "width": 0.5,
        "customdata": [f"{n}: {t}" for n, t in zip(names, text, strict=True)],
        "hovertemplate": "%{customdata} comparisons<extra></extra>",
        "marker": {
            "color": [look.series[0], look.muted, look.series[1]][: len(names)],
            "pattern": hatched(["", ".", "/"][: len(names)], look),
        },
    }
    if any(errors):
        trace["error_x"] = {"type": "data", "array": numbers(errors, 4), "color": look.text, "thickness": 1.5}
    form = layout(
        look,
        xaxis=axis(look, "comparisons", rangemode="tozero"),
        yaxis=axis(look, "", autorange="reversed", showgrid=False, tickvals=list(range(len(names))), ticktext=ticks),
    )
    alt = f"{title}: " + ", ".join(f"{n} {t}" for n, t in zip(names, text, strict=True)) + "."
    return Panel("saving", title, help, [trace], form, alt, comparisons)


def settled(verdict: VerdictReached | None) -> bool:
    """Return whether an experiment has found out: a winner, or that there is none."""
    return verdict is not None and verdict.kind in ("winner", "none")


def saved_share(metrics: Metrics, verdict: VerdictReached | None) -> float | None:
    """Return the share of round-robin's comparisons that were not needed.

    None while round-robin is not simulated, and without a verdict: who stops earlier has saved nothing.
    """
    robin = metrics.get("round_robin")
    if verdict is None or not settled(verdict) or not robin or not robin.get("mean"):
        return None
    return 1.0 - verdict.comparisons / float(robin["mean"])
