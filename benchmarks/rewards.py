"""Learning from verifiable rewards: POETS and its rivals, on-policy, with replay, from few prompts, from given answers.

    python -m benchmarks.rewards --results rewards.jsonl --json

Tasks x settings x methods x seeds from one frozen table (benchmarks/rewards_cells.py), at equal answers and at equal
gradient steps. Every finished run is a line of --results and is not played again. Rewards are means at temperature 1 on
held-out prompts after the last round; the gap is the reward on training prompts minus that. Differences are paired over
seeds, each the mean over tasks. `--quick` plays a few short runs, with goals of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaign import search_settings
from benchmarks.report import Goal, finish, summary
from benchmarks.rewards_cells import (
    BACKBONE,
    COMMON,
    FIRST_TUNING_SEED,
    METHODS,
    QUICK,
    SETTINGS,
    TASKS,
    Cell,
    cells_of,
    play,
)
from benchmarks.search import paired, read_lines

FEWEST_SEEDS = 8
OURS = "poets-16"
FIGURES = ("held_out_reward", "train_reward", "gap", "vote", "kl", "entropy")
QUICK_TASKS, QUICK_METHODS = ("gcd", "count_bits"), ("poets-1", "poets-4", "grpo")

Lines = Sequence[dict[str, Any]]


def last(line: dict[str, Any]) -> dict[str, Any]:
    """Figures after the last round."""
    found: dict[str, Any] = line["judged"][-1]
    return found


def by_seed(lines: Lines, setting: str, method: str, figure: str) -> dict[int, float]:
    """Mean over tasks of a figure for every seed that has all tasks of the setting.

    Args:
        lines: finished runs.
        setting, method: which of them.
        figure: its name, or ``"gain"``: held-out reward minus that of the reference.
    """
    mine = [x for x in lines if x["setting"] == setting and x["method"] == method]
    wanted = {x["task"] for x in lines if x["setting"] == setting}
    out: dict[int, float] = {}
    for seed in sorted({x["seed"] for x in mine}):
        rows = {x["task"]: x for x in mine if x["seed"] == seed}
        if set(rows) == wanted:
            values = [_figure(x, figure) for x in rows.values()]
            out[seed] = float(np.mean(values))
    return out


def _figure(line: dict[str, Any], figure: str) -> float:
    if figure == "gain":
        return float(last(line)["held_out_reward"] - line["before"]["held_out_reward"])
    value = last(line)[figure]
    return float("nan") if value is None else float(value)


def compared(lines: Lines, setting: str, ours: str, other: str, figure: str) -> dict[str, float] | None:
    """One method minus another, paired over seeds, each the mean over tasks; None without a common seed."""
    a, b = by_seed(lines, setting, ours, figure), by_seed(lines, setting, other, figure)
    both = sorted(set(a) & set(b))
    return paired([a[s] for s in both], [b[s] for s in both]) if both else None


def collect(lines: Lines) -> dict[str, Any]:
    """Figures of every method in every setting, and ours against each."""
    out: dict[str, Any] = {}
    for setting in SETTINGS:
        methods = [m for m in METHODS if any(x["setting"] == setting and x["method"] == m for x in lines)]
        rows: dict[str, Any] = {}
        for method in methods:
            mine = [x for x in lines if x["setting"] == setting and x["method"] == method]
            row: dict[str, Any] = {
                f: summary(list(found.values()))
                for f in (*FIGURES, "gain")
                if (found := by_seed(lines, setting, method, f))
            }
            row["tasks"] = {
                t: summary([last(x)["held_out_reward"] for x in mine if x["task"] == t])
                for t in dict.fromkeys(x["task"] for x in mine)
            }
            row["cpu_seconds"] = summary([x["cpu_seconds"] for x in mine])
            row["curve"] = curve(mine)
            for ours in ("poets-1", "poets-4", "poets-16"):
                if ours != method and ours in methods:
                    row[f"{ours} minus this"] = {
                        f: compared(lines, setting, ours, method, f) for f in ("held_out_reward", "gap", "vote")
                    }
            rows[method] = row
        if rows:
            out[setting] = rows
    return out


def curve(lines: Lines) -> list[float]:
    """Mean held-out reward each time that the branches were judged, the reference's first."""
    told = [[x["before"]["held_out_reward"], *(j["held_out_reward"] for j in x["judged"])] for x in lines]
    return [round(float(np.mean(column)), 4) for column in zip(*told, strict=False)]


def goals(found: dict[str, Any], ours: str = OURS) -> list[Goal]:
    """What is to be reached, of what was played."""
    out: list[Goal] = []
    for setting in ("replay of 4", "on-policy"):
        told = found.get(setting, {}).get("grpo", {}).get(f"{ours} minus this")
        if not told or not told["held_out_reward"]:
            continue
        reward, gap = told["held_out_reward"], told["gap"]
        if setting == "on-policy":
            out.append(
                Goal("on-policy: held-out reward minus GRPO, upper end of the interval", reward["high"], 0.0, ">=")
            )
        else:
            name = "replay of 4 rounds, 32 prompts"
            out.append(Goal(f"{name}: held-out reward minus GRPO, lower end", reward["low"], 0.0, ">"))
            out.append(Goal(f"{name}: gap minus GRPO's", gap["mean"], 0.0, "<="))
    return out


def quick_goals(lines: Lines) -> list[Goal]:
    """What even few short runs show: every method learns its training prompts, at equal answers and steps."""
    out = []
    for method in QUICK_METHODS:
        gains = [last(x)["train_reward"] - x["before"]["train_reward"] for x in lines if x["method"] == method]
        out.append(Goal(f"{method}: reward on training prompts minus the reference's", float(np.mean(gains)), 0.0, ">"))
    effort = {(x["answers"], x["steps"]) for x in lines}
    out.append(Goal("different numbers of answers or steps", float(len(effort)), 1.0, "<="))
    return out


def played(cells: Sequence[Cell], jobs: int) -> Iterable[dict[str, Any]]:
    """Play cells, `jobs` at a time, in their order."""
    with ExitStack() as stack:
        if jobs == 1:
            yield from map(play, cells)
        else:
            pool = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn")))
            yield from pool.map(play, cells)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="some of the tasks")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="some of the settings")
    parser.add_argument("--method", action="append", choices=list(METHODS), help="some of the methods")
    parser.add_argument("--seeds", type=int, default=FEWEST_SEEDS)
    parser.add_argument("--first-seed", type=int, default=0, help=f"settings are chosen from {FIRST_TUNING_SEED} on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; no goals")
    parser.add_argument("--backbone", type=Path, default=BACKBONE, help="the folder of another model; no goals")
    parser.add_argument("--results", type=Path, help="a file that keeps every finished run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one thread each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="few short runs with goals of their own: under 60 s")
    args = parser.parse_args()
    if args.quick and args.results:
        parser.error("Expected --quick without --results: its runs must not be taken for the table's.")
    if not (args.backbone / "model.safetensors").is_file():
        parser.error(f"Expected a model in {args.backbone}, got no model.safetensors there. Name its folder.")
    return args


def wanted(args: argparse.Namespace) -> list[Cell]:
    """Return the cells that the command line asks for; whole seeds come one after the other."""
    changes = search_settings(args.set)
    if args.quick:
        changes = {**QUICK, **changes}
        return [
            Cell(t, "replay of 4", m, args.first_seed, changes, args.backbone)
            for t in QUICK_TASKS
            for m in QUICK_METHODS
        ]
    return [
        Cell(task, setting, method, seed, changes, args.backbone)
        for seed in range(args.first_seed, args.first_seed + args.seeds)
        for setting in args.setting or SETTINGS
        for method in args.method or METHODS
        if method in cells_of(setting)
        for task in args.task or TASKS
    ]


def main() -> None:
    """Run from the command line."""
    args = arguments()
    cells = wanted(args)
    before = read_lines(args.results) if args.results and args.results.is_file() else []
    known = {(x["task"], x["setting"], x["method"], x["seed"], x["settings"]): x for x in before}
    keys = [tuple(c.line().values()) for c in cells]
    lines = [known[k] for k in keys if k in known]
    todo = [c for c, k in zip(cells, keys, strict=True) if k not in known]
    for count, line in enumerate(played(todo, args.jobs), 1):
        lines.append(line)
        if args.results:
            with args.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        end = "\n" if count == len(todo) else ""
        print(f"\r{count} of {len(todo)} runs", end=end, file=sys.stderr, flush=True)
    found = collect(lines)
    frozen = not args.set and args.backbone == BACKBONE and args.first_seed < FIRST_TUNING_SEED
    stated = quick_goals(lines) if args.quick else goals(found) if frozen and args.seeds >= FEWEST_SEEDS else []
    about = {"common": dict(COMMON), "methods": {m: dict(s) for m, s in METHODS.items()}, "seeds": args.seeds}
    finish(stated, found, about, as_json=args.json)


if __name__ == "__main__":
    main()
