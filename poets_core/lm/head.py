"""How the head scores tokens: log-probabilities, with the gradient of the logits written out.

Autograd keeps the logits beside their softmax and its gradient, which for a
large vocabulary is most of the memory and a third of the time; here the softmax
and the gradient are written into the memory of the logits, a block at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from poets_core.lm.kernels import distinct_writes
from poets_core.lm.likelihood import token_log_prob
from poets_core.lm.lora import StackedLoRALinear
from poets_core.lm.product import adapter_gradients, add_delta, joined

LOGITS_AT_ONCE = 16_000_000
"""Logits of one block. The memory of larger ones is fetched from the system anew each time, and leaves the cache."""
GPU_TIMES = 4
"""How many times larger blocks are on a GPU, where each costs launches and memory is not fetched anew."""


def head_log_prob(
    head: StackedLoRALinear,
    states: Float[Tensor, "n T D"],
    allowed: Bool[Tensor, "rows V"],
    rows: Int[Tensor, "n T"],
    tokens: Int[Tensor, "n T"],
    *,
    values: bool = True,
) -> Float[Tensor, "n T"]:
    """Return log-probabilities of tokens, float64, with gradients into the states and the head's trainable blocks.

    Args:
        head: stacked head; its rows lie branch by branch.
        states: final states, one per token.
        allowed: the mask's table; rows: which of its rows holds at each place.
        tokens: what was written.
        values: False answers zeros where only the gradient is wanted, and keeps nothing for it but the states.
    """
    found: Tensor = HeadLogProb.apply(  # type: ignore[no-untyped-call]
        states, *head.grouped_blocks(), head, allowed, rows, tokens, values
    )
    return found


class HeadLogProb(torch.autograd.Function):
    """`token_log_prob` of a stacked head's logits."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        a: Tensor,
        b: Tensor,
        prior_a: Tensor,
        prior_b: Tensor,
        head: StackedLoRALinear,
        allowed: Tensor,
        rows: Tensor,
        tokens: Tensor,
        values: bool,
    ) -> Tensor:
        """Score every place; keep states, blocks of the head and, if values are wanted, the softmax."""
        # The prior's rows are multiplied with the others: one product of rank R instead of two. They get no gradient.
        whole_a, whole_b = joined(prior_a, a).to(states.dtype), joined(prior_b, b).to(states.dtype)
        ctx.head, ctx.allowed, ctx.prior = head, allowed, prior_a.shape[1]
        ctx.save_for_backward(states, whole_a, whole_b, rows, tokens)
        ctx.softmax = []
        out = torch.zeros(tokens.shape, dtype=torch.float64, device=states.device)
        # The softmax of every block is kept, since it is all that the gradient needs besides the states. Without values
        # it is computed in `backward` instead, where a block can go as soon as it was used.
        if values:
            for at in blocks(tokens.shape, head.out_features, _at_once(states)):
                logits = _logits(head, states[:, at], whole_a, whole_b)
                out[:, at], p = token_log_prob(logits, allowed[rows[:, at]], tokens[:, at])
                ctx.softmax.append(p)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return gradients of the states, A and B: with p the softmax, that of the logits is g (onehot - p)."""
        states, a, b, rows, tokens = ctx.saved_tensors
        head, prior = ctx.head, ctx.prior
        grad_states = torch.empty_like(states)
        grad_a = torch.zeros(a.shape[0], a.shape[1] - prior, a.shape[2], device=a.device)
        grad_b = torch.zeros(b.shape[0], b.shape[1] - prior, b.shape[2], device=b.device)
        kept = list(reversed(ctx.softmax))
        ctx.softmax = []  # every block goes as soon as it is used
        for at in blocks(tokens.shape, head.out_features, _at_once(states)):
            x = states[:, at].reshape(a.shape[0], -1, states.shape[2])
            if kept:
                p = kept.pop()
            else:
                p = _logits(head, states[:, at], a, b).float()
                p = torch.softmax(p.masked_fill_(~ctx.allowed[rows[:, at]], -torch.inf), -1, out=p)
            t, weight = tokens[:, at], grads[0][:, at, None].float()
            # g (onehot - p), in the memory of p: the whole row times -g, then g more where the token stands.
            # One place of each row: no two of these sums meet.
            with distinct_writes():
                p.mul_(-weight).scatter_add_(-1, t[..., None], weight)
            g = p.to(states.dtype).view(a.shape[0], -1, head.out_features)
            inner = torch.bmm(a, x.transpose(1, 2))
            to_inner, to_a, to_b = adapter_gradients(g, x, inner, b, prior, head.shape.scaling)
            grad_a += to_a
            grad_b += to_b
            down = head.base.against(g).baddbmm_(to_inner.transpose(1, 2), a)
            grad_states[:, at] = down.view(*t.shape, -1)
        return grad_states, grad_a, grad_b, *[None] * 7


def blocks(shape: Sequence[int], words: int, most: int) -> list[slice]:
    """Cut the places of some rows into blocks.

    Args:
        shape: (n, t), t places of n rows.
        words: V, logits of a place.
        most: logits of a block at most, unless one place of all rows has more.
    """
    n, t = shape
    width = max(1, most // (n * words))
    return [slice(k, k + width) for k in range(0, t, width)]


def _at_once(states: Tensor) -> int:
    return LOGITS_AT_ONCE * (GPU_TIMES if states.device.type == "cuda" else 1)


def _logits(head: StackedLoRALinear, states: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Logits (n, k, V) of states (n, k, D)."""
    x = states.reshape(a.shape[0], -1, states.shape[2])
    y: Tensor = head.base(x)
    add_delta(y, x, a, b, head.shape.scaling)
    return y.view(*states.shape[:2], -1)
