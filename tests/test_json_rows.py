"""Records of JSON files: lines, arrays, an array in an object; each is bounded before it is parsed."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidTable
from poets_core.intake import TableBounds
from poets_core.intake.json_rows import is_json, read_json_rows

BOUNDS = TableBounds(line=1000, rows=20)
texts = st.text(max_size=8) | st.sampled_from(['"', "\\", "[{", "}]", "\u2028", "\u0085", ","])
values = st.recursive(st.none() | st.integers(-9, 9) | texts, lambda v: st.lists(v, max_size=3), max_leaves=5)
records = st.lists(st.dictionaries(texts, values, max_size=4).filter(bool), min_size=2, max_size=8)


def put(folder: Path, data: bytes) -> Path:
    path = folder / "t"
    path.write_bytes(data)
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records, st.booleans(), st.sampled_from([None, 2]))
def test_what_was_written_is_read_whatever_the_texts_hold(
    tmp_path: Path, rows: list[dict[str, object]], ascii_: bool, indent: int | None
) -> None:
    forms = [
        json.dumps(rows, ensure_ascii=ascii_, indent=indent),
        "\n".join(json.dumps(r, ensure_ascii=ascii_) for r in rows),
        "\r\n\r\n".join(json.dumps(r, ensure_ascii=ascii_) for r in rows) + "\r\n",
        "\ufeff" + json.dumps(rows, ensure_ascii=ascii_),
    ]
    if not any(isinstance(v, list) for r in rows for v in r.values()):
        forms.append(json.dumps({"name": "x", "rows": rows}, indent=indent))
    for text in forms:
        for data in (text.encode(), gzip.compress(text.encode(), mtime=0)):
            path = put(tmp_path, data)
            assert is_json(path, BOUNDS, InvalidTable)
            assert read_json_rows(path, "t", BOUNDS, InvalidTable) == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1}, {"a": 2}', "does not end"),
        ('[{"a": 1} {"a": 2}]', "Expected a comma between the objects"),
        ('[{"a": 1}, 2]', "got also '2'"),
        ('["a"]', "got also"),
        ('[{"a": 1}] {"a": 2}', "got also"),
        ("[[1], [2]]", "a JSON object in row 1"),
        ('{"a": 1}\n3', "a JSON object in row 2"),
        ('{"a": 1}\n{"a": 1', "a JSON object in row 2"),
        ('{"a": 1, "a": 2}', "every key once"),
        ('[{"a": "' + "x" * 2000 + '"}]', "MiB in one object"),
        ("[" + ",".join(['{"a": 1}'] * 21) + "]", "at most 20 rows"),
        ('{"a": 1}\n' * 21, "at most 20 rows"),
        ("[" * 5000, "MiB in one object"),
        ('{"a": ' + "9" * 50 + "}", "digits"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidTable, match="Expected") as caught:
        read_json_rows(put(tmp_path, text.encode()), "t", BOUNDS, InvalidTable)
    assert says in str(caught.value)


def test_bytes_that_are_no_utf_8_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="no UTF-8|UTF-8"):
        read_json_rows(put(tmp_path, b'[{"a": "\xff"}]'), "t", BOUNDS, InvalidTable)
    assert not is_json(put(tmp_path, b"a,b\n[1],2\n"), BOUNDS, InvalidTable)
    assert not is_json(put(tmp_path, b""), replace(BOUNDS, rows=1), InvalidTable)
