"""A four-site landscape: the ensemble beside one branch and prior sampling, on the same seeds.

    python -m benchmarks.gb1 --table gb1.csv --wild-type VDGV --seeds 10 --json

12 rounds of 32 calls. All figures are fractions of the table's maximum; a
variant that was not measured costs a call and counts as 0. Goals are stated
for GB1 (Wu et al. 2016) only; for another table results are printed alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import Played, play_all, search_settings, top_mean
from benchmarks.report import Goal, finish, summary
from domains.catalog import entry, load
from poets_core.runs.views.share import Share, reaches
from poets_core.spec import SearchSpec
from poets_core.spec.read import parse_search

GB1_VARIANTS, GB1_MAXIMUM = 149_361, 8.762
ROUNDS, BATCH = 12, 32
METHODS: dict[str, dict[str, Any]] = {
    "poets": {},
    "one branch": {"branches": 1, "prior_scale": 0.0},
    "prior sampling": {"method": "reference"},
}


def spec_for(
    table: Path, wild_type: str, method: str, seed: int, rounds: int, changes: Mapping[str, Any] | None = None
) -> SearchSpec:
    """The setting of one search: the catalog's for measured landscapes, as Launch and `spec` use it, and changes."""
    shipped = dict(entry("protein/landscape").settings["search"])
    return parse_search(
        {
            "problem": {"name": "protein/landscape", "params": {"table": str(table), "wild_type": wild_type}},
            "backbone": {"source": "library", "branch_from": 0},
            # What ships was found for POETS; another method has settings of its own.
            "search": ({} if "method" in METHODS[method] else shipped) | dict(changes or {}) | METHODS[method],
            "budget": {"rounds": rounds, "batch": BATCH},
            "seed": seed,
            "device": "cpu",
        }
    )


def figures(played: Played, optimum: float) -> dict[str, float]:
    """Best, mean of the 100 best and cumulative regret, in fractions of the optimum, and whether it was reached."""
    v = np.nan_to_num(np.asarray(played.values), nan=0.0) / optimum
    return {
        "best": float(v.max()),
        "top_100": top_mean(v.tolist(), 100, missing=0.0),
        "regret": float((1.0 - v).sum()),
        "reached": reaches(float(v.max()), 1.0),
        "seconds": played.seconds,
        "cpu_seconds": played.cpu_seconds,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="CSV, TSV or Parquet with variants and values")
    parser.add_argument("--wild-type", default="VDGV", help="residues of the wild type at the mutable positions")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, one thread each")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a search setting; no goals")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, four rounds, no goals: under 60 s")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    rounds = 4 if args.quick else ROUNDS
    problem = load("protein/landscape", table=str(args.table), wild_type=args.wild_type)
    optimum = problem.info.objectives[0].optimum or float("nan")
    cells = [(m, s) for m in METHODS for s in seeds]
    changes = search_settings(args.set)
    specs = [spec_for(args.table, args.wild_type, m, s, rounds, changes) for m, s in cells]
    played = play_all(
        specs, jobs=args.jobs, report=lambda done, _: print(f"\r{done}/{len(specs)} searches", end="", file=sys.stderr)
    )
    print(file=sys.stderr)
    rows = [{"method": m, "seed": s} | figures(p, optimum) for (m, s), p in zip(cells, played, strict=True)]
    names = ("best", "top_100", "regret", "seconds", "cpu_seconds")
    by = {m: {k: [r[k] for r in rows if r["method"] == m] for k in names} for m in METHODS}
    results: dict[str, Any] = {m: {k: summary(v) for k, v in by[m].items()} for m in METHODS}
    for m in METHODS:
        results[m]["optimum reached"] = Share.of(r["reached"] for r in rows if r["method"] == m).as_data()
    results["paired, poets minus one branch"] = {
        k: summary([a - b for a, b in zip(by["poets"][k], by["one branch"][k], strict=True)]) for k in names[:3]
    }
    results["by seed"] = rows
    ours = results["poets"]
    is_gb1 = problem.info.facts.get("measured") == GB1_VARIANTS and round(optimum, 3) == GB1_MAXIMUM
    goals = [
        Goal("mean best, fraction of the maximum", ours["best"]["mean"], 0.88, ">="),
        Goal("mean of the 100 best, fraction of the maximum", ours["top_100"]["mean"], 0.47, ">="),
        Goal("cumulative regret over 384 calls, fractions of the maximum", ours["regret"]["mean"], 300.0, "<="),
        Goal("seconds a search, slowest seed", max(by["poets"]["seconds"]), 60.0, "<="),
    ]
    settings = {"rounds": rounds, "batch": BATCH, "seeds": list(seeds), "methods": METHODS, "optimum": optimum}
    settings["spec"] = specs[0].model_copy(update={"problem": specs[0].problem.model_copy(update={"params": {}})})
    settings["spec"] = settings["spec"].model_dump(mode="json")
    finish(goals if is_gb1 and not args.quick and not changes else [], results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
