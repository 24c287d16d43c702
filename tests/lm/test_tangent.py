"""Features of the head's tangent space: derivatives of log-probabilities, and the weights that stand for adapters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from poets_core.errors import InvalidModel
from poets_core.lm import tangent
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.grammar import LengthLimit
from poets_core.lm.lora import AdapterShape
from poets_core.lm.tangent import HeadTangent
from tests.lm.test_ensemble import draw
from tests.lm.tiny import LAYERS, ThreeLetters, backbone

FULL = 32
"""Rank of any change: the width of the tiny models."""


def on_the_head(family="gpt2", *, branches=3, rank=FULL, prompts=("",), length=0, most=10, **options):
    """An ensemble whose adapters are on its head alone; `length` adds a grammar, `most` bounds what has none."""
    model = backbone(family, LAYERS, **options)
    mask = ThreeLetters(model.vocabulary, length) if length else LengthLimit(model.vocabulary, most)
    return BranchEnsemble(model, AdapterShape(branches, rank, 0), prompts, mask, max_tokens=most, seed=3)


def tangent_of(ens, prompts=1):
    """The tangent space, whitened by samples; and further samples."""
    _, prompt, samples = draw(ens, 80, prompts=prompts)
    out = HeadTangent(ens, ens.encode(samples.tokens, prompt))
    _, prompt, samples = draw(ens, 40, prompts=prompts, seed=1)
    return out, ens.encode(samples.tokens, prompt)


def weights_for(out, branches, seed=0):
    k, d = out.size
    return np.random.default_rng(seed).normal(size=(branches, k * d)).astype(np.float32)


def slope(ens, out, encoded, weights, eps):
    """Central differences of branches' log-probabilities along weights."""
    found = []
    for sign in (1, -1):
        out.install(np.float32(sign * eps) * weights)
        p = ens.log_prob(encoded)
        found.append(p.branches - p.reference)
    return (found[0] - found[1]) / (2 * eps)


BLOCKS = [["one", 0, 10], ["two", 10, 14], ["three", 14, FULL]]


def blocked():
    """A tangent space of three blocks."""
    ens = on_the_head()
    ens.backbone.model.config.feature_blocks = BLOCKS
    return ens, *tangent_of(ens)


@pytest.mark.parametrize(
    "told",
    [
        "one",
        7,
        [],
        [["one", 0]],
        [["one", 0, FULL], ["one", 0, FULL]],
        [["one", 0, 10], ["two", 9, FULL]],
        [["one", 0, 10], ["two", 11, FULL]],
        [["one", 0, FULL + 1]],
        [["one", 0, 0], ["two", 0, FULL]],
        [["one", 0, None]],
        [["one", 0, "x"]],
        [["one", 0, float(FULL)]],
    ],
)
def test_blocks_that_are_no_parts_of_the_width_are_refused(told):
    ens = on_the_head()
    ens.backbone.model.config.feature_blocks = told
    with pytest.raises(InvalidModel, match="Expected feature_blocks"):
        tangent_of(ens)


def test_blocks_are_weighed_apart_and_weights_mean_the_same():
    ens, out, encoded = blocked()
    whole = out.features(encoded)
    out.weigh(np.array([4.0, 0.0, 0.25]))
    own = out.features(encoded)
    for x, y, a in zip(out.by_block(whole), out.by_block(own), (12.0, 0.0, 0.75), strict=True):
        np.testing.assert_allclose(y, a**0.5 * x, rtol=1e-4, atol=1e-5)  # at first each has a third
    weights = weights_for(out, ens.branches)
    np.testing.assert_allclose(slope(ens, out, encoded, weights, 1e-3), weights @ own.T, rtol=2e-2, atol=2e-2)


def test_every_block_has_the_same_mean_square_at_first():
    ens, out, _ = blocked()
    _, prompt, samples = draw(ens, 80, prompts=1)
    parts = out.by_block(out.features(ens.encode(samples.tokens, prompt)))
    assert [(x**2).sum(1).mean() for x in parts] == pytest.approx([1 / 3] * 3, rel=1e-3)
    assert [x.shape[1] for x in parts] == [len(out.live) * n for n in (10, 4, FULL - 14)]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("length", [0, 4], ids=["any text", "a grammar"])
def test_features_are_the_slope_of_log_probabilities(family, length):
    ens = on_the_head(family, prompts=("", "MKV"), length=length)
    out, encoded = tangent_of(ens, prompts=2)
    assert set(encoded.prompt) == {0, 1}
    assert length or len(set(encoded.length)) > 2
    weights = weights_for(out, 3)
    said = weights @ out.features(encoded).T
    assert said.std() > 0.5
    np.testing.assert_allclose(slope(ens, out, encoded, weights, 0.03), said, atol=0.01)


def test_features_have_mean_square_one_on_the_designs_that_whiten():
    ens = on_the_head(length=4)
    _, prompt, samples = draw(ens, 300)  # more than one pass
    encoded = ens.encode(samples.tokens, prompt)
    features = HeadTangent(ens, encoded).features(encoded)
    assert (features**2).sum(1).mean() == pytest.approx(1.0, rel=1e-4)


def every_text(ens, length, most):
    """All completions of a grammar of a few letters, or of a length limit."""
    ids = [i for i, t in enumerate(ens.backbone.vocabulary.tokens) if t]
    lengths = [length] if length else range(most)
    return [[*word, 2] for n in lengths for word in itertools.product(ids, repeat=n)]


@pytest.mark.parametrize("length", [3, 0], ids=["a grammar", "texts of any length"])
def test_features_average_to_nothing_under_the_reference(length):
    """The expectation of a score is zero, at every prompt."""
    ens = on_the_head(letters="ACDE", length=length, most=4, prompts=("", "CA"))
    space = every_text(ens, length, 4)
    out = None
    for prompt in range(2):
        encoded = ens.encode(space, np.full(len(space), prompt))
        out = out or HeadTangent(ens, encoded)
        p, features = np.exp(encoded.reference), out.features(encoded)
        assert p.sum() == pytest.approx(1.0, abs=1e-5)
        assert np.abs(features).max() > 0.1
        assert np.abs(p @ features).max() < 1e-4


def delta(ens, branch):
    """What a branch adds to the head, (V, D)."""
    head = ens.head
    return (head.shape.scaling * head.b[branch] @ head.a[branch]).detach().numpy()


def wanted_delta(ens, out, weights):
    """The change of the head that weights stand for, (V, D), from the definition of the features."""
    k, d = out.size
    small = out.left.numpy() @ weights.reshape(k, d) @ out.right.T.numpy()
    whole = np.zeros((ens.head.out_features, d), dtype=np.float32)
    whole[out.live.numpy()] = small
    return whole


@pytest.mark.parametrize("length", [0, 3])
def test_at_full_rank_the_head_changes_by_what_the_weights_say(length):
    ens = on_the_head(length=length)
    out, encoded = tangent_of(ens)
    weights = weights_for(out, 3)
    out.install(weights)
    for k in range(3):
        np.testing.assert_allclose(delta(ens, k), wanted_delta(ens, out, weights[k]), atol=1e-5)
    # And logits change by that matrix times the states, in the pass that scores and samples.
    rows = encoded.take(np.arange(5))
    states, _ = out.places(rows)
    ens.stack.layout.reference()
    before = ens.head(states)
    ens.stack.layout.grouped(slice(1, 2))
    moved = (ens.head(states) - before).detach()
    np.testing.assert_allclose(moved, states @ torch.from_numpy(delta(ens, 1)).T, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 4])
def test_a_lower_rank_is_the_best_approximation_of_that_rank(rank):
    """Eckart and Young: what is left over are the smaller singular values."""
    ens = on_the_head(rank=rank)
    out, _ = tangent_of(ens)
    weights = weights_for(out, 3)
    out.install(weights)
    for k in range(3):
        whole, found = wanted_delta(ens, out, weights[k]), delta(ens, k)
        u, s, v = np.linalg.svd(whole, full_matrices=False)
        np.testing.assert_allclose(found, (u[:, :rank] * s[:rank]) @ v[:rank], atol=1e-4)
        assert np.linalg.norm(whole - found) == pytest.approx(np.sqrt((s[rank:] ** 2).sum()), rel=1e-3)


def test_what_was_installed_before_leaves_nothing_behind():
    ens = on_the_head()
    out, encoded = tangent_of(ens)
    out.install(weights_for(out, 3))
    out.install(np.zeros_like(weights_for(out, 3)))
    p = ens.log_prob(encoded)
    assert (p.branches == p.reference).all()


def test_tokens_that_the_grammar_never_allows_have_no_weights():
    ens = on_the_head(length=3, letters="ACDE")
    out, _ = tangent_of(ens)
    letters = [i for i, t in enumerate(ens.backbone.vocabulary.tokens) if t]
    assert out.live.tolist() == sorted([2, *letters])  # the end, and no padding or beginning
    assert out.size == (5, FULL)


def test_a_large_vocabulary_counts_only_as_far_as_the_grammar_uses_it(monkeypatch):
    monkeypatch.setattr(tangent, "MOST_TOKENS", 21)
    out, _ = tangent_of(on_the_head(length=3))
    assert len(out.live) == 21  # of 23


def test_adapters_below_the_head_and_large_vocabularies_are_refused(monkeypatch):
    model = backbone("gpt2", LAYERS - 1)
    ens = BranchEnsemble(model, AdapterShape(2, 3, 0), ("",), None, max_tokens=6, seed=3)
    with pytest.raises(InvalidModel, match="head alone"):
        tangent_of(ens)
    monkeypatch.setattr(tangent, "MOST_TOKENS", 20)
    with pytest.raises(InvalidModel, match=r"at most 20 tokens .* Use fit='gradient'"):
        tangent_of(on_the_head())


def test_whitening_makes_states_of_equal_size_in_every_direction():
    """With damping far below the eigenvalues, second moments of whitened states become the identity."""
    x = torch.randn(500, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)
    white = x.float() @ tangent._whitening(x, 1e-6)
    np.testing.assert_allclose(white.T @ white / len(x), np.eye(6), atol=1e-3)
    damped = x.float() @ tangent._whitening(x, tangent.DAMPING)
    assert 0.0 < (damped**2).mean(0)[0] < 0.9  # the smallest direction counts for less
    assert (damped**2).mean(0)[5] == pytest.approx(1.0, abs=0.05)


def test_tokens_count_as_alike_as_their_embeddings():
    embedding = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    root = tangent._alike(embedding)
    unit = torch.nn.functional.normalize(embedding, dim=-1)
    np.testing.assert_allclose(root @ root, unit @ unit.T, atol=1e-5)
