"""PPO: advantages token by token, the clipped loss, the value head."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poets_core.fit.policy_loss import generalised_advantages, grpo_loss, ppo_loss
from poets_core.search.rivals.ppo import RIDGE, fit_value_head
from poets_core.types import BEFORE, Given, Observation
from tests.search.sites import Sites, build, play

FAST = {"steps": 3, "minibatch": 8}


def test_advantages_are_those_of_the_sum_of_surprises():
    rng = np.random.default_rng(0)
    earned, value, trace = rng.normal(size=(2, 4)), rng.normal(size=(2, 4)), 0.7
    after = np.append(value[:, 1:], [[0.0], [0.0]], axis=1)
    surprise = earned + after - value
    wanted = [[sum(trace**k * row[t + k] for k in range(4 - t)) for t in range(4)] for row in surprise]
    assert np.allclose(generalised_advantages(earned, value, trace), wanted)
    rest = np.cumsum(earned[:, ::-1], axis=1)[:, ::-1]
    assert np.allclose(
        generalised_advantages(earned, value, 1.0), rest - value
    )  # what follows, minus what was expected
    assert np.allclose(generalised_advantages(earned, value, 0.0), surprise)


def test_the_loss_is_that_of_grpo_where_all_tokens_share_an_advantage_and_nothing_pulls_back():
    rng = torch.Generator().manual_seed(0)
    log_p = -torch.rand(5, 4, generator=rng, dtype=torch.float64)
    old = log_p - 0.3 * torch.rand(5, 4, generator=rng, dtype=torch.float64)
    inside = torch.ones(5, 4, dtype=torch.bool)
    a = torch.tensor([1.0, -1.0, 0.5, -0.2, -0.3], dtype=torch.float64)
    whole = a[:, None].expand_as(log_p)
    assert ppo_loss(log_p, old, inside, whole, clip=0.2) == pytest.approx(
        float(grpo_loss(log_p, old, log_p, inside, a, clip=0.2, beta=0.0))
    )
    far = (log_p + 0.5).requires_grad_()  # a ratio of 1.65: gains are cut, losses are not
    ppo_loss(far, log_p, inside, whole, clip=0.2).backward()
    assert (far.grad[a > 0] == 0).all()
    assert (far.grad[a < 0] != 0).all()
    part = inside.clone()
    part[:, 2:] = False
    y = log_p.clone().requires_grad_()
    ppo_loss(y, old, part, whole, clip=0.2).backward()
    assert (y.grad[:, 2:] == 0).all()  # nothing beyond the end


def test_the_value_head_is_ridge_regression():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    penalty = RIDGE * np.mean((x**2).sum(0))
    assert np.allclose(fit_value_head(x, y), np.linalg.solve(x.T @ x + penalty * np.eye(3), x.T @ y))


def advantages_of(search, rows):
    """The advantages of some observations, and where their tokens are."""
    encoded, rounds = search.history.encoded, np.array([c.round for c in search.history.candidates])
    own = np.flatnonzero([c.round == 0 or c.source == "branch" for c in search.history.candidates])
    found = search._advantages(own, rows, rounds * len(search.problem.prompts) + encoded.prompt)
    return found, np.arange(found.shape[1]) < encoded.length[:, None]


def test_in_the_first_round_a_token_answers_for_the_reward_and_the_pull_that_follow(tmp_path):
    search = build(tmp_path, Sites(), method="ppo", trace=1.0, beta=0.5, **FAST)
    candidates = search.ask(12)
    table = search.problem.table
    search.tell(candidates, [Observation(c.id, (table[c.design],), (0.0,), True, "") for c in candidates])
    rows = np.arange(12)
    found, inside = advantages_of(search, rows)
    rewards = search.history.rewards()
    wanted = np.where(inside, (rewards - rewards.mean())[:, None], 0.0)  # drawn by the reference: nothing pulls
    told = wanted[inside]
    assert np.allclose(found[inside], (told - told.mean()) / told.std(), atol=1e-5)
    assert (found[~inside] == 0).all()
    # a policy that had drifted from the reference pays for it, token by token: the last token less than the first
    search._old = [x + 0.4 for x in search._old]
    found, inside = advantages_of(search, rows)
    paid = 0.5 * 0.4 * (search.history.encoded.length[:, None] - np.arange(inside.shape[1]))
    told = (wanted - paid)[inside]
    assert np.allclose(found[inside], (told - told.mean()) / told.std(), atol=1e-5)


def test_the_value_head_learns_from_earlier_rounds_alone(tmp_path, monkeypatch):
    problem = Sites()
    search = build(tmp_path, problem, method="ppo", **FAST)
    asked: list[int] = []

    def fitted(states, returns):
        asked.append(len(returns))
        return fit_value_head(states, returns)

    monkeypatch.setattr("poets_core.search.rivals.ppo.fit_value_head", fitted)
    play(search, problem, 1)
    assert asked == []  # nothing earlier
    play(search, problem, 2)
    lengths = search.history.encoded.length
    assert asked == [int(lengths[:12].sum()), int(lengths[:24].sum())]
    values = search.history.values
    search.history.values = np.where(np.arange(36) < 24, -3.0 * values, values)
    search.history._scale = None
    before, _ = advantages_of(search, np.arange(24, 36))
    search.history.values = values
    search.history._scale = None
    after, _ = advantages_of(search, np.arange(24, 36))
    assert not np.allclose(before, after)  # what the head has learnt counts


def test_what_was_given_trains_no_head_and_no_policy(tmp_path):
    problem = Sites(given=[Given(d, v) for d, v in list(Sites().table.items())[:20]])
    search = build(tmp_path, problem, method="ppo", **FAST)
    given = search.given()
    search.tell(given, [Observation(c.id, (problem.table[c.design],), (0.0,), True, "") for c in given])
    assert search.round == BEFORE
    before = {k: v.copy() for k, v in search.trainer.state().items()}
    search.update()
    assert all((before[k] == v).all() for k, v in search.trainer.state().items())
    assert len(search.ask(4)) == 4
