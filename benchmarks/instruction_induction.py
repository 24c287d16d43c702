"""Which prompt is best? Instruction induction with a real model, adaptive pairs against pairs in turn.

    python scripts/fetch_smollm2.py
    python -m benchmarks.instruction_induction --cache store/responses --json

The policies are the prompts of `domains.language`, answered greedily by SmolLM2-135M-Instruct. Responses are written
once (JSONL in the cache folder), then experiments are replayed from them: a comparison draws an item with
replacement, by seed, and scores both responses by the rule; the higher wins, equal scores are a tie. Ties are
charged, and left out of the evidence. So the population is the cached items, and the policy with the most right
answers is the winner. Round-robin takes all pairs in turn, in an order drawn by seed, under the same stopping rule.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Goal, finish, summary
from domains.language.judge import score
from domains.language.prompts import fill, prompts
from domains.language.tasks import TASKS, items
from poets_core.keyed import rng_for
from poets_core.llm_po.comparison import Comparison, Outcome
from poets_core.llm_po.evidence import NONE, OPEN, decide, new_duels, tied, won
from poets_core.llm_po.experiment import Experiment
from poets_core.lm.responses import answer_prompts

MODEL, MAX_TOKENS, BATCH, ITEM_SEED = "smollm2", 24, 40, 0
DELTA = 0.05
ITEMS = {"sum": 200}
"""Different inputs of a task where it is not 100."""
BUDGET = {"balance": 50_000, "round-robin": 200_000}
"""Comparisons after which an experiment is undecided; counted as that many."""
MODES = {"verify": False, "assume": True}
"""Whether a winner that beats every other is assumed to exist."""


def responses(task: str, n: int, cache: Path) -> dict[str, list[str]]:
    """Answer n items with every prompt of a task, or read what was answered before.

    Returns:
        policy -> responses (n,).
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{task}-{MODEL}-{MAX_TOKENS}.jsonl"
    known: dict[str, str] = {}
    if path.is_file():
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        known = {row["prompt"]: row["response"] for row in rows}
    out = {}
    for policy, template in prompts(task):
        asked = [fill(template, item.text) for item in items(task, n, seed=ITEM_SEED)]
        missing = [p for p in asked if p not in known]
        if missing:
            begin = time.perf_counter()
            said = answer_prompts(
                MODEL, missing, temperature=0.0, top_p=1.0, max_tokens=MAX_TOKENS, seed=0, batch=BATCH
            )
            with path.open("a") as file:
                for prompt, response in zip(missing, said, strict=True):
                    file.write(json.dumps({"policy": policy, "prompt": prompt, "response": response}) + "\n")
            known |= dict(zip(missing, said, strict=True))
            took = (time.perf_counter() - begin) / len(missing)
            print(f"{task}, {policy}: {len(missing)} responses, {took:.2f} s each", file=sys.stderr, flush=True)
        out[policy] = [known[p] for p in asked]
    return out


def judged(correct: np.ndarray, i: int, j: int, item: int) -> Outcome:
    """Compare two policies on one item; `correct` f8 (K, n) are the scores."""
    a, b = correct[i, item], correct[j, item]
    return "tie" if a == b else "first" if a > b else "second"


def adaptive(names: list[str], correct: np.ndarray, seed: int, assume: bool, budget: int) -> dict[str, Any]:
    """Play one experiment that chooses its own pairs."""
    experiment = Experiment(names, DELTA, assume_condorcet=assume, budget=budget, seed=seed)
    at = {name: k for k, name in enumerate(names)}
    drawn = rng_for(seed, "item", "contest").integers(correct.shape[1], size=budget)
    while (verdict := experiment.verdict()) is None:
        pair = experiment.next_pair()
        outcome = judged(correct, at[pair.first], at[pair.second], int(drawn[pair.index]))
        experiment.record(Comparison(pair.first, pair.second, outcome))
    return {
        "policy": verdict.policy,
        "kind": verdict.kind,
        "comparisons": verdict.comparisons,
        "without ties": int(experiment.wins.sum()),
    }


def round_robin(names: list[str], correct: np.ndarray, seed: int, assume: bool, budget: int) -> dict[str, Any]:
    """Play one experiment that takes all pairs in turn, under the same stopping rule."""
    k = len(names)
    pairs = rng_for(seed, "order").permutation(list(itertools.combinations(range(k), 2)))
    drawn = rng_for(seed, "item", "contest").integers(correct.shape[1], size=budget)
    duels = new_duels(k, 0.5)
    kind, winner, n = OPEN, -1, 0
    while n < budget and kind == OPEN:
        i, j = pairs[n % len(pairs)].tolist()
        outcome = judged(correct, i, j, int(drawn[n]))
        n += 1
        if outcome == "tie":
            tied(duels, i, j, 1)
            continue
        won(duels, *((i, j) if outcome == "first" else (j, i)), 1)
        kind, winner = decide(duels, DELTA, assume)
    said = "undecided" if kind == OPEN else "none" if kind == NONE else "winner"
    policy = names[winner] if said == "winner" else None
    return {"policy": policy, "kind": said, "comparisons": n, "without ties": int(duels.wins.sum())}


def experiments(
    names: list[str], correct: np.ndarray, seeds: range, assume: bool, budget: dict[str, int]
) -> dict[str, Any]:
    """Play both duel rules over seeds: how many comparisons each takes, and who is named."""
    best = names[int(correct.mean(1).argmax())]
    out: dict[str, Any] = {}
    for rule, play in (("balance", adaptive), ("round-robin", round_robin)):
        played = [play(names, correct, s, assume, budget[rule]) for s in seeds]
        out[rule] = {
            "comparisons": summary([p["comparisons"] for p in played]),
            "without ties": summary([p["without ties"] for p in played]),
            "named the best": float(np.mean([p["policy"] == best for p in played])),
            "named another": float(np.mean([p["policy"] not in (best, None) for p in played])),
            "undecided": float(np.mean([p["kind"] == "undecided" for p in played])),
        }
    means = {s: out[s]["comparisons"]["mean"] for s in out}
    # Experiments of ours without a verdict have no number of comparisons; round-robin's make the ratio a lower bound.
    out["ratio"] = means["round-robin"] / means["balance"] if out["balance"]["undecided"] == 0.0 else float("nan")
    return out


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("store/responses"))
    parser.add_argument("--items", type=int, help=f"100 unless given, and of some tasks {ITEMS}")
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--answer-only", action="store_true", help="write the responses and leave")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="eight items of one task, two seeds, no goals: under 60 s")
    args = parser.parse_args()
    tasks = ["sum"] if args.quick else args.task or list(TASKS)
    seeds = range(2 if args.quick else args.seeds)
    budget = dict.fromkeys(BUDGET, 1000) if args.quick else BUDGET
    results: dict[str, Any] = {}
    goals = []
    for task in tasks:
        n = 8 if args.quick else args.items or ITEMS.get(task, 100)
        said = responses(task, n, args.cache)
        if args.answer_only:
            continue
        asked = items(task, n, seed=ITEM_SEED)
        names = list(said)
        correct = np.array([[score(task, i, r) for i, r in zip(asked, said[p], strict=True)] for p in names])
        ranked = sorted(correct.sum(1), reverse=True)
        results[task] = {"items": n, "accuracy": {p: summary(c) for p, c in zip(names, correct, strict=True)}}
        results[task]["winner"] = names[int(correct.mean(1).argmax())] if ranked[0] > ranked[1] else None
        for mode, assume in MODES.items():
            at = results[task][mode] = experiments(names, correct, seeds, assume, budget)
            print(f"{task}, {mode}: ratio {at['ratio']:.2f}", file=sys.stderr, flush=True)
            if results[task]["winner"]:
                goals.append(Goal(f"{task}, {mode}: round-robin / balance", at["ratio"], 1.5, ">="))
                goals.append(Goal(f"{task}, {mode}: best named", at["balance"]["named the best"], 1 - DELTA, ">="))
    if args.answer_only:
        return
    settings = {"model": MODEL, "max_tokens": MAX_TOKENS, "item_seed": ITEM_SEED, "delta": DELTA, "budget": budget}
    settings["seeds"] = list(seeds)
    finish([] if args.quick else goals, results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
