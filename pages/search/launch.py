"""Launch: choose a problem, a model and a search; see what it will cost; start it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from domains.catalog import broken, entries, sciences
from domains.entry import Entry
from pages.parts.feed import the_store
from pages.parts.launch.cost import estimate
from pages.parts.launch.settings import build_spec, checked, defaults, rival_of, unfilled
from pages.parts.launch.similar import advice
from pages.parts.launch.widgets import backbone_field, contest_fields, parameter_fields
from pages.parts.links import LIVE
from pages.parts.setting_fields import STICKY, Errors, setting_field, setting_fields
from pages.parts.settings import settings_of
from pages.parts.skeleton import store_errors, store_problem
from pages.parts.states import plain, span
from poets_core.errors import PoetsError
from poets_core.runs.launch import launch
from poets_core.runs.store import RunStore
from poets_core.spec import METHODS, BackboneSpec, Budget, SearchSpec, SpecModel
from poets_core.spec.preset_rule import Advice
from poets_core.spec.presets import PRESETS

RULE = (
    "The best long POETS run of this problem decides. Few distinct values: climb steps. A stalled search whose "
    "branches agree: explore widely. Else: recommended. The figures behind the rule are in docs/results/regime_map.md."
)


def page() -> None:
    """Draw the page."""
    st.title("Launch a run", anchor=False)
    with store_errors():
        store = the_store()
    errors = Errors()
    form, side = st.columns([2, 1], gap="large")
    with form:
        entry = _problem()
        params = _parameters(entry, store, errors)
        preset = _preset(store, entry, params)
        sections, about = _search(entry, preset, errors, f"{entry.name}-{preset}")
        rivals = _beside(sections["search"]["method"], f"{entry.name}-{preset}")
    spec, problems = build_spec(entry, params, sections, **about)
    errors.show(problems, unfilled(entry, params, sections))
    st.html(STICKY)
    with side, st.container(border=True, key="summary"):
        specs = [] if spec is None else [spec, *(rival_of(spec, defaults(entry, preset, m)) for m in rivals)]
        _summary(specs, entry, preset, store, errors)


def _problem() -> Entry:
    """Choose domain, then problem; the choice is in the address as ``?problem=``."""
    known = {e.name: e for e in entries()}
    asked = known.get(st.query_params.get("problem", ""), entries()[0])
    titles = {s.name: s.title for s in sciences() if s.problems}
    st.subheader("1 · Problem", anchor=False)
    for fault in broken():
        st.warning(
            f"The science in {plain(fault.source)} cannot be used. {plain(fault.message)}",
            icon=":material/extension_off:",
        )
    domain = st.segmented_control(
        "Science", list(titles), default=asked.domain, format_func=titles.__getitem__, required=True, key="domain"
    )
    offered = [e for e in entries() if e.domain == domain]
    start = next((i for i, e in enumerate(offered) if e.name == asked.name), 0)
    name = st.radio(
        "Problem",
        [e.name for e in offered],
        index=start,
        format_func=lambda n: known[n].title,
        captions=[e.summary for e in offered],
        key=f"problem-{domain}",
    )
    entry = known[name]
    st.query_params["problem"] = entry.name
    unit = f" [{entry.unit}]" if entry.unit else ""
    st.caption(f"Maximises: {entry.objective}{unit}. {entry.reads}")
    return entry


def _preset(store: RunStore, entry: Entry, params: dict[str, Any]) -> str:
    """Choose a preset; what earlier runs speak for is chosen unless the address says another as ``?preset=``."""
    st.subheader("2 · Settings", anchor=False)
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
        key=f"preset-choice-{advised.preset}",
        help="A preset fills in the fields below; every one can still be changed.",
    )
    if preset != advised.preset:  # the address holds only what a person has chosen
        st.query_params["preset"] = preset
    elif "preset" in st.query_params:
        del st.query_params["preset"]
    st.caption(PRESETS[preset].says)
    word = "Chosen" if preset == advised.preset else f"Advised: {PRESETS[advised.preset].title}"
    st.caption(f":material/lightbulb: {word}, because: {advised.reason}", help=RULE)
    return str(preset)


def _beside(method: str, key: str) -> list[str]:
    """Choose rivals that run on the same problem, budget and seed."""
    return st.multiselect(
        "Baselines beside it",
        [m for m in METHODS if m != method],
        format_func=lambda m: METHODS[m].title,
        key=f"{key}-beside",
        placeholder="None",
        help="Each is a run of its own with its tuned settings, the same budget, seed and first round. "
        "The page Live draws them as reference curves.",
    )


def _parameters(entry: Entry, store: RunStore, errors: Errors) -> dict[str, Any]:
    if not entry.parameters:
        return {}
    with st.container(border=True, key="parameters"):
        st.markdown("**The problem**")
        return parameter_fields(entry, store, errors, entry.name)


def _search(entry: Entry, preset: str, errors: Errors, key: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Draw the fields of the model and the search; return the spec's sections, and label, seed and device."""
    with st.container(border=True, key="model"):
        st.markdown("**The model that writes designs**")
        source = backbone_field(entry, errors, key)
    with st.container(border=True, key="search"):
        st.markdown("**Budget and search**")
        budget = setting_fields(
            settings_of("budget", Budget).values(),
            defaults(entry, preset)["budget"],
            errors,
            lambda name: f"{key}-budget-{name}",
        )
        method = st.selectbox(
            "Method",
            list(METHODS),
            format_func=lambda m: METHODS[m].title,
            key=f"{key}-method",
            help="Every method draws the same first round and counts its oracle calls alike.",
        )
        st.caption(METHODS[method].says)
        sections = defaults(entry, preset, method)
        sections["backbone"]["source"] = source
        sections["budget"] |= budget
        key = f"{key}-{method}"
        _section(sections, "search", METHODS[method], errors, key, advanced=False)
        # Whether there are branches to compare is the spec's to say: their number may still change.
        if METHODS[method].ensemble and (contest := contest_fields(errors, key)):
            sections["contest"] = contest
    whole = settings_of("", SearchSpec)
    with st.expander("Advanced settings", icon=":material/tune:", key=f"{key}-advanced"):
        _section(sections, "search", METHODS[method], errors, key, advanced=True)
        _section(sections, "backbone", BackboneSpec, errors, key, advanced=True)
        left, right = st.columns(2)
        with left:
            seed = setting_field(whole["seed"], 0, f"{key}-seed", errors)
        with right:
            device = setting_field(whole["device"], "auto", f"{key}-device", errors)
    title = whole["label"].label
    label = st.text_input(title, max_chars=120, key="label", placeholder=entry.title, persist_state="session").strip()
    errors.place("label", title)
    return sections, {"label": label, "seed": seed, "device": device}


def _section(
    sections: dict[str, dict[str, Any]], name: str, model: type[SpecModel], errors: Errors, key: str, *, advanced: bool
) -> None:
    """Draw the ordinary or the advanced fields of a section and put their values into it."""
    shown = [s for s in settings_of(name, model).values() if s.advanced == advanced]
    sections[name] |= setting_fields(shown, sections[name], errors, lambda field: f"{key}-{name}-{field}")


def _summary(specs: list[SearchSpec], entry: Entry, preset: str, store: RunStore, errors: Errors) -> None:
    """Draw cost and button.

    Args:
        specs: the run, then its baselines; none while a field is wrong.
        entry, preset: what was chosen; store: where runs go.
        errors: of the form, shown already.
    """
    st.subheader("3 · Start", anchor=False)
    st.markdown(f"**{entry.title}**  \n{PRESETS[preset].title}")
    if not specs:
        errors.because("run")
    else:
        costs = [estimate(spec) for spec in specs]
        budget, cost, seconds = specs[0].budget, costs[0], sum(c.seconds for c in costs)
        st.metric(
            "Oracle calls",
            f"{sum(c.calls for c in costs):,}",
            help="The budget: rounds times designs per round, of the run and each baseline. Fewer if nothing new is "
            "left.",
            delta=f"{budget.rounds} rounds × {budget.batch}" + (f" × {len(specs)} runs" if len(specs) > 1 else ""),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Rough time",
            f"{span(seconds / 3)} to {span(seconds * 3)}",
            help="An estimate for one processor core and a small model. The page Live shows the real pace.",
        )
        st.caption(
            f"Writes up to {cost.drawn:,} designs to choose from and takes {cost.trained:,} training steps. "
            "The time is a rough estimate; the run survives a closed browser and can be paused."
        )
    start = st.button(
        "Start the run" if len(specs) < 2 else f"Start {len(specs)} runs",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not specs,
        width="stretch",
        key="start",
    )
    if specs:
        with st.expander("The run as JSON", key="spec-json"):
            st.caption("The same file starts this run from the command line.")
            st.code(specs[0].model_dump_json(indent=2), language="json")
    if start and specs:
        try:
            runs = [store.create(spec) for spec in specs]
            for run in runs:
                launch(store, run)
        except PoetsError as error:
            store_problem(error)
            return
        st.switch_page(LIVE, query_params={"run": runs[0]})


page()
