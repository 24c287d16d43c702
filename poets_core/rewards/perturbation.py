"""Random perturbations: no gradient, only a choice among random adapters. What learns must be better than that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.rewards.batch import Batch
from poets_core.spec.reward_settings import RewardSettings
from poets_core.types import F8, I8


class PerturbationUpdate:
    """M random adapters, judged by their answers so far against those of others to the same prompts; the best K answer.

    Their vote on a prompt is the figure `vote` of `judging`. This is the null hypothesis for ensembles: diversity and
    selection without learning (RandOpt and its kin), in the adapters that the other methods train.
    """

    asks_tokens = False

    def __init__(self, ensemble: BranchEnsemble, settings: RewardSettings, *, seed: int) -> None:
        """Draw the perturbations: B ~ N(0, perturbation^2), A as every adapter begins."""
        self.ensemble, self.settings = ensemble, settings
        self.total: F8 = np.zeros(ensemble.branches)
        self.count: F8 = np.zeros(ensemble.branches)
        for name, layer in ensemble.stack.layers.items():
            # A stream a branch: the first m perturbations are the same for any number of them.
            shape = (layer.out_features, ensemble.shape.rank)
            drawn = [
                rng_for(seed, "perturbation", name, k).normal(0.0, settings.perturbation, shape)
                for k in range(ensemble.branches)
            ]
            with torch.no_grad():
                layer.b.copy_(torch.from_numpy(np.stack(drawn)).to(layer.b))

    def fit(self, window: Batch, *, round: int) -> dict[str, Any]:
        """Count how much better each perturbation answered than its groups did; nothing is trained."""
        # Weights never change, so every answer ever given counts, and counts once.
        latest = window.known & (window.round == round) & (window.branch >= 0)
        groups = window.groups
        for g in np.unique(groups[latest]).tolist():
            at = latest & (groups == g)
            # Against its own group: whoever was asked easy prompts is no better for it.
            np.add.at(self.total, window.branch[at], window.reward[at] - window.reward[at].mean())
            np.add.at(self.count, window.branch[at], 1.0)
        return {"kept": self.writers().tolist()}

    def writers(self) -> I8:
        """Return the best K so far, best first; the lower number wins ties."""
        # The mean, not the sum: shares of answers are equal only up to one.
        mean = self.total / np.maximum(self.count, 1.0)
        return np.argsort(-mean, kind="stable")[: self.settings.top]

    def state(self) -> dict[str, np.ndarray]:
        """Sums and counts; the perturbations follow from the seed."""
        return {"total": self.total.copy(), "count": self.count.copy()}

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """See `Update`."""
        self.total, self.count = np.array(tensors["total"]), np.array(tensors["count"])
