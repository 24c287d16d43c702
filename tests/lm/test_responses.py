"""Answers to prompts: as transformers generates, keyed, the same in any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.lm import responses
from poets_core.lm.models import SMOLLM2, find_model
from poets_core.lm.responses import answer_prompts, load_responder, nucleus, turns
from tests.lm import tiny

PROMPTS = ["ACD", "ACDEFGHIK", "W", "ACDEFY", "", "ACD", "LMNPQ"]
TEMPLATE = (
    "{% for m in messages %}{{ m['content'] + 'Y' }}{% endfor %}{% if add_generation_prompt %}{{ 'W' }}{% endif %}"
)
GREEDY = {"temperature": 0.0, "top_p": 1.0, "max_tokens": 12, "seed": 0}
WARM = {"temperature": 1.0, "top_p": 0.9, "max_tokens": 12, "seed": 7}


def save(folder, family="llama", chat=""):
    """A tiny model in Hugging Face format."""
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = chat or None
    tiny.model(family, tied=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("llama"))


def generated(folder, ids, max_tokens=12):
    """What transformers' own generate writes for one row of token ids."""
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    row = torch.tensor([ids])
    how = {"do_sample": False, "eos_token_id": 2, "pad_token_id": 0, "attention_mask": torch.ones_like(row)}
    out = model.generate(row, max_new_tokens=max_tokens, **how)
    return tiny.tokenizer().decode(out[0, len(ids) :], skip_special_tokens=True)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("batch", [1, 3, 32])
def test_greedy_answers_are_those_of_generate(family, batch, tmp_path):
    save(tmp_path, family)
    tokenizer = tiny.tokenizer()
    expected = [generated(tmp_path, tokenizer(p)["input_ids"] or [1]) for p in PROMPTS]
    assert len(set(expected)) > 3
    assert answer_prompts(tmp_path, PROMPTS, batch=batch, **GREEDY) == expected


def test_prompts_go_through_the_chat_template(tmp_path):
    save(tmp_path, chat=TEMPLATE)
    expected = generated(tmp_path, tiny.tokenizer()("ACDYW")["input_ids"])
    assert answer_prompts(tmp_path, ["ACD"], **GREEDY) == [expected]
    more = generated(tmp_path, tiny.tokenizer()("ACYDEYFGYW")["input_ids"])
    assert answer_prompts(tmp_path, ["AC\n<assistant>\nDE\n<user>\nFG"], **GREEDY) == [more]


def test_a_begun_answer_is_gone_on_with(tmp_path):
    save(tmp_path, chat=TEMPLATE)
    ids = load_responder(tmp_path).prompt_ids("AC\n<assistant>\nDE")
    assert ids == tiny.tokenizer()("ACYDE")["input_ids"]


def test_rows_that_end_leave_and_the_others_go_on(folder):
    """Sampled rows end at different times; each alone gives what it gives among others."""
    prompts = [p for p in PROMPTS if p] * 6
    together = answer_prompts(folder, prompts, temperature=2.0, top_p=1.0, max_tokens=40, seed=1, batch=64)
    assert len({len(t) for t in together}) > 5
    alone = [
        answer_prompts(folder, [p], temperature=2.0, top_p=1.0, max_tokens=40, seed=1, keys=[i])[0]
        for i, p in enumerate(prompts)
    ]
    assert together == alone


def test_sampling_is_keyed(folder):
    first = answer_prompts(folder, PROMPTS, **WARM)
    assert first == answer_prompts(folder, PROMPTS, **WARM)
    assert first == answer_prompts(folder, PROMPTS, batch=2, **WARM)
    assert first[0] != first[5], "equal prompts are drawn apart"
    assert first != answer_prompts(folder, PROMPTS, **{**WARM, "seed": 8})
    back = answer_prompts(folder, PROMPTS[::-1], keys=list(range(len(PROMPTS)))[::-1], **WARM)
    assert back[::-1] == first
    shorter = answer_prompts(folder, PROMPTS, **{**WARM, "max_tokens": 5})
    assert all(long.startswith(short) for long, short in zip(first, shorter, strict=True))


def test_drawn_tokens_have_the_probabilities_of_the_nucleus(folder):
    n, heat, top_p = 4000, 0.7, 0.6
    drawn = answer_prompts(folder, ["ACD"] * n, temperature=heat, top_p=top_p, max_tokens=1, seed=2, batch=1000)
    responder = load_responder(folder)
    with torch.no_grad():
        logits = responder.model(torch.tensor([responder.prompt_ids("ACD")])).logits[0, -1].double()
    p = torch.softmax(logits / heat, -1).numpy()
    order = np.argsort(-p)
    kept = order[: int(np.searchsorted(np.cumsum(p[order]), top_p)) + 1]
    expected: dict[str, float] = {}
    for token in kept.tolist():
        text = responder.tokenizer.decode([token], skip_special_tokens=True)
        expected[text] = expected.get(text, 0.0) + p[token] / p[kept].sum()
    assert set(drawn) <= set(expected)
    for text, share in expected.items():
        assert abs(drawn.count(text) / n - share) < 4 * np.sqrt(share * (1 - share) / n) + 1e-9


def test_a_small_nucleus_is_greedy(folder):
    assert answer_prompts(folder, PROMPTS, **{**WARM, "top_p": 1e-6}) == answer_prompts(folder, PROMPTS, **GREEDY)


def test_nucleus_keeps_the_fewest_tokens_that_reach_top_p():
    log_p = torch.tensor([[0.1, 0.4, 0.2, 0.3]], dtype=torch.float64).log()
    for top_p, kept in ((0.39, [1]), (0.4 + 1e-9, [1, 3]), (0.71, [1, 2, 3]), (1.0, [0, 1, 2, 3])):
        assert torch.isfinite(nucleus(log_p, top_p))[0].nonzero()[:, 0].tolist() == kept


def test_equal_prompts_are_answered_once_when_greedy(folder, monkeypatch):
    rows = []
    read = responses._Pass._read_prompts
    monkeypatch.setattr(responses._Pass, "_read_prompts", lambda self: rows.append(len(self.prompts)) or read(self))
    assert len(set(answer_prompts(folder, ["ACD"] * 9, **GREEDY))) == 1
    answer_prompts(folder, ["ACD"] * 9, **WARM)
    assert rows == [1, 9]


def test_an_answer_ends_before_the_stop(folder):
    whole = answer_prompts(folder, PROMPTS, **WARM)
    stop = max(whole, key=len)[2]
    assert answer_prompts(folder, PROMPTS, stop=stop, **WARM) == [text.split(stop)[0] for text in whole]
    assert any(stop in text for text in whole)


def test_no_prompts_no_answers(folder):
    assert answer_prompts(folder, [], **GREEDY) == []


@pytest.mark.parametrize(
    "change",
    [{"temperature": -0.1}, {"temperature": 5.1}, {"top_p": 0.0}, {"top_p": 1.1}, {"max_tokens": 0}, {"batch": 0}],
)
def test_settings_out_of_range_are_refused(change, folder):
    with pytest.raises(InvalidSpec, match="Expected temperature in"):
        answer_prompts(folder, ["A"], **{**GREEDY, **change})


def test_what_cannot_be_answered_is_refused(folder, tmp_path):
    with pytest.raises(InvalidSpec, match="Expected a key for each of 2 prompts"):
        answer_prompts(folder, ["A", "C"], keys=[1], **WARM)
    save(tmp_path, "gpt2")
    with pytest.raises(InvalidSpec, match="at most 64 tokens"):
        answer_prompts(tmp_path, ["A" * 60], **GREEDY)
    with pytest.raises(InvalidModel, match=r"config\.json"):
        answer_prompts(tmp_path / "nowhere", ["A"], **GREEDY)


def test_turns_of_a_prompt():
    assert turns("plain\n text") == [{"role": "user", "content": "plain\n text"}]
    said = turns("3 4\n<assistant>\n7\n<user>\n5 <user> 6")
    assert [(t["role"], t["content"]) for t in said] == [("user", "3 4"), ("assistant", "7"), ("user", "5 <user> 6")]
    assert turns("<user>\nA\n<assistant>\nB")[1] == {"role": "assistant", "content": "B"}
    for wrong in ("<assistant>\nA", "A\n<user>\nB", "A\n<assistant>\nB\n<assistant>\nC"):
        with pytest.raises(InvalidSpec, match="Expected turns"):
            turns(wrong)


def test_smollm2_that_is_not_here_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("POETS_MODELS", str(tmp_path))
    monkeypatch.setattr("poets_core.lm.models.SMOLLM2_PACKAGE", "no-such-package-of-models")
    with pytest.raises(InvalidModel, match=r"fetch_smollm2\.py"):
        find_model(SMOLLM2)
    (tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF")
    with pytest.raises(InvalidModel, match="SHA-256"):
        find_model(SMOLLM2)
    assert find_model("some/name") == "some/name"


def test_smollm2_answers():
    try:
        find_model(SMOLLM2)
    except InvalidModel as error:
        pytest.skip(str(error))
    asked = ["What is the capital of France?", "22 10\n<assistant>\n22 + 10 = 32\n<user>\n48 45", "Write a word."]
    said = answer_prompts(SMOLLM2, asked, temperature=0.0, top_p=1.0, max_tokens=12, seed=0)
    assert "Paris" in said[0]
    assert said[1].startswith("48 ")
    assert all(said)
    load_responder.cache_clear()  # half a gigabyte
