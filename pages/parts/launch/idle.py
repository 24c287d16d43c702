"""Which settings do nothing where models learn exactly from a whole space, in words. No widgets here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pages.parts.settings import settings_of
from poets_core.spec import METHODS, BackboneSpec, Budget
from poets_core.spec.presets import PRESETS

TRAINING = (
    "beta",
    "steps",
    "learning_rate",
    "minibatch",
    "gradient_norm",
    "best_share",
    "bootstrap",
    "stop_early",
    "rank",
    "prior_rank",
    "reset_every",
)
"""What only a fit by gradient reads."""
WRITING = ("edit_share", "pool", "adapt_edits", "elites", "shared_pool", "climb")
"""What is only read where ideas are written, which nobody does who scores the whole space."""
WHERE = {
    "auto": "Where designs are all combinations of some letters, at most a million, models learn exactly",
    "exact": "Models learn exactly",
}


def idle(search: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings of a search that do nothing where its models learn exactly; none where they never do."""
    if search.get("fit") not in WHERE:
        return ()
    return TRAINING + (WRITING if search.get("whole_space") else ())


def idle_settings(search: Mapping[str, Any]) -> str:
    """Say which fields of the form do not count; "" where all do."""
    names = idle(search)
    if not names:
        return ""
    known = settings_of("search", METHODS["poets"])
    labels = _listed([s.label for n, s in known.items() if n in names])
    return (
        f"{WHERE[search['fit']]}. Then these do not count: {labels}; "
        f"nor does the size of {known['prior_scale'].label}, as long as it is above 0."
    )


def idle_preset(search: Mapping[str, Any], preset: str) -> str:
    """Say what is left of a preset where models learn exactly; "" where all of it is.

    Args:
        search: settings that the form starts from, by name.
        preset: a key of `PRESETS`.
    """
    said = PRESETS[preset].settings
    # The prior's size comes from the data; presets only ever raise it.
    lost = {*idle(search), "prior_scale"} if idle(search) else set()
    if not lost & set(said.get("search", {})):
        return ""
    models = {"search": METHODS["poets"], "budget": Budget, "backbone": BackboneSpec}
    left = [
        settings_of(section, models[section])[name].label
        for section, values in said.items()
        for name in values
        if section != "search" or name not in lost
    ]
    what = f"only these settings of this preset count: {_listed(left)}" if left else "this preset changes nothing"
    return f"{WHERE[search['fit']]}; then {what}."


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
