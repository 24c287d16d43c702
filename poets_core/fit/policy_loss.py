"""Losses and advantages of policy gradients, made of rewards and log-probabilities of tokens."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

FURTHEST = 20.0
"""Log-ratios are cut at this, in nats. Their exponential would overflow, and such a policy has left the old one."""


def group_advantages(
    rewards: Float64[np.ndarray, " N"], group: Int64[np.ndarray, " N"], *, scaled: bool, left_out: bool = True
) -> Float64[np.ndarray, " N"]:
    """Return how much better each reward is than those of its own group.

    Args:
        rewards: standardised rewards.
        group: number of the round and prompt that each was drawn for.
        scaled: whether to divide by the group's deviation (GRPO, Shao et al., arXiv 2402.03300). Otherwise the mean of
            the others in the group is taken off (RLOO, Ahmadian et al., arXiv 2402.14740).
        left_out: False takes off the mean of the whole group instead (Dr. GRPO, Liu et al., arXiv 2503.20783).
    """
    out = np.zeros(len(rewards))
    for g in np.unique(group).tolist():
        at = np.flatnonzero(group == g)
        r = rewards[at]
        if scaled:
            out[at] = (r - r.mean()) / max(float(r.std()), 1e-6)
        # r - (sum - r) / (n - 1), written with the mean of all. Alone in its group nothing is better or worse.
        elif len(r) > 1:
            out[at] = (r - r.mean()) * (len(r) / (len(r) - 1) if left_out else 1.0)
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
    length: int | None = None,
) -> Float[Tensor, ""]:
    """Clipped surrogate with the k3 estimate of the KL divergence, mean over tokens, then over rows.

    Args:
        log_p, old, reference: of each token, now, when it was drawn, and under the reference.
        inside: which places lie inside a completion.
        advantages: of each row.
        clip: epsilon; ratios outside 1 +- epsilon earn nothing more.
        beta: weight of KL(pi || reference).
        length: what the sum over a row's tokens is divided by, the same for all rows; its own tokens unless given.

    Source: GRPO (arXiv 2402.03300, equations 3 and 4); with a length Dr. GRPO (arXiv 2503.20783, section 3.2).
    """
    gain = _clipped(log_p, old, advantages[:, None].expand_as(log_p), clip)
    far = (reference - log_p).clamp(-FURTHEST, FURTHEST)
    per_token = gain - beta * (far.exp() - far - 1.0)
    # By its own length a long wrong answer is blamed less for each token than a short one.
    rows = torch.where(inside, per_token, 0.0).sum(1) / (inside.sum(1).clamp_min(1) if length is None else length)
    return -rows.mean()


def ppo_loss(
    log_p: Float[Tensor, "n T"],
    old: Float[Tensor, "n T"],
    inside: Bool[Tensor, "n T"],
    advantages: Float[Tensor, "n T"],
    *,
    clip: float,
) -> Float[Tensor, ""]:
    """Clipped surrogate, every token with an advantage of its own, mean over all tokens.

    Args:
        log_p, old: of each token, now and when it was drawn.
        inside: which places lie inside a completion.
        advantages: of each token; the KL penalty is inside them.
        clip: epsilon; ratios outside 1 +- epsilon earn nothing more.

    Source: PPO (arXiv 1707.06347, equation 7).
    """
    return -(torch.where(inside, _clipped(log_p, old, advantages, clip), 0.0).sum() / inside.sum().clamp_min(1))


def _clipped(
    log_p: Float[Tensor, "n T"], old: Float[Tensor, "n T"], a: Float[Tensor, "n T"], clip: float
) -> Float[Tensor, "n T"]:
    """Ratio to the old policy times advantage, cut where going further would earn."""
    ratio = (log_p - old).clamp(-FURTHEST, FURTHEST).exp()
    # The minimum is a lower bound of both: a ratio outside the interval can lose, but earns nothing by going further.
    return torch.minimum(ratio * a, ratio.clamp(1.0 - clip, 1.0 + clip) * a)


def generalised_advantages(
    earned: Float64[np.ndarray, "n T"], value: Float64[np.ndarray, "n T"], trace: float
) -> Float64[np.ndarray, "n T"]:
    """Return how much better each token turned out than the value head expected, undiscounted.

    A_t = sum_l trace^l (r_{t+l} + V_{t+l+1} - V_{t+l}), V = 0 after the last token.

    Args:
        earned: reward of each token, 0 beyond the end.
        value: V before each token, 0 beyond the end.
        trace: lambda; 1 compares everything that follows with V_t, 0 the next token alone.

    Source: generalised advantage estimation (arXiv 1506.02438, equation 16 with gamma 1).
    """
    after = np.concatenate([value[:, 1:], np.zeros((len(value), 1))], axis=1)
    surprise = earned + after - value
    out: Float64[np.ndarray, "n T"] = np.zeros(surprise.shape)
    for t in reversed(range(surprise.shape[1])):
        out[:, t] = surprise[:, t] + (trace * out[:, t + 1] if t + 1 < surprise.shape[1] else 0.0)
    return out


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


def sequence_loss(
    log_p: Float[Tensor, "n T"],
    old: Float[Tensor, "n T"],
    inside: Bool[Tensor, "n T"],
    advantages: Float[Tensor, " n"],
    *,
    clip: float,
) -> Float[Tensor, ""]:
    """Clipped surrogate with one ratio a row, that of the whole completions; mean over rows.

    At the policy that drew them its gradient is that of `reinforce_loss`.

    Args:
        log_p, old: of each token, now and when it was drawn.
        inside: which places lie inside a completion.
        advantages: of each row; the KL penalty is inside them.
        clip: epsilon; ratios outside 1 +- epsilon earn nothing more.

    Source: RLOO (arXiv 2402.14740, section 3.2: a completion is one action) for more than one step on the same draws.
    """
    now, then = (torch.where(inside, x, 0.0).sum(1, keepdim=True) for x in (log_p, old))
    return -_clipped(now, then, advantages[:, None], clip).mean()


def divergence_loss(
    log_p: Float[Tensor, "n T"], old: Float[Tensor, "n T"], inside: Bool[Tensor, "n T"]
) -> Float[Tensor, ""]:
    """Estimate the Jensen-Shannon divergence of policies from draws of the old one, mean over tokens, then over rows.

    E_old[f(u)] with u = pi / old and f(u) = 1/2 [u log u - (1 + u) log((1 + u) / 2)]: nats, at least 0 at every token.

    Args:
        log_p, old: of each token, now and when it was drawn.
        inside: which places lie inside a completion.

    Source: the regulariser of DyJR (arXiv 2603.16157); the estimate is ours.
    """
    d = (log_p - old).clamp(-FURTHEST, FURTHEST)
    u = d.exp()
    # log((1 + u) / 2) of the log-ratio: exact where u is next to 0 or very large.
    middle = torch.nn.functional.softplus(d) - float(np.log(2.0))
    per_token = 0.5 * (u * d - (1.0 + u) * middle)
    return (torch.where(inside, per_token, 0.0).sum(1) / inside.sum(1).clamp_min(1)).mean()
