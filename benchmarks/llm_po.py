"""How many comparisons until the best policy is known: ours against nine rivals, all under the same stopping rule.

    python -m benchmarks.llm_po --json

Instances and figures to reach: benchmarks/llm_po_cells.py; the lower bound as delta falls:
benchmarks/llm_po_bound.py. Every run is keyed by its number, the same for all
rules. `--quick` plays fewer runs and states no goals.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from scipy.stats import beta as beta_distribution

from benchmarks.llm_po_bound import MOST_AT_THE_END, approach, bound, theory
from benchmarks.llm_po_cells import (
    CELLS,
    FIGURES,
    LARGE_GAP,
    OURS,
    STRUCTURED,
    linear_instance,
    win_probability,
    winner_of,
)
from benchmarks.llm_po_rivals import RIVALS
from benchmarks.llm_po_structured import simulate_structured
from benchmarks.report import Goal, finish, summary
from poets_core.llm_po.balance import DuelRule, evidence_balancing
from poets_core.llm_po.evidence import NONE, OPEN, WINNER
from poets_core.llm_po.simulate import Simulated, simulate
from poets_core.types import F8

RULES: dict[str, DuelRule] = {OURS: evidence_balancing, **RIVALS}
PAPER = ("round-robin", "random pair", "epsilon-greedy", "Thompson sampling", "RUCB")
"""The baselines of the paper's own experiments."""
FIRST_SEED = 0
"""Rules were chosen with seeds from 100 on, and on other instances too (docs/decisions/llm-po.md)."""
MOST = 400_000
"""Comparisons after which a run counts as it is."""


def summed_up(played: Simulated, best: int) -> dict[str, Any]:
    """Comparisons, and the share of runs that named another policy with the upper end of its 95 % interval."""
    wrong = int(((played.kind == WINNER) & (played.winner != best)).sum() + (played.kind == NONE).sum())
    return summary(played.comparisons.tolist()) | {
        "wrong": wrong,
        "wrong_at_most": upper(wrong, len(played.kind)),
        "undecided": int((played.kind == OPEN).sum()),
    }


def upper(count: int, n: int) -> float:
    """Upper end of the exact 95 % interval of a share (one-sided, Clopper-Pearson)."""
    return 1.0 if count >= n else float(beta_distribution.ppf(0.95, count + 1, n - count))


def cells(runs: int, *, assume: bool = True) -> dict[str, dict[str, Any]]:
    """Every rule on every cell."""
    out: dict[str, dict[str, Any]] = {}
    for kind, k, delta in CELLS:
        p = win_probability(kind, k)
        row: dict[str, Any] = {}
        for name, rule in RULES.items() if assume else [(OURS, evidence_balancing)]:
            played = simulate(rule, p, runs=runs, delta=delta, assume_condorcet=assume, most=MOST, seed=FIRST_SEED)
            row[name] = summed_up(played, winner_of(p))
            print(f"\r{kind} {k} {delta} {name}: {row[name]['mean']:.0f}    ", end="", file=sys.stderr, flush=True)
        row["bound"] = bound(p, delta)
        out[f"{kind}, K = {k}, delta {delta}"] = row
    print(file=sys.stderr)
    return out


def structured(runs: int, instances: int) -> dict[str, Any]:
    """The linear Bradley-Terry model under its exact rule, over instances; K = 32 as in the paper's experiment."""
    out: dict[str, Any] = {}
    for k, d, gap, rivals, much in [
        (8, 3, 0.7, ("round-robin",), instances),
        (16, 4, 0.7, ("round-robin",), instances),
        (32, 5, LARGE_GAP, PAPER if instances > 1 else PAPER[:1], max(1, instances // 5)),
    ]:
        row: dict[str, list[Any]] = {}
        wrong: dict[str, int] = {}
        for number in range(much):
            theta, x = linear_instance(k, d, number, gap)
            for name in (OURS, *rivals):
                played = simulate_structured(
                    RIVALS.get(name), theta, x, runs=runs, delta=0.1, most=MOST, seed=FIRST_SEED + number
                )
                row.setdefault(name, []).extend(played.comparisons.tolist())
                named = (played.kind == WINNER) & (played.winner != int((x @ theta).argmax()))
                wrong[name] = wrong.get(name, 0) + int(named.sum())
                print(f"\rK = {k}, {number}, {name}    ", end="", file=sys.stderr, flush=True)
        out[f"structured, K = {k}, d = {d}"] = {n: summary(v) | {"wrong": wrong[n]} for n, v in row.items()}
    print(file=sys.stderr)
    return out


def speed(comparisons: int) -> dict[str, float]:
    """Comparisons a CPU second unstructured, and CPU microseconds a comparison structured, both K = 16."""
    equal = np.full((16, 16), 0.5)
    simulate(evidence_balancing, equal, runs=1, delta=1e-9, most=10)
    began = time.process_time()
    simulate(evidence_balancing, equal, runs=1, delta=1e-9, most=comparisons)
    unstructured = comparisons / (time.process_time() - began)
    theta, x = linear_instance(16, 4, 0)
    simulate_structured(None, theta, x, runs=1, delta=1e-9, most=100)
    began = time.process_time()
    simulate_structured(None, theta * 1e-6, x, runs=1, delta=1e-9, most=comparisons // 10)
    return {
        "comparisons a CPU second, K = 16": unstructured,
        "CPU microseconds a comparison, structured, K = 16, d = 4": 1e6
        * (time.process_time() - began)
        / (comparisons // 10),
    }


def control(runs: int) -> dict[str, Any]:
    """Errors near the boundary; what has no winner; what is equal."""
    few, even_odds = max(20, runs // 10), np.full((4, 4), 0.5)
    rock = np.array([[0.5, 0.7, 0.3], [0.3, 0.5, 0.7], [0.7, 0.3, 0.5]])

    def ours(p: F8, **options: Any) -> Simulated:
        return simulate(evidence_balancing, p, **{"runs": few, "delta": 0.1, "seed": FIRST_SEED} | options)

    near = ours(np.array([[0.5, 0.55], [0.45, 0.5]]), runs=runs)
    circle = ours(rock, assume_condorcet=False)
    assuming = ours(rock, most=20_000)
    even = ours(even_odds, delta=0.05, assume_condorcet=False, most=5_000)
    tied = ours(even_odds, delta=0.05, assume_condorcet=False, tie_zone=0.05)
    named = int((even.kind != OPEN).sum())
    return {
        "p = .55, delta .1": summed_up(near, 0),
        "rock-paper-scissors": {"none": float((circle.kind == NONE).mean()), **summary(circle.comparisons.tolist())},
        "rock-paper-scissors, a winner assumed": {"named all the same": float((assuming.kind == WINNER).mean())},
        "all 1/2, delta .05, 5000 comparisons": {
            "named": named,
            "runs": few,
            "named_at_most": upper(named, few),
        },
        "all 1/2, tie zone .05": {"settled": float((tied.kind == WINNER).mean()), **summary(tied.comparisons.tolist())},
    }


def first_in(row: dict[str, Any]) -> bool:
    """Whether ours is the best of a cell, or within two standard errors of the best rival."""
    rival = min((row[n] for n in RIVALS), key=lambda r: r["mean"])
    ours = row[OURS]
    return bool(ours["mean"] <= rival["mean"] + 2 * np.hypot(ours["standard_error"], rival["standard_error"]))


def goals(results: dict[str, Any]) -> list[Goal]:
    """What is to be reached."""
    out: list[Goal] = []
    for (kind, k, delta), figure in FIGURES.items():
        name = f"{kind}, K = {k}, delta {delta}"
        out.append(Goal(name, results["cells"][name][OURS]["mean"], 1.1 * figure, "<="))
    rows = results["cells"]
    out.append(Goal("cells of 12 in which none is better", float(sum(map(first_in, rows.values()))), 9, ">="))
    for (_, _, delta), (name, row) in zip(CELLS, rows.items(), strict=True):
        worst = max(r["wrong"] / r["n"] for n, r in row.items() if n != "bound")
        out.append(Goal(f"{name}: largest share of errors, any rule", worst, delta, "<="))
    for (k, d), most in STRUCTURED.items():
        mean = results["structured"][f"structured, K = {k}, d = {d}"][OURS]["mean"]
        out.append(Goal(f"structured, K = {k}, d = {d}", mean, most, "<="))
    large = results["structured"]["structured, K = 32, d = 5"]
    out.append(Goal("structured, K = 32: ours", large[OURS]["mean"], 6500, "<="))
    out.append(
        Goal(
            "structured, K = 32: round-robin / ours", large["round-robin"]["mean"] / large[OURS]["mean"], 15 / 6.5, ">="
        )
    )
    quick, slow = results["speed"].values()
    out += [Goal("comparisons a second", quick, 1e5, ">="), Goal("microseconds, structured", slow, 100, "<=")]
    for name, ratios in results["approach"].items():
        out.append(Goal(f"{name}, delta 1e-64: comparisons / bound", ratios[OURS][-1], MOST_AT_THE_END, "<="))
    known = results["control"]
    out.append(Goal("p = .55: upper limit of the error", known["p = .55, delta .1"]["wrong_at_most"], 0.1, "<="))
    out.append(Goal("rock-paper-scissors: none", known["rock-paper-scissors"]["none"], 0.95, ">="))
    even = known["all 1/2, delta .05, 5000 comparisons"]
    out.append(Goal("all 1/2: share named", even["named"] / even["runs"], 0.05, "<="))
    return out


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="of each rule in each cell, 100 or more")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="four runs a cell, no goals: under 60 s")
    args = parser.parse_args()
    runs = 4 if args.quick else args.runs
    if runs < 100 and not args.quick:
        parser.error("Expected --runs 100 or more: fewer say nothing about errors of one in a hundred.")
    results = {
        "speed": speed(20_000 if args.quick else 300_000),
        "cells": cells(runs),
        "verified": cells(runs, assume=False),
        "structured": structured(2 if args.quick else 20, 1 if args.quick else 10),
        "approach": approach(2 if args.quick else 100),
        "theory": theory(10 if args.quick else 60),
        "control": control(200 if args.quick else 2_000),
    }
    settings = {"runs": runs, "first_seed": FIRST_SEED, "most": MOST, "quick": args.quick}
    finish([] if args.quick else goals(results), results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
