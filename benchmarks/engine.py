"""The branch engine beside the bare model and beside loops over peft adapters.

    OMP_NUM_THREADS=1 python -m benchmarks.engine --json

Ratios in one run: the rivals of each figure take turns, and a figure is the
ratio of their medians. CPU time of one thread; beside a GPU (--device cuda,
weights in bfloat16) wall time, once it is idle. Random weights; GPT-2, 8 layers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from transformers import GenerationConfig

from benchmarks.engine_peers import BOS, EOS, log_prob, loop_step, optimiser, peft_model, random_model, tokenizer
from benchmarks.engine_round import FROZEN, FULL, clock, ratios
from benchmarks.report import Goal, finish
from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.adapters import export_adapter, import_adapter
from poets_core.lm.backbone import cut
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.lora import AdapterShape
from poets_core.lm.sampling import sample
from poets_core.types import I8

WIDTH, LAYERS, VOCABULARY, RANK = 256, 8, 512, 8
TOKENS = 32
MINIBATCH = 32
SHAPES: dict[str, Any] = {"width": WIDTH, "layers": LAYERS, "vocabulary": VOCABULARY, "positions": TOKENS + 8}


def ensemble(branches: int, branch_from: int, device: str = "cpu") -> BranchEnsemble:
    """An untrained ensemble without prior on the benchmark's model."""
    backbone = cut(random_model(**SHAPES), tokenizer(VOCABULARY), branch_from=branch_from, device=device)
    shape = AdapterShape(branches=branches, rank=RANK, prior_rank=0)
    return BranchEnsemble(backbone, shape, ("",), None, max_tokens=TOKENS, seed=0)


def completions(n: int, key: str) -> list[list[int]]:
    """n completions of `TOKENS` random tokens, the end included."""
    rng = rng_for(0, "engine", key)
    return [[*rng.integers(3, VOCABULARY, TOKENS - 1).tolist(), EOS] for _ in range(n)]


def as_ids(rows: list[list[int]]) -> torch.Tensor:
    """Ids with the first token in front, (n, 1 + T)."""
    return torch.tensor([[BOS, *row] for row in rows])


def compare(rivals: dict[str, Callable[[], object]], repeats: int, device: str) -> dict[str, float]:
    """Median seconds of each rival (`clock`); they take turns, the first of which counts only where no other comes."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(repeats + 1):
        for name, rival in rivals.items():
            start = clock(device)
            rival()
            spent = clock(device) - start
            if turn or not repeats:
                seconds[name].append(spent)
    return {name: statistics.median(s) for name, s in seconds.items()}


def our_step(ours: BranchEnsemble, rows: list[list[int]], weights: I8 | None = None) -> Callable[[], object]:
    """One Adam step of all branches on shared rows, the trunk cached; weights i8 (M, n), 1 unless given."""
    n = len(rows)
    encoded = ours.encode(rows, np.zeros(n, dtype=np.int64))
    weights = np.ones((ours.branches, n), dtype=np.int64) if weights is None else weights
    replay = Replay(encoded, rng_for(0, "engine", "rewards").normal(size=n), weights)
    fit = Trainer(ours, beta=0.1, learning_rate=5e-3, gradient_norm=1.0)
    return lambda: fit.run(replay, steps=1, minibatch=n, seed=0, round=0)


def peft_step(
    device: str,
    adapters: int,
    rows: list[list[int]],
    layers: list[int] | None = None,
    weights: I8 | None = None,
) -> Callable[[], object]:
    """One step of each adapter on the rows, one after the other, the trunk not cached."""
    wrapped = peft_model(random_model(**SHAPES, device=device), adapters, rank=RANK, layers=layers)
    adam = optimiser(wrapped, adapters)
    ids = [as_ids(rows).to(device)] * adapters
    rewards = [torch.from_numpy(rng_for(0, "engine", "rewards").normal(size=len(rows))).to(device)] * adapters
    w = (torch.ones(adapters, len(rows)) if weights is None else torch.from_numpy(weights)).to(device)
    return lambda: loop_step(wrapped, adam, ids, rewards, w)


def training(repeats: int, device: str) -> dict[str, float]:
    """Training steps beside one adapter on as many rows, and beside a loop of adapters."""
    four, one, minibatch = (completions(n, "train") for n in (4, 1, MINIBATCH))
    drawn = bootstrap_weights(0, [f"0-{k}" for k in range(MINIBATCH)], 8)
    upper = list(range(3 * LAYERS // 4, LAYERS))
    s = compare(
        {
            "ours": our_step(ensemble(8, 0, device), four),
            "one adapter": peft_step(device, 1, four * 8),
            "loop": peft_step(device, 8, four),
            "ours, 16": our_step(ensemble(16, 0, device), one),
            "loop, 16": peft_step(device, 16, one),
            "ours, upper quarter": our_step(ensemble(8, upper[0], device), minibatch, drawn),
            "loop, upper quarter": peft_step(device, 8, minibatch, upper, drawn),
        },
        repeats,
        device,
    )
    return {
        "M=8 step / one peft adapter on as many rows": s["ours"] / s["one adapter"],
        "peft loop / M=8 step": s["loop"] / s["ours"],
        "peft loop / M=16 step, one row a branch": s["loop, 16"] / s["ours, 16"],
        "peft loop without cache / search update, branch at 3/4": s["loop, upper quarter"] / s["ours, upper quarter"],
    }


def scoring(repeats: int, device: str) -> dict[str, float]:
    """Scoring by 8 branches beside the bare model on as many rows, and by branch point."""
    rows = completions(32, "score")
    bare, ids = random_model(**SHAPES, device=device), as_ids(rows * 8).to(device)
    engines = {k: ensemble(8, k, device) for k in (0, LAYERS // 2, 3 * LAYERS // 4)}
    encoded = {k: e.encode(rows, np.zeros(len(rows), dtype=np.int64)) for k, e in engines.items()}

    def bare_score() -> None:
        with torch.no_grad():
            for part in ids.split(64):
                log_prob(bare, part)

    ours = {str(k): lambda k=k: engines[k].log_prob(encoded[k]) for k in engines}  # type: ignore[misc]
    s = compare({"bare": bare_score} | ours, repeats, device)
    return {
        "score M=8, branch at 0 / bare model on as many rows": s["0"] / s["bare"],
        "score, branch at 1/2 / at 0": s[str(LAYERS // 2)] / s["0"],
        "score, branch at 3/4 / at 0": s[str(3 * LAYERS // 4)] / s["0"],
    }


def sampling(repeats: int, device: str) -> dict[str, float]:
    """Sampling of 64 rows of 8 branches beside a loop of generate, and beside `adapter_names`."""
    n, m = 64, 8
    ours = ensemble(m, 0, device)
    wrapped = peft_model(random_model(**SHAPES, device=device), m, rank=RANK).eval()
    uniforms = rng_for(0, "engine", "sample").random((n, TOKENS))
    branch, zeros = np.arange(n) % m, np.zeros(n, dtype=np.int64)
    start = torch.full((n, 1), BOS, device=device)
    # Every row is written to its end: the end token is suppressed on the peers' side, ours draws it 1 time in 512.
    config = GenerationConfig(
        do_sample=True, top_k=0, max_new_tokens=TOKENS, pad_token_id=0, eos_token_id=EOS, suppress_tokens=[EOS]
    )

    def loop() -> None:
        for k in range(m):
            wrapped.set_adapter(f"b{k}")
            wrapped.generate(input_ids=start[: n // m], generation_config=config)

    def named() -> None:
        names = [f"b{k}" for k in branch.tolist()]
        wrapped.generate(input_ids=start, generation_config=config, adapter_names=names)

    with torch.no_grad():
        mixed = {"ours": lambda: sample(ours, branch, zeros, uniforms=uniforms)}
        s = compare(mixed | {"loop": loop, "named": named}, repeats, device)
    return {
        "peft loop of generate / mixed sampling": s["loop"] / s["ours"],
        "peft adapter_names / mixed sampling": s["named"] / s["ours"],
    }


@torch.no_grad()
def logits_of(ours: BranchEnsemble, branch: int, rows: list[list[int]]) -> torch.Tensor:
    """Logits of one branch at every place of the rows, (n, T, V)."""
    encoded = ours.encode(rows, np.zeros(len(rows), dtype=np.int64))
    index = np.tile(np.arange(len(rows)), ours.branches)
    ours.stack.layout.grouped()
    found: torch.Tensor = ours.head(ours.upper(encoded.take(index)))
    return found.view(ours.branches, len(rows), *found.shape[1:])[branch]


def round_trip() -> dict[str, float]:
    """Largest differences of logits: a trained branch in plain peft, and imported again from what peft saves.

    In float32 on the CPU whatever the device: half precision would drown them.
    """
    rows = completions(8, "trip")
    ours, other = ensemble(4, LAYERS // 2), ensemble(4, LAYERS // 2)
    step = our_step(ours, rows)
    for _ in range(5):
        step()
    wanted = logits_of(ours, 3, rows)
    with tempfile.TemporaryDirectory() as folder:
        export_adapter(ours, 3, Path(folder) / "ours")
        plain = PeftModel.from_pretrained(random_model(**SHAPES), Path(folder) / "ours").eval()
        plain.save_pretrained(Path(folder) / "peft")
        import_adapter(other, 1, Path(folder) / "peft")
    with torch.no_grad():
        theirs = plain(input_ids=as_ids(rows)[:, :-1]).logits
    return {
        "largest difference of logits, export -> peft": float((theirs - wanted).abs().max()),
        "largest difference of logits, export -> peft -> import": float(
            (logits_of(other, 1, rows) - wanted).abs().max()
        ),
    }


GOALS: tuple[tuple[str, float, Any], ...] = (
    ("M=8 step / one peft adapter on as many rows", 1.15, "<="),
    ("peft loop / M=8 step", 1.3, ">="),
    ("peft loop / M=16 step, one row a branch", 3.0, ">="),
    ("peft loop without cache / search update, branch at 3/4", 5.0, ">="),
    ("score M=8, branch at 0 / bare model on as many rows", 1.3, "<="),
    ("score, branch at 1/2 / at 0", 0.65, "<="),
    ("score, branch at 3/4 / at 0", 0.5, "<="),
    ("peft loop of generate / mixed sampling", 4.0, ">="),
    ("peft adapter_names / mixed sampling", 2.0, ">="),
    ("peak memory M=16 / M=1", 1.2, "<="),
    ("largest difference of logits, export -> peft", 1e-5, "<="),
    ("largest difference of logits, export -> peft -> import", 1e-5, "<="),
)
ROUND_GOAL = {"cpu": 1.25, "cuda": 1.1}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="turns of each rival; medians are reported")
    parser.add_argument("--rows", type=int, default=32, help="of the round of 16 branches (256 in full)")
    parser.add_argument("--tokens", type=int, default=64, help="of each of these rows (512 in full)")
    parser.add_argument("--device", choices=tuple(ROUND_GOAL), default="cpu", help="where all of it runs")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one turn, a round of 8 short rows: under 60 s; no goals")
    args = parser.parse_args()
    torch.set_num_threads(1)
    repeats = 0 if args.quick else args.repeats
    size = {"rows": 8, "tokens": 8} if args.quick else {"rows": args.rows, "tokens": args.tokens}
    results: dict[str, Any] = training(repeats, args.device)
    results |= scoring(repeats // 2, args.device) | sampling(repeats // 2, args.device)
    results |= round_trip() | ratios(**size, device=args.device)
    target = ROUND_GOAL[args.device]
    goals = [Goal(name, results[name], wanted, sense) for name, wanted, sense in GOALS]
    goals.append(Goal("M=16 round / M=1 round", results["M=16 round / M=1 round"], target, "<="))
    settings = SHAPES | {"rank": RANK, "tokens": TOKENS, "minibatch": MINIBATCH, "repeats": repeats}
    settings["round"] = FROZEN | FULL | size
    finish([] if args.quick else goals, results, settings, as_json=args.json)


if __name__ == "__main__":
    main()
