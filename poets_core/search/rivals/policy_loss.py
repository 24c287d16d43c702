"""Losses of policy gradients, made of advantages and log-probabilities of tokens."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

FURTHEST = 20.0
"""Log-ratios are cut at this, in nats. Their exponential would overflow, and such a policy has left the old one."""


def group_advantages(
    rewards: Float64[np.ndarray, " N"], group: Int64[np.ndarray, " N"], *, scaled: bool
) -> Float64[np.ndarray, " N"]:
    """Return how much better each reward is than those of its own group.

    Args:
        rewards: standardised rewards.
        group: number of the round and prompt that each was drawn for.
        scaled: whether to divide by the group's deviation (GRPO, Shao et al., arXiv 2402.03300). Otherwise the mean of
            the others in the group is taken off (RLOO, Ahmadian et al., arXiv 2402.14740).
    """
    out = np.zeros(len(rewards))
    for g in np.unique(group).tolist():
        at = np.flatnonzero(group == g)
        r = rewards[at]
        if scaled:
            out[at] = (r - r.mean()) / max(float(r.std()), 1e-6)
        # r - (sum - r) / (n - 1), written with the mean of all. Alone in its group nothing is better or worse.
        elif len(r) > 1:
            out[at] = (r - r.mean()) * len(r) / (len(r) - 1)
    return out


def grpo_loss(
    log_p: Float[Tensor, "n T"],
    old: Float[Tensor, "n T"],
    reference: Float[Tensor, "n T"],
    inside: Bool[Tensor, "n T"],
    advantages: Float[Tensor, " n"],
    *,
    clip: float,
    beta: float,
) -> Float[Tensor, ""]:
    """Clipped surrogate with the k3 estimate of the KL divergence, mean over tokens, then over rows.

    Args:
        log_p, old, reference: of each token, now, when it was drawn, and under the reference.
        inside: which places lie inside a completion.
        advantages: of each row.
        clip: epsilon; ratios outside 1 +- epsilon earn nothing more.
        beta: weight of KL(pi || reference).

    Source: GRPO (arXiv 2402.03300, equations 3 and 4).
    """
    ratio = (log_p - old).clamp(-FURTHEST, FURTHEST).exp()
    a = advantages[:, None]
    # The minimum is a lower bound of both: a ratio outside the interval can lose, but earns nothing by going further.
    gain = torch.minimum(ratio * a, ratio.clamp(1.0 - clip, 1.0 + clip) * a)
    far = (reference - log_p).clamp(-FURTHEST, FURTHEST)
    per_token = gain - beta * (far.exp() - far - 1.0)
    rows = torch.where(inside, per_token, 0.0).sum(1) / inside.sum(1).clamp_min(1)
    return -rows.mean()


def reinforce_loss(
    log_p: Float[Tensor, "n T"], inside: Bool[Tensor, "n T"], advantages: Float[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Return minus the mean of advantage times log-probability of the whole completion (score-function estimate).

    Args:
        log_p: of each token.
        inside: which places lie inside a completion.
        advantages: of each row.
    """
    return -(advantages * torch.where(inside, log_p, 0.0).sum(1)).mean()
