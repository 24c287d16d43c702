"""Runs: every search and experiment of this store, newest first; the way to the first one where there is none."""

from __future__ import annotations

import streamlit as st

from domains.catalog import entries, entry, sciences
from pages.parts.feed import the_store
from pages.parts.launch.settings import quick_spec
from pages.parts.links import CANDIDATES, COMPARE, JUDGE, LAUNCH, LIVE, POLICIES
from pages.parts.skeleton import store_errors, store_problem
from pages.parts.states import ago, badge, plain, state_of
from poets_core.errors import PoetsError
from poets_core.runs.launch import launch
from poets_core.runs.store import RunRow, RunStore

PER_PAGE = 20
FIRST = "protein/ehrlich"
KINDS = ("search", "experiment")
WIDTHS = (4, 1.6, 1.4, 2.2, 1.7, 1.7, 2)


def page() -> None:
    """Draw the page."""
    st.title("Runs", anchor=False)
    with store_errors():
        store = the_store()
        rows = store.runs(limit=PER_PAGE + 1, offset=_first(), kind=KINDS)
    if not rows and _first() == 0:
        _empty(store)
        return
    with st.container(horizontal=True):
        st.page_link(LAUNCH, label="Launch a run", icon=":material/add_circle:")
        st.page_link(COMPARE, label="Compare runs", icon=":material/ssid_chart:")
        st.page_link(POLICIES, label="Compare policies", icon=":material/leaderboard:")
    polls = min((p for row in rows if (p := state_of(row.state).polls)), default=None)
    st.fragment(_table, run_every=polls)(store)


def _first() -> int:
    """Offset of the first row, out of ``?page=``."""
    number = st.query_params.get("page", "1")
    return (max(int(number), 1) - 1) * PER_PAGE if number.isdecimal() and len(number) < 7 else 0


def _empty(store: RunStore) -> None:
    with st.container(border=True, key="empty"):
        st.subheader("No runs yet", anchor=False)
        st.write(
            f"POETS searches for {_designs()} with an ensemble of language-model policies: they propose "
            "designs, an oracle measures them, and every policy learns from the answers. A first look takes about a "
            "minute on this machine: a protein benchmark whose best value is known."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            clicked = st.button("Start a first run", type="primary", icon=":material/play_arrow:", key="first-run")
            st.page_link(LAUNCH, label="Choose a problem instead", icon=":material/tune:")
    if clicked:
        try:
            run = store.create(quick_spec(entry(FIRST)))
            launch(store, run)
        except PoetsError as error:
            store_problem(error)
            return
        st.switch_page(LIVE, query_params={"run": run})
    st.subheader("What can be searched", anchor=False)
    for known in sciences():
        for item in known.problems:
            st.markdown(f"**{plain(item.title)}** · {plain(known.title)}  \n{plain(item.summary)}")


def _designs() -> str:
    """What can be searched for, in words: ``"sequences and circuits"``."""
    words = [f"{s.design}s" for s in sciences() if s.problems]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _table(store: RunStore) -> None:
    """Draw one page of runs; called again every few seconds while one of them is at work."""
    try:
        rows = store.runs(limit=PER_PAGE + 1, offset=_first(), kind=KINDS)
    except PoetsError as error:
        store_problem(error)
        return
    with st.container(border=True, key="runs-head"):
        names = ("Run", "State", "Best value", "Calls", "Last sign of life", "Created", "")
        for column, name in zip(st.columns(WIDTHS), names, strict=True):
            column.caption(name)
    for row in rows[:PER_PAGE]:
        _row(row)
    with st.container(horizontal=True):
        if _first():
            st.page_link("pages/search/runs.py", label="Newer", query_params={"page": str(_first() // PER_PAGE)})
        if len(rows) > PER_PAGE:
            st.page_link("pages/search/runs.py", label="Older", query_params={"page": str(_first() // PER_PAGE + 2)})


def _row(row: RunRow) -> None:
    found = {e.name: e for e in entries()}.get(row.problem)
    with st.container(border=True, key=f"row-{row.id}"):
        name, state, best, calls, sign, created, opens = st.columns(WIDTHS, vertical_alignment="center")
        name.markdown(
            f"**{plain(row.label or (found.title if found else row.problem))}**  \n:small[{_about(row)} · {row.id}]"
        )
        with state:
            badge(row.state, stopped=row.status.reason == "stopped")
        best.markdown(
            "–" if row.best is None else f"{row.best:.4g}  \n:small[{plain(found.objective) if found else ''}]"
        )
        unit = " comparisons" if row.kind == "experiment" else ""
        calls.progress(min(row.calls / max(row.budget, 1), 1.0), text=f"{row.calls:,} of {row.budget:,}{unit}")
        sign.markdown(ago(row.status.age))
        created.markdown(ago(row.status.now - row.created))
        with opens.container(gap=None):
            if row.kind == "experiment":
                st.page_link(POLICIES, label="Policies", icon=":material/leaderboard:", query_params={"run": row.id})
                if row.method == "person" and row.state != "finished":
                    st.page_link(JUDGE, label="Judge", icon=":material/gavel:", query_params={"run": row.id})
                return
            st.page_link(LIVE, label="Watch", icon=":material/monitoring:", query_params={"run": row.id})
            st.page_link(CANDIDATES, label="Candidates", icon=":material/science:", query_params={"run": row.id})


def _about(row: RunRow) -> str:
    """What a run is about, for its second line."""
    return plain(f"experiment · {row.problem}" if row.kind == "experiment" else row.problem)


page()
