"""From the values of the Launch form to a search's spec. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domains.catalog import backbones, check_params
from domains.entry import Entry
from pages.parts.launch.cost import too_large
from pages.parts.settings import validated
from poets_core.errors import InvalidSpec
from poets_core.runs.examine import found_in, wrong_with
from poets_core.spec import METHODS, SearchSpec
from poets_core.spec.base import VERSION
from poets_core.spec.presets import Sections, starting_sections


def defaults(entry: Entry, preset: str, method: str = "poets") -> dict[str, dict[str, Any]]:
    """Return all settings that a problem's search starts from, by section."""
    sections = starting_sections(entry.settings, preset, method)
    sections["backbone"]["source"] = entry.backbones[0]
    return sections


def unfilled(entry: Entry, params: Mapping[str, Any], sections: Sections) -> set[str]:
    """Return the dotted fields that must be filled in and are still empty."""
    empty = {f"problem.params.{p.name}" for p in entry.parameters if p.default is None and p.name not in params}
    return empty | (set() if sections["backbone"]["source"] else {"backbone.source"})


def blank(entry: Entry, params: Mapping[str, Any]) -> set[str]:
    """Return the dotted fields that may be empty and are; what is wrong with one of them is that it is."""
    return {f"problem.params.{p.name}" for p in entry.parameters if p.default == "" and params.get(p.name, "") == ""}


def build_spec(
    entry: Entry, params: Mapping[str, Any], sections: Sections, **about: str | int | None
) -> tuple[SearchSpec | None, dict[str, str]]:
    """Validate the form.

    Args:
        entry: the problem.
        params: its parameters by name.
        sections: ``search``, ``budget`` and ``backbone`` values by name, and ``contest`` if there are to be any.
        about: other fields of the run: label, seed, device, threads.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field (``"search.beta"``,
        ``"problem.params.table"``, ``""`` where no field can be named).
    """
    errors: dict[str, str] = {}
    known = dict(params)
    try:
        known = check_params(entry.name, params)
    except InvalidSpec as error:
        errors = error.fields or {"": str(error)}
    data = {
        "version": VERSION,
        "kind": "search",
        **about,
        "problem": {"name": entry.name, "params": known},
        **{k: dict(v) for k, v in sections.items()},
    }
    spec, wrong = validated(data)
    errors |= wrong
    if isinstance(spec, SearchSpec) and not errors:
        errors = too_large(spec)
    return (spec if isinstance(spec, SearchSpec) and not errors else None), errors


def examined(entry: Entry, spec: SearchSpec) -> dict[str, str]:
    """Return what only reading files and parsing parameters can tell is wrong, by dotted field; empty if nothing is.

    A process of its own finds it out, as the worker would; the same question is asked once. About a second.
    """
    shipped = {"library", *backbones()}
    source = "" if spec.backbone.source in shipped else spec.backbone.source
    return wrong_with(entry.name, spec.problem.params, source) if entry.check or source else {}


def told(entry: Entry, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was found in the files of a problem, in sentences; none while they are missing or wrong."""
    if not entry.check or any(p.default is None and p.name not in params for p in entry.parameters):
        return ()
    try:
        return found_in(entry.name, check_params(entry.name, params))
    except InvalidSpec:
        return ()


def checked(entry: Entry, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a run stores them, defaults filled in; as they are while one is wrong."""
    try:
        return check_params(entry.name, params)
    except InvalidSpec:
        return dict(params)


def rival_of(spec: SearchSpec, sections: Sections) -> SearchSpec:
    """A baseline beside a run: its own search settings, no contests, everything else the run's.

    Args:
        spec: the run.
        sections: `defaults` of the rival's method.
    """
    method = METHODS[sections["search"]["method"]]
    search = method.model_validate({**sections["search"], "allow_repeats": spec.search.allow_repeats})
    label = f"{spec.label} · {method.title}" if spec.label else ""
    return spec.model_copy(update={"search": search, "contest": None, "label": label[:120]})
