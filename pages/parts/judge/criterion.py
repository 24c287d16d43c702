"""What a judge of designs should know: what counts as better, the parent, and what differs from it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from domains.catalog import science
from pages.parts.drawing import drawn, show_drawing
from pages.parts.look import Look
from pages.parts.run.naming import said
from pages.parts.text import plain, plain_error
from pages.parts.words import number, quantity
from poets_core.types import ProblemInfo


def criterion(own: str, info: ProblemInfo | None, *, prompted: bool) -> None:
    """Say what counts as better.

    Args:
        own: what whoever started the experiment has said; "" for nothing.
        info: the problem's facts; None where there is no problem.
        prompted: whether a prompt stands above the responses.
    """
    if prompted or info is None:
        question = "Which response answers this better?" if prompted else "Which is better?"
        st.header(question, anchor=False)
        st.text(own or "Nobody has said what counts as better: judge as you would for yourself.")
        return
    known = science(info.name)
    st.header(f"Which {plain(known.design) if known else 'design'} is better?", anchor=False)
    if own:
        st.text(own)
    else:
        goal = info.objectives[0]
        unit = f" (in {plain(goal.unit)})" if goal.unit else ""
        way = "smaller" if goal.direction == "minimise" else "larger"
        st.markdown(
            f"The one with the **{way} {plain(quantity(goal.name))}**{unit}, as you expect it · {plain(info.title)}"
        )


def difference(design: str, info: ProblemInfo | None) -> None:
    """Say what a design is: its mutations where there is a parent, its figures where its science has some."""

    def failed(error: Exception) -> None:
        st.caption(f"Naming it failed: {plain_error(str(error) or type(error).__name__)}")

    found = said(design, info, failed=failed)
    if found is None:
        return
    figures = ", ".join(f"{number(v)} {k}" for k, v in found.figures.items() if v is not None)
    words = found.name or figures
    if words:
        st.text(f"{words} (against the parent)" if parent_of(info) and found.name else words)


def parent_of(info: ProblemInfo | None) -> str:
    """Return the design that others are mutations of; "" where there is none."""
    return "" if info is None else str(info.facts.get("wild_type") or "")


def parent(info: ProblemInfo | None, look: Look) -> None:
    """Draw the design that both were mutated from, where there is one."""
    design = parent_of(info)
    if not design:
        return
    with st.container(border=True, key="parent"):
        st.caption("Parent: the design that both are compared with")
        if drawing := drawn(design, info, look, narrow=False):
            show_drawing(replace(drawing, note=""), "Parent: ")  # it says how a design differs from the parent
        else:
            st.text(design)
