"""Files of one's own: what is read, what is refused and where, how answers are compared."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains import catalog
from domains.text.lines import BOUNDS, read_lines
from domains.text.match import equal, normalised, number
from domains.text.offline import rewarded
from domains.text.own import own
from poets_core.errors import InvalidInput, InvalidSpec


def jsonl(*rows: Any) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def file(tmp_path: Path, text: str | bytes, name: str = "tasks.jsonl") -> str:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def asked(n: int = 10) -> list[dict[str, Any]]:
    return [{"prompt": f"{k} + 1 =", "answer": str(k + 1)} for k in range(n)]


def test_a_file_is_read_split_and_judged(tmp_path: Path) -> None:
    rows = [*asked(), {"prompt": "Capital of France?", "answer": "Paris", "level": 2, "source": "x"}]
    task = own(file(tmp_path, jsonl(*rows)))
    items = [*task.train, *task.held_out]
    assert (len(task.train), len(task.held_out)) == (9, 2)
    assert {i.prompt: i.answer for i in items} == {r["prompt"]: r["answer"] for r in rows}
    assert {i.level for i in items} == {"", "2"}
    assert [v.reward for v in task.verify(items, [i.answer for i in items])] == [1.0] * 11
    assert [v.reward for v in task.verify(items, ["no"] * 11)] == [0.0] * 11
    told = " ".join(task.report["lines"])
    assert "as numbers for 10 prompts, as text for 1" in told
    assert "'source' (1)" in told


def test_the_split_is_a_matter_of_seed_and_prompt_alone(tmp_path: Path) -> None:
    one = own(file(tmp_path, jsonl(*asked(40))), seed=1)
    turned = own(file(tmp_path, jsonl(*reversed(asked(40)))), seed=1)
    assert {i.prompt for i in one.held_out} == {i.prompt for i in turned.held_out}
    assert {i.prompt for i in own(file(tmp_path, jsonl(*asked(40))), seed=2).held_out} != {
        i.prompt for i in one.held_out
    }
    assert own(file(tmp_path, jsonl(*asked(40))), held_out_share=0.0).held_out == []


def test_prompts_that_come_again(tmp_path: Path) -> None:
    rows = [*asked(5), {"prompt": " 3  + 1 = ", "answer": "4"}, asked(5)[2]]
    task = own(file(tmp_path, jsonl(*rows)))
    assert len(task.train) + len(task.held_out) == 5
    assert "2 lines said the same again" in " ".join(task.report["lines"])
    with pytest.raises(InvalidInput, match=r"line 6 of tasks.jsonl, got '5' .* as in line 4|'4' as in line 4.*line 6"):
        own(file(tmp_path, jsonl(*asked(5), {"prompt": "3 + 1 =", "answer": "5"})))


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (lambda t: t.encode(), "a.jsonl"),
        (lambda t: b"\xef\xbb\xbf" + t.encode(), "bom.jsonl"),
        (lambda t: t.encode("utf-16"), "sixteen.jsonl"),
        (lambda t: b"\xfe\xff" + t.encode("utf-16-be"), "big.jsonl"),
        (lambda t: gzip.compress(t.encode()), "a.jsonl.gz"),
        (lambda t: t.replace("\n", "\r\n").encode(), "windows.jsonl"),
        (lambda t: t.replace("\n", "\r").encode(), "old.jsonl"),
        (lambda t: t.replace("\n", "\n\n \n").rstrip("\n").encode(), "blank.jsonl"),
    ],
)
def test_encodings_and_line_ends(encode: Any, name: str, tmp_path: Path) -> None:
    rows = [{"prompt": "Zeile\u2028zwei\u0085drei\u2029?", "answer": "größer \U0001f600"}, *asked(3)]
    text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    assert [line.fields for line in read_lines(Path(file(tmp_path, encode(text), name)))] == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (jsonl(*asked(2), '{"prompt": "half a li'), "line 3 of tasks.jsonl.*cut off"),
        (jsonl(*asked(2), '{"prompt": "a", "answer": "b"} {"prompt"'), "line 3"),
        (jsonl({"prompt": "a"}), "'answer'.*line 1"),
        (jsonl({"answer": "a"}), "'prompt'.*line 1"),
        (jsonl(*asked(1), "", {"prompt": " \t", "answer": "a"}), "not empty.*line 3"),
        (jsonl({"prompt": "a", "answer": " "}), "not empty.*line 1"),
        (jsonl({"prompt": ["a"], "answer": "b"}), "a text as 'prompt'"),
        (jsonl({"prompt": "a", "answer": True}), "a text or a number as 'answer'"),
        (jsonl('{"prompt": "a", "answer": NaN}'), "a text or a number as 'answer'"),
        (jsonl('{"prompt": "a", "prompt": "b", "answer": "1"}'), "'prompt' twice"),
        (jsonl({"prompt": "a" * 20_001, "answer": "b"}), "20,001"),
        (jsonl('{"prompt": "\\ud800", "answer": "b"}'), "surrogate"),
        (jsonl(asked(2)), "one object a line"),
        (jsonl("[" * 300), "line 1"),
        ("", "got none"),
        ("\n\n", "got none"),
        (jsonl(*asked(2)).encode("utf-16-le"), "UTF-16 with its byte order mark"),
        ("ü".encode("latin-1") + jsonl(*asked(2)).encode(), "UTF-8.*line 1"),
        (gzip.compress(jsonl(*asked(9)).encode(), mtime=0)[:-9], "gzip"),
        (b"\x1f\x8b\x08 no", "gzip"),
        (jsonl(asked(1)[0]), "training items"),
    ],
)
def test_what_is_refused_is_told_with_its_line(text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=says):
        own(file(tmp_path, text))


def test_reading_ends_at_the_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="characters in line 1"):
        own(file(tmp_path, b'{"prompt": "' + b"a" * (BOUNDS.line + 10)))
    monkeypatch.setattr("domains.text.lines.BOUNDS", replace(BOUNDS, bytes=2_000_000, rows=9))
    with pytest.raises(InvalidInput, match="at most 9 lines"):
        own(file(tmp_path, jsonl(*asked(10))))
    with pytest.raises(InvalidInput, match="MiB.*after unpacking"):
        own(file(tmp_path, gzip.compress((b" " * 999_999 + b"\n") * 3, 1), "bomb.gz"))
    monkeypatch.setattr("domains.text.own.MOST_ITEMS", 5)
    with pytest.raises(InvalidInput, match="at most 5 different prompts"):
        own(file(tmp_path, jsonl(*asked(6))))
    with pytest.raises(InvalidInput, match="readable file"):
        own(str(tmp_path))


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"function": "a.b:c", "program": "check"}, "program"),
        ({"function": "a.b.c"}, "function"),
        ({"function": "a b:c"}, "function"),
        ({"program": "'half"}, "program"),
        ({"program": "  "}, "program"),
        ({"match": "fuzzy"}, "match"),
        ({"held_out_share": 0.9, "file": 1}, "file"),
        ({"seconds": float("nan")}, "seconds"),
    ],
)
def test_parameters_are_checked(params: dict[str, Any], field: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec) as found:
        catalog.load_verifiable("text/own", {"file": file(tmp_path, jsonl(*asked())), **params})
    assert found.value.field == f"task.params.{field}"


@pytest.mark.parametrize(
    ("answer", "right", "match", "same"),
    [
        ("4.0", "4", "auto", True),
        ("+4", "4", "auto", True),
        ("-4", "\u22124", "auto", True),
        ("4.", "4", "auto", True),
        ("4e0", "4", "auto", True),
        ("4.0", "4", "text", False),
        ("1,204", "1204", "auto", False),
        ("four", "4", "auto", False),
        ("4 apples", "4", "auto", False),
        ("0.1", ".1", "auto", True),
        ("1e999", "1e998", "auto", False),
        (" Paris. ", "paris", "auto", True),
        ("New\n York", "new york", "auto", True),
        ("ﬁne", "FINE", "auto", True),
        ("Paris!", "paris", "auto", False),
        ("", "paris", "auto", False),
        ("x", "x", "number", False),
        ("9" * 5000, "9", "auto", False),
    ],
)
def test_when_answers_are_equal(answer: str, right: str, match: str, same: bool) -> None:
    assert equal(answer, right, match) is same


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_of_a_comparison(text: str) -> None:
    assert equal(text, text, "text")
    assert equal(f"  {text}\n", text, "text")
    assert number(text) is None or normalised(text)


def test_answers_with_rewards(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "answer": "x", "reward": 1},
        {"prompt": "b", "answer": "", "reward": 0.25},
        {"prompt": " a ", "answer": "y", "reward": -2.5, "level": ""},
        {"prompt": "a", "answer": "x", "reward": 1},
        {"prompt": "c", "answer": 7, "reward": 1, "note": 0},
        {"prompt": "c", "answer": "8", "reward": 1},
    ]
    found = rewarded(file(tmp_path, jsonl(*rows)))
    assert [p.prompt for p in found.prompts] == ["a", "b", "c"]
    assert found.prompt.tolist() == [0, 1, 0, 0, 2, 2]
    assert found.answers == ("x", "", "y", "x", "7", "8")
    assert found.rewards.tolist() == [1, 0.25, -2.5, 1, 1, 1]
    facts = found.report["facts"]
    assert (facts["alone"], facts["all_equal"], facts["empty"], facts["lowest"]) == (1, 1, 1, -2.5)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "a", "answer": "x"}, "'reward'.*line 2"),
        ({"prompt": "a", "answer": "x", "reward": "1"}, "a number as 'reward'.*line 2"),
        ({"prompt": "a", "answer": "x", "reward": True}, "a number as 'reward'"),
        ('{"prompt": "a", "answer": "x", "reward": NaN}', "between.*line 2"),
        ('{"prompt": "a", "answer": "x", "reward": 1e999}', "between"),
        ({"prompt": "a", "answer": "x", "reward": 10**30}, "between"),
        ({"prompt": "a", "reward": 1}, "'answer'.*line 2"),
        ({"prompt": "first", "answer": "x", "reward": 1, "level": "hard"}, "one level.*line 2"),
    ],
)
def test_rewards_that_are_none(row: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=says):
        rewarded(file(tmp_path, jsonl({"prompt": "first", "answer": "a", "reward": 0}, row)))
    with pytest.raises(InvalidInput, match="got none"):
        rewarded(file(tmp_path, "\n"))
