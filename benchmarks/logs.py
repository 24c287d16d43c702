"""Logs of comparisons: error bounds where rows depend on each other, rows needed where they do not, missing pairs.

    python -m benchmarks.logs --json
    python -m benchmarks.logs --quick

- Null logs: nobody is better, 800 rows of prompts x judges of every shape, judges agreeing in 60 to 100 %: how often a
  winner is named all the same. Beside it what happens when rows count as independent, and a log in which judges lean.
- Power: independent rows, a winner at p = .6: rows needed, ours over those of the rule without clusters.
- Incomplete logs: a pair missing, the best never met the second, all against one baseline: how often the replay
  certifies what the stopping rule certifies on all rows at once.

`--quick` plays few runs and states the goals of few runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from scipy.special import expit

from benchmarks.llm_po import upper
from benchmarks.logs_cells import AGREEMENTS, COPIES, NOBODY, SHAPES, crossed_log, independent_log, play
from benchmarks.report import Goal, finish, summary
from poets_core.keyed import rng_for
from poets_core.llm_po.clusters import STEPS, bet
from poets_core.llm_po.evidence import OPEN, decide, duels_of, new_duels, won
from poets_core.types import F8

DELTA = 0.1
SLACK = 0.03
"""By which the upper limit of a share may exceed delta."""
MORE_ROWS = 1.1
LEANING = [(shape, by) for shape in (SHAPES[0],) for by in ("judge", "both")]
"""Shapes with enough judges that a verdict is meant for others, too."""


def null_logs(runs: int, before: int) -> dict[str, Any]:
    """Share of null logs with a verdict, by shape, cause and agreement; counted as independent beside it."""
    cells = [(shape, "prompt", 1) for shape in SHAPES] + [(shape, by, 1) for shape, by in LEANING]
    cells.append(((100, 1), "prompt", COPIES))
    out: dict[str, Any] = {}
    for (prompts, judges), by, copies in cells:
        for agreement in AGREEMENTS:
            name = f"{prompts} x {judges}, {by}, {agreement:.0%}" + (f", {copies} copies" if copies > 1 else "")
            wrong = independent = 0
            for seed in range(runs):
                rows = crossed_log(prompts, judges, agreement, by, rng_for(seed, "null log", name), copies)
                wrong += play(rows, NOBODY, delta=DELTA, seed=seed).verdict is not None
                if seed < before:
                    independent += play(rows, NOBODY, delta=DELTA, seed=seed, shared=False).verdict is not None
            out[name] = {
                "wrong": wrong,
                "runs": runs,
                "wrong_at_most": upper(wrong, runs),
                "as independent": independent / max(1, before),
            }
            print(f"\r{name}: {wrong} of {runs}    ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def power(runs: int) -> dict[str, Any]:
    """Rows until the winner is named, p = .6; of prompts of their own, of two rows a prompt, and of a crossed log."""
    p = np.array([[0.5, 0.6], [0.4, 0.5]])
    ours, today, right = [], [], 0
    for seed in range(runs):
        rows = independent_log(p, NOBODY, 2000, rng_for(seed, "power"), ())
        ours.append(play(rows, NOBODY, delta=DELTA, seed=seed))
        today.append(play(rows, NOBODY, delta=DELTA, seed=seed, shared=False))
        right += ours[-1].verdict is not None and ours[-1].verdict.policy == "A"
    crossed = [crossed_share(runs, share) for share in (0.65, 0.75, 0.85)]
    return {
        "rows": summary([played.rows for played in ours]),
        "rows before": summary([played.rows for played in today]),
        "right": right / runs,
        "40 x 20, every row for A with .65, .75, .85, certified": crossed,
    }


def crossed_share(runs: int, share: float) -> float:
    """Share of logs of 40 prompts x 20 judges that certify A, which wins every row with this probability."""
    named = 0
    for seed in range(max(4, runs // 10)):
        rng = rng_for(seed, "crossed power", str(share))
        rows = crossed_log(40, 20, 0.5, "prompt", rng)
        rows = [row.__class__(*_as(row, bool(rng.random() < share))) for row in rows]
        named += play(rows, NOBODY, delta=DELTA, seed=seed).verdict is not None
    return named / max(4, runs // 10)


def _as(row: Any, won_by_first: bool) -> tuple[Any, ...]:
    outcome = "first" if won_by_first else "second"
    return row.index, row.number, row.prompt, row.first, row.second, outcome, row.responses, row.ordered, row.judge


def incomplete(runs: int) -> dict[str, Any]:
    """How often the replay certifies what the rule certifies on all rows at once."""
    three = np.array([[0.5, 0.9, 0.9], [0.1, 0.5, 0.5], [0.1, 0.5, 0.5]])
    scores = np.append(1.2, np.linspace(0.4, -1.0, 7))
    eight = expit(scores[:, None] - scores[None])
    five = expit((s := np.array([0.8, 0.0, -0.2, -0.4, -0.6]))[:, None] - s[None])
    cells: dict[str, tuple[F8, str, int, tuple[int, ...]]] = {
        "one pair missing": (three, "ABC", 220, (2,)),
        "best never met second": (eight, "ABCDEFGH", 60, (0,)),
        "a weak pair missing": (eight, "ABCDEFGH", 120, (27,)),
        "all against one baseline, the best": (five, "ABCDE", 150, (4, 5, 6, 7, 8, 9)),
        "all against one baseline, the second": (five, "ABCDE", 150, (1, 2, 3, 5, 8, 9)),
    }
    out: dict[str, Any] = {}
    for name, (p, names, each, missing) in cells.items():
        certified = same = named = 0
        for seed in range(runs):
            rows = independent_log(p, names, each, rng_for(seed, name), missing)
            wins = np.zeros((len(names), len(names)), dtype=np.int64)
            for row in rows:
                first, second = names.index(row.first), names.index(row.second)
                wins[(first, second) if row.outcome == "first" else (second, first)] += 1
            kind, winner = decide(duels_of(wins), DELTA, False)
            found = play(rows, names, delta=DELTA, seed=seed).verdict
            named += found is not None
            if kind != OPEN:
                certified += 1
                same += found is not None and found.policy == (names[winner] if winner >= 0 else None)
        out[name] = {"runs": runs, "certified on all rows": certified, "and by the replay": same, "named": named}
        print(f"\r{name}: {same} of {certified}    ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def speed(n: int) -> dict[str, float]:
    """CPU microseconds a comparison: today's evidence of a duel, and the four bets on a cluster's mean."""
    duels, sums = new_duels(2, 0.5, False), np.zeros((4, STEPS))
    won(duels, 0, 1, 1)
    bet(sums[0], 0.5, 0.5)
    began = time.process_time()
    for _ in range(n):
        won(duels, 0, 1, 1)
    counts = time.process_time() - began
    began = time.process_time()
    for _ in range(n):
        for side in range(4):
            bet(sums[side], 0.5, 0.5)
    return {"counts": 1e6 * counts / n, "clusters": 1e6 * (time.process_time() - began) / n}


def goals(results: dict[str, Any], quick: bool) -> list[Goal]:
    """What is to be reached; few runs leave upper limits far from their shares, so that the share counts."""
    null = results["null logs"]
    shares = [cell["wrong"] / cell["runs"] for cell in null.values()]
    out = [Goal("null logs: largest share with a winner", max(shares), 3 * DELTA if quick else DELTA, "<=")]
    if not quick:
        worst = max(cell["wrong_at_most"] for cell in null.values())
        out.append(Goal("null logs: largest upper limit (95 %)", worst, DELTA + SLACK, "<="))
    ratio = results["power"]["rows"]["mean"] / results["power"]["rows before"]["mean"]
    out.append(Goal("independent rows, p = .6: rows over those before", ratio, MORE_ROWS, "<="))
    for name, cell in results["incomplete"].items():
        if n := cell["certified on all rows"]:
            out.append(Goal(f"{name}: certified of what all rows certify", cell["and by the replay"] / n, 0.95, ">="))
    return out


def main() -> None:
    """Run from the command line; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="logs of each cell")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
    parser.add_argument("--quick", action="store_true", help="few runs, goals of few runs: under 60 s")
    asked = parser.parse_args()
    runs = 6 if asked.quick else asked.runs
    results = {
        "null logs": null_logs(runs, 2 if asked.quick else max(1, runs // 10)),
        "power": power(max(2, runs // 3)),
        "incomplete": incomplete(max(2, runs // 4)),
        "CPU microseconds": speed(2_000 if asked.quick else 50_000),
    }
    settings = {"runs": runs, "delta": DELTA, "quick": asked.quick}
    finish(goals(results, asked.quick), results, settings, as_json=asked.json)


if __name__ == "__main__":
    main()
