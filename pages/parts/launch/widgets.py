"""The widgets of the Launch page that the catalog decides: a problem's parameters, its tables, its backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from domains.catalog import backbones
from domains.entry import Entry, Parameter, Verifiable
from pages.parts.launch.filled import uploaded
from pages.parts.launch.price import contest_price
from pages.parts.number_field import number_field
from pages.parts.setting_fields import Errors, setting_fields
from pages.parts.settings import settings_of
from pages.parts.states import plain
from pages.parts.text import visible
from pages.parts.uploads import keep_upload, upload_text
from poets_core.runs.examine import preview_table
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import upload_name
from poets_core.spec import BackboneSpec, Bounds, ContestSpec, LaboratorySpec

OTHER, NAMES = "other", "-names-of-columns"
TALL = 150
"""Pixels of a wide field for text of many lines."""
TABLES = [f"{kind}{packed}" for packed in ("", ".gz") for kind in ("csv", "tsv", "txt", "parquet", "xlsx")]
BACKBONE_NAMES = {
    "library": "Small model, trained on this problem's own library when the run starts",
    OTHER: "Another model: a folder or a Hugging Face name",
}


def parameter_fields(
    entry: Entry | Verifiable,
    store: RunStore,
    errors: Errors,
    key: str,
    start: Mapping[str, Any],
    *,
    about_tables: bool = False,
    within: str = "problem.params",
) -> dict[str, Any]:
    """Draw the parameters of a problem and return their values by name.

    A parameter that waits for a file is left out; one whose text is no number is None, which no problem takes.

    Args:
        entry: the problem, or the task.
        store: keeps uploads.
        errors: gets a place under each.
        key: what the widgets' keys begin with.
        start: values to begin with, in place of the defaults.
        about_tables: whether the form is about a table alone: nothing is folded, and columns are chosen from its own.
        within: their place in the spec.
    """
    values: dict[str, Any] = {}
    offered = [p for p in entry.parameters if p.browser]
    for group in dict.fromkeys(p.group for p in offered):
        own = [p for p in offered if p.group == group]
        # Folded and not hidden: what is entered there counts, and an error there is named beside the button.
        place = st.expander(plain(group), about_tables, key=f"{key}-group-{group}") if group else nullcontext()
        with place:
            values |= _fields(own, store, errors, key, start, about_tables, within)
    return values


def _fields(
    parameters: Sequence[Parameter],
    store: RunStore,
    errors: Errors,
    key: str,
    start: Mapping[str, Any],
    about_tables: bool,
    within: str,
) -> dict[str, Any]:
    """Draw some parameters, two a row, wide ones alone; see `parameter_fields`."""
    values: dict[str, Any] = {}
    names = st.session_state.get(f"{key}{NAMES}", ()) if about_tables else ()
    columns: list[DeltaGenerator] = []
    for parameter in parameters:
        if parameter.wide:
            columns, place = [], st.container()
        else:
            columns = columns or st.columns(2)
            place = columns.pop(0)
        with place, st.container(gap="xsmall"):
            begin, own = start.get(parameter.name, parameter.default), f"{key}-{parameter.name}"
            if names and parameter.name.endswith("_column"):
                value, wrong = _column(parameter, own, names), ""
            else:
                value, wrong = _parameter(parameter, store, own, begin)
            says = str(parameter_bounds(parameter)).capitalize()
            errors.place(f"{within}.{parameter.name}", parameter.title, says=says, wrong=wrong)
        if value is not None or wrong:
            values[parameter.name] = value
    return values


def parameter_bounds(p: Parameter) -> Bounds:
    """Return the limits of a number; none for anything else."""
    return Bounds(ge=p.minimum, le=p.maximum) if p.kind in ("int", "float") else Bounds()


def _parameter(p: Parameter, store: RunStore, key: str, begin: Any) -> tuple[Any, str]:
    """Draw one parameter; return its value, and what is wrong with its text (``""`` for nothing)."""
    title, explained = plain(p.title), plain(p.help)  # a science may come from anywhere
    if p.kind == "file":
        if p.endings:
            return upload_text(title, explained, p.endings, store, key) or _kept(store, begin) or p.default, ""
        return _upload(title, explained, store, key, f"problem.params.{p.name}") or _kept(store, begin), ""
    if p.kind == "bool":
        return st.checkbox(title, bool(begin), help=explained, key=key, persist_state="session"), ""
    if p.choices:
        start = p.choices.index(str(begin)) if begin in p.choices else 0
        return st.selectbox(title, p.choices, start, help=explained, key=key, persist_state="session"), ""
    if p.kind == "text":
        # One line would lose the line break between a FASTA header and its residues.
        text = (st.text_area if p.area else st.text_input)(
            title,
            str(begin or ""),
            max_chars=None if p.maximum is None else int(p.maximum),
            help=explained,
            placeholder=visible(p.example) or None,
            key=key,
            persist_state="session",
            **({"height": TALL} if p.area and p.wide else {}),
        )
        return text.strip(), ""
    number = begin if isinstance(begin, int | float) else None
    return number_field(title, int if p.kind == "int" else float, number, key, explained)


def _column(p: Parameter, key: str, names: Sequence[str]) -> str:
    """Choose one of a table's columns, or let it be found."""
    chosen = st.selectbox(
        plain(p.title),
        ["", *names],
        format_func=lambda name: visible(name) or "Found by its name and its cells",
        help=plain(p.help),
        key=f"{key}-of-table",
    )
    return str(chosen or "")


def _kept(store: RunStore, begin: Any) -> str | None:
    """Say which upload is used as long as no other one comes, by the name it had; return its path."""
    if not begin or uploaded(store, str(begin)) is None:
        return None
    st.caption(
        f":material/description: {plain(upload_name(str(begin)))}, uploaded before. Another file takes its place."
    )
    return str(begin)


def _upload(label: str, help: str, store: RunStore, key: str, field: str) -> str | None:
    file = st.file_uploader(label, type=TABLES, help=help, key=key)
    if file is None:
        return None
    kept = keep_upload(store, file, partial(preview_table, field=field), key)
    if kept is None:
        return None
    kept.preview(f"{kept.seen.rows:,} rows, {kept.seen.columns:,} columns.", f"{key}-preview")
    st.session_state[f"{key.rpartition('-')[0]}{NAMES}"] = kept.seen.names
    return kept.path


def contest_fields(
    errors: Errors, key: str, begin: ContestSpec | None, budget: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Draw the contests among the branches: a switch with its price, and their fields where it is on; None where off.

    Args:
        errors: of the form.
        key: of the widgets.
        begin: what the form begins with.
        budget: rounds and batch as they stand in the form, right or wrong.
    """
    held = st.checkbox(
        "Contests among the models",
        begin is not None,
        persist_state="session",
        help="Now and then the models are compared, pair by pair, by measuring what they write: which one to deploy? "
        "These measurements count in the budget, so that fewer rounds are played; the search learns from them too.",
        key=f"{key}-contest",
    )
    fields, start = settings_of("contest", ContestSpec), (begin or ContestSpec()).model_dump()
    if not held:
        # Before the switch is on, too: nobody should find out afterwards what it costs.
        st.caption(contest_price(budget, start))
        errors.place("contest")
        return None
    values = setting_fields(fields.values(), start, errors, lambda name: f"{key}-contest-{name}", columns=len(fields))
    st.caption(contest_price(budget, values))
    return values


def laboratory_fields(errors: Errors, key: str, begin: LaboratorySpec | None) -> dict[str, Any]:
    """Draw how batches go to the laboratory: plates, controls, replicates."""
    fields, start = settings_of("laboratory", LaboratorySpec), (begin or LaboratorySpec()).model_dump()
    return setting_fields(fields.values(), start, errors, lambda name: f"{key}-laboratory-{name}", columns=3)


def backbone_field(entry: Entry, errors: Errors, key: str, begin: str) -> str:
    """Draw the choice of a base model and return its source; `begin` is chosen first, if it is any."""
    options, setting = [*entry.backbones, OTHER], settings_of("backbone", BackboneSpec, hidden=True)["source"]
    shipped = backbones()
    names = BACKBONE_NAMES | {name: b.title for name, b in shipped.items()}
    if begin in shipped and begin not in options:
        options.insert(-1, begin)
    source = st.selectbox(
        setting.label,
        options,
        options.index(begin) if begin in options else len(options) - 1 if begin else 0,
        format_func=lambda name: names.get(name, name),
        help=setting.help,
        key=f"{key}-backbone",
        persist_state="session",
    )
    if source == OTHER:
        source = st.text_input(
            "Folder or Hugging Face name",
            "" if begin in options else begin,
            help="A causal language model on this machine, or one that the worker may download.",
            key=f"{key}-backbone-other",
            persist_state="session",
        ).strip()
    elif source in shipped and not shipped[source].folder.is_dir():
        st.warning(
            f"This installation lacks the model “{plain(source)}”: the run would fail. Choose the small library model.",
            icon=":material/warning:",
        )
    errors.place(setting.path, setting.label)
    return source
