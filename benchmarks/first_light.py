"""Every built-in problem, searched with its shipped backbone, beside the reference alone.

    python -m benchmarks.first_light --json

Plays examples/*.json (the specs Launch and `python -m poets_core spec` start
from) over five seeds, and the same number of calls by the reference. The best
circuits are recomputed by Qiskit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import Played, play_all, search_settings
from benchmarks.report import Goal, finish, summary
from domains.catalog import load
from domains.quantum.verify import qiskit_energy
from poets_core.runs.views.share import Share, reaches
from poets_core.spec import METHODS, SearchSpec
from poets_core.spec.read import parse_search

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ("ehrlich", "instability", "artificial_7q", "tfim_6")
CX_BUDGET = 10


def example(name: str) -> SearchSpec:
    """One of the specs in examples/."""
    return parse_search((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"), where=f"examples/{name}.json")


def with_method(spec: SearchSpec, method: str, seed: int, quick: bool, changes: Mapping[str, Any]) -> SearchSpec:
    """The example's spec with another seed, other settings, and another method where asked, which keeps what it reads.

    Raises:
        InvalidSpec: a change that is no setting of POETS.
    """
    data = spec.model_dump(mode="json")
    data["search"] |= changes
    if method != spec.search.method:
        own = METHODS[method].model_fields
        data["search"] = {k: v for k, v in data["search"].items() if k in own} | {"method": method}
    data["budget"] |= {"rounds": 2, "batch": 16} if quick else {}
    return parse_search(data | {"seed": seed, "device": "cpu"}, where="the example with --set")


def best_of(played: Played) -> float:
    """Best value of a search; -inf if nothing was valid."""
    return float(np.nan_to_num(np.asarray(played.values), nan=-np.inf).max())


def least_error(played: Played) -> tuple[float, int]:
    """Smallest energy error within the CX budget, and which call made it."""
    errors = [d["error"] if d and d["n_cx"] <= CX_BUDGET else np.inf for d in played.details]
    at = int(np.argmin(errors))
    return float(errors[at]), at


def recomputed(spec: SearchSpec, played: Played, call: int) -> float:
    """Difference between the stored energy of a call and Qiskit's."""
    problem: Any = load(spec.problem.name, **spec.problem.params)
    details = played.details[call]
    return abs(qiskit_energy(problem.energy, played.designs[call], details) - float(details["energy"]))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a search setting; no goals")
    parser.add_argument("--only", choices=NAMES, action="append", help="some of the problems; no goals for the rest")
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, one thread each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, two short rounds, no goals: under 60 s")
    args = parser.parse_args()
    return args


def main() -> None:
    """Run from the command line."""
    args = arguments()
    names = args.only or list(NAMES)
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    changes = search_settings(args.set)
    examples = {name: example(name) for name in names}
    cells = [(n, m, s) for n in names for s in seeds for m in ("poets", "reference")]
    specs = [with_method(examples[n], m, s, args.quick, changes) for n, m, s in cells]
    played = play_all(
        specs, jobs=args.jobs, report=lambda done, _: print(f"\r{done}/{len(specs)} searches", end="", file=sys.stderr)
    )
    print(file=sys.stderr)
    results: dict[str, Any] = {}
    goals: list[Goal] = []
    for name in names:
        mine = {
            m: [p for (n, k, _), p in zip(cells, played, strict=True) if (n, k) == (name, m)]
            for m in ("poets", "reference")
        }
        best = {m: [best_of(p) for p in ps] for m, ps in mine.items()}
        gain = summary([a - b for a, b in zip(best["poets"], best["reference"], strict=True)])
        optimum = load(examples[name].problem.name, **examples[name].problem.params).info.objectives[0].optimum
        results[name] = {
            "calls": len(mine["poets"][0].values),
            "optimum": optimum,
            "best, poets": summary(best["poets"]),
            "best, reference": summary(best["reference"]),
            "mean of the last 100 calls, poets": summary([float(np.nanmean(p.values[-100:])) for p in mine["poets"]]),
            "mean of the last 100 calls, reference": summary(
                [float(np.nanmean(p.values[-100:])) for p in mine["reference"]]
            ),
            "paired gain in best": gain,
            "seconds a search": summary([p.seconds for p in mine["poets"]]),
        }
        if optimum is not None:
            for m, values in best.items():
                results[name][f"optimum reached, {m}"] = Share.of(reaches(b, optimum) for b in values).as_data()
        goals.append(Goal(f"{name}: best of poets above the reference, mean paired gain", gain["mean"], 0.0, ">"))
        if name == "artificial_7q":
            goals.append(Goal("artificial_7q: mean best", results[name]["best, poets"]["mean"], 5.0, ">"))
        if name in ("artificial_7q", "tfim_6"):
            winners = [
                least_error(p)[1] if name == "tfim_6" else int(np.nanargmax(np.asarray(p.values)))
                for p in mine["poets"]
            ]
            off = max(recomputed(examples[name], p, c) for p, c in zip(mine["poets"], winners, strict=True))
            goals.append(Goal(f"{name}: largest difference from Qiskit's energy", off, 1e-10, "<="))
        if name == "tfim_6":
            for m, ps in mine.items():
                results[name][f"energy error at <= {CX_BUDGET} CX, {m}"] = summary([least_error(p)[0] for p in ps])
            worst = max(least_error(p)[0] for p in mine["poets"])
            mean = results[name][f"energy error at <= {CX_BUDGET} CX, poets"]["mean"]
            results[name]["largest energy error of a seed, poets"] = worst
            goals.append(Goal(f"tfim_6: mean energy error at <= {CX_BUDGET} CX", mean, 1e-2, "<="))
    settings = {"seeds": list(seeds), "changes": changes}
    settings["examples"] = {n: s.model_dump(mode="json") for n, s in examples.items()}
    finish([] if args.quick or changes else goals, results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
