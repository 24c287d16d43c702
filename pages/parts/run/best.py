"""The best design of a run, or one that was clicked, in a few lines: drawn, named, with its value and since when."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st

from pages.parts.drawing import drawn
from pages.parts.feed import Feed
from pages.parts.links import CANDIDATES
from pages.parts.look import Look
from pages.parts.rows import Column, Row, address, row_table
from pages.parts.run.charts import value_axis
from pages.parts.run.naming import name_of
from pages.parts.states import ago
from pages.parts.text import one_line, plain, visible
from pages.parts.words import decimal, model, number, times
from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.types import round_number


def design_panel(
    feed: Feed, view: RunView, look: Look, picked: str, back: Callable[[], None], says: Sequence[str] = ()
) -> None:
    """Draw the design that was picked, else the best one; they take the same place, so that nothing jumps.

    Args:
        feed, view: the run.
        look: colours.
        picked: id of a candidate, "" for the best.
        back: called to show the best one again.
        says: sentences about the run that stand below the best one.
    """
    best = view.best
    chosen = view.candidates.get(picked) or (view.candidates[best.id] if best else None)
    if chosen is None:
        st.header("Best design so far", anchor=False)
        st.caption("No valid design has been measured yet.")
        return
    first = best is not None and chosen.id == best.id
    with st.container(horizontal=True, vertical_alignment="center", key="design-head"):
        st.header("Best design so far" if first else f"Design {plain(chosen.id)}", anchor=False, width="content")
        if not first:
            st.button("Back to the best", icon=":material/undo:", key="back", type="tertiary", on_click=back)
    _value(view, chosen)
    text = chosen.design if "\n" not in chosen.design else ""
    if parts := [part for part in (name_of(view, chosen), text) if part]:
        st.markdown(" · ".join(plain(part) for part in parts))
    if drawing := drawn(chosen.design, view.info, look, chosen.details, narrow=True) if chosen.design else None:
        st.image(drawing.svg, alt=drawing.says[:1].upper() + drawing.says[1:])
    st.caption(_since(view, chosen, best.at if first and best else None))
    st.page_link(
        CANDIDATES,
        label=f"Open design {plain(chosen.id)}",
        icon=":material/open_in_new:",
        query_params={"run": feed.run, "id": chosen.id},
    )
    for sentence in says if first else ():
        st.markdown(plain(sentence))


def _value(view: RunView, chosen: CandidateView) -> None:
    missing = "invalid" if chosen.valid is False else "not measured yet"
    label = plain(value_axis(view))
    st.metric(label, missing if chosen.value is None else number(chosen.value), border=False)


def _since(view: RunView, chosen: CandidateView, at: float | None) -> str:
    """Say where a design came from: round and measurement count from 1."""
    if chosen.source == "given":
        return "given: measured before the run"
    call = "not measured yet" if chosen.order is None else f"measurement {chosen.order:,} of {len(view.order):,}"
    when = "" if at is None else f", {ago(time.time() - at)}"
    since = "since " if at is not None else ""
    who = model(chosen.branch) if chosen.branch >= 0 else ""
    return " · ".join(part for part in (f"{since}{chosen.round_in_words}, {call}{when}", who) if part)


def top_ten(feed: Feed, view: RunView, picked: str, on_open: Callable[[str], None]) -> None:
    """Draw the best distinct designs; a row that is opened is drawn in the place of the best one."""
    leaders = [view.candidates[id] for id in view.leaders]
    count = times(len(leaders), "design") if leaders else "designs"
    st.header(f"The best {count}", anchor=False, help="Distinct ones, best first. Open a row to see its design.")
    if not leaders:
        st.caption("None yet.")
        return
    values = decimal([c.value for c in leaders])
    names = [name_of(view, c) for c in leaders]
    unit = view.objective.unit
    columns = [
        Column("design"),
        Column("value", "number", f"Measured, in {one_line(unit)}." if unit else "Measured."),
        Column("round", "number"),
        *([Column("name")] if any(names) else []),
        *([Column("text", "code")] if not any("\n" in c.design for c in leaders) else []),
    ]
    rows = []
    for c, value, name in zip(leaders, values, names, strict=True):
        cells = [
            visible(c.id),
            value,
            str(round_number(c.round)),
            *([one_line(name)] if any(names) else []),
            one_line(c.design),
        ]
        rows.append(Row(c.id, tuple(cells[: len(columns)]), address("candidates", run=feed.run, id=c.id)))
    row_table(
        columns, rows, key=f"top-{feed.run}", label="The best designs", on_open=on_open, selected=picked, height=372
    )
