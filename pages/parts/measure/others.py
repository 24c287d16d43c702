"""Designs that nobody wants to make: others are proposed in their place, with parts held fixed, or far apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.parts.feed import Feed
from pages.parts.run.naming import said
from pages.parts.text import one_line, plain, visible
from pages.parts.words import times
from poets_core.runs.laboratory.batch import Batch
from poets_core.runs.laboratory.bench import Bench
from poets_core.runs.laboratory.orders import Reject

MOST_HELD = 60
"""Places that can be held by choosing; a design with more is asked for as a whole."""


def others_panel(feed: Feed, bench: Bench, batch: Batch, send: Callable[[dict[str, Any]], None]) -> None:
    """Draw which designs to replace, and how.

    Args:
        feed, bench: the run.
        batch: that is out.
        send: sends the body of the order.
    """
    there, view = batch.standing(), bench.view
    left = [id for id in batch.candidates if id not in there]
    st.header("Other designs in place of some", anchor=False)
    st.caption(
        "Designs that cannot be made, or that nobody wants, are taken out of the batch; others are proposed in their "
        "place. What was measured already stays. Take a new list away afterwards: wells change, ids do not."
    )
    if not left:
        st.caption("Every design of this batch has a result.")
        return

    def name(id: str) -> str:
        named = said(view.candidates[id].design, view.info)
        text = named.name if named and named.name else view.candidates[id].design
        return f"{visible(one_line(text, 40))} · {id}"

    with st.form(f"others-{feed.run}", border=False):
        every = st.checkbox(f"All {len(left)} that have no result", key=f"every-{feed.run}")
        chosen = st.multiselect("Or these", left, format_func=name, key=f"rejected-{feed.run}", placeholder="None")
        how = st.radio(
            "The new ones are",
            ["promising", "far apart"],
            captions=[
                "the next ones by the same rule",
                "from each other and from all that was measured, to learn most",
            ],
            horizontal=True,
            key=f"how-{feed.run}",
        )
        hold = _hold(feed, bench, left)
        if st.form_submit_button("Propose others", icon=":material/autorenew:"):
            rejected = left if every else chosen
            if not rejected:
                st.error("Choose the designs that are to be replaced.", icon=":material/error:")
            else:
                send(Reject(batch.round, tuple(rejected), hold, how == "far apart").body())
    if batch.rejected:
        st.caption(f"{times(len(batch.rejected), 'design')} of this batch were taken out.")


def _hold(feed: Feed, bench: Bench, left: list[str]) -> dict[int, str]:
    """Draw which parts the new designs must have; return place -> part."""
    design, info = bench.view.candidates[left[0]].design, bench.view.info
    if "\n" in design or len(design) > MOST_HELD or info is None:
        return {}
    labels = [str(x) for x in info.facts.get("sites") or []]
    if len(labels) != len(design):
        labels = [str(k + 1) for k in range(len(design))]
    letters = sorted(str(info.facts.get("alphabet") or "ACDEFGHIKLMNPQRSTVWY"))
    held: dict[int, str] = {}
    with st.expander("Hold parts fixed"):
        st.caption("The new designs have these letters; empty: any.")
        columns = st.columns(min(6, len(labels)))
        for k, label in enumerate(labels):
            with columns[k % len(columns)]:
                letter = st.selectbox(f"Site {plain(label)}", ["", *letters], key=f"hold-{feed.run}-{k}")
            if letter:
                held[k] = letter
    return held
