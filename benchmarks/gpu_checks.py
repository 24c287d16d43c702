"""What needs a card, as one JSON object: tests marked gpu, the engine's figures, a round of 8B parameters, one search.

    scripts/gpu_checks.sh > figures.json
    scripts/gpu_checks.sh --tiny      # the same code on a CPU, in small: no figures, no goals

Parts run in processes of their own with a bound on their time: what fails or takes too long is said, and the rest
goes on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.engine_round import clock, memory, ratios
from benchmarks.first_light import example
from benchmarks.report import Goal, finish
from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.keyed import rng_for
from poets_core.lm.backbone import load_backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import repeatable
from poets_core.lm.lora import AdapterShape
from poets_core.lm.sampling import sample
from poets_core.spec import PoetsSettings

ROOT = Path(__file__).parent.parent
PROTEIN = ROOT / "domains" / "protein" / "backbone"
TESTS = ("tests/lm/test_gpu.py", "tests/worker/test_gpu.py")
SECONDS = {"tests": 150, "frozen": 90, "large": 170, "search": 60}
"""Bound on each part; together under 8 minutes. In small there is none: machines without a card may be slow."""
PARTS = tuple(SECONDS)
GOALS: tuple[tuple[str, str, float, Any], ...] = (
    ("tests", "passed", 1.0, ">="),
    ("frozen", "sampled tokens a second, M=1", 40_000.0, ">="),
    ("frozen", "sampled tokens a second, M=16 / M=1", 0.9, ">="),
    ("frozen", "M=16 / M=1, fit", 2.0, "<="),
    ("large", "M=16 round / M=1 round", 1.077, "<="),
    ("large", "peak memory M=16 / M=1", 1.168, "<="),
    ("search", "milliseconds of a step", 4.0, "<="),
)


def tests(tiny: bool, seconds: float | None) -> dict[str, Any]:
    """Run the tests marked gpu, or, in small, only find them."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", *TESTS]
    command += ["--collect-only"] if tiny else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        return {"failed": (done.stdout + done.stderr)[-3000:]}
    return {"passed": 1.0, "said": done.stdout.strip().splitlines()[-1]}


def engine(tiny: bool, shape: str, rows: int, tokens: int, seconds: float | None) -> dict[str, Any]:
    """Rounds of 1 and 16 branches on a model of random weights; the second of each is timed."""
    size: dict[str, Any] = {"rows": rows, "tokens": tokens, "device": "cuda", "shape": shape}
    if tiny:
        small = "tiny-qwen3" if shape == "qwen3-8b" else "tiny"
        size = {"rows": 16, "tokens": 6, "device": "cpu", "shape": small}
    found = ratios(**size, times=2, seconds=None if seconds is None else seconds / 2)
    one, sixteen = (found["rounds"][m]["sampled tokens a second"] for m in ("M=1", "M=16"))
    speed = {"sampled tokens a second, M=1": one, "sampled tokens a second, M=16 / M=1": sixteen / one}
    return {"size": size} | speed | found


def search(tiny: bool) -> dict[str, Any]:
    """Training steps of a search on the protein model that ships: 64 rows of 60 tokens, as one example sets them."""
    device, rows, steps = ("cpu", 8, 2) if tiny else ("cuda", 64, 40)
    torch.set_num_threads(1)
    if device == "cuda":
        repeatable()
    spec = example("instability")
    settings = spec.search
    if not isinstance(settings, PoetsSettings):
        raise TypeError(f"Expected the example to be searched by POETS, got {settings.method}.")
    backbone = load_backbone(PROTEIN, branch_from=spec.backbone.branch_from, device=device)
    shape = AdapterShape(branches=settings.branches, rank=settings.rank, prior_rank=settings.prior_rank)
    ensemble = BranchEnsemble(backbone, shape, ("",), None, max_tokens=60, seed=0)
    branch, prompt = np.arange(rows) % settings.branches, np.zeros(rows, dtype=np.int64)
    uniforms = rng_for(0, "gpu checks").random((rows, 60))

    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        work()  # kernels are chosen and graphs recorded
        start = clock(device)
        out = work()
        return clock(device) - start, out

    drawing, drawn = timed(lambda: sample(ensemble, branch, prompt, uniforms=uniforms))
    encoded = ensemble.encode(drawn.tokens, prompt)
    weights = bootstrap_weights(0, [f"0-{k}" for k in range(rows)], settings.branches)
    replay = Replay(encoded, rng_for(0, "gpu checks", "rewards").normal(size=rows), weights)
    fit = Trainer(ensemble, beta=0.1, learning_rate=5e-3, gradient_norm=1.0)
    fitting, _ = timed(lambda: fit.run(replay, steps=steps, minibatch=rows, seed=0, round=0))
    return {
        "milliseconds of a step": 1000.0 * fitting / steps,
        "branches": settings.branches,
        "rows": rows,
        "milliseconds of a sampled token of all rows": 1000.0 * drawing / 60,
        "peak": memory(device),
    }


def apart(seconds: float | None, tiny: bool) -> dict[str, Any]:
    """`search` in a process of its own, whose peak of memory is then its own."""
    command = [sys.executable, "-m", "benchmarks.gpu_checks", "--search-only", *(["--tiny"] if tiny else [])]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=seconds)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def part(name: str, tiny: bool) -> dict[str, Any]:
    """One part: its answer, or what went wrong."""
    seconds = None if tiny else float(SECONDS[name])
    start = time.monotonic()
    try:
        if name == "tests":
            found = tests(tiny, seconds)
        elif name == "search":
            found = apart(seconds, tiny)
        elif name == "frozen":
            found = engine(tiny, "frozen", 256, 512, seconds)
        else:
            found = engine(tiny, "qwen3-8b", 64, 256, seconds)
    except subprocess.TimeoutExpired as error:
        found = {"failed": f"took more than {error.timeout:.0f} s"}
    except subprocess.CalledProcessError as error:
        found = {"failed": str(error.stderr)[-3000:]}
    return found | {"seconds of the part": time.monotonic() - start}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="on a CPU, in small, without goals")
    parser.add_argument("--only", choices=PARTS, action="append", help="some of the parts; goals of these alone")
    parser.add_argument("--search-only", action="store_true", help="the part search, in this process")
    args = parser.parse_args()
    if not args.tiny and not torch.cuda.is_available():
        print(
            "Expected a CUDA device for the GPU checks, got none (torch.cuda.is_available() is False). Run them where "
            "one is, with torch built for CUDA; --tiny tries the same code on a CPU.",
            file=sys.stderr,
        )
        sys.exit(2)
    if args.search_only:
        print(json.dumps(search(args.tiny)))
        return
    chosen = args.only or PARTS
    results = {name: part(name, args.tiny) for name in chosen}
    failed = [name for name in chosen if "failed" in results[name]]
    if args.tiny:  # what a CPU does in small is no figure of a card; that all parts ran is the one goal
        goals = [Goal("parts that failed", float(len(failed)), 0.0, "<=")]
    else:
        goals = [
            Goal(f"{name}: {figure}", results[name].get(figure, float("nan")), wanted, sense)
            for name, figure, wanted, sense in GOALS
            if name in chosen
        ]
    device = "cpu, in small: no figures of a card" if args.tiny else torch.cuda.get_device_name()
    settings = {"device": device, "cuda": torch.version.cuda, "tiny": args.tiny, "failed": failed}
    finish(goals, results, settings, as_json=True)


if __name__ == "__main__":
    main()
