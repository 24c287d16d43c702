"""How good is the posterior? Branches and exact Gaussian processes, taught the same observations, judged alike.

    python -m benchmarks.posterior --table gb1.csv --phoq phoq.csv --folder kept --out rows.jsonl --json

No model under test has chosen the observations: samples of the reference and a genetic algorithm have
(benchmarks/posterior_sets.py). Every model predicts the standardised rewards of valid designs that nobody has measured:
samples of the space, what POETS would pool next, and children of the best designs. Judged are Spearman's rank
correlation, the negative log density of single rewards and of sets of ten near one another (nats per design, noise of
an observation included, less is better), what correlations are worth (marginal minus joint over the same sets), and the
share within mean +- 2 deviations (.95 is right). Errors are standard errors over seeds; differences are paired.

Processes learn everything, invalid designs as rewards just below the worst as every method here does, and once more the
valid designs alone: goals are stated against the latter, which is often much better.

`ensemble` are as many branches as POETS ships with; `posterior` is what those of the exact fit are draws of, told by
256 of them: the difference is what so few draws cost.

Finished rows are kept in --out and are not computed again; histories and judged designs are kept in --folder, so that
models of another day are judged on the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.posterior_measures import TOGETHER, measures, neighbours
from benchmarks.posterior_models import LIMIT, MODELS, ONE_HOT, OURS, STRING, USUAL, VALID, Lesson
from benchmarks.posterior_sets import KINDS, LANDSCAPES, SETS, TABLES, Place, digest, history, judged, problem_of
from benchmarks.report import Goal, finish, summary
from poets_core.keyed import rng_for
from poets_core.search.reward import fit_scale
from poets_core.search.rivals.surrogate import sequence_features

MEASURES = ("rank", "marginal", "joint", "worth", "coverage", "deviation", "error")
RIVALS = (ONE_HOT + VALID, STRING + VALID, ONE_HOT, STRING)
"""What the branches are compared with; goals take the first two, for the judged designs are valid."""
BY_SET, ALL = "mean over histories", "mean over histories and sets"
COVERAGE = (0.92, 0.98)
BELOW = ("gb1", "phoq", "nk-smooth", "nk-rugged", "ehrlich-15", "ehrlich-32")
"""Where the branches' densities are to be no worse than those of the one-hot process."""
NEAR = ("instability-60", 0.05)
"""Where they are to be near the string kernel's, nats."""
RANKS = (
    ("ehrlich-32", 320, 0.7),
    ("instability-60", 400, 0.7),
    ("instability-60", 600, 0.9),
    ("artificial-7q", 400, 0.6),
)
"""Rank correlation that is wanted on the children of a genetic algorithm after some calls: rounds 10, 10, 15, 10."""
QUICK = ("nk-smooth", "ehrlich-15")
QUICK_SIZE = 96


@dataclass(frozen=True)
class Task:
    """One history, and which models learn it.

    Attributes:
        place, kind, size: the history.
        models: of `MODELS`.
        changes: settings of POETS.
        done: of the models that have been judged, what they were judged on.
    """

    place: Place
    kind: str
    size: int
    models: tuple[str, ...]
    changes: tuple[str, ...]
    done: Mapping[str, str]


def judge(task: Task) -> list[dict[str, Any]]:
    """Return a row for each model that has not been judged on these observations and designs."""
    place, kind, size = task.place, task.kind, task.size
    rounds, sets, data = history(place, kind, size), judged(place, kind, size), digest(place, kind, size)
    todo = [m for m in task.models if task.done.get(m) != data]
    if not todo:
        return []
    spec = place.spec(place.shipped, task.changes)
    told = [(c, o) for candidates, observed in rounds for c, o in zip(candidates, observed, strict=True)]
    values = np.array([o.value[0] if o.valid else np.nan for _, o in told])
    valid = np.array([o.valid for _, o in told])
    objective = problem_of(spec).info.objectives[0]
    scale = fit_scale(values, valid, direction=objective.direction, transform=spec.search.transform)
    rewards = scale.rewards(values, valid)
    designs = np.array([bool(c.design) for c, _ in told])
    sets = {k: v for k, v in sets.items() if len(v.tokens) > TOGETHER}
    lesson = Lesson(
        place,
        rounds,
        [c.tokens for c, _ in told if c.design],
        rewards[designs],
        valid[designs],
        {k: v.tokens for k, v in sets.items()},
        task.changes,
    )
    truth = {k: scale.rewards(np.array(v.values), np.ones(len(v.values), dtype=np.bool_)) for k, v in sets.items()}
    near = {
        k: neighbours(sequence_features(v.tokens), rng_for(place.seed, "anchors", place.name, kind, size, k))
        for k, v in sets.items()
    }
    rows = []
    for name in todo:
        began, cpu = time.perf_counter(), time.process_time()
        answers = MODELS[name](lesson)
        spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        for model, by_set in answers.items():
            figures = {
                k: measures(truth[k], p, near[k]) | {"designs": len(truth[k]), "noise": float(p.noise.mean())}
                for k, p in by_set.items()
            }
            key = {"landscape": place.name, "seed": place.seed, "kind": kind, "size": size, "model": model}
            rows.append(key | {"asked": name, "data": data, "changes": list(task.changes), "sets": figures} | spent)
    return rows


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row is about; of two alike the later one counts."""
    return tuple(row[k] for k in ("landscape", "seed", "kind", "size", "model"))


def judge_all(tasks: Sequence[Task], jobs: int, out: Path | None, rows: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    """Judge models, `jobs` histories at a time; add the rows to `rows` and to a file."""
    with ExitStack() as stack:
        mapped: Any = map
        if jobs > 1:
            mapped = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))).map
        for count, found in enumerate(mapped(judge, tasks), start=1):
            rows |= {key_of(row): row for row in found}
            if out is not None and found:
                with out.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in found)
            print(f"\r{count}/{len(tasks)} histories", end="", file=sys.stderr)
    print(file=sys.stderr)


def results_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return figures over seeds by landscape, kind of history, calls, set and model, and the branches' differences."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(r["landscape"] for r in rows):
        own = [r for r in rows if r["landscape"] == name]
        found: dict[str, Any] = {}
        for kind in dict.fromkeys(r["kind"] for r in own):
            for size in sorted({r["size"] for r in own if r["kind"] == kind}):
                here = [r for r in own if (r["kind"], r["size"]) == (kind, size)]
                at = found.setdefault(kind, {}).setdefault(str(size), {})
                for part in SETS:
                    if table := _by_model(here, (part,)):
                        at[part] = _compared(table)
        by_set = {part: _compared(table) for part in SETS if (table := _by_model(own, (part,)))}
        out[name] = found | {BY_SET: by_set, ALL: _compared(_by_model(own, SETS))}
    return out


def _by_model(rows: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> dict[str, dict[int, dict[str, float]]]:
    """Measures by model and seed: means over all histories of a seed and some sets; what is NaN is left out."""
    told: dict[str, dict[int, list[Mapping[str, float]]]] = {}
    for row in rows:
        figures = [row["sets"][p] for p in parts if p in row["sets"]]
        if figures:
            told.setdefault(row["model"], {}).setdefault(row["seed"], []).extend(figures)

    def mean(figures: Sequence[Mapping[str, float]], measure: str) -> float:
        known = [f[measure] for f in figures if np.isfinite(f[measure])]
        return float(np.mean(known)) if known else float("nan")

    return {m: {s: {k: mean(f, k) for k in MEASURES} for s, f in seeds.items()} for m, seeds in told.items()}


def _compared(table: Mapping[str, Mapping[int, Mapping[str, float]]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for model, seeds in table.items():
        out[model] = {k: summary([x[k] for x in seeds.values() if np.isfinite(x[k])] or [np.nan]) for k in MEASURES}
    for ours, model in itertools.product((OURS, LIMIT), RIVALS):
        both = sorted(set(table.get(ours, {})) & set(table.get(model, {})))
        if both:
            apart = {k: [table[ours][s][k] - table[model][s][k] for s in both] for k in MEASURES}
            out[f"{ours} minus {model}"] = {
                k: summary([x for x in v if np.isfinite(x)] or [np.nan]) for k, v in apart.items()
            }
    return out


def goals_of(results: Mapping[str, Any]) -> list[Goal]:
    """Return the goals of what was judged."""
    out: list[Goal] = []
    for name, found in results.items():
        whole = found[ALL]
        rival, reach = (RIVALS[0], 0.0) if name in BELOW else (RIVALS[1], NEAR[1]) if name == NEAR[0] else ("", 0.0)
        for ours, density in itertools.product((OURS, LIMIT), ("joint", "marginal")):
            if f"{ours} minus {rival}" in whole:
                apart = whole[f"{ours} minus {rival}"][density]["mean"]
                out.append(Goal(f"{name}: {density} density, {ours} minus {rival}, nats", apart, reach, "<="))
        # The worst set of each side: too narrow on one and too wide on another would be right on average.
        held = [x[OURS]["coverage"]["mean"] for x in found[BY_SET].values() if OURS in x]
        if held:
            out.append(Goal(f"{name}: coverage of the set with least", min(held), COVERAGE[0], ">="))
            out.append(Goal(f"{name}: coverage of the set with most", max(held), COVERAGE[1], "<="))
    for name, size, target in RANKS:
        children = results.get(name, {}).get("genetic", {}).get(str(size), {}).get("children", {})
        if OURS in children:
            out.append(
                Goal(f"{name}: rank on children after {size} calls", children[OURS]["rank"]["mean"], target, ">=")
            )
    return out


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the GB1 table; without it GB1 is left out")
    parser.add_argument("--phoq", type=Path, help="the PhoQ table; without it PhoQ is left out")
    parser.add_argument("--landscapes", nargs="*", choices=list(LANDSCAPES), help="some of the landscapes")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS), help="kinds of histories")
    parser.add_argument("--sizes", nargs="*", type=int, help="calls of the histories, instead of a landscape's own")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(USUAL))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of POETS")
    parser.add_argument("--folder", type=Path, help="keeps histories and judged designs; temporary otherwise")
    parser.add_argument("--out", type=Path, help="a file that keeps every row, to go on after an interruption")
    parser.add_argument("--jobs", type=int, default=2, help="histories at a time, one thread each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed of two small landscapes, 96 calls: under 60 s")
    return parser.parse_args()


def tasks_of(args: argparse.Namespace, folder: Path, rows: Mapping[tuple[Any, ...], Mapping[str, Any]]) -> list[Task]:
    """Return the tasks that the command line asks for."""
    tables = {"gb1": args.table, "phoq": args.phoq}
    names = QUICK if args.quick else args.landscapes or LANDSCAPES
    tasks = []
    for seed in range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds)):
        for name in names:
            if name in TABLES and tables[name] is None:
                continue
            where, place = LANDSCAPES[name], Place(name, seed, folder, tables.get(name))
            models = tuple(m for m in args.models if where.free or m != STRING)
            for kind in ("half",) if args.quick else args.kinds:
                own = sorted({*where.sizes, *(where.later if kind == "genetic" else ())})
                for size in (QUICK_SIZE,) if args.quick else args.sizes or own:
                    done = {m: str(rows.get((name, seed, kind, size, m), {}).get("data")) for m in models}
                    tasks.append(Task(place, kind, size, models, tuple(args.set), done))
    return tasks


def main() -> None:
    """Run from the command line."""
    args = arguments()
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    if args.out and args.out.is_file():
        told = [json.loads(line) for line in args.out.read_text(encoding="utf-8").splitlines()]
        # Rows of other settings are another model's; the processes have none.
        rows = {key_of(r): r for r in told if r["asked"] in (ONE_HOT, STRING) or r["changes"] == args.set}
    with tempfile.TemporaryDirectory() as temporary:
        tasks = tasks_of(args, args.folder or Path(temporary), rows)
        judge_all(tasks, 1 if args.quick else args.jobs, args.out, rows)
    wanted = {(t.place.name, t.place.seed, t.kind, t.size) for t in tasks}
    results = results_of([r for key, r in rows.items() if key[:4] in wanted])
    settings = {
        "landscapes": {n: LANDSCAPES[n].__dict__ for n in results},
        "changes": args.set,
        "histories": sorted({t.kind for t in tasks}),
        "seeds": sorted({t.place.seed for t in tasks}),
        "designs of a joint set": TOGETHER,
    }
    finish(goals_of(results), results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
