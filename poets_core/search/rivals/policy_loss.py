"""Losses of policy gradients, from advantages and log-probabilities of tokens."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poets_core.types import F8, I8

FURTHEST = 20.0
"""Log-ratios beyond this are cut: their exponential would overflow and say nothing more."""


def group_advantages(rewards: F8, group: I8, *, scaled: bool) -> F8:
    """Rewards beside those of their own group, f8 (N,).

    Args:
        rewards: f8 (N,).
        group: i8 (N,) round and prompt that each was drawn for.
        scaled: whether to divide by the group's deviation (GRPO, Shao et al., arXiv 2402.03300);
            otherwise the mean over the others of the group is taken off (RLOO, Ahmadian et al., arXiv 2402.14740).
    """
    out = np.zeros(len(rewards))
    for g in np.unique(group).tolist():
        at = np.flatnonzero(group == g)
        r = rewards[at]
        if scaled:
            out[at] = (r - r.mean()) / max(float(r.std()), 1e-6)
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
    gain = torch.minimum(ratio * a, ratio.clamp(1.0 - clip, 1.0 + clip) * a)
    far = (reference - log_p).clamp(-FURTHEST, FURTHEST)
    per_token = gain - beta * (far.exp() - far - 1.0)
    rows = torch.where(inside, per_token, 0.0).sum(1) / inside.sum(1).clamp_min(1)
    return -rows.mean()


def reinforce_loss(
    log_p: Float[Tensor, "n T"], inside: Bool[Tensor, "n T"], advantages: Float[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Score-function estimate: minus the mean of advantage times log-probability of the whole completion."""
    return -(advantages * torch.where(inside, log_p, 0.0).sum(1)).mean()
