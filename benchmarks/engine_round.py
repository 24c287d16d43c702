"""One round of 16 branches beside one round of a single branch: time and memory.

    python -m benchmarks.engine_round --branches 16 --rows 256 --tokens 512 --device cuda
    python -m benchmarks.engine_round --branches 8 --rows 32 --tokens 64 --model smollm2.gguf

The paper's kind of setting, frozen: 12 layers, 768 wide, a vocabulary of 32k,
adapters on the last layer and the head, rows of sampled tokens, one fit pass.
Every branch learns from every row its bootstrap gave weight. `--shape` takes
other sizes: qwen3-8b is that of Qwen3-8B. With --times 2 the second time counts,
after kernels were chosen and graphs recorded. Prints one JSON object;
each call is one process, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.engine_peers import random_model, random_qwen3, tokenizer
from benchmarks.memory import peak_bytes
from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.backbone import Backbone, cut, load_backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import repeatable
from poets_core.lm.lora import AdapterShape
from poets_core.lm.sampling import sample

FROZEN = {"width": 768, "layers": 12, "vocabulary": 32_000}
QWEN3_8B = {
    "width": 4096,
    "layers": 36,
    "heads": 32,
    "key_heads": 8,
    "head_width": 128,
    "inner": 12_288,
    "vocabulary": 151_936,
}
SHAPES: dict[str, dict[str, int]] = {
    "frozen": FROZEN,
    "qwen3-8b": QWEN3_8B,
    # The same code in a second, so that a slip is not found on a rented card.
    "tiny": {"width": 64, "layers": 2, "vocabulary": 64},
    "tiny-qwen3": QWEN3_8B
    | {"width": 64, "layers": 2, "heads": 4, "key_heads": 2, "head_width": 16, "inner": 64}
    | {"vocabulary": 64},
}
"""Sizes of models with random weights; those with key heads are Qwen3, others GPT-2."""
MINIBATCH, RANK = 32, 8
STEPS, POOL = 40, 16
"""A search's defaults: fit steps a round, and designs drawn and scored by all branches for each that is called."""
FULL = {"rows": 256, "tokens": 512}
"""The whole setting; a CPU takes hours for it, so that rows and tokens can be fewer there."""


def memory(device: str) -> int:
    """Peak bytes so far, of the process or of the GPU."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return peak_bytes()


def clock(device: str) -> float:
    """Seconds: of the CPU, or, once it is idle, of the wall beside a GPU."""
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def backbone_for(model: str, shape: str, tokens: int, device: str, branch_from: int) -> Backbone:
    """A model by its path or name, or random weights of one of the shapes."""
    if model:
        return load_backbone(model, branch_from=branch_from, device=device)
    size = SHAPES[shape]
    made: Any = random_qwen3 if "key_heads" in size else random_model
    weights = made(positions=tokens + 8, device=device, **size)
    return cut(weights, tokenizer(size["vocabulary"]), branch_from=branch_from, device=device)


def ensemble_for(branches: int, tokens: int, device: str, model: str, branch_from: int, shape: str) -> BranchEnsemble:
    """Untrained branches without prior on a model."""
    if device == "cuda":
        repeatable()
    backbone = backbone_for(model, shape, tokens, device, branch_from)
    adapters = AdapterShape(branches=branches, rank=RANK, prior_rank=0)
    return BranchEnsemble(backbone, adapters, ("",), None, max_tokens=tokens, seed=0)


def play(
    branches: int,
    rows: int,
    tokens: int,
    device: str,
    *,
    model: str = "",
    branch_from: int = -1,
    shape: str = "frozen",
    times: int = 1,
) -> dict[str, Any]:
    """Sample, encode and fit; seconds of each part and the peak of memory above interpreter and libraries.

    `search` is what a round at a search's defaults comes to from these parts, `rows` designs being called.
    """
    torch.set_num_threads(1)
    before = memory(device)
    ensemble = ensemble_for(branches, tokens, device, model, branch_from, shape)
    branch, prompt = np.arange(rows) % branches, np.zeros(rows, dtype=np.int64)
    seconds: dict[str, float] = {}
    first: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        for _ in range(times):
            start = clock(device)
            out = work()
            seconds[name] = clock(device) - start
            first.setdefault(name, seconds[name])
        return out

    sample(ensemble, branch[:16], prompt[:16], uniforms=rng_for(0, "warm").random((16, 4)))  # kernels are chosen here
    uniforms = rng_for(0, "round").random((rows, tokens))
    weights = bootstrap_weights(0, [f"0-{k}" for k in range(rows)], branches)
    rewards = rng_for(0, "round", "rewards").normal(size=rows)
    fit = Trainer(ensemble, beta=0.1, learning_rate=5e-3, gradient_norm=1.0)
    steps, minibatch = max(1, rows // MINIBATCH), min(MINIBATCH, rows)

    drawn = timed("sample", lambda: sample(ensemble, branch, prompt, uniforms=uniforms))
    encoded = timed("encode", lambda: ensemble.encode(drawn.tokens, prompt))
    timed("score", lambda: ensemble.log_prob(encoded))
    replay = Replay(encoded, rewards, weights)
    timed("fit", lambda: fit.run(replay, steps=steps, minibatch=minibatch, seed=0, round=0))
    total = seconds["sample"] + seconds["encode"] + seconds["fit"]
    search = POOL * (seconds["sample"] + seconds["encode"] + seconds["score"]) + STEPS / steps * seconds["fit"]
    written = sum(len(t) for t in drawn.tokens)
    return {
        "branches": branches,
        "rows": rows,
        "tokens": tokens,
        "device": device,
        "shape": model or shape,
        "branch_from": ensemble.backbone.branch_from,
        "seconds": seconds,
        "seconds of the first time": first,
        "total": total,
        "search": search,
        "sampled tokens a second": written / seconds["sample"],
        "peak": memory(device),
        "peak above libraries": memory(device) - before,
    }


def ratios(
    *, rows: int, tokens: int, device: str, shape: str = "frozen", times: int = 1, seconds: float | None = None
) -> dict[str, Any]:
    """M = 16 over M = 1, each in a process of its own that may take so many seconds."""
    command = [sys.executable, "-m", "benchmarks.engine_round", "--device", device, "--shape", shape]
    command += ["--times", str(times), "--rows", str(rows), "--tokens", str(tokens), "--branches"]
    one, sixteen = (
        json.loads(subprocess.run([*command, m], check=True, capture_output=True, text=True, timeout=seconds).stdout)
        for m in ("1", "16")
    )
    parts = {f"M=16 / M=1, {p}": sixteen["seconds"][p] / one["seconds"][p] for p in one["seconds"]}
    return {
        "M=16 round / M=1 round": sixteen["total"] / one["total"],
        "M=16 round / M=1 round at a search's defaults": sixteen["search"] / one["search"],
        "peak memory M=16 / M=1": sixteen["peak above libraries"] / one["peak above libraries"],
        **parts,
        "rounds": {"M=1": one, "M=16": sixteen},
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--branches", type=int, default=16)
    parser.add_argument("--rows", type=int, default=FULL["rows"])
    parser.add_argument("--tokens", type=int, default=FULL["tokens"])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="frozen", help="of a model with random weights")
    parser.add_argument("--times", type=int, default=1, help="how often each part is done; the last is timed")
    parser.add_argument("--model", default="", help="folder, GGUF file or hub name; random weights unless given")
    parser.add_argument("--branch-from", type=int, default=-1, help="first layer with adapters")
    args = parser.parse_args()
    how = {"model": args.model, "branch_from": args.branch_from, "shape": args.shape, "times": args.times}
    print(json.dumps(play(args.branches, args.rows, args.tokens, args.device, **how)))


if __name__ == "__main__":
    main()
