"""An experiment that ended undecided goes on: a form for more comparisons, or for further rows of its log."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from pages.parts.experiment.log_form import ENDINGS
from pages.parts.feed import Feed, Snapshot
from pages.parts.skeleton import not_obeyed, obeyed
from pages.parts.states import plain
from pages.parts.uploads import keep_upload
from poets_core.runs.examine import LogPreview, preview_log
from poets_core.runs.extension import why_not
from poets_core.runs.going_on import go_on
from poets_core.runs.views.experiment import ExperimentView
from poets_core.spec import ExperimentSettings
from poets_core.spec.experiment import MOST_COMPARISONS


def going_on(feed: Feed, spec: ExperimentSettings, snapshot: Snapshot, view: ExperimentView) -> None:
    """Say what was added, and draw the form where more can be.

    Args:
        feed, snapshot: the run.
        spec: with the budget as it stands.
        view: of the experiment.
    """
    for event in view.extended:
        if event.refused:
            st.warning(f"Nothing was added: {plain(event.refused)}", icon=":material/warning:")
        elif event.log:
            more = " ".join(map(plain, event.said))
            st.caption(f"{event.rows:,} further rows were added. {more}".strip())
    ended = snapshot.status.state == "finished"
    if not ended or why_not("experiment", "finished", snapshot.status.reason):
        return
    kept = f"not-extended-{feed.run}"
    not_obeyed(kept)
    with st.expander("Go on with this experiment", icon=":material/more_time:", key="going-on"):
        st.caption(
            "The evidence holds at every moment, so that going on costs nothing: what was counted stays counted, and "
            "the error bound stays what it is."
        )
        _budget(feed, spec, view, kept)
        if spec.source == "log":
            _rows(feed, spec, kept)


def _budget(feed: Feed, spec: ExperimentSettings, view: ExperimentView, kept: str) -> None:
    if spec.source == "log":
        there = int(view.facts.get("rows", 0)) + sum(event.rows for event in view.extended)
        if view.comparisons >= there:
            st.caption("Every row of the log is used. Further rows bring further comparisons:")
            return
    label = "Most comparisons in all"
    least = min(view.comparisons + 1, MOST_COMPARISONS)
    start = min(max(2 * spec.budget, least), MOST_COMPARISONS)
    budget = int(st.number_input(label, least, MOST_COMPARISONS, start, key=f"more-budget-{feed.run}", width=240))
    if st.button("Go on", type="primary", icon=":material/play_arrow:", key="go-on"):
        _go(feed, kept, partial(go_on, feed.store, feed.run, budget=budget))


def _rows(feed: Feed, spec: ExperimentSettings, kept: str) -> None:
    """Draw the upload of further rows, with what the reader says of them by the mapping of the first."""
    key = f"further-{feed.run}"
    file = st.file_uploader(
        "Further rows", type=ENDINGS, key=key, help="A file with the columns and words of the first log."
    )
    if file is None:
        return

    def look(path: Path, name: str) -> LogPreview:
        return preview_log(path, name, spec.mapping)

    upload = keep_upload(feed.store, file, look, key)
    if upload is None:
        return
    for text in upload.seen.wrong.values():
        st.error(plain(text), icon=":material/error:")
    if upload.seen.wrong:
        return
    for line in upload.seen.says:
        st.caption(plain(line))
    st.caption(
        "Rows of a prompt, judge or conversation that was counted before are left out, and rows of other policies."
    )
    if st.button("Add these rows and go on", type="primary", icon=":material/playlist_add:", key="add-rows"):
        _go(feed, kept, partial(go_on, feed.store, feed.run, log=(file.name, file.getvalue())))


def _go(feed: Feed, kept: str, act: partial[None]) -> None:
    def do() -> None:
        act()
        feed.snapshot(fresh=True)

    if obeyed(do, "Go on", kept):
        st.rerun(scope="app")
