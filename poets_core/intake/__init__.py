"""What comes in from outside is read here, and its size is checked while it is read.

A file says nothing true about itself: a small one may unpack to gigabytes, hold one line, or a million columns. Each
reader states its bounds, and reading ends at the first one that is passed. Standard library only.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidInput

Refuse = Callable[[str], InvalidInput]
"""Makes the error of a reader out of its message."""
_NAME = re.compile(r"[\w(][\w .()%/\[\]^*+-]{0,60}")
BLOCK = 1 << 16
"""Bytes looked at together; less than any line's bound, so that only lines over several blocks can pass one."""
MEMBERS = 10_000
"""Parts of a gzip file, at most; bgzip writes one for every 64 KiB."""
JSON_BYTES, JSON_DEPTH, JSON_DIGITS = 8 << 20, 64, 40
"""Of a JSON document that people write: bytes, braces and brackets inside each other, digits of a number."""


@dataclass(frozen=True)
class TableBounds:
    """How much of a table is read, at most.

    Attributes:
        packed: bytes of the file as it lies there; bytes: of its text after unpacking.
        rows, columns: of the table; cells: rows times columns.
        header, line: bytes of the first line and of any other; cell: characters.
    """

    packed: int = 128 << 20
    bytes: int = 128 << 20
    rows: int = 2_000_000
    columns: int = 4096
    cells: int = 20_000_000
    header: int = 1 << 18
    line: int = 1 << 20
    cell: int = 100_000


def shown(value: object, most: int = 40) -> str:
    """Return a foreign value as a message may repeat it: quoted, cut, on one line."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= most else text[:most] + "…")


def printable(text: str) -> str:
    """Return a foreign text as a terminal may show it: in one line, nothing in it moves a cursor or hides another."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return the columns of a table as a message may repeat them.

    They are names only where there are several and each reads like one. The first line of any other file, a spec may
    name a list of passwords, is counted and not repeated.
    """
    if len(names) < 2 or not all(_NAME.fullmatch(name) for name in names):
        return f"a first line of {len(names):,} cell{'s' * (len(names) != 1)} that are no names of columns"
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"the columns [{', '.join(map(shown, names[:most]))}]{more}"


def opened(path: Path, most: int, refuse: Refuse) -> io.BufferedReader:
    """Open a regular file of at most `most` bytes; never waits for one that is a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else "a name that no file has"
        raise refuse(f"Expected a readable file in {path.name[:80]}, got: {why}. Check the path.") from error
    file = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if file is None:
        os.close(descriptor)
        raise refuse(f"Expected a readable file in {path.name[:80]}, got a folder, pipe or device. Check the path.")
    # Regular by name only: what the system says of itself, the environment of this very process for instance.
    if os.path.realpath(path).startswith(("/proc/", "/sys/", "/dev/")):
        file.close()
        raise refuse(f"Expected a readable file in {path.name[:80]}, got one of the system. Check the path.")
    if (size := os.fstat(descriptor).st_size) > most:
        file.close()
        raise refuse(f"Expected at most {most / 2**20:,.3g} MiB in {path.name[:80]}, got {size / 2**20:,.1f} MiB.")
    return file


def read_file(path: Path, most: int, refuse: Refuse) -> bytes:
    """Read a regular file of at most `most` bytes, also where it grows meanwhile."""
    with opened(path, most, refuse) as file:
        data = _read(file, most + 1, path, refuse)
    if len(data) > most:
        raise refuse(f"Expected at most {most / 2**20:,.3g} MiB in {path.name[:80]}, got more.")
    return data


def _read(file: io.BufferedReader, n: int, path: Path, refuse: Refuse) -> bytes:
    """Read n bytes; some files open and cannot be read, as those of /proc and of a disk that fails."""
    try:
        return file.read(n)
    except OSError as error:
        raise refuse(f"Expected a readable file in {path.name[:80]}, got: {error.strerror}.") from error


def check_text(data: bytes, what: str, most: int, lines: int, refuse: Refuse) -> None:
    """Refuse a text of too many bytes or lines before it is split."""
    if len(data) > most or max(data.count(b"\n"), data.count(b"\r")) > lines:
        raise refuse(f"Expected a {what} of at most {most / 2**20:,.3g} MiB and {lines:,} lines, got more.")


def unpacked(path: Path, bounds: TableBounds, refuse: Refuse) -> Iterator[bytes]:
    """Yield a file in blocks of at most `BLOCK` bytes, unpacked if it is gzipped, up to the bound on bytes."""
    size = 0
    with opened(path, bounds.packed, refuse) as file:
        begin = _read(file, 2, path, refuse)
        file.seek(0)
        packed = begin == b"\x1f\x8b"
        for block in _members(file, path, refuse) if packed else iter(lambda: _read(file, BLOCK, path, refuse), b""):
            size += len(block)
            if size > bounds.bytes:
                raise refuse(
                    f"Expected at most {bounds.bytes / 2**20:,.3g} MiB in {path.name[:80]} after unpacking, got more. "
                    "Keep the rows and columns that are needed."
                )
            yield block


def _members(file: io.BufferedReader, path: Path, refuse: Refuse) -> Iterator[bytes]:
    """Unpack the members of a gzip file, one after the other."""
    members, data, reader = 1, file.read(BLOCK), zlib.decompressobj(wbits=31)
    while data:
        try:
            block = reader.decompress(data, BLOCK)
        except zlib.error as error:
            raise refuse(f"Expected a readable gzip file in {path.name[:80]}, got {error}. Pack it again.") from error
        if block:
            yield block
        if not reader.eof:
            data = reader.unconsumed_tail or file.read(BLOCK)
            continue
        data = reader.unused_data.lstrip(b"\0") or file.read(BLOCK).lstrip(b"\0")  # tapes pad with zeros
        if data:
            members, reader = members + 1, zlib.decompressobj(wbits=31)
            if members > MEMBERS:
                raise refuse(f"Expected at most {MEMBERS:,} parts in the gzip file {path.name[:80]}, got more.")
    if not reader.eof:
        raise refuse(f"Expected a readable gzip file in {path.name[:80]}, got one that is cut off. Pack it again.")


class Lines:
    """Watches the blocks of a text with one record a line, and refuses at the first bound that is passed."""

    def __init__(self, name: str, bounds: TableBounds, refuse: Refuse) -> None:
        self._name, self._bounds, self._refuse = name[:80], bounds, refuse
        self.header = b""
        """The first line, complete once a second one has begun."""
        self.rows = 0
        """Lines so far, the first not counted."""
        self._open = True
        self._tail = 0

    def add(self, block: bytes) -> bytes:
        """Look at the next block, and return it."""
        bounds = self._bounds
        ends = max(block.count(b"\n"), block.count(b"\r"))  # a lone \r ends a line, too
        if self._open:
            first = re.split(rb"[\r\n]", block, maxsplit=1)[0]
            self.header += first
            self._open = len(first) == len(block)
            self._check_header()
        cut = [at for at in (block.find(b"\n"), block.find(b"\r")) if at >= 0]
        if self._tail + (min(cut) if cut else len(block)) > bounds.line:
            raise self._over(f"at most {bounds.line / 2**20:,.3g} MiB in a line", "more", "Are the line ends missing?")
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._tail = len(block) - last - 1 if cut else self._tail + len(block)
        self.rows += ends
        # Also rows that are cut short are filled up to the width of the header.
        cells = self.rows * self.columns
        if self.rows > bounds.rows + 1 or cells > bounds.cells + self.columns:
            raise self._over(
                f"at most {bounds.rows:,} rows and {bounds.cells:,} cells", "more", "Keep those that are needed."
            )
        return block

    @property
    def columns(self) -> int:
        """Columns that the header has, whatever separates them."""
        return 1 + max(self.header.count(mark) for mark in (b",", b";", b"\t"))

    def _check_header(self) -> None:
        bounds = self._bounds
        if len(self.header) > bounds.header or self.columns > bounds.columns:
            raise self._over(
                f"a header of at most {bounds.columns:,} columns and {bounds.header >> 10:,} KiB",
                f"{self.columns:,} columns and {len(self.header) / 1024:,.0f} KiB or more",
                "Keep the columns that are needed.",
            )
        if not self._open and self.header.count(b'"') % 2:
            raise self._over("a header in one line", "a quote in it that is not closed", "Close it.")

    def _over(self, wanted: str, got: str, do: str) -> InvalidInput:
        return self._refuse(f"Expected {wanted} in {self._name}, got {got}. {do}")


class Unpacked(io.RawIOBase):
    """The text of a file as a stream, for readers that want one."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks, self._rest = blocks, b""

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        if not self._rest:
            self._rest = next(self._blocks, b"")
        n = min(len(buffer), len(self._rest))
        buffer[:n], self._rest = self._rest[:n], self._rest[n:]
        return n


_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]|\d{2,}', re.DOTALL)
"""Strings (also one that never ends, so that no place is looked at twice), brackets, numbers."""
_DIGITS = re.compile(rf"\d{{{JSON_DIGITS + 1}}}")


def read_json(text: str | bytes, what: str, refuse: Refuse, most: int = JSON_BYTES) -> Any:
    """Read a JSON document: bounded in bytes, depth and digits, no key twice in an object.

    Args:
        text: UTF-8, a byte order mark allowed.
        what: it is, for messages: ``"JSON in spec.json"``.
        refuse: makes the error.
        most: bytes or characters, at most.
    """
    if len(text) > most:
        raise refuse(f"Expected {what} of at most {most / 2**20:,.3g} MiB, got {len(text) / 2**20:,.1f} MiB.")
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise refuse(f"Expected {what}, got bytes that are no UTF-8. Save it as UTF-8.") from error
    if _deep(text):
        raise refuse(
            f"Expected {what} at most {JSON_DEPTH} levels deep, numbers of at most {JSON_DIGITS} digits, got more."
        )
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, what, refuse))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        why = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)[:80]
        raise refuse(f"Expected {what}, got: {why}.") from error


def _deep(text: str) -> bool:
    """Whether brackets stand too deep in each other, or a number has too many digits."""
    if text.count("[") + text.count("{") <= JSON_DEPTH and not _DIGITS.search(text):
        return False
    depth = 0
    for mark in _MARKS.finditer(text):
        first = mark[0][0]
        depth += (first in "[{") - (first in "]}")
        if depth > JSON_DEPTH or (first.isdigit() and len(mark[0]) > JSON_DIGITS):
            return True
    return False


def _object(pairs: list[tuple[str, Any]], what: str, refuse: Refuse) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise refuse(f"Expected every key once in {what}, got {shown(twice)} twice in one object. Remove one.")
    return made


@contextlib.contextmanager
def memory_limited(more: int) -> Iterator[None]:
    """Let this process take at most `more` bytes beyond what it has; above it, `MemoryError`.

    For libraries that allocate what a file claims. Where the system does not say what a process has (no /proc), nothing
    is limited here; the process that reads uploads has a limit of its own.
    """
    status = Path("/proc/self/statm")
    if not status.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(status.read_text().split()[0]) * resource.getpagesize() + more
    soft = wanted if before[0] == resource.RLIM_INFINITY else min(wanted, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
