"""Taking designs away: files that a worker writes, reads back and measures again before they are offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from domains.catalog import export_of
from pages.parts.feed import Feed
from pages.parts.run.apart import BEST
from pages.parts.run.made import Said, begin, followed
from pages.parts.skeleton import download
from pages.parts.tables import Filter, find
from pages.parts.text import plain
from pages.parts.words import times
from poets_core.runs.artifacts import file_name
from poets_core.runs.events import ArtifactMade
from poets_core.runs.export import candidates_csv, report_bytes
from poets_core.runs.views.fold import RunView
from poets_core.spec import TaskSettings

AMOUNTS = {
    "best": f"the best {BEST}",
    "apart": f"the best {BEST}, told apart",
    "one": "the open design",
    "all": "every valid design",
}
NAMES = {"best": "best", "apart": "best-apart", "one": "design", "all": "valid"}
"""What a file is called after, for each of `AMOUNTS`."""


def downloads(feed: Feed, view: RunView, chosen: str, apart: Callable[[], Sequence[str]]) -> None:
    """Draw the choice of designs and formats, and the file once it is made.

    Args:
        feed, view: the run.
        chosen: id of the open design, "" for none.
        apart: tells the best designs apart, and returns their ids; asked when they are wanted.
    """
    st.header("Export", anchor=False)
    st.caption(
        "A worker writes the file, reads it back and measures every design in it again. "
        "You get the file only with the result."
    )
    formats = view.info.export_formats if view.info else ()
    amounts = [a for a in AMOUNTS if a != "one" or chosen]
    with st.container(horizontal=True, vertical_alignment="bottom", key="export-choice"):
        amount = st.selectbox("Designs", amounts, format_func=AMOUNTS.__getitem__, key=f"amount-{feed.run}", width=240)
        wanted = {
            "best": lambda: tuple(find(view, Filter())[:BEST]),
            "apart": lambda: tuple(apart()),
            "one": lambda: (chosen,),
            "all": tuple,
        }[amount]
        for name in formats:
            title = export_of(feed.spec.problem.name, name).title
            if st.button(f"Prepare {plain(title)}", icon=":material/science:", key=f"prepare-{name}"):
                _prepare(feed, name, NAMES[amount], wanted())
    followed(feed, SAID)
    count = len(view.candidates)
    download(
        f"All {times(count, 'proposed design')} as CSV (not measured again)",
        lambda: candidates_csv(feed.snapshot().view, feed.run),
        file_name(feed.spec.problem.name, feed.run, "proposed", count, "csv"),
        "all-csv",
        quiet=True,
    )
    st.caption("The whole run: a report that any browser shows, and an archive that anybody can check.")
    name = file_name(feed.spec.problem.name, feed.run, "report", count, "html")
    with st.container(horizontal=True, key="whole-run"):
        download("Report (HTML)", lambda: report_bytes(feed.store, feed.run), name, "report-html", quiet=True)
        st.code(f"poets export {feed.run} run.zip && poets verify run.zip", language=None)


def _prepare(feed: Feed, format: str, what: str, candidates: Sequence[str]) -> None:
    chosen = tuple(candidates)
    begin(feed, lambda: TaskSettings(name="export", run=feed.run, format=format, candidates=chosen), label=what)


def _found(made: ArtifactMade, view: RunView) -> None:
    rows, again, difference = made.rows, made.rescored, made.max_difference
    if again == rows and difference is not None:
        text = f"{rows} rows reloaded and re-scored, largest difference {difference:.3g}"
        st.success(text, icon=":material/verified:")
    else:
        st.warning(f"{rows} rows written, {again} of them could be measured again.", icon=":material/warning:")


SAID = Said(
    failed="The export failed.",
    gone="The export's worker is gone. Prepare the file again.",
    doing="Writing the file and measuring its designs again…",
    found=_found,
)
