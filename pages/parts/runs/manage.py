"""What is done with one run from the list: named, tagged, put away, deleted. Asked for in a menu, done here.

The menu stands in a table that is drawn again every few seconds; what it asks for is kept for the page, so that a
dialog stays open meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import streamlit as st

from pages.parts.links import CANDIDATES, LAUNCH, LIVE
from pages.parts.runs.facts import title_of
from pages.parts.skeleton import not_obeyed, obeyed
from pages.parts.states import plain
from pages.parts.text import plain_error
from pages.parts.words import times
from poets_core.errors import PoetsError
from poets_core.runs.listing import ListedRun
from poets_core.runs.shelf import LONGEST_NAME, Holding
from poets_core.runs.store import SqlStore

Act: TypeAlias = Literal["candidates", "clone", "rename", "archive", "unarchive", "delete"]
ACTS: dict[Act, str] = {
    "candidates": ":material/science: Candidates",
    "clone": ":material/content_copy: Clone and change",
    "rename": ":material/edit: Name and tags",
    "archive": ":material/archive: Archive",
    "unarchive": ":material/unarchive: Back from the archive",
    "delete": ":material/delete: Delete…",
}
ASKED, KEPT = "runs-asked", "runs-error"


@dataclass(frozen=True)
class Asked:
    """What a menu was asked for."""

    act: Act
    run: str


def menu(line: ListedRun) -> None:
    """Draw the menu of a run; what is chosen is done by `do_what_is_asked`, when the page is drawn again."""
    row = line.row
    acts: list[Act] = ["candidates", "clone"] if row.kind == "search" else []
    acts += ["rename", "unarchive" if row.archived else "archive", "delete"]
    chosen = st.menu_button(
        "Actions",
        acts,
        format_func=ACTS.__getitem__,
        type="tertiary",
        key=f"menu-{row.id}",
    )
    if chosen is not None:
        st.session_state[ASKED] = Asked(chosen, row.id)
        st.rerun(scope="app")


def do_what_is_asked(store: SqlStore) -> None:
    """Do what a menu was asked for, or open the dialog that asks for more."""
    not_obeyed(KEPT)
    asked = st.session_state.get(ASKED)
    if not isinstance(asked, Asked):
        return
    if asked.act == "clone":
        _done()
        st.switch_page(LAUNCH, query_params={"clone": asked.run})
    if asked.act == "candidates":
        _done()
        st.switch_page(CANDIDATES, query_params={"run": asked.run})
    if asked.act in ("archive", "unarchive"):
        _done()
        away = asked.act == "archive"
        if obeyed(lambda: store.archive(asked.run, away=away), "Archive", KEPT):
            st.toast("Archived. The switch Archived shows it." if away else "Back in the list.")
        return
    try:
        if asked.act == "rename":
            _rename(store, asked.run)
        else:
            _delete(store, asked.run)
    except PoetsError as error:  # it was deleted elsewhere meanwhile, or the store is away
        _done()
        st.error(plain_error(error), icon=":material/error:")


def _done() -> None:
    st.session_state.pop(ASKED, None)


@st.dialog("Name and tags", on_dismiss=_done)
def _rename(store: SqlStore, run: str) -> None:
    row = store.row(run)
    name = st.text_input(
        "Name", row.label, max_chars=LONGEST_NAME, placeholder=title_of(row), key=f"name-{run}", autocomplete="off"
    )
    tags = st.multiselect(
        "Tags",
        sorted({*store.tags(), *row.tags}),
        default=list(row.tags),
        accept_new_options=True,
        key=f"tags-{run}",
        placeholder="Choose or type one",
    )
    if st.button("Save", type="primary", key=f"save-{run}"):
        try:
            store.rename(run, name or "")
            store.tag(run, tags)
        except PoetsError as error:
            st.error(plain_error(error), icon=":material/error:")
            return
        _done()
        st.rerun()


@st.dialog("Delete this run?", on_dismiss=_done)
def _delete(store: SqlStore, run: str) -> None:
    row = store.row(run)
    st.markdown(f"**{plain(title_of(row))}**  \n:small[{plain(run)}]")
    if row.status.active:
        st.error(f"A worker is at work on it ({row.state}). Stop it first.", icon=":material/error:")
        st.page_link(LIVE, label="Open it", icon=":material/monitoring:", query_params={"run": run})
        return
    st.write(freed(store.holding(run), row.calls))
    with st.container(horizontal=True):
        if st.button("Delete for good", type="primary", icon=":material/delete:", key=f"delete-{run}"):
            try:
                store.delete(run)
            except PoetsError as error:
                st.error(plain_error(error), icon=":material/error:")
                return
            _done()
            st.rerun()
        if st.button("Keep it", key=f"keep-{run}"):
            _done()
            st.rerun()


def freed(held: Holding, calls: int) -> str:
    """Say what deleting a run takes away and frees."""
    text = (
        f"Its {times(calls, 'measurement')}, models and files are deleted for good, and {_mb(held.files)} of disk are "
        f"freed; {_mb(held.records)} in the database are used again."
    )
    if held.tasks:
        text += f" {times(len(held.tasks), 'exported file')} made of it {'go' if len(held.tasks) > 1 else 'goes'} too."
    if held.used_by:
        text += (
            f" {times(len(held.used_by), 'experiment')} on its models stay{'' if len(held.used_by) > 1 else 's'} "
            "readable, and cannot go on."
        )
    return text + " Uploaded tables are kept: other runs may read them. To keep the run out of sight, archive it."


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e6:.3f} MB"
