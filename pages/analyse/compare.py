"""Compare: runs of one problem on one axis. The address: ``?runs=`` or ``?problem=``, and ``?measure=``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from domains.catalog import entries
from pages.parts.compare.chart import comparison
from pages.parts.compare.comparison import (
    MEASURES,
    REACHED,
    Curve,
    Group,
    common_threshold,
    curve_of,
    differences,
    group_rows,
    grouped,
    rows,
    table,
)
from pages.parts.compare.landscape import Landscape, names_of, read_landscape
from pages.parts.feed import Feed, open_feed, the_store
from pages.parts.links import LAUNCH
from pages.parts.live_plot import live_plot
from pages.parts.look import current_look
from pages.parts.skeleton import download, nothing, store_errors, store_problem
from pages.parts.states import plain
from pages.parts.tables import safe_csv
from pages.parts.words import method_name, number, times
from poets_core.errors import PoetsError
from poets_core.runs.store import RunRow, RunStore
from poets_core.types import Objective

MOST = 30
"""Runs that are compared at once; more curves and feeds than that help nobody."""


def page() -> None:
    """Draw the page."""
    st.title("Compare", anchor=False)
    with store_errors():
        store = the_store()
        measured = [r for r in store.runs(limit=500) if r.calls]
    if not measured:
        nothing(
            "There is no run with a measured design yet. Start two, then put them side by side here.",
            LAUNCH,
            "Launch a run",
            ":material/add_circle:",
        )
        return
    with store_errors():
        chosen = _choice(store, measured)
    if not chosen:
        st.info("Choose the runs to compare.", icon=":material/info:")
        return
    polls = any(r.status.active for r in chosen)
    st.fragment(_body, run_every=5 if polls else None)(store, [r.id for r in chosen])


def _choice(store: RunStore, measured: list[RunRow]) -> list[RunRow]:
    """Choose a problem and its landscape, then runs of it; all out of the address where it names them.

    Raises:
        PoetsError: the store cannot be read.
    """
    known = {r.id: r for r in measured}
    asked = [known[i] for i in st.query_params.get("runs", "").split(",") if i in known]
    titles = {e.name: e.title for e in entries()}
    problems = list(dict.fromkeys(r.problem for r in measured))
    named = st.query_params.get("problem", "")
    start = asked[0].problem if asked else named if named in problems else problems[0]
    problem = st.selectbox(
        "Problem",
        problems,
        index=problems.index(start),
        format_func=lambda p: titles.get(p, p),
        key="problem",
        help="Only runs of one problem can be compared.",
    )
    of_problem = [r for r in measured if r.problem == problem]
    on = {r.id: read_landscape(store, r.id, store.url, bool(r.calls)) for r in of_problem}
    wanted = [r for r in asked if r.problem == problem]
    offered = _landscape(of_problem, on, wanted)

    def said(run: str) -> str:
        row = known[run]
        return f"{row.label or method_name(row.method)} · seed {row.seed} · {run[-4:]}"

    preset = [r.id for r in wanted if r.id in offered] or offered[:MOST]
    if len(wanted) > len(preset) and wanted:
        st.info(
            f"{len(wanted) - len(preset)} of the {len(wanted)} runs asked for are left out: they measured other data "
            "or another landscape, and their values cannot be compared with these.",
            icon=":material/filter_alt:",
        )
    chosen = st.multiselect(
        "Runs",
        offered,
        default=preset[:MOST],
        max_selections=MOST,
        format_func=said,
        key=f"runs-{on[offered[0]].key}",
        help="Runs with the same settings are one group; its seeds give the interval.",
    )
    if len(offered) > MOST:
        st.caption(f"{len(offered):,} runs are offered, {MOST} at most are compared at once.")
    st.query_params["runs"] = ",".join(chosen)
    return [known[i] for i in chosen]


def _landscape(rows: list[RunRow], on: Mapping[str, Landscape], wanted: list[RunRow]) -> list[str]:
    """Choose one of the landscapes that a problem's runs measured; return its runs, newest first."""
    found = list({on[r.id].key: on[r.id] for r in rows}.values())
    chosen = on[wanted[0].id] if wanted else found[0]
    if len(found) > 1:
        names = dict(zip([x.key for x in found], names_of(found), strict=True))
        by_key = {x.key: x for x in found}
        counts = Counter(x.key for x in on.values())
        key = st.selectbox(
            "Landscape",
            list(by_key),
            index=list(by_key).index(chosen.key),
            format_func=lambda k: f"{names[k]} ({times(counts[k], 'run')})",
            key=f"landscape-{rows[0].problem}",
            help="The same problem with other parameters or other data has other values. Tables count by their "
            "contents: packed or under another name they are the same data.",
        )
        chosen = by_key[key]
    return [r.id for r in rows if on[r.id] == chosen]


def _body(store: RunStore, ids: list[str]) -> None:
    """Draw figure and tables; called again every few seconds while a run is at work."""
    try:
        feeds = [open_feed(store, i) for i in ids]
        for feed in feeds:
            feed.snapshot()
        read = [(f.spec, _curve(f)) for f in feeds]
        objective = feeds[0].snapshot().view.objective
    except PoetsError as error:
        store_problem(error)
        return
    groups = grouped([x for x in read if x[1].calls])
    if not groups:
        st.info("None of these runs has measured a design yet.")
        return
    measures = [m for m in MEASURES if any(m in c.measures for g in groups for c in g.curves)]
    asked = st.query_params.get("measure", "best")
    measure = st.segmented_control(
        "Measure",
        measures,
        default=asked if asked in measures else measures[0],
        format_func=lambda m: MEASURES[m][0],
        required=True,
        key="measure",
    )
    st.query_params["measure"] = measure
    panel = comparison(groups, measure, current_look(), objective)
    st.header(panel.title, anchor=False)
    st.caption(panel.help)
    live_plot(panel, key=f"compare-{measure}", revision=",".join(ids), height=420)
    _tables(groups, objective, "-".join(ids))


def _curve(feed: Feed) -> Curve:
    """Return the curve of a run as its feed has it, made once for all that look at it."""
    curve: Curve = feed.drawn("curve", lambda s: curve_of(feed.run, feed.spec, s.view))
    return curve


def _tables(groups: list[Group], objective: Objective, key: str) -> None:
    calls = min(g.calls for g in groups)
    left, right = st.columns(2)
    threshold = left.number_input(
        "Threshold",
        value=float(f"{common_threshold(groups):.4g}"),
        format="%.4g",
        key=f"threshold-{key}",
        help="How many measurements a group needs until its best design is at least this good.",
    )
    names = [g.name for g in groups]
    against = right.selectbox("Differences to", names, key="against", help="Paired over the seeds that both have.")
    st.header("Groups", anchor=False)
    unit = f" Values in {plain(objective.unit)}." if objective.unit else ""
    better = "smaller" if objective.direction == "minimise" else "larger"
    st.caption(
        f"After {times(calls, 'measurement')}, which every run has made. Means ± half of the 95 % interval over runs; "
        f"{better} is better.{unit} {_of_the_share(groups, objective)}"
    )
    optimum = objective.optimum
    means = pd.DataFrame(table(groups, threshold, optimum))
    st.dataframe(
        means, hide_index=True, key="groups", alt="Means of each group", column_config=_columns(means, objective)
    )
    if len(groups) > 1:
        other = groups[names.index(against)]
        st.header(f"Paired differences to {plain(other.name)}", anchor=False)
        lines = pd.DataFrame(differences(groups, other, optimum))
        st.dataframe(
            lines,
            hide_index=True,
            key="differences",
            alt="Differences over the seeds that both have",
            column_config=_columns(lines, objective),
        )
    left, right = st.columns(2)
    with left:
        download("Numbers as CSV", lambda: safe_csv(pd.DataFrame(rows(groups, optimum))), "comparison.csv", "csv")
    with right:
        download(
            "Groups as CSV", lambda: safe_csv(pd.DataFrame(group_rows(groups, optimum))), "groups.csv", "csv-groups"
        )
    st.caption("The figure itself: the camera in its corner writes PNG, the disk SVG.")


def _of_the_share(groups: list[Group], objective: Objective) -> str:
    """Return why the number of runs that found the best possible value stands there, or why it does not."""
    if objective.optimum is None:
        return "The best possible value is not known here: nothing is said of how many runs found it."
    if not all(c.exact for g in groups for c in g.curves):
        return "A dash stands where measurements are noisy: one that lies at the best possible value proves nothing."
    return "A mean hides how many runs found the best possible value, so their number stands beside it."


def _columns(table: pd.DataFrame, objective: Objective) -> dict[str, Any]:
    """Return settings by which every column but the first stands to the right, as numbers do: here they are text."""
    found: dict[str, Any] = {name: st.column_config.Column(alignment="right") for name in table.columns[1:]}
    if REACHED in found:
        source = f" ({plain(objective.optimum_source)})" if objective.optimum_source else ""
        found[REACHED] = st.column_config.Column(
            alignment="right",
            help=f"Runs whose best value is the best possible, {number(objective.optimum)}{source}. In brackets: "
            "Wilson's 95 % interval of the share that more such runs would have.",
        )
    return found


page()
