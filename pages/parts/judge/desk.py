"""What the Judge page keeps of one judge between two draws, and how an answer leaves for the worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import streamlit as st

from pages.parts.feed import Feed, Snapshot
from pages.parts.judge.queue import WORDS, Sent, open_for, second_for, sent, told_by_others
from pages.parts.judge.seats import seats
from poets_core.errors import PoetsError
from poets_core.runs.views.experiment import ExperimentView, PairView

PATIENCE = 1.5
"""Seconds that a draw waits for the next pair after an answer; then the polling takes over."""
STEP = 0.1
"""Seconds between two looks within that time."""
SETTLE = 0.25
"""Seconds a pair must have been shown before a button answers it: a double click was meant for the last one."""


@dataclass
class Desk:
    """One judge's place at one run.

    Attributes:
        run, judge: of whom.
        turn: answers sent so far; a key that was pressed for an earlier turn does nothing.
        shown: the pair on the screen, which stays there until it is answered; None for none.
        since: when it came there, seconds of the monotonic clock.
        hurry: whether an answer has just been sent.
        before: this judge's answers when an undo was asked for; None when none is under way.
        undone: what the last undo took back, in words.
        second: whether the pair on the screen is a second opinion.
        passed: second opinions that this judge does not want to give; nobody else need know.
        double: whether every pair is to be judged by two; else judges share the pairs.
        problem: why the last answer could not be sent.
    """

    run: str
    judge: str
    turn: int = 0
    shown: int | None = None
    since: float = 0.0
    hurry: bool = False
    before: dict[int, str] | None = None
    undone: str = ""
    problem: str = ""
    own: dict[int, str] = field(default_factory=dict)
    second: bool = False
    passed: set[int] = field(default_factory=set)
    double: bool = False

    def answer(self, feed: Feed, index: int, outcome: str) -> None:
        """Send an answer; one for a pair that is not on the screen, or has only just come there, is dropped."""
        undo = outcome == "undo"
        if not undo and (index != self.shown or time.monotonic() - self.since < SETTLE):
            return
        if outcome == "skip" and self.second:
            self.passed.add(index)
            self.turn += 1
            self.shown, self.undone = None, ""
            return
        body = {"index": -1 if undo else index, "outcome": outcome, "judge": self.judge}
        try:
            feed.store.send(self.run, "judge", body)
        except PoetsError as error:
            self.problem = str(error)
            return
        self.turn += 1
        self.problem, self.undone, self.shown, self.hurry = "", "", None, True
        self.before = dict(self.own) if undo else None

    def look(self, feed: Feed) -> tuple[Snapshot, Sent, PairView | None, bool]:
        """Return the run, what is under way, the pair to show and whether it is a second opinion.

        Just after an answer, wait a moment for what the worker makes of it.

        Raises:
            StoreUnavailable: the run cannot be read.
        """
        deadline = time.monotonic() + (PATIENCE if self.hurry else 0.0)
        self.hurry = False
        while True:
            snapshot = feed.snapshot(fresh=time.monotonic() < deadline)
            view = snapshot.view.experiment or ExperimentView()
            under_way = sent(feed.store.commands(self.run, after=view.answered), self.judge, view)
            self.own = own_answers(view, self.judge) | dict(under_way.answers)
            self._settle_undo()
            pair, second = self._choose(feed, view, under_way)
            over = view.verdict is not None or snapshot.status.state in ("finished", "failed", "dead", "paused")
            ready = pair is not None and not second and self.before is None
            if ready or over or time.monotonic() >= deadline:
                self._show(pair, second)
                return snapshot, under_way, pair, second
            time.sleep(STEP)

    def _choose(self, feed: Feed, view: ExperimentView, under_way: Sent) -> tuple[PairView | None, bool]:
        """The pair that is already on the screen while it can be answered; else the next one."""
        kept = None if self.shown is None else view.pairs.get(self.shown)
        if kept is not None and not kept.skipped and kept.index not in self.own:
            if kept.outcome is None:
                seats().take(self.run, self.judge, (), kept.index)
                return kept, False
            if self.double:
                return kept, True
        waiting = {*under_way.answers, *self.passed}
        if self.double and (checked := second_for(view, self.judge, waiting)) is not None:
            return checked, True
        index = seats().take(self.run, self.judge, open_for(view, self.judge, waiting), None)
        # Another judge may have answered this pair and left it, while the worker has yet to count the answer. Asked
        # after the seat was taken: whoever leaves a pair has sent the answer before.
        while index is not None and index in told_by_others(feed.store.commands(self.run, view.answered), self.judge):
            waiting.add(index)
            index = seats().take(self.run, self.judge, open_for(view, self.judge, waiting), None)
        return (None if index is None else view.pairs[index]), False

    def _show(self, pair: PairView | None, second: bool) -> None:
        index, self.second = None if pair is None else pair.index, second
        if index != self.shown:
            self.shown, self.since = index, time.monotonic()

    def _settle_undo(self) -> None:
        if self.before is None:
            return
        gone = [i for i in self.before if i not in self.own]
        if gone:
            word = WORDS[self.before[gone[-1]]]
            self.undone = f"Taken back: “{word}”, your answer to pair {gone[-1]}. It counts no longer."
            self.before = None


def own_answers(view: ExperimentView, judge: str) -> dict[int, str]:
    """Return a judge's answers that count, by pair."""
    return {p.index: p.opinions[judge] for p in view.pairs.values() if judge in p.opinions}


def desk_of(run: str, judge: str, *, double: bool = False) -> Desk:
    """Return this browser's desk of a judge at a run; see `Desk` for `double`."""
    key = f"desk-{run}-{judge}"
    if key not in st.session_state:
        st.session_state[key] = Desk(run, judge, double=double)
    desk: Desk = st.session_state[key]
    return desk
