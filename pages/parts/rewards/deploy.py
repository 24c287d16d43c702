"""Models taken away: a worker chooses, writes and loads them back; the file is offered with what was found."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from pages.parts.feed import Feed, Snapshot, open_feed
from pages.parts.number_field import number_field
from pages.parts.skeleton import store_problem
from pages.parts.states import doing_text
from pages.parts.text import plain, plain_error
from pages.parts.words import model, times
from poets_core.errors import PoetsError
from poets_core.runs import launch
from poets_core.runs.artifacts import read_artifact
from poets_core.runs.events import ArtifactMade
from poets_core.runs.views.run import RunView
from poets_core.spec import TaskSettings, TaskSpec
from poets_core.types import branch_of

Way = Literal["each", "winner", "mean"]
WAYS: dict[Way, tuple[str, str]] = {
    "each": ("A model for each answer", "All models leave as adapters; each answer is written by one, drawn anew."),
    "winner": (
        "The best model",
        "Models are compared on held-out prompts until one is known to be the best, with error at most 10 %. Models "
        "that are equally good have no winner: then nothing is written, and it says so.",
    ),
    "mean": ("The mean of all models", "One model with the mean of their weights."),
}
DONE = ("finished", "failed", "dead", "stalled")
SEEN = "deployments-done"


def deploy(feed: Feed, snapshot: Snapshot) -> None:
    """Draw what can be taken away, and the file once it is made."""
    st.subheader("Models", anchor=False)
    if not snapshot.view.rounds:
        st.caption("There will be models when the first round is learnt.")
        return
    st.caption("A worker writes the files, loads them back with transformers and peft, and compares what they say.")
    ways: list[Way] = ["each", "winner", "mean"] if feed.spec.rewards.branches > 1 else ["mean"]
    with st.container(horizontal=True, vertical_alignment="bottom", key="deploy"):
        way = st.selectbox("What answers", ways, format_func=lambda w: WAYS[w][0], key=f"way-{feed.run}", width=240)
        merged = way != "each" and st.checkbox(
            "As one whole model",
            key=f"merged-{feed.run}",
            help="Merged into the base model, with a head of its own. Off: an adapter in PEFT's format.",
        )
        most: float | None = 2000
        if way == "winner":
            most, wrong = number_field("Comparisons, at most", int, 2000, f"most-{feed.run}")
            if wrong:
                st.error(plain(wrong))
        clicked = st.button("Prepare the models", icon=":material/deployed_code:", disabled=most is None, key="prepare")
    st.caption(WAYS[way][1])
    if clicked and most is not None:
        _prepare(feed, way, bool(merged), int(most))
    if task := st.query_params.get("export", ""):
        st.fragment(_follow, run_every=None if task in st.session_state.get(SEEN, set()) else 1)(feed, task)


def _prepare(feed: Feed, way: Way, merged: bool, comparisons: int) -> None:
    try:
        settings = TaskSettings(name="deploy", run=feed.run, way=way, merged=merged, comparisons=comparisons)
        task = feed.store.create(TaskSpec(seed=feed.spec.seed, device="cpu", task=settings))
        launch.launch(feed.store, task)
    except (PoetsError, ValueError) as error:
        st.error(plain_error(error), icon=":material/error:")
        return
    st.query_params["export"] = task
    st.rerun()


def _follow(feed: Feed, task: str) -> None:
    """Follow a deployment until its file can be offered."""
    try:
        other = open_feed(feed.store, task)
        snapshot = other.snapshot()
    except PoetsError as error:
        store_problem(error)
        return
    if not isinstance(other.spec, TaskSpec) or other.spec.task.run != feed.run:
        return  # an address of somebody's own making
    state = snapshot.status.state
    if state in DONE and task not in st.session_state.setdefault(SEEN, set()):
        st.session_state[SEEN].add(task)
        st.rerun(scope="app")  # the file is there or will not come: stop polling
    made = next(iter(snapshot.view.artifacts), None)
    if state == "failed":
        st.error(f"Nothing was written. {plain_error(snapshot.view.failed or '')}", icon=":material/error:")
    elif state in ("dead", "stalled"):
        st.error("The worker is gone. Prepare the models again.", icon=":material/heart_broken:")
    elif made is None:
        waited = time.time() - other.store.row(task).created
        said = doing_text(snapshot.status.doing) or "Rebuilding the models of the last round."
        st.info(f"{said} {waited:.0f} s", icon=":material/hourglass_top:")
    else:
        _offer(feed, task, made, snapshot.view)


def won(view: RunView) -> str:
    """Say which model won the comparisons; "" where none were made."""
    if not view.contests or view.contests[-1].verdict.policy is None:
        return ""
    v = view.contests[-1].verdict
    name = model(branch_of(str(v.policy))).capitalize()
    bound = f"{v.error_bound or 0:.0%}".replace("%", " %")
    return f"{name} is the best, with error at most {bound}, after {times(v.comparisons, 'comparison')}. "


def _offer(feed: Feed, task: str, made: ArtifactMade, view: RunView) -> None:
    try:
        data = read_artifact(feed.store, task, made.path, made.sha256)
    except PoetsError as error:
        store_problem(error)
        return
    with st.container(border=True, key="export-offer"):
        apart = f"answers differ by {made.max_difference or 0:.2g} nats at most"
        st.success(plain(f"{won(view)}{times(made.rows, 'model')} loaded back; {apart}"), icon=":material/verified:")
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
        st.caption(f"SHA-256 {made.sha256[:16]}… · {len(data) / 1e6:.1f} MB · how to use it stands in its README.md")
