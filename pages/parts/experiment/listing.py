"""The experiments of a store, newest first, and the way to a new one."""

from __future__ import annotations

import streamlit as st

from pages.parts.experiment.verdicts import compared, outcome, title_of
from pages.parts.links import JUDGE, POLICIES
from pages.parts.skeleton import store_problem
from pages.parts.states import ago, badge, offers_judging, plain, state_of
from poets_core.errors import PoetsError
from poets_core.runs.events import VerdictReached
from poets_core.runs.store import RunRow, RunStore
from poets_core.spec import ExperimentSpec

JUDGES = {
    "oracle": "judged by measuring",
    "reference": "judged by reference answers",
    "person": "judged by people",
    "replay": "a comparison log, replayed",
    "model": "judged by a language model",
    "audit": "a judge, audited by people",
}
WIDTHS = (4.2, 2, 2.4, 2)
MOST = 200


def experiments(store: RunStore) -> None:
    """Draw all experiments and the link to the form.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    rows = store.runs(limit=MOST, kind="experiment")
    st.page_link(POLICIES, label="Start an experiment", icon=":material/add_circle:", query_params={"new": "branches"})
    if not rows:
        st.info("No experiment yet. Start one from the models of a run, from prompts, or from a comparison log.")
        return
    polls = min((p for row in rows if (p := state_of(row.state).polls)), default=None)
    st.fragment(_table, run_every=polls)(store)


def _table(store: RunStore) -> None:
    """Draw all experiments; called again while one of them is at work."""
    try:
        rows = store.runs(limit=MOST, kind="experiment")
        for row in rows:  # before anything is drawn: an error replaces the table
            _told(store, row)
    except PoetsError as error:
        store_problem(error)
        return
    with st.container(border=True, key="experiments-head"):
        names = ("Experiment", "State", "Comparisons", "Last update")
        for column, name in zip(st.columns(WIDTHS), names, strict=True):
            column.caption(name)
    for row in rows:
        _row(store, row)


def _told(store: RunStore, row: RunRow) -> tuple[str, str]:
    """Return an experiment's name and, once there is one, its verdict in a few words.

    Raises:
        PoetsError: the store cannot be read.
    """
    return _kept(store, store.url, row.id, row.label, row.state)


@st.cache_data(max_entries=1000, show_spinner=False)
def _kept(_store: RunStore, url: str, run: str, label: str, state: str) -> tuple[str, str]:
    """Return the same, read once for as long as name and state stay; the same id may stand in two stores."""
    spec = _store.spec(run)
    title = title_of(spec) if isinstance(spec, ExperimentSpec) else ""
    newest = _store.newest(run, VerdictReached.tag) if state == "finished" else None
    verdict = None if newest is None else newest.event
    return title, outcome(verdict) if isinstance(verdict, VerdictReached) else ""


def _row(store: RunStore, row: RunRow) -> None:
    title, found = _told(store, row)
    with st.container(border=True, key=f"experiment-{row.id}"):
        name, state, calls, update = st.columns(WIDTHS, vertical_alignment="center")
        facts = (compared(row.problem, row.method), JUDGES.get(row.method, row.method), row.id)
        with name.container(gap=None):
            st.page_link(POLICIES, label=f"**{plain(title or row.problem)}**", query_params={"run": row.id})
            if offers_judging(row.method, row.state):
                st.page_link(JUDGE, label="Judge", icon=":material/gavel:", query_params={"run": row.id})
            st.caption(" · ".join(plain(fact) for fact in facts if fact))
        with state:
            badge(row.state, stopped=row.status.reason == "stopped")
            if found:
                st.markdown(found)
        if row.state == "finished":  # all that was needed was done, however much was allowed
            calls.progress(1.0, text=f"{row.calls:,} comparisons")
        else:
            calls.progress(min(row.calls / max(row.budget, 1), 1.0), text=f"{row.calls:,} of at most {row.budget:,}")
        update.markdown(f"{ago(row.status.age)}  \n:small[created {ago(row.status.now - row.created)}]")
