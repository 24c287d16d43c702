"""How specs of the layout before version 2 are read: one flat list of search settings for all methods.

Runs in old stores and archives keep their meaning: a setting that was left out had the default of then, whatever a
method's default is now. Settings that the method never read are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poets_core.spec.base import VERSION
from poets_core.spec.methods import METHODS

METHOD_BEFORE: Mapping[str, str] = {"reference": "prior", "best-of-reference": "gp-prior"}
"""What methods were called before, by their name now."""
METHOD_NOW: Mapping[str, str] = {before: now for now, before in METHOD_BEFORE.items()}

DEFAULTS_BEFORE: Mapping[str, Any] = {
    "branches": 8, "beta": 0.1, "prior_scale": 0.3, "pool": 16, "shared_pool": True, "tempering": 0.5,
    "edit_share": 0.45, "adapt_edits": False, "elites": 16, "rank": 8, "prior_rank": 8, "steps": 40,
    "learning_rate": 5e-3, "minibatch": 32, "gradient_norm": 1.0, "best_share": 0.0, "bootstrap": True,
    "stop_early": False, "transform": "auto", "allow_repeats": False, "exact_regret": False, "reset_every": 0,
    "mutations": 1.0, "clip": 0.2, "replay": False, "exploration": 4.0,
}  # fmt: skip
"""Every search setting of the old layout, and what it was when a file did not say."""

_UNREAD = {
    "search": ("task", "experiment"),
    "experiment": ("backbone", "search", "budget", "task", "contest"),
    "task": ("backbone", "search", "budget", "experiment", "contest"),
}
_SECTIONS = ("backbone", "search", "budget")
"""Sections that every old file had, of whatever kind; tasks and experiments never read them."""


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an old spec in the layout of now; what is wrong with it stays in it, for the validation to say so."""
    kind = data.get("kind", "search")
    unread = _UNREAD.get(kind, ()) if isinstance(kind, str) else ()
    new = {
        key: value
        for key, value in data.items()
        if not (key in unread and (value is None or (kind != "search" and key in _SECTIONS)))
    }
    new |= {"version": VERSION, "kind": kind}
    problem = new.get("problem")
    export = kind == "task" and isinstance(task := data.get("task"), Mapping) and task.get("name") == "export"
    if kind != "search" and isinstance(problem, Mapping) and (export or problem.get("name") == ""):
        del new["problem"]
    if kind == "search" and isinstance(search := data.get("search", {}), Mapping):
        new["search"] = _search(search)
    return new


def _search(old: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the method reads, and whatever no method ever had, which is a mistake."""
    said = old.get("method", "poets")
    method = METHOD_NOW.get(said, said) if isinstance(said, str) else said
    found = METHODS.get(method) if isinstance(method, str) else None
    if found is None:
        return dict(old)
    own = {name: old.get(name, value) for name, value in DEFAULTS_BEFORE.items() if name in found.model_fields}
    unknown = {name: value for name, value in old.items() if name not in DEFAULTS_BEFORE}
    return {**unknown, "method": method, **own}
