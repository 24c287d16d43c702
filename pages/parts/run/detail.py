"""One candidate: its drawing, its numbers and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.parts.circuit import circuit_svg, parse_circuit
from pages.parts.look import Look
from pages.parts.sequence import CLASSES, legend_svg, mutations, sequence_svg
from pages.parts.states import plain
from poets_core.runs.views.fold import CandidateView, RunView

SOURCES = {
    "branch": "written by a branch",
    "edit": "an edit of a good design",
    "reference": "written by the reference model",
    "space": "chosen out of the whole space",
}


def candidate_detail(view: RunView, candidate: CandidateView, look: Look) -> None:
    """Draw a candidate."""
    _numbers(view, candidate)
    if candidate.reason:
        st.warning(f"Not a valid design: {plain(candidate.reason)}", icon=":material/block:")
    facts: Mapping[str, Any] = (view.info or {}).get("facts", {})
    if candidate.design:
        if (view.info or {}).get("domain") == "quantum":
            _circuit(candidate, facts, look)
        else:
            _sequence(candidate.design, facts, look)
    _lineage(candidate)
    facts_line = [f"{name} **{value:.6g}**" for name, value in candidate.details.items() if _is_number(value)]
    if facts_line:
        st.markdown("**What the oracle adds** · " + " · ".join(facts_line).replace("_", " "))
    if candidate.details:
        with st.expander("Everything the oracle says about it", key="oracle-details"):
            st.json(dict(candidate.details), expanded=1)


def _numbers(view: RunView, c: CandidateView) -> None:
    unit = view.objective.get("unit", "")
    value = "not measured" if c.valid is None else "invalid" if c.value is None else f"{c.value:.5g}"
    note = "best of this run" if view.best is not None and view.best.id == c.id else None
    sure = "Standard deviation over the branches before it was measured, in reward s.d."
    reference = None if c.reference_log_prob is None else f"reference {c.reference_log_prob:.2f}"
    shown = (
        ("Value", value, note, f"In {unit}." if unit else None),
        ("Expected", _number(c.predicted_mean), None, "Mean over the branches before it was measured, in reward s.d."),
        ("Spread", _number(c.predicted_std), None, sure),
        ("Log-probability", _number(c.log_prob), reference, "Under its branch, in nats."),
    )
    for card, (label, text, below, help) in zip(st.columns(len(shown)), shown, strict=True):
        card.metric(label, text, below, delta_color="off", delta_arrow="off", help=help, border=True, height="stretch")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _sequence(design: str, facts: Mapping[str, Any], look: Look) -> None:
    wild_type = str(facts.get("wild_type") or "")
    positions = [int(p) for p in facts.get("positions") or [] if isinstance(p, int)]
    st.image(
        sequence_svg(design, look, wild_type, positions),
        alt=f"Sequence of {len(design)} residues, coloured by chemistry",
    )
    st.image(legend_svg(look), alt="Colours: " + ", ".join(_legend_words()))
    if wild_type and len(wild_type) == len(design):
        changed = mutations(design, wild_type, positions)
        st.markdown(f"Against the wild type `{wild_type}`: " + (" ".join(f"**{m}**" for m in changed) or "no mutation"))
    st.code(design, language=None, wrap_lines=True)


def _legend_words() -> list[str]:
    return [f"{name} {letters}" for name, letters, _ in CLASSES]


def _circuit(c: CandidateView, facts: Mapping[str, Any], look: Look) -> None:
    gates = parse_circuit(c.design)
    two = sum(len(g.qubits) == 2 for g in gates)
    qubits = facts.get("qubits")
    angles = c.details.get("angles")
    st.image(
        circuit_svg(
            c.design,
            look,
            qubits if isinstance(qubits, int) else 0,
            angles if isinstance(angles, Sequence) and not isinstance(angles, str) else (),
        ),
        alt=f"Circuit of {len(gates)} gates, {two} of them on two qubits",
    )
    st.caption(f"{len(gates)} gates, {two} of them on two qubits. Qubit 0 is on top.")
    with st.expander("As text", key="circuit-text"):
        st.code(c.design, language=None)


def _lineage(c: CandidateView) -> None:
    who = "no branch" if c.branch < 0 else f"taken by branch {c.branch}"
    call = "not measured yet" if c.order is None else f"oracle call {c.order}"
    st.markdown(f"**Where it came from** · round {c.round} · {who} · {SOURCES.get(c.source, plain(c.source))} · {call}")
    if c.text and c.text.strip() != c.design.strip():
        with st.expander("What the model wrote", key="model-text"):
            st.code(c.text, language=None, wrap_lines=True)
