"""Comparison logs: good ones in both formats, and every way in which one can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.log import order_bias, read_log

NAMES = ("a1", "b1")
HEAD = "prompt,policy_a,policy_b,outcome,order"
GOOD = {"prompt": "p", "policy_a": "a1", "policy_b": "b1", "outcome": "a"}


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    rows = [("p", "a1", "b1", "a", "a-first"), ("q, r", "a1", "b1", "a", "b-first"), ("p", "b1", "a1", "tie", "")]
    table = HEAD + "\n" + "\n".join(",".join(f'"{c}"' for c in row) for row in rows)
    lines = "\n\n".join(json.dumps(dict(zip(HEAD.split(","), row, strict=True))) for row in rows)
    found = read_log(write(tmp_path, table), NAMES)
    assert found == read_log(write(tmp_path, lines), NAMES)
    assert [(r.number, r.first, r.second, r.outcome, r.ordered) for r in found] == [
        (1, "a1", "b1", "first", True),
        (2, "b1", "a1", "second", True),
        (3, "b1", "a1", "tie", False),
    ]
    assert found[1].prompt == "q, r"
    bias = order_bias(found)
    assert bias is not None
    assert (bias.first, bias.decided) == (1, 2)


def test_a_byte_order_mark_and_other_columns_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeffid,prompt,policy_a,policy_b,outcome,response_a,response_b\n7,p,a1,b1,b,x,y\n"
    (row,) = read_log(write(tmp_path, text), NAMES)
    assert (row.outcome, row.responses, row.ordered) == ("second", ("x", "y"), False)
    assert order_bias([row]) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{HEAD}\np,a1,b1,draw,", "'a', 'b' or 'tie' in row 1, got 'draw'"),
        (f"{HEAD}\np,a1,b1,a,\np,a1,b1,,", "in row 2, got ''"),
        (f"{HEAD}\np,a1,b1,nan,", "got 'nan'"),
        (f"{HEAD}\np,a1,b1,A,", "got 'A'"),
        (f"{HEAD}\np,a1,a1,a,", "'a1' compared with itself"),
        (f"{HEAD}\np,a1,c1,a,", "in row 1, got 'c1'"),
        (f"{HEAD}\np,a1,,a,", "in row 1, got ''"),
        (f"{HEAD}\np,a1,b1,a,first", "'a-first' or 'b-first' in row 1"),
        (f"{HEAD}\np,a1,b1", "text as outcome in row 1, got None"),
        (f"{HEAD}\np,a1,b1,a,,more", "5 cells in row 1, got more"),
        ("prompt,policy_a,outcome\np,a1,a", "without ['policy_b']"),
        ("prompt,prompt,policy_a,policy_b,outcome\np,p,a1,b1,a", "different names"),
        (HEAD, "one row or more"),
        ("", "without"),
        ('{"prompt": "p"', "JSON object in row 1"),
        (json.dumps(GOOD) + "\n[1]", "JSON object in row 2"),
        (json.dumps(GOOD | {"outcome": 1}), "text as outcome in row 1, got 1"),
        (json.dumps(GOOD | {"outcome": float("nan")}), "text as outcome in row 1, got nan"),
        (json.dumps(GOOD | {"prompt": None}), "text as prompt in row 1, got None"),
        (b"\xff\xfe\x00", "readable UTF-8"),
        (f'{HEAD}\n"p,a1,b1,a,', "Expected CSV"),
    ],
)
def test_a_bad_log_says_where(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidComparisons) as error:
        read_log(write(tmp_path, text), NAMES)
    assert says in str(error.value)


def test_a_policy_without_rows_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidComparisons, match=r"no row of \['c1'\]"):
        read_log(write(tmp_path, f"{HEAD}\np,a1,b1,a,"), (*NAMES, "c1"))
    with pytest.raises(InvalidComparisons, match="readable"):
        read_log(tmp_path / "none.csv", NAMES)


def test_order_bias_by_the_binomial_test(tmp_path: Path) -> None:
    """20 of 20 first: p = 2 / 2^20; 10 of 20: p = 1."""
    lines = [json.dumps(GOOD | {"order": "a-first"})] * 20
    found = order_bias(read_log(write(tmp_path, "\n".join(lines)), NAMES))
    assert found is not None
    assert found.p_value == pytest.approx(2 / 2**20)
    assert found.suspicious
    lines[:10] = [json.dumps(GOOD | {"order": "b-first"})] * 10
    found = order_bias(read_log(write(tmp_path, "\n".join(lines)), NAMES))
    assert found is not None
    assert found.p_value == 1.0
    assert not found.suspicious
