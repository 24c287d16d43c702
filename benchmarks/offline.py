"""Learning from labels alone: what a policy is worth on designs that it has not seen.

    python -m benchmarks.offline --table gb1.csv --labels 200 --json

Labels are drawn from the library prior and told once; the policy is trained on
them and then written down on all 20^4 variants. Expected fitness is over unseen
variants, in fractions of the maximum; regularised regret is beta KL(pi || pi*) in
reward deviations, the ensemble's the mean over branches. Seeds as in the map.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Goal, finish, summary
from benchmarks.search_cells import FIRST_TUNING_SEED, cell_spec
from domains.catalog import load
from poets_core.search.loop import observations
from poets_core.search.poets.exact_regret import soft_regret
from poets_core.search.registry import build_search
from poets_core.search.space import product_space
from poets_core.spec import SearchSpec

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "poets": ("poets", {}),
    "poets, stopped early": ("poets", {"stop_early": True}),
    "one branch": ("one branch", {}),
    # It stops by what its bootstrap leaves out.
    "one branch, stopped early": ("one branch", {"stop_early": True, "bootstrap": True}),
    "grpo": ("grpo", {}),
}
BLOCK = 8192
BETA = 0.1
"""KL weight of the objective that every method is judged by, whatever it was trained with."""


def learn(table: Path, method: str, seed: int, labels: int, steps: int) -> dict[str, float]:
    """Tell the labels, fit, and judge the policy on the whole space."""
    name, changes = METHODS[method]
    spec = cell_spec("gb1", name, seed, folder=Path(), tables={"gb1": table}, changes={**changes, "steps": steps})
    spec = SearchSpec.model_validate(spec.model_dump() | {"budget": {"rounds": 1, "batch": labels}})
    problem = load(spec.problem.name, **spec.problem.params)
    with tempfile.TemporaryDirectory() as folder:
        search: Any = build_search(problem, spec, backbone="library", workspace=Path(folder))
        candidates = search.ask(labels)
        answer = problem.oracle.evaluate(
            [c.design for c in candidates], [0] * len(candidates), rng=np.random.default_rng(0)
        )
        values = [v if ok else None for v, ok in zip(answer.values[:, 0].tolist(), answer.valid, strict=True)]
        search.tell(candidates, observations(candidates, values))
        search.update()
        ensemble = search.ensemble
        space = product_space(ensemble.table, ensemble.backbone.vocabulary.eos)
        if space is None:
            raise ValueError("Expected a landscape of a few sites, got a space that cannot be written down.")
        branches, reference, designs = [], [], []
        for start in range(0, len(space), BLOCK):
            tokens = space.tokens(np.arange(start, min(start + BLOCK, len(space)))).tolist()
            p = ensemble.log_prob(ensemble.encode(tokens, np.zeros(len(tokens), dtype=np.int64)))
            branches.append(p.branches)
            reference.append(p.reference)
            designs += [ensemble.backbone.text(t) for t in tokens]
    log_p, log_ref = np.concatenate(branches, axis=1), np.concatenate(reference)
    truth = problem.oracle.evaluate(designs, [0] * len(designs), rng=np.random.default_rng(0))
    value, valid = np.nan_to_num(truth.values[:, 0]), truth.valid
    rewards = search.history.scale().rewards(value, valid)
    unseen = ~np.isin(designs, [c.design for c in candidates])

    def worth(x: np.ndarray) -> float:
        p = np.exp(x)[unseen]
        return float((p * value[unseen]).sum() / p.sum() / value.max())

    mixture = np.logaddexp.reduce(log_p, axis=0) - np.log(len(log_p))
    return {
        "fitness": worth(mixture),
        "prior fitness": worth(log_ref),
        "soft regret": float(np.mean([soft_regret(x, log_ref, rewards, BETA) for x in log_p])),
        "prior soft regret": soft_regret(log_ref, log_ref, rewards, BETA),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--method", action="append", choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0, help=f"settings are chosen from {FIRST_TUNING_SEED} on")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, 50 labels, two methods, no goals: under 60 s")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + (1 if args.quick else args.seeds))
    labels = [50] if args.quick else args.labels
    methods = ["one branch, stopped early", "grpo"] if args.quick else args.method or list(METHODS)
    cells = [(n, m, s) for n in labels for m in methods for s in seeds]
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(learn, args.table, m, s, n, args.steps) for n, m, s in cells]
        rows = []
        for job in jobs:
            rows.append(job.result())
            print(f"\r{len(rows)}/{len(jobs)} fits", end="", file=sys.stderr)
    print(file=sys.stderr)
    found: dict[str, Any] = {}
    for n, m in dict.fromkeys(c[:2] for c in cells):
        mine = [r for c, r in zip(cells, rows, strict=True) if c[:2] == (n, m)]
        found[f"{n} labels, {m}"] = {k: summary([r[k] for r in mine]) for k in mine[0]}
    goals = []
    if {"200 labels, one branch", "200 labels, grpo"} <= set(found):
        best = max(
            found[f"200 labels, {m}"]["fitness"]["mean"]
            for m in METHODS
            if "grpo" not in m and f"200 labels, {m}" in found
        )
        at = found["200 labels, grpo"]
        goals += [
            Goal("200 labels: unseen fitness over the prior's", best / at["prior fitness"]["mean"], 4.0, ">="),
            Goal("200 labels: unseen fitness over GRPO's", best / at["fitness"]["mean"], 3.0, ">="),
        ]
    if "50 labels, one branch, stopped early" in found:
        at = found["50 labels, one branch, stopped early"]
        gain = at["prior soft regret"]["mean"] - at["soft regret"]["mean"]
        goals.append(Goal("50 labels, stopped early: regularised regret below the prior's", gain, 0.0, ">="))
    settings = {"seeds": list(seeds), "steps": args.steps, "methods": METHODS}
    finish([] if args.quick or args.first_seed >= FIRST_TUNING_SEED else goals, found, settings, as_json=args.json)


if __name__ == "__main__":
    main()
