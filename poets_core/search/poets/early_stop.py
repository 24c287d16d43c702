"""Early stopping by what a branch has not learnt from: its bootstrap leaves out a third of all observations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded
from poets_core.search.poets.loss import matching_loss
from poets_core.types import F8, I8

FEWEST = 8
"""Observations left out of a branch, below which their error says too little and the last step is taken."""


class EarlyStop:
    """Remembers, branch by branch, the adapters of the smallest error on the observations of weight 0.

    The error is the matching loss with weights 1 there: out-of-bag estimation
    (Breiman 1996), so that no observation is kept from the ensemble as a whole.
    """

    def __init__(self, ensemble: BranchEnsemble, encoded: Encoded, rewards: F8, weights: I8, *, beta: float) -> None:
        """Args: encoded, rewards f8 (N,) and weights i8 (M, N) of the replay; beta as in the loss."""
        self.ensemble, self.encoded, self.rewards, self.beta = ensemble, encoded, rewards, beta
        self.left_out = weights == 0
        self.judged = self.left_out.sum(1) >= FEWEST
        self.error = np.full(len(weights), np.inf)
        self._best: Sequence[Tensor] = [p.detach().clone() for p in ensemble.parameters()]

    def errors(self) -> F8:
        """Matching error of each branch as it is, on what it has not learnt from, f8 (M,)."""
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
        """Judge the branches; keep those that have become better."""
        found = self.errors()
        better = np.flatnonzero((found < self.error) | ~self.judged)
        self.error[better] = found[better]
        at = torch.from_numpy(better)
        with torch.no_grad():
            for kept, p in zip(self._best, self.ensemble.parameters(), strict=True):
                kept[at.to(kept.device)] = p.detach()[at.to(p.device)]

    def take_best(self) -> None:
        """Put every branch back to where it was best."""
        with torch.no_grad():
            for kept, p in zip(self._best, self.ensemble.parameters(), strict=True):
                p.copy_(kept)
