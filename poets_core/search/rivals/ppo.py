"""Proximal policy optimisation: the clipped ratio with a value head, the pull to the reference inside the reward."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from poets_core.fit.policy_loss import generalised_advantages, ppo_loss
from poets_core.search.rivals.policy_gradient import PolicyGradientSearch
from poets_core.spec import PPOSettings
from poets_core.types import F8, I8

RECENT = 8
"""Rounds that the value head learns from. What older policies earned says little of the present one."""
RIDGE = 0.1
"""Of the value head, in units of the mean square of a feature."""


def fit_value_head(states: Float64[np.ndarray, "N D"], returns: Float64[np.ndarray, " N"]) -> Float64[np.ndarray, " D"]:
    """Return the weights that predict returns from states, by ridge regression.

    Args:
        states: features of N places, a constant among them.
        returns: what was earned from each on, centred.
    """
    gram = states.T @ states
    gram[np.diag_indices_from(gram)] += RIDGE * max(float(np.trace(gram)) / len(gram), 1e-12)
    return np.asarray(np.linalg.solve(gram, states.T @ returns))


class PPOSearch(PolicyGradientSearch):
    """The adapter, rollouts and gradient steps of `grpo`, with advantages token by token.

    A token pays beta (log pi - log pi_ref) as it was drawn, the last one earns the reward. What is expected of a place
    is the mean of the round's group and, from the second round on, a value head: a linear function of the reference's
    state there. It is fitted in closed form to the returns of earlier rounds, each centred on its own group, so that
    it has no part in the returns that it judges and nothing of it belongs to a checkpoint.

    Source: PPO (arXiv 1707.06347), with the per-token penalty of arXiv 2203.02155.
    """

    settings: PPOSettings

    def _advantages(self, own: I8, rows: I8, group: I8) -> F8:
        """Return the advantages of the tokens of `rows`, f8 (N, T), of mean 0 and deviation 1 over these tokens."""
        round_of = group // len(self.problem.prompts)
        # Without the rows that it judges: a head fitted to their returns would explain them away.
        earlier = np.setdiff1d(own[round_of[own] >= self.round - RECENT], rows)
        rewards, centre = self.history.rewards(), np.zeros(len(group))
        # How good designs are by then differs between rounds, and the head shall not spend its weights on that.
        for g in np.unique(group[own]).tolist():
            centre[group == g] = rewards[own][group[own] == g].mean()
        inside, earned, states = self._places(rows, rewards)
        value = np.where(inside, centre[rows][:, None], 0.0)
        if len(earlier):
            at, before, features = self._places(earlier, rewards - centre)
            # What was earned from a place on; the head predicts it without knowing what was written there.
            returns = np.cumsum(before[:, ::-1], axis=1)[:, ::-1]
            value += np.where(inside, states @ fit_value_head(features[at], returns[at]), 0.0)
        found = generalised_advantages(earned, value, self.settings.trace)
        # Deviation 1 whatever the unit and the head: step sizes then mean the same as for the other policy gradients.
        told = found[inside]
        out = np.zeros((len(group), inside.shape[1]))
        out[rows] = np.where(inside, (found - told.mean()) / max(float(told.std()), 1e-6), 0.0)
        return out

    def _places(self, index: I8, rewards: F8) -> tuple[np.ndarray, F8, F8]:
        """Return of every place of some completions whether it is inside, what it earned, and the state before it.

        Args:
            index: of the completions, n.
            rewards: of every observation.

        Returns:
            bool (n, T), f8 (n, T), f8 (n, T, D); T is that of the whole history.
        """
        encoded, step = self.history.encoded, self.settings.minibatch
        width = encoded.tokens.shape[1]
        inside = np.arange(width) < encoded.length[index][:, None]
        # A minibatch at a time, as the steps are: the states of a whole history of long designs would fill the memory.
        parts, states = [], []
        for start in range(0, len(index), step):
            found = self.ensemble.reference_tokens(encoded, index[start : start + step])
            parts.append(_wide(found[0].cpu().double().numpy(), width))
            states.append(_wide(found[1].cpu().double().numpy(), width))
        paid = np.where(inside, self._drawn(index, width) - np.concatenate(parts), 0.0)
        earned = -self.settings.beta * paid
        earned[np.arange(len(index)), encoded.length[index] - 1] += rewards[index]
        features = np.concatenate(states)
        return inside, earned, np.concatenate([features, np.ones((*inside.shape, 1))], axis=2)

    def _loss(self, index: I8, advantages: F8) -> Tensor:
        encoded, device = self.history.encoded, self.ensemble.backbone.device
        log_p = self.ensemble.token_log_prob(encoded, index)
        width = log_p.shape[1]
        inside = torch.from_numpy(np.arange(width) < encoded.length[index][:, None]).to(device)
        old, a = (torch.from_numpy(x).to(device) for x in (self._drawn(index, width), advantages[index][:, :width]))
        return ppo_loss(log_p, old, inside, a, clip=self.settings.clip)


def _wide(x: F8, width: int) -> F8:
    """Return rows filled up with zeros along their second axis."""
    return np.pad(x, [(0, 0), (0, width - x.shape[1]), *[(0, 0)] * (x.ndim - 2)])
