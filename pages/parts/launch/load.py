"""Above the form: what it was filled with, and the way to fill it with the JSON of a spec."""

from __future__ import annotations

import streamlit as st

from pages.parts.launch.filled import Filled, fill, filled, forget, read_json
from pages.parts.states import plain
from pages.parts.text import plain_error
from poets_core.errors import PoetsError
from poets_core.runs.store import RunStore


def loaded(store: RunStore) -> Filled | None:
    """Draw where the form's values come from, and return them; a run that cannot be cloned is said."""
    try:
        found = filled(store)
    except PoetsError as error:
        st.error(plain_error(error), icon=":material/error:")
        return None
    if found is not None:
        with st.container(border=True, key="filled"), st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/content_copy: Filled in with {plain(found.source)}. Change what you want to try.")
            if st.button("Start over", type="tertiary", key="start-over"):
                forget()
                st.rerun()
        for note in found.notes:
            st.warning(plain(note), icon=":material/info:")
    return found


def json_loader(store: RunStore) -> None:
    """Draw the way to fill the form with the JSON of a spec, uploaded or pasted."""
    with st.expander("Load the JSON of a run", icon=":material/upload_file:", key="json-loader"):
        file = st.file_uploader("A file", type=["json"], key="json-file")
        text = st.text_area("Or paste it", height=120, key="json-text", persist_state="session")
        if not st.button("Fill the form with it", key="json-fill", disabled=not (file or (text or "").strip())):
            return
        try:
            fill(store, read_json(file.getvalue() if file else text), file.name if file else "pasted JSON")
        except PoetsError as error:
            st.error(plain_error(error), icon=":material/error:")
            return
    st.rerun()
