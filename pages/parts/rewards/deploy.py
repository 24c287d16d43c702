"""Models taken away: a worker chooses, writes and loads them back; the file is offered with what was found."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from pages.parts.feed import Feed, Snapshot
from pages.parts.number_field import number_field
from pages.parts.run.made import Said, begin, followed
from pages.parts.text import plain
from pages.parts.words import model, times
from poets_core.runs.events import ArtifactMade
from poets_core.runs.views.run import RunView
from poets_core.spec import TaskSettings
from poets_core.types import branch_of

Way = Literal["each", "winner", "mean"]
WAYS: dict[Way, tuple[str, str]] = {
    "each": ("A model for each answer", "All models leave as adapters; each answer is written by one, drawn anew."),
    "winner": (
        "The best model",
        "Models are compared on held-out prompts until one is known to be the best, with error at most 10 %. Models "
        "that are equally good have no winner: then nothing is written, and it says so.",
    ),
    "mean": ("The mean of all models", "One model with the mean of their weights."),
}


def deploy(feed: Feed, snapshot: Snapshot) -> None:
    """Draw what can be taken away, and the file once it is made."""
    st.subheader("Models", anchor=False)
    if not snapshot.view.rounds:
        st.caption("There will be models when the first round is learnt.")
        return
    st.caption("A worker writes the files, loads them back with transformers and peft, and compares what they say.")
    ways: list[Way] = ["each", "winner", "mean"] if feed.spec.rewards.branches > 1 else ["mean"]
    with st.container(horizontal=True, vertical_alignment="bottom", key="deploy"):
        way = st.selectbox("What answers", ways, format_func=lambda w: WAYS[w][0], key=f"way-{feed.run}", width=240)
        merged = way != "each" and st.checkbox(
            "As one whole model",
            key=f"merged-{feed.run}",
            help="Merged into the base model, with a head of its own. Off: an adapter in PEFT's format.",
        )
        most: float | None = 2000
        if way == "winner":
            most, wrong = number_field("Comparisons, at most", int, 2000, f"most-{feed.run}")
            if wrong:
                st.error(plain(wrong))
        clicked = st.button("Prepare the models", icon=":material/deployed_code:", disabled=most is None, key="prepare")
    st.caption(WAYS[way][1])
    if clicked and most is not None:
        fields = {"name": "deploy", "run": feed.run, "way": way, "merged": bool(merged), "comparisons": int(most)}
        begin(feed, lambda: TaskSettings.model_validate(fields))
    followed(feed, SAID)


def won(view: RunView) -> str:
    """Say which model won the comparisons; "" where none were made."""
    if not view.contests or view.contests[-1].verdict.policy is None:
        return ""
    v = view.contests[-1].verdict
    name = model(branch_of(str(v.policy))).capitalize()
    bound = f"{v.error_bound or 0:.0%}".replace("%", " %")
    return f"{name} is the best, with error at most {bound}, after {times(v.comparisons, 'comparison')}. "


def _found(made: ArtifactMade, view: RunView) -> None:
    apart = f"answers differ by {made.max_difference or 0:.2g} nats at most"
    st.success(plain(f"{won(view)}{times(made.rows, 'model')} loaded back; {apart}"), icon=":material/verified:")


SAID = Said(
    failed="Nothing was written.",
    gone="The worker is gone. Prepare the models again.",
    doing="Rebuilding the models of the last round.",
    found=_found,
    about=lambda data: f" · {len(data) / 1e6:.1f} MB · how to use it stands in its README.md",
)
