"""Branches leave and enter as plain PEFT adapters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from poets_core.errors import InvalidModel
from poets_core.lm.adapters import CONFIG, WEIGHTS, export_adapter, import_adapter
from poets_core.lm.backbone import load_backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.library import train_library_backbone
from poets_core.lm.lora import AdapterShape
from tests.lm.gguf_file import write_gguf
from tests.lm.test_ensemble import draw, plain_log_prob
from tests.lm.tiny import FAMILIES, ensemble, model, tokenizer


def difference_from_peft(ens, branch, folder, tokens):
    """Largest difference between a branch and plain peft with the adapter of a folder, in nats a sequence."""
    plain = PeftModel.from_pretrained(model("llama"), folder).eval()
    wanted = [plain_log_prob(plain, ens.prompt_ids[0], t) for t in tokens]
    encoded = ens.encode(tokens, np.zeros(len(tokens), dtype=np.int64))
    return np.abs(ens.log_prob(encoded, grammar=False).branches[branch] - wanted).max()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("branch_from", [0, 1, 2])
def test_exported_branch_is_the_same_policy_in_plain_peft(family, branch_from, tmp_path):
    ens = ensemble(family, branch_from, trained=True)
    ens.stack.set_prior_factor(0.8)
    _, prompt, samples = draw(ens, 10)
    wanted = ens.log_prob(ens.encode(samples.tokens, prompt), grammar=False).branches[3]
    export_adapter(ens, 3, tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    assert config["r"] == ens.shape.rank + ens.shape.prior_rank
    plain = PeftModel.from_pretrained(model(family), tmp_path).eval()
    found = [plain_log_prob(plain, ens.prompt_ids[0], t) for t in samples.tokens]
    assert np.abs(found - wanted).max() < 1e-4
    assert np.abs(np.array(found) - ens.log_prob(ens.encode(samples.tokens, prompt)).reference).max() > 1e-2


TOKENS = [1, *range(3, 14)]


def log_probs(plain, tokens):
    """Log-probabilities of all tokens at the last place of plain transformers, (V,): logits less their log-sum."""
    with torch.no_grad():
        return plain(torch.tensor([tokens])).logits[0, -1].double().log_softmax(-1).numpy()


def own_log_probs(ens, branch, tokens):
    """The same as the branch itself has them, (V,); `tokens` begin with those of the prompt."""
    before = tokens[len(ens.prompt_ids[0]) :]
    completions = [before, *([*before, word] for word in range(len(ens.backbone.vocabulary.tokens)))]
    found = ens.log_prob(ens.encode(completions, np.zeros(len(completions), dtype=np.int64)), grammar=False)
    return found.branches[branch, 1:] - found.branches[branch, 0]


def as_after_a_search(ens):
    """Give deltas the size that they have after a search: smaller than the weights."""
    ens.stack.set_prior_factor(0.5)
    with torch.no_grad():
        for layer in ens.stack.layers.values():
            layer.b.mul_(0.3)
    return ens


def merged_as_the_readme_says(folder, monkeypatch):
    """Run the program in the README of an export; return the model that it saved."""
    monkeypatch.chdir(folder)
    (code,) = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  (our own text, tried as people would)
    return AutoModelForCausalLM.from_pretrained("merged", dtype=torch.float32).eval()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("branch_from", [0, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_plain_peft_merges_a_branch_whether_the_head_is_tied_or_not(family, branch_from, tied, tmp_path):
    ens = as_after_a_search(ensemble(family, branch_from, trained=True, tied=tied))
    wanted = own_log_probs(ens, 1, TOKENS)
    export_adapter(ens, 1, tmp_path)
    adapted = PeftModel.from_pretrained(model(family, tied=tied), tmp_path).eval()
    assert np.abs(log_probs(adapted, TOKENS) - wanted).max() < 1e-5
    assert np.abs(log_probs(adapted.merge_and_unload(), TOKENS) - wanted).max() < 1e-5
    assert np.abs(log_probs(model(family, tied=tied), TOKENS) - wanted).max() > 1e-2  # the branch is another policy


@pytest.mark.parametrize("kind", ["library", "folder", "tied GGUF", "untied GGUF"])
def test_the_readme_of_an_export_leads_to_a_merged_model_with_the_policy_of_the_branch(kind, tmp_path, monkeypatch):
    source, name = tmp_path / "backbone", None
    if "GGUF" in kind:
        source = write_gguf(tmp_path / "tiny.gguf", tied="untied" not in kind)
    elif kind == "library":
        train_library_backbone(["ACDE", "KLMN"], source, seed=0, steps=2, positions=16)
        name = "library"
    else:
        model("llama").save_pretrained(source)
        tokenizer().save_pretrained(source)
    ens = BranchEnsemble(load_backbone(source, name=name), AdapterShape(2, 3, 2), ("",), None, max_tokens=10, seed=3)
    with torch.no_grad():
        for layer in ens.stack.layers.values():
            layer.b.fill_(0.05)
    as_after_a_search(ens)
    size = len(ens.backbone.vocabulary.tokens)
    tokens = [1, *(3 + i % (size - 3) for i in range(5))]
    wanted = own_log_probs(ens, 1, tokens)
    folder = export_adapter(ens, 1, tmp_path / "adapters" / "branch-1")
    merged = merged_as_the_readme_says(folder, monkeypatch)
    assert np.abs(log_probs(merged, tokens) - wanted).max() < 1e-5
    assert np.abs(log_probs(ens.backbone.model, tokens) - wanted).max() > 1e-3


def test_the_configuration_has_only_what_every_version_of_peft_knows(tmp_path):
    """The fields of LoraConfig in peft 0.4; a later key, even with the value null, is refused by earlier versions."""
    known = {"peft_type", "base_model_name_or_path", "task_type", "inference_mode", "r", "target_modules", "lora_alpha"}
    known |= {"lora_dropout", "fan_in_fan_out", "bias", "modules_to_save", "init_lora_weights"}
    for tied in (True, False):
        export_adapter(ensemble(tied=tied), 0, tmp_path)
        config = json.loads((tmp_path / CONFIG).read_text())
        assert set(config) <= known
        assert None not in config.values()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_peft_saves_again_comes_back_unless_its_head_is_another(family, tmp_path):
    source = ensemble(family, trained=True, prior_rank=0)
    export_adapter(source, 1, tmp_path / "ours")
    PeftModel.from_pretrained(model(family), tmp_path / "ours").save_pretrained(tmp_path / "peft")
    target = ensemble(family, prior_rank=0)
    import_adapter(target, 0, tmp_path / "peft")
    _, prompt, samples = draw(source, 10)
    wanted, found = (e.log_prob(e.encode(samples.tokens, prompt)).branches for e in (source, target))
    assert np.abs(found[0] - wanted[1]).max() < 1e-5
    tensors = load_file(tmp_path / "peft" / WEIGHTS)
    (head,) = (k for k in tensors if "base_layer" in k)
    save_file(tensors | {head: tensors[head] + 1}, tmp_path / "peft" / WEIGHTS)
    with pytest.raises(InvalidModel, match="branched layers only"):
        import_adapter(target, 0, tmp_path / "peft")


@pytest.mark.parametrize("rslora", [False, True])
def test_imported_adapter_gives_back_the_logits(rslora, tmp_path):
    source = ensemble(trained=True, prior_rank=0)
    export_adapter(source, 1, tmp_path)
    if rslora:
        config = json.loads((tmp_path / CONFIG).read_text())
        config |= {"use_rslora": True, "lora_alpha": config["lora_alpha"] / np.sqrt(config["r"])}
        (tmp_path / CONFIG).write_text(json.dumps(config))
    target = ensemble(prior_rank=0)
    import_adapter(target, 2, tmp_path)
    _, prompt, samples = draw(source, 10)
    wanted = source.log_prob(source.encode(samples.tokens, prompt)).branches[1]
    found = target.log_prob(target.encode(samples.tokens, prompt)).branches
    assert np.abs(found[2] - wanted).max() < 1e-5
    assert (found[0] == target.log_prob(target.encode(samples.tokens, prompt)).reference).all()


def test_smaller_rank_is_padded(tmp_path):
    source = ensemble(trained=True, prior_rank=0)
    export_adapter(source, 0, tmp_path)
    tensors = {
        k: (v[:2] if "lora_A" in k else v[:, :2] if "lora_B" in k else v).contiguous()
        for k, v in load_file(tmp_path / WEIGHTS).items()
    }
    save_file(tensors, tmp_path / WEIGHTS)
    config = json.loads((tmp_path / CONFIG).read_text()) | {"r": 2, "lora_alpha": 4}
    (tmp_path / CONFIG).write_text(json.dumps(config))
    target = ensemble(prior_rank=0, trained=True)
    import_adapter(target, 0, tmp_path)
    assert difference_from_peft(target, 0, tmp_path, draw(source, 8)[2].tokens) < 1e-4


def test_unequal_ranks_of_layers_are_padded_each(tmp_path):
    source = ensemble(trained=True, prior_rank=0)
    export_adapter(source, 0, tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    for k, v in tensors.items():
        if "lm_head" in k:
            tensors[k] = (v[:1] if "lora_A" in k else v[:, :1]).contiguous()
    save_file(tensors, tmp_path / WEIGHTS)
    config = json.loads((tmp_path / CONFIG).read_text()) | {"rank_pattern": {"lm_head": 1}}
    (tmp_path / CONFIG).write_text(json.dumps(config))
    target = ensemble(prior_rank=0)
    import_adapter(target, 1, tmp_path)
    assert difference_from_peft(target, 1, tmp_path, draw(source, 8)[2].tokens) < 1e-4


@pytest.mark.parametrize(
    ("change", "word"),
    [({"r": 64}, "rank"), ({"use_dora": True}, "use_dora"), ({"bias": "all"}, "bias"), ({"r": None}, "PEFT")],
)
def test_adapters_that_do_not_fit_are_refused(change, word, tmp_path):
    ens = ensemble(prior_rank=0)
    export_adapter(ens, 0, tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text()) | change
    (tmp_path / CONFIG).write_text(json.dumps(config))
    with pytest.raises(InvalidModel, match=word):
        import_adapter(ens, 0, tmp_path)


def test_missing_files_foreign_layers_and_active_priors_are_refused(tmp_path):
    with pytest.raises(InvalidModel, match="Expected adapter_config"):
        import_adapter(ensemble(prior_rank=0), 0, tmp_path)
    export_adapter(ensemble(branch_from=0, prior_rank=0), 0, tmp_path)
    with pytest.raises(InvalidModel, match="branched layers only"):
        import_adapter(ensemble(branch_from=1, prior_rank=0), 0, tmp_path)
    active = ensemble()
    active.stack.set_prior_factor(1.0)
    with pytest.raises(InvalidModel, match="prior_scale"):
        import_adapter(active, 0, tmp_path)
    with pytest.raises(IndexError, match="between 0 and 3"):
        export_adapter(active, 4, tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"not safetensors")
    with pytest.raises(InvalidModel, match="Expected a safetensors file"):
        import_adapter(ensemble(branch_from=0, prior_rank=0), 0, tmp_path)
