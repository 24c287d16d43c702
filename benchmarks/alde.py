"""The protocol of ALDE on a four-site table: 96 random measured variants are given, then four batches of 96.

    python -m benchmarks.alde --table gb1.csv --seeds 20 --json
    python -m benchmarks.alde --table gb1.csv --quick

Best value so far, as a fraction of the table's maximum, at 96, 192, 288, 384 and 480 measurements, and the share of
runs that reach the maximum, with Wilson's 95 % interval: POETS as it is shipped, one branch of it, Gaussian processes
over one-hot, BLOSUM62 and AAindex features and over words, ensembles of boosted trees, and a genetic algorithm. All
have the same first 96. A variant that the table lacks costs a measurement and tells nothing.

Published rows are of the same protocol (Yang et al., Cell Systems 2025; Ding et al. 2024 and Qiu et al. 2021 of the
same number of measurements), as their papers state them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Goal, finish, summary
from benchmarks.search_cells import BY_GRADIENT
from domains.catalog import entry, load
from poets_core.keyed import rng_for
from poets_core.runs.views.share import Share, reaches
from poets_core.search import loop
from poets_core.search.registry import build_search
from poets_core.spec import SearchSpec
from poets_core.spec.read import parse_search
from poets_core.types import BEFORE

FIRST, BATCH, BATCHES = 96, 96, 4
POINTS = tuple(FIRST + BATCH * k for k in range(BATCHES + 1))
METHODS: dict[str, dict[str, Any]] = {
    "poets": {},
    "one branch": {"branches": 1, "prior_scale": 0.0},
    "poets, by gradient": BY_GRADIENT,
    "one branch, by gradient": {**BY_GRADIENT, "branches": 1, "prior_scale": 0.0},
    "gp one-hot": {"method": "gp"},
    "gp BLOSUM62": {"method": "gp", "features": "blosum"},
    "gp AAindex": {"method": "gp", "features": "aaindex"},
    "boosting": {"method": "boosting"},
    "boosting, one-hot": {"method": "boosting", "features": "one-hot"},
    "string-kernel gp": {"method": "string-gp"},
    "genetic": {"method": "ga"},
}
PUBLISHED = {
    149_361: {
        "ALDE, boosting ensemble, AAindex, Thompson sampling": {"best": 0.930, "standard_error": 0.014},
        "ALDE, Gaussian process, AAindex, Thompson sampling": {"best": 0.927},
        "ALDE, Gaussian process, one-hot, Thompson sampling": {"best": 0.758},
        "ALDE, DNN ensemble, one-hot, UCB": {"best": 0.903},
    },
    140_517: {"CLADE": {"at the maximum": 0.34}, "MLDE": {"at the maximum": 0.072}},
}
"""By the number of measured variants: GB1 (Wu et al. 2016), PhoQ (Podgornaia and Laub 2015)."""
FLOOR = {149_361: 0.903, 140_517: 0.45}
"""What the mean best of POETS at 480 measurements has to be at least."""


def first_round(table: Path, seed: int) -> list[tuple[str, float]]:
    """Return 96 random measured variants with their values, the same for every method."""
    values = load("protein/landscape", table=str(table)).oracle.values  # type: ignore[attr-defined]
    names = sorted(values)
    rows = rng_for(seed, "first round").choice(len(names), FIRST, replace=False)
    return [(names[int(k)], float(values[names[int(k)]])) for k in rows]


def spec_for(table: Path, data: Path, method: str, seed: int, batches: int) -> SearchSpec:
    """The campaign as Launch would start it, answered by the table."""
    shipped = entry("protein/campaign").settings
    params = {"data": str(data), "oracle": "table", "answers": str(table)}
    return parse_search(
        {
            "problem": {"name": "protein/campaign", "params": params},
            "backbone": {"source": "library"} | dict(shipped.get("backbone", {})),
            "search": dict(shipped.get("search", {})) | METHODS[method]
            if method.startswith(("poets", "one branch"))
            else METHODS[method],
            "budget": {"rounds": batches, "batch": BATCH},
            "seed": seed,
            "device": "cpu",
        }
    )


def play(cell: tuple[str, str, int, int]) -> dict[str, Any]:
    """Play one campaign; return best values so far in fractions of the maximum, and what it took."""
    table, method, seed, batches = cell
    began, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "first.csv"
        rows = first_round(Path(table), seed)
        data.write_text("variant,value\n" + "".join(f"{v},{x!r}\n" for v, x in rows))
        spec = spec_for(Path(table), data, method, seed, batches)
        problem = load(spec.problem.name, **spec.problem.params)
        maximum = problem.info.objectives[0].optimum or float("nan")
        search = build_search(problem, spec, backbone=spec.backbone.source, workspace=Path(folder))
        best = [max(x for _, x in rows) / maximum]
        missing = 0
        for step in loop.play(search, problem, budget=spec.budget, seed=seed):
            if isinstance(step, loop.Updated) and step.round != BEFORE:
                found = [o.value[0] / maximum for o in step.observations if o.valid]
                missing += BATCH - len(found)
                best.append(max([best[-1], *found]))
    return {
        "method": method,
        "seed": seed,
        "best": best,
        "not in the table": missing,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
    }


def play_all(cells: Sequence[tuple[str, str, int, int]], jobs: int, keep: Path | None) -> list[dict[str, Any]]:
    """Play campaigns; those that a file holds already are not played again."""
    done: dict[tuple[str, int], dict[str, Any]] = {}
    if keep is not None and keep.is_file():
        done = {(row["method"], row["seed"]): row for row in map(json.loads, keep.read_text().splitlines())}
    left = [cell for cell in cells if (cell[1], cell[2]) not in done]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for row in pool.map(play, left):
            done[row["method"], row["seed"]] = row
            print(
                f"{len(done)}/{len(cells)} {row['method']} seed {row['seed']}: {row['best'][-1]:.3f}", file=sys.stderr
            )
            if keep is not None:
                with keep.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return [done[cell[1], cell[2]] for cell in cells]


def results_of(rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> dict[str, Any]:
    """Return means with their errors at every point, and the share of runs at the maximum."""
    found: dict[str, Any] = {}
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        best = np.array([row["best"] for row in own])
        found[method] = {
            "best": {str(point): summary(best[:, k].tolist()) for k, point in enumerate(POINTS[: best.shape[1]])},
            "at the maximum": Share.of(reaches(row["best"][-1], 1.0) for row in own).as_data(),
            "not in the table": float(np.mean([row["not in the table"] for row in own])),
            "cpu_seconds": summary([row["cpu_seconds"] for row in own]),
        }
    if "poets" in methods:
        ours = {row["seed"]: row["best"][-1] for row in rows if row["method"] == "poets"}
        for method in methods:
            theirs = {row["seed"]: row["best"][-1] for row in rows if row["method"] == method}
            found[method]["poets minus it"] = summary([ours[s] - theirs[s] for s in ours])
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="variants at a few sites, and their values")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--jobs", type=int, default=2, help="campaigns at a time, one thread each")
    parser.add_argument(
        "--keep", type=Path, help="a file that keeps finished campaigns, to go on after an interruption"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, one batch, two methods, no goals: under 60 s")
    args = parser.parse_args()
    methods = ["poets", "gp one-hot"] if args.quick else args.methods
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    cells = [(str(args.table), m, s, 1 if args.quick else BATCHES) for s in seeds for m in methods]
    rows = play_all(cells, args.jobs, None if args.quick else args.keep)
    measured = load("protein/landscape", table=str(args.table)).info.facts["measured"]
    results = results_of(rows, methods) | {"published": PUBLISHED.get(measured, {})}
    goals = []
    if measured in FLOOR and not args.quick and "poets" in methods:
        last = results["poets"]["best"][str(POINTS[-1])]["mean"]
        goals = [Goal("mean best of POETS at 480, fraction of the maximum", last, FLOOR[measured], ">=")]
    settings = {"first": FIRST, "batch": BATCH, "batches": BATCHES, "seeds": list(seeds), "methods": METHODS}
    finish(goals, results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
