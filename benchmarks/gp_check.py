"""Whether our Gaussian process is a weak one: BoTorch's MixedSingleTaskGP beside it, on the same observations.

    pip install 'poets[check]'
    python -m benchmarks.gp_check --table gb1.csv --seeds 4 --json

Both see the same designs and the same rewards: drawn at random, or as a search leaves them (random ones, then edits of
the best). Both predict designs that were held back: random ones, and single substitutions of the best. Spearman's
correlation of predicted mean and truth, and the negative log predictive density of a reward, in nats. Ours has one
length scale for all sites, BoTorch's categorical kernel one for each; with equal ones the two kernels are the same
function. Without BoTorch there is nothing to compare with, and the command says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.landscapes import SITES, landscape
from benchmarks.report import Goal, finish, summary
from benchmarks.search_cells import FIRST_TUNING_SEED
from domains.catalog import load
from domains.protein.alphabet import LETTERS
from poets_core.keyed import rng_for
from poets_core.search.reward import fit_scale
from poets_core.search.rivals.surrogate import fit_surrogate, one_hot
from poets_core.types import F8, I8

FIRST, BATCH, ELITES, HELD = 96, 32, 8, 1000
OBSERVED = (96, 384)
SHAPE = (len(LETTERS),) * SITES
WITHIN_RANK, WITHIN_DENSITY = 0.03, 0.1
"""How far ours may be behind, the median of all comparisons: correlation, nats."""
Prediction = tuple[F8, F8]


def known_values(table: str) -> F8:
    """Return the values of all designs of four sites, NaN where one was not measured; the last site counts fastest."""
    measured = load("protein/landscape", table=table).oracle.values  # type: ignore[attr-defined]
    out = np.full(len(LETTERS) ** SITES, np.nan)
    codes = np.array([[LETTERS.index(c) for c in design] for design in measured])
    out[np.ravel_multi_index(tuple(codes.T), SHAPE)] = list(measured.values())
    return out


def substitutions(index: I8) -> I8:
    """Return all designs that are one substitution away from one of those given."""
    codes = np.stack(np.unravel_index(index, SHAPE), axis=1)
    out = np.repeat(codes, SITES * len(LETTERS), axis=0)
    rows = np.arange(len(out))
    out[rows, rows // len(LETTERS) % SITES] = rows % len(LETTERS)
    return np.setdiff1d(np.ravel_multi_index(tuple(out.T), SHAPE), index)


def observed(values: F8, n: int, searched: bool, rng: np.random.Generator) -> I8:
    """Return n measured designs: random ones, or 96 of these and then batches of substitutions of the best."""
    measured = np.flatnonzero(np.isfinite(values))
    found = rng.choice(measured, n if not searched else min(n, FIRST), replace=False)
    while len(found) < n:
        elites = found[np.argsort(-values[found], kind="stable")[:ELITES]]
        near = np.setdiff1d(np.intersect1d(substitutions(elites), measured), found)
        found = np.append(found, rng.choice(near, min(BATCH, n - len(found), len(near)), replace=False))
    return found


def ours(codes: I8, y: F8, at: I8) -> Prediction:
    """Return mean and deviation of rewards at some designs by the rival's own process."""
    s = fit_surrogate(one_hot(codes, SHAPE), y)
    mean, std = s.predict(one_hot(at, SHAPE))
    return mean, np.sqrt(std**2 + s.noise)


def botorch(codes: I8, y: F8, at: I8) -> Prediction:
    """Return the same by BoTorch, as its documentation fits a model."""
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import MixedSingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    torch.set_num_threads(1)
    x, told = torch.from_numpy(codes).double(), torch.from_numpy(y).double()[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixedSingleTaskGP(x, told, cat_dims=list(range(SITES)))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        with torch.no_grad():
            found = model.posterior(torch.from_numpy(at).double(), observation_noise=True)
    return found.mean[:, 0].detach().numpy(), found.variance[:, 0].sqrt().detach().numpy()


MODELS: Mapping[str, Callable[[I8, F8, I8], Prediction]] = {"ours": ours, "BoTorch": botorch}


def judged(values: F8, n: int, searched: bool, seed: int) -> dict[str, dict[str, float]]:
    """Return the figures of both models on the same observations."""
    rng = rng_for(seed, "gp check", n, int(searched))
    told = observed(values, n, searched, rng)
    scale = fit_scale(values[told], np.ones(n, dtype=np.bool_), direction="maximise", transform="auto")
    rewards = scale.rewards(values, np.isfinite(values))
    rest = np.setdiff1d(np.flatnonzero(np.isfinite(values)), told)
    elites = told[np.argsort(-values[told], kind="stable")[:ELITES]]
    held = {
        "random": rng.choice(rest, HELD, replace=False),
        "near the best": np.intersect1d(substitutions(elites), rest),
    }
    codes = {name: np.stack(np.unravel_index(index, SHAPE), axis=1) for name, index in (held | {"": told}).items()}
    out: dict[str, dict[str, float]] = {}
    for model, fit in MODELS.items():
        began, row = time.process_time(), {}
        mean, std = fit(codes[""], rewards[told], np.concatenate([codes[name] for name in held]))
        start = 0
        for name, index in held.items():
            part = slice(start, start + len(index))
            start += len(index)
            off = (rewards[index] - mean[part]) / std[part]
            row[f"{name}: correlation"] = float(spearmanr(mean[part], rewards[index])[0])
            row[f"{name}: density"] = float(np.mean(0.5 * off**2 + np.log(std[part]) + 0.5 * np.log(2 * np.pi)))
        out[model] = row | {"cpu_seconds": time.process_time() - began}
    return out


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, action="append", default=[], help="a table of four sites, beside NK")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=FIRST_TUNING_SEED)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if importlib.util.find_spec("botorch") is None:
        print("Expected BoTorch to compare with, got none: skipped. Install it by: pip install 'poets[check]'.")
        sys.exit(0)
    results: dict[str, Any] = {}
    behind: dict[str, list[float]] = {"correlation": [], "density": []}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    with TemporaryDirectory() as folder:
        for name in (*map(str, args.table), "nk-smooth", "nk-rugged"):
            for n in OBSERVED:
                for searched in (False, True) if n > FIRST else (False,):
                    rows = []
                    for seed in seeds:
                        table = str(landscape(name, seed, Path(folder))[0]) if name.startswith("nk") else name
                        rows.append(judged(known_values(table), n, searched, seed))
                    key = f"{Path(name).name}, {n} {'searched' if searched else 'random'}"
                    results[key] = {m: {k: summary([r[m][k] for r in rows]) for k in rows[0][m]} for m in MODELS}
                    for figure, differences in behind.items():
                        for k in (k for k in rows[0]["ours"] if k.endswith(figure)):
                            differences += [r["ours"][k] - r["BoTorch"][k] for r in rows]
                    print(f"{key}: done", file=sys.stderr)
    # The middle one: a model that is sure and wrong pays tens of nats once, and a mean would tell of that alone.
    rank, density = (float(np.median(behind[k])) for k in ("correlation", "density"))
    goals = [
        Goal("correlation, ours minus BoTorch", rank, -WITHIN_RANK, ">="),
        Goal("negative log density, ours minus BoTorch, nats", density, WITHIN_DENSITY, "<="),
    ]
    finish(goals, results, {"seeds": list(seeds), "observed": OBSERVED, "held back": HELD}, as_json=args.json)


if __name__ == "__main__":
    main()
