"""How a stacked layer multiplies: frozen product and M low-rank deltas, with the gradient written out.

Autograd would run the same small products in layouts that matrix kernels are
several times slower in (docs/decisions/engine.md); here every one has its long side last.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from poets_core.lm.frozen import FrozenLinear


def add_delta(
    y: Float[Tensor, "M b out"],
    x: Float[Tensor, "M b in"],
    a: Float[Tensor, "M R in"],
    b: Float[Tensor, "M R out"],
    scaling: float,
) -> Float[Tensor, "M R b"]:
    """Add scaling * (x A^T) B to y in place; return x A^T, branch by branch transposed."""
    inner = torch.bmm(a, x.transpose(1, 2))
    y.baddbmm_(inner.transpose(1, 2), b, alpha=scaling)
    return inner


class StackedProduct(torch.autograd.Function):
    """y_m = base(x_m) + scaling * (x_m A_m^T) B_m, with gradients into x and the trainable rows of A and B.

    A is the prior rows above the trainable rows, and so is B: the prior rows get no gradient.
    Adapters are kept in float32 and multiplied in the precision of x.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "M b in"],
        a: Float[Tensor, "M r in"],
        b: Float[Tensor, "M r out"],
        prior_a: Float[Tensor, "M p in"],
        prior_b: Float[Tensor, "M p out"],
        base: FrozenLinear,
        scaling: float,
    ) -> Float[Tensor, "M b out"]:
        """Run the frozen layer over all rows at once, then add the deltas in place."""
        # Adapters are float32, where small steps of Adam are not lost; the product runs in the precision of the
        # backbone.
        whole_a, whole_b = joined(prior_a, a).to(x.dtype), joined(prior_b, b).to(x.dtype)
        y: Tensor = base(x)
        inner = add_delta(y, x, whole_a, whole_b, scaling)
        ctx.base, ctx.scaling, ctx.prior = base, scaling, prior_a.shape[1]
        ctx.save_for_backward(x, inner, whole_a, whole_b)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return gradients of x (if wanted), A and B."""
        # x, x A^T and the adapters are all that is kept; autograd would keep the deltas as well.
        x, inner, a, b = ctx.saved_tensors
        g = grads[0].contiguous()
        to_inner, grad_a, grad_b = adapter_gradients(g, x, inner, b, ctx.prior, ctx.scaling)
        # Rows of the lowest stacked layer come from the frozen trunk: their gradient leads nowhere and is not computed.
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = ctx.base.against(g).baddbmm_(to_inner.transpose(1, 2), a)
        return grad_x, grad_a.float(), grad_b.float(), None, None, None, None


def adapter_gradients(
    g: Float[Tensor, "M b out"],
    x: Float[Tensor, "M b in"],
    inner: Float[Tensor, "M R b"],
    b: Float[Tensor, "M R out"],
    prior: int,
    scaling: float,
) -> tuple[Float[Tensor, "M R b"], Float[Tensor, "M r in"], Float[Tensor, "M r out"]]:
    """Return gradients of x A^T (as `add_delta` returns it), and of the trained rows of A and B.

    Args:
        g: gradient of y.
        x, inner, b: as in `add_delta`.
        prior: how many rows of A and B are the prior's, which lie first and get none.
        scaling: of the delta.
    """
    to_inner = torch.bmm(b, g.transpose(1, 2)).mul_(scaling)
    grad_b = torch.bmm(inner[:, prior:], g).mul_(scaling)
    return to_inner, torch.bmm(to_inner[:, prior:], x), grad_b


def joined(prior: Float[Tensor, "M p k"], trained: Float[Tensor, "M r k"]) -> Float[Tensor, "M R k"]:
    """Return both blocks as one, the prior first; nothing is copied where there is no prior."""
    return torch.cat([prior, trained], dim=1) if prior.shape[1] else trained
