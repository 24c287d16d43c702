"""How many layers to branch, and at which rank: diversity, calibration, result and cost.

    python -m benchmarks.adapters --table gb1.csv --wild-type VDGV --results adapters.jsonl --json

Plays the catalog's settings of GB1 (a library backbone, of two layers here) and
of artificial-7q (the circuit backbone, three layers, 400 of its 1000 calls),
changing nothing but `branch_from` and the rank of both adapters, on the seeds
that choose settings (from 100). Cells already in --results are not played
again, so an interrupted study goes on. It states no goals.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.campaign import Played, play_all
from benchmarks.first_light import best_of, example, with_method
from benchmarks.gb1 import figures, spec_for
from benchmarks.report import finish, summary
from benchmarks.search_cells import BY_GRADIENT
from domains.catalog import load
from poets_core.runs.views.share import Share, reaches
from poets_core.spec import SearchSpec
from poets_core.spec.read import parse_search

RANKS = (1, 4, 8, 16)
LAYERS = {"gb1": 2, "artificial_7q": 3}
Cell = tuple[str, int, int, int]
"""Landscape, branched layers, rank, seed."""


def cell_spec(cell: Cell, table: Path | None, wild_type: str, quick: bool) -> SearchSpec:
    """The catalog's setting of a landscape with another cut and rank."""
    name, branched, rank, seed = cell
    # The exact fit has adapters on the head alone: nothing to cut.
    ranks: dict[str, Any] = {"rank": rank, "prior_rank": rank, **(BY_GRADIENT if name == "gb1" else {})}
    if name == "gb1":
        if table is None:
            raise ValueError("Expected the GB1 table for gb1, got none. Name it with --table.")
        spec = spec_for(table, wild_type, "poets", seed, 3 if quick else 12, ranks)
    else:
        spec = with_method(example(name), "poets", seed, quick, ranks)
    data = spec.model_dump(mode="json")
    data["backbone"] |= {"layers": LAYERS[name], "branch_from": LAYERS[name] - branched}
    data["budget"] |= {} if quick or name == "gb1" else {"rounds": 10}
    return parse_search(data)


def row(cell: Cell, played: Played, optimum: float) -> dict[str, Any]:
    """Result, diversity, calibration and cost of one search.

    `result`: cumulative regret in fractions of the maximum (GB1, lower is
    better), best reward (artificial-7q). `js`, `js_token`: divergence of the
    branches after the last round, nats; `coverage`: share of the last round
    within the predicted mean +- 2 sd; `seconds`: CPU time.
    """
    name, branched, rank, seed = cell
    best = best_of(played)
    result = figures(played, optimum)["regret"] if name == "gb1" else best
    return {
        "landscape": name,
        "branched": branched,
        "rank": rank,
        "seed": seed,
        "result": result,
        "best": best,
        "js": played.metrics["js_sequence"],
        "js_token": played.metrics["js_token"],
        "coverage": played.metrics["coverage"],
        "seconds": played.cpu_seconds,
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the GB1 table; without it artificial-7q alone is played")
    parser.add_argument("--wild-type", default="VDGV")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, one thread each")
    parser.add_argument("--results", type=Path, help="a file that keeps every finished search")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, two ranks, few rounds: under 60 s")
    args = parser.parse_args()
    if args.quick and args.results:
        parser.error("Expected --quick without --results: its short searches must not be taken for whole ones.")
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    ranks = (1, 8) if args.quick else RANKS
    names = [n for n in LAYERS if n != "gb1" or args.table]
    cells: list[Cell] = [(n, b, r, s) for s in seeds for n in names for b in range(1, LAYERS[n] + 1) for r in ranks]
    rows: list[dict[str, Any]] = []
    if args.results and args.results.is_file():
        rows = [json.loads(line) for line in args.results.read_text().splitlines()]
    done = {(x["landscape"], x["branched"], x["rank"], x["seed"]) for x in rows}
    specs = {n: cell_spec(next(c for c in cells if c[0] == n), args.table, args.wild_type, args.quick) for n in names}
    problems = {n: load(s.problem.name, **s.problem.params) for n, s in specs.items()}
    optima = {n: p.info.objectives[0].optimum or float("nan") for n, p in problems.items()}
    todo = [c for c in cells if c not in done]

    def keep(count: int, played: Played) -> None:
        rows.append(row(todo[count - 1], played, optima[todo[count - 1][0]]))
        if args.results:
            with args.results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
        print(f"\r{count}/{len(todo)} searches", end="", file=sys.stderr)

    play_all([cell_spec(c, args.table, args.wild_type, args.quick) for c in todo], jobs=args.jobs, report=keep)
    print(file=sys.stderr)
    keys = ("result", "best", "js", "js_token", "coverage", "seconds")
    results = {}
    for name, branched, rank in dict.fromkeys(c[:3] for c in cells):
        mine = [x for x in rows if (x["landscape"], x["branched"], x["rank"]) == (name, branched, rank)]
        found: dict[str, Any] = {k: summary([x[k] for x in mine]) for k in keys}
        found["optimum reached"] = Share.of(reaches(x["best"], optima[name]) for x in mine).as_data()
        results[f"{name}, {branched} branched, rank {rank}"] = found
    settings = {"seeds": list(seeds), "ranks": ranks, "layers": LAYERS, "quick": args.quick}
    finish([], results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
