"""Frozen linear layers, their weights packed once for the matrix kernel of this processor."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

SMALLEST = 2**15
"""Layers with fewer weights are left as they are: the kernel's overhead would cost more than packing saves."""


class FrozenLinear(nn.Module):
    """`nn.Linear` or GPT-2's `Conv1D` that is never trained.

    Large layers in float32 on a CPU hand oneDNN weights that are packed already (torch's inductor
    does the same); everything else is computed as it was. A row's answer does not depend on
    how many rows there are.

    Attributes:
        plain: the layer itself; owns the weights.
        weight: (out, in), a view of them.
    """

    def __init__(self, plain: nn.Module) -> None:
        """Wrap a layer that lies on its final device."""
        super().__init__()
        self.plain = plain
        self.conv = isinstance(plain, Conv1D)
        self.out_features, self.in_features = (int(k) for k in self.weight.shape)
        # oneDNN would pack the weights anew at every call; packed once, a layer runs at 1.1 to 2.3 times the speed.
        weight = self.weight
        packs = weight.device.type == "cpu" and weight.dtype == torch.float32 and weight.numel() >= SMALLEST
        self._packs = packs and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
        self._forward: Tensor | None = self._pack(weight) if self._packs else None
        self._backward: Tensor | None = None

    @property
    def weight(self) -> Float[Tensor, "out in"]:
        weight: Tensor = self.plain.weight  # type: ignore[assignment]
        return weight.T if self.conv else weight

    @property
    def bias(self) -> Tensor | None:
        bias: Tensor | None = getattr(self.plain, "bias", None)
        return bias

    @staticmethod
    def _pack(weight: Float[Tensor, "out in"]) -> Tensor:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())
        return packed

    def forward(self, x: Float[Tensor, "*n in"]) -> Float[Tensor, "*n out"]:
        """x W^T + bias; packed weights pass no gradient, which `StackedProduct` takes by `against`."""
        if self._forward is None or (torch.is_grad_enabled() and x.requires_grad):
            y: Tensor = self.plain(x)
        else:
            y = torch.ops.mkldnn._linear_pointwise(x, self._forward, self.bias, "none", [], "")
        return y

    def against(self, gradient: Float[Tensor, "*n out"]) -> Float[Tensor, "*n in"]:
        """Gradient of the input from that of the output: g W."""
        if not self._packs:
            return gradient @ self.weight
        # Packed when the first gradient is asked for: a layer that is only sampled from needs no second copy.
        if self._backward is None:
            self._backward = self._pack(self.weight.T)
        out: Tensor = torch.ops.mkldnn._linear_pointwise(gradient, self._backward, None, "none", [], "")
        return out


def freeze_linears(module: nn.Module) -> None:
    """Replace every linear layer inside `module` by a frozen one."""
    for parent in list(module.modules()):
        if isinstance(parent, FrozenLinear):
            continue
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear | Conv1D):
                setattr(parent, name, FrozenLinear(child))
