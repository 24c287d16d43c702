"""A table that is looked at: uploaded, read as a run would read it, kept under a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from domains.catalog import check_params, entries
from domains.entry import Entry
from pages.parts.launch.report import report
from pages.parts.launch.settings import told
from pages.parts.launch.widgets import parameter_fields
from pages.parts.setting_fields import Errors
from pages.parts.text import plain, plain_error
from poets_core.errors import InvalidSpec, PoetsError
from poets_core.runs.artifacts import sha256_of
from poets_core.runs.datasets import LONGEST_NAME, keep
from poets_core.runs.examine import wrong_with
from poets_core.runs.sql import SqlStore


def file_of(entry: Entry) -> str:
    """Return the parameter of a problem that names its table, "" where it has none."""
    return next((p.name for p in entry.parameters if p.kind == "file"), "")


def readers() -> list[Entry]:
    """Return the problems that read a table and cannot do without one."""
    return [e for e in entries() if e.check and any(p.kind == "file" and p.default is None for p in e.parameters)]


def look(store: SqlStore) -> None:
    """Draw the upload, how it is read, what was found, and the way to keep it."""
    offered = {e.name: e for e in readers()}
    if not offered:
        st.info("No science that is installed reads tables.", icon=":material/info:")
        return
    name = next(iter(offered))
    if len(offered) > 1:
        name = st.selectbox("Read as", list(offered), format_func=lambda n: plain(offered[n].title), key="data-problem")
    entry, errors = offered[name], Errors()
    with st.container(border=True, key="parameters"):
        params = parameter_fields(entry, store, errors, f"data-{entry.name}", {}, about_tables=True)
    file = file_of(entry)
    if file not in params:
        return
    wrong = _wrong(entry, params)
    errors.show(wrong, set())
    lines = () if wrong else told(entry, params)
    report(lines)
    _keep(store, entry, params, lines, off=bool(wrong))


def _wrong(entry: Entry, params: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong by field, as Launch would say it."""
    try:
        return wrong_with(entry.name, check_params(entry.name, params))
    except InvalidSpec as error:
        return error.fields or {"": str(error)}


def _keep(store: SqlStore, entry: Entry, params: dict[str, Any], lines: tuple[str, ...], *, off: bool) -> None:
    path = Path(str(params[file_of(entry)]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Keep it as",
            path.name.split("-")[0],
            max_chars=LONGEST_NAME,
            key=f"data-name-{path.name}",
            autocomplete="off",
        )
        clicked = st.button(
            "Keep", type="primary", icon=":material/bookmark_add:", disabled=off, key=f"data-keep-{path.name}"
        )
    try:
        path.stat()
        st.caption(f"SHA-256 of the file: {_checksum(path)}")
    except OSError:
        st.caption("The file is no longer there. Upload it again.")
        return
    if not clicked:
        return
    try:
        read_as = {k: v for k, v in check_params(entry.name, params).items() if k != file_of(entry)}
        kept = keep(store, name or "", path, entry.name, read_as, lines)
    except PoetsError as error:
        st.error(plain_error(error), icon=":material/error:")
        return
    st.toast(f"Kept as {plain(kept.name)}.")


@st.cache_data(max_entries=64, show_spinner=False)
def _checksum(path: Path) -> str:
    # An upload never changes, since its name holds its checksum; the form is drawn anew at every click.
    return sha256_of(path.read_bytes())
