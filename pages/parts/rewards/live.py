"""One run that learns from rewards as it goes: the answer first, six panels, sampled answers, what is taken away."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from domains.catalog import verifiables
from pages.parts.feed import Feed, Snapshot
from pages.parts.links import LEARN, RUNS
from pages.parts.live_plot import live_plot
from pages.parts.look import Look, current_look
from pages.parts.panel import Panel
from pages.parts.rewards import charts
from pages.parts.rewards.samples import samples
from pages.parts.rewards.take import take
from pages.parts.rewards.verdict import cards, past_best, verdict
from pages.parts.run.controls import controls, explain, heading
from pages.parts.skeleton import card, redrawn
from pages.parts.states import plain, span
from pages.parts.words import times
from poets_core.runs.views.rewards import RewardsView
from poets_core.runs.views.run import RunView
from poets_core.spec import RewardsSpec
from poets_core.spec.reward_settings import TITLES

RUNNING = "Writing answers, verifying them and learning from their rewards, round by round."
REASONS = {"budget": "The run is complete: all rounds were learnt."}
FIRST = 330
"""Pixels of the first charts."""


def live(feed: Feed) -> None:
    """Draw the page of the run."""
    redrawn(feed, lambda snapshot: _run(feed, snapshot))


def _run(feed: Feed, snapshot: Snapshot) -> None:
    """Draw everything that changes; called again every two seconds while the run is at work."""
    view, rewards = snapshot.view, snapshot.view.rewards or RewardsView()
    title = feed.spec.label or title_of(feed.spec)
    heading(
        title,
        snapshot.status,
        [],
        lambda: controls(feed, snapshot.status, _links, kept="What was learnt"),
    )
    explain(feed, snapshot, running=RUNNING, reasons=REASONS, kept="learnt", facts=_facts(feed, view))
    _progress(feed, snapshot)
    if snapshot.status.state == "failed" and view.rewards is None:
        return  # nothing will come that could be drawn
    with st.container(border=True, key="answer"):
        st.subheader(plain(verdict(rewards, view.rounds)), anchor=False)
        if said := past_best(rewards, view.rounds):
            st.warning(plain(said), icon=":material/trending_down:")
        if said := _unknown(view):
            st.warning(plain(said), icon=":material/help:")
    with st.container(horizontal=True, key="cards"):
        for figure in cards(rewards, view.rounds, feed.spec.answers):
            card(*figure)
    _panels(feed, snapshot, rewards)
    if rewards.task.get("lines") or rewards.given:
        with st.expander("What was read", icon=":material/fact_check:", key=f"read-{feed.run}"):
            for line in rewards.task.get("lines", ()):
                st.markdown(plain(line))


def title_of(spec: RewardsSpec) -> str:
    """Return what a run without a name is called: its task."""
    if spec.task is None:
        return "Answers that have rewards"
    known = {v.name: v.title for v in verifiables()}
    title, own = known.get(spec.task.name, spec.task.name), spec.task.params.get("task", "")
    return f"{own} · {title}" if own else title


def _links() -> None:
    st.page_link(LEARN, label="Start another", icon=":material/add_circle:")
    st.page_link(RUNS, label="All runs", icon=":material/list:")


def _facts(feed: Feed, view: RunView) -> list[str]:
    spec, s = feed.spec, feed.spec.rewards
    replay = "all rounds" if s.replay == 0 else "on-policy" if s.replay == 1 else f"the last {s.replay} rounds"
    return [
        spec.about,
        TITLES[s.method] + (f", {times(s.branches, 'model')}" if s.branches > 1 else ""),
        "given answers alone" if spec.given.alone else f"learns from {replay}",
        f"base model {spec.backbone.source}",
        f"device {view.device or 'not known yet'}",
        f"seed {spec.seed}",
        f"run {feed.run}",
    ]


def _progress(feed: Feed, snapshot: Snapshot) -> None:
    view, rounds = snapshot.view, feed.spec.rewards.rounds
    done = f"{len(view.rounds):,} of {times(rounds, 'round')}"
    seconds = [r.seconds for r in view.rounds[-5:] if r.seconds is not None]
    left = rounds - len(view.rounds)
    if snapshot.status.state == "running" and seconds and left > 0:
        done += f" · about {span(left * sum(seconds) / len(seconds))} left at the pace of the last rounds"
    elif snapshot.status.state == "running" and not seconds:
        done += " · the untrained model is judged first"
    elif snapshot.status.state == "finished":
        done += f" in {span(view.last - view.started)}"
    st.progress(min(len(view.rounds) / max(rounds, 1), 1.0), text=done)


def _unknown(view: RunView) -> str:
    """Say why answers of the last round had no reward; "" where all had one."""
    last = view.rounds[-1].metrics if view.rounds else {}
    if not last.get("unknown"):
        return ""
    why = ", ".join(f"{reason or 'it could not tell'} ({n})" for reason, n in (last.get("unknown_why") or {}).items())
    return f"The verifier could not tell of {last['unknown']} of {last['answers']} answers of the last round: {why}."


def _panels(feed: Feed, snapshot: Snapshot, rewards: RewardsView) -> None:
    """The panels, two a row; beside the last one and the files stand the answers, which are as high as both."""
    look, branches = current_look(), feed.spec.rewards.branches
    draws: tuple[tuple[str, Callable[[RewardsView, RunView, Look], Panel]], ...] = (
        ("reward", lambda r, v, o: charts.reward(r, v.rounds, o)),
        ("solved", lambda r, v, o: charts.solved(r, v.rounds, o)),
        ("distance", lambda r, v, o: charts.distance(r, v.rounds, o)),
        ("divergence", lambda r, v, o: charts.divergence(r, v.rounds, o, branches)),
        ("lessons", lambda r, v, o: charts.lessons(v.rounds, o)),
    )
    for i in range(0, len(draws), 2):
        columns, last = st.columns(2), i + 1 == len(draws)
        for column, (name, draw) in zip(columns, draws[i : i + 2], strict=False):
            panel = feed.drawn((name, look.dark), lambda s, d=draw: d(s.view.rewards or RewardsView(), s.view, look))
            with column.container(border=True, key=f"panel-{name}", height="content" if last else "stretch"):
                st.header(panel.title, anchor=False, help=panel.help)
                if panel.note:
                    st.caption(panel.note)
                live_plot(panel, key=f"plot-{name}-{feed.run}", revision=feed.run, height=FIRST if i == 0 else 280)
        if last:
            with columns[0].container(border=True, key="take", height="stretch"):
                take(feed, snapshot)
            with columns[1].container(border=True, key="samples", height="stretch"):
                samples(rewards, feed.run)
