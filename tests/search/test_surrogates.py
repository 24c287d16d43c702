"""Features of amino acids, boosted trees and the string kernel are what their sources say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.optimize
from Bio.Align import substitution_matrices

from poets_core.errors import InvalidSpec
from poets_core.search.rivals.boosting import fit_trees
from poets_core.search.rivals.residues import BLOSUM62, GEORGIEV, LETTERS, letter_features, residues
from poets_core.search.rivals.string_process import fit_strings, loss, parts_of, string_features, word_distances
from poets_core.search.rivals.surrogate import fit_surrogate, letter_roots, squared_distances
from poets_core.spec import BoostingSettings
from tests.search.sites import Sites, build, play

# -- features of amino acids ---------------------------------------------------------------------


def test_the_matrix_is_the_published_one() -> None:
    matrix = substitution_matrices.load("BLOSUM62")
    ours = np.array(BLOSUM62.split(), dtype=int).reshape(20, 20)
    assert (ours == [[matrix[a][b] for b in LETTERS] for a in LETTERS]).all()


def test_factors_are_centred_and_uncorrelated() -> None:
    table = np.array(GEORGIEV.split(), dtype=float).reshape(20, 19)
    # But for the sixth, of which one value is a little off in every copy that was compared.
    assert np.abs(np.delete(table.mean(0), 5)).max() < 0.01
    assert np.abs(np.delete(np.corrcoef(table.T) - np.eye(19), 5, 0)[:, [k for k in range(19) if k != 5]]).max() < 0.01
    # Isoleucine and valine are alike, tryptophan and glycine are not.
    few = dict(zip(LETTERS, residues("aaindex", 4), strict=True))
    assert np.linalg.norm(few["I"] - few["V"]) < 0.5 * np.linalg.norm(few["W"] - few["G"])


@pytest.mark.parametrize(("kind", "factors"), [("aaindex", 4), ("aaindex", 19), ("blosum", 19)])
def test_residues_are_as_far_apart_as_in_one_hot(kind, factors) -> None:
    square = squared_distances(residues(kind, factors), residues(kind, factors))
    assert np.sqrt(square[np.triu_indices(20, 1)]).mean() == pytest.approx(np.sqrt(2.0))


def test_features_follow_the_tokens_and_are_refused_where_there_are_no_residues() -> None:
    found = letter_features(("", "W", "A"), "blosum")
    assert (found[0] == 0.0).all()
    assert (found[1] == residues("blosum")[LETTERS.index("W")]).all()
    assert letter_features(("", "cx", "A"), "auto") is None
    assert letter_features(("", "W"), "one-hot") is None
    with pytest.raises(InvalidSpec, match="cx") as told:
        letter_features(("", "cx", "A"), "aaindex")
    assert told.value.field == "search.features"


@pytest.mark.parametrize("features", ["aaindex", "blosum"])
def test_draws_over_the_whole_space_have_the_posterior_moments(features, tmp_path) -> None:
    search = build(tmp_path, Sites(letters="ACDE"), method="gp", features=features)
    space = search.space
    rng = np.random.default_rng(0)
    seen = rng.choice(len(space), 20, replace=False)
    everything = search._features(space, space.codes(np.arange(len(space))))
    s = fit_surrogate(everything[seen], rng.normal(size=20))
    mean, std = s.predict(everything)
    roots = letter_roots(search.letters, space, s.length)
    drawn = s.sample_product(roots, lambda codes: search._features(space, codes), space, seen, 4000, rng)
    assert np.abs(drawn.mean(0) - mean).max() < 5 * std.max() / 4000**0.5
    assert np.allclose(drawn.std(0), std, rtol=0.1, atol=0.02)


def test_a_space_and_a_pool_are_described_alike(tmp_path) -> None:
    search = build(tmp_path, Sites(), method="gp", features="aaindex")
    index = np.array([3, 77, 401])
    one = search._features(search.space, search.space.codes(index))
    other = search._describe(search.space.tokens(index).tolist())
    assert np.allclose(squared_distances(one, one), squared_distances(other, other))


# -- boosted trees -------------------------------------------------------------------------------


def test_trees_learn_and_each_draw_is_one_of_them() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (200, 12)).astype(float)
    y = 2.0 * x[:, 0] * x[:, 1] - x[:, 2]
    trees = fit_trees(x[:150], y[:150], BoostingSettings(), np.random.default_rng(1))
    mean, std = trees.predict(x[150:])
    assert np.corrcoef(mean, y[150:])[0, 1] > 0.95
    assert std.min() >= 0.0
    each = trees.predictions(x[150:])
    assert len(each) == 5
    assert len(np.unique(each, axis=0)) == 5  # nine tenths of the data, other ones for each
    drawn = trees.sample(x[150:], 40, rng)
    assert {tuple(row) for row in drawn} == {tuple(row) for row in each}
    again = fit_trees(x[:150], y[:150], BoostingSettings(), np.random.default_rng(1))
    assert (again.predictions(x[150:]) == each).all()


def test_trees_score_the_whole_space(tmp_path) -> None:
    problem = Sites()
    search = build(tmp_path, problem, method="boosting", ensembles=2, trees=10)
    play(search, problem, 1)
    candidates = search.ask(6)
    assert {c.source for c in candidates} == {"space"}
    assert all(np.isfinite((c.predicted_mean, c.predicted_std)).all() for c in candidates)


# -- the string kernel ---------------------------------------------------------------------------


def test_words_are_shares_and_gaps_decay() -> None:
    x, ends = string_features([[1, 2, 1], [1, 2, 2, 1, 3]], 2, 0.0)
    letters, pairs, positions = (x[:, part] for part in parts_of(ends))
    assert np.allclose(letters[0], [2 / 3, 1 / 3, 0])
    assert np.allclose(letters.sum(1), 1.0)
    assert np.allclose(np.sort(pairs[0])[-2:], 0.5)  # 12 and 21
    assert positions.sum(1).tolist() == [3.0, 5.0]
    gapped, ends = string_features([[1, 2, 1]], 2, 0.5)
    # 12 and 21 count one, 1.1 a half.
    assert np.allclose(np.sort(gapped[0, parts_of(ends)[1]]), [0.2, 0.4, 0.4])


def test_a_design_moved_by_one_place_is_near_by_its_words_and_far_by_its_positions() -> None:
    word = [1, 2, 3, 4, 5, 6, 7, 8]
    x, ends = string_features([word, [*word[1:], 1], [8, 7, 6, 5, 4, 3, 2, 1]], 2, 0.0)
    pairs, positions = (x[:, part] for part in parts_of(ends)[1:])
    by_words, by_positions = word_distances(pairs, pairs), word_distances(positions, positions)
    assert np.allclose(by_words, squared_distances(pairs, pairs))
    assert by_words[0, 1] < 0.3 * by_words[0, 2]
    assert by_positions[0, 1] == by_positions[0, 2]


def strings(n: int = 40) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 4, rng.integers(5, 12)).tolist() for _ in range(n)]


def test_the_gradient_of_the_likelihood_is_right() -> None:
    x, ends = string_features(strings(), 2, 0.3)
    squares = np.stack([word_distances(x[:, p], x[:, p]) for p in parts_of(ends)])
    y = np.random.default_rng(1).normal(size=40)
    at = np.array([0.3, -0.5, -1.0, -1.0, -1.5, 0.5, -1.2])
    numeric = scipy.optimize.approx_fprime(at, lambda t: loss(t, squares, y)[0], 1e-6)
    assert np.allclose(loss(at, squares, y)[1], numeric, atol=1e-3)


def test_the_posterior_is_the_textbook_one_and_finds_what_words_decide() -> None:
    designs = strings(160)
    # The share of one pair of letters, wherever it stands: what no position tells.
    y = np.array([sum(a == 1 and b == 2 for a, b in itertools.pairwise(s)) / len(s) for s in designs])
    y = (y - y.mean()) / y.std()
    x, ends = string_features(designs, 3, 0.0)
    s = fit_strings(x[:120], ends, y[:120])
    mean, std = s.predict(x[120:])
    assert np.corrcoef(mean, y[120:])[0, 1] > 0.9
    inverse = np.linalg.inv(s.kernel(s.x, s.x) + (s.noise + 1e-6 * s.variance) * np.eye(120))
    across = s.kernel(x[120:], s.x)
    assert np.allclose(mean, y[:120].mean() + across @ inverse @ s.y, atol=1e-5)
    assert np.allclose(std**2, s.variance - np.einsum("ij,jk,ik->i", across, inverse, across), atol=1e-5)
    kept = fit_strings(x[:120], ends, y[:120], s.theta, tune=False)
    assert (kept.predict(x[120:])[0] == mean).all()
