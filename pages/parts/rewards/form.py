"""The form that starts a run that learns from rewards: what is learnt, which model, how. Everything else is folded."""

from __future__ import annotations

from typing import Any

import streamlit as st

from domains.catalog import backbones, verifiables
from domains.entry import Verifiable
from pages.parts.launch.report import report
from pages.parts.launch.widgets import parameter_fields
from pages.parts.links import LEARN
from pages.parts.rewards.settings import (
    backbone_settings,
    build_rewards,
    effort,
    examined,
    shown_settings,
    starting,
)
from pages.parts.setting_fields import STICKY, Errors, setting_field, setting_fields
from pages.parts.settings import settings_of
from pages.parts.skeleton import spec_json, store_problem
from pages.parts.states import plain, span
from pages.parts.uploads import upload_text
from pages.parts.words import times
from poets_core.errors import PoetsError
from poets_core.runs import launch
from poets_core.runs.store import RunStore
from poets_core.spec import GivenAnswers, RewardSettings, RewardsSpec
from poets_core.spec.reward_settings import TITLES

ANSWERS, OTHER = "answers", "other"
ANSWERS_TITLE = "Answers that have rewards already"
ANSWERS_SAYS = (
    "A JSONL file of prompts, answers and rewards: learnt from as it is, nothing is written or judged (offline)."
)
LOOKED = "learn-looked"
"""Where the session keeps what the last look found: the spec, what is wrong with it, what was read."""


def form(store: RunStore) -> None:
    """Draw the form, and its summary beside it."""
    errors = Errors()
    left, side = st.columns([2, 1], gap="large")
    with left:
        st.header("1 · What is learnt", anchor=False)
        task, given = _task(store, errors)
        st.header("2 · The model, and how it learns", anchor=False)
        with st.container(border=True, key="learning"):
            backbone = _backbone(errors)
            rewards = _method(errors)
        label = st.text_input(
            "Name of the run (optional)", max_chars=120, key="learn-label", persist_state="session"
        ).strip()
        errors.place("label", "Name of the run (optional)")
        with st.expander("Advanced", icon=":material/tune:", key="learn-advanced"):
            about = _advanced(store, errors, rewards, backbone, given, own=task is not None)
    sections = {"backbone": backbone, "given": given, "rewards": rewards}
    spec, problems = build_rewards(task, sections, label=label, **about)
    looked = st.session_state.get(LOOKED)
    lines: list[str] = []
    # What a look has found is about that form alone: any change makes it a thing of the past.
    if spec is not None and looked is not None and looked[0] == spec.model_dump_json():
        problems, lines = dict(looked[1]), list(looked[2])
    errors.show(problems, _empty(task, given))
    st.html(STICKY)
    with side, st.container(border=True, key="summary"):
        _summary(store, None if problems else spec, spec, errors, lines)


def _empty(task: dict[str, Any] | None, given: dict[str, Any]) -> set[str]:
    """Fields that nobody has filled in yet, which is no mistake."""
    found = {"task.params.file"} if task is not None and "file" not in task["params"] else set()
    return found | (set() if given["file"] or task is not None else {"given.file", "task", "given.alone"})


def _task(store: RunStore, errors: Errors) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Choose a task with its parameters, or a file of rewarded answers; return both parts of the spec."""
    known = {v.name: v for v in verifiables()}
    asked = st.query_params.get("task", "")
    names = [*known, ANSWERS]
    name = st.radio(
        "Task",
        names,
        names.index(asked) if asked in names else names.index("text/tiny") if "text/tiny" in names else 0,
        format_func=lambda n: ANSWERS_TITLE if n == ANSWERS else plain(known[n].title),
        captions=[*(plain(v.summary) for v in known.values()), ANSWERS_SAYS],
        key="learn-task",
        persist_state="session",
    )
    st.query_params["task"] = name
    errors.place("task", "Task")
    with st.container(border=True, key="learn-parameters"):
        if name == ANSWERS:
            return None, {"file": _answers_file(store, errors), "alone": True}
        return {"name": name, "params": _parameters(known[name], store, errors)}, {"file": "", "alone": False}


def _parameters(task: Verifiable, store: RunStore, errors: Errors) -> dict[str, Any]:
    values = parameter_fields(task, store, errors, f"learn-{task.name}", {}, within="task.params")
    if hidden := [p.title for p in task.parameters if not p.browser]:
        st.caption(
            f"{plain(', '.join(hidden))}: only in a spec file, at the command line. A page starts no program that "
            "somebody names in it."
        )
    return values


def _answers_file(store: RunStore, errors: Errors) -> str:
    setting = settings_of("given", GivenAnswers, hidden=True)["file"]
    path = upload_text(setting.label, setting.help, ("jsonl", "ndjson", "gz"), store, "learn-given")
    errors.place(setting.path, setting.label)
    return path or ""


def _backbone(errors: Errors) -> dict[str, Any]:
    fields, shipped = backbone_settings(), backbones()
    names = ["text", *(n for n in shipped if n != "text"), OTHER] if "text" in shipped else [*shipped, OTHER]
    columns = st.columns(2)
    with columns[0]:
        source = st.selectbox(
            fields["source"].label,
            names,
            format_func=lambda n: "Another model: a folder on this machine" if n == OTHER else plain(shipped[n].title),
            help=fields["source"].help,
            key="learn-backbone",
            persist_state="session",
        )
        if source == OTHER:
            source = st.text_input(
                "Folder", key="learn-backbone-folder", persist_state="session", help="Nothing is downloaded."
            ).strip()
        errors.place("backbone.source", fields["source"].label)
    with columns[1]:
        template = setting_field(fields["template"], "plain", "learn-template", errors)
    return {"source": source, "template": template}


def _method(errors: Errors) -> dict[str, Any]:
    setting = settings_of("rewards", RewardSettings)["method"]
    method = st.selectbox(
        setting.label,
        list(TITLES),
        format_func=TITLES.__getitem__,
        help=setting.help,
        key="learn-method",
        persist_state="session",
    )
    values = starting(method)
    values |= setting_fields(
        shown_settings(method, advanced=False), values, errors, lambda name: f"learn-{method}-{name}", columns=3
    )
    return values


def _advanced(
    store: RunStore,
    errors: Errors,
    rewards: dict[str, Any],
    backbone: dict[str, Any],
    given: dict[str, Any],
    *,
    own: bool,
) -> dict[str, Any]:
    """Draw what has good defaults, into the sections; return what else the spec says."""
    method = rewards["method"]
    rewards |= setting_fields(
        shown_settings(method, advanced=True), rewards, errors, lambda name: f"learn-{method}-{name}", columns=3
    )
    if own:
        st.markdown("**Answers that are there already**")
        given["file"] = _answers_file(store, errors)
        if given["file"]:
            alone = settings_of("given", GivenAnswers, hidden=True)["alone"]
            given["alone"] = setting_field(alone, False, "learn-alone", errors)
    st.markdown("**The machine**")
    branch = backbone_settings()["branch_from"]
    backbone["branch_from"] = setting_field(branch, -1, "learn-branch-from", errors)
    whole, about = settings_of("", RewardsSpec), {}
    for column, name in zip(st.columns(4), ("seed", "samples", "device", "threads"), strict=True):
        with column:
            begin = RewardsSpec.model_fields[name].default
            about[name] = setting_field(whole[name], begin, f"learn-{name}", errors)
    return about


def _summary(
    store: RunStore, spec: RewardsSpec | None, valid: RewardsSpec | None, errors: Errors, lines: list[str]
) -> None:
    """Draw what will be started, and the buttons: one looks at everything, the other starts if nothing is wrong."""
    st.header("3 · Start", anchor=False)
    if spec is None:
        errors.because("run")
    else:
        takes = effort(spec)
        st.metric(
            "Answers to learn from",
            f"{takes.learnt:,}",
            help="Rounds times prompts times answers; judging the models writes others.",
        )
        said = [f"{times(spec.rewards.rounds, 'round')}, {times(spec.rewards.branches, 'model')}"]
        if takes.judged:
            said.append(f"about {takes.judged:,} answers to judge them")
        if takes.seconds is not None:
            said.append(f"roughly {span(takes.seconds)} on one core, within a factor of three")
        st.caption(" · ".join(said))
    look = st.button("Check everything", icon=":material/fact_check:", disabled=valid is None, key="learn-check")
    start = st.button(
        "Start learning",
        type="primary",
        icon=":material/play_arrow:",
        disabled=spec is None,
        width="stretch",
        key="learn-start",
    )
    report(lines)
    if spec is not None:
        spec_json(spec, "The run as JSON", "learn-json")
    if valid is not None and (look or start):
        with st.spinner("Looking at task, verifier and model…"):
            wrong, found = examined(valid)
        st.session_state[LOOKED] = (valid.model_dump_json(), wrong, found)
        if not wrong and start:
            _start(store, valid)
        st.rerun()


def _start(store: RunStore, spec: RewardsSpec) -> None:
    try:
        run = store.create(spec)
        launch.launch(store, run)
    except PoetsError as error:
        store_problem(error)
        st.stop()
    st.switch_page(LEARN, query_params={"run": run})
