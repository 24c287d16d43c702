"""Packed frozen layers and the hand-written gradient against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from poets_core.lm.frozen import SMALLEST, FrozenLinear
from poets_core.lm.product import StackedProduct

M, B, IN, OUT, RANK, PRIOR = 3, 20, 192, 256, 4, 2
KINDS = {
    "linear": lambda: nn.Linear(IN, OUT),
    "no bias": lambda: nn.Linear(IN, OUT, bias=False),
    "conv": lambda: Conv1D(OUT, IN),
    "small": lambda: nn.Linear(IN, 8),
}


def frozen(kind: str) -> FrozenLinear:
    torch.manual_seed(0)
    return FrozenLinear(KINDS[kind]().requires_grad_(False))


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_layer_is_the_layer_and_its_input_gradient(kind):
    layer = frozen(kind)
    assert (layer.weight.numel() >= SMALLEST) == (kind != "small")  # both paths are tried
    x = torch.randn(2, B, IN, requires_grad=True)
    expected = layer.plain(x)
    g = torch.randn_like(expected)
    expected.backward(g)
    with torch.no_grad():
        assert torch.allclose(layer(x), expected, atol=1e-5)
    assert torch.allclose(layer.against(g), x.grad, atol=1e-4)


def test_a_row_does_not_depend_on_how_many_there_are():
    layer, x = frozen("linear"), torch.randn(333, IN)
    whole = layer(x)
    for n in (1, 2, 7, 16, 100):
        assert (layer(x[:n]) == whole[:n]).all()


@pytest.mark.parametrize("prior", [0, PRIOR])
@pytest.mark.parametrize("kind", ["linear", "conv", "small"])
def test_stacked_product_and_its_gradient_are_those_of_autograd(kind, prior):
    layer = frozen(kind)
    out = layer.out_features
    shapes = {"x": (M, B, IN), "a": (M, RANK, IN), "b": (M, RANK, out)}
    ours = {k: torch.randn(s).requires_grad_() for k, s in shapes.items()}
    theirs = {k: v.detach().clone().requires_grad_() for k, v in ours.items()}
    prior_a, prior_b = torch.randn(M, prior, IN), torch.randn(M, prior, out)
    y = StackedProduct.apply(*ours.values(), prior_a, prior_b, layer, 2.0)
    x, a, b = theirs.values()
    whole_a, whole_b = torch.cat([prior_a, a], 1), torch.cat([prior_b, b], 1)
    z = layer.plain(x) + 2.0 * (x @ whole_a.mT) @ whole_b
    assert torch.allclose(y, z, atol=1e-2, rtol=1e-5)
    g = torch.randn_like(z)
    y.backward(g)
    z.backward(g)
    for name in shapes:
        assert torch.allclose(ours[name].grad, theirs[name].grad, atol=1e-2, rtol=1e-4), name


def test_no_gradient_is_computed_for_an_input_that_needs_none(monkeypatch):
    layer = frozen("linear")
    monkeypatch.setattr(layer, "against", lambda g: pytest.fail("nobody asked for the gradient of the input"))
    a, b = torch.randn(M, RANK, IN, requires_grad=True), torch.randn(M, RANK, OUT, requires_grad=True)
    none = torch.zeros(M, 0, IN), torch.zeros(M, 0, OUT)
    StackedProduct.apply(torch.randn(M, B, IN), a, b, *none, layer, 1.0).sum().backward()
    assert a.grad is not None
