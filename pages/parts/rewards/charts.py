"""The panels of a run that learns from rewards. Pure functions of its rounds; plotly.js draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np

from pages.parts.experiment.charts import hatched
from pages.parts.look import DASHES, MARKERS, Look
from pages.parts.panel import LINE_POINTS, MARKED, Json, Panel, axis, empty, layout, numbers, thin
from pages.parts.text import in_figure
from pages.parts.words import number, times
from poets_core.runs.events import Updated
from poets_core.runs.views.rewards import RewardsView, judged

NOTHING = "The first round is not judged yet."
MOST_LEVELS = 16
"""Levels of difficulty that are drawn, at most."""
Rounds = Sequence[Updated]


def _x(rounds: Rounds) -> list[int]:
    return [r.round + 1 for r in rounds]


def _line(look: Look, place: int, name: str, x: Sequence[int], y: Sequence[float | None], unit: str) -> Json:
    """A line in the place-th colour, dash and marker, thinned to what a screen shows."""
    values = np.array([np.nan if v is None else v for v in y], dtype=np.float64)
    kept = thin(np.array(x, dtype=np.float64), values, LINE_POINTS)
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(kept) <= MARKED else "lines",
        "name": name,
        "x": [x[i] for i in kept.tolist()],
        "y": numbers(values[kept]),
        "line": {"color": look.series[place], "width": 2.5, "dash": DASHES[place]},
        "marker": {"symbol": MARKERS[place], "size": 7},
        "hovertemplate": f"{name} %{{y}}{unit} after round %{{x}}<extra></extra>",
    }


def _level(look: Look, name: str, value: float | None, last: int, colour: str) -> list[Json]:
    """A thin horizontal line at a value that does not change; none where it is not known."""
    if value is None:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": [0, max(last, 1)],
            "y": numbers([value, value]),
            "line": {"color": colour, "width": 1.5, "dash": "dot"},
            "hovertemplate": f"{name} %{{y}}<extra></extra>",
        }
    ]


def reward(view: RewardsView, rounds: Rounds, look: Look) -> Panel:
    """Reward on training and on held-out prompts, and the gap between them."""
    title = "Reward: learnt or learnt by heart"
    help = (
        "Mean reward of answers at temperature 1, with the same random numbers every round. Held-out prompts are never "
        "learnt from: where training goes on and they do not, the gap, prompts are learnt by heart."
    )
    seen = judged(rounds)
    if not seen and not view.untrained:
        return empty(look, "reward", title, help, NOTHING)
    before = [view.untrained] if view.untrained else []
    x = [0] * len(before) + _x(seen)
    figures = [*before, *(r.metrics for r in seen)]
    held = [f.get("held_out_reward") for f in figures]
    names = (("held-out prompts", "held_out_reward"), ("training prompts", "train_reward"), ("gap", "gap"))
    traces = [
        _line(look, k, name, x, [f.get(key) for f in figures], "")
        for k, (name, key) in enumerate(names)
        if any(f.get(key) is not None for f in figures)
    ]
    traces += _level(look, "untrained, held-out", view.untrained.get("held_out_reward"), x[-1], look.muted)
    form = layout(look, xaxis=axis(look, "rounds", rangemode="tozero"), yaxis=axis(look, "reward (0 to 1)"))
    last = figures[-1]
    said = f"after {times(x[-1], 'round')}: held-out {number(last.get('held_out_reward'), 3)}, training " + number(
        last.get("train_reward"), 3
    )
    note = "" if any(v is not None for v in held) else "Nothing is held out: whether it generalises is not known."
    return Panel("reward", title, help, traces, form, f"{title}, {said}.", len(seen), note)


def distance(view: RewardsView, rounds: Rounds, look: Look) -> Panel:
    """Distance to the base model and entropy, nats an answer."""
    title = "Distance and variety"
    help = (
        "KL: how far the models have moved from the untrained one. Entropy: how varied their answers are; near 0 they "
        "always write the same. Both in nats an answer, on held-out prompts."
    )
    seen = judged(rounds)
    if not seen:
        return empty(look, "distance", title, help, NOTHING)
    x = _x(seen)
    traces = [
        _line(look, k, name, x, [r.metrics.get(key) for r in seen], " nats")
        for k, (name, key) in enumerate((("KL to the untrained model", "kl"), ("entropy", "entropy")))
    ]
    traces += _level(look, "entropy, untrained", view.untrained.get("entropy"), x[-1], look.muted)
    form = layout(look, xaxis=axis(look, "rounds", rangemode="tozero"), yaxis=axis(look, "nats an answer"))
    last = seen[-1].metrics
    said = (
        f"KL {number(last.get('kl'), 3)}, entropy {number(last.get('entropy'), 3)} nats after {times(x[-1], 'round')}"
    )
    return Panel("distance", title, help, traces, form, f"{title}: {said}.", len(seen))


def divergence(view: RewardsView, rounds: Rounds, look: Look, branches: int) -> Panel:
    """Jensen-Shannon divergence of the branches."""
    title = "How the models differ"
    help = (
        "Jensen-Shannon divergence of the models on held-out prompts, in nats: 0 where all write alike, at most "
        f"log {branches} = {log(max(branches, 1)):.2f}."
    )
    seen = [r for r in judged(rounds) if r.metrics.get("divergence") is not None]
    if branches == 1:
        return empty(look, "divergence", title, help, "This method trains one model.")
    if not seen:
        return empty(look, "divergence", title, help, NOTHING)
    x, y = _x(seen), [float(r.metrics["divergence"]) for r in seen]
    form = layout(look, xaxis=axis(look, "rounds", rangemode="tozero"), yaxis=axis(look, "nats", rangemode="tozero"))
    said = f"{number(y[-1], 3)} of at most {log(branches):.2f} nats after {times(x[-1], 'round')}"
    return Panel(
        "divergence", title, help, [_line(look, 0, "models", x, y, " nats")], form, f"{title}: {said}.", len(seen)
    )


def solved(view: RewardsView, rounds: Rounds, look: Look) -> Panel:
    """Share of right answers by difficulty: the untrained model beside the last round."""
    title = "Solved, by difficulty"
    help = "Share of answers with the full reward. Held-out prompts, or training prompts where none is held out."
    seen = judged(rounds)
    now: Mapping[str, Any] = seen[-1].metrics if seen else {}
    key = "held_out_solved" if now.get("held_out_solved") or view.untrained.get("held_out_solved") else "train_solved"
    before, after = view.untrained.get(key) or {}, now.get(key) or {}
    levels = sorted(set(before) | set(after), key=_order)[:MOST_LEVELS]
    if not levels:
        return empty(look, "solved", title, help, "No answer has been judged yet.")
    names = [in_figure(f"level {level}" if level else "all prompts", 24) for level in levels]
    traces: list[Json] = []
    for place, (name, shares) in enumerate((("untrained", before), ("now", after))):
        if not shares:
            continue
        colour = look.muted if name == "untrained" else look.series[0]
        traces.append(
            {
                "type": "bar",
                "name": name,
                "x": names,
                "y": numbers([100 * shares[k] if k in shares else None for k in levels]),
                "marker": {"color": colour, "pattern": hatched("/" if place == 0 else "", look)},
                "text": [f"{100 * shares[k]:.0f} %" if k in shares else "" for k in levels],
                "textposition": "outside",
                "cliponaxis": False,
                "hovertemplate": f"{name}: %{{y:.1f}} % of %{{x}}<extra></extra>",
            }
        )
    note = "" if any(levels) else "This task knows no levels of difficulty."
    form = layout(
        look,
        barmode="group",
        xaxis=axis(look, "", type="category"),
        yaxis=axis(look, "% of answers", range=[0, 108]),
    )
    said = ", ".join(f"{n} {before.get(k, 0):.0%} to {after.get(k, 0):.0%}" for n, k in zip(names, levels, strict=True))
    return Panel("solved", title, help, traces, form, f"{title}, untrained to now: {said}.", len(seen), note)


def _order(level: str) -> tuple[int, float, str]:
    """Numbers by size, then words by the alphabet: level 10 stands behind level 9."""
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def lessons(rounds: Rounds, look: Look) -> Panel:
    """What rounds gave to learn from: groups whose answers all have one reward, and answers without any."""
    title = "What there was to learn from"
    help = (
        "All-equal groups: prompts whose answers all got the same reward. They compare nothing; policy gradients learn "
        "nothing from them. Too easy and too hard prompts make them."
    )
    seen = [r for r in rounds if r.metrics.get("answers")]
    if not seen:
        return empty(look, "lessons", title, help, "No answers were written to learn from yet.")
    x = _x(seen)
    traces = [
        _line(look, 0, "all-equal groups", x, [_percent(r.metrics.get("equal_groups")) for r in seen], " %"),
        _line(look, 1, "mean reward", x, [_percent(r.metrics.get("reward")) for r in seen], " %"),
    ]
    if any(r.metrics.get("unknown") for r in seen):
        unknown = [_percent(r.metrics["unknown"] / r.metrics["answers"]) for r in seen]
        traces.append(_line(look, 2, "answers without a reward", x, unknown, " %"))
    form = layout(look, xaxis=axis(look, "rounds", rangemode="tozero"), yaxis=axis(look, "%", range=[0, 103]))
    said = f"{number(_percent(seen[-1].metrics.get('equal_groups')), 3)} % all-equal groups in the last round"
    return Panel("lessons", title, help, traces, form, f"{title}: {said}.", len(seen))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
