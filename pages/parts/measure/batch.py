"""The batch that is out: what to measure, files to take away, and how far its results have come."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.feed import Feed
from pages.parts.measure.desk import list_csv, maps_csv, workbook
from pages.parts.run.naming import said
from pages.parts.text import one_line, plain, visible
from pages.parts.words import number, times
from poets_core.runs.laboratory.batch import Batch, values
from poets_core.runs.laboratory.bench import Bench
from poets_core.types import round_number

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEIGHT = 420


def batch_panel(feed: Feed, bench: Bench, batch: Batch) -> None:
    """Draw a batch: counts, downloads, and its wells with what was measured in them."""
    hand_out, missing = bench.hand_out(batch.round), len(batch.missing())
    named = round_number(batch.round)
    plates = len({w.plate for w in hand_out.wells if w.plate})
    where = f" on {times(plates, 'plate')} of {bench.spec.wells}" if plates else ""
    st.header(f"Batch {named}", anchor=False)
    done = len(batch.candidates) - missing
    st.progress(
        done / max(len(batch.candidates), 1), text=f"{done} of {times(len(batch.candidates), 'design')} measured"
    )
    controls = sum(bool(w.control) for w in hand_out.wells)
    st.caption(
        f"{times(len(batch.candidates), 'design')} and {times(controls, 'control well')}{where}: "
        f"{times(len(hand_out.wells), 'well')}. Take the list away, fill in “{plain(hand_out.value)}”, and hand it in. "
        "Ids carry the run and the batch, and no spreadsheet takes them for dates."
    )
    name = f"{feed.run[-8:]}-batch-{named}"
    with st.container(horizontal=True, key="hand-out"):
        _file("List (xlsx)", lambda: workbook(bench, batch.round), f"{name}.xlsx", XLSX, "list-xlsx", first=True)
        _file("List (CSV)", lambda: list_csv(bench, batch.round), f"{name}.csv", "text/csv", "list-csv")
        if plates:
            _file("Plate maps (CSV)", lambda: maps_csv(bench, batch.round), f"{name}-plates.csv", "text/csv", "maps")
    if batch.complete or done:
        correction = bench.campaign.correction(batch.round, bench.spec)
        if correction.kind != "none":
            st.info(plain(f"Batch {named}: {correction}."), icon=":material/balance:")
    _wells(feed, bench, batch)


def _file(label: str, data: object, name: str, mime: str, key: str, *, first: bool = False) -> None:
    st.download_button(
        label,
        data,  # type: ignore[arg-type]
        file_name=name,
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        type="primary" if first else "secondary",
        key=key,
    )


def _wells(feed: Feed, bench: Bench, batch: Batch) -> None:
    """Draw the wells as a table: what is in each, what was expected, what was measured."""
    standing, view = batch.standing(), bench.view
    rows = []
    for well in bench.hand_out(batch.round).wells:
        lines = standing.get(well.candidate or f"control:{well.control}", [])
        own = [line for line in lines if line.place in ("", well.place)]
        seen, c = values(own), view.candidates.get(well.candidate)
        named = None if c is None else said(c.design, view.info)
        text = well.control or (named.name if named and named.name else c.design if c else "")
        state = "" if not own else ", ".join(f"{v:g}" for v in seen) if seen else one_line(own[0].note or "failed", 60)
        rows.append(
            {
                "id": well.id,
                "well": f"{well.plate} {well.well}".strip() if well.well else "",
                "content": visible(text),
                "expected": "" if c is None or c.expected is None else number(c.expected),
                "measured": visible(state),
            }
        )
    frame = pd.DataFrame(rows, dtype="str")
    if not bench.spec.wells:
        frame = frame.drop(columns="well")
    st.dataframe(
        frame, hide_index=True, height=HEIGHT, key=f"wells-{feed.run}", alt=f"Wells of batch {batch.round + 1}"
    )


def history(bench: Bench) -> None:
    """Draw what was corrected: the value that stands, and those that stood before."""
    rows = []
    for batch in bench.campaign.batches.values():
        said_before: dict[tuple[str, str], list[float | None]] = {}
        for _, line in batch.lines:
            said_before.setdefault((line.candidate or line.control, line.place), []).append(line.value)
        for (who, place), found in said_before.items():
            if len(found) > 1:
                words = ["failed" if v is None else f"{v:g}" for v in found]
                rows.append({"design": who, "well": place, "handed in, oldest first": " → ".join(words)})
    if rows:
        with st.expander(f"Values that were handed in more than once ({len(rows)})"):
            st.caption("The last one of a well counts; without wells, all lines of the last file do.")
            st.dataframe(pd.DataFrame(rows, dtype="str"), hide_index=True, key="history", alt="Values handed in again")
