"""What was found in a problem's files, before a run exists: sentences of the reader, shown as text."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.text import plain

OPEN = 6
"""Sentences that are always shown, the first ones; the others are folded."""


def report(lines: Sequence[str]) -> None:
    """Draw the sentences; nothing where there are none."""
    if not lines:
        return
    with st.container(border=True, key="report"):
        st.markdown("**What was read**")
        for line in lines[:OPEN]:
            st.markdown(plain(line))
        if lines[OPEN:]:
            with st.expander("More of what was read", icon=":material/fact_check:", key="report-more"):
                for line in lines[OPEN:]:
                    st.markdown(plain(line))
