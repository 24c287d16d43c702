"""The head of a run's page: its name and state, the buttons that leave commands, and how it is in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.parts.feed import Feed, Snapshot
from pages.parts.links import LAUNCH
from pages.parts.skeleton import not_obeyed, obeyed
from pages.parts.states import AT_THE_LABORATORY, ago, badge, doing_text, plain, state_of
from pages.parts.text import plain_error
from poets_core.runs.launch import resume
from poets_core.runs.status import RunStatus
from poets_core.spec import SearchSpec

REASONS = {
    "budget": "The run is complete: the whole budget was used.",
    "exhausted": "The run ended early: no new design was left to measure.",
    "stopped": "The run was stopped. Resume goes on from where it was.",
    "batches": "All batches are measured. More can be added, and values corrected, on the page Measure.",
}


def heading(title: str, status: RunStatus, facts: Sequence[str], beside: Callable[[], None] | None = None) -> None:
    """Draw the title of a run with the badge of its state, and a line of facts; all of it plain text.

    Args:
        title, status, facts: what is said.
        beside: draws what stands in the line of the title, e.g. `controls`.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title(plain(title), anchor=False, width="content")
        badge(status.state, stopped=status.reason == "stopped", laboratory=status.awaits_results)
        if beside is not None:
            beside()
    if facts:
        st.caption(" · ".join(plain(fact) for fact in facts))


def controls(feed: Feed, status: RunStatus, links: Callable[[], None], *, kept: str = "What was measured") -> None:
    """Draw Pause, Resume and Stop. They leave commands; the worker answers between two steps.

    Args:
        feed, status: the run.
        links: draws the links that stand beside the buttons.
        kept: what a stopped run keeps, for the question before it is stopped.
    """
    offers = state_of(status.state).offers
    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        if "pause" in offers and st.button("Pause", icon=":material/pause:", key="pause"):
            _command(feed, "Pause", lambda: feed.store.send(feed.run, "pause"))
        spec_at_fault = isinstance(feed.spec, SearchSpec) and status.spec_at_fault
        if spec_at_fault:
            st.page_link(LAUNCH, label="Edit and start again", icon=":material/edit:", query_params={"clone": feed.run})
        # Where the spec was refused before anything was measured, a second try would be refused alike.
        hopeless = spec_at_fault and not feed.snapshot().view.calls
        if (
            status.resumable
            and not hopeless
            and st.button("Resume", type="primary", icon=":material/play_arrow:", key="resume")
        ):
            _command(feed, "Resume", lambda: resume(feed.store, feed.run))
        if "stop" in offers:
            with st.popover("Stop", icon=":material/stop:", key="stop"):
                st.write(f"Stop this run? {kept} is kept, and it can be resumed later.")
                if st.button("Yes, stop it", type="primary", key="stop-yes"):
                    _command(feed, "Stop", lambda: feed.store.send(feed.run, "stop"))
        links()
    not_obeyed(_kept(feed))


def _kept(feed: Feed) -> str:
    return f"not-obeyed-{feed.run}"


def _command(feed: Feed, name: str, act: Callable[[], object]) -> None:
    def do() -> None:
        act()
        feed.snapshot(fresh=True)

    if obeyed(do, name, _kept(feed)):
        st.rerun(scope="app")


def explain(
    feed: Feed,
    snapshot: Snapshot,
    *,
    running: str = "",
    reasons: dict[str, str] | None = None,
    kept: str = "measured",
    mend: str = "Mend the cause, then press Resume: the run goes on from where it was.",
    facts: Sequence[str] = (),
) -> None:
    """Say in words how the run is; errors stay visible and name what to do.

    Args:
        feed, snapshot: the run.
        running: what a worker of this kind of run does, in place of the sentence about searches.
        reasons: what the reasons of a finished run mean, where they differ from a search's.
        kept: what is never lost, as a participle.
        mend: what to do about a failure.
        facts: plain text that stands in the same line, to leave room for what was found.
    """
    status = snapshot.status
    rest = "".join(f" · {plain(fact)}" for fact in facts)
    state = state_of(status.state)
    sign = ago(status.age)
    if status.state == "failed":
        st.error(f"**The run failed.** {plain_error(snapshot.view.failed or status.reason)}", icon=":material/error:")
        if isinstance(feed.spec, SearchSpec) and status.spec_at_fault:
            mend = (
                f"“Edit and start again” opens the form with what this run had. {mend if snapshot.view.calls else ''}"
            )
        log = plain(f"runs/{feed.run}/worker.log")
        st.caption(f"Nothing {kept} is lost. {mend.strip()} The worker's own words: {log} in the store's folder.{rest}")
    elif status.state in ("dead", "stalled"):
        st.error(f"**{state.word.capitalize()}.** {state.says} Last update: {sign}.", icon=f":material/{state.icon}:")
        if facts:
            st.caption(rest.removeprefix(" · "))
    elif status.state == "finished":
        st.caption((REASONS | (reasons or {})).get(status.reason, state.says) + rest)
    elif status.awaits_results:
        st.caption(f"{AT_THE_LABORATORY.says}{rest}")
    else:
        says = running if running and status.state == "running" else state.says
        doing = f" {doing_text(status.doing)}".rstrip() if status.state in ("starting", "running") else ""
        st.caption(f"{says}{doing} Last update: {sign}.{rest}")
