"""The report of an experiment at one moment, as JSON data: for pages, files and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from poets_core.errors import InvalidComparisons
from poets_core.intake import shown
from poets_core.llm_po.allocation import optimal_proportions
from poets_core.llm_po.balance import round_robin
from poets_core.llm_po.evidence import NONE, OPEN, decide
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.settle import Clustered, Further, plan
from poets_core.llm_po.simulate import simulate
from poets_core.llm_po.structured import StructuredRule
from poets_core.llm_po.top import top_threshold

RUNS = 40
"""Simulated round-robin experiments."""
MOST = 2_000_000
"""Comparisons that one of them is given at most, over all runs together."""


def estimate_of(experiment: Experiment) -> Float64[np.ndarray, "K K"]:
    """Return win probabilities as they look so far: shares won, drawn towards 1/2 by half a win either way."""
    # Half a win either way: a duel of three comparisons must not look like a certainty.
    wins = experiment.wins
    p = (wins + 0.5) / (wins + wins.T + 1.0)
    np.fill_diagonal(p, 0.5)
    return np.asarray(p)


def report(experiment: Experiment, *, compare: bool = False) -> dict[str, Any]:
    """Sum up evidence and allocation, and what would have been best to do.

    Args:
        experiment: at any moment.
        compare: whether to simulate how many comparisons round-robin would need for the same verdict, if the
            estimated win probabilities were true.

    Returns:
        `policies`, `comparisons`, `ties`, `wins` (K, K); `evidence` (K,) against being the winner, `evidence_threshold`
        from which a policy is not `left` (that nobody is the winner takes log 2 more of each); `shown` (K,) that a
        policy beats its toughest opponent, with its `shown_threshold`; `allocation` and `optimal` (K, K) symmetric
        shares, each pair's in both places; `estimate` (K, K); `expected`, comparisons that any rule needs at the
        estimate, ties aside; `round_robin` (or None); `model`, None, or of the Bradley-Terry model: `leader`, `margin`
        and `margin_threshold`, `fit`, `doubted`. With a model, `optimal` is its proportions, `expected` is None, and
        `shown_threshold` and `margin_threshold` are those of delta / 2. Without a model and while it is open also
        `settles`: what would bring a verdict (`settle.Plan`), with `pairs` of names and further comparisons; None
        where the policies look equally good. There `apart` says that each is to share nothing with the others. Where
        the top k are decided, no plan and no optimum is said, and `left` are those that may be among them.
    """
    # With a model each of the two stopping rules has half of delta, so that its thresholds are higher.
    model = experiment.structured
    k, delta, p = len(experiment.policies), experiment.delta, estimate_of(experiment)
    if model is not None:
        delta /= 2.0
    out: dict[str, Any] = {
        "policies": list(experiment.policies),
        "comparisons": len(experiment.comparisons),
        "ties": len(experiment.comparisons) - int(experiment.wins.sum()),
        "wins": experiment.wins.tolist(),
        "evidence": experiment.duels.score.tolist(),
        "evidence_threshold": float(np.log(1.0 / experiment.delta)),
        "shown": experiment.duels.low.tolist(),
        "shown_threshold": float(np.log(2.0 * k / delta)),
        "left": sorted(experiment.confidence_set(), key=experiment.policies.index),
        "allocation": experiment.allocation().tolist(),
        "estimate": p.tolist(),
        "optimal": None,
        "expected": None,
        "round_robin": None,
        "model": None,
    }
    if model is not None:
        out["model"] = _model(model, experiment.policies, float(np.log(1.0 / delta)))
        # The closed forms below hold for the unstructured space only; with a model, what is followed is what is shown.
        out["optimal"] = model.weights().tolist()
        return out
    if experiment.top > 1:  # the plans and proportions below are those of the best one
        return out | _top(experiment)
    if experiment.wins.any() and decide(experiment.duels, delta, experiment.assume_condorcet)[0] == OPEN:
        out["settles"] = _settles(experiment, out["ties"] / max(1, out["comparisons"]))
    try:
        best = optimal_proportions(p, assume_condorcet=experiment.assume_condorcet)
    except InvalidComparisons:  # no winner, and nobody who beats one of those left: nothing to follow yet
        return out
    out["optimal"] = (best.weights + best.weights.T).tolist()
    out["expected"] = best.t_star * float((1.0 - 2.0 * delta) * np.log((1.0 - delta) / delta))
    if compare:
        out["round_robin"] = _round_robin(experiment, p)
    return out


def _top(experiment: Experiment) -> dict[str, Any]:
    threshold = top_threshold(len(experiment.policies), experiment.delta)
    top = {"k": experiment.top, "delta": experiment.delta}
    return {"shown_threshold": threshold, "evidence_threshold": threshold, "top": top}


def _model(model: StructuredRule, policies: Sequence[str], threshold: float) -> dict[str, Any]:
    return {
        "leader": policies[model.leader],
        "margin": model.margin,
        "margin_threshold": threshold,
        "fit": model.fit,
        "doubted": model.doubted,
    }


def _settles(experiment: Experiment, ties: float) -> dict[str, Any] | None:
    means = clustered(experiment)
    found = plan(experiment.duels, experiment.delta, assume=experiment.assume_condorcet, ties=ties, clustered=means)
    if found is None:
        return None
    names = experiment.policies
    of = {} if experiment.clusters is None else {"apart": True}
    return of | {
        "kind": found.kind,
        "policy": None if found.policy < 0 else names[found.policy],
        "comparisons": found.comparisons,
        "pairs": [[names[i], names[j], n] for i, j, n in found.pairs],
    }


def clustered(experiment: Experiment) -> Clustered:
    """Return the means of the clusters of all pairs whose rows depend on each other; see `settle.Clustered`."""
    state, names, out = experiment.clusters, experiment.policies, {}
    if state is None:
        return {}
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            if i == j or state.plain(first, second):
                continue
            means = state.means(first, second)
            if (n := state.apart(first, second)) is not None and means:
                # One way to take rows that share nothing, at the share of all: what crossing rows come to.
                won = sum(means) / len(means) * n
                means = [1.0] * int(won) + [won % 1.0] * (n > int(won)) + [0.0] * (n - int(won) - 1)
            out[i, j] = means
    return out


def never_judged(experiment: Experiment, most: int = 3) -> list[str]:
    """Say which pairs without any comparison keep the leader from being named, and how many would do.

    The number is that of the stopping rule, if the leader won as often as it has against the others; none is said
    where it has not won more than half.
    """
    duels, names, delta = experiment.duels, experiment.policies, experiment.delta
    leader = int(np.argmin(duels.score))
    threshold = float(np.log(2.0 * len(names) / delta))
    pairs = [j for j in range(len(names)) if j != leader and not duels.judged[leader, j]]
    wins, losses = int(duels.wins[leader].sum()), int(duels.wins[:, leader].sum())
    share = (wins + 0.5) / (wins + losses + 1.0)
    said = []
    for j in pairs[:most]:
        n = Further(duels, 0.0, {}).needed(leader, j, lambda e: e - threshold, 1.0 - duels.bound, share)
        would = "" if n is None else f", and about {n:,} comparisons would do if it won as often as against the others"
        said.append(f"{shown(names[leader])} against {shown(names[j])} was never judged{would}")
    if len(pairs) > most:
        said.append(f"nor was it against {len(pairs) - most} more")
    return said


def _round_robin(experiment: Experiment, p: Float64[np.ndarray, "K K"]) -> dict[str, Any]:
    # Plays are capped, for an estimate near 1/2 may need millions of comparisons; `capped` says how many were, and
    # then the mean is too small.
    ties = 1.0 - experiment.wins.sum() / max(1, len(experiment.comparisons))
    played = simulate(
        round_robin,
        p,
        runs=RUNS,
        delta=experiment.delta,
        assume_condorcet=experiment.assume_condorcet,
        tie_zone=experiment.tie_zone,
        ties=float(ties),
        most=MOST // RUNS,
        seed=experiment.seed,
    )
    n = played.comparisons
    return {
        "mean": float(n.mean()),
        "standard_error": float(n.std(ddof=1) / np.sqrt(RUNS)),
        "runs": RUNS,
        "capped": int((played.kind == OPEN).sum()),
        "none": int((played.kind == NONE).sum()),
    }
