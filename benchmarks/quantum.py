"""Short circuits: POETS, a genetic algorithm and random structures against the published tables.

    python -m benchmarks.quantum --json
    python -m benchmarks.quantum --quick

Every method proposes structures (two-qubit gates; rotations are put around them), at most 1,000 in a search, and the
same optimiser sets their angles. Errors are medians over seeds, best in brackets, of the best circuit with at most so
many CX. "area" is the mean over CX budgets 1 .. max of log10 of that error, so less is better; differences are paired
over seeds with a 95 % interval (Student's t). The molecules "published" have the spectra of the matrices that a
published table was measured on. Published rows are as their papers state them: CX counts compare, the effort of the
search does not, since circuits here begin in the Hartree-Fock state and angles are set by exact gradients.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import play_all, search_settings
from benchmarks.quantum_cells import CELLS, FIRST_TUNING_SEED, METHODS, TUNING, spec_of
from benchmarks.report import Goal, finish, summary
from benchmarks.search import fingerprint, paired
from domains.catalog import load
from domains.quantum.published import published
from poets_core.spec import SearchSpec

FLOOR = 1e-8
"""Errors below count as this: of an exact circuit the logarithm would be that of rounding."""
AHEAD = 5
"""Problems on which POETS is to be ahead of a rival."""


def front(details: Sequence[Mapping[str, Any]], max_cx: int, product: float) -> list[float]:
    """Return the least error with at most k CX, k = 1 .. max_cx; where nothing was found, that of a product state."""
    best = [product] * (max_cx + 1)
    for d in details:
        if "n_cx" in d:
            best[d["n_cx"]] = min(best[d["n_cx"]], d["error"])
    return [max(x, FLOOR) for x in np.minimum.accumulate(best)[1:].tolist()]


def area(errors: Sequence[float]) -> float:
    """Return the mean of log10 of the errors by CX budget."""
    return float(np.log10(errors).mean())


def collect(name: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of one problem, by method."""
    cell = {**CELLS, **TUNING}[name]
    by = {
        m: {x["seed"]: x for x in lines if x["problem"] == name and x["method"] == m}
        for m in METHODS
        if any(x["problem"] == name and x["method"] == m for x in lines)
    }
    out: dict[str, Any] = {}
    for method, rows in by.items():
        errors = np.array([x["front"] for x in rows.values()])
        areas = {s: area(x["front"]) for s, x in rows.items()}
        out[method] = {
            "error by CX, median": np.median(errors, 0).tolist(),
            "error by CX, best": errors.min(0).tolist(),
            "area": summary(list(areas.values())),
            "seconds": summary([x["seconds"] for x in rows.values()]),
        }
        for w in cell.wanted:
            reached = errors[:, w.cx - 1] <= w.error
            out[method][f"error <= {w.error:.2g} at <= {w.cx} CX"] = f"{int(reached.sum())} of {len(reached)}"
        if method != "poets" and "poets" in by:
            both = sorted(set(rows) & set(by["poets"]))
            out[method]["poets minus this, area"] = paired(
                [area(by["poets"][s]["front"]) for s in both], [areas[s] for s in both]
            )
    if others := published(str(cell.params.get("molecule", name))):
        out["published"] = [asdict(row) for row in others]
    return out


def goals(found: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """Return what is to be reached, of what was played."""
    out: list[Goal] = []
    for name, cell in CELLS.items():
        mine = [x for x in lines if x["problem"] == name and x["method"] == "poets"]
        for w in cell.wanted if mine else ():
            share = float(np.mean([x["front"][w.cx - 1] <= w.error for x in mine]))
            target = 1.0 if w.every else 1.0 / len(mine)
            out.append(
                Goal(f"{name}: share of seeds with an error <= {w.error:.2g} at <= {w.cx} CX", share, target, ">=")
            )
    for rival in ("random", "ga"):
        compared = [
            f[rival]["poets minus this, area"] for f in found.values() if "poets minus this, area" in f.get(rival, {})
        ]
        if len(compared) >= AHEAD:
            ahead = sum(d["high"] < 0 for d in compared)
            out.append(Goal(f"problems with a smaller area than {rival}, interval below 0", ahead, AHEAD, ">="))
    return out


def line_of(name: str, method: str, seed: int, spec: SearchSpec, played: Any) -> dict[str, Any]:
    """Return what is kept of one search."""
    problem = load(spec.problem.name, **spec.problem.params)
    facts = problem.info.facts
    product = facts["product_state_energy"] - facts["ground_energy"]
    return {
        "problem": name,
        "method": method,
        "seed": seed,
        "spec": fingerprint(spec),
        "front": front(played.details, facts["max_cx"], product),
        "structures": len(played.values),
        "seconds": round(played.seconds, 1),
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[*CELLS, *TUNING])
    parser.add_argument("--method", action="append", choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help=f"settings are chosen from {FIRST_TUNING_SEED} on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a search setting; no goals")
    parser.add_argument("--results", type=Path, help="a file that keeps every finished search")
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, one thread each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--quick", action="store_true", help="one seed of two small problems, 100 structures: under 60 s"
    )
    return parser.parse_args()


def main() -> None:
    """Run from the command line."""
    args = arguments()
    changes = search_settings(args.set)
    names = ["lih-4q-2.2", "w4"] if args.quick else args.only or list(CELLS)
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    rounds = {"rounds": 2} if args.quick else {}
    cells = [(n, m, s) for s in seeds for n in names for m in args.method or METHODS]
    specs = {c: spec_of(*c, changes, **rounds) for c in cells}
    kept = args.results if args.results and args.results.is_file() else None
    lines = [json.loads(x) for x in kept.read_text().splitlines()] if kept else []
    done = {(x["problem"], x["method"], x["seed"], x["spec"]): x for x in lines}
    lines = [done[key] for c, s in specs.items() if (key := (*c, fingerprint(s))) in done]
    todo = [c for c, s in specs.items() if (*c, fingerprint(s)) not in done]

    def keep(count: int, played: Any) -> None:
        cell = todo[count - 1]
        lines.append(line_of(*cell, specs[cell], played))
        if args.results:
            with args.results.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
        print(f"\r{count}/{len(todo)} searches", end="", file=sys.stderr)

    play_all([specs[c] for c in todo], jobs=1 if args.quick else args.jobs, report=keep)
    print(file=sys.stderr)
    found = {n: collect(n, lines) for n in names}
    judged = args.first_seed < FIRST_TUNING_SEED and not changes and not args.quick and len(seeds) >= 5
    stated = goals(found, lines) if judged else quick_goals(lines) if args.quick else []
    settings = {"seeds": list(seeds), "changes": changes, "methods": {m: dict(METHODS[m]) for m in METHODS}}
    finish(stated, found, settings, as_json=args.json)


def quick_goals(lines: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """Return what a hundred structures are to reach."""
    by = {(x["problem"], x["method"]): x["front"] for x in lines}
    return [
        Goal(f"{n}: error at <= {cx} CX, POETS", by[n, "poets"][cx - 1], error, "<=")
        for n, cx, error in (("lih-4q-2.2", 4, 1.6e-3), ("w4", 6, 1e-2))
        if (n, "poets") in by
    ]


if __name__ == "__main__":
    main()
