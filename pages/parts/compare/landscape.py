"""What runs are compared on: one problem with the same parameters and the same data, whatever its file is called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from domains.catalog import entries
from domains.entry import Entry
from poets_core.runs.events import Prepared
from poets_core.runs.store import RunStore
from poets_core.runs.uploads import upload_checksum, upload_name
from poets_core.spec import SearchSpec
from poets_core.types import ProblemInfo

SHA256 = "sha256"
"""Fact of a problem that reads data: the checksum of what was read, the same for a packed or renamed file."""
DATA = "data "
SHORT = len(DATA) + 8
"""Characters of a checksum that names show; keys hold it whole."""


@dataclass(frozen=True)
class Landscape:
    """What a run measured: runs of equal landscapes can be compared.

    Attributes:
        problem: catalog name.
        settings: its parameters by title; data stand with their checksum, never with a path.
    """

    problem: str
    settings: Mapping[str, str]

    @property
    def key(self) -> str:
        """Text that is equal for equal landscapes and for no others."""
        return json.dumps([self.problem, dict(self.settings)], sort_keys=True)


def landscape_of(spec: SearchSpec, info: ProblemInfo | None) -> Landscape:
    """Return what a run measures.

    Args:
        spec: of the run.
        info: the problem's facts, None where the worker has not said them.
    """
    entry = next((e for e in entries() if e.name == spec.problem.name), None)
    facts = {} if info is None else info.facts
    params = {p.name: p.default for p in entry.parameters} | dict(spec.problem.params) if entry else spec.problem.params
    # A column that was found and one that was named are the same column: the facts say what was read.
    found = {_title(entry, name): _said(facts.get(name, value)) for name, value in params.items()}
    for name in _files(entry, params):
        found[_title(entry, name)] = DATA + _data(str(params[name]), facts)
    return Landscape(spec.problem.name, found)


def _data(path: str, facts: Mapping[str, Any]) -> str:
    if facts.get(SHA256):
        return str(facts[SHA256])
    # A run that began before problems said so: uploads at least lie under the checksum of their bytes.
    return upload_checksum(path) or upload_name(path)


def _files(entry: Entry | None, params: Mapping[str, Any]) -> list[str]:
    named = {p.name for p in entry.parameters if p.kind == "file"} if entry else set()
    return [name for name in params if name in named and params[name]]


def _title(entry: Entry | None, name: str) -> str:
    known = {p.name: p.title for p in entry.parameters} if entry else {}
    return known.get(name, name.replace("_", " ").capitalize())


def _said(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def names_of(landscapes: Sequence[Landscape]) -> list[str]:
    """Return names that tell landscapes of one problem apart: the settings in which they differ. Not escaped."""
    titles = {title for x in landscapes for title in x.settings}
    differ = [t for t in sorted(titles) if len({x.settings.get(t) for x in landscapes}) > 1]
    return [
        ", ".join(
            said[:SHORT] if said.startswith(DATA) else f"{t} {said}" for t in differ if (said := x.settings.get(t, ""))
        )
        or "without settings of its own"
        for x in landscapes
    ]


@st.cache_data(max_entries=2000, show_spinner=False)
def read_landscape(_store: RunStore, run: str, url: str, measured: bool) -> Landscape:  # url: ids repeat over stores
    """Return what a run measures; it never changes once something is measured, so that it is read once.

    Args:
        _store: that holds the run; url: its address.
        run: its id.
        measured: whether a design was, so that the worker has said what it measures.

    Raises:
        PoetsError: the store cannot be read.
    """
    spec, prepared = _store.spec(run), _store.newest(run, Prepared.tag)
    if not isinstance(spec, SearchSpec):
        return Landscape("", {})
    event = None if prepared is None else prepared.event
    return landscape_of(spec, event.info if isinstance(event, Prepared) else None)
