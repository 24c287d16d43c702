"""Pages of stalled runs, runs without branches, and packed uploads."""

from __future__ import annotations

import gzip
import os

import pytest

from poets_core.runs.events import Finished
from poets_core.runs.sql import SqlStore
from tests.pages import written
from tests.pages.test_pages import CANDIDATES, LAUNCH, LIVE, opened, said


def test_a_stalled_run_offers_resume(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        m.setattr("poets_core.runs.sql.LEASE_SECONDS", -1.0)
        run = written.write(store, written.events(1), release=False)
    started: list[str] = []
    monkeypatch.setattr("poets_core.runs.launch.launch", lambda _, run: started.append(run) or os.getpid())
    at = opened(LIVE, run=run)
    assert "Stalled." in said(at)
    at.button(key="resume").click().run()
    assert not at.exception
    assert started == [run]


def test_a_run_of_the_reference_alone_speaks_of_no_branches(store: SqlStore) -> None:
    run = written.write(store, [*written.events(2), Finished("budget")], method="reference")
    at = opened(LIVE, run=run)
    assert "branches" not in at.caption[0].value
    assert "learns nothing" in said(at)
    assert {m.label: m.value for m in at.metric}["Predictions that held"] == "75%"
    keys = [box.key for box in opened(CANDIDATES, run=run).selectbox]
    assert f"show-{run}" in keys
    assert f"branch-{run}" not in keys
    other = written.write(store, [*written.events(2), Finished("budget")])
    assert f"branch-{other}" in [box.key for box in opened(CANDIDATES, run=other).selectbox]


def test_packed_tables_can_be_uploaded(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="protein/landscape")
    data = gzip.compress(b"variant,fitness\nVDGV,1.0\nFWAA,8.8\n", mtime=0)
    at.file_uploader(key="protein/landscape-table").upload("gb1.csv.gz", data, "application/gzip").run()
    assert not at.exception
    assert "2 rows, 2 columns" in said(at)
    assert {".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz", ".parquet.gz"} <= set(
        at.file_uploader(key="protein/landscape-table").proto.type
    )


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("wild_type", "VDG", "as long as the wild type"),
        ("positions", "a,b", "residue numbers"),
        ("value_column", "yield", "'yield'"),
    ],
)
def test_what_the_worker_would_refuse_of_a_table_is_refused_by_the_form(
    store: SqlStore, field: str, value: str, says: str
) -> None:
    at = opened(LAUNCH, problem="protein/landscape")
    at.file_uploader(key="protein/landscape-table").upload("t.csv", b"variant,fitness\nVDGV,1\nFWAA,2\n", "").run()
    assert not at.button(key="start").disabled
    kind = at.text_area if field == "wild_type" else at.text_input
    kind(key=f"protein/landscape-{field}").set_value(value).run()
    assert at.button(key="start").disabled
    assert says in at.error[0].value
    assert not at.exception
    assert store.runs() == []


def test_text_instead_of_values_is_refused_by_the_form(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="protein/landscape")
    at.file_uploader(key="protein/landscape-table").upload("t.csv", b"variant,fitness\nVDGV,1\nFWAA,x\n", "").run()
    assert at.button(key="start").disabled
    assert "row 3, column 'fitness', got 'x'" in at.error[0].value


def test_only_the_problems_own_formats_are_offered(store: SqlStore) -> None:
    run = written.write(store, written.events(1))
    offered = [b.key for b in opened(CANDIDATES, run=run).button if str(b.key).startswith("prepare-")]
    assert offered == ["prepare-fasta", "prepare-csv"]
