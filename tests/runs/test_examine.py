"""What comes in is read by a child, within limits; its errors and its end are sentences."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from poets_core.errors import InvalidComparisons, InvalidInput, InvalidSpec, InvalidTable
from poets_core.runs import examine
from poets_core.runs.examine import ROOT, check_problem, preview_log, preview_table, wrong_with

GOOD = b"variant,value\nVDGV,1\nADGV,0.5\n"


@pytest.fixture(autouse=True)
def forgotten() -> None:
    examine._answers.clear()


def put(folder: Path, data: bytes) -> Path:
    path = folder / "t"
    path.write_bytes(data)
    return path


def look(path: Path) -> examine.Preview:
    return preview_table(path, "a.csv", "problem.params.table")


def test_previews_show_what_people_upload(tmp_path: Path) -> None:
    pd.DataFrame({"variant": ["VDGV", "ADGV"], "value": [1.0, 0.5]}).to_parquet(tmp_path / "p")
    parquet = (tmp_path / "p").read_bytes()
    for data in (
        GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.rstrip(),
        GOOD.replace(b",", b"\t"),
        GOOD.replace(b",", b";"),
        gzip.compress(GOOD, mtime=0),
        parquet,
        gzip.compress(parquet, mtime=0),
    ):
        seen = look(put(tmp_path, data))
        assert (seen.rows, seen.columns, seen.names) == (2, 2, ("variant", "value"))
        assert [row[0] for row in seen.head] == ["VDGV", "ADGV"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"variant,value\n", b"\xff\xfe\x00", b"PAR1no", gzip.compress(GOOD, mtime=0)[:-9], b"a,a\n1,2\n"],
)
def test_what_is_no_table_is_told_with_its_field(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidTable, match="Expected") as caught:
        look(put(tmp_path, data))
    assert caught.value.field == "problem.params.table"


def test_a_preview_holds_the_beginning_alone(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(300)).encode() + b"\n" + b"x" * 90_000 + b",1\n" * 40
    seen = look(put(tmp_path, wide))
    assert (seen.rows, seen.columns, len(seen.names), len(seen.head)) == (40, 300, 50, 5)
    assert max(len(cell) for row in seen.head for cell in row) == 200


def test_a_log_is_read_whole_and_names_its_policies(tmp_path: Path) -> None:
    text = "prompt,policy_a,policy_b,outcome\np,x,y,a\nq,y,z,tie\n"
    seen = preview_log(put(tmp_path, text.encode()), "log.csv")
    assert (seen.rows, seen.policies, seen.names) == (
        2,
        {"x": 1, "y": 2, "z": 1},
        tuple(text.split("\n")[0].split(",")),
    )
    assert (seen.counted, seen.wrong, seen.says[0]) == (
        ("x", "y", "z"),
        {},
        "2 comparisons of 3 policies count; 1 tie.",
    )
    path = put(tmp_path, text.replace("tie", "won").encode())
    seen = preview_log(path, "log.csv")
    assert "'won' (1, first in row 3)" in seen.wrong["experiment.mapping.words"]
    assert [(w.text, w.count, w.meaning) for w in seen.words] == [("a", 1, "first"), ("won", 1, None)]
    told = seen.mapping.model_copy(update={"words": {"a": "first", "won": "leave-out"}})
    assert preview_log(path, "log.csv", told, ["x", "y"]).counted == ("x", "y")
    with pytest.raises(InvalidComparisons, match="header row") as caught:
        preview_log(put(tmp_path, b""), "log.csv")
    assert caught.value.field == "experiment.log"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"wild_type": "VDG"}, "wild_type"),
        ({"wild_type": "VDGB"}, "wild_type"),
        ({"positions": "a,b"}, "positions"),
        ({"positions": "1,2"}, "positions"),
        ({"value_column": "fit"}, "value_column"),
        ({"variant_column": "fit"}, "variant_column"),
        ({"value_column": "variant"}, "variant_column"),
    ],
)
def test_what_the_worker_would_refuse_is_told_of_its_field(tmp_path: Path, params: dict[str, str], field: str) -> None:
    table = {"table": str(put(tmp_path, GOOD))}
    assert list(wrong_with("protein/landscape", table | params)) == [f"problem.params.{field}"]
    check_problem("protein/landscape", table)


def test_answers_are_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = examine._answer
    monkeypatch.setattr(examine, "_answer", lambda question: asked.append(question) or real(question))
    path = put(tmp_path, GOOD)
    for _ in range(3):
        check_problem("protein/landscape", {"table": str(path)})
    assert len(asked) == 1
    put(tmp_path, GOOD + b"VD,1\n")
    with pytest.raises(InvalidTable, match="one length"):
        check_problem("protein/landscape", {"table": str(path)})
    assert len(asked) == 2


def test_a_child_that_was_too_slow_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [examine._over("more than 1 s"), examine._over("more than 1 s"), {"answer": {"lines": ["fine"]}}]
    monkeypatch.setattr(examine, "_answers", examine.OrderedDict())
    monkeypatch.setattr(examine, "_answer", lambda question: told.pop(0))
    for _ in range(2):  # what the page draws next does not wait once more
        with pytest.raises(InvalidInput, match="try again"):
            check_problem("protein/ehrlich", {})
    assert len(told) == 1
    monkeypatch.setattr(examine.time, "monotonic", lambda: float("inf"))
    assert check_problem("protein/ehrlich", {}) == {"lines": ["fine"]}


def test_a_child_that_had_to_compile_is_asked_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [examine._over("more than 1 s"), {"answer": {"lines": ["fine"]}}]
    monkeypatch.setattr(examine, "_answers", examine.OrderedDict())
    monkeypatch.setattr(examine, "_answer", lambda question: told.pop(0))
    assert check_problem("protein/ehrlich", {}) == {"lines": ["fine"]}


def test_a_problem_without_files_is_checked_too() -> None:
    assert list(wrong_with("protein/ehrlich", {"length": 8, "motifs": 4})) == ["problem.params.motifs"]
    with pytest.raises(InvalidSpec):
        check_problem("protein/none", {})


def test_a_child_that_is_killed_or_too_slow_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen
    for code, says in (
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "without an answer"),
        ("import time; time.sleep(60)", "more than 1 s"),
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass", "Expected input"),
        ("print('no json')", "without an answer"),
    ):
        monkeypatch.setattr(examine, "SECONDS", 1 if "sleep" in code else 30)
        program = [sys.executable, "-c", code]
        with monkeypatch.context() as patch:
            patch.setattr(examine.subprocess, "Popen", lambda _, p=program, **k: real(p, **k))
            with pytest.raises(InvalidInput, match="Make it smaller") as caught:
                look(Path(f"/tmp/{code[7:9]}"))
        assert says in str(caught.value)
        examine._answers.clear()


def test_memory_of_a_child_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from poets_core.worker import examine\n"
        "examine._limit()\n"
        "examine.JOBS['table'] = lambda **k: {'answer': len(bytearray(4 << 30))}\n"
        "print(examine.json.dumps(examine.answer('[\"table\", {}]')))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "needs more" in out


def test_the_child_starts_without_science_or_browser() -> None:
    code = (
        "import sys, poets_core.worker.examine as e\n"
        "heavy = ('torch', 'streamlit', 'pandas', 'numpy', 'transformers')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
