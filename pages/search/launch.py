"""Launch: choose a problem, its data and a preset; see what it will cost; start it. Everything else is folded."""

from __future__ import annotations

from typing import Any

import streamlit as st

from domains.entry import Entry
from pages.parts.feed import the_shelf
from pages.parts.launch.choose import choose_preset, choose_problem
from pages.parts.launch.filled import Filled
from pages.parts.launch.idle import idle_settings
from pages.parts.launch.load import json_loader, loaded
from pages.parts.launch.report import report
from pages.parts.launch.settings import blank, build_spec, checked, defaults, examined, rival_of, told, unfilled
from pages.parts.launch.summary import as_json, summary
from pages.parts.launch.widgets import backbone_field, contest_fields, laboratory_fields, parameter_fields
from pages.parts.links import LIVE
from pages.parts.setting_fields import STICKY, Errors, setting_field, setting_fields
from pages.parts.settings import settings_of
from pages.parts.skeleton import store_errors, store_problem
from poets_core.errors import PoetsError
from poets_core.runs.launch import launch
from poets_core.runs.store import RunStore, SqlStore
from poets_core.spec import METHODS, BackboneSpec, Budget, SearchSpec, SpecModel

Sections = dict[str, dict[str, Any]]


def page() -> None:
    """Draw the page."""
    st.title("Launch a run", anchor=False)
    with store_errors():
        store = the_shelf()
    errors = Errors()
    form, side = st.columns([2, 1], gap="large")
    with form:
        found = loaded(store)
        entry = choose_problem()
        if found is not None and found.spec.problem.name != entry.name:
            found = None
        own = found.key if found else ""
        params = _parameters(entry, store, errors, found)
        report(told(entry, params))
        preset = choose_preset(store, entry, params, own)
        if found is not None and preset != found.preset:
            found = None  # the other preset's own settings, in fields of their own
        key = f"{found.key if found else ''}{entry.name}-{preset}"
        sections, about, rivals = _settings(entry, preset, errors, key, found)
        if entry.people(checked(entry, params)):
            with st.container(border=True, key="laboratory"):
                st.markdown("**The laboratory**")
                begin = found.spec.laboratory if found else None
                sections["laboratory"] = laboratory_fields(errors, key, begin)
        json_loader(store)
    spec, problems = build_spec(entry, params, sections, **about)
    if spec is not None and (problems := examined(entry, spec)):
        spec = None
    errors.show(problems, unfilled(entry, params, sections) | blank(entry, params))
    st.html(STICKY)
    specs = [] if spec is None else [spec, *(rival_of(spec, defaults(entry, preset, m)) for m in rivals)]
    with side:
        with st.container(border=True, key="summary"):
            summary(specs, entry, preset, errors, lambda: _start(store, specs))
        if specs:
            as_json(specs[0], store)


def _start(store: SqlStore, specs: list[SearchSpec]) -> None:
    try:
        runs = store.create_group(specs)
        for run in runs:
            launch(store, run)
    except PoetsError as error:
        store_problem(error)
        return
    st.switch_page(LIVE, query_params={"run": runs[0]})


def _parameters(entry: Entry, store: RunStore, errors: Errors, found: Filled | None) -> dict[str, Any]:
    if not entry.parameters:
        return {}
    start = dict(found.spec.problem.params) if found else {}
    key = f"{found.key if found else ''}{entry.name}"
    # What must be given or chosen stands open; what a problem knows by itself is there to be changed.
    if any(p.default is None or p.kind == "file" for p in entry.parameters):
        own = any(p.default is None or p.kind == "file" for p in entry.parameters if not p.group)
        place = st.container(border=True, key="parameters")
        place.markdown("**The data**" if own else "**The problem**")
    else:
        place = st.expander("Parameters of the problem", icon=":material/tune:", key=f"{key}-parameters")
    with place:
        return parameter_fields(entry, store, errors, key, start)


def _settings(
    entry: Entry, preset: str, errors: Errors, key: str, found: Filled | None
) -> tuple[Sections, dict[str, Any], list[str]]:
    """Draw budget and name, and the rest folded; return the spec's sections, what else it says, and the rivals."""
    start = found.spec if found else None
    budget_start = start.budget.model_dump() if start else defaults(entry, preset)["budget"]
    whole = settings_of("", SearchSpec)
    with st.container(border=True, key="budget"):
        budget = setting_fields(
            settings_of("budget", Budget).values(), budget_start, errors, lambda name: f"{key}-budget-{name}"
        )
        title, own = whole["label"].label, found.key if found else ""
        label = st.text_input(
            title,
            start.label if start else "",
            max_chars=120,
            key=f"{own}label",
            placeholder=entry.title,
            persist_state="session",
        ).strip()
        errors.place("label", title)
    with st.expander("Advanced", icon=":material/tune:", key=f"{key}-advanced"):
        sections, about, rivals = _advanced(entry, preset, errors, key, found, budget)
    return sections, {"label": label, **about}, rivals


def _advanced(
    entry: Entry, preset: str, errors: Errors, key: str, found: Filled | None, budget: dict[str, Any]
) -> tuple[Sections, dict[str, Any], list[str]]:
    """Draw what a preset has filled in already: base model, method and its settings, contests, baselines, seed."""
    start = found.spec if found else None
    st.markdown("**The model that writes designs**")
    source = backbone_field(entry, errors, key, start.backbone.source if start else "")
    st.markdown("**The search**")
    method = st.selectbox(
        "Method",
        list(METHODS),
        list(METHODS).index(start.search.method if start else "poets"),
        format_func=lambda m: METHODS[m].title,
        key=f"{key}-method",
        persist_state="session",
        help="Every method draws the same first round and counts its measurements alike.",
    )
    st.caption(METHODS[method].says)
    sections = defaults(entry, preset, method)
    if start is not None and start.search.method == method:
        sections["search"], sections["backbone"] = start.search.model_dump(), start.backbone.model_dump()
    sections["backbone"]["source"] = source
    sections["budget"] |= budget
    own = f"{key}-{method}"
    for advanced in (False, True):
        _section(sections, "search", METHODS[method], errors, own, advanced=advanced)
    if said := idle_settings(sections["search"]):
        st.caption(f":material/info: {said}")
    # Whether there are branches to compare is the spec's to say: their number may still change.
    contest = start.contest if start and start.search.method == method else None
    if METHODS[method].ensemble and (held := contest_fields(errors, own, contest, sections["budget"])):
        sections["contest"] = held
    rivals = _beside(method, key)
    st.markdown("**The machine**")
    _section(sections, "backbone", BackboneSpec, errors, own, advanced=True)
    whole, columns = settings_of("", SearchSpec), st.columns(3)
    about: dict[str, Any] = {}
    for column, name in zip(columns, ("seed", "device", "threads"), strict=True):
        begin = getattr(start, name) if start else SearchSpec.model_fields[name].default
        with column:
            about[name] = setting_field(whole[name], begin, f"{own}-{name}", errors)
    return sections, about, rivals


def _beside(method: str, key: str) -> list[str]:
    """Choose rivals that run on the same problem, budget and seed."""
    return st.multiselect(
        "Baselines beside it",
        [m for m in METHODS if m != method],
        format_func=lambda m: METHODS[m].title,
        key=f"{key}-beside",
        persist_state="session",
        placeholder="None",
        help="Each is a run of its own with its tuned settings, the same budget, seed and first round. "
        "The page Live draws them as reference curves.",
    )


def _section(
    sections: Sections, name: str, model: type[SpecModel], errors: Errors, key: str, *, advanced: bool
) -> None:
    """Draw the ordinary or the advanced fields of a section and put their values into it."""
    shown = [s for s in settings_of(name, model).values() if s.advanced == advanced]
    sections[name] |= setting_fields(shown, sections[name], errors, lambda field: f"{key}-{name}-{field}")


page()
