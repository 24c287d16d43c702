"""What pages share: the way out where there is nothing to show, errors of the store, figures, uploads."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from poets_core.runs.sql import SqlStore
from tests.pages import written_experiment as we
from tests.pages.test_pages import CANDIDATES, opened, said


def test_an_experiment_has_no_candidates_and_says_where_its_verdict_is(store: SqlStore) -> None:
    run = we.write(store, we.spec(), we.course([(0, 1, "first")]))
    at = opened(CANDIDATES, run=run)
    assert [t.value for t in at.title] == ["Candidates"]
    assert "an experiment, not a search" in said(at)


def upload_field() -> None:
    """A page with one field for a table."""
    import pathlib

    import streamlit as st

    from pages.parts.feed import the_store
    from pages.parts.uploads import keep_upload
    from poets_core.runs.examine import Preview, preview_table

    def look(path: pathlib.Path, name: str) -> Preview:
        st.session_state["looked"] = st.session_state.get("looked", 0) + 1
        return preview_table(path, name, "problem.params.table")

    file = st.file_uploader("Table", key="table")
    if file is not None and (upload := keep_upload(the_store(), file, look, "table")):
        upload.preview(f"{upload.seen.rows} rows.", "preview")
        st.text(upload.path)


def test_an_upload_is_kept_once_and_shown(store: SqlStore) -> None:
    at = AppTest.from_function(upload_field).run()
    at.file_uploader(key="table").upload("a.csv", b"x\n1\n2\n", "text/csv").run()
    assert not at.exception
    kept = Path(at.text[0].value)
    assert kept.read_bytes() == b"x\n1\n2\n"
    assert at.caption[0].value == "2 rows. The first 2 rows:"
    at.run()  # drawn again: the same file
    assert at.text[0].value == str(kept)
    assert len(list(kept.parent.iterdir())) == 1
    assert at.session_state["looked"] == 1


def test_an_upload_that_is_no_table_says_why_and_is_not_kept(store: SqlStore) -> None:
    at = AppTest.from_function(upload_field).run()
    at.file_uploader(key="table").upload("a.csv", b"x\n", "text/csv").run()
    assert [e.value for e in at.error] == [
        "Expected rows in a.csv, got none. Upload a table with a header line and data."
    ]
    at.run()
    assert at.session_state["looked"] == 1  # what is wrong is remembered, too
    assert not at.text
