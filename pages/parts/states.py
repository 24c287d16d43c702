"""The states of a run in plain words: a badge, a sentence, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from pages.parts.text import plain as plain  # most pages take their words from here
from poets_core.runs.doing import Doing, Step
from poets_core.types import round_number

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]


@dataclass(frozen=True)
class State:
    """How one state of a run is shown.

    Attributes:
        word: the badge's text.
        icon: Material icon, so that colour is not the only sign.
        colour: the badge's colour.
        says: one sentence for people who have not read the manual.
        polls: seconds between two looks at the run; None: it will not change by itself.
        offers: commands that make sense now (Resume is `RunStatus.resumable`).
    """

    word: str
    icon: str
    colour: Colour
    says: str
    polls: float | None
    offers: tuple[str, ...] = ()


STATES: dict[str, State] = {
    "starting": State(
        "starting", "hourglass_top", "blue", "The worker is starting: programs, problem, model.", 2, ("stop",)
    ),
    "running": State(
        "running", "play_circle", "green", "Proposing, measuring and learning, round by round.", 2, ("pause", "stop")
    ),
    "pausing": State(
        "pausing…", "pending", "orange", "Asked to pause. The worker stops when the current step is done.", 2, ("stop",)
    ),
    "paused": State(
        "paused", "pause_circle", "orange", "Nothing is computed until you resume; everything is kept.", 2, ("stop",)
    ),
    "stopping": State(
        "stopping…", "pending", "orange", "Asked to stop. The worker ends as soon as the current step is done.", 2
    ),
    "blocked": State(
        "waits for the store",
        "database_off",
        "orange",
        "The store is locked, full, read-only or not reachable. The worker tries again until it answers, and goes on "
        "by itself.",
        2,
        ("stop",),
    ),
    "waiting": State(
        "waiting",
        "person",
        "violet",
        "Nobody works on this run: it was not started yet, or its worker gave it back. Resume starts a worker.",
        5,
    ),
    "finished": State("finished", "check_circle", "green", "The run is complete.", None),
    "failed": State("failed", "error", "red", "The run ended with an error.", None),
    "dead": State(
        "dead", "heart_broken", "red", "The worker's process is gone. What was stored is safe: Resume goes on.", 5
    ),
    "stalled": State(
        "stalled",
        "running_with_errors",
        "red",
        "The worker's process exists but has not reported. Resuming starts another one and shuts this one out.",
        2,
    ),
}
AT_THE_LABORATORY = State(
    "waits for results",
    "science",
    "violet",
    "A batch is with the laboratory. Hand its results in on the page Measure; the run goes on by itself then.",
    10,
)
UNKNOWN = State("unknown", "help", "gray", "This version of the app does not know the state of this run.", 5)


def state_of(name: str) -> State:
    """Return how state `name` is shown; an unknown name is shown as such, not hidden."""
    return STATES.get(name, UNKNOWN)


def offers_judging(judge: str, state: str) -> bool:
    """Return whether people can judge an experiment: not after the end, and not where it broke off with an error.

    Args:
        judge: who judges, as its settings and `RunRow.method` name it.
        state: of its run.
    """
    return judge in ("person", "audit") and state not in ("finished", "failed")


def badge(name: str, *, stopped: bool = False, laboratory: bool = False) -> None:
    """Draw the badge of a state; a run that was stopped early, or whose batch is with a laboratory, says so."""
    state = AT_THE_LABORATORY if laboratory else state_of(name)
    if stopped and name == "finished":
        st.badge("stopped", icon=":material/stop_circle:", color="gray")
    else:
        st.badge(state.word, icon=f":material/{state.icon}:", color=state.colour)


def ago(seconds: float | None) -> str:
    """Write a duration in the past for people: ``"3 s ago"``, ``"2 h ago"``; ``"never"`` for None."""
    return "never" if seconds is None else f"{span(max(seconds, 0))} ago"


def span(seconds: float) -> str:
    """Write a duration for people: ``"45 s"``, ``"12 min"``, ``"3 h 20 min"``, ``"2 days"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours / 24:.0f} days"


STEPS: dict[Step, str] = {
    "problem": "loading the problem",
    "library": "training the small model on the problem's own library",
    "model": "loading the base model",
    "ask": "proposing designs",
    "evaluate": "measuring designs",
    "learn": "learning from the given data",
    "results": "waiting for results from the laboratory",
    "update": "learning from the answers",
    "rebuild": "going through what was measured before",
    "rescore": "measuring the designs of the file again",
    "export": "writing the models to files",
    "judge": "judging a pair",
    "answer": "writing responses to the prompts",
    "load": "rebuilding the models of a run",
    "play": "writing answers, and learning from their rewards",
    "assess": "judging the models on held-out prompts",
    "deploy": "comparing the models on held-out prompts",
    "verify": "loading the files back, and comparing what they say",
    "sum": "summing up, with round-robin simulated for comparison",
}
"""Steps of a worker in words; the state of the run says the others (a contest, waiting for people)."""


def doing_text(doing: Doing | None) -> str:
    """Say a worker's step in words: ``"Now: measuring designs (round 3)."``; "" if there is nothing to say."""
    if doing is None or doing.step not in STEPS:
        return ""
    at = "" if doing.round is None else f" (round {round_number(doing.round)})"
    return f"Now: {STEPS[doing.step]}{at}."
