"""The laid-out trunk for any length: heads read so many tokens back, means are means, blocks keep to themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from poets_core.errors import InvalidModel
from poets_core.lm import ngrams
from poets_core.lm.library import BOS, tokenizer_for, train_library_backbone
from tests.lm.tiny import LETTERS

WIDTH, LONGEST = 384, 60


def corpus(n=200, shortest=5, longest=LONGEST, seed=0):
    """Random designs of several lengths."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(LETTERS), rng.integers(shortest, longest + 1))) for _ in range(n)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ngrams")
    texts = [*corpus(), LETTERS * (LONGEST // len(LETTERS))]
    train_library_backbone(texts, folder, width=WIDTH, steps=30, positions=2 * LONGEST, features="n-grams", seed=1)
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def ids_of(text):
    """Token ids of a design after its beginning."""
    return torch.tensor([[BOS, *tokenizer_for(list(LETTERS))([text], add_special_tokens=False)["input_ids"][0]]])


@torch.no_grad()
def states(model, text):
    """Final states, (T, D), before the last layer norm, which makes all blocks smaller where one is large."""
    found = []
    hook = model.transformer.ln_f.register_forward_pre_hook(lambda _, x: found.append(x[0][0]))
    model(ids_of(text))
    hook.remove()
    return found[0]


def block(model, name):
    """The dimensions of a block."""
    return next(slice(a, b) for n, a, b in model.config.feature_blocks if n == name)


@torch.no_grad()
@pytest.mark.parametrize("text", [corpus(1, 60, 60, seed=5)[0], corpus(1, 9, 9, seed=6)[0]])
def test_head_d_reads_the_token_d_back_and_the_beginning_where_there_is_none(model, text):
    attention = model(ids_of(text), output_attentions=True).attentions[0][0]
    for head in range(len(ngrams.BACK)):
        for at in range(len(text) + 1):
            wanted = max(0, at - head - 1)
            assert attention[head, at, wanted] > 0.85, (head, at)


@torch.no_grad()
def test_heads_of_the_second_layer_look_at_everything_alike(model):
    attention = model(ids_of("ACCAACAC"), output_attentions=True).attentions[1][0]
    rows = torch.arange(1, 10)
    assert torch.allclose(attention.diagonal(dim1=-2, dim2=-1), (1.0 / rows).expand(len(attention), -1), atol=1e-5)


def test_what_is_read_back_depends_on_those_tokens_alone(model):
    one = corpus(1, 40, 40, seed=7)[0]
    other = one[:25] + next(c for c in LETTERS if c != one[25]) + one[26:]  # position 26 of 40
    apart = (states(model, one) - states(model, other)).abs()
    for d in range(1, len(ngrams.BACK) + 1):
        moved = apart[:, block(model, f"back {d}")].amax(1)
        assert moved[26 + d] > 0.05
        others = [t for t in range(41) if t != 26 + d]
        assert moved[others].max() < 0.35 * moved[26 + d]


def test_the_mean_is_the_same_whatever_the_order_and_the_length(model):
    at = block(model, "mean")
    once, twice, shuffled = (states(model, t)[-1, at] for t in ("AACC" * 3, "AACC" * 6, "CACA" * 3))
    assert torch.allclose(once, shuffled, atol=0.01)  # layer norm sees the n-grams too
    # All but the beginning, which is one token of thirteen or of twenty-five.
    assert torch.cosine_similarity(once, twice, dim=0) > 0.98
    assert torch.cosine_similarity(once, states(model, "A" * 12)[-1, at], dim=0) < 0.9


def test_the_mean_of_n_grams_tells_orders_apart(model):
    at = block(model, "mean n-gram")
    once, again, other = (states(model, t)[-1, at] for t in ("AACC" * 6, "ACCA" * 6, "AC" * 12))
    assert (once - again).norm() < 0.4 * (once - other).norm()


def test_blocks_follow_one_another_and_fill_the_width(model):
    blocks = model.config.feature_blocks
    assert blocks[0][1] == 0
    assert blocks[-1][2] == WIDTH
    assert all(a[2] == b[1] for a, b in itertools.pairwise(blocks))
    assert blocks == [list(b) for b in ngrams.blocks(WIDTH, model.config.vocab_size)]


def test_only_the_head_is_trained_and_it_learns(model, tmp_path):
    texts = [*corpus(), LETTERS * (LONGEST // len(LETTERS))]
    train_library_backbone(texts, tmp_path, width=WIDTH, steps=1, positions=2 * LONGEST, features="n-grams", seed=1)
    before = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"lm_head.weight"}
    assert model.lm_head.weight.abs().sum() > 0
    with torch.no_grad():
        p = torch.softmax(model(ids_of("ACAC")).logits[0, -1], -1)
    letters = tokenizer_for(list(LETTERS)).convert_tokens_to_ids(list(LETTERS))
    assert p[letters].sum() > 0.8


@pytest.mark.parametrize("width", [128, 336, 385])
def test_a_width_that_does_not_hold_them_is_refused(tmp_path, width):
    with pytest.raises(InvalidModel, match="Expected a width of at least"):
        train_library_backbone(corpus(5), tmp_path, width=width, steps=1, features="n-grams", seed=1)
    assert not any(tmp_path.iterdir())


def test_no_two_places_of_a_long_design_look_alike():
    omega = ngrams.frequencies(600)
    apart = np.cos(np.outer(np.arange(1, 600), omega)).mean(1)
    assert apart.max() < 0.75
    assert (ngrams.frequencies(600) == omega).all()
