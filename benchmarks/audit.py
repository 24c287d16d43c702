"""Judges that are models, audited by people: labels until the best by people's preference is known, and errors.

    python -m benchmarks.audit --json
    python -m benchmarks.audit --quick

Four policies; the judge agrees with people in 60 to 90 % of a pair's comparisons and leans to people's second best.
Beside the audit: the judge believed; the same evidence with one constant probability of an audit and every pair in turn
(auditing uniformly); the same with the pairs chosen; and people's labels alone by the rule of `Experiment`. Settings
were chosen on seeds from 100,000 on. `--quick` plays few runs and states the goals of few runs. With `--kept FILE` what
has been played is kept there, and a command that was cut off goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audit_cells import CELLS, Instance, instance, limit, verdicts
from benchmarks.llm_po import upper
from benchmarks.report import Goal, finish, summary
from poets_core.keyed import rng_for
from poets_core.llm_po.audit.plan import FLOOR, PRICE
from poets_core.llm_po.audit.simulate import play
from poets_core.llm_po.balance import evidence_balancing
from poets_core.llm_po.simulate import simulate

DELTA = 0.1
MOST = 60_000
"""Comparisons after which a run ends without a verdict."""
CONSTANT = 0.2
"""Of uniform auditing; .1 to .4 need as many labels (chosen on other seeds)."""
Run = tuple[int, int, int]
"""Winner (-1 without one), labels, verdicts of the judge."""


def ours(found: Instance, run: int, constant: float = 0.0, *, choose: bool = True) -> Run:
    """One audit."""
    rng = rng_for(run, "audit", str(constant), int(choose))
    out = play(found.people, found.says, DELTA, FLOOR, PRICE, constant, choose, MOST, rng)
    return int(out.winner), int(out.labels), int(out.judged)


def all_labelled(found: Instance, run: int) -> Run:
    """People judge every comparison; the rule of `Experiment`, which assumes nothing."""
    played = simulate(evidence_balancing, found.people, runs=1, delta=DELTA, assume_condorcet=False, seed=run)
    return int(played.winner[0]), int(played.comparisons[0]), 0


def believed(found: Instance, run: int) -> Run:
    """The judge's verdicts taken for people's, by the same rule."""
    said = verdicts(found)
    played = simulate(evidence_balancing, said, runs=1, delta=DELTA, assume_condorcet=False, most=MOST, seed=run)
    return int(played.winner[0]), 0, int(played.comparisons[0])


WAYS: dict[str, Callable[[Instance, int], Run]] = {
    "audit": ours,
    "uniform": lambda found, run: ours(found, run, CONSTANT, choose=False),
    "constant share, pairs chosen": lambda found, run: ours(found, run, CONSTANT),
    "all labelled": all_labelled,
    "judge believed": believed,
}


def cell(name: str, runs: int, kept: dict[str, list[Run]], save: Callable[[], None]) -> dict[str, Any]:
    """Every way on the same instances."""
    out: dict[str, Any] = {}
    for way, one in WAYS.items():
        played = kept.setdefault(f"{name}, {way}", [])
        for run in range(len(played), runs):
            played.append(one(instance(CELLS[name], run), run))
            if run % 20 == 19 or run == runs - 1:
                save()
                print(f"\r{name}, {way}: {run + 1}    ", end="", file=sys.stderr, flush=True)
        best = np.array([instance(CELLS[name], run).best for run in range(runs)])
        winner, labels, judged = np.array(played[:runs]).T
        wrong = int(((winner != best) & (winner >= 0)).sum())
        out[way] = {
            "labels": summary(labels.tolist()),
            "judged": summary(judged.tolist()),
            "wrong": wrong,
            "wrong_at_most": upper(wrong, runs),
            "without a verdict": int((winner < 0).sum()),
        }
    print(file=sys.stderr)
    return out


def goals(results: dict[str, Any], quick: bool) -> list[Goal]:
    """What is to be reached."""
    out: list[Goal] = []
    for name, row in results.items():
        runs = row["audit"]["labels"]["n"]
        labels = {way: row[way]["labels"]["mean"] for way in WAYS}
        out.append(Goal(f"{name}: wrong verdicts", row["audit"]["wrong"] / runs, DELTA, "<="))
        out.append(Goal(f"{name}: without a verdict", row["audit"]["without a verdict"] / runs, 0.0, "<="))
        out.append(Goal(f"{name}: labels over uniform auditing", labels["audit"] / labels["uniform"], 0.6, "<="))
        most = 0.8 if quick else 0.35
        out.append(Goal(f"{name}: labels over labelling all", labels["audit"] / labels["all labelled"], most, "<="))
    return out


def main() -> None:
    """Run from the command line; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500, help="of each way in each cell")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
    parser.add_argument("--quick", action="store_true", help="ten runs, goals of few runs: under 60 s")
    parser.add_argument("--kept", type=Path, help="file in which finished runs are kept")
    asked = parser.parse_args()
    runs = 10 if asked.quick else asked.runs
    kept: dict[str, list[Run]] = {}
    if asked.kept is not None and asked.kept.exists():
        kept = json.loads(asked.kept.read_text())

    def save() -> None:
        if asked.kept is not None:
            asked.kept.write_text(json.dumps(kept))

    results = {name: cell(name, runs, kept, save) for name in CELLS}
    for name, row in results.items():
        both = np.array([limit(instance(CELLS[name], run)) for run in range(runs)]).sum(0)
        row["limit of the correction"] = float(both[0] / both[1])
    settings = {
        "runs": runs,
        "delta": DELTA,
        "floor": FLOOR,
        "price": PRICE,
        "constant": CONSTANT,
        "quick": asked.quick,
    }
    finish(goals(results, asked.quick), results, settings, as_json=asked.json)


if __name__ == "__main__":
    main()
