"""Which other runs of the problem stand beside a run: chosen by a person, rivals of the same seed to begin with."""

from __future__ import annotations

import streamlit as st

from pages.parts.feed import Feed, open_feed
from pages.parts.launch.similar import beside
from pages.parts.run.overlays import MOST, Reference
from pages.parts.skeleton import store_problem
from pages.parts.words import method_name
from poets_core.errors import PoetsError
from poets_core.runs.status import RunRow


def known_beside(feed: Feed) -> list[RunRow]:
    """Return other runs of the problem, rivals first; none where the store cannot be read, which is then said."""
    try:
        return beside(feed.store, feed.run, feed.spec)
    except PoetsError as error:
        store_problem(error)
        return []


def choose_references(feed: Feed, rows: list[RunRow]) -> None:
    """Draw the choice of runs whose curves are drawn beside."""
    if not rows:
        return
    known = {r.id: r for r in rows}
    st.multiselect(
        "Reference curves",
        list(known),
        max_selections=MOST,
        format_func=lambda id: _name(known[id]),
        key=_key(feed),
        placeholder="Other runs of this problem",
        help="Best value and regret of other runs with the same problem and parameters.",
    )


def references(feed: Feed, rows: list[RunRow]) -> list[Reference]:
    """Return the runs that were chosen, with names that tell them apart.

    Rivals of the same seed are chosen for the first time; one that a person has taken out stays out.
    """
    known = {r.id: r for r in rows}
    _offer(_key(feed), [r.id for r in rows if r.method != feed.spec.search.method and r.seed == feed.spec.seed])
    chosen = [id for id in st.session_state.get(_key(feed), []) if id in known]
    short = {id: known[id].label or method_name(known[id].method) for id in chosen}
    alike = [id for id in chosen if list(short.values()).count(short[id]) > 1 or known[id].seed != feed.spec.seed]
    names = short | {id: f"{short[id]}, seed {known[id].seed} ({id[-4:]})" for id in alike}
    try:
        return [
            Reference(
                names[id],
                open_feed(feed.store, id).snapshot().view,
                known[id].method if known[id].method != feed.spec.search.method else "",
            )
            for id in chosen
        ]
    except PoetsError as error:
        store_problem(error)
        return []


def _key(feed: Feed) -> str:
    return f"references-{feed.run}"


def _offer(key: str, own: list[str]) -> None:
    # A widget reads its default once, when a baseline that was started together may not have measured anything yet.
    told = f"{key}-offered"
    offered = st.session_state.get(told, []) if key in st.session_state else []
    if begun := [id for id in own if id not in offered]:
        st.session_state[key] = [*st.session_state.get(key, []), *begun][:MOST]
    st.session_state[told] = own


def _name(row: RunRow) -> str:
    return f"{row.label or method_name(row.method)}, seed {row.seed} ({row.id[-4:]})"
