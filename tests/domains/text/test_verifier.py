"""Verifiers of one's own: what they say, and what becomes of those that crash, hang, take memory or leave children."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from domains.text.own import OwnTask, own
from domains.text.verifier import verdict
from poets_core.errors import InvalidInput
from poets_core.verifiable import Verdict

FUNCTIONS = """
import os, subprocess, sys, time
def graded(prompt, response, answer):
    print("loud")
    os.system("echo louder")
    if response == "crash":
        os._exit(3)
    if response == "raise":
        raise KeyError(prompt)
    if response == "hang":
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
        time.sleep(3600)
    if response == "memory":
        return float(len(bytearray(1 << 34)) > 0)
    if response == "nan":
        return float("nan")
    if response == "two":
        return 2
    if response == "text":
        return "1"
    if response == "told":
        return 0.5, "half " + answer
    return response == answer
"""
PROGRAM = """
import json, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    if asked["response"] == "crash":
        sys.exit("no more of this")
    if asked["response"] == "hang":
        sys.stdout.flush(); time.sleep(3600)
    if asked["response"] == "noise":
        print("checking ..."); print("more")
    print(json.dumps({"reward": float(asked["response"] == asked["answer"]), "reason": asked["prompt"]}))
"""


def task(tmp_path: Path, **params: object) -> OwnTask:
    rows = [{"prompt": f"p{k}", "answer": f"a{k}"} for k in range(6)]
    (tmp_path / "tasks.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "poets_text_graders.py").write_text(FUNCTIONS)
    (tmp_path / "check.py").write_text(PROGRAM)
    return own(str(tmp_path / "tasks.jsonl"), held_out_share=0.0, **params)  # type: ignore[arg-type]


def said(task: OwnTask, *responses: str) -> list[Verdict]:
    return task.verify([task.train[0]] * len(responses), responses)


def marked() -> set[str]:
    """Processes that a verifier left behind."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"POETS_VERIFIER=" in (folder / "environ").read_bytes():
                found.add(folder.name)
        except OSError:
            continue
    return found


def test_a_function_is_called_and_its_faults_are_no_rewards(tmp_path: Path) -> None:
    before = marked()
    own_task = task(tmp_path, function="poets_text_graders:graded", seconds=3.0, memory=1024)
    answers = ("a0", "told", "crash", "wrong", "raise", "nan", "two", "text", "memory", " a0 ")
    found = said(own_task, *answers)
    assert [v.reward for v in found] == [1.0, 0.5, None, 0.0, None, None, None, None, None, 1.0]
    reasons = dict(zip(answers, (v.reason for v in found), strict=True))
    assert reasons["told"] == "half a0"
    assert "code 3" in reasons["crash"]
    assert "KeyError" in reasons["raise"]
    assert "from 0 to 1, got 2" in reasons["two"]
    assert "MemoryError" in reasons["memory"]
    assert marked() <= before


@pytest.mark.parametrize("reward", ["9" * 400, "-" + "9" * 400, "1e999", "NaN", "true", "[]"])
def test_no_number_that_a_program_writes_ends_the_run(reward: str) -> None:
    said = verdict(f'{{"reward": {reward}}}')
    assert said.reward is None
    assert len(said.reason) < 200


def test_a_function_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    before = marked()
    own_task = task(tmp_path, function="poets_text_graders:graded", seconds=0.5)
    found = said(own_task, "a0", "hang", "a0")
    assert [v.reward for v in found] == [1.0, None, 1.0]
    assert "no answer within 0.5 s" in found[1].reason
    assert marked() <= before


def test_a_function_that_stops_often_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domains.text.verifier.MAX_STOPPED", 1)
    found = said(task(tmp_path, function="poets_text_graders:graded"), "crash", "a0")
    assert [v.reward for v in found] == [None, None]
    assert "stopped 1 times" in found[1].reason


def test_a_program_reads_and_writes_lines(tmp_path: Path) -> None:
    program = f"{sys.executable} check.py"
    own_task = task(tmp_path, program=program)
    assert said(own_task) == []
    assert said(own_task, "a0", "b", "\ud83d\ude00\n") == [Verdict(1.0, "p0"), Verdict(0.0, "p0"), Verdict(0.0, "p0")]
    found = said(own_task, "a0", "crash", "a0")
    assert [v.reward for v in found] == [1.0, None, None]
    assert "no more of this" in found[1].reason
    assert "not judged" in found[2].reason
    # a line too many: nobody knows which belongs to which answer
    assert [v.reward for v in said(own_task, "a0", "noise")] == [None, None]


def test_a_program_that_hangs_keeps_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domains.text.verifier.START", 3.0)
    found = said(task(tmp_path, program=f"{sys.executable} check.py", seconds=0.1), "a0", "hang", "a0")
    assert [v.reward for v in found] == [1.0, None, None]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("/no/such/program", "No such file"),
        ("echo hello", "more|line of JSON|stopped"),
        ("cat", "a number as the reward|stopped"),
        ("true", "ended with code 0"),
        (f"{sys.executable} -c 'print(chr(97) * 200000)'", "a line of more than"),
    ],
)
def test_programs_that_are_no_verifiers(program: str, says: str, tmp_path: Path) -> None:
    found = said(task(tmp_path, program=program), "a0", "a1")
    assert [v.reward for v in found] == [None, None]
    assert any(part in found[0].reason for part in says.split("|")), found


def test_with_a_verifier_answers_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "only.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    made = own(str(tmp_path / "only.jsonl"), program="cat", held_out_share=0.5)
    assert [i.answer for i in (*made.train, *made.held_out)] == ["", ""]
    with pytest.raises(InvalidInput, match="one answer for each"):
        made.verify(made.train, [])


def test_a_verifier_sees_few_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hidden")
    (tmp_path / "poets_text_env.py").write_text(
        "import os\ndef seen(p, r, a):\n    return 'SECRET_KEY' in os.environ, ','.join(os.environ)\n"
    )
    assert said(task(tmp_path, function="poets_text_env:seen"), "x")[0].reward == 0.0
    assert os.environ["SECRET_KEY"] == "hidden"
