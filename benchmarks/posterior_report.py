"""Write docs/results/posterior.md from kept rows of `benchmarks.posterior`.

python -m benchmarks.posterior_report rows.jsonl more.jsonl --commit 0123abc
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.posterior import BELOW, BY_SET, LANDSCAPES, goals_of, key_of, results_of
from benchmarks.posterior_models import DRAWS, LIMIT, ONE_HOT, OURS, STRING, VALID
from benchmarks.report import Goal
from poets_core.errors import InvalidInput

PAGE = Path(__file__).parents[1] / "docs" / "results" / "posterior.md"
SETS = {"space": "the space", "pool": "the next pool", "children": "children of the best"}
HEAD = """# The posterior

**Claim.** What the branches believe of designs that nobody has measured is as good as what an exact Gaussian process
believes that was taught the same observations: {verdict}.

The observations were chosen by no model under test: samples of the reference, a genetic algorithm, and half of each.
Density is the negative logarithm in nats a design, *less* the process's: below 0 is better. The process is one-hot, on
instability-60 and artificial-7q that of a string kernel, and is taught the valid observations alone. *Joint* is of ten
designs near one another, by as many branches as are shipped; in brackets by {draws} draws where branches learn exactly:
what is left is the posterior's, the rest is what so few draws cost.
Means over histories ± standard errors over seeds. Coverage is of mean ± 2 deviations, .92 to .98 is wanted.

| landscape | seeds | designs | rank, less the process's | marginal | joint | coverage |
|---|---|---|---|---|---|---|
"""
COMMAND = """
    python -m benchmarks.posterior --table gb1.csv --phoq phoq.csv --folder kept --out rows.jsonl --json
    python -m benchmarks.posterior_report rows.jsonl --commit {commit}

Measured at commit `{commit}`. `--quick` takes half a minute.

## Goals

{met} of {all} goals hold.

| goal | measured | wanted | holds |
|---|---|---|---|
"""


def table(results: Mapping[str, Any]) -> list[str]:
    """Return the rows of the page's table."""
    out = []
    for name in LANDSCAPES:
        if name not in results:
            continue
        for part, title in SETS.items():
            at = results[name][BY_SET].get(part, {})
            # Where designs are equally long there is no string process.
            order = (ONE_HOT, STRING) if name in BELOW else (STRING, ONE_HOT)
            rival = next((r + VALID for r in order if f"{OURS} minus {r + VALID}" in at), None)
            if rival is None:
                continue
            apart = at[f"{OURS} minus {rival}"]
            limit = at.get(f"{LIMIT} minus {rival}")
            joint = _said(apart["joint"]) + (f" ({limit['joint']['mean']:+.2f})" if limit else "")
            cells = [
                name,
                str(apart["rank"]["n"]),
                title,
                _said(apart["rank"]),
                _said(apart["marginal"]),
                joint,
                f"{at[OURS]['coverage']['mean']:.2f}",
            ]
            out.append(f"| {' | '.join(cells)} |")
    return out


def _said(figure: Mapping[str, float]) -> str:
    error = figure["standard_error"]
    return f"{figure['mean']:+.2f}" + (f" ± {error:.2f}" if np.isfinite(error) else "")


def goal_rows(goals: Sequence[Goal]) -> list[str]:
    """Return the goals as rows of a table."""
    return [f"| {g.name} | {g.value:.3f} | {g.sense} {g.target:g} | {'yes' if g.holds else '**no**'} |" for g in goals]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, nargs="+", help="files of rows")
    parser.add_argument("--commit", required=True, help="at which they were measured")
    args = parser.parse_args()
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for path in args.rows:
        told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows |= {key_of(row): row for row in told if not row["changes"]}
    if not rows:
        raise InvalidInput("Expected rows of benchmarks.posterior with the shipped settings, got none.")
    results = results_of(list(rows.values()))
    goals = goals_of(results)
    densities = [g for g in goals if "density" in g.name and f", {OURS} minus" in g.name]
    met = sum(g.holds for g in densities)
    verdict = f"{met} of {len(densities)} densities are" if met else "no density is"
    page = HEAD.format(verdict=verdict, draws=DRAWS) + "\n".join(table(results)) + "\n"
    page += COMMAND.format(commit=args.commit, met=sum(g.holds for g in goals), all=len(goals))
    PAGE.write_text(page + "\n".join(goal_rows(goals)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
