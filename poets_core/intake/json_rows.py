"""Records out of a JSON file: one object a line, an array of objects, or an object that holds one such array.

A record is cut out of the text before it is parsed, so that each is bounded like a line of a table. Only a line feed or
a carriage return ends a line: other characters that Unicode calls line separators may stand inside a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.intake import JSON_BYTES, Refuse, TableBounds, read_json, shown, unpacked

Record = dict[str, Any]
_MARK = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
"""Strings, also one that never ends, and brackets: enough to see where a record ends. No place is looked at twice."""
_BOM, _SPACE = b"\xef\xbb\xbf", b" \t\r\n"


def is_json(path: Path, bounds: TableBounds, refuse: Refuse) -> bool:
    """Whether a file, gzipped or not, begins as JSON of records does; no table begins with a brace or a bracket."""
    first = next(unpacked(path, bounds, refuse), b"")
    return first.removeprefix(_BOM).lstrip(_SPACE)[:1] in (b"{", b"[")


def read_json_rows(path: Path, name: str, bounds: TableBounds, refuse: Refuse) -> list[Record]:
    """Return the records of a file; the first is row 1.

    Args:
        path: of the file, gzipped or not; name: as a person calls it.
        bounds: `packed`, `bytes`, `rows`, and `line` for one record.
        refuse: makes the error: no JSON, a record that is no object, beyond a bound.
    """
    blocks = unpacked(path, bounds, refuse)
    data = b"".join(chain([next(blocks, b"").removeprefix(_BOM)], blocks))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(f"Expected JSON in UTF-8 in {name[:80]}, got bytes that are none. Save it as UTF-8.") from error
    parts = _array(text, name, bounds, refuse) if text.lstrip()[:1] == "[" else _lines(text)
    out: list[Record] = []
    for part in parts:
        if len(out) == bounds.rows:
            raise refuse(f"Expected at most {bounds.rows:,} rows in {name[:80]}, got more. Keep those that are needed.")
        what = f"a JSON object in row {len(out) + 1} of {name[:80]}"
        try:
            record = read_json(part, what, refuse, bounds.line)
        except InvalidInput:
            # One object over many lines may hold the rows.
            if out or not (whole := _wrapped(text, name, refuse)):
                raise
            return whole
        if not isinstance(record, dict):
            raise refuse(f"Expected {what}, got {shown(record)}. Write one object a comparison.")
        out.append(record)
    found = _inside(out[0]) if len(out) == 1 else []
    return found or out


def _lines(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        ends = text.find("\n", at)
        end = len(text) if ends < 0 else ends
        for line in text[at:end].split("\r"):
            if line.strip():
                yield line
        at = end + 1


def _array(text: str, name: str, bounds: TableBounds, refuse: Refuse) -> Iterator[str]:
    """Yield the elements of an array as text, each cut where its bracket closes."""
    depth = begin = 0
    after = -1
    for mark in _MARK.finditer(text):
        first = mark[0][0]
        if first in "[{":
            depth += 1
            if depth == 2:
                begin = mark.start()
                _between(text[after:begin] if after >= 0 else ",", name, refuse)
        elif first in "]}":
            depth -= 1
            if depth == 1:
                after = mark.end()
                yield text[begin:after]
            elif depth == 0:
                if (rest := text[max(after, 1) : mark.start()].strip(", \t\r\n[")) or text[mark.end() :].strip():
                    got = shown(rest or text[mark.end() :].strip())
                    raise refuse(f"Expected an array of JSON objects in {name[:80]}, got also {got}.")
                return
        elif depth < 2:
            raise refuse(f"Expected an array of JSON objects in {name[:80]}, got also {shown(mark[0])}.")
        if depth > 1 and mark.end() - begin > bounds.line:
            raise refuse(
                f"Expected at most {bounds.line / 2**20:,.3g} MiB in one object of {name[:80]}, got more. Keep the "
                "fields that are needed."
            )
    raise refuse(f"Expected an array of JSON objects in {name[:80]}, got one that does not end. Was the file cut off?")


def _between(text: str, name: str, refuse: Refuse) -> None:
    if text.strip() != ",":
        raise refuse(f"Expected a comma between the objects in {name[:80]}, got {shown(text.strip())}.")


def _wrapped(text: str, name: str, refuse: Refuse) -> list[Record]:
    """Return the rows of one object over several lines, ``[]`` where it is none or holds none."""
    if len(text) > JSON_BYTES:
        return []
    try:
        whole = read_json(text, f"JSON in {name[:80]}", refuse)
    except InvalidInput:
        return []
    return (_inside(whole) or [whole]) if isinstance(whole, dict) else []


def _inside(record: Record) -> list[Record]:
    """Return the one list of objects that an object holds, as ``{"data": [{...}, ...]}``; ``[]`` for any other."""
    lists = [v for v in record.values() if isinstance(v, list) and len(v) > 0 and all(isinstance(e, dict) for e in v)]
    texts = [v for v in record.values() if not isinstance(v, list)]
    return lists[0] if len(lists) == 1 and len(texts) <= 3 and not _says_outcome(record) else []


def _says_outcome(record: Record) -> bool:
    """Whether an object is a comparison itself: its list of objects are messages."""
    return any(isinstance(v, list) and v and isinstance(v[0], dict) and "role" in v[0] for v in record.values())
