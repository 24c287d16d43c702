"""The matching loss against its other forms, its optimum and its gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poets_core.fit.loss import matching_loss

SMALL = st.integers(0, 2**32 - 1)


def problem(seed, m=3, n=7, prompts=1):
    rng = np.random.default_rng(seed)
    delta = torch.from_numpy(rng.normal(size=(m, n)))
    rewards = torch.from_numpy(rng.normal(size=n))
    weights = torch.from_numpy(rng.poisson(1.0, (m, n)).astype(float))
    return delta, rewards, weights, torch.from_numpy(rng.integers(0, prompts, n))


@given(SMALL)
def test_equals_the_all_pairs_form_and_the_solved_baseline(seed):
    delta, rewards, weights, prompt = problem(seed)
    ours = matching_loss(delta, rewards, weights, prompt)
    for m in range(3):
        w, e = weights[m].numpy(), (rewards - delta[m]).numpy()
        total = w.sum()
        if total == 0:
            assert ours[m] == 0
            continue
        pairs = sum(w[i] * w[j] * (e[i] - e[j]) ** 2 for i, j in itertools.combinations(range(len(e)), 2))
        assert np.isclose(ours[m], pairs / (2 * total**2))
        baseline = (w * e).sum() / total
        assert np.isclose(ours[m], (w * (e - baseline) ** 2).sum() / (2 * total))


@given(SMALL, st.floats(-5, 5))
def test_a_constant_per_prompt_changes_nothing(seed, constant):
    delta, rewards, weights, prompt = problem(seed, prompts=2)
    shifted = matching_loss(delta, rewards + constant * prompt, weights, prompt)
    assert torch.allclose(shifted, matching_loss(delta, rewards, weights, prompt), atol=1e-9)
    shifted = matching_loss(delta - constant * prompt, rewards, weights, prompt)
    assert torch.allclose(shifted, matching_loss(delta, rewards, weights, prompt), atol=1e-9)


@given(SMALL)
def test_prompts_are_centred_apart(seed):
    delta, rewards, weights, prompt = problem(seed, prompts=2)
    whole = matching_loss(delta, rewards, weights, prompt) * weights.sum(1).clamp_min(1)
    parts = torch.zeros(3, dtype=torch.float64)
    for p in (0, 1):
        at = prompt == p
        if at.any():
            part = matching_loss(delta[:, at], rewards[at], weights[:, at], prompt[at])
            parts += part * weights[:, at].sum(1).clamp_min(1)
    assert torch.allclose(whole, parts)


def softmax_policy(seed, arms=12, beta=0.3):
    rng = np.random.default_rng(seed)
    reference = torch.from_numpy(np.log(rng.dirichlet(np.ones(arms))))
    rewards = torch.from_numpy(rng.normal(size=arms))
    return reference, rewards, beta


def test_loss_and_gradient_vanish_at_the_regularised_optimum():
    reference, rewards, beta = softmax_policy(0)
    logits = (reference + rewards / beta).clone().requires_grad_()
    x = torch.tensor([0, 3, 3, 7, 11, 2])
    delta = beta * (logits.log_softmax(0) - reference)[x]
    loss = matching_loss(delta[None], rewards[x], torch.ones(1, 6, dtype=torch.float64), torch.zeros_like(x)).sum()
    loss.backward()
    assert abs(loss.item()) < 1e-20
    assert logits.grad.abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_gradient_at_the_reference_is_grpo_without_the_deviation(seed):
    reference, rewards, beta = softmax_policy(seed)
    x = torch.tensor([0, 3, 5, 7, 11, 2, 2])
    logits = reference.clone().requires_grad_()
    delta = beta * (logits.log_softmax(0) - reference)[x]
    ones = torch.ones(1, len(x), dtype=torch.float64)
    ours = torch.autograd.grad(matching_loss(delta[None], rewards[x], ones, torch.zeros_like(x)).sum(), logits)[0]
    advantage = rewards[x] - rewards[x].mean()
    score = torch.autograd.grad((advantage * logits.log_softmax(0)[x]).mean(), logits)[0]
    assert torch.allclose(ours, -beta * score)


def test_gradient_descent_reaches_the_optimum_from_a_wrong_sampling_distribution():
    reference, rewards, beta = softmax_policy(4)
    logits = reference.clone().requires_grad_()
    adam = torch.optim.Adam([logits], lr=0.05)
    x = torch.arange(12).repeat(3)[:30]  # full support, far from on-policy
    for _ in range(2000):
        delta = beta * (logits.log_softmax(0) - reference)[x]
        loss = matching_loss(delta[None], rewards[x], torch.ones(1, 30, dtype=torch.float64), torch.zeros_like(x)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    optimum = (reference + rewards / beta).log_softmax(0)
    log_p = logits.detach().log_softmax(0)
    assert beta * (log_p.exp() * (log_p - optimum)).sum() < 5e-5
