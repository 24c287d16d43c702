"""Learn: one run that learns from verifiable rewards (``?run=``), or the form for a new one and the runs so far."""

from __future__ import annotations

import streamlit as st

from pages.parts.feed import the_shelf
from pages.parts.links import LIVE
from pages.parts.rewards.form import form
from pages.parts.rewards.live import live
from pages.parts.skeleton import feed_of_address, nothing, store_errors
from poets_core.spec import RewardsSpec


def page() -> None:
    """Draw the page."""
    if st.query_params.get("run"):
        feed = feed_of_address("Learn")
        if not isinstance(feed.spec, RewardsSpec):
            nothing(
                "This run does not learn from rewards.",
                LIVE,
                "Open it",
                ":material/monitoring:",
                title="Learn",
                address={"run": feed.run},
            )
            return
        live(feed)
        return
    st.title("Learn from rewards", anchor=False)
    st.caption(
        "A language model answers many prompts several times each, a program says what each answer is worth, and an "
        "ensemble of models learns from that. Held-out prompts say whether it carries over. (POETS, arXiv 2605.07775)"
    )
    with store_errors():
        store = the_shelf()
        form(store)


page()
