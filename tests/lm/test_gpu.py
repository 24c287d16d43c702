"""On CUDA: steps are recorded and replayed, repeat to the bit, warn of nothing and wait for nothing.

Each test runs on the CPU too, where what belongs to a GPU is left out, so that its own code is tried everywhere.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from poets_core.fit.replay import Replay
from poets_core.fit.trainer import Trainer
from poets_core.lm.backbone import cut
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kernels import repeatable
from poets_core.lm.lora import AdapterShape
from poets_core.lm.sampling import sample
from poets_core.lm.static_sampling import Static
from tests.lm import tiny

CUDA = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
)


def ensemble(device: str, family: str) -> BranchEnsemble:
    """Four trained branches on a tiny model."""
    if device == "cuda":
        repeatable()
    backbone = cut(tiny.model(family), tiny.tokenizer(), branch_from=1, device=device)
    shape = AdapterShape(branches=4, rank=3, prior_rank=2)
    out = BranchEnsemble(backbone, shape, ("", "MKV"), None, max_tokens=40, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in out.stack.layers.values():
            layer.b.copy_(0.3 * torch.randn(layer.b.shape, generator=generator))
    return out


@contextlib.contextmanager
def unwaiting(device: str) -> Any:
    """Any wait of the host for the GPU is an error."""
    before = torch.cuda.get_sync_debug_mode() if device == "cuda" else 0
    if device == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode(before)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_replayed_sampling_repeats_and_waits_for_nothing(device, family, monkeypatch):
    ens, rng, n = ensemble(device, family), np.random.default_rng(0), 60
    branch, prompt, uniforms = rng.integers(-1, 4, n), rng.integers(0, 2, n), rng.random((n, 40))
    waited = Static._step

    def step(self: Static) -> None:
        with unwaiting(device if ens.kept.get("warm") else "cpu"):  # recording itself waits
            waited(self)

    monkeypatch.setattr(Static, "_step", step)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = sample(ens, branch, prompt, uniforms=uniforms, static=True)
        ens.kept["warm"] = True
        again = sample(ens, branch, prompt, uniforms=uniforms, static=True)
        score = ens.log_prob(ens.encode(again.tokens, prompt))
    assert first.tokens == again.tokens
    assert (first.log_prob == again.log_prob).all()
    own = np.where(branch < 0, score.reference, score.branches[branch, np.arange(n)])
    assert np.abs(own - again.log_prob).max() < (1.0 if device == "cuda" else 1e-4)  # bfloat16 errs
    assert bool(ens.kept["desk"].replayed._recorded) == (device == "cuda")


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_replayed_training_repeats_warns_of_nothing_and_waits_for_nothing(device, family):
    tokens = [[*np.random.default_rng(k).integers(3, 20, 12).tolist(), 2] for k in range(16)]
    ends, rewards = [], np.random.default_rng(1).normal(size=16)
    weights = np.random.default_rng(2).poisson(1.0, (4, 16))
    for static in (True, True, False):
        ens = ensemble(device, family)
        replay = Replay(ens.encode(tokens, np.zeros(16, dtype=np.int64)), rewards, weights)
        fit = Trainer(ens, beta=0.1, learning_rate=1e-3, gradient_norm=1.0)
        fit.static = fit.static if static else None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit.run(replay, steps=2, minibatch=16, seed=0, round=0)
            with unwaiting(device):
                for _ in range(3):
                    fit.step(replay, np.arange(16))
        ends.append([p.detach().cpu().clone() for p in ens.parameters()])
    assert all((a == b).all() for a, b in zip(ends[0], ends[1], strict=True))
    far = 2e-2 if device == "cuda" else 1e-5
    assert max(float((a - b).abs().max()) for a, b in zip(ends[0], ends[2], strict=True)) < far
