"""Live: one run as it goes, the best design first, with its controls. The address is ``?run=``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from domains.catalog import entries, science
from pages.parts.feed import Feed, Snapshot
from pages.parts.links import CANDIDATES, COMPARE, LEARN, MEASURE, POLICIES, RUNS, VARIANTS
from pages.parts.live_plot import live_plot
from pages.parts.look import Look, current_look
from pages.parts.measure.desk import weak_signal
from pages.parts.panel import Panel
from pages.parts.run import charts
from pages.parts.run.best import design_panel, top_ten
from pages.parts.run.contest_panel import contest_panels, deploy
from pages.parts.run.controls import controls, explain, heading
from pages.parts.run.overlays import Reference, with_references, with_soft_regret
from pages.parts.run.predicted import predictions
from pages.parts.run.references import choose_references, known_beside, references
from pages.parts.run.verdict import peak_sentence, verdict
from pages.parts.skeleton import card, feed_of_address, nothing, redrawn
from pages.parts.states import plain, span
from pages.parts.words import MEASUREMENTS, MEASUREMENTS_HELP, MODEL_HELP, number, times
from poets_core.runs.status import RunStatus
from poets_core.runs.views.fold import RunView
from poets_core.runs.views.peak import past_peak
from poets_core.spec import ExperimentSpec, RewardsSpec, SearchSpec

EXPERTS = ("disagreement", "matrix", "branches")
CONTEST = ("contest", "contest-effort")
MARKED = ("progress", "predictions")
"""Panels whose points are designs: they can be picked there, and the one that was is marked."""
FIRST = 330
"""Pixels of the first chart: it is seen whole at 1280 x 800, beside the best design."""


def page() -> None:
    """Draw the page."""
    feed = feed_of_address("Live")
    if isinstance(feed.spec, ExperimentSpec):
        st.switch_page(POLICIES, query_params={"run": feed.run})
    if isinstance(feed.spec, RewardsSpec):
        st.switch_page(LEARN, query_params={"run": feed.run})
    if not isinstance(feed.spec, SearchSpec):
        nothing("This run is a task, not a search.", RUNS, "Go to the runs", title="Live")
        return
    redrawn(feed, lambda snapshot: _run(feed, snapshot))


def _run(feed: Feed, snapshot: Snapshot) -> None:
    """Draw everything that changes; called again every two seconds while the run is at work."""
    view, look = snapshot.view, current_look()
    _heading(feed, snapshot)
    explain(feed, snapshot, facts=_facts(feed, view))
    _progress(feed, snapshot)
    if peak := past_peak(view):
        st.warning(plain(peak_sentence(view, peak)), icon=":material/trending_down:")
    if view.info is not None and view.info.answered_by == "people" and (weak := weak_signal(feed)):
        st.warning(plain(" ".join(weak), 900), icon=":material/signal_cellular_nodata:")
    if winner := deploy(view):
        st.info(winner, icon=":material/emoji_events:")
    if snapshot.status.state == "failed" and not view.candidates:
        return  # nothing will come that could be drawn
    rows = known_beside(feed)
    beside = references(feed, rows)
    picked = str(st.session_state.get(_picked(feed), ""))
    pick = _remember(_picked(feed))
    draw = _drawer(feed, look, picked if picked in view.candidates else "", beside)
    left, right = st.columns([2, 3])
    with left.container(border=True, key="best", height="stretch"):
        design_panel(feed, view, look, picked, lambda: pick(""), [verdict(view, beside)])
    with right:
        draw("progress", height=FIRST)
    choose_references(feed, rows)
    _rest(feed, view, draw, picked, pick)


def _title(feed: Feed) -> str:
    return {e.name: e.title for e in entries()}.get(feed.spec.problem.name, feed.spec.problem.name)


def _heading(feed: Feed, snapshot: Snapshot) -> None:
    title = feed.spec.label or _title(feed)
    heading(title, snapshot.status, [], lambda: controls(feed, snapshot.status, lambda: _links(feed)))


def _facts(feed: Feed, view: RunView) -> list[str]:
    spec = feed.spec
    return [
        _title(feed) if spec.label else spec.problem.name,
        _method(feed, view),
        f"base model {spec.backbone.source}",
        f"device {view.device or 'not known yet'}",
        f"seed {spec.seed}",
        f"run {feed.run}",
    ]


def _method(feed: Feed, view: RunView) -> str:
    """Return the method, and how an ensemble learns where that is not step by step."""
    search = feed.spec.search
    exactly = " that learn exactly" if charts.learnt_exactly(view) else ""
    return f"POETS, {times(search.policies, 'model')}{exactly}" if search.ensemble else search.title


def _links(feed: Feed) -> None:
    st.page_link(CANDIDATES, label="Candidates", icon=":material/science:", query_params={"run": feed.run})
    info = feed.snapshot().view.info
    if info is not None and info.answered_by == "people":
        st.page_link(MEASURE, label="Measure", icon=":material/experiment:", query_params={"run": feed.run})
    known = science(feed.spec.problem.name)
    if known is not None and known.views:
        st.page_link(VARIANTS, label="Variants", icon=":material/grid_on:", query_params={"run": feed.run})
    same = {"problem": feed.spec.problem.name}
    if feed.spec.search.ensemble and feed.snapshot().status.state == "finished":
        begin = {"new": "branches", "from": feed.run}
        st.page_link(POLICIES, label="Which model is best?", icon=":material/leaderboard:", query_params=begin)
    st.page_link(COMPARE, label="Compare with others", icon=":material/ssid_chart:", query_params=same)


def _progress(feed: Feed, snapshot: Snapshot) -> None:
    view, budget = snapshot.view, feed.spec.budget
    done = f"{len(view.rounds)} of {times(budget.rounds, 'round')}, {view.calls:,} of {budget.calls:,} measurements"
    seconds = [r.seconds for r in view.rounds[-5:] if r.seconds is not None]
    left = budget.rounds - len(view.rounds)
    if snapshot.status.state == "running" and seconds and left > 0:
        done += f" · about {span(left * sum(seconds) / len(seconds))} left at the pace of the last rounds"
    elif snapshot.status.state == "finished":
        done += f" in {span(view.last - view.started)}{_ended_early(snapshot.status, left)}"
    if said := view.calls_in_words:
        done += f" · {said}"
    st.progress(min(view.calls / max(budget.calls, 1), 1.0), text=done)


def _ended_early(status: RunStatus, left: int) -> str:
    """Say why a finished run has rounds left, though its bar may be full."""
    if left <= 0:
        return ""
    why = {
        "exhausted": "no new design was left to measure",
        "stopped": "it was stopped",
        "budget": "the contests took the other measurements",
    }.get(status.reason)
    return f" · ended {times(left, 'round')} early" + (f": {why}" if why else "")


def _figures(feed: Feed, view: RunView) -> None:
    """Four figures of the run, two a row."""
    means = [m for m in view.round_means if m is not None]
    held, valid = view.metrics.get("coverage"), view.valid_fraction
    one, two = st.columns(2), st.columns(2)
    with one[0]:
        done = f"{view.calls / feed.spec.budget.calls:.0%} of {feed.spec.budget.calls:,}"
        card(MEASUREMENTS, f"{view.calls:,}", done, MEASUREMENTS_HELP)
    with one[1]:
        change = f"{number(means[-1] - means[0], 3)} since the first" if len(means) > 1 else None
        card("Mean of the last round", number(means[-1]) if means else None, change, "Of its valid designs.")
    with two[0]:
        new = None if view.unique_fraction is None else f"{view.unique_fraction:.0%} distinct"
        card("Valid designs", None if valid is None else f"{valid:.0%}", new, "Share of all measurements.")
    with two[1]:
        text = f"{held:.0%}" if isinstance(held, int | float) else None
        help = "Share of the last round's measurements that fell within two spreads of what was expected."
        card("Predictions that held", text, "want 95 %" if text else None, help)


def _panel(name: str, feed: Feed, snapshot: Snapshot, look: Look, selected: str) -> Panel:
    view = snapshot.view
    if name == "progress":
        return charts.progress(view, look, feed.spec.budget.batch, selected)
    if name == "regret":
        return with_soft_regret(charts.regret(view, look), view, look, feed.spec.budget.batch)
    if name == "disagreement":
        return charts.disagreement(view, look, max(1, int(feed.spec.search.policies)))
    if name == "predictions":
        return predictions(view, look, selected)
    if name == "matrix":
        return charts.branch_matrix(view, look)
    if name in CONTEST:
        return contest_panels(view, look)[CONTEST.index(name)]
    return charts.branches(view, look, snapshot.chosen)


Drawer = Callable[..., None]


def _drawer(feed: Feed, look: Look, picked: str, beside: Sequence[Reference]) -> Drawer:
    """Return what draws one panel by its name; a click on a design in one marks it in all."""

    def draw(name: str, height: int = 300) -> None:
        marked = picked if name in MARKED else ""
        panel = feed.drawn((name, look.dark, marked), lambda s: _panel(name, feed, s, look, marked))
        panel = with_references(panel, beside, look)
        with st.container(border=True, key=f"panel-{name}"):
            st.header(panel.title, anchor=False, help=panel.help)
            if panel.note:
                st.caption(panel.note)
            live_plot(
                panel,
                key=f"plot-{name}-{feed.run}",
                revision=feed.run,
                selected=marked,
                on_pick=_remember(_picked(feed)) if name in MARKED else None,
                height=height,
            )

    return draw


def _rest(feed: Feed, view: RunView, draw: Drawer, picked: str, pick: Callable[[str], None]) -> None:
    """The other panels, two a row; what only experts read is folded, and not even made while it is."""
    search = feed.spec.search

    def best() -> None:
        with st.container(border=True, key="top"):
            top_ten(feed, view, picked, pick)

    def figures() -> None:
        with st.container(key="figures"):
            _figures(feed, view)

    shown: list[Callable[[], None]] = [best, lambda: draw("regret")]
    shown += [lambda: draw("predictions")] if search.predicts else []
    shown += [lambda name=name: draw(name) for name in CONTEST] if feed.spec.contest is not None else []  # type: ignore[misc]
    _pairs([*shown, figures])
    if not search.ensemble:
        return
    folded = st.expander("For experts: how the models differ", key=f"experts-{feed.run}", on_change="rerun")
    with folded:
        if folded.open:
            st.caption(plain(" ".join(filter(None, (MODEL_HELP, charts.fit_in_words(view)))), 900))
            _pairs([lambda name=name: draw(name) for name in EXPERTS])  # type: ignore[misc]


def _pairs(draws: Sequence[Callable[[], None]]) -> None:
    for i in range(0, len(draws), 2):
        for column, draw in zip(st.columns(2), draws[i : i + 2], strict=False):
            with column:
                draw()


def _picked(feed: Feed) -> str:
    return f"picked-{feed.run}"


def _remember(key: str) -> Callable[[str], None]:
    def remember(id: str) -> None:
        st.session_state[key] = id

    return remember


page()
