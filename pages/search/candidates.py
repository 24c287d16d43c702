"""Candidates of one run: table, the open design beside it, downloads. The address is ``?run=&id=``."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.feed import Feed
from pages.parts.links import LIVE, POLICIES, RUNS
from pages.parts.look import current_look
from pages.parts.run.apart import FURTHEST, Apart, told_apart
from pages.parts.run.brought import compare_own, prune_one
from pages.parts.run.detail import candidate_detail
from pages.parts.run.downloads import downloads
from pages.parts.run.table import candidate_table
from pages.parts.skeleton import feed_of_address, nothing, store_errors
from pages.parts.tables import APART, PAGE, SHOWS, SORTS, Filter, find, one_page
from pages.parts.text import plain
from pages.parts.words import model, times
from poets_core.runs.views.fold import RunView
from poets_core.spec import ExperimentSpec, ReferenceSettings, SearchSpec

DIFFERENT = 2
"""Places in which designs that are told apart differ, to begin with."""


def page() -> None:
    """Draw the page."""
    feed = feed_of_address("Candidates")
    if isinstance(feed.spec, ExperimentSpec):
        nothing(
            "This run is an experiment, not a search: it proposes no candidates.",
            POLICIES,
            "See its verdict",
            ":material/leaderboard:",
            title="Candidates",
            address={"run": feed.run},
        )
        return
    if not isinstance(feed.spec, SearchSpec):
        nothing("This run proposes no candidates: it is no search.", RUNS, "Go to the runs", title="Candidates")
        return
    with store_errors():
        view = feed.snapshot().view
    name = plain(feed.spec.label or feed.spec.problem.name)
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title("Candidates", anchor=False, width="content")
        st.page_link(
            LIVE, label=f"Back to the run {name}", icon=":material/monitoring:", query_params={"run": feed.run}
        )
    st.caption(f"{name} · run {plain(feed.run)} · {view.measured_in_words}")
    chosen = st.query_params.get("id", "")
    if chosen and chosen not in view.candidates:
        st.error(
            f"This run has no candidate “{plain(chosen[:40])}”. Choose one of the table.", icon=":material/search_off:"
        )
        chosen = ""
    if not view.candidates:
        st.info("Nothing has been proposed yet. This page fills as the run goes on.", icon=":material/hourglass_empty:")
        st.button("Look again", icon=":material/refresh:", key="look-again")
        return
    bar, shown, difference = _filters(feed)

    def apart() -> Apart:
        # Of the run as this page shows it: the feed may have read on meanwhile.
        found: Apart = feed.drawn(("apart", difference, view.seq), lambda _: told_apart(view, difference))
        return found

    if shown.show == APART:
        _table(feed, view, chosen, apart().ids, bar, apart())
    else:
        _table(feed, view, chosen, find(view, shown), bar, None)
    downloads(feed, view, chosen, lambda: apart().ids)
    compare_own(feed, view)


def _filters(feed: Feed) -> tuple[DeltaGenerator, Filter, int]:
    """Draw what chooses candidates; also return their bar, and in how many places the best have to differ."""
    search, run = feed.spec.search, feed.run
    st.header("All candidates", anchor=False)
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="filters")
    with bar:
        show = st.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key=f"show-{run}", width=220)
        if show == APART:
            help = (
                "Designs of equal length: places in which they differ. Others: parts (residues, gates) to put in, take "
                "out or replace. Of two that are nearer than that, the better one is shown."
            )
            most = FURTHEST - 1
            apart = st.number_input(
                "Differences, at least", 1, most, DIFFERENT, key=f"apart-{run}", width=190, help=help
            )
            return bar, Filter(APART), int(apart)
        text = st.text_input("Design contains", key=f"text-{run}", max_chars=200, width=190)
        sort = st.selectbox("Order", list(SORTS), format_func=SORTS.__getitem__, key=f"sort-{run}", width=170)
        branch, source = "all", "all"
        if search.policies:
            branches = ["all", *(str(b) for b in range(search.policies)), "none"]
            branch = st.selectbox("Model", branches, format_func=_model, key=f"branch-{run}", width=120)
        if not isinstance(search, ReferenceSettings):  # else everything has one source
            sources = ["all", "branch", "edit", "reference", "space", "contest", "given"]
            source = st.selectbox("Source", sources, key=f"source-{run}", width=130)
    index = None if branch == "all" else -1 if branch == "none" else int(branch)
    return bar, Filter(show, sort, text.strip(), index, "" if source == "all" else source), DIFFERENT


def _model(choice: str) -> str:
    return model(int(choice)) if choice.isdecimal() else choice


def _table(
    feed: Feed, view: RunView, chosen: str, ids: Sequence[str], bar: DeltaGenerator, apart: Apart | None
) -> None:
    """Draw the table, and beside it the open design; before one is opened, the first of the table.

    Args:
        feed, view: the run.
        chosen: id of the open design, "" for none.
        ids: what the table holds.
        bar: where a page of it is chosen.
        apart: how the designs differ, where the table holds the best ones told apart.
    """
    if not ids:
        st.info("No candidate matches these filters.", icon=":material/filter_alt_off:")
    chosen = chosen or (ids[0] if ids else "")
    key = f"page-{feed.run}"
    left, right = st.columns([3, 2])
    with left:
        if ids:
            if (wanted := st.session_state.pop(f"{key}-wanted", None)) is not None:
                st.session_state[key] = wanted
            page, place = one_page(bar, ids, PAGE, key)
            st.caption(_caption(apart) if apart else f"{place}. Open a row by a click, or by Enter.")
            more = {"to a better one": apart.nearest, "to the best": apart.from_best} if apart else None
            candidate_table(view, page, feed.run, selected=chosen, on_open=_open, more=more)
    with right:
        if chosen:
            _detail(feed, view, chosen, ids, key)


def _caption(apart: Apart) -> str:
    hidden = f"{times(apart.hidden, 'nearer one is', 'nearer ones are')} hidden" if apart.hidden else "none is hidden"
    return (
        f"The best {times(len(apart.ids), 'design')}, each different from every better one; {hidden}, of the best "
        f"{times(apart.looked_at, 'distinct design')} looked at. A distance of {FURTHEST} means {FURTHEST} or more."
    )


def _open(id: str) -> None:
    st.query_params["id"] = id


def _detail(feed: Feed, view: RunView, chosen: str, ids: Sequence[str], key: str) -> None:
    at = ids.index(chosen) if chosen in ids else -1

    def go(step: int) -> None:
        st.query_params["id"] = ids[at + step]
        st.session_state[f"{key}-wanted"] = (at + step) // PAGE + 1

    with st.container(border=True, key="detail"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(f"Design {plain(chosen)}", anchor=False, width="content")
            st.button(
                "Previous", icon=":material/chevron_left:", key="previous", disabled=at <= 0, on_click=go, args=(-1,)
            )
            last = at < 0 or at + 1 >= len(ids)
            st.button("Next", icon=":material/chevron_right:", key="next", disabled=last, on_click=go, args=(1,))
            if at >= 0:
                st.caption(f"{at + 1:,} of {len(ids):,}", width="content")
        candidate_detail(view, view.candidates[chosen], current_look())
        prune_one(feed, view, view.candidates[chosen], current_look())


page()
