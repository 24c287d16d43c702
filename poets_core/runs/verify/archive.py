"""The archive of a run, read from the file within bounds; nothing is unpacked to where a name in it says.

An archive comes from anybody. So its directory is looked at before it is read, names are plain ones of files, each
once, and what is unpacked counts against one budget, whatever the directory says of its size.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from poets_core.errors import InvalidInput
from poets_core.intake import opened, shown
from poets_core.intake.archive import check_directory

PACKED = 2 << 30
"""Bytes of an archive, at most."""
UNPACKED = 4 << 30
"""Bytes that are unpacked out of it, at most, all reads together."""
MEMBERS = 20_000
TEXT = 256 << 20
"""Bytes of a member that is read into memory as a whole, at most."""
_TAIL = 22 + 0xFFFF + 20
_ZIP64 = b"PK\x06\x07"
DAMAGED = (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, struct.error, NotImplementedError)


class Unreadable(InvalidInput):
    """One member cannot be unpacked, or is larger than it may be."""


class Archive:
    """An open archive.

    Attributes:
        name: of the file.
        names: of its members, in the order of its directory.
    """

    def __init__(self, file: zipfile.ZipFile, name: str) -> None:
        """Take an opened ZIP whose directory is within bounds.

        Raises:
            InvalidInput: a name that is no plain one, a name twice, a link, a folder, encryption, or too many bytes.
        """
        self.name, self._file, self._left = name, file, UNPACKED
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in file.infolist():
            _require_plain(member)
            if member.filename in self._members:
                raise InvalidInput(f"Expected every file once in the archive, got {shown(member.filename)} twice.")
            self._members[member.filename] = member
        if sum(m.file_size for m in self._members.values()) > UNPACKED:
            raise InvalidInput(f"Expected at most {UNPACKED >> 30} GiB in the archive after unpacking, got more.")
        self.names = tuple(self._members)

    def __contains__(self, name: str) -> bool:
        """Return whether it has a member."""
        return name in self._members

    def blocks(self, name: str, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield a member in blocks.

        Raises:
            Unreadable: damaged, or more bytes than are unpacked at most.
        """
        with self.stream(name) as file:
            while block := file.read(size):
                yield block

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a member for reading once from its beginning. Raises as `blocks`."""
        try:
            with self._file.open(self._members[name]) as file:
                yield cast("BinaryIO", _Counted(self, file, name))
        except DAMAGED as error:
            if isinstance(error, InvalidInput):
                raise
            raise Unreadable(f"Expected a file that can be unpacked, got {type(error).__name__}: {error}.") from error

    def spend(self, n: int, name: str) -> None:
        """Count bytes that were unpacked.

        Raises:
            Unreadable: they are too many by now.
        """
        self._left -= n
        if self._left < 0:
            raise Unreadable(f"Expected at most {UNPACKED >> 30} GiB to unpack in all, got more at {shown(name)}.")

    def read(self, name: str, most: int = TEXT) -> bytes:
        """Return a member of at most `most` bytes. Raises as `blocks`."""
        found = bytearray()
        for block in self.blocks(name):
            found += block
            if len(found) > most:
                raise Unreadable(f"Expected at most {most / 2**20:,.3g} MiB, got more.")
        return bytes(found)

    def write_table(self, name: str, folder: Path, what: str) -> Path:
        """Write a table of the archive into an empty folder, under the last part of its name; return its path.

        Args:
            name: as a spec or event gives it. Never a path of this machine: a spec of anybody could name any file.
            folder: that is ours.
            what: it is, for the message.

        Raises:
            InvalidInput: it is no table of the archive, or cannot be unpacked.
        """
        if not name.startswith("table/") or name not in self:
            raise InvalidInput(f"Expected {what} in the archive, under table/, got {shown(name, 80)}.")
        path = folder / Path(name).name
        path.write_bytes(self.read(name))
        return path


class _Counted:
    """A member that is being read; what it gives is counted."""

    def __init__(self, archive: Archive, file: object, name: str) -> None:
        self._archive, self._file, self._name = archive, cast("BinaryIO", file), name

    def read(self, n: int = -1) -> bytes:
        """Return the next n bytes, or fewer at the end."""
        data = self._file.read(n)
        self._archive.spend(len(data), self._name)
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive.

    Raises:
        InvalidInput: no ZIP that can be read, or one beyond a bound.
    """
    with opened(path, PACKED, InvalidInput) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
        # Large directories are said in a second record, which zipfile believes more than the first.
        if (at := tail.rfind(b"PK\x05\x06")) >= 20 and tail[at - 20 : at - 16] == _ZIP64:
            raise InvalidInput(f"Expected at most {MEMBERS:,} files in the archive, got a ZIP64 directory for more.")
        check_directory(tail, MEMBERS, InvalidInput)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                yield Archive(archive, path.name)
        except zipfile.BadZipFile as error:
            raise InvalidInput(f"Expected a ZIP that can be read in {path.name[:80]}, got: {error}.") from error


def _require_plain(member: zipfile.ZipInfo) -> None:
    name, mode = member.filename, member.external_attr >> 16
    parts = name.split("/")
    if "\\" in name or ":" in name or any(part in ("", ".", "..") for part in parts) or not name.isprintable():
        raise InvalidInput(f"Expected plain names of files in the archive, got {shown(name)}.")
    if member.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise InvalidInput(f"Expected files alone in the archive, got a folder or a link at {shown(name)}.")
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidInput(f"Expected files packed by deflate in the archive, got another way at {shown(name)}.")
