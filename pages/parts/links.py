"""Addresses of pages, and the run that the address names."""

from __future__ import annotations

import streamlit as st

from pages.parts.feed import Feed, open_feed, the_store
from poets_core.errors import PoetsError, UnknownRun

RUNS, LAUNCH = "pages/search/runs.py", "pages/search/launch.py"
COMPARE, POLICIES, JUDGE = (f"pages/analyse/{name}.py" for name in ("compare", "policies", "judge"))
LIVE, CANDIDATES = "pages/search/live.py", "pages/search/candidates.py"


def feed_of_address(title: str) -> Feed:
    """Return the feed of the run that ``?run=`` names; explain and end the page where there is none."""
    run = st.query_params.get("run", "")
    if not run:
        st.title(title, anchor=False)
        st.info("This page shows one run. Choose it in the table of runs.", icon=":material/info:")
        st.page_link(RUNS, label="Go to the runs", icon=":material/arrow_back:")
        st.stop()
    try:
        return open_feed(the_store(), run)
    except UnknownRun:
        st.title(title, anchor=False)
        st.error(f"There is no run “{run[:60]}” in this store.", icon=":material/search_off:")
        st.write("The address may be mistyped, or the run may be in another store. These are the runs of this one:")
        st.page_link(RUNS, label="Go to the runs", icon=":material/arrow_back:")
    except PoetsError as error:
        st.title(title, anchor=False)
        store_problem(error)
    st.stop()


def no_search(title: str, kind: str) -> None:
    """Say that a page shows searches and the address names another kind of run."""
    st.title(title, anchor=False)
    st.info(f"This page shows a search, and this run is of kind “{kind}”.", icon=":material/info:")
    st.page_link(RUNS, label="Go to the runs", icon=":material/arrow_back:")


def store_problem(error: PoetsError) -> None:
    """Show an error of the store so that it stays visible; its message says what to do."""
    st.error(str(error), icon=":material/database_off:")
