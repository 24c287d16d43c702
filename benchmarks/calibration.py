"""Can a branch ensemble's intervals be believed? Every round judged before it is learnt from.

    python -m benchmarks.calibration --table gb1.csv --json

Coverage is the share of new values within mean ± 2 deviations of the branches
(.95 is right), as predicted and after widening by what earlier rounds of the
same run needed (poets_core/search/poets/calibration.py). Sharpness is the mean
deviation, the error the root mean square one, both in reward deviations; rank
correlation is Spearman's, of deviation and absolute error over a round.
Settings and seeds are those of the regime map.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import play_all
from benchmarks.report import Goal, finish, summary
from benchmarks.search_cells import FIRST_TUNING_SEED, LANDSCAPES, cell_spec
from poets_core.spec import SearchSpec

CELLS = (("nk-rugged", "poets"), ("deceptive", "explore"), ("ehrlich-15", "poets"), ("gb1", "poets"))
FIGURES = {
    "coverage": "coverage",
    "coverage_scaled": "coverage, widened",
    "interval_factor": "factor",
    "spread": "sharpness",
    "prediction_error": "error",
    "error_correlation": "rank correlation",
}
EARLY = 4
"""Rounds that count as early: the branches' priors are still most of what they say."""


def table(rounds: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Figures over seeds, of early and of late rounds, and their means round by round.

    Args:
        rounds: for each seed the metrics of its rounds.
    """
    out: dict[str, Any] = {}
    longest = max(map(len, rounds))
    for key, name in FIGURES.items():
        parts = {"early": slice(1, 1 + EARLY), "late": slice(1 + EARLY, None)}
        for part, at in parts.items():
            told = [[r[key] for r in run[at] if r.get(key) is not None] for run in rounds]
            if any(told):
                out[f"{name}, {part}"] = summary([float(np.mean(x)) for x in told if x])
        by_round = [
            [run[k][key] for run in rounds if len(run) > k and run[k].get(key) is not None] for k in range(longest)
        ]
        out[f"{name}, by round"] = [round(float(np.mean(x)), 3) for x in by_round if x]
    return out


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the GB1 table; without it GB1 is left out")
    parser.add_argument("--tables", type=Path, help="a folder for generated landscapes; temporary otherwise")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0, help=f"settings are chosen from {FIRST_TUNING_SEED} on")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed of one landscape, no goals: under 60 s")
    args = parser.parse_args()
    cells = CELLS[:1] if args.quick else [c for c in CELLS if args.table or c[0] != "gb1"]
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    found: dict[str, Any] = {}
    goals = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, method in cells:
            specs: list[SearchSpec] = [
                cell_spec(name, method, s, folder=args.tables or Path(temporary), tables={"gb1": args.table})
                for s in seeds
            ]
            noise = [LANDSCAPES[name].noise] * len(specs)
            played = play_all(specs, jobs=args.jobs, noise=noise)
            print(f"{name}: {len(played)} searches", file=sys.stderr)
            found[f"{name}, {method}"] = table([list(map(dict, p.rounds)) for p in played])
            at = found[f"{name}, {method}"]
            goals.append(
                Goal(f"{name}: widened coverage, late rounds", at["coverage, widened, late"]["mean"], 0.9, ">=")
            )
    settings = {"seeds": list(seeds)}
    finish([] if args.quick else goals, found, settings, as_json=args.json)


if __name__ == "__main__":
    main()
