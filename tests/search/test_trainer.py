"""How branches are trained: minibatches, steps in chunks, clipping, early stopping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.errors import Diverged
from poets_core.fit import trainer
from poets_core.fit.early_stop import EarlyStop
from poets_core.fit.trainer import BEST, FEWEST, chances
from tests.search.sites import Sites, build, play


@given(st.integers(1, 200), st.floats(0, 0.95), st.integers(0, 2**32 - 1))
def test_chances_have_full_support_and_the_share_asked_for(n, share, seed):
    rewards = np.random.default_rng(seed).normal(size=n)
    p = chances(rewards, share)
    best = np.argsort(-rewards)[: max(FEWEST, int(n * BEST))]
    assert p.sum() == pytest.approx(1.0)
    assert (p > 0).all()
    assert p[best].sum() == pytest.approx(share + (1 - share) * len(best) / n)


def test_the_fit_draws_the_best_more_often(tmp_path, monkeypatch):
    search = build(tmp_path, Sites(), steps=40, best_share=0.8)
    drawn: list[int] = []
    step = search.trainer.step
    monkeypatch.setattr(
        search.trainer, "step", lambda replay, index: (drawn.extend(index.tolist()), step(replay, index))
    )
    play(search, Sites(), 5)
    rewards = search.history.rewards()
    late = np.bincount(drawn[-40 * 16 :], minlength=len(rewards))
    best = np.argsort(-rewards, kind="stable")[: len(rewards) // 4]
    others = np.setdiff1d(np.arange(len(rewards)), best)
    assert late[best].mean() > 2.5 * late[others].mean()  # 16 of 60 without replacement: up to 4 times


@pytest.mark.parametrize("limit", ["ACTIVATION_BYTES", "GROUP_POSITIONS"])
def test_a_step_taken_in_parts_is_the_same_step(tmp_path, monkeypatch, limit):
    whole, parts = (build(tmp_path / name, Sites(), steps=5) for name in ("whole", "parts"))
    play(whole, Sites(), 2)
    rows = 4 * 5  # of tokens: fewer than a minibatch, or what one of the four branches learns from
    to = rows * parts.ensemble.activation_bytes if limit == "ACTIVATION_BYTES" else 2 * 4 * rows
    monkeypatch.setattr(trainer, limit, to)
    calls: list[tuple[int, int]] = []
    log_prob = parts.ensemble.branch_log_prob
    monkeypatch.setattr(
        parts.ensemble,
        "branch_log_prob",
        lambda e, index, w, **how: (calls.append((len(index), len(w))), log_prob(e, index, w, **how))[1],
    )
    play(parts, Sites(), 2)
    longest, most = max(n for n, _ in calls), max(m for _, m in calls)
    if limit == "ACTIVATION_BYTES":  # rows of one branch at a time, and not the 12 or 16 of a minibatch
        assert (longest <= 6, most) == (True, 1)
    else:
        assert (longest > 6, most) == (True, 2)
    for a, b in zip(whole.ensemble.parameters(), parts.ensemble.parameters(), strict=True):
        assert (a - b).abs().max() < 2e-4  # Adam divides by small gradients: rounding is seen


def test_each_branch_is_clipped_to_the_norm_of_the_spec(tmp_path):
    free, clipped = (build(tmp_path / str(g), Sites(), steps=1, gradient_norm=g) for g in (1e6, 1e-3))
    norms = []
    for search in (free, clipped):
        play(search, Sites(), 1)
        grads = [p.grad for p in search.trainer._parameters if p.grad is not None]
        norms.append(np.sqrt(sum(g.double().square().sum((1, 2)).numpy() for g in grads)))
    assert len(norms[0]) == 4
    assert (norms[0] > 2e-3).all()  # every branch has something to clip
    assert norms[1] == pytest.approx(1e-3)


def test_a_branch_that_stops_early_is_its_best_on_what_it_was_not_taught(tmp_path, monkeypatch):
    problem = Sites()
    search = build(tmp_path, problem, steps=0, learning_rate=0.05)
    play(search, problem, 3)
    h = search.history
    replay = trainer.Replay(h.encoded, h.rewards(), h.weights)
    judge = EarlyStop(search.ensemble, h.encoded, h.rewards(), h.weights, beta=search.trainer.beta)
    assert judge.judged.all()
    p = search.ensemble.log_prob(h.encoded)
    delta = search.trainer.beta * (p.branches - p.reference)
    for k, error in enumerate(judge.errors()):  # by hand: half the variance of what is not explained
        out = h.weights[k] == 0
        assert error == pytest.approx(0.5 * (h.rewards() - delta[k])[out].var())
    looks: list[np.ndarray] = []
    look = EarlyStop.look
    monkeypatch.setattr(EarlyStop, "look", lambda self: (looks.append(self.errors()), look(self))[1])
    search.trainer.run(replay, steps=60, minibatch=16, seed=0, round=3, stop_early=True)
    assert len(looks) == 1 + trainer.LOOKS
    assert np.allclose(judge.errors(), np.min(looks, axis=0), rtol=1e-5)
    assert (judge.errors() < looks[-1] - 1e-9).any()  # 60 hot steps overfit somewhere
    search.trainer.run(replay, steps=60, minibatch=16, seed=0, round=3)
    assert len(looks) == 1 + trainer.LOOKS


def test_divergence_is_seen_although_the_fit_may_stop_early(tmp_path, monkeypatch):
    problem = Sites()
    search = build(tmp_path, problem, steps=5, stop_early=True)
    play(search, problem, 1)
    clip = search.trainer._clip
    monkeypatch.setattr(
        search.trainer, "_clip", lambda: (clip(), [p.grad.fill_(float("nan")) for p in search.trainer._parameters])
    )
    with pytest.raises(Diverged, match="learning_rate"):
        play(search, problem, 1)
