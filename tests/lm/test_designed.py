"""The laid-out trunk: heads read places, states tell designs apart, and only the head is trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from poets_core.errors import InvalidModel
from poets_core.lm import library
from poets_core.lm.adapters import export_adapter
from poets_core.lm.backbone import load_backbone
from poets_core.lm.designed import heads_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.library import BOS, tokenizer_for, train_library_backbone
from poets_core.lm.lora import AdapterShape
from poets_core.lm.tangent import HeadTangent
from tests.lm.test_ensemble import draw, plain_log_prob
from tests.lm.tiny import LETTERS, ThreeLetters

PLACES, WIDTH = 6, 64
NEAR = ("LIVD", np.array([[1.0, 0.9, 0.8, 0.0], [0.9, 1.0, 0.8, 0.0], [0.8, 0.8, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]))


def corpus(n=300, places=PLACES, letters=LETTERS, seed=0):
    """Random designs of the first and all of the later letters, the first ones more often."""
    p = np.linspace(2.0, 0.5, len(letters))
    return ["".join(w) for w in np.random.default_rng(seed).choice(list(letters), (n, places), p=p / p.sum())]


def trained(folder, *, width=WIDTH, layers=1, steps=20, places=PLACES, alike=None, features="designed", seed=1):
    """A small backbone of a folder, as transformers loads it."""
    train_library_backbone(
        corpus(places=places),
        folder,
        width=width,
        layers=layers,
        steps=steps,
        features=features,
        alike=alike,
        seed=seed,
    )
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def ids_of(texts):
    """Token ids of designs, the beginning before them."""
    rows = tokenizer_for(list(LETTERS))(list(texts), add_special_tokens=False)["input_ids"]
    return torch.tensor([[BOS, *row] for row in rows])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("designed"), alike=NEAR)


@torch.no_grad()
def last_states(model, texts):
    return model.transformer(ids_of(texts)).last_hidden_state[:, -1]


@torch.no_grad()
def heads(model, texts, layer=0):
    """What each head of a layer has read at the last place, (n, heads, width / heads)."""
    found = []
    block = model.transformer.h[layer].attn
    hook = block.c_proj.register_forward_pre_hook(lambda _, x: found.append(x[0][:, -1]))
    model(ids_of(texts))
    hook.remove()
    return found[0].unflatten(-1, (model.config.n_head, -1))


@torch.no_grad()
def test_each_head_looks_at_its_own_place_and_at_the_beginning_before_that(model):
    attention = model(ids_of(corpus(50)), output_attentions=True).attentions[0].mean(0)  # (heads, T, T)
    for head in range(PLACES):
        for at in range(PLACES + 1):
            own = head + 1  # the beginning stands at 0
            wanted = own if own <= at else 0
            assert attention[head, at, wanted] > (0.9 if wanted else 0.75)


def changed(texts, places, seed=3):
    """The same designs with other letters at some places."""
    rng, out = np.random.default_rng(seed), []
    for text in texts:
        word = list(text)
        for k in places:
            word[k] = rng.choice([c for c in LETTERS if c != word[k]])
        out.append("".join(word))
    return out


@pytest.mark.parametrize("place", range(PLACES))
def test_a_head_hears_of_its_own_place_alone(model, place):
    texts = corpus(40, seed=2)
    before = heads(model, texts)[:, place]
    others = heads(model, changed(texts, [k for k in range(PLACES) if k != place]))[:, place]
    own = heads(model, changed(texts, [place]))[:, place]
    assert (others - before).norm(dim=-1).mean() < 0.1 * (own - before).norm(dim=-1).mean()
    assert (own - before).norm(dim=-1).mean() > 0.5 * before.norm(dim=-1).mean()


def test_states_are_the_less_alike_the_more_places_differ(model):
    texts, rng = corpus(200, seed=4), np.random.default_rng(5)
    base, alike = last_states(model, texts), []
    common = base.mean(0)  # what every design's state has, of the place
    for n in range(1, PLACES):  # the last place would also be the token that is read
        other = [changed([t], rng.choice(PLACES - 1, n, replace=False), seed=k)[0] for k, t in enumerate(texts)]
        alike.append(float(torch.cosine_similarity(base - common, last_states(model, other) - common).mean()))
    assert (np.diff(alike) < -0.08).all()
    assert alike[0] > 0.5


def test_states_are_nearer_for_letters_that_are_alike(model):
    # Over all places but the last: which vectors a seed draws for one place differs between machines.
    def far(letter):
        found = []
        for place in range(PLACES - 1):
            texts = [t[:place] + "L" + t[place + 1 :] for t in corpus(60, seed=6)]
            moved = [t[:place] + letter + t[place + 1 :] for t in texts]
            found.append(float((last_states(model, texts) - last_states(model, moved)).norm(dim=-1).mean()))
        return np.mean(found)

    assert far("I") < far("V") < far("D")
    assert far("I") < 0.6 * far("D")


def test_embeddings_have_the_cosines_that_were_asked_for(model):
    inside = [tokenizer_for(list(LETTERS)).convert_tokens_to_ids(c) for c in NEAR[0]]
    e = torch.nn.functional.normalize(model.transformer.wte.weight.detach(), dim=-1)
    np.testing.assert_allclose(e[inside] @ e[inside].T, NEAR[1], atol=1e-4)  # 23 tokens fit into 64 dimensions
    others = [k for k in range(len(e)) if k not in inside]
    assert (e[others] @ e[inside].T).abs().max() < 1e-4


def test_letters_that_the_corpus_does_not_hold_are_left_out(tmp_path):
    train_library_backbone(
        ["AC", "CA"], tmp_path, width=16, steps=1, features="designed", alike=("CW", np.eye(2)), seed=1
    )
    with pytest.raises(InvalidModel, match="got none"):
        train_library_backbone([], tmp_path / "none", features="designed", seed=1)


def test_training_moves_the_head_and_nothing_below_it(tmp_path):
    few, many = (trained(tmp_path / str(n), steps=n).state_dict() for n in (1, 40))
    moved = {name for name in few if not torch.equal(few[name], many[name])}
    assert moved == {"lm_head.weight"}


def test_the_head_learns_the_corpus(model):
    """Letters that are twice as frequent become more likely than rare ones."""
    with torch.no_grad():
        p = model(torch.tensor([[BOS]])).logits[0, -1].softmax(-1)[3:].numpy()
    assert p[:7].sum() > 1.5 * p[-7:].sum()


@pytest.mark.parametrize("layers", [1, 2])
def test_what_is_saved_is_what_was_trained(tmp_path, monkeypatch, layers):
    kept = []

    class Kept(GPT2LMHeadModel):
        def __init__(self, config):
            super().__init__(config)
            kept.append(self)

    monkeypatch.setattr(library, "GPT2LMHeadModel", Kept)
    loaded = trained(tmp_path, layers=layers)
    texts = corpus(20, seed=7)
    tokens = [[*row[1:].tolist(), 2] for row in ids_of(texts)]
    ours = [plain_log_prob(kept[0].eval(), [BOS], t) for t in tokens]
    theirs = [plain_log_prob(loaded, [BOS], t) for t in tokens]
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
    ens = BranchEnsemble(
        load_backbone(tmp_path, branch_from=None), AdapterShape(1, 2, 0), ("",), None, max_tokens=7, seed=0
    )
    found = ens.log_prob(ens.encode(tokens, np.zeros(20, dtype=np.int64)), grammar=False)
    np.testing.assert_allclose(found.reference, ours, atol=1e-4)
    assert ens.head_alone
    assert not loaded.config.tie_word_embeddings


def test_the_seed_decides_the_layout_and_torchs_own_generator_is_left_alone(tmp_path):
    torch.manual_seed(9)
    state = torch.get_rng_state()
    a, b, c = (trained(tmp_path / k, steps=2, seed=s) for k, s in (("a", 1), ("b", 1), ("c", 2)))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert not torch.equal(a.transformer.wte.weight, c.transformer.wte.weight)


def test_exported_branches_of_an_exact_fit_are_the_same_policies_in_plain_peft(tmp_path):
    """Adapters on an untied head, of full rank, as the exact fit installs them."""
    trained(tmp_path / "model")
    backbone = load_backbone(tmp_path / "model", branch_from=None)
    mask = ThreeLetters(backbone.vocabulary, PLACES)
    ens = BranchEnsemble(backbone, AdapterShape(3, 23, 0), ("",), mask, max_tokens=PLACES + 1, seed=0)
    _, prompt, samples = draw(ens, 60)
    encoded = ens.encode(samples.tokens, prompt)
    tangent = HeadTangent(ens, encoded)
    k, d = tangent.size
    tangent.install(np.random.default_rng(0).normal(size=(3, k * d)).astype(np.float32))
    wanted = ens.log_prob(encoded, grammar=False)
    assert np.abs(wanted.branches - wanted.reference).mean() > 0.1
    for branch in range(3):
        folder = export_adapter(ens, branch, tmp_path / f"branch-{branch}")
        plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tmp_path / "model"), folder).eval()
        found = [plain_log_prob(plain, ens.prompt_ids[0], t) for t in samples.tokens[:10]]
        np.testing.assert_allclose(found, wanted.branches[branch, :10], atol=1e-4)


@pytest.mark.parametrize(("places", "heads"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (60, 64)])
def test_there_is_a_head_for_every_place(places, heads):
    assert heads_for(places, 256) == heads


def test_too_many_places_for_the_width_are_refused(tmp_path):
    with pytest.raises(
        InvalidModel, match=r"width of at least 256 .* of 60 places .* got 64\. Set backbone.features to"
    ):
        heads_for(60, 64)
    with pytest.raises(InvalidModel, match=r"Set backbone.features to 'trained'"):
        train_library_backbone(corpus(20, places=12), tmp_path, width=32, steps=1, features="designed", seed=1)
    assert not list(tmp_path.iterdir())
