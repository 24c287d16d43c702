"""The loss that turns a policy into a reward model: implicit-reward matching."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def centre(
    x: Float[Tensor, "M N"], weights: Float[Tensor, "M N"], prompt: Int[Tensor, " N"], prompts: int | None = None
) -> Float[Tensor, "M N"]:
    """Subtract from each row the weighted mean over its own prompt.

    The constant beta log Z of the implicit reward belongs to a prompt; this removes it exactly. Prompts without weight
    stay as they are, since they do not count in the loss.

    Args:
        x: one row per branch.
        weights: bootstrap weights.
        prompt: index of each observation's prompt.
        prompts: P, one more than the largest index; without it a GPU is asked, and waited for.
    """
    count = int(prompt.max()) + 1 if prompts is None else prompts
    groups = (prompt[:, None] == torch.arange(count, device=prompt.device)).to(x.dtype)  # (N, P)
    total = weights @ groups
    # A total of 0 divides sums that are 0 too: any positive number in its place gives the mean 0.
    mean = (weights * x) @ groups / total.clamp_min(torch.finfo(x.dtype).tiny)
    return x - mean @ groups.T


def matching_loss(
    delta: Float[Tensor, "M N"],
    rewards: Float[Tensor, " N"],
    weights: Float[Tensor, "M N"],
    prompt: Int[Tensor, " N"],
    prompts: int | None = None,
) -> Float[Tensor, " M"]:
    """Centred implicit-reward matching, one loss per branch (to be summed, never averaged).

    L_m = 1 / (2 W_m) sum_i w_mi [ (r_i - r_w) - (Delta_m(x_i) - D_w) ]^2, with
    W_m = sum_i w_mi and weighted means per branch and prompt. Its minimiser is
    the KL-regularised optimum for any sampling distribution of full support.

    Args:
        delta: implicit rewards beta (log pi_m - log pi_ref), in reward units.
        rewards: standardised rewards.
        weights: bootstrap weights; a branch without weight has loss 0.
        prompt: index of each observation's prompt.
        prompts: see `centre`.

    Source: POETS (arXiv 2605.07775); equal to the all-pairs REBEL loss (2404.16767).
    """
    residual = centre(rewards - delta, weights, prompt, prompts)
    # By the weight of the branch itself: its step is then as long for a bootstrap that drew few observations as for one
    # that drew many. At least 1, so that a branch without weight has loss 0 and not 0 / 0.
    total = weights.sum(1)
    return 0.5 * (weights * residual**2).sum(1) / total.clamp_min(1.0)
