"""Compare: runs of one problem on one axis. The address: ``?runs=`` or ``?problem=``, and ``?measure=``."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from domains.catalog import entries
from pages.parts.compare.chart import comparison
from pages.parts.compare.comparison import (
    MEASURES,
    Group,
    common_threshold,
    curve_of,
    differences,
    grouped,
    rows,
    table,
)
from pages.parts.feed import open_feed, the_store
from pages.parts.links import LAUNCH
from pages.parts.live_plot import live_plot
from pages.parts.look import current_look
from pages.parts.skeleton import download, nothing, store_errors, store_problem
from pages.parts.states import plain
from pages.parts.tables import safe_csv
from poets_core.errors import PoetsError
from poets_core.runs.store import RunRow, RunStore

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
    chosen = _choice(measured)
    if not chosen:
        st.info("Choose the runs to compare.", icon=":material/info:")
        return
    polls = any(r.status.state in ("running", "starting", "pausing", "stopping") for r in chosen)
    st.fragment(_body, run_every=5 if polls else None)(store, [r.id for r in chosen])


def _choice(measured: list[RunRow]) -> list[RunRow]:
    """Choose a problem, then runs of it; both out of the address where it names them."""
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

    def said(run: str) -> str:
        return f"{known[run].label or known[run].method} · seed {known[run].seed} · {run[-4:]}"

    offered = [r.id for r in measured if r.problem == problem]
    preset = [r.id for r in asked if r.problem == problem] or offered[:MOST]
    chosen = st.multiselect(
        "Runs",
        offered,
        default=preset[:MOST],
        max_selections=MOST,
        format_func=said,
        key=f"runs-{problem}",
        help="Runs with the same settings are one group; its seeds give the interval.",
    )
    st.query_params["runs"] = ",".join(chosen)
    return [known[i] for i in chosen]


def _body(store: RunStore, ids: list[str]) -> None:
    """Draw figure and tables; called again every few seconds while a run is at work."""
    try:
        feeds = [open_feed(store, i) for i in ids]
        read = [(f.spec, curve_of(f.run, f.spec, f.snapshot().view)) for f in feeds]
        objective = feeds[0].snapshot().view.objective
    except PoetsError as error:
        store_problem(error)
        return
    params = {str(sorted(spec.problem.params.items())) for spec, _ in read}
    if len(params) > 1:
        st.warning(
            "These runs have different problem parameters: their values are not of one landscape. They are shown "
            "as groups of their own.",
            icon=":material/warning:",
        )
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
    st.caption(panel.help)
    live_plot(panel, key=f"compare-{measure}", revision=",".join(ids), height=420)
    _tables(groups, "-".join(ids))


def _tables(groups: list[Group], key: str) -> None:
    calls = min(g.calls for g in groups)
    left, right = st.columns(2)
    threshold = left.number_input(
        "Threshold",
        value=float(f"{common_threshold(groups):.4g}"),
        format="%.4g",
        key=f"threshold-{key}",
        help="How many calls a group needs until its best design is at least this good.",
    )
    names = [g.name for g in groups]
    against = right.selectbox("Differences to", names, key="against", help="Paired over the seeds that both have.")
    st.caption(f"After {calls:,} oracle calls, which every run has made. Means ± half of the 95 % interval over runs.")
    st.dataframe(pd.DataFrame(table(groups, threshold)), hide_index=True, key="groups")
    if len(groups) > 1:
        other = groups[names.index(against)]
        st.markdown(f"**Paired differences** to {plain(other.name)}")
        st.dataframe(pd.DataFrame(differences(groups, other)), hide_index=True, key="differences")
    download("Numbers as CSV", lambda: safe_csv(pd.DataFrame(rows(groups))), "comparison.csv", "csv")
    st.caption("The figure itself: the camera in its corner writes PNG, the disk SVG.")


page()
