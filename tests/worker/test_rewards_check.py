"""What is wrong with a run that learns from rewards is said before it exists, with the field and the remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from domains import catalog
from poets_core.errors import InvalidInput
from poets_core.runs import examine
from poets_core.worker.rewards.check import check_rewards
from tests.worker.rewards import PROMPTS, lines, prompts, spec_of


def checked(spec: Any) -> dict[str, Any]:
    return check_rewards(spec.model_dump(mode="json"))


def refused(spec: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as found:
        checked(spec)
    return found.value


def test_what_was_read_is_said(tmp_path: Path) -> None:
    found = checked(spec_of(prompts(tmp_path)))
    assert found["facts"]["train"] == found["facts"]["held_out"] == 3
    assert 0 < found["facts"]["longest"] < found["facts"]["positions"]
    assert found["facts"]["memory"] > 2**20
    said = "\n".join(found["lines"])
    assert "6 prompts of prompts.jsonl: 3 to learn from, 3 held out" in said
    assert "the verifier gives the right answer of the first prompt a reward of 1" in said
    assert "an empty answer one of 0" in said


@pytest.mark.parametrize(
    ("rows", "field", "says"),
    [
        ('{"prompt": "a=", "answer": 1}\n{"prompt": "b=', "task.params.file", "Is the line cut off?"),
        ('{"prompt": "a=", "answer": 1}\n{"prompt": "a=", "answer": 2}', "task.params.file", "one answer to each"),
        ('{"prompt": "a=", "answer": ""}\n', "task.params.file", "'answer' that is not empty"),
        ("", "task.params.file", "got none"),
        (
            json.dumps({"prompt": "12+" * 300, "answer": 1}) + '\n{"prompt": "b=", "answer": 1}',
            "rewards.max_tokens",
            "room",
        ),
        ('{"prompt": "Ж=", "answer": 1}\n{"prompt": "b=", "answer": 1}\n', "backbone.source", "knows the words"),
    ],
)
def test_a_file_that_cannot_be_learnt_from(tmp_path: Path, rows: str, field: str, says: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(rows, encoding="utf-8")
    error = refused(spec_of(file))
    assert field in error.fields
    assert says in str(error)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise KeyError('no such key')", "KeyError"),
        ("import os; os._exit(3)", "ended with code 3"),
        ("import time; time.sleep(60)", "no answer within"),
        ("return 7", "from 0 to 1"),
        ("return 'good'", "a number as the reward"),
        ("return 1 if response else 1 / 0", "an empty answer"),
    ],
)
def test_a_verifier_that_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, says: str) -> None:
    monkeypatch.setattr("domains.text.verifier.START", 8.0)
    (tmp_path / "judges.py").write_text(f"def judge(prompt, response, answer):\n    {body}\n")
    params = {"file": str(prompts(tmp_path)), "function": "judges:judge", "seconds": 0.2}
    error = refused(spec_of(None, task={"name": "text/own", "params": params}))
    assert "task" in error.fields
    assert says in str(error)


def test_a_verifier_may_say_that_it_cannot_tell(tmp_path: Path) -> None:
    (tmp_path / "judges.py").write_text("def judge(prompt, response, answer):\n    return 0.5 if response else 0.0\n")
    params = {"file": str(prompts(tmp_path)), "function": "judges:judge"}
    found = checked(spec_of(None, task={"name": "text/own", "params": params}))
    assert "the verifier gives the right answer of the first prompt a reward of 0.5" in found["lines"]


def chat_model(folder: Path, template: str | None) -> Path:
    """The shipped model, with a chat template or without."""
    made = folder / "model"
    shutil.copytree(catalog.backbones()["text"].folder, made)
    file = made / "tokenizer_config.json"
    about = json.loads(file.read_text())
    if template is not None:
        about["chat_template"] = template
    file.write_text(json.dumps(about))
    return made


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (None, "whose tokenizer has none"),
        ("{{ raise_exception('no user here') }}", "no user here"),
        ("{% for", "one message"),
    ],
)
def test_a_chat_template_that_is_missing_or_broken(tmp_path: Path, template: str | None, says: str) -> None:
    model = chat_model(tmp_path, template)
    error = refused(spec_of(prompts(tmp_path), backbone={"source": str(model), "template": "chat"}))
    assert "backbone.template" in error.fields
    assert says in str(error)


def test_a_chat_template_counts_in_the_length(tmp_path: Path) -> None:
    model = chat_model(tmp_path, "back {% for m in messages %}{{ m['content'] }}{% endfor %}:")
    plain = checked(spec_of(prompts(tmp_path), backbone={"source": str(model)}))["facts"]["longest"]
    chat = checked(spec_of(prompts(tmp_path), backbone={"source": str(model), "template": "chat"}))["facts"]["longest"]
    assert chat > plain


@pytest.mark.parametrize("source", ["somebody/model", "/nowhere/model"])
def test_a_model_that_is_not_here_is_not_fetched(tmp_path: Path, source: str) -> None:
    error = refused(spec_of(prompts(tmp_path), backbone={"source": source}))
    assert "backbone.source" in error.fields
    assert "Nothing is downloaded" in str(error)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"prompt": "gcd 1 1=", "answer": "1", "reward": 1}], "prompts of text/own"),
        ([{"prompt": PROMPTS[0][0], "answer": "123456789", "reward": 1}] * 9, "at most 4 tokens"),
        ([{"prompt": PROMPTS[0][0], "answer": "1"}], "the field 'reward'"),
    ],
)
def test_given_answers_that_do_not_fit(tmp_path: Path, rows: list[dict[str, Any]], says: str) -> None:
    every = [dict(row, prompt=p) if row["prompt"] == PROMPTS[0][0] else row for row in rows for p, _ in PROMPTS]
    error = refused(spec_of(prompts(tmp_path), given={"file": str(lines(tmp_path / "given.jsonl", every))}))
    assert "given.file" in error.fields
    assert says in str(error)


def test_the_process_with_limits_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "half.jsonl"
    file.write_text('{"prompt": "a=", "answer": 1}\n{"prompt": "b=')
    with pytest.raises(InvalidInput, match="cut off") as found:
        examine.check_rewards(spec_of(file))
    assert "task.params.file" in found.value.fields
    file.write_text('{"prompt": "gcd 2 4=", "answer": 2}\n{"prompt": "gcd 3 6=", "answer": 3}\n')
    assert examine.check_rewards(spec_of(file))["facts"]["train"] == 1
