"""One candidate: its drawing, its numbers and where it came from."""

from __future__ import annotations

import streamlit as st

from domains.catalog import science
from pages.parts.drawing import drawn, show_drawing
from pages.parts.look import Look
from pages.parts.run.expected import RANGE_HELP, expected_range, figure
from pages.parts.text import plain, visible, visible_tree
from poets_core.runs.views.fold import CandidateView, RunView

SOURCES = {
    "branch": "written by a branch",
    "edit": "an edit of a good design",
    "reference": "written by the reference model",
    "space": "chosen out of the whole space",
    "contest": "written by a branch for a contest between branches",
}


def candidate_detail(view: RunView, candidate: CandidateView, look: Look) -> None:
    """Draw a candidate."""
    _numbers(view, candidate)
    if candidate.reason:
        known = science(view.info.name) if view.info else None
        st.warning(
            f"Not a valid {plain(known.design) if known else 'design'}: {plain(candidate.reason)}",
            icon=":material/block:",
        )
    if candidate.design:
        if drawing := drawn(candidate.design, view.info, look, candidate.details, narrow=False):
            show_drawing(drawing)
        _text(candidate.design)
    _lineage(candidate)
    facts_line = [f"{plain(n.replace('_', ' '))} **{v:.6g}**" for n, v in candidate.details.items() if _is_number(v)]
    if facts_line:
        st.markdown("**What the oracle adds** · " + " · ".join(facts_line))
    if candidate.details:
        with st.expander("Everything the oracle says about it", key="oracle-details"):
            st.json(visible_tree(candidate.details), expanded=1)


def _numbers(view: RunView, c: CandidateView) -> None:
    unit = view.objective.unit
    of = f", in {plain(unit)}" if unit else ""
    value = "not measured" if c.valid is None else "invalid" if c.value is None else f"{c.value:.5g}"
    note = "best of this run" if view.best is not None and view.best.id == c.id else None
    reference = None if c.reference_log_prob is None else f"reference {c.reference_log_prob:.2f}"
    shown = (
        ("Value", value, note, f"In {plain(unit)}." if unit else None),
        ("Expected", figure(c.expected), None, f"What the method predicted before it was measured{of}."),
        ("Expected range", expected_range(c), None, RANGE_HELP),
        ("Log-probability", _number(c.log_prob), reference, "Under its branch, in nats."),
    )
    for card, (label, text, below, help) in zip(st.columns(len(shown)), shown, strict=True):
        card.metric(label, text, below, delta_color="off", delta_arrow="off", help=help, border=True, height="stretch")
    if c.unit_unknown:
        st.caption("What was expected of it is stored without its unit (an older program made this run): not shown.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _text(design: str) -> None:
    """Show a design to copy; what has many lines stays folded."""
    if "\n" in design:
        with st.expander("As text", key="design-text"):
            st.code(visible(design), language=None)
    else:
        st.code(visible(design), language=None, wrap_lines=True)


def _lineage(c: CandidateView) -> None:
    who = "no branch" if c.branch < 0 else f"taken by branch {c.branch}"
    call = "not measured yet" if c.order is None else f"oracle call {c.order}"
    if c.source == "contest":
        who = f"branch {c.branch}"
    st.markdown(
        f"**Where it came from** · {c.round_in_words} · {who} · {SOURCES.get(c.source, plain(c.source))} · {call}"
    )
    if c.text and c.text.strip() != c.design.strip():
        with st.expander("What the model wrote", key="model-text"):
            st.code(visible(c.text), language=None, wrap_lines=True)
