"""The exact fit: policies whose implicit rewards are draws from a posterior, and a search that is fitted so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from poets_core.lm.library import library_vocabulary
from poets_core.search.history import History
from poets_core.search.poets import exact_fit
from poets_core.search.poets.exact_fit import ExactFit
from poets_core.search.poets.posterior import draw_weights, regress
from poets_core.search.registry import DESIGNED_WIDTH, NGRAM_WIDTH, learns_exactly
from poets_core.types import Candidate, Observation
from tests.lm.test_tangent import on_the_head
from tests.search.sites import Sites, build, play, spec
from tests.search.test_posterior import closed_form

LETTERS = "ACDE"
WORDS = ["".join(w) for w in itertools.product(LETTERS, repeat=3)]
OBSERVED = np.random.default_rng(0).permutation(len(WORDS))[:24]
VALUES = np.random.default_rng(1).normal(size=(3, 4))


def value(word):
    return float(sum(VALUES[k, LETTERS.index(c)] for k, c in enumerate(word)))


def encoded(ens, words, prompt=None):
    tokens = [ens.backbone.completion_ids(w) for w in words]
    return ens.encode(tokens, np.zeros(len(words), dtype=np.int64) if prompt is None else prompt)


def told(ens, words, *, invalid=()):
    """A history of words with their values, one round."""
    history = History("maximise", "z", ens.branches, 0, bootstrap=False)
    candidates, observations = [], []
    for word in words:
        good, name = word not in invalid, f"0-{word}"
        candidates.append(Candidate(name, 0, 0, "branch", 0, word, word, "", 0.0, 0.0, 0.0, 0.0))
        observations.append(Observation(candidates[-1].id, (value(word) if good else np.nan,), (0.0,), good, ""))
    history.add(candidates, observations, encoded(ens, words))
    return history


def fit_of(branches=4, *, beta=30.0, scale=1.0, seed=7, rank=7, prompts=("",)):
    """An exact fit whose space is whitened by all words."""
    ens = on_the_head(letters=LETTERS, length=3, branches=branches, rank=rank, prompts=prompts)
    return ens, ExactFit(ens, encoded(ens, WORDS), beta=beta, scale=scale, seed=seed)


def implicit(ens, words, beta):
    """Implicit rewards of words, each branch's less their mean."""
    p = ens.log_prob(encoded(ens, words))
    delta = beta * (p.branches - p.reference)
    return delta - delta.mean(1, keepdims=True)


def adapters(ens):
    return [p.detach().clone() for p in ens.parameters()]


OTHERS = np.setdiff1d(np.arange(len(WORDS)), OBSERVED)
SEEN = [WORDS[i] for i in OBSERVED]
UNSEEN = [WORDS[i] for i in OTHERS]


def test_branches_differ_as_the_posterior_says_of_designs_they_never_saw():
    """At a large beta a policy is linear in its weights, and all of it has a closed form."""
    m = 256
    ens, fit = fit_of(m)
    history = told(ens, SEEN)
    report = fit.run(history)
    features = fit.tangent.features(encoded(ens, WORDS)).astype(np.float64)
    found = regress(features[OBSERVED].astype(np.float32), history.rewards(), np.zeros(24, dtype=np.int64))
    assert (report["amplitude"], report["noise"]) == pytest.approx((found.amplitude, found.noise), rel=1e-3)
    assert report["noise"] == fit.noise
    mean, covariance = closed_form(found, features[OBSERVED], history.rewards(), np.zeros(24, dtype=np.int64))
    contrast = features[OTHERS] - features[OTHERS].mean(0)
    said, wanted = implicit(ens, UNSEEN, fit.beta), contrast @ covariance @ contrast.T
    deviation = np.sqrt(np.diag(wanted))
    assert deviation.min() > 0.05
    assert (np.abs(said.mean(0) - contrast @ mean) < 4.5 * deviation / np.sqrt(m)).all()
    ratio = said.std(0) / deviation
    assert abs(ratio.mean() - 1.0) < 0.05
    assert np.abs(ratio - 1.0).max() < 0.2
    scatter = np.cov(said.T) / np.outer(deviation, deviation)
    np.testing.assert_allclose(scatter, wanted / np.outer(deviation, deviation), atol=0.3)
    truth = np.array([value(w) for w in UNSEEN])
    assert np.corrcoef(said.mean(0), truth)[0, 1] > 0.8


def test_every_branch_is_the_draw_of_its_own_prior_and_perturbations():
    ens, fit = fit_of(4)
    history = told(ens, SEEN)
    fit.run(history)
    features = fit.tangent.features(encoded(ens, WORDS))
    own, rewards = features[OBSERVED], history.rewards()
    noise = fit._perturbed([c.id for c in history.candidates])
    weights = draw_weights(regress(own, rewards, np.zeros(24, dtype=np.int64)), own, rewards, fit.prior(), noise)
    wanted = weights @ (features[OTHERS] - features[OTHERS].mean(0)).T
    np.testing.assert_allclose(implicit(ens, UNSEEN, fit.beta), wanted, atol=0.05)
    assert wanted.std(0).mean() > 0.1


def test_drawing_anew_gives_other_draws_of_the_same_posterior_and_the_first_ones_again():
    ens, fit = fit_of(4)
    history = told(ens, SEEN)
    fit.run(history)
    first, noise = implicit(ens, UNSEEN, fit.beta), fit.noise
    others = []
    for seed in range(100, 132):
        fit.draw_anew(seed)
        fit.run(history)
        others.append(implicit(ens, UNSEEN, fit.beta))
    drawn = np.concatenate(others)
    wide_ens, wide = fit_of(len(drawn))
    wide.run(told(wide_ens, SEEN))
    usual = implicit(wide_ens, UNSEEN, wide.beta)
    assert np.abs(drawn - np.tile(first, (32, 1))).min(1).max() > 0.0
    deviation = usual.std(0)
    assert (np.abs(drawn.mean(0) - usual.mean(0)) < 4.5 * deviation * np.sqrt(2 / len(drawn))).all()
    assert (drawn.std(0) / deviation).mean() == pytest.approx(1.0, abs=0.08)
    fit.draw_anew(7)
    fit.run(history)
    np.testing.assert_array_equal(implicit(ens, UNSEEN, fit.beta), first)
    assert fit.noise == noise


def test_scale_nothing_makes_every_branch_the_mean():
    ens, fit = fit_of(3, scale=0.0)
    history = told(ens, SEEN)
    fit.run(history)
    said = implicit(ens, UNSEEN, fit.beta)
    assert (said == said[0]).all()
    features = fit.tangent.features(encoded(ens, WORDS)).astype(np.float64)
    own = features[OBSERVED]
    found = regress(own.astype(np.float32), history.rewards(), np.zeros(24, dtype=np.int64))
    mean = closed_form(found, own, history.rewards(), np.zeros(24, dtype=np.int64))[0]
    np.testing.assert_allclose(said[0], (features[OTHERS] - features[OTHERS].mean(0)) @ mean, atol=0.03)


def test_a_larger_scale_sets_branches_further_apart():
    spreads = []
    for scale in (0.5, 1.0, 2.0):
        ens, fit = fit_of(16, scale=scale)
        fit.run(told(ens, SEEN))
        spreads.append(implicit(ens, UNSEEN, fit.beta).std(0).mean())
    assert spreads[1] / spreads[0] == pytest.approx(2.0, rel=0.05)
    assert spreads[2] / spreads[1] == pytest.approx(2.0, rel=0.05)


def test_corrections_take_back_what_linearity_gets_wrong(monkeypatch):
    """At the usual beta weights are large, and the linear solution says something else of its own observations."""
    ens, fit = fit_of(4, beta=0.1)
    report = fit.run(told(ens, SEEN))
    said = implicit(ens, SEEN, 0.1)
    monkeypatch.setattr(exact_fit, "CORRECTIONS", 0)
    ens, plain = fit_of(4, beta=0.1)
    linear = plain.run(told(ens, SEEN))
    off = implicit(ens, SEEN, 0.1)
    assert report["linear_error"] < 0.05
    assert linear["linear_error"] > 3 * report["linear_error"]
    ens, line = fit_of(4, beta=30.0)
    line.run(told(ens, SEEN))
    wanted = implicit(ens, SEEN, 30.0)
    assert np.abs(said - wanted).mean() < 0.5 * np.abs(off - wanted).mean()


def test_what_was_kept_is_what_is_installed(monkeypatch):
    """Corrections that make things worse are not left in the adapters."""
    ens, fit = fit_of(4, beta=0.003)
    report = fit.run(told(ens, SEEN))
    again = fit.run(told(ens, SEEN))
    assert again == report
    monkeypatch.setattr(exact_fit, "CORRECTIONS", 0)
    assert report["linear_error"] <= fit.run(told(ens, SEEN))["linear_error"]


HOLE = [w for w in WORDS if w[0] == "A"]


def test_what_cannot_be_is_marked_down_and_the_rest_hardly_moves():
    bad = [w for w in SEEN if w in HOLE]
    good, rest = [w for w in SEEN if w not in HOLE], [w for w in UNSEEN if w not in HOLE]
    like = [w for w in UNSEEN if w in HOLE]
    assert min(len(bad), len(like)) >= 4
    ens, fit = fit_of(4)
    fit.run(told(ens, good))
    before = implicit(ens, [*rest, *like], fit.beta)
    fit.run(told(ens, SEEN, invalid=HOLE))
    after = implicit(ens, [*rest, *like], fit.beta)
    n = len(rest)
    fall = (after - before)[:, n:].mean(1) - (after - before)[:, :n].mean(1)
    assert (fall < -2.0).all()  # of -INVALID, told by a few designs
    moved = (after - before)[:, :n]
    assert (moved - moved.mean(1, keepdims=True)).std() < 0.35 * before[:, :n].std()
    # Taken for bad values, they would be told apart from good ones by less.
    assert after[:, n:].mean() < after[:, :n].min(axis=1).mean()


def test_values_and_validity_are_fitted_beside_each_other():
    """Weights of a branch are its draw for values and the mean for validity; neither explains away the other."""
    ens, fit = fit_of(3)
    # No rule says which are invalid, so that what is said of validity spills over to valid ones.
    history = told(ens, SEEN, invalid=SEEN[::3])
    report = fit.run(history)
    features, good, prompt = fit.tangent.features(encoded(ens, WORDS)), history.valid, np.zeros(24, dtype=np.int64)
    own, rewards = features[OBSERVED], history.rewards()[good]
    noise = fit._perturbed([c.id for c, ok in zip(history.candidates, good, strict=True) if ok])
    values = draw_weights(regress(own[good], rewards, prompt[good]), own[good], rewards, fit.prior(), noise)
    marks = -exact_fit.INVALID * ~good
    nothing = np.zeros((1, own.shape[1]), dtype=np.float32), np.zeros((1, 24))
    validity = draw_weights(regress(own, marks, prompt), own, marks, *nothing)
    assert (validity @ own[good].T).std() > 0.15
    wanted = (values + validity) @ (features[OTHERS] - features[OTHERS].mean(0)).T
    np.testing.assert_allclose(implicit(ens, UNSEEN, fit.beta), wanted, atol=0.08)
    assert report["linear_error"] < 0.1


def test_values_are_learnt_from_valid_designs_alone():
    """Amplitude and noise are those of the valid designs, whatever else was tried."""
    good = [w for w in SEEN if w not in HOLE]
    ens, fit = fit_of(3)
    history = told(ens, SEEN, invalid=HOLE)
    report = fit.run(history)
    own = fit.tangent.features(encoded(ens, good))
    found = regress(own, history.rewards()[history.valid], np.zeros(len(good), dtype=np.int64))
    assert (report["amplitude"], report["noise"]) == pytest.approx((found.amplitude, found.noise), rel=1e-3)


@pytest.mark.parametrize("good", [0, 1])
def test_with_fewer_than_two_values_branches_are_the_reference(good):
    ens, fit = fit_of(3)
    fit.run(told(ens, SEEN))
    assert fit.run(told(ens, SEEN, invalid=SEEN[good:])) == {}
    p = ens.log_prob(encoded(ens, UNSEEN))
    assert (p.branches == p.reference).all()


def test_values_that_were_taken_back_teach_nothing():
    ens, fit = fit_of(3)
    history = told(ens, SEEN)
    scale = history.scale()
    gone = history.candidates[-1].id
    history.correct([Observation(gone, (np.nan,), (0.0,), False, "spilled", missing=True)])
    fit.run(history)
    without = implicit(ens, UNSEEN, fit.beta)
    other = told(ens, SEEN[:-1])
    other._scale = scale
    fit.run(other)
    np.testing.assert_allclose(without, implicit(ens, UNSEEN, fit.beta), atol=1e-3)


def test_the_same_observations_give_the_same_bits_whatever_was_fitted_before():
    found = []
    for detour in (False, True):
        ens, fit = fit_of(4, beta=0.1)
        if detour:
            fit.run(told(ens, SEEN[:10], invalid=SEEN[3:5]))
        report = fit.run(told(ens, SEEN, invalid=HOLE))
        found.append((adapters(ens), report))
    assert found[0][1] == found[1][1]
    assert all(torch.equal(a, b) for a, b in zip(found[0][0], found[1][0], strict=True))
    ens, fit = fit_of(4, beta=0.1, seed=8)
    fit.run(told(ens, SEEN, invalid=HOLE))
    assert not torch.equal(adapters(ens)[1], found[0][0][1])


def test_an_observation_keeps_its_perturbation_as_others_come():
    _, fit = fit_of(5)
    few = fit._perturbed(["0-0", "0-1", "1-0"])
    more = fit._perturbed(["g-0", "0-0", "0-1", "1-0", "2-0"])
    assert (more[:, 1:4] == few).all()
    assert len(np.unique(more)) == more.size
    _, half = fit_of(5, scale=0.5)
    assert (half._perturbed(["0-0"]) == 0.5 * few[:, :1]).all()
    assert (half.prior() == np.float32(0.5) * fit.prior()).all()
    many = fit._perturbed([f"0-{k}" for k in range(400)])
    assert abs(many.mean()) < 0.1
    assert many.std() == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.corrcoef(many) - np.eye(5)).max() < 0.2


def test_branches_of_one_seed_do_not_depend_on_how_many_there_are():
    few, more = fit_of(2)[1], fit_of(5)[1]
    assert (more.prior()[:2] == few.prior()).all()
    assert (more._perturbed(["0-3"])[:2] == few._perturbed(["0-3"])).all()


# -- the search ------------------------------------------------------------

HOW = [
    {"climb": 2, "reference_weight": 0.2, "trunk": "trained"},
    {"whole_space": True, "trunk": "trained"},
    {"trunk": "n-grams"},
    {"reference_share": 0.3, "whole_space": True, "trunk": "trained"},
]


@pytest.mark.parametrize("how", HOW, ids=lambda h: next(iter(h)))
def test_a_restored_search_goes_on_identically(tmp_path, how):
    problem = Sites()
    first = build(tmp_path, problem, fit="exact", **how)
    history, _ = play(first, problem, 3)
    assert first.ask(12) == first.ask(12)
    state = {k: v.copy() for k, v in first.state().items()}
    assert ("amplitudes" in state) is (how["trunk"] == "n-grams")
    second = build(tmp_path, problem, fit="exact", **how)
    assert "noise" not in second.state()
    second.restore(state, history)
    assert second.noise == first.noise == float(state["noise"]) > 0
    assert second.ask(12) == first.ask(12)
    ours, theirs = play(first, problem, 2), play(second, problem, 2)
    assert ours == theirs
    assert all((first.state()[k] == second.state()[k]).all() for k in first.state())


def test_two_runs_of_a_seed_are_one(tmp_path):
    problem = Sites()
    runs = [play(build(tmp_path / k, problem, fit="exact", trunk="trained", climb=1), problem, 3) for k in "ab"]
    assert runs[0] == runs[1]


def test_an_observation_is_expected_to_scatter_by_the_noise_too(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, fit="exact", trunk="trained")
    _, reports = play(search, problem, 3)
    assert reports[-1].metrics["noise"] == search.noise
    assert {"amplitude", "linear_error"} <= set(reports[-1].metrics)
    candidates = search.ask(6)
    log_p = search.ensemble.log_prob(encoded(search.ensemble, [c.design for c in candidates]))
    predicted = search.prediction().rewards(log_p, np.zeros(len(candidates), dtype=np.int64))
    wanted = np.sqrt(predicted.std(0, ddof=1) ** 2 + search.noise)
    np.testing.assert_allclose([c.predicted_std for c in candidates], wanted, atol=1e-4)
    np.testing.assert_allclose([c.predicted_mean for c in candidates], predicted.mean(0), atol=1e-4)


def test_the_exact_search_has_no_bootstrap_no_prior_adapter_and_the_head_alone(tmp_path):
    search = build(tmp_path, Sites(), fit="exact", trunk="trained", prior_scale=0.5)
    play(search, Sites(), 2)
    assert (search.history.weights == 1).all()
    assert search.ensemble.head_alone
    assert search.ensemble.shape.prior_rank == 0
    assert search.facts["prior_factor"] == 0.0
    assert build(tmp_path / "gradient", Sites()).noise is None


def test_several_prompts_are_fitted_apart(tmp_path):
    problem = Sites(prompts=("", "A"))
    search = build(tmp_path, problem, fit="exact", trunk="trained", whole_space=True)
    history, _ = play(search, problem, 3)
    assert search.facts["whole_space"] is False  # a whole space is that of one prompt
    assert {c.prompt for cs, _ in history for c in cs} == {0, 1}


def test_predictions_of_a_fit_follow_the_rewards(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, fit="exact", prior_scale=0.0)  # the posterior's mean, by designed features
    play(search, problem, 1, batch=96)
    unseen = [w for w in problem.table if (0, w) not in search.history.seen]
    p = search.ensemble.log_prob(encoded(search.ensemble, unseen))
    predicted = search.prediction().rewards(p, np.zeros(len(unseen), dtype=np.int64)).mean(0)
    assert np.corrcoef(predicted, [problem.table[w] for w in unseen])[0, 1] > 0.5


@pytest.mark.parametrize(
    ("how", "exact"),
    [
        ({}, True),
        ({"letters": "ACDEFGHIKL", "length": 7}, False),
        ({"prompts": ("", "A")}, False),
        ({"hole": "A"}, False),
    ],
    ids=["a table", "a large space", "two prompts", "no grammar"],
)
def test_automatically_branches_learn_exactly_where_all_designs_can_be_scored(how, exact):
    problem = Sites.__new__(Sites)
    problem.letters, problem.length = how.get("letters", "ACDE"), how.get("length", 3)
    problem.prompts, problem.hole = how.get("prompts", ("",)), how.get("hole", "")
    vocabulary = library_vocabulary([problem.letters])
    assert learns_exactly(problem, spec(fit="auto"), vocabulary) is exact
    assert learns_exactly(problem, spec(fit="exact"), vocabulary)
    assert not learns_exactly(problem, spec(), vocabulary)
    assert not learns_exactly(problem, spec(method="ga"), vocabulary)


def test_what_learns_exactly_has_designed_features_and_a_beta_of_its_own(tmp_path):
    search = build(tmp_path, Sites(letters="ACD"), fit="auto", exact_beta=2.0, beta=0.2)
    assert search.facts["exact"] is True
    assert search.beta == search.exact.beta == 2.0
    assert search.ensemble.backbone.model.config.n_embd == DESIGNED_WIDTH
    plain = build(tmp_path / "gradient", Sites(letters="ACD"), beta=0.2)
    assert plain.facts["exact"] is False
    assert plain.beta == 0.2
    assert plain.ensemble.backbone.model.config.n_embd == 16


@pytest.mark.parametrize(
    ("how", "problem", "width"),
    [
        ({"fit": "exact"}, {}, DESIGNED_WIDTH),
        ({"fit": "exact"}, {"hole": "A"}, NGRAM_WIDTH),
        ({"fit": "auto"}, {"hole": "A"}, 16),
        ({"fit": "exact", "trunk": "n-grams"}, {}, NGRAM_WIDTH),
        ({"fit": "exact", "trunk": "designed"}, {"hole": "A"}, DESIGNED_WIDTH),
        ({}, {}, 16),
    ],
)
def test_features_suit_the_space_and_how_branches_learn(tmp_path, how, problem, width):
    search = build(tmp_path, Sites(**problem), **how)
    assert search.ensemble.backbone.model.config.n_embd == width


def test_blocks_are_weighed_once_there_are_enough_values(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, fit="exact", trunk="n-grams", pool=2)
    blocks = len(search.exact.tangent.blocks)
    play(search, problem, 1, batch=exact_fit.FEWEST - 1)
    assert search.exact.amplitudes is None
    play(search, problem, 2)
    assert len(search.exact.amplitudes) == blocks + 1
    # Values are a sum over places: where a letter stands counts for more than what stood three back.
    a = dict(zip(search.exact.tangent.blocks, search.exact.amplitudes[:-1], strict=True))
    assert a["place"] > a["back 5"]


def test_where_no_value_is_known_yet_the_reference_writes_on(tmp_path):
    search = build(tmp_path, Sites(), fit="exact", trunk="trained", whole_space=True)
    candidates = search.ask(6)
    search.tell(candidates, [Observation(c.id, (np.nan,), (0.0,), False, "no signal") for c in candidates])
    search.update()
    further = search.ask(6)
    assert {c.source for c in further} == {"reference"}
    assert not {c.design for c in further} & {c.design for c in candidates}


@pytest.mark.parametrize("how", [{"fit": "exact", "whole_space": True}, {}], ids=["space", "pool"])
def test_a_share_of_every_round_is_what_the_reference_writes(tmp_path, how):
    problem = Sites()
    search = build(tmp_path, problem, trunk="trained", reference_share=0.25, **how)
    play(search, problem, 2)
    candidates = search.ask(8)
    free = [c for c in candidates if c.branch < 0]
    assert len(candidates) == 8
    assert len(free) == 2
    assert {c.source for c in free} == {"reference"}
    assert all(c.log_prob == c.reference_log_prob for c in free)
    # They are predicted like all others, so that what was expected of them can be judged.
    assert np.isfinite([(c.predicted_mean, c.predicted_std) for c in free]).all()
    assert len({c.design for c in candidates}) == 8
    # Where a round is one design it is every fourth round.
    alone = 0
    for round in range(2, 42):
        search.round = round
        alone += search.ask(1)[0].branch < 0
    assert 3 <= alone <= 18
