"""Losses of the rivals against numbers made by hand, and against the policies' own distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poets_core.fit.policy_loss import (
    divergence_loss,
    group_advantages,
    grpo_loss,
    ppo_loss,
    reinforce_loss,
    sequence_loss,
)

# Two answers: one of two tokens, one of one token, the policy has moved by these log-ratios.
OLD = torch.tensor([[-1.0, -2.0], [-0.5, 0.0]], dtype=torch.float64)
MOVED = torch.tensor([[math.log(1.5), math.log(0.5)], [math.log(1.1), 0.0]], dtype=torch.float64)
INSIDE = torch.tensor([[True, True], [True, False]])
A = torch.tensor([1.0, -2.0], dtype=torch.float64)


def k3(d):
    """The estimate of KL(pi || ref) at one token; d = log ref - log pi."""
    return math.exp(d) - d - 1


def test_grpo_by_hand():
    # Ratios 1.5 (cut at 1.2), .5 and 1.1; the reference is the old policy, so d = -log ratio.
    pull = [k3(-math.log(r)) for r in (1.5, 0.5, 1.1)]
    first = (min(1.5, 1.2) * 1 - 0.1 * pull[0] + 0.5 * 1 - 0.1 * pull[1]) / 2
    second = -2 * 1.1 - 0.1 * pull[2]
    found = grpo_loss(OLD + MOVED, OLD, OLD, INSIDE, A, clip=0.2, beta=0.1)
    assert found.item() == pytest.approx(-(first + second) / 2)


def test_dr_grpo_by_hand():
    """The sum over a row is divided by one length for all, and advantages by nothing."""
    first, second = 1.2 * 1 + 0.5 * 1, -2 * 1.1
    found = grpo_loss(OLD + MOVED, OLD, OLD, INSIDE, A, clip=0.2, beta=0.0, length=8)
    assert found.item() == pytest.approx(-(first + second) / 8 / 2)
    rewards, group = np.array([1.0, 0.0, 0.0, 0.5]), np.array([0, 0, 0, 1])
    assert group_advantages(rewards, group, scaled=False, left_out=False) == pytest.approx([2 / 3, -1 / 3, -1 / 3, 0])


def test_rloo_by_hand():
    """One ratio a completion: 1.5 * .5 = .75 and 1.1; the baseline is the mean of the others."""
    found = sequence_loss(OLD + MOVED, OLD, INSIDE, A, clip=0.2)
    # Advantage 1: min(.75, .8) = .75. Advantage -2: min(-2.2, -2.2).
    assert found.item() == pytest.approx(-(0.75 - 2.2) / 2)
    cut = sequence_loss(OLD - MOVED, OLD, INSIDE, A, clip=0.2)
    # Ratios 4/3 and 1/1.1: min(4/3, 1.2) = 1.2, and -2/1.1 is inside.
    assert cut.item() == pytest.approx(-(1.2 - 2 / 1.1) / 2)
    rewards, group = np.array([1.0, 0.0, 0.0, 0.5]), np.array([0, 0, 0, 1])
    assert group_advantages(rewards, group, scaled=False) == pytest.approx([1.0, -0.5, -0.5, 0.0])


def test_ppo_by_hand():
    tokens = torch.tensor([[1.0, -1.0], [-2.0, 9.0]], dtype=torch.float64)  # the 9 lies outside
    found = ppo_loss(OLD + MOVED, OLD, INSIDE, tokens, clip=0.2)
    # min(1.5, 1.2) * 1; min(-.5, -.8); -2 * 1.1; mean over the three tokens.
    assert found.item() == pytest.approx(-(1.2 - 0.8 - 2.2) / 3)


@given(st.integers(0, 2**32 - 1))
def test_at_the_policy_that_wrote_them_the_ratio_of_completions_is_the_score_function(seed):
    rng = np.random.default_rng(seed)
    old = torch.from_numpy(-rng.exponential(size=(5, 4)))
    inside = torch.from_numpy(np.arange(4) < rng.integers(1, 5, 5)[:, None])
    a = torch.from_numpy(rng.normal(size=5))
    x, y = old.clone().requires_grad_(), old.clone().requires_grad_()
    sequence_loss(x, old, inside, a, clip=0.2).backward()
    reinforce_loss(y, inside, a).backward()
    assert torch.allclose(x.grad, y.grad)


def test_jensen_shannon_by_hand():
    """Ratio 3: 1/2 (3 log 3 - 4 log 2); ratio 1: nothing; the place outside does not count."""
    moved = torch.tensor([[math.log(3.0), 0.0], [0.0, 5.0]], dtype=torch.float64)
    wanted = 0.5 * (3 * math.log(3) - 4 * math.log(2)) / 2 / 2
    assert divergence_loss(OLD + moved, OLD, INSIDE).item() == pytest.approx(wanted)


@given(st.integers(0, 2**32 - 1))
def test_the_mean_over_the_old_policy_is_the_jensen_shannon_divergence(seed):
    rng = np.random.default_rng(seed)
    p, q = (torch.from_numpy(rng.dirichlet(np.ones(6))) for _ in range(2))
    inside = torch.ones(6, 1, dtype=torch.bool)
    # Every token once, weighted by how often the old policy writes it: the exact expectation.
    each = torch.stack([divergence_loss(p[[k], None].log(), q[[k], None].log(), inside[:1]) for k in range(6)])
    middle = (p + q) / 2
    js = 0.5 * (p * (p / middle).log()).sum() + 0.5 * (q * (q / middle).log()).sum()
    assert torch.allclose((q * each).sum(), js, atol=1e-12)
    assert (each >= -1e-15).all()


def test_a_policy_that_is_far_away_gives_finite_numbers():
    far = (OLD + 1000.0 * torch.sign(A)[:, None]).requires_grad_()
    loss = divergence_loss(far, OLD, INSIDE) + sequence_loss(far, OLD, INSIDE, A, clip=0.2)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(far.grad).all()
