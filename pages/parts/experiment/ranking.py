"""The ranking of an experiment: a table with rank intervals, a chart of intervals, groups, and files."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.parts.experiment.charts import label
from pages.parts.experiment.verdicts import listed, percent
from pages.parts.live_plot import live_plot
from pages.parts.look import MARKERS, Look
from pages.parts.panel import Json, Panel, axis, layout
from pages.parts.skeleton import download
from pages.parts.states import plain
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.ranking import (
    By,
    RankedPolicy,
    RankingView,
    rank_text,
    ranking_csv,
    ranking_json,
    ranking_view,
)

MOST = 40
"""Policies that the chart shows; more are not readable, and the table has them all."""
MOST_RANKED_LIVE = 64
"""Policies up to which a worker ranks them at every update."""
TITLES: dict[By, str] = {
    "duels": "Duels",
    "mean": "Mean win probability",
    "bradley-terry": "Bradley-Terry score",
}
SAYS: dict[By, str] = {
    "duels": "A rank is one more than the number of policies that beat this one. Nothing is assumed.",
    "mean": "A rank counts how many policies are preferred more often, over all opponents alike. Nothing is assumed.",
    "bradley-terry": "A rank counts higher scores. One score per policy is assumed to decide every comparison.",
}


def ranking_of(view: ExperimentView) -> RankingView | None:
    """Return the ranking that the last update brought; None where it brought none."""
    data = (view.metrics or {}).get("ranking")
    return None if data is None else ranking_view(data, according_to=str(view.facts.get("judge_model") or ""))


def ranked(view: ExperimentView, look: Look, run: str) -> None:
    """Draw the ranking of an experiment; nothing where none is known."""
    found = ranking_of(view)
    if found is None:
        if view.verdict is None and len(view.policies) > MOST_RANKED_LIVE:
            st.caption("So many policies are ranked when the experiment ends.")
        return
    st.header("Ranking", anchor=False)
    by = found.by
    if len(found.offered()) > 1:
        chosen = st.segmented_control(
            "Ranked by",
            found.offered(),
            default=found.by,
            format_func=TITLES.__getitem__,
            required=True,
            key=f"ranked-by-{run}",
        )
        by = chosen or by
    st.caption(
        f"{SAYS[by]} All intervals hold together, at every moment of the experiment, with error at most "
        f"{percent(found.delta)}."
    )
    for line in notes(found):
        st.info(line, icon=":material/info:")
    st.markdown(groups_text(found, by))
    table(found, by, run)
    panel = forest(found, by, look)
    with st.container(border=True, key="panel-ranking"):
        st.header(panel.title, anchor=False, help=panel.help)
        live_plot(panel, key=f"plot-ranking-{run}", revision=f"{run}-{by}", height=forest_height(found))
    with st.container(horizontal=True, key="ranking-files"):
        download("Ranking as CSV", lambda: ranking_csv(found, by), f"{run}-ranking.csv", "ranking-csv")
        download("Ranking as JSON", lambda: ranking_json(found, run), f"{run}-ranking.json", "ranking-json")


def notes(found: RankingView) -> list[str]:
    """Return what limits the ranking, in sentences; escaped."""
    out = []
    if found.according_to:
        out.append(f"According to the model {plain(found.according_to)}, which judged; of people it says nothing.")
    if found.contradicted:
        out.append(
            "The comparisons contradict Bradley-Terry scores: no one score per policy explains who beats whom, so that "
            "nothing is ranked by them."
        )
    if found.uncertified:
        pairs = [f"{plain(a)} and {plain(b)}" for a, b in found.uncertified[:3]]
        more = f", and {len(found.uncertified) - 3} more pairs" if len(found.uncertified) > 3 else ""
        out.append(
            f"Shown in one order alone: {'; '.join(pairs)}{more}. Which of the two is better cannot be told from the "
            "order, so that the ranking takes nothing from these pairs."
        )
    return out


def groups_text(found: RankingView, by: By) -> str:
    """Say which policies cannot be told apart; escaped."""
    groups = found.groups[by] or ()
    names = [[found.policies[i].name for i in group] for group in groups]
    if len(names) == 1:
        return "**One group**: by ranks, no part of the policies is certainly better than the rest."
    if all(len(group) == 1 for group in names):
        return "Every rank is certain."
    said = [f"{n} · {listed(group, most=5)}" for n, group in enumerate(names[:6], 1)]
    more = f"; and {len(names) - 6} more" if len(names) > 6 else ""
    return f"Groups, best first; inside a group ranks overlap: {'; '.join(said)}{more}."


def table(found: RankingView, by: By, run: str) -> None:
    """Draw one row a policy, the best first."""
    frame = ranking_frame(found, by)
    st.dataframe(
        frame,
        hide_index=True,
        key=f"ranking-{run}",
        alt=f"Ranking of {len(frame)} policies",
        column_config={
            "rank": st.column_config.TextColumn(help="Best to worst rank that the comparisons leave possible."),
            "policy": st.column_config.TextColumn(width="medium"),
            "group": st.column_config.NumberColumn(help="Policies of one group cannot be told apart by rank."),
            "mean win probability": st.column_config.TextColumn(
                help="To be preferred to another policy, all others alike. Estimate and interval, per cent."
            ),
            "Bradley-Terry score": st.column_config.TextColumn(
                help="Log odds against an average policy, if one score per policy decides every comparison."
            ),
            "both bad": st.column_config.NumberColumn(help="Ties because neither response was good."),
            "mean cost": st.column_config.NumberColumn(
                format="%.4g", help="Of its responses, in the unit of the log's columns."
            ),
        },
    )


def ranking_frame(found: RankingView, by: By) -> pd.DataFrame:
    """Return the table of a ranking; the columns for both bad, scores and costs only where there are any."""
    group = found.group_of(by)
    rows = [
        {
            "rank": rank_text(p.ranks[by]),
            "policy": p.name,
            "group": group[p.name],
            "mean win probability": _in_percent(p.mean),
            "Bradley-Terry score": "–" if p.score is None else _in_words(p.score, 2),
            "comparisons": p.comparisons,
            "ties": p.ties,
            "both bad": p.both_bad,
            "mean cost": p.cost,
        }
        for p in found.order(by)
    ]
    frame = pd.DataFrame(rows)
    empty = [
        name
        for name, there in (
            ("both bad", any(p.both_bad for p in found.policies)),
            ("mean cost", any(p.cost is not None for p in found.policies)),
            ("Bradley-Terry score", any(p.score is not None for p in found.policies)),
        )
        if not there
    ]
    return frame.drop(columns=empty)


def _in_percent(ends: Sequence[float | None]) -> str:
    estimate, low, high = ("–" if v is None else f"{100 * v:.0f}" for v in ends)
    return f"{estimate} % ({low} to {high})"


def _in_words(ends: Sequence[float | None], digits: int) -> str:
    # Zero has no sign; a real minus is as wide as a plus.
    estimate, low, high = ("–" if v is None else f"{round(v, digits) + 0.0:.{digits}f}".replace("-", "−") for v in ends)
    return f"{estimate} ({low} to {high})"


# -- the chart -----------------------------------------------------------


def forest_height(found: RankingView) -> int:
    """Return the height of the chart, pixels: a line a policy."""
    return 76 + 24 * min(len(found.policies), MOST)


def forest(found: RankingView, by: By, look: Look) -> Panel:
    """Estimate and interval of every policy, the best on top: of the score where it ranks, else of the mean."""
    scores = by == "bradley-terry"
    title = "Scores" if scores else "Mean win probabilities"
    unit = "Bradley-Terry score, log odds against an average policy" if scores else "mean win probability"
    help = "Points: estimates; lines: intervals that hold all together. Marks and colours change from group to group."
    order, group = found.order(by)[:MOST], found.group_of(by)
    known = [v for p in order for v in (_ends(p, scores) or ()) if v is not None]
    reach = [min([*known, 0.0]), max([*known, 0.0])] if scores else [0.0, 1.0]
    traces: list[Json] = []
    for number in dict.fromkeys(group[p.name] for p in order):
        places = [(i, p) for i, p in enumerate(order) if group[p.name] == number]
        traces.append(_trace(number, places, reach, scores=scores, look=look))
    names = [label(p.name) for p in order]
    middle = 0.0 if scores else 0.5
    line = {"type": "line", "x0": middle, "x1": middle, "y0": 0, "y1": 1, "yref": "paper"}
    shape = line | {"line": {"color": look.muted, "width": 1, "dash": "dot"}}
    pad = 0.04 * (reach[1] - reach[0] or 1.0)
    form = layout(
        look,
        xaxis=axis(look, unit, range=[reach[0] - pad, reach[1] + pad]),
        yaxis=axis(look, "", range=[len(order) - 0.4, -0.6], tickvals=list(range(len(order))), ticktext=names)
        | {"showgrid": False},
        shapes=[shape],
        showlegend=False,
    )
    form["margin"] = {**form["margin"], "t": 12}  # no legend: the groups stand in the table
    said = "; ".join(f"{n} {rank_text(p.ranks[by])}" for n, p in zip(names[:10], order, strict=False))
    more = f" The first {MOST} of {len(found.policies)} are drawn." if len(found.policies) > MOST else ""
    return Panel("ranking", title, help + more, traces, form, f"{title}, ranks: {said}.", len(order))


def _ends(p: RankedPolicy, scores: bool) -> Sequence[float | None] | None:
    return p.score if scores else p.mean


def _trace(
    number: int, places: Sequence[tuple[int, RankedPolicy]], reach: Sequence[float], *, scores: bool, look: Look
) -> Json:
    """Points and intervals of one group."""
    x, up, down, said = [], [], [], []
    for _, p in places:
        estimate, low, high = _ends(p, scores) or (None, None, None)
        x.append(estimate)
        # What nothing bounds goes to the end of the axis; its numbers say so.
        up.append(None if estimate is None else (reach[1] if high is None else high) - estimate)
        down.append(None if estimate is None else estimate - (reach[0] if low is None else low))
        numbers = _in_words((estimate, low, high), 2) if scores else _in_percent((estimate, low, high))
        said.append(f"{label(p.name)}: {numbers}, group {number}")
    colour = look.series[(number - 1) % len(look.series)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"group {number}",
        "x": x,
        "y": [i for i, _ in places],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": up,
            "arrayminus": down,
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        "marker": {"color": colour, "size": 9, "symbol": MARKERS[(number - 1) % len(MARKERS)]},
        "customdata": said,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
