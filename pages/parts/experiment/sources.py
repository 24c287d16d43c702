"""Two sources of an experiment's policies as forms: branches of a run, prompts. A comparison log is in `log_form`.

Each returns fields of the ExperimentSpec by name, always with ``policies`` and ``judge``, and the problem of the
run where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from domains.catalog import entries, tasks
from pages.parts.experiment.settings import FIELDS, POLICY
from pages.parts.links import LAUNCH
from pages.parts.setting_fields import Errors, setting_field
from pages.parts.text import plain
from pages.parts.words import MODEL_HELP, model
from poets_core.runs.store import RunRow, RunStore
from poets_core.spec import JUDGES as MAY_JUDGE
from poets_core.spec import METHODS, Bounds
from poets_core.spec.experiment import PolicySource
from poets_core.types import REFERENCE

Form = tuple[dict[str, Any], dict[str, Any] | None]
JUDGES = {
    "oracle": "a measurement: the better value wins",
    "reference": "the task's rule: the right answer wins",
    "person": "me, in the browser",
    "model": "a language model, asked in both orders",
}
MOST_RUNS = 200


def judges(source: PolicySource) -> list[str]:
    """Return who may judge responses of a source; the first is offered first."""
    return list(MAY_JUDGE[source])


def said_judge(judge: str) -> str:
    """Return a judge in words; one that has none here is shown by its name."""
    return JUDGES.get(judge, judge)


TEMPLATES = [
    ("bare", "{input}"),
    ("instruction", "Answer the question with one word or number.\n\n{input}"),
    ("worked", "Think step by step, then write “Answer:” and the answer.\n\n{input}"),
]
"""What the prompts start with; each can be changed."""
MOST_PROMPTS = 64


def branches(store: RunStore, errors: Errors) -> Form:
    """Choose a finished run, its models (branches) and the judge."""
    rows = [r for r in store.runs(limit=MOST_RUNS) if METHODS[r.method].ensemble and r.state == "finished"]
    nothing: Form = ({"source": "branches", "policies": [], "judge": "oracle"}, None)
    if not rows:
        st.info("No finished run yet whose models could be compared.", icon=":material/info:")
        st.page_link(LAUNCH, label="Launch a run", icon=":material/add_circle:")
        return nothing
    known = {r.id: r for r in rows}
    asked = st.query_params.get("from", "")
    titles = {e.name: e.title for e in entries()}

    def named(run: str) -> str:
        row: RunRow = known[run]
        return f"{row.label or titles.get(row.problem, row.problem)} · seed {row.seed} · {run[-4:]}"

    run = st.selectbox(
        "Run",
        list(known),
        index=list(known).index(asked) if asked in known else 0,
        format_func=named,
        key="experiment-run",
        help="A search by POETS that is finished or stopped.",
    )
    spec = store.spec(run)
    offered = [REFERENCE, *range(spec.search.policies)]
    chosen = st.multiselect(
        "Models",
        offered,
        default=offered,
        format_func=model,
        key=f"branches-{run}",
        help=f"{MODEL_HELP} The untrained model is the base model before any learning.",
    )
    errors.place("experiment.policies")
    left, right = st.columns(2)
    judge = left.radio("Who judges", judges("branches"), format_func=said_judge, key="judge-branches", help=_WHO)
    with right:
        temperature = setting_field(POLICY["temperature"], 1.0, "branches-temperature", errors)
    policies = [
        {
            "name": model(b),
            "run": run,
            "branch": b,
            "temperature": temperature,
        }
        for b in chosen
    ]
    return {"source": "branches", "policies": policies, "judge": judge}, spec.problem.model_dump()


_WHO = "You see both responses side by side, without the names of the policies, and choose the better one."


def prompts(_: RunStore, errors: Errors) -> Form:
    """Choose a task, write prompts, choose the judge."""
    known = {t.name: t for t in tasks()}
    task = st.selectbox(
        FIELDS["task"].label, list(known), format_func=lambda n: known[n].title, help=FIELDS["task"].help, key="task"
    )
    errors.place(FIELDS["task"].path)
    st.caption(f"Judged: {plain(known[task].judged)}. An input: “{plain(known[task].example)}”")
    st.markdown("**Prompts**, one a row. `{input}` stands for the input, once in each.")
    table = _templates(task)
    errors.place("experiment.policies")
    left, right = st.columns(2)
    with left:
        judge = st.radio("Who judges", judges("prompts"), format_func=said_judge, key="judge-prompts", help=_WHO)
        most = known[task].most
        fewer = replace(FIELDS["items"], bounds=Bounds(ge=1, le=most))
        items = setting_field(fewer, min(200, most), f"items-{task}", errors)
        if items is not None and items > most:
            errors.refuse(fewer.path, f"Expected at most {most:,}, as many as the task has, got {items:,}.")
            items = None
    with right:
        writer = st.text_input(FIELDS["model"].label, "smollm2", help=FIELDS["model"].help, key="model").strip()
        errors.place(FIELDS["model"].path)
        temperature = setting_field(POLICY["temperature"], 0.0, "prompts-temperature", errors)
        top_p = setting_field(POLICY["top_p"], 1.0, "prompts-top-p", errors)
    policies = [
        {"name": name, "prompt": template, "temperature": temperature, "top_p": top_p} for name, template in table
    ]
    values = {"source": "prompts", "policies": policies, "judge": judge, "task": task, "model": writer, "items": items}
    return values, None


def _templates(task: str) -> list[tuple[str, str]]:
    """Draw the prompts, one a row, to edit, add and remove; return names and templates.

    Rows have numbers of their own that are never used again, so that removing one leaves the others as they are.
    """
    key = f"prompts-{task}"
    rows: list[int] = st.session_state.setdefault(key, list(range(len(TEMPLATES))))
    found = []
    for row in rows:
        name, template = TEMPLATES[row] if row < len(TEMPLATES) else (f"prompt {row + 1}", "{input}")
        left, middle, right = st.columns([2, 6, 0.7], vertical_alignment="top")
        given = left.text_input("Name", name, max_chars=80, key=f"{key}-name-{row}", label_visibility="collapsed")
        text = middle.text_area(
            "Prompt", template, max_chars=20_000, height=88, key=f"{key}-template-{row}", label_visibility="collapsed"
        )
        right.button(
            ":material/delete:",
            type="tertiary",
            key=f"{key}-remove-{row}",
            help=f"Remove “{plain(given)}”.",
            on_click=rows.remove,
            args=(row,),
        )
        found.append((str(given or "").strip(), str(text or "")))
    st.button(
        "Add a prompt",
        icon=":material/add:",
        key=f"{key}-add",
        disabled=len(rows) >= MOST_PROMPTS,
        on_click=rows.append,
        args=(max([*rows, len(TEMPLATES) - 1, st.session_state.get(f"{key}-last", 0)]) + 1,),
    )
    st.session_state[f"{key}-last"] = max([*rows, st.session_state.get(f"{key}-last", 0)])
    return found
