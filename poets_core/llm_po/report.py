"""What an experiment has found so far, as the numbers that pages draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from poets_core.llm_po.allocation import bernoulli_kl, condorcet_winner, optimal_proportions
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.stopping import confidence_set, log_evidence, scores


def report(experiment: Experiment) -> dict[str, Any]:
    """Return the metrics of an `updated` event (docs/architecture.md names them)."""
    wins, k = experiment.wins, len(experiment.policies)
    delta, assume = experiment.delta, experiment.assume_condorcet
    shown = log_evidence(wins.T, wins)
    np.fill_diagonal(shown, np.inf)
    estimate = (wins + 0.5) / (wins + wins.T + 1.0)
    np.fill_diagonal(estimate, 0.5)
    optimal = expected = None
    if condorcet_winner(estimate) is not None:
        found = optimal_proportions(estimate, assume_condorcet=assume)
        optimal = (found.weights + found.weights.T).tolist()
        expected = float(found.t_star * bernoulli_kl(delta, 1.0 - delta))
    return {
        "policies": list(experiment.policies),
        "comparisons": len(experiment.comparisons),
        "ties": int(experiment.ties.sum()),
        "wins": wins.tolist(),
        "evidence": scores(wins).tolist(),
        "evidence_threshold": float(np.log((1.0 if assume else 2.0) / delta)),
        "shown": shown.min(1).tolist(),
        "shown_threshold": float(np.log(2.0 * k / delta)),
        "left": [experiment.policies[i] for i in confidence_set(wins, delta)],
        "allocation": experiment.allocation().tolist(),
        "optimal": optimal,
        "estimate": estimate.tolist(),
        "expected": expected,
        "round_robin": None,
    }
