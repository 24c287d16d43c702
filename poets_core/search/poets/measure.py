"""What a POETS round reports of its branches, as they are after the fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from poets_core.fit.metrics import effective_sample_size, ensemble_js, pairwise_js
from poets_core.fit.prior_adapter import spread
from poets_core.lm.likelihood import Encoded
from poets_core.search.history import History
from poets_core.search.poets.prediction import Prediction, implicit_reward
from poets_core.search.sampler import Sampler
from poets_core.types import F8

PER_BRANCH = 4
"""Samples of each branch at least; a probe's worth is shared among few branches."""


def measure(
    sampler: Sampler, history: History, probe: Encoded, prediction: Prediction, *, round: int
) -> dict[str, Any]:
    """Return figures of the branches: disagreement, distance to the reference and fit, by name, JSON values.

    Args:
        sampler: draws from the branches as they are now.
        history: all observations.
        probe: fixed samples of the reference.
        prediction: of the branches as they are now.
        round: the round that was fitted, key of the draws.
    """
    ensemble = sampler.ensemble
    m, n_prompts = ensemble.branches, len(ensemble.prompt_ids)
    # Divergences are means over what each branch itself writes: samples of others would miss what only it prefers.
    branch = np.repeat(np.arange(m), max(PER_BRANCH, len(probe) // m))
    prompt = np.arange(len(branch)) % n_prompts
    drawn = sampler.draw(branch, prompt, ("measure", round), np.ones(len(branch)))
    on_policy = ensemble.log_prob(ensemble.encode([d.tokens for d in drawn], prompt))
    # Of a first round nothing was predicted, unless there were given data before it.
    predicted = len(history) > len(history.latest)
    own = on_policy.branches[branch, np.arange(len(branch))]
    ratio = own - on_policy.reference
    # The probe never changes, so its spread can be followed from round to round; samples move with the branches.
    probed = implicit_reward(ensemble.log_prob(probe), prediction.beta)
    weights = history.weights.astype(np.float64)
    residual = history.rewards()[None] - prediction.delta - prediction.baseline[:, history.encoded.prompt]
    loss = 0.5 * (weights * residual**2).sum(1) / np.maximum(weights.sum(1), 1.0)
    return {
        "js_sequence": ensemble_js(on_policy.branches, branch),
        "js_token": ensemble.token_js(probe),
        "js_matrix": _json(pairwise_js(on_policy.branches, branch)),
        "spread": float(np.mean([c.predicted_std for c in history.latest])) if predicted and m > 1 else None,
        "spread_probe": spread(probed, probe.prompt) if m > 1 else None,
        "spread_replay": spread(prediction.delta, history.encoded.prompt) if m > 1 else None,
        "kl": [float(ratio[branch == k].mean()) for k in range(m)],
        "entropy": float(-own.mean()),
        "loss": _json(loss),
        "ess": effective_sample_size(history.weights),
    }


def _json(x: F8) -> Any:
    """Nested lists with None where a figure does not exist."""
    if x.ndim > 1:
        return [_json(row) for row in x]
    return [float(v) if np.isfinite(v) else None for v in x]
