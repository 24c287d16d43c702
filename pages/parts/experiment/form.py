"""The form that starts an experiment: what is compared, who judges, how sure one wants to be."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.experiment.judges import judge_settings
from pages.parts.experiment.log_form import log
from pages.parts.experiment.settings import FIELDS, build_experiment
from pages.parts.experiment.sources import branches, prompts
from pages.parts.links import JUDGE, POLICIES
from pages.parts.setting_fields import STICKY, Errors, setting_field, setting_fields
from pages.parts.settings import settings_of
from pages.parts.skeleton import spec_json, store_problem
from poets_core.errors import PoetsError
from poets_core.runs import launch
from poets_core.runs.store import RunStore
from poets_core.spec import ExperimentSettings, ExperimentSpec
from poets_core.spec.experiment import AUDITABLE

SOURCES = {"branches": "Models of a run", "prompts": "Prompts", "log": "A comparison log"}
SAYS = {
    "branches": "Each model of a search writes designs; which one writes the best? That is the model to deploy.",
    "prompts": "One language model under several prompts; which prompt gets the best answers?",
    "log": "Comparisons that were made before are replayed, in the order in which the experiment asks for them.",
}
STARTING_BUDGET = {"person": 300, "reference": 20_000, "model": 1_000}
"""Comparisons, by judge. A rule's answers cost nothing once they are written, and a task that a model hardly solves is
mostly ties: measured, 9,000 to 14,000 comparisons until the best of ten prompts is known."""

NAMED = 8
"""Policies that the summary names; of more it says how many."""


def form(store: RunStore) -> None:
    """Draw the form; the source is in the address as ``?new=``, a run to begin with as ``?from=``."""
    errors = Errors()
    st.page_link(POLICIES, label="All experiments", icon=":material/arrow_back:")
    left, side = st.columns([2, 1], gap="large")
    with left:
        st.header("1 · What is compared", anchor=False)
        asked = st.query_params["new"]
        source = st.segmented_control(
            "Source",
            list(SOURCES),
            default=asked if asked in SOURCES else "branches",
            format_func=SOURCES.__getitem__,
            required=True,
            key="source",
        )
        st.query_params["new"] = source
        st.caption(SAYS[source])
        with st.container(border=True, key="policies-form"):
            values, problem = {"branches": branches, "prompts": prompts, "log": log}[source](store, errors)
        if values["judge"] in AUDITABLE:
            with st.container(border=True, key="judge-form"):
                values |= judge_settings(values["judge"], errors)
        st.header("2 · How sure, and for how much", anchor=False)
        with st.container(border=True, key="stopping-form"):
            values |= _stopping(source, values["judge"], values.get("budget"), errors, audit=values.get("audit", False))
        label, seed = _about(errors, source)
    spec, problems = build_experiment(values, problem=problem, label=label, seed=seed)
    # A source that is not chosen yet is no mistake: it has said so in its own place.
    if not values["policies"]:
        problems.pop("experiment.policies", None)
        errors.reasons.append(SOURCES[source])
    errors.show(problems)
    st.html(STICKY)
    with side, st.container(border=True, key="summary"):
        _summary(spec, store, errors)


def _stopping(source: str, judge: str, there: int | None, errors: Errors, *, audit: bool) -> dict[str, Any]:
    """Draw what decides when the experiment ends.

    Args:
        source, judge: chosen above.
        there: comparisons that a log holds; None where they are yet to be made.
        errors: of the form.
        audit: whether people audit the judge; it does without settings of other ways to decide.
    """
    fields = settings_of("experiment", ExperimentSettings)
    fields = {name: f for name, f in fields.items() if name not in ("policies", "judge")}
    if audit:
        fields = {name: f for name, f in fields.items() if name in ("delta", "budget", "open_pairs")}
    # A person needs the next pair while the last one is judged; how much is enough depends on who judges, too.
    by_judge = {"budget": there or STARTING_BUDGET.get(judge), "open_pairs": 2 if judge == "person" or audit else None}
    start = {n: by_judge.get(n) or ExperimentSettings.model_fields[n].default for n in fields}

    def key(name: str) -> str:
        if name == "budget" and there:  # follows the log: with other rows it begins anew
            return f"{source}-{there}-{name}"
        return f"{source}-{judge}{'-audit' * audit}-{name}" if name in by_judge else f"{source}-{name}"

    out: dict[str, Any] = {}
    if judge == "person":
        people = ("criterion", "double_check")
        begin = {n: ExperimentSettings.model_fields[n].default for n in people}
        out |= setting_fields([FIELDS[n] for n in people], begin, errors, key, columns=1)
    # What is ticked is a sentence, which half the width would cut off.
    plainly = [f for f in fields.values() if not f.advanced]
    out |= setting_fields([f for f in plainly if f.kind is not bool], start, errors, key)
    out |= setting_fields([f for f in plainly if f.kind is bool], start, errors, key, columns=1)
    if not any(f.advanced for f in fields.values()):
        return out
    with st.expander("Advanced settings", icon=":material/tune:", key=f"{source}-advanced"):
        out |= setting_fields([f for f in fields.values() if f.advanced], start, errors, key)
    return out


def _about(errors: Errors, source: str) -> tuple[str, int]:
    name, number = st.columns([2, 1])
    with name:
        title = "Name of the experiment (optional)"
        label = st.text_input(title, max_chars=120, key="experiment-label", persist_state="session").strip()
        errors.place("label", title)
    with number:
        seed = setting_field(settings_of("", ExperimentSpec)["seed"], 0, f"{source}-seed", errors)
    return label, seed


def _summary(spec: ExperimentSpec | None, store: RunStore, errors: Errors) -> None:
    """Draw what will be started, and the button."""
    st.header("3 · Start", anchor=False)
    if spec is None:
        errors.because("experiment")
    else:
        chosen = spec.experiment
        names = [p.name for p in chosen.policies]
        st.markdown(f"**{len(names)} policies**")
        st.text(", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else ""))
        st.metric("Comparisons, at most", f"{chosen.budget:,}", help="It ends earlier when the best policy is known.")
        if chosen.audit:
            st.caption("You judge a share of the pairs in the browser, drawn at random, without the judge's verdicts.")
        if chosen.judge == "person":
            st.caption("You judge in the browser, pair by pair, without seeing whose response is whose.")
    clicked = st.button(
        "Start the experiment",
        type="primary",
        icon=":material/play_arrow:",
        disabled=spec is None,
        width="stretch",
        key="start-experiment",
    )
    if spec is not None:
        spec_json(spec, "The experiment as JSON", "experiment-json")
    if clicked and spec is not None:
        try:
            run = store.create(spec)
            launch.launch(store, run)
        except PoetsError as error:
            store_problem(error)
            return
        person = spec.experiment.people
        st.switch_page(JUDGE if person else POLICIES, query_params={"run": run})
