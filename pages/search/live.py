"""Live: one run as it goes, with its controls. The address is ``?run=``."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from domains.catalog import entries
from pages.parts.feed import Feed, Snapshot, open_feed
from pages.parts.launch.similar import beside
from pages.parts.links import CANDIDATES, COMPARE, POLICIES, RUNS
from pages.parts.live_plot import live_plot
from pages.parts.look import Look, current_look
from pages.parts.panel import Panel
from pages.parts.run import charts
from pages.parts.run.contest_panel import contest_panels, deploy
from pages.parts.run.controls import controls, explain, heading
from pages.parts.run.overlays import MOST, Reference, with_references, with_soft_regret
from pages.parts.skeleton import card, feed_of_address, nothing, redrawn, store_problem
from pages.parts.states import span
from poets_core.errors import PoetsError
from poets_core.runs.status import RunRow
from poets_core.runs.views.fold import RunView
from poets_core.spec import METHODS, ExperimentSpec, SearchSpec
from poets_core.types import REFERENCE, policy_name

PANELS = ("progress", "regret", "disagreement", "predictions", "matrix", "branches")
CONTEST = ("contest", "contest-effort")


def page() -> None:
    """Draw the page."""
    feed = feed_of_address("Live")
    if isinstance(feed.spec, ExperimentSpec):
        st.switch_page(POLICIES, query_params={"run": feed.run})
    if not isinstance(feed.spec, SearchSpec):
        nothing("This run is a task, not a search.", RUNS, "Go to the runs", title="Live")
        return
    redrawn(feed, lambda snapshot: _run(feed, snapshot))


def _run(feed: Feed, snapshot: Snapshot) -> None:
    """Draw everything that changes; called again every two seconds while the run is at work."""
    _heading(feed, snapshot)
    controls(feed, snapshot.status, lambda: _links(feed))
    explain(feed, snapshot)
    _cards(feed, snapshot.view)
    if winner := deploy(snapshot.view):
        st.info(winner, icon=":material/emoji_events:")
    _progress(feed, snapshot)
    _panels(feed, snapshot, _references(feed))


def _heading(feed: Feed, snapshot: Snapshot) -> None:
    spec, view = feed.spec, snapshot.view
    title = spec.label or {e.name: e.title for e in entries()}.get(spec.problem.name, spec.problem.name)
    facts = [
        spec.problem.name,
        f"poets, {spec.search.policies} branches" if spec.search.ensemble else spec.search.title,
        f"backbone {spec.backbone.source}",
        f"device {view.device or 'not known yet'}",
        f"seed {spec.seed}",
        f"run {feed.run}",
    ]
    heading(str(title), snapshot.status, facts)


def _links(feed: Feed) -> None:
    st.page_link(CANDIDATES, label="Candidates", icon=":material/science:", query_params={"run": feed.run})
    same = {"problem": feed.spec.problem.name}
    if feed.spec.search.ensemble and feed.snapshot().status.state == "finished":
        begin = {"new": "branches", "from": feed.run}
        st.page_link(POLICIES, label="Which branch is best?", icon=":material/leaderboard:", query_params=begin)
    st.page_link(COMPARE, label="Compare with others", icon=":material/ssid_chart:", query_params=same)


def _cards(feed: Feed, view: RunView) -> None:
    unit, optimum = view.objective.unit, view.objective.optimum
    means = [m for m in view.round_means if m is not None]
    js = view.metrics.get("js_sequence")
    cards = st.columns(5)
    with cards[0]:
        of = f"best possible {optimum:.4g}" if optimum is not None else None
        card("Best value", None if view.best is None else f"{view.best.value:.4g}", of, f"In {unit}." if unit else "")
    with cards[1]:
        done = f"{view.calls / feed.spec.budget.calls:.0%} of {feed.spec.budget.calls:,}"
        card("Oracle calls", f"{view.calls:,}", done, "Designs measured so far; invalid ones count.")
    with cards[2]:
        change = f"{means[-1] - means[0]:+.3g} since the first" if len(means) > 1 else None
        card("Mean of the last round", f"{means[-1]:.4g}" if means else None, change, "Of its valid designs.")
    with cards[3]:
        most = math.log(_branches(feed))
        text = None if not isinstance(js, int | float) or most == 0 else f"{js:.3g} nats"
        bound = f"at most {most:.2f}" if text else None
        card("Disagreement", text, bound, "Jensen-Shannon divergence between the branches, over whole designs.")
    with cards[4]:
        valid = view.valid_fraction
        new = None if view.unique_fraction is None else f"{view.unique_fraction:.0%} distinct"
        card("Valid designs", None if valid is None else f"{valid:.0%}", new, "Share of all oracle calls.")


def _branches(feed: Feed) -> int:
    """Policies of a run; the reference alone is one."""
    return max(1, int(feed.spec.search.policies))


def _progress(feed: Feed, snapshot: Snapshot) -> None:
    view, total = snapshot.view, feed.spec.budget.calls
    text = f"{len(view.rounds)} of {feed.spec.budget.rounds} rounds done"
    seconds = [r.seconds for r in view.rounds[-5:] if r.seconds is not None]
    left = feed.spec.budget.rounds - len(view.rounds)
    if snapshot.status.state == "running" and seconds and left > 0:
        text += f" · about {span(left * sum(seconds) / len(seconds))} left at the pace of the last rounds"
    elif snapshot.status.state == "finished":
        text = f"{len(view.rounds)} of {feed.spec.budget.rounds} rounds in {span(view.last - view.started)}"
    st.progress(min(view.calls / max(total, 1), 1.0), text=text)


def _draw(name: str, feed: Feed, snapshot: Snapshot, look: Look, selected: str) -> Panel:
    view = snapshot.view
    if name == "progress":
        return charts.progress(view, look, feed.spec.budget.batch, selected)
    if name == "regret":
        return with_soft_regret(charts.regret(view, look), view, look, feed.spec.budget.batch)
    if name == "disagreement":
        return charts.disagreement(view, look, _branches(feed))
    if name == "predictions":
        return charts.predictions(view, look, selected)
    if name == "matrix":
        return charts.branch_matrix(view, look)
    if name in CONTEST:
        return contest_panels(view, look)[CONTEST.index(name)]
    return charts.branches(view, look, snapshot.chosen)


def _references(feed: Feed) -> list[Reference]:
    """Choose other runs of the problem whose curves are drawn beside; rivals of the same seed to begin with."""
    try:
        rows = beside(feed.store, feed.run, feed.spec)
        if not rows:
            return []
        known = {r.id: r for r in rows}
        own = [r.id for r in rows if r.method != feed.spec.search.method and r.seed == feed.spec.seed]
        key = f"references-{feed.run}"
        _offer(key, own)
        chosen = st.multiselect(
            "Reference curves",
            list(known),
            max_selections=MOST,
            format_func=lambda id: _name(known[id]),
            key=key,
            placeholder="Other runs of this problem",
            help="Best value and regret of other runs with the same problem and parameters.",
        )
        short = {id: known[id].label or known[id].method for id in chosen}
        alike = [id for id in chosen if list(short.values()).count(short[id]) > 1 or known[id].seed != feed.spec.seed]
        names = short | {id: f"{short[id]}, seed {known[id].seed} ({id[-4:]})" for id in alike}
        return [Reference(names[id], open_feed(feed.store, id).snapshot().view) for id in chosen]
    except PoetsError as error:
        store_problem(error)
        return []


def _offer(key: str, own: list[str]) -> None:
    """Choose rivals for the first time; one that a person has taken out stays out."""
    # A widget reads its default once, when a baseline that was started together may not have measured anything yet.
    told = f"{key}-offered"
    offered = st.session_state.get(told, []) if key in st.session_state else []
    if begun := [id for id in own if id not in offered]:
        st.session_state[key] = [*st.session_state.get(key, []), *begun][:MOST]
    st.session_state[told] = own


def _name(row: RunRow) -> str:
    return f"{row.label or METHODS[row.method].title}, seed {row.seed} ({row.id[-4:]})"


def _panels(feed: Feed, snapshot: Snapshot, references: list[Reference]) -> None:
    """The panels, two a row. A click on a design in one marks it in all and leads to its page."""
    look = current_look()
    picked_key = f"picked-{feed.run}"
    selected = str(st.session_state.get(picked_key, ""))
    _selection(feed, snapshot.view, selected)
    told = ("progress", "regret", *(["predictions"] if feed.spec.search.predicts else []))
    names = PANELS if feed.spec.search.ensemble else told
    if feed.spec.contest is not None:
        names = (*names, *CONTEST)
    for i in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[i : i + 2], strict=False):
            marked = selected if name in ("progress", "predictions") else ""
            panel = feed.drawn((name, look.dark, marked), lambda s, n=name, m=marked: _draw(n, feed, s, look, m))
            panel = with_references(panel, references, look)
            with column.container(border=True, key=f"panel-{name}"):
                st.markdown(f"**{panel.title}**", help=panel.help)
                live_plot(
                    panel,
                    key=f"plot-{name}-{feed.run}",
                    revision=feed.run,
                    selected=marked,
                    on_pick=_remember(picked_key),
                )


def _remember(key: str) -> Callable[[str], None]:
    def remember(id: str) -> None:
        st.session_state[key] = id

    return remember


def _selection(feed: Feed, view: RunView, selected: str) -> None:
    candidate = view.candidates.get(selected)
    with st.container(horizontal=True, vertical_alignment="center", key="selection"):
        if candidate is None:
            st.caption("Click a design in a chart to see it here.")
            return
        value = "not measured yet" if candidate.value is None else f"{candidate.value:.4g}"
        who = "the reference" if candidate.branch == REFERENCE else policy_name(candidate.branch)
        st.markdown(f"Selected **{selected}** · value **{value}** · round {candidate.round}, {who}", width="content")
        st.page_link(
            CANDIDATES,
            label=f"Open {selected}",
            icon=":material/open_in_new:",
            query_params={"run": feed.run, "id": selected},
        )


page()
