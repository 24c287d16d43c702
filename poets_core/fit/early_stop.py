"""How a branch stops early: at its best step on the observations that its bootstrap left out (about a third)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from poets_core.fit.loss import matching_loss
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded

FEWEST = 8
"""Observations left out of a branch, below which their error says too little and the last step is taken."""


class EarlyStop:
    """Remembers, branch by branch, the adapters of the smallest error on the observations of weight 0.

    The error is the matching loss with weights 1 there: out-of-bag estimation
    (Breiman 1996), so that no observation is kept from the ensemble as a whole.
    """

    def __init__(
        self,
        ensemble: BranchEnsemble,
        encoded: Encoded,
        rewards: Float64[np.ndarray, " N"],
        weights: Int64[np.ndarray, "M N"],
        *,
        beta: float,
    ) -> None:
        """Take the branches as they are for the best so far.

        Args:
            ensemble: the branches.
            encoded, rewards, weights: the replay.
            beta: as in the loss.
        """
        self.ensemble, self.encoded, self.rewards, self.beta = ensemble, encoded, rewards, beta
        self.left_out = weights == 0
        self.judged = self.left_out.sum(1) >= FEWEST
        self.error = np.full(len(weights), np.inf)
        self._best: Sequence[Tensor] = [p.detach().clone() for p in ensemble.parameters()]

    def errors(self) -> Float64[np.ndarray, " M"]:
        """Return the matching error of each branch as it is, on what it has not learned from."""
        p = self.ensemble.log_prob(self.encoded)
        return np.asarray(
            matching_loss(
                torch.from_numpy(self.beta * (p.branches - p.reference)),
                torch.from_numpy(self.rewards),
                torch.from_numpy(self.left_out.astype(np.float64)),
                torch.from_numpy(self.encoded.prompt),
            ).numpy()
        )

    def look(self) -> None:
        """Judge the branches as they are, and remember those that have become better."""
        found = self.errors()
        # A branch that cannot be judged follows its last step, as if nothing stopped early.
        better = np.flatnonzero((found < self.error) | ~self.judged)
        self.error[better] = found[better]
        # Branch by branch: each stops at a step of its own, which one validation set for all could not give.
        at = torch.from_numpy(better)
        with torch.no_grad():
            for kept, p in zip(self._best, self.ensemble.parameters(), strict=True):
                kept[at.to(kept.device)] = p.detach()[at.to(p.device)]

    def take_best(self) -> None:
        """Put every branch back to where it was best."""
        with torch.no_grad():
            for kept, p in zip(self._best, self.ensemble.parameters(), strict=True):
                p.copy_(kept)
