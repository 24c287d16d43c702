"""ToSFiT: a policy tuned towards Thompson sampling by a Gaussian process with a linear kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from poets_core.fit.policy_loss import reinforce_loss
from poets_core.search.rivals.policy_gradient import PolicyGradientSearch
from poets_core.search.rivals.surrogate import sequence_features
from poets_core.spec import ToSFiTSettings

NOISE = 0.01
"""Noise variance, in units of the kernel's amplitude."""
FEWEST = 16
"""Observations before the first gradient step."""


def rarity(log_p: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Return v^-1(u) = 1 / sqrt(-2 ln u) - sqrt(-2 ln u) at u = exp(log_p): the rarer a completion, the more negative.

    Args:
        log_p: log-probabilities of whole completions, nats.
    """
    root = np.sqrt(-2.0 * np.minimum(log_p, -1e-6))
    return np.asarray(1.0 / root - root)


def linear_posterior(
    x: Float64[np.ndarray, "N D"], y: Float64[np.ndarray, " N"], at: Float64[np.ndarray, "n D"]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Return mean and deviation of a Gaussian process with kernel x . x' and noise `NOISE`.

    Args:
        x, y: features and values of N observations.
        at: features where it is asked.
    """
    gram = x @ x.T
    gram[np.diag_indices_from(gram)] += NOISE
    factor = np.linalg.cholesky(gram)
    half = np.linalg.solve(factor, x @ at.T)
    mean = half.T @ np.linalg.solve(factor, y)
    return mean, np.sqrt(np.maximum((at**2).sum(1) - (half**2).sum(0), 0.0))


class ToSFiTSearch(PolicyGradientSearch):
    """REINFORCE on fresh samples of the policy with the advantage mu - s sigma v^-1(pi) - alpha log pi.

    mu and sigma are those of a Gaussian process on all observations, s is
    `exploration` (4 in the paper), alpha is `beta`. Without exploration this is
    soft actor-critic, without alpha too actor-critic.

    Source: ToSFiT (arXiv 2510.13328), variational Bayesian optimistic sampling.
    """

    settings: ToSFiTSettings

    def _learn(self) -> dict[str, Any]:
        s = self.settings
        known = [i for i, c in enumerate(self.history.candidates) if c.design and self.history.known[i]]
        if len(known) >= FEWEST:
            for step in range(s.steps):
                self.trainer.descend(lambda step=step: self._fresh_loss(known, step))  # type: ignore[misc]
            self.trainer.check(self.round)
        return {}

    def _fresh_loss(self, known: Sequence[int], step: int) -> Tensor:
        """One minibatch of new samples, each with the advantage that the process gives it."""
        s = self.settings
        # Fresh samples for every step: they are on-policy, and cost no oracle call, since the process judges them.
        prompt = np.arange(s.minibatch) % len(self.problem.prompts)
        key = ("advantage", self.round, step)
        drawn = self.sampler.draw(np.zeros(s.minibatch, dtype=np.int64), prompt, key, np.ones(s.minibatch))
        tokens = [self.history.candidates[i].tokens for i in known]
        x = sequence_features([*tokens, *(d.tokens for d in drawn)])
        x /= np.linalg.norm(x, axis=1, keepdims=True).clip(1e-12)
        y = self.history.rewards()[list(known)]
        mean, deviation = linear_posterior(x[: len(tokens)], y, x[len(tokens) :])
        log_p = np.array([d.log_prob for d in drawn])
        advantage = mean - s.exploration * deviation * rarity(log_p) - s.beta * log_p
        # Standardised within the minibatch: the gradient's size then depends on no unit, as for the other methods.
        advantage = (advantage - advantage.mean()) / max(float(advantage.std()), 1e-6)
        encoded = self._encode(drawn)
        found = self.ensemble.token_log_prob(encoded, np.arange(len(drawn)))
        inside = torch.from_numpy(np.arange(found.shape[1]) < encoded.length[:, None]).to(found.device)
        return reinforce_loss(found, inside, torch.from_numpy(advantage).to(found.device))
