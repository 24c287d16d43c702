"""What a search starts from: the method's defaults, the problem's settings, a preset; and what decides its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poets_core.errors import InvalidSpec
from poets_core.spec.base import VERSION, BackboneSpec, Budget, Mark
from poets_core.spec.methods import METHODS
from poets_core.spec.read import parse_search
from poets_core.spec.search import SearchSpec

Sections = Mapping[str, Mapping[str, Any]]
"""Fields of a spec by section: ``{"search": {...}, "budget": {...}, "backbone": {...}}``."""


@dataclass(frozen=True)
class Preset:
    """Named settings, laid over those of the problem.

    Attributes:
        title, says: for people.
        settings: what differs, by section.
    """

    title: str
    says: str
    settings: Sections = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "Quick look",
        "A small run, to see everything work. Too short to judge the method by.",
        {
            "search": {"branches": 4, "steps": 20, "pool": 8},
            "budget": {"rounds": 6, "batch": 16},
            "backbone": {"steps": 100},
        },
    ),
    "default": Preset("Recommended", "The measured settings for this problem."),
    "explore": Preset(
        "Explore widely",
        "Models start further apart and disagree longer: slower at first, for rugged landscapes with many peaks.",
        {
            "search": {
                "prior_scale": 3.0,
                "tempering": 1.0,
                "steps": 80,
                "pool": 96,
                "edit_share": 1 / 3,
                "shared_pool": False,
            }
        },
    ),
    "plateau": Preset(
        "Climb steps",
        "Small edits of a few good designs, scored by the models: for landscapes where most changes change nothing.",
        {"search": {"edit_share": 1.0, "pool": 4, "elites": 8, "transform": "z"}},
    ),
}


def starting_sections(settings: Sections, preset: str = "default", method: str = "poets") -> dict[str, dict[str, Any]]:
    """Return all settings of a search: the method's defaults, the problem's, the preset's.

    Settings of problems and presets were found for POETS. Another method takes those that it has too, except where
    its own default was tuned.

    Args:
        settings: `Entry.settings` of the catalog; preset: a key of `PRESETS`; method: a key of `METHODS`.

    Raises:
        InvalidSpec: there is no such method.
    """
    if method not in METHODS:
        raise InvalidSpec(f"Expected a method, one of {', '.join(METHODS)}, got {method!r}.", field="search.method")
    models = {"search": METHODS[method], "budget": Budget, "backbone": BackboneSpec}
    fields: dict[str, dict[str, Any]] = {name: {} for name in models}
    for layer in (settings, PRESETS[preset].settings):
        for section, values in layer.items():
            fields[section].update(values)
    found = METHODS[method]
    fields["search"] = {
        name: value
        for name, value in fields["search"].items()
        if name in found.model_fields and not found.marked(name, Mark.TUNED)
    }
    # Validated, so that a share that a catalog writes as 1 is a float like any other share.
    return {name: model.model_validate(fields[name]).model_dump() for name, model in models.items()}


def default_spec(
    name: str,
    *,
    params: Mapping[str, Any],
    settings: Sections,
    backbone: str,
    overrides: Mapping[str, Any] | None = None,
) -> SearchSpec:
    """Return the search that a problem starts from, with what the user said.

    Args:
        name: catalog name of the problem.
        params: its parameters.
        settings: `Entry.settings` of the catalog.
        backbone: backbone source, usually the entry's first.
        overrides: nested fields of a spec that win over everything; a method among them decides the defaults.

    Raises:
        InvalidSpec: a field is unknown or out of range.
    """
    over = dict(overrides or {})
    search = over.get("search")
    method = search.get("method", "poets") if isinstance(search, Mapping) else "poets"
    tree: dict[str, Any] = {
        "version": VERSION,
        "kind": "search",
        "problem": {"name": name, "params": dict(params)},
        **starting_sections(settings, method=str(method)),
    }
    tree["backbone"]["source"] = backbone
    return parse_search(_overlaid(tree, over), where=f"the settings of {name}")


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _overlaid(old, value) if both else value  # type: ignore[arg-type]
    return merged


LATER: Mapping[str, Mapping[str, Any]] = {
    "poets": {
        "bootstrap": True,
        "fit": "gradient",
        "exact_beta": 1.0,
        "whole_space": False,
        "climb": 0,
        "reference_weight": 0.0,
        "reference_share": 0.0,
        "length_price": 0.0,
    },
    "ga": {"length_price": 0.0},
    "rloo": {"replay": False},
    "gp": {"features": "one-hot"},
}
"""Settings that came later, by method, with what runs before them did: at that value they tell nothing apart."""


def decisive(spec: SearchSpec) -> dict[str, Any]:
    """Return what decides a search's results, as JSON data.

    No name, no device, and no setting that changes only what is reported.
    """
    data = spec.model_dump(mode="json", exclude={"version", "label", "device", "threads"})
    for name in ("contest", "laboratory"):
        if data[name] is None:
            del data[name]
    if data["backbone"]["features"] == "auto":  # it came later, and says nothing by itself
        del data["backbone"]["features"]
    settings, later = type(spec.search), LATER.get(spec.search.method, {})
    data["search"] = {
        name: value
        for name, value in data["search"].items()
        if not settings.marked(name, Mark.REPORT) and not (name in later and later[name] == value)
    }
    return data


def tuned(method: str) -> dict[str, Any]:
    """Return the defaults that were chosen for a method, by name of the setting."""
    found = METHODS[method]
    return {n: f.default for n, f in found.model_fields.items() if found.marked(n, Mark.TUNED)}
