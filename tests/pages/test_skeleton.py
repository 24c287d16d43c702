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
    import io

    import pandas as pd
    import streamlit as st

    from pages.parts.feed import the_store
    from pages.parts.uploads import keep_upload
    from poets_core.errors import InvalidTable

    def read(name: str, data: bytes) -> pd.DataFrame:
        table = pd.read_csv(io.BytesIO(data))
        if table.empty:
            raise InvalidTable(f"Expected rows in {name}, got none.")
        return table

    file = st.file_uploader("Table", key="table")
    if file is not None and (upload := keep_upload(the_store(), file, read, "table")):
        upload.preview(f"{len(upload.table)} rows.", "preview")
        st.text(upload.path)


def test_an_upload_is_kept_once_and_shown(store: SqlStore) -> None:
    at = AppTest.from_function(upload_field).run()
    at.file_uploader(key="table").upload("a.csv", b"x\n1\n2\n", "text/csv").run()
    assert not at.exception
    kept = Path(at.text[0].value)
    assert kept.read_bytes() == b"x\n1\n2\n"
    assert at.caption[0].value == "2 rows. The first five:"
    at.run()  # drawn again: the same file
    assert at.text[0].value == str(kept)
    assert len(list(kept.parent.iterdir())) == 1


def test_an_upload_that_is_no_table_says_why_and_is_not_kept(store: SqlStore) -> None:
    at = AppTest.from_function(upload_field).run()
    at.file_uploader(key="table").upload("a.csv", b"x\n", "text/csv").run()
    assert [e.value for e in at.error] == ["Expected rows in a.csv, got none."]
    assert not at.text
