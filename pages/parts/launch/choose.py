"""What a launch begins with: the problem, and the preset that fills in everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from domains.catalog import broken, entries, sciences
from domains.entry import Entry
from pages.parts.launch.idle import idle_preset
from pages.parts.launch.settings import checked, defaults
from pages.parts.launch.similar import advice
from pages.parts.skeleton import store_problem
from pages.parts.states import plain
from pages.parts.text import plain_error
from pages.parts.words import quantity
from poets_core.errors import PoetsError
from poets_core.runs.store import RunStore
from poets_core.spec.preset_rule import Advice
from poets_core.spec.presets import PRESETS

RULE = (
    "The best long POETS run of this problem decides. Few distinct values: climb steps. A stalled search whose "
    "models agree: explore widely. Else, and where models learn exactly from all designs: recommended. "
    "The figures behind the rule are in docs/results/regime_map.md."
)
CHOSEN = "launch-problem"


def choose_problem() -> Entry:
    """Choose domain, then problem; the choice is in the address as ``?problem=``, and kept while the browser looks."""
    known = {e.name: e for e in entries()}
    st.header("1 · Problem", anchor=False)
    for fault in broken():
        st.warning(
            f"The science in {plain_error(fault.source)} cannot be used. {plain_error(fault.message)}",
            icon=":material/extension_off:",
        )
    kept = st.session_state.get(CHOSEN)
    asked = st.query_params.get("problem", kept)
    start = known.get(str(asked), entries()[0])
    # An address that names another problem than the one on the screen wins over what was clicked before.
    if asked != kept or "domain" not in st.session_state or f"problem-{start.domain}" not in st.session_state:
        st.session_state["domain"], st.session_state[f"problem-{start.domain}"] = start.domain, start.name
    titles = {s.name: s.title for s in sciences() if s.problems}
    domain = st.segmented_control(
        "Science",
        list(titles),
        format_func=lambda d: plain(titles[d]),
        required=True,
        key="domain",
        persist_state="session",
    )
    offered = [e for e in entries() if e.domain == domain]
    name = st.radio(
        "Problem",
        [e.name for e in offered],
        format_func=lambda n: plain(known[n].title),
        captions=[plain(e.summary) for e in offered],
        key=f"problem-{domain}",
        persist_state="session",
    )
    entry = known[name]
    st.query_params["problem"] = st.session_state[CHOSEN] = entry.name
    unit = f" [{entry.unit}]" if entry.unit else ""
    either = any(p.name == "direction" for p in entry.parameters)  # which way is better is then a parameter
    does = "Looks for the best" if either else "Maximises:"
    st.caption(f"{does} {plain(quantity(entry.objective) + unit)}. {plain(entry.reads)}")
    return entry


def choose_preset(store: RunStore, entry: Entry, params: Mapping[str, Any], key: str) -> str:
    """Choose a preset; what earlier runs speak for is chosen unless the address says another as ``?preset=``."""
    st.header("2 · Settings", anchor=False)
    try:
        advised = advice(store, entry.name, checked(entry, params))
    except PoetsError as error:
        store_problem(error)
        advised = Advice("default", "Earlier runs could not be read.")
    asked = st.query_params.get("preset", "")
    preset = st.segmented_control(
        "Preset",
        list(PRESETS),
        default=asked if asked in PRESETS else advised.preset,
        format_func=lambda p: PRESETS[p].title,
        required=True,
        key=f"{key}preset-choice-{entry.name}-{advised.preset}",
        persist_state="session",
        help="A preset fills in the other settings; every one can still be changed under Advanced.",
    )
    if preset != advised.preset:  # the address holds only what a person has chosen
        st.query_params["preset"] = preset
    elif "preset" in st.query_params:
        del st.query_params["preset"]
    st.caption(" ".join(filter(None, (PRESETS[preset].says, idle_preset(defaults(entry, preset)["search"], preset)))))
    word = "Chosen" if preset == advised.preset else f"Advised: {PRESETS[advised.preset].title}"
    st.caption(f":material/lightbulb: {word}, because: {advised.reason}", help=RULE)
    return str(preset)
