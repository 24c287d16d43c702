"""Answers with rewards out of a file: what is read, and what each wrong line is told."""

from __future__ import annotations

import pytest

from poets_core.errors import InvalidTable
from poets_core.rewards import given
from poets_core.rewards.given import GivenTask, RewardedAnswer, read_rewarded

GOOD = '{"prompt": "a", "answer": "b", "reward": 1, "by": "me"}'


def test_rows_are_read_as_they_stand(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'\ufeff{GOOD}\n\n{{"prompt": "a", "answer": "", "reward": null}}\r\n')
    assert read_rewarded(path) == [RewardedAnswer("a", "b", 1.0), RewardedAnswer("a", "", None)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"prompt": "a", "answer": "b", "rew', "line 2"),
        ("[1]", "line 2"),
        ('{"prompt": "a", "answer": "b"}', "prompt, answer, reward"),
        ('{"prompt": 1, "answer": "b", "reward": 1}', "as prompt in line 2"),
        ('{"prompt": "a", "answer": ["b"], "reward": 1}', "as answer in line 2"),
        ('{"prompt": "a", "answer": "b", "reward": "1"}', "from 0 to 1"),
        ('{"prompt": "a", "answer": "b", "reward": true}', "from 0 to 1"),
        ('{"prompt": "a", "answer": "b", "reward": 2}', "got '2'"),
        ('{"prompt": "a", "answer": "b", "reward": NaN}', "from 0 to 1"),
        ('{"prompt": "a", "prompt": "c", "answer": "b", "reward": 1}', "once"),
    ],
)
def test_a_wrong_line_is_named(line, says, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(InvalidTable, match=says):
        read_rewarded(path)


def test_what_is_empty_or_too_large_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n")
    with pytest.raises(InvalidTable, match="a row or more"):
        read_rewarded(path)
    path.write_text(f"{GOOD}\n" * 4)
    monkeypatch.setattr(given, "ROWS", 3)
    with pytest.raises(InvalidTable, match="3 lines"):
        read_rewarded(path)
    monkeypatch.setattr(given, "CHARACTERS", 0)
    monkeypatch.setattr(given, "ROWS", 9)
    with pytest.raises(InvalidTable, match="1 characters"):
        read_rewarded(path)


def test_the_given_answers_are_all_that_a_given_task_judges():
    rows = [RewardedAnswer("p", "a", 1.0), RewardedAnswer("q", "a", 0.0), RewardedAnswer("p", "a", 0.5)]
    task = GivenTask("given", [*rows, RewardedAnswer("p", "b", 0.25)])
    assert [i.prompt for i in task.train] == ["p", "q"]
    found = task.verify([task.train[0], task.train[0], task.train[1], task.train[1]], ["a", "b", "a", "b"])
    assert [v.reward for v in found] == [None, 0.25, 0.0, None]  # the first had two rewards
