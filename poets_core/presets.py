"""Methods and presets by name: what each is, which settings it reads, what it was tuned to. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poets_core.spec import Method, RunSpec, SearchSpec


@dataclass(frozen=True)
class MethodInfo:
    """One search method.

    Attributes:
        title, says: for people.
        reads: the fields of `SearchSpec` that change what it does.
        settings: fields that differ from the spec's defaults (benchmarks/search.py says how they were chosen).
    """

    title: str
    says: str
    reads: frozenset[str]
    settings: Mapping[str, Any] = field(default_factory=dict)


_RIVALS_ONLY = frozenset({"mutations", "clip", "replay", "exploration"})
_GRADIENT = frozenset({"beta", "steps", "learning_rate", "minibatch", "gradient_norm", "rank", "transform"})

METHODS: dict[Method, MethodInfo] = {
    "poets": MethodInfo(
        "POETS ensemble",
        "Branches that each learn from their own bootstrap of the data; their disagreement is the uncertainty.",
        frozenset(SearchSpec.model_fields) - _RIVALS_ONLY - {"method"},
    ),
    "gp": MethodInfo(
        "Gaussian process, Thompson sampling",
        "The statistician's choice: strong while there are few observations; the model writes only its first designs.",
        frozenset({"pool", "edit_share", "elites", "transform", "allow_repeats"}),
        {"pool": 32, "edit_share": 0.5},
    ),
    "ga": MethodInfo(
        "Genetic algorithm",
        "Edits and crossovers of the best designs so far, no model of the values.",
        frozenset({"elites", "mutations", "allow_repeats"}),
        {"elites": 8},
    ),
    "grpo": MethodInfo(
        "GRPO",
        "One policy, clipped policy gradients within each round.",
        _GRADIENT | {"clip", "replay", "allow_repeats"},
        {"clip": 0.4, "beta": 0.03, "gradient_norm": 10.0},
    ),
    "rloo": MethodInfo(
        "REINFORCE, leave-one-out",
        "One policy, plain policy gradients.",
        _GRADIENT | {"allow_repeats"},
    ),
    "tosfit": MethodInfo(
        "ToSFiT",
        "One policy, tuned towards the Thompson samples of a Gaussian process.",
        _GRADIENT | {"exploration", "allow_repeats"},
        {"steps": 40, "exploration": 1.0},
    ),
    "klts": MethodInfo(
        "Exact KL-regularised Thompson sampling",
        "What POETS approximates, by a Gaussian process on every design: small spaces of fixed length only.",
        frozenset({"beta", "transform", "allow_repeats"}),
    ),
    "gp-prior": MethodInfo(
        "Best of the model's samples",
        "A Gaussian process chooses among designs that the model writes untrained.",
        frozenset({"pool", "transform", "allow_repeats"}),
        {"pool": 64},
    ),
    "prior": MethodInfo(
        "Reference only, learns nothing",
        "Samples the model as it is: what a search has to beat.",
        frozenset({"allow_repeats"}),
    ),
}


LATER: Mapping[str, Any] = {"bootstrap": True}
"""Settings that came later, with what runs before them did: at that value they tell nothing apart."""


def decisive(spec: RunSpec) -> dict[str, Any]:
    """What decides a run's results, as JSON data: no label, no device, and no setting that its method does not read."""
    data = {k: v for k, v in spec.known().items() if k not in ("label", "device", "threads", "task", "experiment")}
    reads = (METHODS[spec.search.method].reads | {"method"}) - {"exact_regret"}  # measures, changes nothing
    data["search"] = {k: v for k, v in data["search"].items() if k in reads and LATER.get(k) != v}
    return data


@dataclass(frozen=True)
class Preset:
    """Named settings, laid over those of the problem.

    Attributes:
        title, says: for people.
        settings: RunSpec fields that differ, ``{"search": {...}, "budget": {...}}``.
    """

    title: str
    says: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
        "Branches start further apart and disagree longer: slower at first, for rugged landscapes with many peaks.",
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
        "Small edits of a few good designs, scored by the branches: for landscapes where most changes change nothing.",
        {"search": {"edit_share": 1.0, "pool": 4, "elites": 8, "transform": "z"}},
    ),
}
