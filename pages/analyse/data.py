"""Data: a table is looked at before any run exists, kept under a name, and used for any number of runs."""

from __future__ import annotations

import streamlit as st

from pages.parts.data.form import look
from pages.parts.data.kept import kept
from pages.parts.feed import the_shelf
from pages.parts.skeleton import store_errors


def page() -> None:
    """Draw the page."""
    st.title("Data", anchor=False)
    with store_errors():
        store = the_shelf()
    st.write(
        "Upload a table of what you measured. It is read as a run would read it: check columns, direction and rows, "
        "and keep it for as many runs as you like."
    )
    look(store)
    with store_errors():
        kept(store)


page()
