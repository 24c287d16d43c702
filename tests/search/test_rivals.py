"""Every rival keeps the contract of a search, and the pieces of each are what its source says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from poets_core.errors import InvalidSpec
from poets_core.fit.policy_loss import group_advantages, grpo_loss, reinforce_loss
from poets_core.search.rivals.surrogate import fit_surrogate, one_hot, sequence_features
from poets_core.search.rivals.tosfit import NOISE, linear_posterior, rarity
from poets_core.search.space import product_space
from poets_core.spec import METHODS
from poets_core.types import Observation
from tests.search.sites import Sites, build, play

RIVALS = tuple(m for m in METHODS if m != "poets")
FAST = {"steps": 3, "minibatch": 8}


@pytest.fixture(params=RIVALS)
def method(request):
    return request.param


def test_first_round_is_that_of_poets_and_later_ones_are_pure(method, tmp_path):
    problem = Sites()
    ours = build(tmp_path / "ours", problem)
    search = build(tmp_path / "rival", problem, method=method, **FAST)
    assert [c.design for c in search.ask(12)] == [c.design for c in ours.ask(12)]
    play(search, problem, 2)
    assert search.ask(12) == search.ask(12)


def test_no_rival_calls_a_design_twice_and_each_ends_with_the_space(method, tmp_path):
    problem = Sites(letters="ACD")
    search = build(tmp_path, problem, method=method, **FAST)
    history, _ = play(search, problem, 2, batch=9)
    while search.ask(9):
        assert search.round < 12
        history += play(search, problem, 1, batch=9)[0]
    designs = [c.design for cs, _ in history for c in cs]
    assert len(designs) == len(set(designs))
    assert len(designs) >= 24  # of 27: policies that have narrowed may miss the last few


def test_repeats_are_allowed_where_the_spec_says_so(method, tmp_path):
    problem = Sites(letters="AC")
    history, _ = play(build(tmp_path, problem, method=method, allow_repeats=True, **FAST), problem, 3)
    assert sum(len(cs) for cs, _ in history) == 36  # 8 designs in all


def test_a_restored_rival_goes_on_to_the_same_bits(method, tmp_path):
    problem = Sites()
    first = build(tmp_path, problem, method=method, **FAST)
    history, reports = play(first, problem, 3)
    for report in reports:
        json.dumps(report.metrics, allow_nan=False)
    second = build(tmp_path, problem, method=method, **FAST)
    second.restore({k: v.copy() for k, v in first.state().items()}, history)
    assert play(first, problem, 2) == play(second, problem, 2)
    assert all((v == second.state()[k]).all() for k, v in first.state().items())


def test_invalid_texts_reach_no_surrogate(method, tmp_path):
    problem = Sites(hole="A")  # no grammar either
    if method == "klts":
        with pytest.raises(InvalidSpec, match="klts"):
            build(tmp_path, problem, method=method)
        return
    history, reports = play(build(tmp_path, problem, method=method, allow_repeats=True, **FAST), problem, 3)
    assert all(len(cs) for cs, _ in history)
    assert 0 <= reports[-1].metrics["valid"] <= 1


@pytest.mark.parametrize(
    ("method", "how"),
    [("ga", {}), ("gp", {}), ("string-gp", {}), ("boosting", {}), ("klts", {}), ("grpo", {"steps": 10})],
)
def test_what_learns_beats_sampling(method, how, tmp_path):
    problem = Sites()

    def late(name, **settings):
        history, _ = play(build(tmp_path / name, problem, method=name, **settings), problem, 6)
        return np.mean([problem.table[c.design] for cs, _ in history[3:] for c in cs])

    assert late(method, **how) > late("reference") + 0.3


def test_a_child_is_one_edit_away_unless_more_are_asked_for(tmp_path):
    problem = Sites(length=3)

    def distances(**how):
        search = build(tmp_path / str(how), problem, method="ga", elites=1, **how)
        play(search, problem, 1)
        elite = search.history.elites(1)[0]
        return [sum(a != b for a, b in zip(c.design, elite, strict=True)) for c in search.ask(12) if c.source == "edit"]

    assert set(distances()) == {1}
    assert max(distances(mutations=3.0)) > 1


# -- the surrogate -------------------------------------------------------------------------------


def data(n=40, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 3))
    effects = rng.normal(size=(3, 4))
    return codes, effects[np.arange(3), codes].sum(1) + 0.1 * rng.normal(size=n)


def test_posterior_is_the_textbook_one():
    codes, y = data()
    x, at = one_hot(codes, (4, 4, 4)), one_hot(np.array([[0, 1, 2], [3, 3, 3]]), (4, 4, 4))
    s = fit_surrogate(x, y)

    def k(a, b):
        return s.amplitude * np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * s.length**2))

    inverse = np.linalg.inv(k(x, x) + (s.noise + 1e-6) * np.eye(len(x)))
    mean, std = s.predict(at)
    assert np.allclose(mean, y.mean() + k(at, x) @ inverse @ (y - y.mean()), atol=1e-6)
    assert np.allclose(std**2, np.diag(k(at, at) - k(at, x) @ inverse @ k(x, at)), atol=1e-6)


def test_draws_over_a_pool_and_over_the_whole_space_have_the_posterior_moments(tmp_path):
    search = build(tmp_path, Sites(letters="ACDE"), method="gp")
    space = search.space
    codes, y = data(30)
    seen = np.ravel_multi_index(tuple(codes.T), space.shape)
    s = fit_surrogate(one_hot(codes, space.shape), y)
    everything = one_hot(space.codes(np.arange(len(space))), space.shape)
    mean, std = s.predict(everything)
    for drawn in (
        s.sample(everything, 4000, np.random.default_rng(0)),
        s.sample_space(space, seen, 4000, np.random.default_rng(1)),
    ):
        assert np.abs(drawn.mean(0) - mean).max() < 5 * std.max() / 4000**0.5
        assert np.allclose(drawn.std(0), std, rtol=0.1, atol=0.02)
        exact = s.kernel(everything, everything)
        half = np.linalg.solve(s.factor, s.kernel(s.x, everything))
        assert np.abs(np.cov(drawn.T) - (exact - half.T @ half)).max() < 0.12 * std.max() ** 2 + 0.01


def test_features_count_differences_by_position_or_by_ngrams():
    same = sequence_features([[5, 6, 7], [5, 6, 8], [8, 9, 5]])
    assert ((same[0] - same[1]) ** 2).sum() == 2
    assert ((same[0] - same[2]) ** 2).sum() == 6
    grams = sequence_features([[5, 6, 7], [5, 6, 7, 7], [9, 9]])
    assert np.allclose((grams**2).sum(1), 4.0)
    assert grams[0] @ grams[1] > grams[0] @ grams[2] == 0


def test_a_product_space_is_written_down_and_others_are_not(tmp_path):
    search = build(tmp_path, Sites(letters="ACDE"), method="gp")
    space = search.space
    assert space.shape == (4, 4, 4)
    everything = space.tokens(np.arange(64))
    texts = {search.ensemble.backbone.text(t) for t in everything.tolist()}
    assert texts == set(search.problem.table)
    assert (space.index(everything.tolist()) == np.arange(64)).all()
    with pytest.raises(ValueError, match="position 0"):
        space.index([[0, 0, 0]])
    free = build(tmp_path / "free", Sites(hole="A"), method="gp")
    assert free.space is None
    assert product_space(free.ensemble.table, free.ensemble.backbone.vocabulary.eos) is None


def test_klts_draws_from_the_tilted_reference(tmp_path, monkeypatch):
    problem = Sites(letters="ACD", length=2)
    search = build(tmp_path, problem, method="klts", allow_repeats=True, beta=0.7)
    play(search, problem, 1)
    reward = np.random.default_rng(5).normal(size=9)
    monkeypatch.setattr(
        "poets_core.search.rivals.surrogate.Surrogate.sample_space",
        lambda self, space, seen, draws, rng, check: np.tile(reward, (draws, 1)),
    )
    reference = search.reference()
    assert np.exp(reference).sum() == pytest.approx(1.0, abs=1e-5)
    wanted = np.exp(reference + reward / 0.7)
    drawn = search.space.index([c.tokens for c in search.ask(20_000)])
    assert np.abs(np.bincount(drawn, minlength=9) / 20_000 - wanted / wanted.sum()).max() < 0.015


# -- policy gradients ----------------------------------------------------------------------------


def test_advantages_are_taken_within_groups():
    rewards, group = np.array([1.0, 3.0, 10.0, 10.0, 13.0]), np.array([0, 0, 1, 1, 1])
    scaled = group_advantages(rewards, group, scaled=True)
    assert scaled[:2].tolist() == [-1.0, 1.0]
    assert scaled[2:].std() == pytest.approx(1.0)
    alone = group_advantages(rewards, group, scaled=False)
    assert alone[0] == 1.0 - 3.0
    assert alone[4] == 13.0 - 10.0


def test_grpo_is_clipped_and_its_gradient_at_the_old_policy_is_that_of_reinforce():
    rng = torch.Generator().manual_seed(0)
    log_p = -torch.rand(5, 4, generator=rng, dtype=torch.float64)
    inside = torch.ones(5, 4, dtype=torch.bool)
    a = torch.tensor([1.0, -1.0, 0.5, -0.2, -0.3], dtype=torch.float64)
    x = log_p.clone().requires_grad_()
    grpo_loss(x, log_p, log_p, inside, a, clip=0.2, beta=0.5).backward()
    y = log_p.clone().requires_grad_()
    reinforce_loss(y, inside, a).backward()
    assert torch.allclose(x.grad * 4, y.grad)  # a mean over the four tokens; the divergence is flat here
    far = (log_p + 0.5).requires_grad_()  # a ratio of 1.65: gains are cut, losses are not
    grpo_loss(far, log_p, log_p, inside, a, clip=0.2, beta=0.0).backward()
    assert (far.grad[a > 0] == 0).all()
    assert (far.grad[a < 0] != 0).all()
    apart = grpo_loss(log_p, log_p, log_p - 200.0, inside, a, clip=0.2, beta=1.0)
    assert torch.isfinite(apart)


def test_tosfit_pays_for_rare_and_uncertain_completions():
    assert (np.diff(rarity(np.log([0.9, 0.5, 0.1, 0.01, 1e-6]))) < 0).all()
    rng = np.random.default_rng(0)
    x, at = rng.normal(size=(12, 4)), rng.normal(size=(3, 4))
    y = x @ np.array([1.0, -2.0, 0.5, 0.0])
    mean, std = linear_posterior(x, y, at)
    precision = x.T @ x / NOISE + np.eye(4)  # Bayesian linear regression: the same in weight space
    assert np.allclose(mean, at @ np.linalg.solve(precision, x.T @ y / NOISE))
    assert np.allclose(std**2, np.einsum("nd,nd->n", at, np.linalg.solve(precision, at.T).T))


# -- what a review found -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gp", "string-gp", "boosting", "best-of-reference", "klts"])
def test_one_observation_is_enough_for_a_process(method, tmp_path):
    problem = Sites()
    history, _ = play(build(tmp_path, problem, method=method), problem, 4, batch=1)
    assert sum(len(cs) for cs, _ in history) == 4


def test_a_process_spends_its_calls_although_nothing_was_valid_or_every_edit_was_seen(tmp_path):
    problem = Sites(hole="A")  # no product space: designs come from a pool
    search = build(tmp_path, problem, method="gp", edit_share=1.0, pool=2, elites=1)
    candidates = search.ask(12)
    search.tell(candidates, [Observation(c.id, (float("nan"),), (0.0,), False, "broken") for c in candidates])
    search.update()
    assert len(search.ask(12)) == 12  # not an edit to be made: there are no elites
    history, _ = play(search, problem, 12)
    assert all(len(cs) == 12 for cs, _ in history)  # the edits of one elite are soon used up


def test_what_the_reference_fills_in_does_not_train_the_policy(tmp_path, monkeypatch):
    problem = Sites()
    search = build(tmp_path, problem, method="grpo", **FAST)
    play(search, problem, 1)
    draw = search.sampler.draw_unseen

    def narrow(branch, *args, **how):
        found = draw(branch, *args, **how)
        return [None if b >= 0 and k >= 4 else d for k, (b, d) in enumerate(zip(branch.tolist(), found, strict=True))]

    monkeypatch.setattr(type(search.sampler), "draw_unseen", lambda self, *args, **how: narrow(*args, **how))
    trained: list[int] = []
    loss = search._loss
    monkeypatch.setattr(search, "_loss", lambda index, a: (trained.extend(index.tolist()), loss(index, a))[1])
    ((candidates, _),) = play(search, problem, 1)[0]
    assert [c.branch for c in candidates] == [0] * 4 + [-1] * 8
    assert set(trained) == {12, 13, 14, 15}  # the four that the policy wrote
