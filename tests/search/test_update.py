"""What the replay fit draws its minibatches from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poets_core.search import update
from poets_core.search.update import BEST, FEWEST, chances
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
    step = search.fit._step
    monkeypatch.setattr(search.fit, "_step", lambda replay, index: (drawn.extend(index.tolist()), step(replay, index)))
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
    monkeypatch.setattr(update, limit, to)
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
