"""The page Data: a table looked at, kept, used by runs, renamed and deleted; and the same report in Launch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from poets_core.runs.artifacts import sha256_of
from poets_core.runs.datasets import dataset, datasets, used_by
from poets_core.runs.sql import SqlStore
from tests.pages.test_pages import LAUNCH, opened, said

DATA = "pages/analyse/data.py"
UPLOAD = "data-protein/landscape-table"
TABLE = b"Well;Variant;Kd (nM)\nA1;EMPTY;\nA2;KLWT;1,5\nA3;ALWT;n.d.\nA4;FLWT;0,25\nA5;FLWT;0,75\n"


def looked(data: bytes = TABLE, name: str = "round 1.csv"):
    at = opened(DATA)
    at.file_uploader(key=UPLOAD).upload(name, data, "text/csv").run()
    assert not at.exception
    return at


def test_a_table_with_wrong_rows_is_told_and_read_once_they_may_be_left_out(store: SqlStore) -> None:
    at = looked()
    message = at.error[0].value.replace("\\", "")
    assert "1 with a word for no value (row 4, column 'Kd (nM)', got 'n.d.')" in message
    (button,) = [b for b in at.button if str(b.key).startswith("data-keep-")]
    assert button.disabled
    at.selectbox(key="data-protein/landscape-bad_rows").select("leave out").run()
    text = said(at)
    for words in ("minimise", "Left out: 1 with a word for no value", "EMPTY", "1 variant measured more than once"):
        assert words in text.replace("\\", ""), words


def test_a_data_set_is_kept_used_renamed_and_deleted(store: SqlStore, launched: list[str]) -> None:
    at = looked()
    at.selectbox(key="data-protein/landscape-bad_rows").select("leave out").run()
    (button,) = [b for b in at.button if str(b.key).startswith("data-keep-")]
    (name,) = [t for t in at.text_input if str(t.key).startswith("data-name-")]
    name.set_value("First <b>round</b>").run()
    button.click().run()
    assert not at.exception
    (kept,) = datasets(store)
    assert (kept.name, kept.sha256) == ("First <b>round</b>", sha256_of(TABLE))
    assert kept.params["bad_rows"] == "leave out"
    assert "First \\<b\\>round\\</b\\>" in said(at)
    assert "No run uses it yet" in said(at)
    assert re.search(r"kept \d+ s ago", said(at)), said(at)

    form = opened(LAUNCH, data=kept.id, problem="protein/landscape")
    assert not form.exception
    assert not form.button(key="start").disabled
    assert "minimise" in said(form)
    form.button(key="start").click().run()
    (row,) = store.runs()
    assert launched == [row.id]
    assert Path(str(store.spec(row.id).problem.params["table"])).read_bytes() == TABLE
    assert [run for run, _ in used_by(store, kept)] == [row.id]

    campaign = opened(LAUNCH, data=kept.id, problem="protein/campaign")
    assert "uploaded before" in said(campaign)

    at = opened(DATA)
    assert "Used by 1 run" in said(at)
    at.session_state["data-asked"] = ("rename", kept.id)
    at.run()
    at.text_input(key=f"name-{kept.id}").set_value("Plate 1").run()
    at.button(key=f"save-{kept.id}").click().run()
    assert dataset(store, kept.id).name == "Plate 1"
    at.session_state["data-asked"] = ("delete", kept.id)
    at.run()
    assert "1 run read its table" in said(at)
    at.button(key=f"delete-{kept.id}").click().run()
    assert datasets(store) == []
    assert (store.files / "uploads" / kept.file).is_file()  # a run reads it


def test_a_table_that_no_run_reads_goes_with_its_data_set(store: SqlStore) -> None:
    at = looked(b"variant,fitness\nKLWT,1\nALWT,2\n")
    (button,) = [b for b in at.button if str(b.key).startswith("data-keep-")]
    button.click().run()
    (kept,) = datasets(store)
    at.session_state["data-asked"] = ("delete", kept.id)
    at.run()
    at.button(key=f"delete-{kept.id}").click().run()
    assert not (store.files / "uploads" / kept.file).exists()


@pytest.mark.parametrize("name", ["0" * 16, "../../etc", "x"])
def test_a_data_set_that_is_not_there_is_said_by_launch(store: SqlStore, name: str) -> None:
    at = opened(LAUNCH, data=name)
    assert not at.exception
    assert "data set" in at.error[0].value


def test_launch_shows_what_was_read_before_start(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="protein/landscape")
    at.file_uploader(key="protein/landscape-table").upload("t.csv", b"Combo,Fitness\nKLWT,1\nALWT,2\n", "").run()
    text = said(at).replace("\\", "")
    assert "Your table holds 2 of 160,000 possible variants" in text
    assert "Values: column 'Fitness', its name is a usual one" in text
    assert store.runs() == []


def test_files_that_are_no_data_sets_are_passed_over(store: SqlStore) -> None:
    folder = store.files / "uploads"
    folder.mkdir(parents=True)
    for i, text in enumerate((b"{", b"[]", b'{"id": 1}', b'{"params": {}, "lines": []}')):
        (folder / f"data-{i:016x}.dataset").write_bytes(text)
    assert datasets(store) == []
    assert not opened(DATA).exception


def test_a_column_is_chosen_from_those_of_the_table(store: SqlStore) -> None:
    at = looked(b"variant,IsoA,IsoB\nKLWT,5,4\nALWT,2,3\n")
    assert "'IsoA', 'IsoB'" in at.error[0].value
    box = at.selectbox(key="data-protein/landscape-value_column-of-table")
    assert box.options == ["Found by its name and its cells", "variant", "IsoA", "IsoB"]
    box.select("IsoB").run()
    assert not at.error
    assert "Values: column 'IsoB', chosen by you" in said(at)
