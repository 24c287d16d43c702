"""Two responses as a judge sees them: drawn where the run has a problem, plain text otherwise, never markup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.circuit import circuit_svg, parse_circuit
from pages.parts.look import Look
from pages.parts.sequence import sequence_svg

LONGEST = 20_000
"""Characters of one response that are shown."""


def response(text: str, letter: str, info: Mapping[str, Any] | None, look: Look) -> None:
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
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    facts: Mapping[str, Any] = (info or {}).get("facts", {})
    domain = (info or {}).get("domain")
    if domain == "quantum" and (gates := parse_circuit(text)):
        two = sum(len(g.qubits) == 2 for g in gates)
        qubits = facts.get("qubits")
        drawing = circuit_svg(text, look, qubits if isinstance(qubits, int) else 0)
        st.image(drawing, alt=f"Response {letter}: circuit of {len(gates)} gates, {two} of them on two qubits")
        with st.expander("As text", key=f"as-text-{letter}"):
            st.code(shown, language=None)
    elif domain == "protein" and text.strip().isalpha():
        design, wild_type = text.strip(), str(facts.get("wild_type") or "")
        positions = [int(p) for p in facts.get("positions") or [] if isinstance(p, int)]
        drawing = sequence_svg(design, look, wild_type, positions, per_row=20)
        st.image(drawing, alt=f"Response {letter}: the sequence {design}, coloured by chemistry")
    else:
        st.text(shown)


def prompt(text: str) -> None:
    """Show what both policies were asked, as plain text."""
    with st.container(border=True):
        st.text(text[:LONGEST])
