"""The shipped protein backbone loads like any other, spells sequences, and beats residue frequencies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.catalog import backbones, load
from domains.protein.alphabet import FREQUENCIES, LETTERS

torch = pytest.importorskip("torch")
FOLDER = backbones()["protein"].folder
SAMPLE = json.loads((Path(__file__).parent / "validation_sample.json").read_text())["sequences"]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


def test_files_are_small_and_plain() -> None:
    names = {p.name for p in FOLDER.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= names
    assert (FOLDER / "model.safetensors").stat().st_size <= 5_000_000
    assert "CC BY 4.0" in (FOLDER / "README.md").read_text()


def test_tokenizer_round_trip(tokenizer: Any) -> None:
    ids = tokenizer("MKV")["input_ids"]
    assert len(ids) == 3
    assert tokenizer.decode(ids) == "MKV"
    assert tokenizer.decode([tokenizer.bos_token_id, *ids, tokenizer.eos_token_id], skip_special_tokens=True) == "MKV"
    assert tokenizer.decode(tokenizer(LETTERS)["input_ids"]) == LETTERS
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3


@pytest.mark.parametrize("text", ["MKX", "mk", "M K", "M*"])
def test_tokenizer_refuses_what_is_no_residue(tokenizer: Any, text: str) -> None:
    with pytest.raises(Exception, match="UNK"):
        tokenizer(text)


def test_beats_residue_frequencies_on_validation_sequences(tokenizer: Any, model: Any) -> None:
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(s)["input_ids"]] for s in SAMPLE])
    with torch.no_grad():
        log_p = model(input_ids=ids).logits[:, :-1].log_softmax(-1)
    ours = float(log_p.gather(-1, ids[:, 1:, None]).mean())
    share = np.log(np.array(FREQUENCIES) / sum(FREQUENCIES))
    frequencies = float(np.mean([share[LETTERS.index(a)] for s in SAMPLE for a in s]))
    assert np.exp(frequencies - ours) < 0.96


def test_probability_is_on_residues_and_end_from_the_start(tokenizer: Any, model: Any) -> None:
    with torch.no_grad():
        p = model(input_ids=torch.tensor([[tokenizer.bos_token_id]])).logits[0, -1].softmax(-1)
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    assert float(p[tokenizer.pad_token_id] + p[tokenizer.bos_token_id]) < 5e-3
    assert float(p[tokenizer("M")["input_ids"][0]]) > 0.8  # proteins begin with methionine


def test_masked_samples_are_designs(tokenizer: Any, model: Any) -> None:
    problem = load("protein/instability", length=20)
    from poets_core.types import Vocabulary

    special = set(tokenizer.all_special_ids)
    tokens = tuple("" if i in special else tokenizer.decode([i]) for i in range(model.config.vocab_size))
    mask = problem.mask(Vocabulary(tokens, tokenizer.eos_token_id))
    assert mask is not None
    generator = torch.Generator().manual_seed(0)
    ids, state, alive = torch.full((16, 1), tokenizer.bos_token_id), mask.start(16), np.ones(16, dtype=bool)
    for _ in range(mask.max_tokens):
        with torch.no_grad():
            logits = model(input_ids=ids).logits[:, -1]
        allowed = mask.allowed(state)
        allowed[~alive, tokenizer.eos_token_id] = True
        drawn = (
            logits.masked_fill(~torch.from_numpy(allowed), -torch.inf).softmax(-1).multinomial(1, generator=generator)
        )
        ids = torch.cat([ids, drawn], dim=1)
        state = mask.advance(state, drawn[:, 0].numpy())
        alive &= drawn[:, 0].numpy() != tokenizer.eos_token_id
    assert not alive.any()
    designs = [problem.decode(tokenizer.decode(row.tolist(), skip_special_tokens=True)) for row in ids]
    assert len(set(designs)) > 1
