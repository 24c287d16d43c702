"""Small comparison logs of every kind that people have, each with what it says."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Said = list[tuple[str, str, str]]
"""First policy, second policy, outcome of every row that counts."""
PLAIN: Said = [("ada", "bob", "first"), ("bob", "cyd", "second"), ("cyd", "ada", "tie"), ("ada", "bob", "tie")]
"""What most of them say."""
WORDS = {"first": 0, "second": 1, "tie": 2}


def sheet(head: Sequence[str], rows: Sequence[Sequence[Any]], mark: str = ",") -> str:
    """Return a table as text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def table(words: Sequence[str], head: str, mark: str = ",", extra: Sequence[str] = ()) -> str:
    """Return `PLAIN` with words for first, second, tie (and the last tie), under a header with a prompt in front."""
    said = [words[WORDS[o]] if i < 3 else words[-1] for i, (_, _, o) in enumerate(PLAIN)]
    rows = [(f"task, {i}; so", a, b, word, *extra) for i, ((a, b, _), word) in enumerate(zip(PLAIN, said, strict=True))]
    return sheet(head.split(), rows, mark)


def records(words: Sequence[Any], head: str, **more: Any) -> list[dict[str, Any]]:
    """Return `PLAIN` as objects."""
    said = [words[WORDS[o]] if i < 3 else words[-1] for i, (_, _, o) in enumerate(PLAIN)]
    names = head.split()
    return [
        dict(zip(names, (f"task {i}", a, b, word), strict=True)) | more
        for i, ((a, b, _), word) in enumerate(zip(PLAIN, said, strict=True))
    ]


def lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return objects as JSON lines."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode("utf-8", "surrogatepass")


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return objects as Parquet."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(map(dict, rows))), sink)
    return sink.getvalue()


def workbook(text: str) -> bytes:
    """Return a CSV as xlsx."""
    from openpyxl import Workbook

    book, sink = Workbook(), io.BytesIO()
    for row in csv.reader(io.StringIO(text)):
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


OWN = "prompt policy_a policy_b outcome"
ARENA = "question_id model_a model_b winner"
ANNOTATED = "instruction generator_1 generator_2 preference"
BOTH = ("model_a", "model_b", "tie", "tie (bothbad)")
CHOSEN = [
    {
        "prompt": f"task {i}",
        "chosen": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "good"}],
        "rejected": "bad",
        "chosen_model": a,
        "rejected_model": b,
    }
    for i, (a, b) in enumerate([("ada", "bob"), ("bob", "cyd"), ("ada", "cyd")])
]
ONE_HOT = sheet(
    ["id", "model_a", "model_b", "prompt", "winner_model_a", "winner_model_b", "winner_tie"],
    [[i, a, b, f"task {i}", *(int(k == WORDS[o]) for k in range(3))] for i, (a, b, o) in enumerate(PLAIN)],
)
PAIRS = [
    {
        "question_id": i,
        "model_1": a,
        "model_2": b,
        "g1_winner": g1,
        "g2_winner": g2,
        "judge": ["strict", "v2"],
        "turn": 1,
    }
    for i, (a, b, g1, g2) in enumerate([("ada", "bob", "model_1", "tie"), ("bob", "cyd", "model_2", "model_1")])
]
EXPORT = sheet(
    [
        "index",
        "first",
        "second",
        "outcome",
        "judge",
        "skipped",
        "item",
        "prompt",
        "first_response",
        "second_response",
        "first_value",
        "second_value",
        "opinions",
        "details",
    ],
    [[i, a, b, o, "person 1", False, i, f"task {i}", "", "", "", "", "{}", "{}"] for i, (a, b, o) in enumerate(PLAIN)],
)
KINDS: dict[str, tuple[str, Callable[[], bytes], Said]] = {
    "own": ("log.csv", lambda: table(("a", "b", "tie"), OWN).encode(), PLAIN),
    "arena": ("arena.csv", lambda: table(BOTH, ARENA).encode(), PLAIN),
    "arena, Parquet": ("arena.parquet", lambda: parquet(records(BOTH, ARENA, turn=1)), PLAIN),
    "one-hot": ("hot.csv", lambda: ONE_HOT.encode(), PLAIN),
    "annotations": ("a.json", lambda: json.dumps(records((1, 2, 1.5), ANNOTATED), indent=1).encode(), PLAIN),
    "annotations, weighted": ("w.jsonl", lambda: lines(records((1.0000048889, 1.99, 1.5), ANNOTATED)), PLAIN),
    "numbers, decimal comma": ("n.csv", lambda: table(("1,02", "1,98", "1,5"), OWN, ";").encode(), PLAIN),
    "pairs in both orders": (
        "pairs.jsonl",
        lambda: lines(PAIRS),
        [("ada", "bob", "first"), ("bob", "cyd", "second"), ("bob", "ada", "tie"), ("cyd", "bob", "second")],
    ),
    "chosen and rejected": (
        "pref.jsonl",
        lambda: lines(CHOSEN),
        [("ada", "bob", "first"), ("bob", "cyd", "first"), ("ada", "cyd", "first")],
    ),
    "semicolons": ("s.csv", lambda: table(("a", "b", "tie"), OWN, ";").encode(), PLAIN),
    "tabs": ("s.tsv", lambda: table(("A", "B", "Tie"), OWN, "\t").encode(), PLAIN),
    "cp1252": ("w.csv", lambda: table(("a", "b", "tie"), OWN).replace("so", "sö").encode("cp1252"), PLAIN),
    "UTF-16": ("u.csv", lambda: table(("a", "b", "tie"), OWN).encode("utf-16"), PLAIN),
    "xlsx": ("x.xlsx", lambda: workbook(table(("a", "b", "tie"), OWN)), PLAIN),
    "gzip": ("z.csv.gz", lambda: gzip.compress(table(BOTH, ARENA).encode(), mtime=0), PLAIN),
    "JSON array, one line": ("a.json", lambda: json.dumps(records(BOTH, ARENA)).encode(), PLAIN),
    "JSON in an object": ("o.json", lambda: json.dumps({"data": records(BOTH, ARENA)}, indent=1).encode(), PLAIN),
    "Unicode line separators": (
        "u.jsonl",
        lambda: lines([r | {"prompt": f"{r['prompt']}\u2028\u0085more"} for r in records(("a", "b", "tie"), OWN)]),
        PLAIN,
    ),
    "half a character": (
        "h.json",
        lambda: json.dumps([r | {"prompt": f"{r['prompt']} \ud800"} for r in records(("a", "b", "tie"), OWN)]).encode(),
        PLAIN,
    ),
    "long cells": ("l.csv", lambda: table(BOTH, ARENA + " answer", extra=("x" * 200_000,)).encode(), PLAIN),
    "a header in other case": (
        "c.csv",
        lambda: (
            table(("a", "b", "tie"), OWN)
            .replace("prompt,policy_a,policy_b,outcome", "Prompt, Policy A, POLICY-B, Outcome")
            .encode()
        ),
        PLAIN,
    ),
    "a title above": ("t.csv", lambda: b"Study 3; 2024\n\n" + table(("a", "b", "tie"), OWN).encode(), PLAIN),
    "our own export": ("e.csv", lambda: EXPORT.encode(), PLAIN),
    "names as outcomes": (
        "names.csv",
        lambda: sheet(
            ARENA.split(), [("1", "ada", "bob", "ada"), ("2", "bob", "ada", "ada"), ("3", "ada", "bob", "tie")]
        ).encode(),
        [("ada", "bob", "first"), ("bob", "ada", "second"), ("ada", "bob", "tie")],
    ),
    "names that are numbers": (
        "num.jsonl",
        lambda: lines([{"prompt": 7, "policy_a": 1, "policy_b": 2, "outcome": "a"}]),
        [("1", "2", "first")],
    ),
}
