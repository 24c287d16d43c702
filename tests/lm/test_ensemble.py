"""The branch ensemble against plain Hugging Face models, brute force and itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from poets_core.lm.sampling import sample
from tests.lm.tiny import FAMILIES, LAYERS, LETTERS, ensemble, model

CASES = [(f, level) for f in FAMILIES for level in range(LAYERS + 1)]


def draw(ens, n=40, prompts=1, seed=0):
    rng = np.random.default_rng(seed)
    branch = rng.integers(-1, ens.branches, n)
    prompt = rng.integers(0, prompts, n)
    return branch, prompt, sample(ens, branch, prompt, uniforms=rng.random((n, ens.table.mask.max_tokens)))


def every_log_prob(ens, encoded):
    """Every branch asked about every completion, with gradients."""
    return ens.branch_log_prob(encoded, np.arange(len(encoded)), np.ones((ens.branches, len(encoded)), dtype=bool))


def plain_log_prob(plain, prompt, tokens):
    with torch.no_grad():
        log_p = plain(torch.tensor([prompt + tokens])).logits[0].log_softmax(-1)
    return sum(float(log_p[len(prompt) - 1 + i, t]) for i, t in enumerate(tokens))


@pytest.mark.parametrize(("family", "branch_from"), CASES)
def test_scoring_repeats_sampling_for_rows_of_any_branch_and_prompts_of_unequal_length(family, branch_from):
    ens = ensemble(family, branch_from, prompts=("", "MKV"), trained=True)
    ens.stack.set_prior_factor(0.5)
    branch, prompt, samples = draw(ens, 60, prompts=2)
    log_p = ens.log_prob(ens.encode(samples.tokens, prompt))
    own = np.where(branch < 0, log_p.reference, log_p.branches[branch, np.arange(60)])
    assert np.abs(own - samples.log_prob).max() < 1e-4
    assert log_p.branches.std(0).min() > 1e-3  # the branches do differ
    assert len({len(t) for t in samples.tokens}) > 2


@pytest.mark.parametrize(("family", "branch_from"), CASES)
def test_reference_equals_the_plain_model_without_grammar(family, branch_from):
    ens = ensemble(family, branch_from, prompts=("", "MKV"), trained=True)
    plain = model(family)
    _, prompt, samples = draw(ens, 20, prompts=2)
    found = ens.log_prob(ens.encode(samples.tokens, prompt), grammar=False).reference
    wanted = [plain_log_prob(plain, ens.prompt_ids[p], t) for p, t in zip(prompt, samples.tokens, strict=True)]
    assert np.abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize("branch_from", range(LAYERS + 1))
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [1, 3, 40])
def test_implicit_reward_is_exactly_zero_before_training_without_prior(family, branch_from, n):
    ens = ensemble(family, branch_from, prior_rank=0)
    _, prompt, samples = draw(ens, n)
    log_p = ens.log_prob(ens.encode(samples.tokens, prompt))
    assert (log_p.branches == log_p.reference).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_enumerated_probabilities_sum_to_one_for_every_branch(family):
    ens = ensemble(family, 1, length=3, letters="ACDE", trained=True)
    ids = [i for i, t in enumerate(ens.backbone.vocabulary.tokens) if t]
    space = [[*word, 2] for word in itertools.product(ids, repeat=3)]
    log_p = ens.log_prob(ens.encode(space, np.zeros(64, dtype=np.int64)))
    assert np.abs(np.exp(log_p.branches).sum(1) - 1).max() < 1e-6
    assert abs(np.exp(log_p.reference).sum() - 1) < 1e-6


def test_samples_follow_the_enumerated_distribution():
    ens = ensemble("gpt2", 1, length=2, letters="ACDE", trained=True)
    ids = [i for i, t in enumerate(ens.backbone.vocabulary.tokens) if t]
    space = [[*word, 2] for word in itertools.product(ids, repeat=2)]
    p = np.exp(ens.log_prob(ens.encode(space, np.zeros(16, dtype=np.int64))).branches[2])
    n = 4000
    uniforms = np.random.default_rng(1).random((n, 3))
    tokens = sample(ens, np.full(n, 2), np.zeros(n, dtype=np.int64), uniforms=uniforms).tokens
    counts = np.array([tokens.count(s) for s in space])
    chi_square = float(((counts - n * p) ** 2 / (n * p)).sum())
    assert chi_square < 37.7  # 99.9 % of chi-square with 15 degrees of freedom


def test_a_row_does_not_depend_on_its_neighbours():
    ens = ensemble(trained=True)
    uniforms = np.random.default_rng(2).random((30, 10))
    branch, prompt = np.arange(30) % 4, np.zeros(30, dtype=np.int64)
    together = sample(ens, branch, prompt, uniforms=uniforms).tokens
    alone = [sample(ens, branch[[i]], prompt[[i]], uniforms=uniforms[[i]]).tokens[0] for i in range(30)]
    assert together == alone


def test_gradients_do_not_leak_between_branches_or_into_the_backbone():
    ens = ensemble(trained=True)
    _, prompt, samples = draw(ens, 20)
    every_log_prob(ens, ens.encode(samples.tokens, prompt))[1].sum().backward()
    for p in ens.parameters():
        others = torch.cat([p.grad[:1], p.grad[2:]])
        assert (others == 0).all()
        assert (p.grad[1] != 0).any()
    assert all(q.grad is None for q in ens.backbone.model.parameters() if not q.requires_grad)
    trainable = {id(p) for p in ens.parameters()}
    assert not [n for n, q in ens.backbone.model.named_parameters() if q.requires_grad and id(q) not in trainable]


@pytest.mark.parametrize("branches", [1, 2])
def test_one_branch_one_row_and_empty_groups(branches):
    ens = ensemble(branches=branches, trained=True)
    samples = sample(ens, np.array([branches - 1]), np.array([0]), uniforms=np.full((1, 10), 0.4))
    log_p = ens.log_prob(ens.encode(samples.tokens, np.array([0])))
    assert log_p.branches.shape == (branches, 1)
    assert abs(log_p.branches[-1, 0] - samples.log_prob[0]) < 1e-4
    assert (
        sample(ens, np.array([], dtype=np.int64), np.array([], dtype=np.int64), uniforms=np.zeros((0, 10))).tokens == []
    )


def test_untied_embeddings_and_large_batches_give_the_same_as_small_ones():
    ens = ensemble(tied=False, trained=True)
    _, prompt, samples = draw(ens, 50)
    whole = ens.encode(samples.tokens, prompt)
    parts = [ens.log_prob(ens.encode([samples.tokens[i]], prompt[i : i + 1])).branches[:, 0] for i in range(50)]
    assert np.abs(ens.log_prob(whole).branches - np.stack(parts, 1)).max() < 1e-5


def test_forced_end_at_the_limit_adds_nothing():
    ens = ensemble("llama", 1, length=2, letters="AC", trained=True)
    ids = [3, 4]
    with_end = ens.log_prob(ens.encode([[*ids, 2]], np.array([0]))).branches
    without = ens.log_prob(ens.encode([ids], np.array([0]))).branches
    assert np.abs(with_end - without).max() < 1e-6


def test_temperature_warms_the_draw_but_not_the_density():
    ens = ensemble(length=6, trained=True)
    n = 200
    branch, prompt = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    uniforms = np.random.default_rng(3).random((n, 7))
    cold = sample(ens, branch, prompt, uniforms=uniforms, temperature=0.2)
    log_p = ens.log_prob(ens.encode(cold.tokens, prompt)).branches[0]
    assert np.abs(log_p - cold.log_prob).max() < 1e-4
    warm = sample(ens, branch, prompt, uniforms=uniforms, temperature=3.0)
    assert cold.log_prob.mean() > warm.log_prob.mean() + 2
    assert set("".join(ens.backbone.text(t) for t in warm.tokens)) <= set(LETTERS)


@pytest.mark.parametrize("family", FAMILIES)
def test_long_completions_outgrow_the_first_cache_and_are_scored_as_they_were_drawn(family):
    ens = ensemble(family, 1, length=50, trained=True)  # 32 places are reserved at first
    ens.stack.set_prior_factor(0.5)
    branch, prompt, samples = draw(ens, 24)
    assert {len(t) for t in samples.tokens} == {51}
    log_p = ens.log_prob(ens.encode(samples.tokens, prompt))
    own = np.where(branch < 0, log_p.reference, log_p.branches[branch, np.arange(24)])
    assert np.abs(own - samples.log_prob).max() < 5e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("prior_rank", [0, 2])
def test_a_large_vocabulary_is_scored_a_few_places_at_a_time(monkeypatch, prior_rank, dtype):
    ens = ensemble("llama", 1, trained=True, prior_rank=prior_rank, dtype=dtype)
    ens.stack.set_prior_factor(0.5)
    _, prompt, samples = draw(ens, 20)
    encoded, index = ens.encode(samples.tokens, prompt), np.arange(20)
    wanted = np.random.default_rng(0).random((ens.branches, 20)) < 0.6
    into = torch.from_numpy(np.random.default_rng(1).normal(size=wanted.shape))

    def score(**how):
        for p in ens.parameters():
            p.grad = None
        found = ens.branch_log_prob(encoded, index, wanted, **how)
        found.backward(into)
        return found.detach(), [p.grad.clone() for p in ens.parameters()]

    whole, gradients = score()
    blocks: list[int] = []
    rows = ens.branches * int(wanted.sum(1).max())
    words = rows * len(LETTERS)
    monkeypatch.setattr("poets_core.lm.ensemble.LOGITS_PER_PASS", 3 * words)
    monkeypatch.setattr("poets_core.lm.head.LOGITS_AT_ONCE", 3 * words)
    ens.head.base.register_forward_hook(lambda _, x, __: blocks.append(x[0].shape[:2].numel()))
    parts, again = score()
    forward = len(blocks)
    assert forward > 1
    assert max(blocks) <= 3 * rows
    unvalued, only = score(values=False)
    assert len(blocks) == 2 * forward  # once, whether the softmax is kept or computed on the way back
    assert (unvalued == 0).all()
    far = 1e-4 if dtype == torch.float32 else 0.3
    assert (whole - parts).abs().max() < far
    for a, b, c in zip(gradients, again, only, strict=True):
        assert (b == c).all()
        assert (a - b).abs().max() < far * max(1.0, float(a.abs().max()))


def test_branches_are_asked_only_about_what_is_wanted():
    ens = ensemble("gpt2", 1, trained=True)
    _, prompt, samples = draw(ens, 12)
    encoded, index = ens.encode(samples.tokens, prompt), np.array([3, 5, 7, 8, 9])
    wanted = np.random.default_rng(0).random((ens.branches, 5)) < 0.5
    wanted[0] = False
    computed: list[int] = []
    next(iter(ens.stack.layers.values())).register_forward_hook(lambda _, x, __: computed.append(len(x[0])))
    found = ens.branch_log_prob(encoded, index, wanted).detach().numpy()
    assert computed == [ens.branches * wanted.sum(1).max()]
    assert np.abs(found - np.where(wanted, ens.log_prob(encoded).branches[:, index], 0.0)).max() < 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_keeps_the_adapters_and_the_log_ratio_exact(family):
    plain = model(family)
    ens = ensemble(family, 1, prior_rank=0, dtype=torch.bfloat16)
    _, prompt, samples = draw(ens, 30)
    encoded = ens.encode(samples.tokens, prompt)
    log_p = ens.log_prob(encoded)
    assert encoded.states.blocks[0].dtype == torch.bfloat16
    assert (log_p.branches == log_p.reference).all()  # the same kernels for pi and pi_ref
    wanted = [plain_log_prob(plain, ens.prompt_ids[0], t) for t in samples.tokens]
    assert np.abs(ens.log_prob(encoded, grammar=False).reference - wanted).max() < 0.3
    every_log_prob(ens, encoded).sum().backward()
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in ens.parameters())
    assert np.abs(log_p.branches[0] - samples.log_prob).max() < 0.3
