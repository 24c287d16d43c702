"""The skeleton of a page: the run that its address names, and what stands there where there is nothing to show.

Every page says the same things in the same words: no run is named, there is no such run, it is of another kind, the
store cannot be read. A run that is at work is drawn again and again here, at the pace of its state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Literal

import streamlit as st

from pages.parts.feed import Feed, Snapshot, open_feed, the_store
from pages.parts.links import RUNS
from pages.parts.states import plain, state_of
from pages.parts.text import plain_error
from poets_core.errors import PoetsError, UnknownRun
from poets_core.spec import RunSpec

MIME = {"csv": "text/csv", "json": "application/json", "html": "text/html"}
BACK = ":material/arrow_back:"


# -- what stands there instead --------------------------------------------


def store_problem(error: PoetsError) -> None:
    """Show an error of the store so that it stays visible; its message says what to do."""
    st.error(plain_error(error), icon=":material/database_off:")


def obeyed(act: Callable[[], object], name: str, kept: str) -> bool:
    """Do what a button stands for; where the store refuses, say so until it is tried again or put away.

    A page that is drawn every two seconds would lose an error that is shown once (`not_obeyed` shows it).

    Args:
        act: what to do.
        name: of the button.
        kept: under which the error is kept, as the pages of one run share it.
    """
    try:
        act()
    except PoetsError as error:
        st.session_state[kept] = f"{name} was not taken, at {datetime.now():%H:%M:%S}. {error}"
        return False
    st.session_state.pop(kept, None)
    return True


def not_obeyed(kept: str) -> None:
    """Show what `obeyed` kept, with a button that puts it away."""
    if kept in st.session_state:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(plain_error(st.session_state[kept]), icon=":material/database_off:")
            if st.button("Close", type="tertiary", key=f"close-{kept}"):
                del st.session_state[kept]
                st.rerun(scope="fragment")


@contextmanager
def store_errors() -> Iterator[None]:
    """Read the store within: an error is shown in place of the rest of the page."""
    try:
        yield
    except PoetsError as error:
        store_problem(error)
        st.stop()


def nothing(
    text: str,
    page: str,
    label: str,
    icon: str = BACK,
    *,
    title: str = "",
    address: Mapping[str, str] | None = None,
) -> None:
    """Say why there is nothing to show, and where to go instead.

    Args:
        text: why.
        page, label, icon: the link's; `address` are its query parameters.
        title: of the page, where it is not drawn yet.
    """
    if title:
        st.title(title, anchor=False)
    st.info(text, icon=":material/info:")
    st.page_link(page, label=label, icon=icon, query_params=address)


def feed_of_address(title: str) -> Feed:
    """Return the feed of the run that ``?run=`` names; explain and end the page where there is none.

    Args:
        title: of the page; a page that shows a run draws its own.
    """
    run = st.query_params.get("run", "")
    if not run:
        nothing("This page shows one run. Choose it in the table of runs.", RUNS, "Go to the runs", title=title)
        st.stop()
    try:
        return open_feed(the_store(), run)
    except UnknownRun:
        st.title(title, anchor=False)
        st.error(f"There is no run “{plain(run, 60)}” in this store.", icon=":material/search_off:")
        st.write("The address may be mistyped, or the run may be in another store. These are the runs of this one:")
        st.page_link(RUNS, label="Go to the runs", icon=BACK)
    except PoetsError as error:
        st.title(title, anchor=False)
        store_problem(error)
    st.stop()


# -- a run that changes ---------------------------------------------------


def polls(state: str) -> float | None:
    """Return the seconds between two looks at a run in that state; None: it will not change by itself."""
    return state_of(state).polls


def redrawn(
    feed: Feed,
    draw: Callable[[Snapshot], None],
    *,
    reading: str = "Reading the run…",
    every: Callable[[str], float | None] = polls,
) -> None:
    """Draw a run, and draw it again as long as it changes by itself.

    Args:
        feed: of the run.
        draw: draws it as it is.
        reading: what is said while it is read for the first time.
        every: seconds between two looks by the run's state, None for never again.
    """
    with store_errors(), st.spinner(reading) if feed.polls == 0 else nullcontext():
        state = feed.snapshot().status.state
    st.fragment(_draw_again, run_every=every(state))(feed, state, draw, every)


def _draw_again(
    feed: Feed, drawn_as: str, draw: Callable[[Snapshot], None], every: Callable[[str], float | None]
) -> None:
    """Draw everything that changes; `drawn_as` is the state that the rate of polling was chosen for."""
    try:
        snapshot = feed.snapshot()
    except PoetsError as error:
        store_problem(error)
        return
    # A fragment cannot change its own rate: the page starts over.
    if every(snapshot.status.state) != every(drawn_as):
        st.rerun(scope="app")
    draw(snapshot)


# -- figures and files ----------------------------------------------------


def card(
    label: str,
    value: str | None,
    below: str | None = None,
    help: str = "",
    height: Literal["stretch", "content"] = "stretch",
) -> None:
    """Draw one figure with what it means; a dash where it is not known yet.

    Args:
        label, value: its name and the figure, in words.
        below: what it is measured by.
        help: what it means.
        height: as high as its neighbours in a row of columns, or as it needs to be.
    """
    st.metric(
        label,
        value or "–",
        below,
        delta_color="off",
        delta_arrow="off",
        help=help or None,
        border=True,
        height=height,
    )


def spec_json(spec: RunSpec, title: str, key: str) -> None:
    """Draw the spec that a form will start, folded."""
    with st.expander(title, key=key):
        st.caption("The same file starts it from the command line.")
        st.code(spec.model_dump_json(indent=2), language="json")


def download(label: str, data: Callable[[], bytes], name: str, key: str, *, quiet: bool = False) -> None:
    """Draw a button that takes a file away; the file is made when it is asked for.

    Args:
        label: of the button.
        data: makes the file.
        name: of the file; its ending says what it is.
        key: of the widget.
        quiet: less conspicuous than other buttons.
    """
    st.download_button(
        label,
        data,
        file_name=name,
        mime=MIME[name.rpartition(".")[2]],
        on_click="ignore",
        icon=":material/download:",
        type="tertiary" if quiet else "secondary",
        key=key,
    )
