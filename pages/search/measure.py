"""Measure: a batch goes to the laboratory, its results come back. The address is ``?run=``."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.feed import Feed, Snapshot, the_store
from pages.parts.links import CANDIDATES, LAUNCH, LIVE, MEASURE
from pages.parts.measure.batch import batch_panel, history
from pages.parts.measure.desk import bench_of, weak_signal
from pages.parts.measure.intake import go_on, intake_panel
from pages.parts.measure.others import others_panel
from pages.parts.run.controls import explain
from pages.parts.skeleton import feed_of_address, not_obeyed, nothing, obeyed, polls, store_errors
from pages.parts.states import badge
from pages.parts.text import plain
from pages.parts.words import number, times
from poets_core.runs.laboratory.bench import Bench
from poets_core.spec import SearchSpec
from poets_core.types import round_number

CHOICE = 100
"""Runs that are looked through for batches that are out."""


def page() -> None:
    """Draw the page."""
    if not st.query_params.get("run"):
        _choose()
        return
    feed = feed_of_address("Measure")
    if not isinstance(feed.spec, SearchSpec):
        nothing("This run is no search.", LIVE, "Go to the runs", title="Measure")
        return
    with store_errors():
        snapshot = feed.snapshot(fresh=True)
    _heading(feed, snapshot)
    info = snapshot.view.info
    if info is not None and info.answered_by != "people":
        nothing(
            "A program answers this run: there is nothing to hand in.", LIVE, "See the run", address={"run": feed.run}
        )
        return
    if snapshot.status.active or info is None:
        _at_work(feed, snapshot)
        if info is None:
            return
    elif snapshot.status.state in ("failed", "dead"):
        explain(feed, snapshot)
    with store_errors():
        bench = bench_of(feed)
    _body(feed, snapshot, bench)


def _choose() -> None:
    """Lead to the runs that wait for a laboratory."""
    st.title("Measure", anchor=False)
    with store_errors():
        rows = [r for r in the_store().runs(limit=CHOICE) if r.status.awaits_results]
    if not rows:
        nothing(
            "No run waits for a laboratory. Start a campaign in Launch: it proposes a batch, and you hand its results "
            "in here.",
            LAUNCH,
            "Start a campaign",
            ":material/rocket_launch:",
        )
        return
    st.write("These runs wait for results:")
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            batch = round_number(row.status.doing.numbers[0]) if row.status.doing else 1
            name = (
                f"{plain(row.label or row.problem)} · batch {batch} · {row.calls:,} of {row.budget:,} · {row.id[-4:]}"
            )
            st.page_link(MEASURE, label=name, icon=":material/science:", query_params={"run": row.id})
            badge(row.state, laboratory=True)


def _heading(feed: Feed, snapshot: Snapshot) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title("Measure", anchor=False, width="content")
        badge(snapshot.status.state, laboratory=snapshot.status.awaits_results)
        name = plain(feed.spec.label or feed.spec.problem.name)
        st.page_link(
            LIVE, label=f"Back to the run {name}", icon=":material/monitoring:", query_params={"run": feed.run}
        )
        st.page_link(CANDIDATES, label="Candidates", icon=":material/table:", query_params={"run": feed.run})
    objective = snapshot.view.objective
    way = "more is better" if objective.direction == "maximise" else "less is better"
    unit = f" in {objective.unit}" if objective.unit else ""
    st.caption(f"{name} · run {plain(feed.run)} · {plain(objective.name + unit)}, {way}")


@st.fragment(run_every=1)
def _at_work(feed: Feed, before: Snapshot) -> None:
    """Say what the worker does, until it has left; then the page starts over."""
    snapshot = feed.snapshot()
    if not snapshot.status.active and (snapshot.view.info is not None or snapshot.status.state == "failed"):
        st.rerun(scope="app")
    explain(feed, snapshot, running="Learning from the results and proposing the next batch.")
    if polls(snapshot.status.state) is None:
        st.caption("Nothing changes here by itself.")


def _body(feed: Feed, snapshot: Snapshot, bench: Bench) -> None:
    batch = bench.last
    if batch is None:
        if not snapshot.status.active:
            st.info("This run has not proposed a batch yet. Start it on its page.", icon=":material/hourglass_empty:")
        return
    _so_far(bench)
    weak = weak_signal(feed)
    if weak:
        st.warning(plain(" ".join(weak), 900), icon=":material/signal_cellular_nodata:")
        st.caption(
            "So far the ranking of designs may be an accident. More replicates, or designs that are far apart, tell "
            "more: under “Other designs in place of some”, choose all of them and “far apart”."
        )
    left, right = st.columns([3, 2])
    with left.container(border=True, key="batch"):
        batch_panel(feed, bench, batch)
    with right:
        with st.container(border=True, key="intake"):
            intake_panel(feed, bench)
        with st.container(border=True, key="next"):
            _next(feed, snapshot, bench)
    if bench.campaign.open is not None:
        with st.container(border=True, key="others"):
            others_panel(feed, bench, bench.campaign.open, lambda body: _send(feed, "reject", body))
    history(bench)


def _so_far(bench: Bench) -> None:
    """Say in a line what is known."""
    view = bench.view
    best = view.best
    batches = times(len(view.rounds), "batch", "batches")
    known = f"{times(len(view.given), 'design')} given, {view.calls:,} measured in {batches}"
    if best is not None:
        texts = bench.texts(best.design)
        name = next(iter(texts.values()), best.design)
        parent = view.info.facts.get("wild_type_value") if view.info else None
        against = f", the parent {number(parent)}" if isinstance(parent, int | float) else ""
        known += f" · best so far {plain(name, 80)}: {number(best.value)}{against}"
    st.caption(known)
    if said := _held(bench):
        st.caption(said)


def _held(bench: Bench) -> str:
    """Say how many predictions of the last complete batch held; "" where nothing was predicted."""
    done = [b for b in bench.campaign.batches.values() if b.complete]
    if not done:
        return ""
    told = [
        c
        for id in done[-1].candidates
        if (c := bench.view.candidates[id]).value is not None and c.expected_low is not None
    ]
    held = sum(
        c.expected_low <= c.value and (c.expected_high is None or c.value <= c.expected_high)  # type: ignore[operator]
        for c in told
    )
    return (
        f"Of {times(len(told), 'prediction')} of batch {round_number(done[-1].round)}, {held} held (want 95 %)."
        if told
        else ""
    )


def _next(feed: Feed, snapshot: Snapshot, bench: Bench) -> None:
    """Draw how the campaign goes on: the next batch, more or fewer of them, or the end."""
    st.header("How it goes on", anchor=False)
    batch, view = bench.campaign.open, bench.view
    budget = bench.campaign.budget or (feed.spec.budget.rounds, feed.spec.budget.batch)
    if batch is not None:
        missing = len(batch.missing())
        later = "The next batch is proposed as soon as every design has a result." if missing else ""
        st.write(f"Batch {round_number(batch.round)} of {budget[0]} is out. {later}")
        with st.popover("Go on without the rest" if missing else "Propose the next batch", icon=":material/skip_next:"):
            st.write(
                f"{times(missing, 'design')} without a result stay unknown: nothing is learnt from them, and they may "
                "be proposed again. Results that come later are taken all the same."
                if missing
                else "The search learns from this batch and proposes the next one."
            )
            if st.button("Yes, go on", type="primary", key="next-yes"):
                _send(feed, "next", {"round": batch.round})
        with st.popover("End the campaign", icon=":material/stop:"):
            st.write("Results are kept and the models are exported. Resume on the page Live goes on with this batch.")
            if st.button("Yes, end it", key="end-yes"):
                _send(feed, "stop", {})
    else:
        st.write(
            f"All {len(view.rounds)} batches are measured. Corrections are still taken, and more batches can be added."
        )
    with st.form("budget", border=False):
        with st.container(horizontal=True):
            least = max(1, len(bench.campaign.batches))
            rounds = st.number_input(
                "Batches in all", least, 1000, max(budget[0], least), key=f"rounds-{feed.run}", width=150
            )
            size = st.number_input("Designs in each coming one", 1, 4096, budget[1], key=f"size-{feed.run}", width=190)
        if st.form_submit_button("Change the plan", icon=":material/edit:") and (int(rounds), int(size)) != tuple(
            budget
        ):
            _send(feed, "budget", {"rounds": int(rounds), "batch": int(size)})
    not_obeyed(_kept(feed))


def _send(feed: Feed, command: str, body: dict[str, Any]) -> None:
    def do() -> None:
        feed.store.send(feed.run, command, body)  # type: ignore[arg-type]
        go_on(feed)

    if obeyed(do, "That", _kept(feed)):
        st.rerun(scope="app")


def _kept(feed: Feed) -> str:
    return f"order-not-taken-{feed.run}"


page()
