"""The frozen table of the regime map: landscapes, methods, settings, and which seeds chose them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.landscapes import KINDS, landscape
from domains.catalog import entry
from poets_core.spec import METHODS as KNOWN
from poets_core.spec import SearchSpec
from poets_core.spec.old import METHOD_BEFORE
from poets_core.spec.presets import PRESETS, tuned
from poets_core.spec.read import parse_search

FIRST_TUNING_SEED = 100
"""Settings were chosen on seeds from here on; the map is drawn on seeds from 0."""
WILD_TYPES = {"gb1": "VDGV", "phoq": "AVST"}
"""Of measured tables: GB1's sites 39, 40, 41 and 54; PhoQ's 284, 285, 288 and 289."""
GROWTH = "nk-smooth"
"""Where the growth of regret is measured, repeats allowed."""


@dataclass(frozen=True)
class Landscape:
    """One column of the map.

    Attributes:
        problem: catalog name; params: its parameters, a table aside.
        rounds, batch: the budget of calls.
        backbone: settings of it.
        unit: what values are divided by: the optimum, or 1 where values are stated in their own unit.
        noise: deviation of the logarithm of the factor that a told value is off by.
        methods: which are played there by default.
        search: settings of POETS that differ from the catalog's; rivals: those of rivals that differ from
            `poets_core.spec.methods`, both chosen on tuning seeds (docs/decisions/rivals.md).
        exact: settings of POETS that learns exactly instead of `search`, on the small backbone that is then its own;
            None where nothing but the catalog's defaults is meant.
    """

    problem: str
    params: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 12
    batch: int = 32
    backbone: Mapping[str, Any] = field(default_factory=lambda: {"source": "library", "branch_from": 0})
    unit: str = "optimum"
    noise: float = 0.0
    methods: tuple[str, ...] = ()
    search: Mapping[str, Any] = field(default_factory=dict)
    rivals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exact: Mapping[str, Any] | None = None


LESSER = ("gp", "ga", "grpo", "prior")
SHIPPED = ("exact", "poets", "one branch")
FOUR_SITES = (
    "exact",
    "exact, one branch",
    "poets",
    "one branch",
    "no prior",
    "gp",
    "gp, AAindex",
    "boosting",
    "ga",
    "grpo",
    "rloo",
    "tosfit",
    "gp-prior",
    "klts",
    "prior",
)
MEASURED = ("exact", "exact, one branch", "poets", "one branch", "gp", "gp, AAindex", "boosting", "ga", "grpo", "prior")
FURTHER = ("ppo", "in-context")
NK = ("exact", "exact, one branch", "poets", "one branch", "gp", "boosting", "ga", "grpo", "prior")
FREE = ("poets", "one branch", "ga", "grpo", "rloo", "tosfit", "gp", "string-gp", "boosting", "prior")

SETTINGS: dict[str, Mapping[str, Any]] = {
    "M = 4": {"branches": 4},
    "M = 16": {"branches": 16},
    "beta .03": {"beta": 0.03},
    "beta .3": {"beta": 0.3},
    "beta 1": {"beta": 1.0},
    "c 0": {"prior_scale": 0.0},
    "c 1": {"prior_scale": 1.0},
    "c 3": {"prior_scale": 3.0},
}
"""Changes of one setting at a time, on GB1."""

GREEDY = {"ga": {"elites": 2}}
BRIEF = {"tosfit": {"steps": 20}}
"""Long designs: on artificial-7q 5 steps a round end at 3.85, 40 at 4.07, both below sampling (docs/decisions)."""
LANDSCAPES: dict[str, Landscape] = {
    "gb1": Landscape("protein/landscape", methods=(*FOUR_SITES, *FURTHER)),
    "phoq": Landscape("protein/landscape", methods=MEASURED),
    "gb1-noisy": Landscape("protein/landscape", noise=1.0, methods=(*SHIPPED, "gp", "boosting", "ga", "grpo", "prior")),
    "gb1-settings": Landscape("protein/landscape", methods=("poets", "one branch", *SETTINGS)),
    "gb1-batch-1": Landscape("protein/landscape", rounds=384, batch=1, methods=("poets", "one branch")),
    "gb1-batch-8": Landscape("protein/landscape", rounds=48, batch=8, methods=(*SHIPPED, "gp", "ga")),
    "gb1-batch-96": Landscape("protein/landscape", rounds=4, batch=96, methods=(*SHIPPED, "gp", "ga")),
    "gb1-0.1M": Landscape(
        "protein/landscape",
        backbone={"source": "library", "branch_from": 0, "width": 96},
        methods=("poets", "one branch", "prior"),
    ),
    "nk-smooth": Landscape("protein/landscape", methods=(*NK, *FURTHER), search={"edit_share": 1.0}),
    "nk-rugged": Landscape("protein/landscape", methods=NK, search={"edit_share": 1.0}),
    "deceptive": Landscape(
        "protein/landscape", methods=("exact", "exact, explore", "poets", "explore", "explore, one branch", *LESSER)
    ),
    "growth": Landscape(
        "protein/landscape", rounds=24, methods=("poets", "one branch", "klts", "prior"), search={"allow_repeats": True}
    ),
    "ehrlich-15": Landscape(
        "protein/ehrlich", {"length": 15}, rounds=20, batch=30, methods=FREE, search={"elites": 8}, rivals=GREEDY
    ),
    "ehrlich-32": Landscape(
        "protein/ehrlich",
        {"length": 32, "motifs": 4},
        rounds=20,
        batch=30,
        methods=("poets", "one branch", "ga", "gp", "string-gp", "boosting"),
        search={"elites": 8},
        rivals=GREEDY,
    ),
    "artificial-7q": Landscape(
        "quantum/artificial-7q",
        rounds=25,
        batch=40,
        backbone={"source": "circuit"},
        unit="1",
        methods=("exact", "exact, one branch", *FREE),
        rivals=BRIEF,
        exact={"fit": "exact", "branches": 16, "pool": 8},
    ),
    "tfim-6": Landscape(
        "quantum/tfim-6",
        rounds=10,
        batch=30,
        backbone={"source": "circuit"},
        unit="1",
        methods=("poets", "one branch", "ga", "grpo", "gp", "string-gp", "prior"),
    ),
    "instability-60": Landscape(
        "protein/instability",
        {"length": 60},
        rounds=25,
        batch=40,
        backbone={"source": "protein"},
        unit="1",
        methods=("exact", "exact, one branch", "poets", "ga", "grpo", "tosfit", "string-gp", "boosting", "prior"),
        search={
            "fit": "gradient",
            "branches": 4,
            "pool": 4,
            "climb": 0,
            "shared_pool": True,
            "prior_scale": 3.0,
            "tempering": 1.0,
        },
        rivals=BRIEF,
        exact={},
    ),
}

EXPLORE = dict(PRESETS["explore"].settings["search"])
ALONE = {"branches": 1, "prior_scale": 0.0, "pool": 16, "bootstrap": False}
BY_GRADIENT = {"fit": "gradient", "whole_space": False, "branches": 8, "tempering": 0.4}
"""What POETS is in every row that does not say otherwise: the map was drawn before branches could learn exactly."""
EXACT = {"exact": {}, "exact, one branch": ALONE, "exact, explore": EXPLORE}
"""POETS as it ships for tables: branches are draws of the exact posterior, and score the whole space."""
METHODS: dict[str, Mapping[str, Any]] = {
    "poets": {},
    **EXACT,
    "one branch": ALONE,
    "no prior": {"prior_scale": 0.0},
    "explore": EXPLORE,
    "explore, one branch": EXPLORE | ALONE,
    "actor-critic": {"method": "tosfit", "exploration": 0.0, "beta": 1e-6},
    "soft actor-critic": {"method": "tosfit", "exploration": 0.0},
    "gp, AAindex": {"method": "gp", "features": "aaindex"},
    "grpo, replay": {"method": "grpo", "replay": True},
    **SETTINGS,
} | {METHOD_BEFORE.get(m, m): {"method": m} for m in KNOWN if m != "poets"}
"""What is laid over the catalog's settings, by cell; results are stored under the names that methods had then."""


def measured_table(name: str) -> str | None:
    """Return which measured table a landscape is; None for those that are computed."""
    kind = name.split("-")[0]
    return kind if kind in WILD_TYPES else None


def playable(name: str, tables: Mapping[str, Path | None]) -> bool:
    """Return whether a landscape is computed, or its table is at hand."""
    measured = measured_table(name)
    return measured is None or tables.get(measured) is not None


def cell_spec(
    name: str,
    method: str,
    seed: int,
    *,
    folder: Path,
    tables: Mapping[str, Path | None],
    changes: Mapping[str, Any] | None = None,
) -> SearchSpec:
    """The spec of one search.

    Args:
        name, method, seed: of the cell.
        folder: where tables of generated landscapes lie.
        tables: the measured ones, by name.
        changes: further settings of the search, while tuning.
    """
    where, how = LANDSCAPES[name], METHODS[method]
    params = dict(where.params)
    kind = GROWTH if name == "growth" else name
    if kind in KINDS:
        path, wild_type = landscape(kind, seed, folder)
        params |= {"table": str(path), "wild_type": wild_type}
    elif measured := measured_table(name):
        params |= {"table": str(tables.get(measured)), "wild_type": WILD_TYPES[measured]}
    elif name.startswith("ehrlich"):
        params |= {"instance": seed}
    known = entry(where.problem).settings
    name_of = how.get("method", "poets")
    rival = {**tuned(name_of), **where.rivals.get(name_of, {})}
    shipped, backbone = dict(known.get("search", {})), {**known.get("backbone", {}), **where.backbone}
    if method in EXACT and where.exact is not None:
        ours, backbone = {**shipped, **where.exact}, {"source": "library", "branch_from": 0}
    else:
        if shipped.get("fit") == "auto" and method not in EXACT:
            shipped |= BY_GRADIENT
        ours = {**shipped, **where.search}
    if name_of != "poets":  # what POETS was tuned to is no setting of a rival
        ours = {k: v for k, v in ours.items() if k in ("transform", "allow_repeats")}
    return parse_search(
        {
            "problem": {"name": where.problem, "params": params},
            "backbone": backbone,
            "search": {**ours, **rival, **how, **(changes or {})},
            "budget": {"rounds": where.rounds, "batch": where.batch},
            "seed": seed,
            "device": "cpu",
        }
    )
