"""Beside the form: what will run, what it takes, and the button."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from domains.entry import Entry
from pages.parts.launch.cost import Cost, estimate, memory
from pages.parts.launch.idle import WHERE
from pages.parts.setting_fields import Errors
from pages.parts.states import span
from pages.parts.text import plain
from pages.parts.words import MEASUREMENTS, MEASUREMENTS_HELP
from poets_core.runs.store import RunStore
from poets_core.spec import PoetsSettings, SearchSpec, plan_of
from poets_core.spec.presets import PRESETS


def summary(specs: Sequence[SearchSpec], entry: Entry, preset: str, errors: Errors, start: Callable[[], None]) -> None:
    """Draw cost and button.

    Args:
        specs: the run, then its baselines; none while a field is wrong.
        entry, preset: what was chosen.
        errors: of the form, shown already.
        start: starts the runs.
    """
    st.header("3 · Start", anchor=False)
    st.markdown(f"**{plain(entry.title)}**  \n{PRESETS[preset].title}")
    if not specs:
        errors.because("run")
    else:
        _cost(specs)
    clicked = st.button(
        "Start the run" if len(specs) < 2 else f"Start {len(specs)} runs",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not specs,
        width="stretch",
        key="start",
    )
    if clicked and specs:
        start()


def _cost(specs: Sequence[SearchSpec]) -> None:
    costs = [estimate(spec) for spec in specs]
    budget, cost, seconds = specs[0].budget, costs[0], sum(c.seconds for c in costs)
    st.metric(
        MEASUREMENTS,
        f"{sum(c.calls for c in costs):,}",
        help=f"{MEASUREMENTS_HELP} The budget: rounds times designs per round, of the run and each baseline. Fewer if "
        "nothing new is left.",
        delta=f"{budget.rounds} rounds × {budget.batch}" + (f" × {len(specs)} runs" if len(specs) > 1 else ""),
        delta_color="off",
        delta_arrow="off",
    )
    if (contest := specs[0].contest) is not None:
        st.caption(f"With contests: {plan_of(budget, contest)}. One that ends early leaves more for rounds.")
    st.metric(
        "Rough time",
        f"{span(seconds / 3)} to {span(seconds * 3)}",
        help="An estimate for one processor core and a small model. The page Live shows the real pace.",
    )
    st.caption(
        f"{_work(specs[0], cost)} {_memory(specs)}"
        "The time is a rough estimate; the run survives a closed browser and can be paused."
    )


def _work(spec: SearchSpec, cost: Cost) -> str:
    """Say what a run does between measurements: how it learns and what it chooses from."""
    search = spec.search
    exact = search.fit if isinstance(search, PoetsSettings) else "gradient"
    whole = isinstance(search, PoetsSettings) and search.whole_space
    steps = f"takes {cost.trained:,} training steps"
    drawn = f"up to {cost.drawn:,} designs to choose from"
    if exact == "exact":
        every = (
            ", and choose among all designs where these are at most a million" if whole else f"; the run writes {drawn}"
        )
        return f"{WHERE[exact]}, without training steps{every}."
    if exact == "auto":
        every = "choose among all of them" if whole else "write ideas"
        return f"{WHERE[exact]} and {every}. Else the run writes {drawn} and {steps}."
    return f"Writes {drawn} and {steps}."


def _memory(specs: Sequence[SearchSpec]) -> str:
    """Say what memory the largest of the runs needs, roughly; "" where no model says its size."""
    most = max((needed.total for spec in specs if (needed := memory(spec)) is not None), default=0)
    return f"Memory: about {most / 1e9:.1f} GB. " if most else ""


def as_json(spec: SearchSpec, store: RunStore) -> None:
    """Draw the run as JSON; files of the store are named relative to it, for nobody needs the server's folders."""
    with st.expander("The run as JSON", key="spec-json"):
        st.caption("The same file starts this run from the command line, and fills this form again.")
        st.code(spec.model_dump_json(indent=2).replace(f'"{store.files}/', '"'), language="json")
