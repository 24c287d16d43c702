"""Implicit-reward matching: the loss that turns a policy into a reward model."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def centre(x: Float[Tensor, "M N"], weights: Float[Tensor, "M N"], prompt: Int[Tensor, " N"]) -> Float[Tensor, "M N"]:
    """Subtract from each row the weighted mean over its own prompt.

    The constant beta log Z of the implicit reward belongs to a prompt; this
    removes it exactly. Prompts without weight are left as they are (they do
    not count in the loss).
    """
    groups = torch.nn.functional.one_hot(prompt).to(x.dtype)  # (N, P)
    total = weights @ groups
    mean = (weights * x) @ groups / total.clamp_min(torch.finfo(x.dtype).tiny)
    return x - mean @ groups.T


def matching_loss(
    delta: Float[Tensor, "M N"],
    rewards: Float[Tensor, " N"],
    weights: Float[Tensor, "M N"],
    prompt: Int[Tensor, " N"],
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

    Source: POETS (arXiv 2605.07775); equal to the all-pairs REBEL loss (2404.16767).
    """
    residual = centre(rewards - delta, weights, prompt)
    total = weights.sum(1)
    return 0.5 * (weights * residual**2).sum(1) / total.clamp_min(1.0)
