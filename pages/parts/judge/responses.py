"""Two responses as a judge sees them: drawn where the run has a problem, plain text otherwise, never markup."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.parts.drawing import drawn, show_drawing
from pages.parts.look import Look
from pages.parts.text import visible
from poets_core.types import ProblemInfo

LONGEST = 20_000
"""Characters of one response that are shown."""


def response(text: str, letter: str, info: ProblemInfo | None, look: Look) -> None:
    """Draw one response.

    Args:
        text: what a policy wrote; in a run with a problem its design.
        letter: what it is called on the page, ``"A"`` or ``"B"``.
        info: the problem's facts; None where there is no problem.
        look: colours.
    """
    if not text.strip():
        st.caption("Nothing: this response is empty.")
        return
    shown = visible(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
    if drawing := drawn(shown, info, look, narrow=True):
        show_drawing(replace(drawing, note="", key=""), f"Response {letter}: ")
        with st.expander("As text", key=f"as-text-{letter}"):
            st.code(shown, language=None)
    else:
        st.text(shown)


def prompt(text: str) -> None:
    """Show what both policies were asked, as plain text."""
    with st.container(border=True):
        st.text(visible(text[:LONGEST]))
