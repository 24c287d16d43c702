"""Candidates of one run: table, detail, downloads. The address is ``?run=&id=``."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from domains.catalog import export_of
from pages.parts.feed import Feed, open_feed
from pages.parts.links import LIVE, POLICIES, RUNS
from pages.parts.look import current_look
from pages.parts.run.detail import candidate_detail
from pages.parts.skeleton import download, feed_of_address, nothing, store_errors, store_problem
from pages.parts.states import plain
from pages.parts.tables import PAGE, SHOWS, SORTS, Filter, candidate_table, find, one_page
from poets_core.errors import PoetsError
from poets_core.runs.artifacts import read_artifact
from poets_core.runs.events import ArtifactMade
from poets_core.runs.export import candidates_csv
from poets_core.runs.launch import launch
from poets_core.runs.views.fold import RunView
from poets_core.spec import ExperimentSpec, ReferenceSettings, SearchSpec, TaskSettings, TaskSpec

AMOUNTS = {"best": "the best 32", "one": "the open design", "all": "every valid design"}
BEST = 32


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
        nothing("This run is a task: it proposes no candidates.", RUNS, "Go to the runs", title="Candidates")
        return
    with store_errors():
        view = feed.snapshot().view
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title("Candidates", anchor=False, width="content")
        st.page_link(LIVE, label="Back to the run", icon=":material/monitoring:", query_params={"run": feed.run})
    st.caption(f"{plain(feed.spec.label or feed.spec.problem.name)} · run {feed.run} · {view.measured_in_words}")
    chosen = st.query_params.get("id", "")
    if chosen and chosen not in view.candidates:
        st.error(
            f"This run has no candidate “{plain(chosen[:40])}”. Choose one of the table.", icon=":material/search_off:"
        )
        chosen = ""
    if chosen:
        _detail(feed, view, chosen)
    if not view.candidates:
        st.info("Nothing has been proposed yet. This page fills as the run goes on.", icon=":material/hourglass_empty:")
        st.button("Look again", icon=":material/refresh:", key="look-again")
        return
    _table(feed, view)
    _downloads(feed, view, chosen)


def _detail(feed: Feed, view: RunView, chosen: str) -> None:
    with st.container(border=True, key="detail"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(f"Design {plain(chosen)}", anchor=False, width="content")
            if st.button("Close", icon=":material/close:", type="tertiary", key="close-detail"):
                del st.query_params["id"]
                st.rerun()
        candidate_detail(view, view.candidates[chosen], current_look())


def _table(feed: Feed, view: RunView) -> None:
    st.subheader("All candidates", anchor=False)
    search = feed.spec.search
    branches = ["all", *(str(b) for b in range(search.policies)), "none"]
    sources = ["all", "branch", "edit", "reference", "space", "contest"]
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="filters")
    with bar:
        text = st.text_input("Design contains", key=f"text-{feed.run}", max_chars=200, width=190)
        show = st.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key=f"show-{feed.run}", width=190)
        sort = st.selectbox("Order", list(SORTS), format_func=SORTS.__getitem__, key=f"sort-{feed.run}", width=170)
        branch, source = "all", "all"
        if search.policies:
            branch = st.selectbox("Branch", branches, key=f"branch-{feed.run}", width=120)
        if not isinstance(search, ReferenceSettings):  # else everything has one source
            source = st.selectbox("Source", sources, key=f"source-{feed.run}", width=130)
    index = None if branch == "all" else -1 if branch == "none" else int(branch)
    ids = find(view, Filter(show, sort, text.strip(), index, "" if source == "all" else source))
    if not ids:
        st.info("No candidate matches these filters.", icon=":material/filter_alt_off:")
        return
    shown, place = one_page(bar, ids, PAGE, f"page-{feed.run}")
    st.caption(f"{place}. Choose a row to see the design.")
    candidate_table(view, shown, f"table-{feed.run}", _open)


def _open(id: str) -> None:
    st.query_params["id"] = id


def _downloads(feed: Feed, view: RunView, chosen: str) -> None:
    st.subheader("Take away", anchor=False)
    st.caption(
        "A worker writes the file, reads it back and measures every design in it again. "
        "You get the file only with the result."
    )
    formats = view.info.export_formats if view.info else ()
    amounts = [a for a in AMOUNTS if a != "one" or chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", key="export-choice"):
        amount = st.selectbox("Designs", amounts, format_func=AMOUNTS.__getitem__, key=f"amount-{feed.run}", width=200)
        for name in formats:
            title = export_of(feed.spec.problem.name, name).title
            if st.button(f"Prepare {plain(title)}", icon=":material/science:", key=f"prepare-{name}"):
                _prepare(feed, name, _wanted(view, amount, chosen))
    task = st.query_params.get("export", "")
    if task:
        st.fragment(_export, run_every=None if task in st.session_state.get("exports-done", set()) else 1)(feed, task)
    download(
        "Everything proposed, as CSV (not measured again)",
        lambda: candidates_csv(feed.snapshot().view),
        f"{feed.run}-candidates.csv",
        "all-csv",
        quiet=True,
    )


def _wanted(view: RunView, amount: str, chosen: str) -> tuple[str, ...]:
    """Candidates of an export; empty means every valid one."""
    if amount == "one":
        return (chosen,)
    return tuple(find(view, Filter())[:BEST]) if amount == "best" else ()


def _prepare(feed: Feed, format: str, candidates: Sequence[str]) -> None:
    spec = TaskSpec(
        label=f"{format} of {feed.run}",
        seed=feed.spec.seed,
        device="cpu",
        task=TaskSettings(name="export", run=feed.run, format=format, candidates=tuple(candidates)),
    )
    try:
        task = feed.store.create(spec)
        launch(feed.store, task)
    except PoetsError as error:
        store_problem(error)
        return
    st.query_params["export"] = task
    st.rerun()


def _export(feed: Feed, task: str) -> None:
    """Follow an export until its file can be offered."""
    try:
        export = open_feed(feed.store, task)
        snapshot = export.snapshot()
    except PoetsError as error:
        store_problem(error)
        return
    made = next(iter(snapshot.view.artifacts), None)
    state = snapshot.status.state
    done = state in ("finished", "failed", "dead", "stalled")
    if done and task not in st.session_state.setdefault("exports-done", set()):
        st.session_state["exports-done"].add(task)
        st.rerun(scope="app")  # the file is there or will not come: stop polling
    if state == "failed":
        st.error(f"The export failed. {plain(snapshot.view.failed or '')}", icon=":material/error:")
    elif state in ("dead", "stalled"):
        st.error("The export's worker is gone. Prepare the file again.", icon=":material/heart_broken:")
    elif made is None:
        row = export.store.row(task)
        waited = row.status.now - row.created
        st.info(f"Writing the file and measuring its designs again… {waited:.0f} s", icon=":material/hourglass_top:")
    else:
        _offer(feed, task, made)


def _offer(feed: Feed, task: str, made: ArtifactMade) -> None:
    try:
        data = read_artifact(feed.store, task, made.path, made.sha256)
    except PoetsError as error:
        store_problem(error)
        return
    rows, again, difference = made.rows, made.rescored, made.max_difference
    with st.container(border=True, key="export-offer"):
        if again == rows and difference is not None:
            st.success(
                f"{rows} rows reloaded and re-scored, largest difference {difference:.3g}", icon=":material/verified:"
            )
        else:
            st.warning(f"{rows} rows written, {again} of them could be measured again.", icon=":material/warning:")
        st.download_button(
            f"Download {plain(made.name)}",
            data,
            file_name=made.name,
            mime=made.media_type,
            on_click="ignore",
            type="primary",
            icon=":material/download:",
            key=f"download-{task}",
        )
        st.caption(f"SHA-256 {made.sha256[:16]}…")


page()
