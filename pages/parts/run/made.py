"""A file that a worker makes of a run: the task is started, followed, and its file offered with what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.parts.feed import Feed, Snapshot, open_feed
from pages.parts.skeleton import store_problem
from pages.parts.states import doing_text
from pages.parts.text import plain, plain_error
from poets_core.errors import PoetsError
from poets_core.runs import launch
from poets_core.runs.artifacts import read_artifact
from poets_core.runs.events import ArtifactMade
from poets_core.runs.views.run import RunView
from poets_core.spec import TaskSettings, TaskSpec

DONE = ("finished", "failed", "dead", "stalled")
SEEN = "exports-done"


@dataclass(frozen=True)
class Said:
    """What is said of a file in the making.

    Attributes:
        failed, gone: where it was not made, or its worker is gone.
        doing: while it is made and the worker says nothing itself.
        found: draws what was found of the file; gets the task's view.
        about: more on the file, below its button.
    """

    failed: str
    gone: str
    doing: str
    found: Callable[[ArtifactMade, RunView], None]
    about: Callable[[bytes], str] = lambda data: ""


def begin(feed: Feed, settings: Callable[[], TaskSettings], label: str = "") -> None:
    """Start a task, and follow it from the page's address on; what was typed wrong is said."""
    try:
        task = feed.store.create(TaskSpec(label=label, seed=feed.spec.seed, device="cpu", task=settings()))
        launch.launch(feed.store, task)
    except PoetsError as error:
        store_problem(error)
        return
    except ValueError as error:
        st.error(plain_error(error), icon=":material/error:")
        return
    st.query_params["export"] = task
    st.rerun()


def followed(feed: Feed, said: Said) -> None:
    """Draw the task that the page's address names, polling until its file is there or will not come."""
    if task := st.query_params.get("export", ""):
        every = None if task in st.session_state.get(SEEN, set()) else 1
        st.fragment(_follow, run_every=every)(feed, task, said)


def _follow(feed: Feed, task: str, said: Said) -> None:
    try:
        other = open_feed(feed.store, task)
        snapshot: Snapshot = other.snapshot()
    except PoetsError as error:
        store_problem(error)
        return
    if not isinstance(other.spec, TaskSpec) or other.spec.task.run != feed.run:
        return  # an address of somebody's own making
    state = snapshot.status.state
    if state in DONE and task not in st.session_state.setdefault(SEEN, set()):
        st.session_state[SEEN].add(task)
        st.rerun(scope="app")  # so that polling ends
    made = next(iter(snapshot.view.artifacts), None)
    if state == "failed":
        st.error(f"{said.failed} {plain_error(snapshot.view.failed or '')}", icon=":material/error:")
    elif state in ("dead", "stalled"):
        st.error(said.gone, icon=":material/heart_broken:")
    elif made is None:
        waited = time.time() - other.store.row(task).created
        doing = doing_text(snapshot.status.doing) or said.doing
        st.info(f"{doing} {waited:.0f} s", icon=":material/hourglass_top:")
    else:
        _offer(feed, task, made, snapshot.view, said)


def _offer(feed: Feed, task: str, made: ArtifactMade, view: RunView, said: Said) -> None:
    try:
        data = read_artifact(feed.store, task, made.path, made.sha256)
    except PoetsError as error:
        store_problem(error)
        return
    with st.container(border=True, key="export-offer"):
        said.found(made, view)
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
        st.caption(f"SHA-256 {made.sha256[:16]}…{said.about(data)}")
