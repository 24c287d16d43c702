"""One candidate: its drawing, its numbers and where it came from."""

from __future__ import annotations

import streamlit as st

from domains.catalog import science
from pages.parts.drawing import drawn, show_drawing
from pages.parts.look import Look
from pages.parts.run.expected import RANGE_HELP, expected_range
from pages.parts.run.naming import name_of, named
from pages.parts.skeleton import card
from pages.parts.text import plain, visible, visible_tree
from pages.parts.words import MODEL_HELP, UNTRAINED, model, number
from poets_core.runs.views.fold import CandidateView, RunView

SOURCES = {
    "branch": "written by a model",
    "edit": "an edit of a good design",
    "reference": f"written by the {UNTRAINED}",
    "space": "chosen out of the whole space",
    "contest": "written for a contest between the models",
    "given": "measured before the run",
}


def candidate_detail(view: RunView, candidate: CandidateView, look: Look) -> None:
    """Draw a candidate, in half a page: what it is first, then its numbers."""
    if candidate.reason:
        known = science(view.info.name) if view.info else None
        st.warning(
            f"Not a valid {plain(known.design) if known else 'design'}: {plain(candidate.reason)}",
            icon=":material/block:",
        )
    if candidate.design:
        if name := name_of(view, candidate):
            st.markdown(f"**{plain(name)}**")
        if drawing := drawn(candidate.design, view.info, look, candidate.details, narrow=True):
            show_drawing(drawing)
        _text(candidate.design)
    _numbers(view, candidate)
    _lineage(candidate)
    figures = {name: value for name, value in named(view, candidate).figures.items() if value is not None}
    # What the science has a name for is not said a second time under the oracle's own.
    told, titles = set(figures.values()), {name.partition(" [")[0] for name in figures}
    figures |= {
        n.replace("_", " "): v
        for n, v in candidate.details.items()
        if _is_number(v) and v not in told and n.replace("_", " ") not in titles
    }
    if figures:
        said = " · ".join(f"{plain(name)} **{number(value, 6)}**" for name, value in figures.items())
        st.markdown(f"**Beside its value** · {said}")
    if candidate.details:
        with st.expander("Everything the oracle says about it", key="oracle-details"):
            st.json(visible_tree(candidate.details), expanded=1)


def _numbers(view: RunView, c: CandidateView) -> None:
    unit = view.objective.unit
    of = f", in {plain(unit)}" if unit else ""
    value = "not measured" if c.valid is None else "invalid" if c.value is None else number(c.value, 5)
    note = "best of this run" if view.best is not None and view.best.id == c.id else None
    reference = None if c.reference_log_prob is None else f"{UNTRAINED} {c.reference_log_prob:.2f}".replace("-", "−")
    range_ = None if c.expected is None else expected_range(c)
    shown = (
        ("Value", value, note, f"In {plain(unit)}." if unit else ""),
        (
            "Expected",
            number(c.expected, 5),
            range_,
            f"What the method predicted before it was measured{of}. {RANGE_HELP}",
        ),
        ("Log-probability", _number(c.log_prob), reference, "Under the model that chose it, in nats."),
    )
    with st.container(horizontal=True, key="design-figures"):  # as many a line as there is room for
        for label, text, below, help in shown:
            card(label, text, below, help, "content")
    if c.unit_unknown:
        st.caption("What was expected of it is stored without its unit (an older program made this run): not shown.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _text(design: str) -> None:
    """Show a design to copy; what has many lines stays folded."""
    if "\n" in design:
        with st.expander("As text", key="design-text"):
            st.code(visible(design), language=None)
    else:
        st.code(visible(design), language=None, wrap_lines=True)


def _lineage(c: CandidateView) -> None:
    contest = c.source == "contest"
    who = "" if c.branch < 0 else f"{'by' if contest else 'chosen by'} {model(c.branch)}"
    given = c.source == "given"
    call = "" if given else "not measured yet" if c.order is None else f"measurement {c.order:,}"
    said = [c.round_in_words, who, SOURCES.get(c.source, plain(c.source)), call]
    st.markdown(" · ".join(["**Where it came from**", *(part for part in said if part)]), help=MODEL_HELP)
    if c.text and c.text.strip() != c.design.strip():
        with st.expander("What the model wrote", key="model-text"):
            st.code(visible(c.text), language=None, wrap_lines=True)
