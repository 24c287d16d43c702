"""A form that begins with a spec: that of a run (``?clone=``), or one that was loaded as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from domains.catalog import entry as entry_of
from domains.entry import Entry
from pages.parts.launch.settings import defaults
from pages.parts.runs.facts import nearest_preset
from poets_core.errors import InvalidSpec
from poets_core.runs.datasets import dataset
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import upload_name
from poets_core.spec import METHODS, Mark, SearchSpec, parse_spec
from poets_core.spec.presets import default_spec

STATE, COUNT = "launch-filled", "launch-filled-count"
LARGEST = 1_000_000
"""Characters of a spec in JSON, at most."""


@dataclass(frozen=True)
class Filled:
    """What a form begins with.

    Attributes:
        spec: the search.
        preset: the preset that it is closest to; the fields hold the spec's values as long as this one is chosen.
        source: what it came from, for people.
        number: counts fillings, so that each has fields of its own.
        notes: what was left out, or taken over although no field shows it.
    """

    spec: SearchSpec
    preset: str
    source: str
    number: int
    notes: tuple[str, ...]

    @property
    def key(self) -> str:
        """What the keys of its fields begin with."""
        return f"filled{self.number}-"


def fill(store: RunStore, spec: SearchSpec, source: str) -> Filled:
    """Let the form begin with a search from now on.

    Raises:
        InvalidSpec: its problem is not in the catalog.
    """
    entry = entry_of(spec.problem.name)
    notes: list[str] = []
    params: dict[str, Any] = dict(spec.problem.params)
    known = {p.name: p for p in entry.parameters}
    for name in list(params):
        if name not in known:
            notes.append(f"Left out: this program has no parameter “{name[:40]}” of the problem.")
            del params[name]
        # A spec that somebody wrote may name any file of this machine: a form takes those that were uploaded.
        elif known[name].kind == "file" and params[name] and uploaded(store, str(params[name])) is None:
            notes.append(
                f"Left out: the file “{upload_name(str(params[name]))[:60]}”, which is no upload. Upload it again."
            )
            del params[name]
    notes += hidden(entry, spec)
    number = st.session_state.get(COUNT, 0) + 1
    spec = spec.model_copy(update={"problem": spec.problem.model_copy(update={"params": params})})
    made = Filled(spec, nearest_preset(entry, spec)[0], source, number, tuple(notes))
    st.session_state[COUNT], st.session_state[STATE] = number, made
    st.query_params["problem"], st.query_params["preset"] = entry.name, made.preset
    return made


def filled(store: RunStore) -> Filled | None:
    """Return what the form begins with; the address may name a run as ``?clone=``.

    Raises:
        UnknownRun, StoreUnavailable, InvalidSpec.
    """
    now = st.session_state.get(STATE)
    found = now if isinstance(now, Filled) else None
    if data := st.query_params.get("data", ""):
        source = f"data {data[:16]}"
        return found if found is not None and found.source == source else from_data(store, data[:16], source)
    run = st.query_params.get("clone", "")
    if not run or (found is not None and found.source == f"run {run}"):
        return found
    spec = store.spec(run[:60])
    if not isinstance(spec, SearchSpec):
        raise InvalidSpec(f"Expected a search to clone, got a run of kind {spec.kind}. Choose a search.")
    return fill(store, spec, f"run {run}")


SAME = {"wild_type": ("parent",), "positions": ("sites",)}
"""What problems of one science call alike things."""


def from_data(store: RunStore, name: str, source: str) -> Filled:
    """Let the form begin with a data set that was kept, for the problem in the address.

    Raises:
        InvalidInput: there is no such data set, or the problem is not in the catalog.
    """
    kept = dataset(store, name)
    entry = entry_of(st.query_params.get("problem", kept.problem))
    known = {p.name for p in entry.parameters}
    params = {
        own: value for asked, value in kept.params.items() for own in (asked, *SAME.get(asked, ())) if own in known
    }
    file = next((p.name for p in entry.parameters if p.kind == "file"), "")
    if file:
        params[file] = str((store.files / "uploads" / kept.file).absolute())
    spec = default_spec(entry.name, params=params, settings=entry.settings, backbone=entry.backbones[0])
    return fill(store, spec, source)


def forget() -> None:
    """Begin with an empty form again."""
    st.session_state.pop(STATE, None)
    for name in ("clone", "data", "problem", "preset"):
        st.query_params.pop(name, None)


def read_json(text: str | bytes) -> SearchSpec:
    """Read a search that was pasted or uploaded.

    Raises:
        InvalidSpec: it is too long, no JSON, no spec, or another kind of run.
    """
    if len(text) > LARGEST:
        raise InvalidSpec(f"Expected a spec of at most {LARGEST:,} characters, got {len(text):,}.")
    made = parse_spec(text, where="the JSON")
    if not isinstance(made, SearchSpec):
        raise InvalidSpec(
            f"Expected a search in the JSON, got a run of kind {made.kind}. Experiments start on the page Policies."
        )
    return made


def hidden(entry: Entry, spec: SearchSpec) -> list[str]:
    """Name what a run takes over from a spec although no field of the form shows it."""
    usual = defaults(entry, nearest_preset(entry, spec)[0], spec.search.method)["search"]
    model = METHODS[spec.search.method]
    return [
        f"Taken over, though no field shows it: {name} = {value}."
        for name, value in spec.search.model_dump().items()
        if model.marked(name, Mark.HIDDEN) and value != usual[name]
    ]


def uploaded(store: RunStore, path: str) -> Path | None:
    """Return an upload of this store by its path, absolute or relative to the store; None for any other file."""
    folder = (store.files / "uploads").resolve()
    try:
        full = (store.files / path).resolve()
    except (OSError, ValueError):
        return None
    return full if full.is_relative_to(folder) and full.is_file() else None
