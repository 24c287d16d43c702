"""Loading: what is accepted, what is refused, and why."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertLMHeadModel

from poets_core.errors import InvalidModel
from poets_core.lm.backbone import cut, load_backbone
from poets_core.lm.grammar import LengthLimit, MaskTable
from poets_core.lm.library import tokenizer_for, train_library_backbone
from poets_core.types import Vocabulary
from tests.lm.tiny import FAMILIES, backbone, model, tokenizer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_folder_loads_and_keeps_its_distribution(family, tmp_path):
    plain = model(family)
    plain.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    loaded = load_backbone(tmp_path, branch_from=-1)
    assert (loaded.layers, loaded.branch_from) == (2, 1)
    ids = torch.tensor([[1, 5, 6, 7]])
    with torch.no_grad():
        hidden = loaded.trunk(input_ids=ids, use_cache=False).last_hidden_state
        logits = loaded.head(loaded.upper(inputs_embeds=hidden, use_cache=False).last_hidden_state)
        assert torch.allclose(logits, plain(ids).logits, atol=1e-5)
    assert loaded.text(loaded.completion_ids("MKV")) == "MKV"
    assert loaded.prompt_ids("") == [1]
    assert loaded.prompt_ids("MK")[0] == 1
    assert loaded.vocabulary.tokens[:3] == ("", "", "")


def test_missing_folders_pickles_and_foreign_families_are_refused(tmp_path):
    with pytest.raises(InvalidModel, match=r"config\.json"):
        load_backbone(tmp_path)
    with pytest.raises(InvalidModel, match="GGUF"):
        load_backbone(tmp_path / "none.gguf")
    model("llama").config.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(InvalidModel, match="safetensors"):
        load_backbone(tmp_path)
    bert = BertLMHeadModel(BertConfig(vocab_size=23, hidden_size=16, num_hidden_layers=1, num_attention_heads=1))
    with pytest.raises(InvalidModel, match="families"):
        cut(bert, tokenizer(), branch_from=0)
    with pytest.raises(InvalidModel, match="branch_from"):
        backbone(branch_from=3)
    broken = tokenizer()
    broken.eos_token = None
    with pytest.raises(InvalidModel, match="end-of-sequence"):
        cut(model("llama"), broken, branch_from=0)


def test_truncated_weights_are_a_clear_error(tmp_path):
    model("llama").save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InvalidModel, match="header of 2,008 bytes"):
        load_backbone(tmp_path)


def test_library_backbone_learns_its_library_and_repeats_exactly(tmp_path):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACDE"), 4, p=[0.7, 0.1, 0.1, 0.1])) for _ in range(500)]
    first = train_library_backbone(texts, tmp_path / "a", steps=60, seed=1)
    again = train_library_backbone(texts, tmp_path / "b", steps=60, seed=1)
    other = train_library_backbone(texts, tmp_path / "c", steps=60, seed=2)
    weights = [(f / "model.safetensors").read_bytes() for f in (first, again, other)]
    assert weights[0] == weights[1] != weights[2]
    loaded = load_backbone(first)
    with torch.no_grad():
        p = loaded.model(torch.tensor([[1]])).logits[0, -1].softmax(-1)
    assert abs(float(p[loaded.vocabulary.tokens.index("A")]) - 0.7) < 0.1


def test_library_of_words_is_spelled_in_words():
    words = tokenizer_for(["ry 2 a5", "cx 0 1"])
    assert words.decode(words("cx 2 1", add_special_tokens=False)["input_ids"]) == "cx 2 1"
    with pytest.raises(InvalidModel, match="none"):
        train_library_backbone([], None, seed=0)  # type: ignore[arg-type]


def test_length_limit_forces_the_end_and_kills_forbidden_tokens():
    limit = LengthLimit(Vocabulary(tokens=("", "A", "B"), eos=0), max_tokens=2)
    start = limit.start(2)
    assert limit.allowed(start).all()
    after = limit.advance(start, np.array([1, 0]))
    assert limit.allowed(after).tolist() == [[True, False, False], [False, False, False]]


def test_mask_table_shares_equal_rows_and_walks_like_the_mask():
    mask = LengthLimit(Vocabulary(tokens=("", "A", "B"), eos=0), max_tokens=4)
    table = MaskTable(mask, 3, torch.device("cpu"))
    rows = table.walk(np.array([[1, 2, 1, 0], [2, 0, 0, 0]]), np.array([4, 2]))
    assert len(table.table()) == 2  # everything; only the end
    assert rows.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
