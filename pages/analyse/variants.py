"""Variants: what a science looks at in the designs of one run: heat maps, logos, tables. The address is ``?run=``."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from domains.catalog import science, views_of
from domains.entry import Known, View
from pages.parts.feed import Feed
from pages.parts.links import CANDIDATES, LIVE
from pages.parts.live_plot import live_plot
from pages.parts.look import Look, current_look
from pages.parts.measure.desk import texts_of
from pages.parts.panel import Panel
from pages.parts.skeleton import feed_of_address, nothing, store_errors
from pages.parts.text import one_line, plain, plain_error, visible
from poets_core.errors import PoetsError
from poets_core.runs.examine import structure_view
from poets_core.runs.views.fold import RunView
from poets_core.spec import SearchSpec

MOST = 20_000
"""Designs that are looked at; of more, the latest."""
HEIGHT, TALL = 470, 520
CHOICE = 40
"""Designs that can be chosen to be looked at alone."""


def page() -> None:
    """Draw the page."""
    feed = feed_of_address("Variants")
    if not isinstance(feed.spec, SearchSpec):
        nothing("This run is no search.", LIVE, "Go to the runs", title="Variants")
        return
    with store_errors():
        view = feed.snapshot().view
    name = plain(feed.spec.label or feed.spec.problem.name)
    with st.container(horizontal=True, vertical_alignment="center", key="heading"):
        st.title("Variants", anchor=False, width="content")
        st.page_link(
            LIVE, label=f"Back to the run {name}", icon=":material/monitoring:", query_params={"run": feed.run}
        )
        st.page_link(CANDIDATES, label="Candidates", icon=":material/table:", query_params={"run": feed.run})
    given = f"{len(view.given):,} given, " if view.given else ""
    st.caption(f"{name} · run {plain(feed.run)} · {given}{view.measured_in_words}")
    look = current_look()
    found = _views(feed, look, _chosen(feed))
    if found is None:
        st.info("The science of this run has no views of its own.", icon=":material/info:")
        return
    if not found:
        st.info("Nothing has been measured yet. This page fills as the run goes on.", icon=":material/hourglass_empty:")
        st.button("Look again", icon=":material/refresh:", key="look-again")
    maps = [v for v in found if v.figure is not None]
    if maps:
        _maps(feed, maps)
    for number, shown in enumerate(v for v in found if v.figure is None):
        with st.container(border=True, key=f"view-{number}"):
            _draw(shown, f"view-{number}-{feed.run}", feed.run)
    if view.info is not None:
        _structure(feed, view, look)


def _chosen(feed: Feed) -> tuple[str, ...]:
    """Draw which designs are looked at; return them, none for all."""
    known: list[Known] = feed.drawn("known", lambda snapshot: _known(snapshot.view))
    best = [k for k in known if k.value is not None and k.name != k.design]
    sign = feed.snapshot().view.sign
    best = sorted(best, key=lambda k: -sign * (k.value or 0.0))[:CHOICE]
    names = {k.design: f"{visible(one_line(k.name, 40))} · {k.value:.4g}" for k in best}
    if not names:
        return ()
    return tuple(
        st.multiselect(
            "Look at some of the best alone",
            list(names),
            format_func=lambda d: names.get(d, d),
            key=f"chosen-{feed.run}",
            placeholder="All designs of this run",
            help="All that is shown below is then of these alone.",
        )
    )


def _views(feed: Feed, look: Look, chosen: tuple[str, ...]) -> list[View] | None:
    """Return the views, made once per event and theme; None where the science has none."""

    def made(snapshot: object) -> list[View] | None:
        view: RunView = snapshot.view  # type: ignore[attr-defined]
        if view.info is None:
            return []
        try:
            show = views_of(view.info.name)
            if show is None:
                return None
            objective = view.objective
            return show(
                [k for k in _known(view) if not chosen or k.design in chosen],
                facts=view.info.facts,
                unit=objective.unit,
                minimise=objective.direction == "minimise",
                colours=look.colours,
            )
        except Exception as error:
            # A science may come from anywhere and may raise anything.
            st.error(f"The views failed: {plain_error(str(error) or type(error).__name__)}", icon=":material/error:")
            return []

    found: list[View] | None = feed.drawn(("views", look.dark, chosen), made)
    return found


def _known(view: RunView) -> list[Known]:
    """Return what the run knows of each design, once; the measured one of equals."""
    texts = texts_of(view)
    by_design: dict[str, Known] = {}
    for c in list(view.candidates.values())[-MOST:]:
        if not c.design or (c.design in by_design and c.value is None):
            continue
        spread = (c.expected_high - c.expected_low) / 4.0 if None not in (c.expected_high, c.expected_low) else None  # type: ignore[operator]
        by_design[c.design] = Known(c.design, c.id, c.value, c.expected, spread, c.details)
    # Names are worth their time for the few that are shown with them.
    best = sorted((k for k in by_design.values() if k.value is not None), key=lambda k: -view.sign * (k.value or 0.0))[
        :40
    ]
    for k in best:
        name = next(iter(texts(k.design).values()), k.name)
        by_design[k.design] = replace(k, name=name)
    return list(by_design.values())


def _maps(feed: Feed, maps: list[View]) -> None:
    """Draw one chart of several, as it is chosen."""
    with st.container(border=True, key="maps"):
        titles = [m.title for m in maps]
        chosen = st.segmented_control("Chart", titles, default=titles[0], key=f"map-{feed.run}", required=True)
        shown = maps[titles.index(str(chosen))]
        _draw(shown, f"map-{titles.index(str(chosen))}-{feed.run}", feed.run, tall=HEIGHT)


def _draw(view: View, key: str, revision: str, *, tall: int = TALL) -> None:
    st.header(plain(view.title), anchor=False)
    st.caption(plain(view.help))
    if view.svg:
        st.image(view.svg, alt=view.says)
    if view.figure is not None:
        form = {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}} | dict(view.figure["layout"])
        panel = Panel("view", view.title, view.help, list(view.figure["data"]), form, view.says)
        live_plot(panel, key=key, revision=revision, height=tall)
    if view.rows:
        frame = pd.DataFrame(
            [[visible(cell) for cell in row] for row in view.rows], columns=list(view.headings), dtype="str"
        )
        st.dataframe(frame, hide_index=True, key=f"{key}-table", alt=view.says)


def _structure(feed: Feed, view: RunView, look: Look) -> None:
    """Draw a structure of one's own with the sites marked; it is shown and not kept."""
    info = view.info
    known = None if info is None else science(info.name)
    if info is None or known is None or not known.structure:
        return
    with st.container(border=True, key="structure"):
        st.header("Structure", anchor=False)
        st.caption("A PDB or mmCIF file of yours beside the campaign. It is shown here and not kept.")
        file = st.file_uploader("File of the structure", type=list(known.structures), key=f"structure-{feed.run}")
        if file is None:
            return
        key = f"structure-{file.file_id}-{look.dark}"
        if key not in st.session_state:
            with tempfile.NamedTemporaryFile(prefix="poets-structure-") as aside:
                aside.write(file.getbuffer())
                aside.flush()
                colours = (look.colours.text, look.colours.muted, look.colours.paper)
                try:
                    told = structure_view(info.name, Path(aside.name), one_line(file.name, 120), info.facts, colours)
                    st.session_state[key] = View(**told)
                except PoetsError as error:
                    st.session_state[key] = str(error)
        found = st.session_state[key]
        if isinstance(found, str):
            st.error(plain_error(found), icon=":material/error:")
            return
        _draw(found, f"structure-plot-{feed.run}", feed.run)


page()
