"""The policy gradients that POETS is compared with: one policy, the same adapter, answers and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poets_core.fit.policy_loss import (
    divergence_loss,
    generalised_advantages,
    group_advantages,
    grpo_loss,
    ppo_loss,
    sequence_loss,
)
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.rewards.batch import Batch
from poets_core.rewards.updates import minibatches, trainer_of
from poets_core.spec.reward_settings import RewardSettings
from poets_core.types import F8, I8, Bool


class PolicyGradientUpdate:
    """GRPO, Dr. GRPO, RLOO, PPO and DyJR on the answers of the window, by the ratio to the policy that wrote them.

    - `grpo`: advantages over the group's deviation, mean over tokens, k3 estimate of the KL divergence in the loss.
    - `dr-grpo`: no deviation, and the sum over tokens by the longest answer allowed.
    - `rloo`: the others' mean as the baseline, one ratio a completion, the KL penalty inside the reward.
    - `ppo`: tokens pay the KL penalty as they were written, the last one earns the reward; the baseline is the mean
      reward of the group, there is no value network; advantages have mean 0 and deviation 1 over the round's tokens.
    - `dyjr`: GRPO on the last round's answers; older ones only hold the policy back, by the Jensen-Shannon divergence
      from the policies that wrote them.

    Advantages are those of an answer's own round and prompt, also when it is replayed.
    """

    asks_tokens = True

    def __init__(self, ensemble: BranchEnsemble, settings: RewardSettings, *, seed: int) -> None:
        """Set the optimiser up; the ensemble has one branch."""
        self.ensemble, self.settings, self.seed = ensemble, settings, seed
        self.trainer = trainer_of(ensemble, settings)

    def fit(self, window: Batch, *, round: int) -> dict[str, Any]:
        """See `Update`."""
        self.trainer.reset(self.settings.reset_every, seed=self.seed, round=round)
        advantages = self.advantages(window)
        latest = window.round == window.round.max()
        for index in minibatches(window, self.settings, seed=self.seed, round=round):
            self.trainer.descend(lambda index=index: self.loss(window, index, advantages, latest))  # type: ignore[misc]
        self.trainer.check(round)
        return {}

    def advantages(self, window: Batch) -> F8:
        """Return the advantage of every answer, f8 (N,), or for `ppo` of every token, f8 (N, T); 0 where unknown."""
        s, known = self.settings, np.flatnonzero(window.known)
        groups, reward = window.groups, window.reward.copy()
        if s.method == "ppo":
            return self._token_advantages(window, groups, known)
        # As it was written, so that the baseline of the others holds their penalties too.
        if s.method == "rloo":
            reward -= s.beta * (window.old - window.reference).sum(1)
        out = np.zeros(len(window))
        scaled, left_out = s.method in ("grpo", "dyjr"), s.method == "rloo"
        out[known] = group_advantages(reward[known], groups[known], scaled=scaled, left_out=left_out)
        return out

    def _token_advantages(self, window: Batch, groups: I8, known: I8) -> F8:
        inside = _inside(window.encoded.length, window.old.shape[1])
        mean = np.zeros(len(window))
        for g in np.unique(groups[known]).tolist():
            mean[groups == g] = window.reward[known][groups[known] == g].mean()
        earned = np.where(inside, -self.settings.beta * (window.old - window.reference), 0.0)
        # A program judges whole answers: all of the reward falls on the last token.
        earned[np.arange(len(window)), window.encoded.length - 1] += np.nan_to_num(window.reward)
        found = generalised_advantages(earned, np.where(inside, mean[:, None], 0.0), 1.0)
        out = np.zeros(found.shape)
        # Round by round: what was whitened once stays as it was when its round is replayed beside others.
        for r in np.unique(window.round[known]).tolist():
            rows = known[window.round[known] == r]
            told = found[rows][inside[rows]]
            out[rows] = np.where(inside[rows], (found[rows] - told.mean()) / max(float(told.std()), 1e-6), 0.0)
        return out

    def loss(self, window: Batch, index: I8, advantages: F8, latest: Bool) -> Tensor:
        """Return the loss of a minibatch, with its graph.

        Args:
            window, index: the answers, and which of them.
            advantages: of all answers, see there.
            latest: which answers are of the last round.
        """
        s, device = self.settings, self.ensemble.backbone.device
        log_p = self.ensemble.token_log_prob(window.encoded, index)
        width = log_p.shape[1]

        # Advantages of an answer or of its tokens: the latter are as wide as the window, and are cut to the minibatch.
        def rows(x: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(x[index][:, :width] if x.ndim == 2 else x[index])).to(device)

        old, reference, a = rows(window.old), rows(window.reference), rows(advantages)
        inside = torch.from_numpy(_inside(window.encoded.length[index], width)).to(device)
        if s.method == "ppo":
            return ppo_loss(log_p, old, inside, a, clip=s.clip)
        if s.method == "rloo":
            return sequence_loss(log_p, old, inside, a, clip=s.clip)
        if s.method == "dr-grpo":
            return grpo_loss(log_p, old, reference, inside, a, clip=s.clip, beta=s.beta, length=s.max_tokens)
        if s.method == "grpo":
            return grpo_loss(log_p, old, reference, inside, a, clip=s.clip, beta=s.beta)
        # Each part counts by its share of the rows, as if both were one mean over the minibatch.
        new = rows(latest)
        total = log_p.sum() * 0.0  # a minibatch may hold rows of one kind alone
        if bool(new.any()):
            own = [x[new] for x in (log_p, old, reference, inside, a)]
            total = total + grpo_loss(*own, clip=s.clip, beta=s.beta) * new.float().mean()
        if not bool(new.all()):
            total = total + s.js * divergence_loss(log_p[~new], old[~new], inside[~new]) * (~new).float().mean()
        return total

    def writers(self) -> I8:
        """The policy."""
        return np.zeros(1, dtype=np.int64)

    def state(self) -> dict[str, np.ndarray]:
        """Adapter and optimiser."""
        return self.trainer.state()

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """See `Update`."""
        self.trainer.restore(tensors)


def _inside(length: I8, width: int) -> Bool:
    return np.asarray(np.arange(width) < length[:, None])
