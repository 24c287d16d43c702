"""The data sets of a store: what they hold, which runs use them, and what is done with them."""

from __future__ import annotations

import time
from typing import Literal, TypeAlias

import streamlit as st

from domains.catalog import entries
from domains.entry import Entry
from pages.parts.data.form import file_of
from pages.parts.links import LAUNCH, LIVE
from pages.parts.states import ago
from pages.parts.text import plain, plain_error
from pages.parts.words import times
from poets_core.errors import PoetsError
from poets_core.runs.datasets import LONGEST_NAME, DataSet, dataset, datasets, delete, rename, used_by
from poets_core.runs.sql import SqlStore

Act: TypeAlias = Literal["rename", "delete"]
ACTS: dict[Act, str] = {"rename": ":material/edit: Rename", "delete": ":material/delete: Delete…"}
ASKED = "data-asked"
RUNS_SHOWN, LINES_SHOWN = 5, 4


def kept(store: SqlStore) -> None:
    """Draw all data sets, newest first.

    Raises:
        PoetsError: the store cannot be read.
    """
    found = datasets(store)
    st.header("Kept", anchor=False)
    if not found:
        st.info(
            "Nothing is kept yet. Upload a table above, look at what was read, and keep it.", icon=":material/info:"
        )
        return
    _asked(store)
    for one in found:
        with st.container(border=True, key=f"dataset-{one.id}"):
            _one(store, one)


def _one(store: SqlStore, one: DataSet) -> None:
    title, menu = st.columns([5, 1])
    when = ago(time.time() - one.kept)
    title.markdown(f"**{plain(one.name)}**  \n:small[{plain(one.file)} · kept {when} · SHA-256 {one.sha256[:16]}…]")
    with menu:
        chosen = st.menu_button(
            "Actions", list(ACTS), format_func=ACTS.__getitem__, type="tertiary", key=f"menu-{one.id}"
        )
    if chosen is not None:
        st.session_state[ASKED] = (chosen, one.id)
        st.rerun()
    for line in one.lines[:LINES_SHOWN]:
        st.markdown(plain(line))
    if one.lines[LINES_SHOWN:]:
        with st.expander("Rows, wild type, positions", key=f"more-{one.id}"):
            for line in one.lines[LINES_SHOWN:]:
                st.markdown(plain(line))
            st.caption(f"SHA-256 of the file: {plain(one.sha256)}")
    with st.container(horizontal=True):
        for entry in takers(one):
            st.page_link(
                LAUNCH,
                label=f"Start: {plain(entry.title)}",
                icon=":material/play_arrow:",
                query_params={"data": one.id, "problem": entry.name},
            )
    runs = used_by(store, one)
    st.caption(f"Used by {times(len(runs), 'run')}." if runs else "No run uses it yet.")
    for run, label in runs[:RUNS_SHOWN]:
        st.page_link(LIVE, label=plain(label or run), icon=":material/monitoring:", query_params={"run": run})


def takers(one: DataSet) -> list[Entry]:
    """Return the problems that can begin with a data set: its own first, then others of its science with a file."""
    science = one.problem.split("/")[0]
    found = [e for e in entries() if e.domain == science and file_of(e)]
    return sorted(found, key=lambda e: e.name != one.problem)


def _asked(store: SqlStore) -> None:
    """Open the dialog that a menu was asked for."""
    act, name = st.session_state.get(ASKED, ("", ""))
    if not act:
        return
    try:
        one = dataset(store, name)
        if act == "rename":
            _rename(store, one)
        else:
            _delete(store, one)
    except PoetsError as error:  # it was deleted elsewhere meanwhile, or the store is away
        _done()
        st.error(plain_error(error), icon=":material/error:")


def _done() -> None:
    st.session_state.pop(ASKED, None)


@st.dialog("Rename", on_dismiss=_done)
def _rename(store: SqlStore, one: DataSet) -> None:
    name = st.text_input("Name", one.name, max_chars=LONGEST_NAME, key=f"name-{one.id}", autocomplete="off")
    if st.button("Save", type="primary", key=f"save-{one.id}"):
        try:
            rename(store, one.id, name or "")
        except PoetsError as error:
            st.error(plain_error(error), icon=":material/error:")
            return
        _done()
        st.rerun()


@st.dialog("Delete this data set?", on_dismiss=_done)
def _delete(store: SqlStore, one: DataSet) -> None:
    runs = used_by(store, one)
    st.markdown(f"**{plain(one.name)}**")
    if runs:
        st.write(
            f"{times(len(runs), 'run')} read its table, which therefore stays. The name and the way to read it go."
        )
    else:
        st.write("No run reads its table: the file is deleted for good, too.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key=f"delete-{one.id}"):
            try:
                delete(store, one.id)
            except PoetsError as error:
                st.error(plain_error(error), icon=":material/error:")
                return
            _done()
            st.rerun()
        if st.button("Keep it", key=f"keep-{one.id}"):
            _done()
            st.rerun()
