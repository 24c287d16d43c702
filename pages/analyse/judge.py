"""Judge: two responses side by side, blind; prefer one by key or button. The address is ``?run=&judge=``."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from pages.parts.experiment.verdicts import REASONS, WAITING, toward
from pages.parts.feed import Feed, Snapshot, the_store
from pages.parts.judge.criterion import criterion, difference, parent
from pages.parts.judge.desk import Desk, desk_of
from pages.parts.judge.keys import judge_keys
from pages.parts.judge.queue import LONGEST_NAME, Sent, agreed
from pages.parts.judge.responses import prompt, response
from pages.parts.judge.seats import seats
from pages.parts.links import JUDGE, POLICIES
from pages.parts.look import current_look
from pages.parts.run.controls import explain
from pages.parts.skeleton import feed_of_address, nothing, polls, redrawn, store_errors, store_problem
from pages.parts.states import badge, offers_judging, plain
from pages.parts.text import plain_error
from pages.parts.words import times
from poets_core.errors import PoetsError
from poets_core.runs.views.experiment import ExperimentView, PairView
from poets_core.spec import ExperimentSettings, ExperimentSpec

POLL = 1.0
"""Seconds between two looks while somebody judges: the next pair should not keep people waiting."""
LONG, TALL = 1500, 480
"""Characters of a response from which it scrolls, and the height it then has, pixels."""
AUDITED = (
    "You audit a judge: some of its verdicts come here, drawn at random, and what it said stays hidden. Skip counts as "
    "“equally good”: a pair that is left out would favour somebody."
)
KEYS = "Keys: **1** or **←** for A, **2** or **→** for B, **0** or **t** for a tie, **s** to skip, **u** to undo."


def page() -> None:
    """Draw the page."""
    if not st.query_params.get("run"):
        _choose()
        return
    feed = feed_of_address("Judge")
    spec = feed.spec.experiment if isinstance(feed.spec, ExperimentSpec) else None
    if spec is None or not spec.people:
        nothing("Nobody is asked to judge this run.", POLICIES, "Experiments", ":material/leaderboard:", title="Judge")
        return
    judge = _judge()
    redrawn(
        feed,
        lambda _: _judging(feed, spec, judge),
        reading="Reading the experiment…",
        every=lambda state: POLL if state == "running" else polls(state),
    )


def _choose() -> None:
    """Lead to the experiments that wait for people."""
    st.title("Judge", anchor=False)
    with store_errors():
        rows = [r for r in the_store().runs(kind="experiment") if offers_judging(r.method, r.state)]
    if not rows:
        nothing(
            "No experiment waits for a person's judgement. Start one on the page Policies.",
            POLICIES,
            "Go to the policies",
        )
        return
    st.write("These experiments wait for people's verdicts:")
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            name = f"{plain(row.label or row.problem)} · {row.calls:,} of at most {row.budget:,} · {plain(row.id[-4:])}"
            st.page_link(JUDGE, label=name, icon=":material/gavel:", query_params={"run": row.id})
            badge(row.state, stopped=row.status.reason == "stopped")


def _judge() -> str:
    """Return who judges, out of the address; "" while nobody has said."""
    judge = st.query_params.get("judge", "").strip()[:LONGEST_NAME]
    if judge:
        return judge

    def named() -> None:
        name = str(st.session_state["judge-name"] or "").strip()
        if name:
            st.query_params["judge"] = name

    st.title("Judge", anchor=False)
    st.write("You will see two responses to the same prompt and choose the better one. Whose they are stays hidden.")
    with st.form("who", border=True, width=420):
        st.text_input(
            "Your name",
            max_chars=LONGEST_NAME,
            key="judge-name",
            help="Kept with each of your answers, so that the agreement of judges can be seen.",
        )
        st.form_submit_button("Start judging", type="primary", on_click=named)
    st.stop()


def _judging(feed: Feed, spec: ExperimentSettings, judge: str) -> None:
    """Draw everything that changes; called again every second while somebody may judge."""
    desk = desk_of(feed.run, judge, double=spec.double_check)
    try:
        snapshot, under_way, pair, second = desk.look(feed)
    except PoetsError as error:
        store_problem(error)
        return
    view = snapshot.view.experiment or ExperimentView()
    _heading(feed, spec, snapshot, judge)
    over = view.verdict is not None or snapshot.status.state == "finished"
    judgeable = not over and snapshot.status.state in ("running", "starting", "pausing")
    if snapshot.status.state != "running" and not over:
        explain(feed, snapshot, running=WAITING, reasons=REASONS, kept="judged")
    if over:
        _over(feed, view)
    elif pair is not None and judgeable:
        _pair(feed, spec, desk, snapshot, pair, second)
    elif judgeable:
        _nothing_open(snapshot, view, spec, desk, under_way)
    if judgeable:
        _answers(feed, desk, pair)
    _said(desk)
    # Always mounted: a component that comes and goes would lose its listener and the keys pressed in between.
    judge_keys(
        key=f"keys-{feed.run}",
        index=pair.index if pair is not None and judgeable else -1,
        undo=judgeable and bool(desk.own),
        turn=desk.turn,
        on_answer=lambda index, outcome: desk.answer(feed, index, outcome),
    )
    _progress(view, spec, judge, desk)
    if spec.audit and view.verdict is None:
        st.caption(AUDITED)


def _heading(feed: Feed, spec: ExperimentSettings, snapshot: Snapshot, judge: str) -> None:
    # Its policies would not be blind: without a name it is called by what is compared.
    about = feed.spec.label or feed.spec.about
    others = seats().others(feed.run, judge)
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title("Judge", anchor=False, width="content")
        badge(snapshot.status.state, stopped=snapshot.status.reason == "stopped")
        st.caption(plain(about), width="content")
        st.space("stretch")
        shared = f" · {'with' if spec.double_check else 'sharing with'} {plain(', '.join(others))}" if others else ""
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.caption(f"You are **{plain(judge)}**{shared}", width="content")
            if st.button("Change", type="tertiary", key="change-judge", help="Judge under another name."):
                del st.query_params["judge"]
                st.rerun(scope="app")


def _over(feed: Feed, view: ExperimentView) -> None:
    if view.verdict is None:
        st.info("This experiment has ended without a verdict.", icon=":material/flag:")
    else:
        words = {
            "winner": "The best policy is known.",
            "top": "The best policies are known.",
            "none": "No policy beats all others.",
            "undecided": "Undecided.",
        }
        st.success(f"The verdict is in. {words[view.verdict.kind]} Thank you.", icon=":material/emoji_events:")
    st.page_link(POLICIES, label="See the verdict", icon=":material/leaderboard:", query_params={"run": feed.run})


def _pair(feed: Feed, spec: ExperimentSettings, desk: Desk, snapshot: Snapshot, pair: PairView, second: bool) -> None:
    """Draw the pair with its buttons."""
    if second:
        st.info(
            "Second opinion: another judge has judged this pair already. Your answer shows how judges agree; it does "
            "not count as a comparison.",
            icon=":material/group:",
        )
    info, look = snapshot.view.info, current_look()
    prompted = bool(pair.prompt.strip())
    criterion(spec.criterion, info, prompted=prompted)
    if prompted:
        prompt(pair.prompt)
    parent(info, look)
    # Long responses scroll, so that buttons and progress stay in sight.
    height: int | Literal["stretch"] = TALL if max(map(len, pair.responses)) > LONG else "stretch"
    for column, letter, text in zip(st.columns(2), "AB", pair.responses, strict=True):
        with column, st.container(border=True, height=height, key=f"response-{letter}"):
            st.header(letter, anchor=False)
            difference(text, info)
            response(text, letter, info, look)
    for column, outcome, letter, key in zip(st.columns(2), ("first", "second"), "AB", "12", strict=True):
        with column:
            _button(feed, desk, pair.index, outcome, f"{letter} is better", key, primary=True)


def _answers(feed: Feed, desk: Desk, pair: PairView | None) -> None:
    """Draw the answers that prefer neither, and what takes back the last one."""
    with st.container(horizontal=True, horizontal_alignment="center", key="answers"):
        if pair is not None:
            _button(feed, desk, pair.index, "tie", "Equally good", "0")
            _button(feed, desk, pair.index, "skip", "Skip", "s")
        if desk.own:
            _button(feed, desk, -1, "undo", "Undo", "u")
    if pair is not None:
        st.caption(KEYS, text_alignment="center")


def _button(feed: Feed, desk: Desk, index: int, outcome: str, label: str, key: str, *, primary: bool = False) -> None:
    st.button(
        f"{label} :gray-badge[{key}]" if not primary else f"{label} · {key}",
        type="primary" if primary else "secondary",
        key=f"answer-{outcome}",
        width="stretch" if primary else "content",
        on_click=desk.answer,
        args=(feed, index, outcome),
    )


def _nothing_open(
    snapshot: Snapshot, view: ExperimentView, spec: ExperimentSettings, desk: Desk, under_way: Sent
) -> None:
    """Say why there is nothing to judge, and what is going on instead."""
    doing = snapshot.status.doing
    others = [plain(name) for name in seats().others(desk.run, desk.judge)]
    if under_way.answers:
        text, icon = "Your answer is on its way; the next pair comes as soon as it is taken in.", "sync"
    elif snapshot.status.state == "starting":
        text, icon = "The worker is starting. The first pair appears here when there are responses to judge.", "sync"
    elif doing is not None and doing.step == "answer":
        policy, item = doing.numbers
        text = (
            f"The model still writes: response {item + 1:,} of {spec.items:,} to prompt {policy + 1} of "
            f"{len(spec.policies)}. Judging begins when all are written."
        )
        icon = "edit_note"
    elif doing is not None and doing.step == "load":
        text, icon = "The models of the run are being rebuilt, to write designs. Then the first pair appears.", "sync"
    elif spec.audit and doing is not None and doing.step == "judge":
        text, icon = "The model judges pair after pair; the next one that is drawn for you appears here.", "balance"
    elif not view.pairs:
        text, icon = "The first pair is being made. It appears here.", "hourglass_empty"
    elif view.open and others:
        text = f"Every open pair is with another judge ({', '.join(others)}). The next one that is made comes here."
        icon = "group"
    else:
        text, icon = "The next pair is being made. It appears here.", "hourglass_empty"
    st.info(text, icon=f":material/{icon}:")


def _said(desk: Desk) -> None:
    """Say what became of the last answer."""
    if desk.problem:
        st.error(plain_error(desk.problem), icon=":material/error:")
    if desk.before is not None:
        st.info("Taking back your last answer…", icon=":material/undo:")
    elif desk.undone:
        st.info(desk.undone, icon=":material/undo:")


def _progress(view: ExperimentView, spec: ExperimentSettings, judge: str, desk: Desk) -> None:
    """Draw how far the verdict is, without a word about who leads."""
    if view.verdict is None:
        share, text = toward(view.metrics, spec)
        st.progress(share, text=text)
    shared, equal = agreed(view, judge)
    words = [f"You have judged {times(len(desk.own), 'pair')}", f"{times(view.comparisons, 'comparison')} in all"]
    if shared:
        words.append(f"others agree with you on {equal} of {times(shared, 'shared pair')}")
    st.caption(" · ".join(words))


page()
