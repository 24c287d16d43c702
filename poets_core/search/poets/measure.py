"""What a POETS round reports of its branches, as they are after the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from poets_core.search.poets.metrics import effective_sample_size, ensemble_js, pairwise_js
from poets_core.search.poets.prior_adapter import spread
from poets_core.types import F8

if TYPE_CHECKING:
    from poets_core.search.poets.poets import PoetsSearch

PER_BRANCH = 4
"""Samples of each branch at least; a probe's worth is shared among few branches."""


def measure(search: PoetsSearch) -> dict[str, Any]:
    """Figures of the branches: their disagreement, distance to the reference, fit and what the round brought."""
    ensemble, history, probe = search.ensemble, search.history, search.probe
    m, beta, n_prompts = ensemble.branches, search.settings.beta, len(search.problem.prompts)
    branch = np.repeat(np.arange(m), max(PER_BRANCH, len(probe) // m))
    prompt = np.arange(len(branch)) % n_prompts
    drawn = search.sampler.draw(branch, prompt, ("measure", search.round), np.ones(len(branch)))
    on_policy = ensemble.log_prob(ensemble.encode([d.tokens for d in drawn], prompt))
    own = on_policy.branches[branch, np.arange(len(branch))]
    ratio = own - on_policy.reference
    probed = ensemble.log_prob(probe)
    delta, rewards, w = search.replay_delta(), history.rewards(), history.weights.astype(np.float64)
    residual = rewards[None] - delta - search.baseline()[:, history.encoded.prompt]
    scale, latest = history.scale(), history.latest
    return {
        "js_sequence": ensemble_js(on_policy.branches, branch),
        "js_token": ensemble.token_js(probe),
        "js_matrix": _json(pairwise_js(on_policy.branches, branch)),
        "spread": float(np.mean([c.predicted_std for c in latest])) if search.round and m > 1 else None,
        "spread_probe": spread(beta * (probed.branches - probed.reference), probe.prompt) if m > 1 else None,
        "spread_replay": spread(delta, history.encoded.prompt) if m > 1 else None,
        "kl": [float(ratio[branch == k].mean()) for k in range(m)],
        "entropy": float(-own.mean()),
        "loss": _json(0.5 * (w * residual**2).sum(1) / np.maximum(w.sum(1), 1.0)),
        "ess": effective_sample_size(history.weights),
        "unique": len({c.design for c in latest if c.design}) / len(latest),
        "valid": float(np.mean(history.valid[-len(latest) :])),
        "reward_location": scale.location,
        "reward_scale": scale.scale,
        "reward_log": scale.log,
    }


def _json(x: F8) -> Any:
    """Nested lists with None where a figure does not exist."""
    if x.ndim > 1:
        return [_json(row) for row in x]
    return [float(v) if np.isfinite(v) else None for v in x]
