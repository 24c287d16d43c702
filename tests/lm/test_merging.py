"""One model of several branches: the mean of their weights, as an adapter and merged, read by plain libraries."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from poets_core.errors import InvalidModel
from poets_core.lm import merging
from poets_core.lm.merging import plain_log_probs, read_back, write_adapter, write_merged
from tests.lm.test_adapters import TOKENS, as_after_a_search, log_probs, own_log_probs
from tests.lm.tiny import FAMILIES, ensemble, model, tokenizer


def saved(folder, family, tied):
    """A backbone's files."""
    model(family, tied=tied).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_merged_branch_is_the_branch_in_plain_transformers(family, tied, tmp_path):
    ens = as_after_a_search(ensemble(family, 1, trained=True, tied=tied))
    wanted = own_log_probs(ens, 2, TOKENS)
    write_merged(ens, [2], saved(tmp_path / "base", family, tied), tmp_path / "merged")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    assert np.abs(log_probs(plain, TOKENS) - wanted).max() < 1e-5
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["tie_word_embeddings"] is False
    head, table = plain.get_output_embeddings().weight, plain.get_input_embeddings().weight
    assert head is not table


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_mean_is_the_mean_of_weights_in_both_forms(family, tied, tmp_path):
    ens = as_after_a_search(ensemble(family, 1, trained=True, tied=tied))
    base = saved(tmp_path / "base", family, tied)
    write_adapter(ens, [0, 1, 3], tmp_path / "adapter")
    write_merged(ens, [0, 1, 3], base, tmp_path / "merged")
    adapted, merged = read_back(tmp_path / "adapter", base), read_back(tmp_path / "merged")
    assert np.abs(log_probs(adapted, TOKENS) - log_probs(merged, TOKENS)).max() < 1e-5
    # weight by weight: the mean of three merged branches
    singles = []
    for k in (0, 1, 3):
        write_merged(ens, [k], base, tmp_path / f"one-{k}")
        singles.append(read_back(tmp_path / f"one-{k}").state_dict())
    for name, weight in merged.state_dict().items():
        wanted = torch.stack([s[name] for s in singles]).mean(0)
        assert torch.allclose(weight, wanted, atol=1e-6), name
    assert np.abs(log_probs(merged, TOKENS) - own_log_probs(ens, 0, TOKENS)).max() > 1e-3


def test_log_probabilities_of_a_plain_model_are_sums_over_the_answer(tmp_path):
    plain = model("llama").eval()
    found = plain_log_probs(plain, [[1, 3]], [[4, 5, 2]])
    one_by_one = sum(log_probs(plain, [1, 3, 4, 5][: 2 + k])[t] for k, t in enumerate([4, 5, 2]))
    assert found[0] == pytest.approx(one_by_one, abs=1e-5)


def test_a_model_that_is_too_large_to_pack_is_left_as_an_adapter(tmp_path, monkeypatch):
    ens = ensemble("llama", 1, trained=True)
    monkeypatch.setattr(merging, "MERGED_BYTES", 10)
    with pytest.raises(InvalidModel, match="Export adapters"):
        write_merged(ens, [0], saved(tmp_path / "base", "llama", False), tmp_path / "merged")
