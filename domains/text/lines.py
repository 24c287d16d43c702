"""JSON Lines of anybody, read within bounds: one object a line, plain or gzipped, UTF-8 or UTF-16 with its mark.

Lines end with a line feed, a carriage return or both; no other character ends one, because the separators of Unicode
(U+2028, U+0085) may stand inside a JSON string.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidInput
from poets_core.intake import TableBounds, read_json, shown, unpacked

BOUNDS = TableBounds(packed=128 << 20, bytes=256 << 20, rows=1_000_000, line=1 << 20)
"""Bytes as the file lies there and after unpacking, lines, and characters of one line."""
MOST_PROMPT = 20_000
"""Characters of a prompt; how many tokens a model takes is for the model to say."""
MOST_TEXT = 100_000
"""Characters of an answer or response."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Line:
    """One object of a file.

    Attributes:
        number: of its line, from 1.
        where: for messages: ``"line 3 of tasks.jsonl"``.
        fields: what it holds.
    """

    number: int
    where: str
    fields: dict[str, Any]

    def text(self, name: str, most: int, *, needed: bool = True, numbers: bool = False, empty: bool = False) -> str:
        """Return a field that is a text.

        Args:
            name: of the field.
            most: characters.
            needed: whether it must be there; else "" stands for it.
            numbers: whether a number may stand for its text.
            empty: whether nothing but blanks will do.

        Raises:
            InvalidInput: it is missing, no text, empty, too long, or holds half a character.
        """
        value = self.fields.get(name)
        if value is None and not needed:
            return ""
        if name not in self.fields:
            raise self.wrong(f"Expected the field {name!r}", f"only {shown(', '.join(self.fields), 80)}", "Add it.")
        if numbers and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            value = repr(value)
        if not isinstance(value, str):
            kinds = "a text or a number" if numbers else "a text"
            raise self.wrong(f"Expected {kinds} as {name!r}", shown(value), "Write it in quotes.")
        if len(value) > most:
            raise self.wrong(f"Expected at most {most:,} characters in {name!r}", f"{len(value):,}", "Shorten it.")
        if not (value.strip() or empty):
            raise self.wrong(
                f"Expected a {name!r} that is not empty", shown(value), "Fill it in, or take the line out."
            )
        # JSON can write one half of a character that has two; nothing can store or tokenise it.
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise self.wrong(f"Expected whole characters in {name!r}", "half a surrogate pair", "Write it as UTF-8.")
        return value

    def wrong(self, wanted: str, got: str, do: str) -> InvalidInput:
        """Return the error about this line."""
        return InvalidInput(f"{wanted} in {self.where}, got {got}. {do}", field="task.params.file")


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the objects of a JSONL file; blank lines are skipped.

    Raises:
        InvalidInput: unreadable, beyond a bound, of an encoding that is not read, or a line that is no JSON object.
    """
    name = path.name[:80]
    for number, text in enumerate(_texts(path), 1):
        if number > BOUNDS.rows:
            raise _refuse(f"Expected at most {BOUNDS.rows:,} lines in {name}, got more. Keep those that are needed.")
        if not text.strip():
            continue
        where = f"line {number:,} of {name}"
        found = read_json(text, f"a JSON object in {where}", _of_line, BOUNDS.line)
        if not isinstance(found, dict):
            one = " Write one object a line, without brackets around them." if isinstance(found, list) else ""
            raise _refuse(f"Expected a JSON object in {where}, got {shown(text)}.{one}")
        yield Line(number, where, found)


def prompt_key(prompt: str) -> str:
    """Return what tells prompts apart: characters, not how they are composed or spaced."""
    return " ".join(unicodedata.normalize("NFC", prompt).split())


def unread(others: Counter[str]) -> list[str]:
    """Say which fields were not read and how often, in a line; none where there were no others."""
    named = ", ".join(f"{shown(name)} ({count:,})" for name, count in others.most_common(5))
    return [f"fields that were not read: {named}"] if others else []


def _refuse(message: str) -> InvalidInput:
    return InvalidInput(message, field="task.params.file")


def _of_line(message: str) -> InvalidInput:
    """A JSON reader counts lines within its text, which is one line here."""
    told = re.sub(r"( in line [\d,]+ of .{1,80}?, got: .{1,80}) in line 1\.$", r"\1.", message)
    half = " Is the line cut off?" if "Unterminated" in told or "delimiter" in told or "Expecting value" in told else ""
    return _refuse(told + half)


def _texts(path: Path) -> Iterator[str]:
    """Yield the lines of a file without their ends."""
    blocks = unpacked(path, BOUNDS, _refuse)
    first = next(blocks, b"")
    encoding, skip = next(((name, len(mark)) for mark, name in _MARKS if first.startswith(mark)), ("utf-8", 0))
    if not skip and b"\0" in first[:4096]:
        raise _refuse(
            f"Expected UTF-8 in {path.name[:80]}, or UTF-16 with its byte order mark, got bytes of 0. Save it as UTF-8."
        )
    decoder = codecs.getincrementaldecoder(encoding)()
    rest, pending, line = "", False, 0
    for block in _with_end(first[skip:], blocks):
        try:
            text = decoder.decode(block or b"", final=block is None)
        except UnicodeDecodeError as error:
            raise _refuse(
                f"Expected {encoding.upper()} in {path.name[:80]}, got other bytes near line {line + 1:,}. "
                "Save it as UTF-8."
            ) from error
        # A line feed right after a carriage return ends no second line, also where a block ends between them.
        if pending and text.startswith("\n"):
            text = text[1:]
        pending = text.endswith("\r") if text else pending
        *lines, rest = (rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for found in lines:
            line += 1
            _check(found, line, path)
            yield found
        _check(rest, line + 1, path)
    if rest:
        yield rest


def _check(text: str, line: int, path: Path) -> None:
    if len(text) > BOUNDS.line:
        raise _refuse(
            f"Expected at most {BOUNDS.line:,} characters in line {line:,} of {path.name[:80]}, got more. "
            "Are the line ends missing?"
        )


def _with_end(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes | None]:
    yield first
    yield from blocks
    yield None
