"""How near the lower bound comes as delta falls, and what the closed forms say of random instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from benchmarks.llm_po_cells import OURS, linear_instance, win_probability, winner_of
from benchmarks.llm_po_rivals import RIVALS
from benchmarks.llm_po_structured import simulate_structured
from poets_core.keyed import rng_for
from poets_core.llm_po.allocation import optimal_proportions
from poets_core.llm_po.balance import evidence_balancing
from poets_core.llm_po.bradley_terry import bradley_terry_features
from poets_core.llm_po.cutting_planes import structured_proportions
from poets_core.llm_po.simulate import Simulated, simulate
from poets_core.types import F8

DELTAS = (1e-1, 1e-2, 1e-4, 1e-8, 1e-16, 1e-32, 1e-64)
MOST_AT_THE_END = 1.2
"""Multiple of the bound to be reached at the least delta."""


def certainty(delta: float) -> float:
    """kl(delta, 1 - delta) in nats."""
    return float((1 - 2 * delta) * (np.log1p(-delta) - np.log(delta)))


def bound(p: F8, delta: float) -> float:
    """T* kl(delta, 1 - delta): comparisons that no rule with error <= delta can do without, a winner assumed."""
    return optimal_proportions(p).t_star * certainty(delta)


def approach(runs: int) -> dict[str, Any]:
    """Mean comparisons as a multiple of the bound, beside a rival's; 1 is what is possible as delta goes to 0."""
    out: dict[str, Any] = {}
    rival = "plug-in Track-and-Stop"
    for kind, k in (("cyclic", 4), ("bradley-terry", 8)):
        p = win_probability(kind, k)
        t_star = optimal_proportions(p).t_star
        played = [simulate(evidence_balancing, p, runs=runs, delta=d) for d in DELTAS]
        other = [simulate(RIVALS[rival], p, runs=runs, delta=d) for d in DELTAS]
        out[f"{kind}, K = {k}"] = row(played, t_star, winner_of(p)) | {rival: multiples(other, t_star)}
    theta, x = linear_instance(8, 3, 0)
    played = [simulate_structured(None, theta, x, runs=runs, delta=d) for d in DELTAS]
    out["structured, K = 8, d = 3"] = row(played, structured_proportions(theta, x).t_star, int((x @ theta).argmax()))
    return out


def multiples(played: Sequence[Simulated], t_star: float) -> list[float]:
    """Mean comparisons over the bound at each delta."""
    return [float(f.comparisons.mean()) / (t_star * certainty(d)) for f, d in zip(played, DELTAS, strict=True)]


def row(played: Sequence[Simulated], t_star: float, best: int) -> dict[str, Any]:
    """Ours at each delta, and how many runs named another policy than `best`."""
    return {
        "delta": list(DELTAS),
        OURS: multiples(played, t_star),
        "wrong": [int((f.winner != best).sum()) for f in played],
    }


def with_winner(k: int, rng: np.random.Generator) -> F8:
    """A random instance, f8 (K, K): all shares uniform on (.05, .95), those of policy 0 on (.55, .95)."""
    p = np.full((k, k), 0.5)
    upper = np.triu_indices(k, 1)
    p[upper] = rng.uniform(0.05, 0.95, len(upper[0]))
    p[0, 1:] = rng.uniform(0.55, 0.95, k - 1)
    lower = np.tril_indices(k, -1)
    p[lower] = 1 - p.T[lower]
    return p


def theory(instances: int) -> dict[str, Any]:
    """What assuming a winner, and what a model, saves at the optimum: ratios of T* on random instances."""
    rng = rng_for(0, "theory")
    winners = [with_winner(3 + i % 5, rng) for i in range(instances)]
    without = [optimal_proportions(p, assume_condorcet=False).t_star for p in winners]
    saved = {"a winner assumed": [t / optimal_proportions(p).t_star for t, p in zip(without, winners, strict=True)]}
    for name, d in (("Bradley-Terry", None), ("three features", 3)):
        saved[name] = []
        for i in range(max(2, instances // 5)):
            k = 4 + i % 3
            x = bradley_terry_features(k) if d is None else rng.normal(size=(k, d))
            theta: F8 = rng.normal(size=(x.shape[1],))
            p = expit((x @ theta)[:, None] - x @ theta)
            saved[name].append(optimal_proportions(p).t_star / structured_proportions(theta, x).t_star)
    return {n: {"median": float(np.median(v)), "least": min(v), "most": max(v)} for n, v in saved.items()}
