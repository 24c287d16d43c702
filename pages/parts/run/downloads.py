"""Taking designs away: files that a worker writes, reads back and measures again before they are offered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st

from domains.catalog import export_of
from pages.parts.feed import Feed, open_feed
from pages.parts.run.apart import BEST
from pages.parts.skeleton import download, store_problem
from pages.parts.tables import Filter, find
from pages.parts.text import plain, plain_error
from pages.parts.words import times
from poets_core.errors import PoetsError
from poets_core.runs import launch
from poets_core.runs.artifacts import file_name, read_artifact
from poets_core.runs.events import ArtifactMade
from poets_core.runs.export import candidates_csv, report_bytes
from poets_core.runs.views.fold import RunView
from poets_core.spec import TaskSettings, TaskSpec

AMOUNTS = {
    "best": f"the best {BEST}",
    "apart": f"the best {BEST}, told apart",
    "one": "the open design",
    "all": "every valid design",
}
NAMES = {"best": "best", "apart": "best-apart", "one": "design", "all": "valid"}
"""What a file is called after, for each of `AMOUNTS`."""


def downloads(feed: Feed, view: RunView, chosen: str, apart: Callable[[], Sequence[str]]) -> None:
    """Draw the choice of designs and formats, and the file once it is made.

    Args:
        feed, view: the run.
        chosen: id of the open design, "" for none.
        apart: tells the best designs apart, and returns their ids; asked when they are wanted.
    """
    st.header("Export", anchor=False)
    st.caption(
        "A worker writes the file, reads it back and measures every design in it again. "
        "You get the file only with the result."
    )
    formats = view.info.export_formats if view.info else ()
    amounts = [a for a in AMOUNTS if a != "one" or chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", key="export-choice"):
        amount = st.selectbox("Designs", amounts, format_func=AMOUNTS.__getitem__, key=f"amount-{feed.run}", width=240)
        wanted = {
            "best": lambda: tuple(find(view, Filter())[:BEST]),
            "apart": lambda: tuple(apart()),
            "one": lambda: (chosen,),
            "all": tuple,
        }[amount]
        for name in formats:
            title = export_of(feed.spec.problem.name, name).title
            if st.button(f"Prepare {plain(title)}", icon=":material/science:", key=f"prepare-{name}"):
                _prepare(feed, name, NAMES[amount], wanted())
    task = st.query_params.get("export", "")
    if task:
        st.fragment(_export, run_every=None if task in st.session_state.get("exports-done", set()) else 1)(feed, task)
    count = len(view.candidates)
    download(
        f"All {times(count, 'proposed design')} as CSV (not measured again)",
        lambda: candidates_csv(feed.snapshot().view, feed.run),
        file_name(feed.spec.problem.name, feed.run, "proposed", count, "csv"),
        "all-csv",
        quiet=True,
    )
    st.caption("The whole run: a report that any browser shows, and an archive that anybody can check.")
    name = file_name(feed.spec.problem.name, feed.run, "report", count, "html")
    with st.container(horizontal=True, key="whole-run"):
        download("Report (HTML)", lambda: report_bytes(feed.store, feed.run), name, "report-html", quiet=True)
        st.code(f"poets export {feed.run} run.zip && poets verify run.zip", language=None)


def _prepare(feed: Feed, format: str, what: str, candidates: Sequence[str]) -> None:
    spec = TaskSpec(
        label=what,
        seed=feed.spec.seed,
        device="cpu",
        task=TaskSettings(name="export", run=feed.run, format=format, candidates=tuple(candidates)),
    )
    try:
        task = feed.store.create(spec)
        launch.launch(feed.store, task)
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
        st.error(f"The export failed. {plain_error(snapshot.view.failed or '')}", icon=":material/error:")
    elif state in ("dead", "stalled"):
        st.error("The export's worker is gone. Prepare the file again.", icon=":material/heart_broken:")
    elif made is None:
        waited = time.time() - export.store.row(task).created
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
