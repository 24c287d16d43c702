"""What a run is, in the words of its second line: method, preset, data, what differs from the usual, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from domains.catalog import entries
from domains.entry import Entry
from pages.parts.feed import the_store
from poets_core.errors import PoetsError
from poets_core.runs.status import RunRow
from poets_core.runs.uploads import upload_name
from poets_core.spec import METHODS, ExperimentSpec, RewardsSpec, SearchSpec
from poets_core.spec.presets import PRESETS, starting_sections
from poets_core.spec.reward_settings import TITLES

SOURCES = {"branches": "models of a run", "prompts": "prompts", "log": "a comparison log"}


def title_of(row: RunRow) -> str:
    """Return what a run is called: the name it was given, else that of its problem."""
    return row.label or {e.name: e.title for e in entries()}.get(row.problem, row.problem)


def facts_of(row: RunRow) -> tuple[str, ...]:
    """Return what tells a run from others of its problem; a spec that cannot be read says so."""
    return _facts(row.id, the_store().url)


@st.cache_data(max_entries=2000, show_spinner=False)
def _facts(run: str, url: str) -> tuple[str, ...]:  # url: the same id may stand in two stores; a spec never changes
    try:
        spec = the_store().spec(run)
    except PoetsError:
        return ("settings of another version of this program",)
    if isinstance(spec, ExperimentSpec):
        return ("experiment", SOURCES[spec.experiment.source], f"{len(spec.experiment.policies)} policies")
    if isinstance(spec, RewardsSpec):
        count = f"{spec.rewards.branches} models" if spec.rewards.branches > 1 else "one model"
        return ("learns from rewards", TITLES[spec.rewards.method], count)
    return search_facts(spec) if isinstance(spec, SearchSpec) else ("task",)


def search_facts(spec: SearchSpec) -> tuple[str, ...]:
    """Return the facts of a search: method, preset, data, parameters that differ from their defaults."""
    entry = {e.name: e for e in entries()}.get(spec.problem.name)
    if entry is None:
        return (METHODS[spec.search.method].title,)
    preset, changed = nearest_preset(entry, spec)
    said = PRESETS[preset].title
    if changed:
        said += f", {changed} setting{'s' if changed > 1 else ''} changed"
    return (METHODS[spec.search.method].title, said, *_params(entry, spec.problem.params))


def _params(entry: Entry, params: Mapping[str, Any]) -> list[str]:
    found = []
    for p in entry.parameters:
        value = params.get(p.name, p.default)
        if p.kind == "file" and value:
            found.append(upload_name(str(value)))
        elif value not in (p.default, "") and p.kind != "file":
            found.append(f"{_uncapped(p.title)} {value}")
    return found


def _uncapped(title: str) -> str:
    """Return a title as it stands within a line: ``"length"`` for ``"Length"``, and ``"CX at most"`` as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def nearest_preset(entry: Entry, spec: SearchSpec) -> tuple[str, int]:
    """Return the preset that a search is closest to, and how many settings differ from it."""
    return min(
        ((name, len(changes(entry, spec, name))) for name in _by_use()),
        key=lambda found: found[1],  # the first of those that are equally close
    )


def changes(entry: Entry, spec: SearchSpec, preset: str) -> list[str]:
    """Return the dotted settings of a search that a preset would have set otherwise."""
    usual = starting_sections(entry.settings, preset, spec.search.method)
    usual["backbone"]["source"] = entry.backbones[0]
    now = {name: getattr(spec, name).model_dump() for name in usual}
    return [f"{s}.{k}" for s, values in usual.items() for k, v in values.items() if now[s].get(k) != v]


def _by_use() -> list[str]:
    return sorted(PRESETS, key=lambda name: name != "default")
