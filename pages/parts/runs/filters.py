"""Which runs the page Runs shows: a search field, filters and an order, as a query of the store."""

from __future__ import annotations

import streamlit as st

from domains.catalog import entries
from poets_core.runs.listing import Ended, Order, RunQuery
from poets_core.spec import METHODS

STATES: dict[Ended, str] = {
    "": "All",
    "unfinished": "At work or interrupted",
    "finished": "Finished",
    "stopped": "Stopped",
    "failed": "Failed",
}
ORDERS: dict[Order, str] = {
    "newest": "Newest",
    "oldest": "Oldest",
    "name": "Name",
    "problem": "Problem",
    "best": "Best value",
    "calls": "Measurements",
}
KEYS = ("q", "state", "of", "by", "tag", "sort", "away")
"""Names of the filters in the address, where links and reloads find them."""


def query_fields(tags: list[str]) -> RunQuery:
    """Draw the fields and return what they ask for; the address has it too, so that a link shows the same runs."""
    titles = {e.name: e.title for e in entries()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        text = st.text_input(
            "Search",
            key="q",
            type="search",
            placeholder="Name, problem, method, tag, id",
            width=210,
            bind="query-params",
            live=True,
        )
        state = _choice("State", STATES, "state")
        problem = _choice("Problem", {"": "All", **titles}, "of")
        method = _choice("Method", {"": "All", **{name: m.title for name, m in METHODS.items()}}, "by")
        tag = _choice("Tag", {"": "All", **{t: t for t in tags}}, "tag") if tags else ""
        order = _choice("Order", ORDERS, "sort")
        archived = st.toggle("Archived", key="away", bind="query-params", help="Show the runs that were put away.")
    words = tuple((text or "").lower().split())
    names = titles | {name: m.title for name, m in METHODS.items()}
    return RunQuery(
        words=words,
        synonyms=tuple((w, tuple(n for n, title in names.items() if w in title.lower())) for w in words),
        problem=problem,
        method=method,
        tag=tag,
        ended=state,  # type: ignore[arg-type]  # keys of STATES and ORDERS
        archived=archived,
        order=order,  # type: ignore[arg-type]
    )


def _choice(label: str, options: dict[str, str] | dict[Ended, str] | dict[Order, str], key: str) -> str:
    return str(
        st.selectbox(
            label,
            list(options),
            format_func=lambda name: options[name],  # type: ignore[index]
            key=key,
            width=140,
            bind="query-params",
        )
    )


def asks(query: RunQuery) -> bool:
    """Whether a query leaves runs out that the usual list has."""
    return bool(query.words or query.problem or query.method or query.tag or query.ended or query.archived)
