"""Sampled answers side by side: one prompt, the untrained model and every model; as text, never as markup."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.text import one_line, plain, visible
from pages.parts.words import model, number, times
from poets_core.runs.reward_events import SampledAnswer, ShownPrompt
from poets_core.runs.views.rewards import RewardsView

A_ROW = 2
"""Answers that stand side by side."""
SOLVED = 1.0 - 1e-9


def samples(view: RewardsView, run: str) -> None:
    """Draw the choice of a prompt and its answers."""
    st.header("Answers, side by side", anchor=False)
    if not view.prompts:
        st.caption("No prompts are shown: the run was told to keep none, or has not begun.")
        return
    numbers = list(range(len(view.prompts)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = st.selectbox(
            "Prompt",
            numbers,
            format_func=lambda k: f"{k + 1}. {one_line(view.prompts[k].prompt, 80)}",
            key=f"sample-{run}",
        )
    at = at if at in numbers else 0
    shown = view.prompts[at]
    _prompt(shown)
    rows = [a for a in (*view.untrained_answers, *view.answers) if a.shown == at]
    if not rows:
        st.info("No model has answered it yet.", icon=":material/hourglass_top:")
        return
    if view.answered is not None:
        st.caption(
            f"One answer of each, with the same random numbers, after {times(view.answered + 1, 'round')}: "
            "where two are equal, their models still agree."
        )
    for first in range(0, len(rows), A_ROW):
        for column, answer in zip(st.columns(A_ROW), rows[first : first + A_ROW], strict=False):
            with column.container(border=True, height="stretch", key=f"answer-{at}-{answer.branch}"):
                _answer(answer)


def _prompt(shown: ShownPrompt) -> None:
    facts = ["held out" if shown.held_out else "a training prompt"]
    facts += [f"level {shown.level}"] if shown.level else []
    facts += [f"right: {one_line(shown.answer, 200)}"] if shown.answer else []
    st.text(visible(shown.prompt))
    st.caption(" · ".join(plain(fact) for fact in facts))


def _answer(answer: SampledAnswer) -> None:
    st.markdown(f"**{plain(model(answer.branch).capitalize())}**")
    st.text(visible(answer.text) if answer.text.strip() else "(an empty answer)")
    if answer.cut:
        st.caption("cut: the answer is longer")
    words, icon = reward_words(answer)
    st.badge(words, icon=icon, color="green" if words == "right" else "gray")
    if answer.reason:
        st.caption(plain(answer.reason))


def reward_words(answer: SampledAnswer) -> tuple[str, str]:
    """Return what a badge says of an answer, and its sign: colour is not all that tells them apart."""
    if answer.reward is None:
        return "no reward", ":material/help:"
    if answer.reward >= SOLVED:
        return "right", ":material/check:"
    return (f"reward {number(answer.reward, 3)}", ":material/close:" if answer.reward == 0 else ":material/contrast:")


def as_rows(view: RewardsView) -> Sequence[dict[str, object]]:
    """Return the answers as rows of a table: prompt, who, text, reward, reason."""
    return [
        {
            "prompt": view.prompts[a.shown].prompt,
            "held_out": view.prompts[a.shown].held_out,
            "level": view.prompts[a.shown].level,
            "right_answer": view.prompts[a.shown].answer,
            "branch": a.branch,
            "answer": a.text,
            "reward": a.reward,
            "reason": a.reason,
        }
        for a in (*view.untrained_answers, *view.answers)
    ]
