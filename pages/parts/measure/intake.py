"""Results come in: a file is read outside this process, every row is reported, and nothing is written before a yes."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.parts.feed import Feed
from pages.parts.skeleton import not_obeyed, obeyed
from pages.parts.text import one_line, plain, plain_error, visible
from pages.parts.words import times
from poets_core.errors import InvalidInput, PoetsError
from poets_core.runs.examine import Sheet, results_sheet
from poets_core.runs.laboratory.bench import Bench
from poets_core.runs.laboratory.results import SAYS, TAKEN, Report, read_results
from poets_core.runs.launch import launch

FOUND = "found by itself"
MARKS = {"auto": "what the values tell", "point": "point: 1.5", "comma": "comma: 1,5"}


def intake_panel(feed: Feed, bench: Bench) -> None:
    """Draw the way in for results."""
    st.header("Hand in results", anchor=False)
    st.caption(
        "CSV, TSV or xlsx, rows in any order, as many files as you like. Several rows of a design are replicates; a "
        "well that was handed in before is corrected, and both values stay readable. An empty cell says that there is "
        "no result yet; a word such as failed, or a note, that the well failed. Nothing is written before you have "
        "seen the report."
    )
    file = st.file_uploader("File of results", type=["csv", "tsv", "txt", "xlsx", "gz"], key=f"results-{feed.run}")
    not_obeyed(_kept(feed))
    if file is None:
        return
    sheet = _sheet(file)
    if isinstance(sheet, str):
        st.error(plain_error(sheet), icon=":material/error:")
        return
    id_column, value_column, decimal = _choices(feed, sheet)
    checksum = hashlib.sha256(file.getvalue()).hexdigest()
    try:
        report = read_results(
            sheet, bench.known(), sha256=checksum, id_column=id_column, value_column=value_column, decimal=decimal
        )
    except InvalidInput as error:
        st.error(plain_error(error), icon=":material/error:")
        return
    _report(feed, bench, report)


def _sheet(file: UploadedFile) -> Sheet | str:
    """Read an upload once; return what is wrong with it where it is no table."""
    key = f"sheet-{file.file_id}"
    if key not in st.session_state:
        try:
            with tempfile.NamedTemporaryFile(prefix="poets-results-") as aside:
                aside.write(file.getbuffer())
                aside.flush()
                st.session_state[key] = results_sheet(Path(aside.name), one_line(file.name, 120))
        except PoetsError as error:
            st.session_state[key] = str(error)
    found: Sheet | str = st.session_state[key]
    return found


def _choices(feed: Feed, sheet: Sheet) -> tuple[str, str, str]:
    """Draw what may be chosen about a file; return id column, value column and decimal mark, "" for found."""
    names = list(sheet.columns)
    with st.expander("Columns and numbers"), st.container(horizontal=True):
        options = [FOUND, *range(len(names))]

        def shown(choice: str | int) -> str:
            return choice if isinstance(choice, str) else visible(one_line(names[choice], 60)) or " "

        ids = st.selectbox("Ids are in", options, format_func=shown, key=f"ids-{feed.run}", width=220)
        values = st.selectbox("Values are in", options, format_func=shown, key=f"values-{feed.run}", width=220)
        mark = st.selectbox("Decimals", list(MARKS), format_func=MARKS.__getitem__, key=f"mark-{feed.run}", width=200)
    return ("" if isinstance(ids, str) else names[ids]), ("" if isinstance(values, str) else names[values]), str(mark)


def _report(feed: Feed, bench: Bench, report: Report) -> None:
    """Draw the report and the button that accepts it."""
    with st.container(border=True, key="report"):
        st.subheader("What this file says", anchor=False)
        for line in report.lines():
            st.markdown(f"- {plain(line)}")
        frame = pd.DataFrame(
            [
                {
                    "row": str(r.number),
                    "becomes": r.kind,
                    "": "written" if r.kind in TAKEN else "left out",
                    "says": visible(r.says),
                }
                for r in report.rows
            ],
            dtype="str",
        )
        with st.expander(f"Every row ({len(report.rows):,})", expanded=any(k not in TAKEN for k in report.counts)):
            kinds = ["all rows", *report.counts]
            wanted = st.selectbox(
                "Show", kinds, format_func=lambda k: k if k == "all rows" else f"{k}: {SAYS[k]}", key="kind"
            )
            shown = frame if wanted == "all rows" else frame[frame["becomes"] == wanted]
            st.dataframe(shown, hide_index=True, key="rows", alt="Every row of the file and what becomes of it")
        taken = sum(count for kind, count in report.counts.items() if kind in TAKEN)
        if not taken:
            st.info("Nothing in this file is new.", icon=":material/info:")
            return
        sure = True
        if report.unit_in_doubt:
            sure = st.checkbox(
                f"The values are in {plain(bench.view.objective.unit)}, whatever the heading says.", key="unit-is-right"
            )
        label = f"Write {times(taken, 'row')}"
        if st.button(label, type="primary", icon=":material/check:", key="accept", disabled=not sure):
            _accept(feed, report)


def _accept(feed: Feed, report: Report) -> None:
    def send() -> None:
        for order in report.orders:
            feed.store.send(feed.run, "results", order.body())
        go_on(feed)

    if obeyed(send, "The file", _kept(feed)):
        st.toast("Results are written.", icon=":material/check:")
        st.session_state["handed-in"] = report.file
        st.rerun(scope="app")


def go_on(feed: Feed) -> None:
    """Start a worker that deals with what was sent, where none is at work.

    Raises:
        StoreUnavailable: it cannot be started.
    """
    if not feed.store.status(feed.run).active:
        launch(feed.store, feed.run)
    feed.snapshot(fresh=True)


def _kept(feed: Feed) -> str:
    return f"results-not-taken-{feed.run}"
