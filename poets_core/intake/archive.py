"""Members of a zip file, read into memory within bounds; nothing is ever unpacked to where a name says."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from poets_core.intake import Refuse, shown

_END = b"PK\x05\x06"
_ENTRY = 512
"""Bytes of a directory's entry, at most: its fixed part and a name."""


def read_zip(data: bytes, *, files: int, each: int, total: int, refuse: Refuse) -> list[tuple[str, bytes]]:
    """Return names and contents of the members, in the order of the directory.

    Args:
        data: the zip file.
        files: members, at most; each: bytes of one after unpacking; total: of all of them.
        refuse: makes the error: damaged, encrypted, beyond a bound, or a name that is no plain one of a file.
    """
    check_directory(data, files, refuse)
    found: list[tuple[str, bytes]] = []
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                _check_name(member, refuse)
                with archive.open(member) as file:
                    # The declared size may lie: one byte more than allowed is asked for, and no more.
                    content = file.read(min(each, total - size) + 1)
                size += len(content)
                if len(content) > each or size > total:
                    raise refuse(f"Expected at most {each:,} bytes a file and {total:,} in all in the zip, got more.")
                found.append((member.filename, content))
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, struct.error) as error:
        raise refuse("Expected a readable zip file, got a damaged or encrypted one.") from error
    return found


def check_directory(data: bytes, files: int, refuse: Refuse) -> None:
    """Look at the directory's size before it is read: each entry becomes an object of half a kilobyte."""
    at = data.rfind(_END, max(0, len(data) - 22 - 0xFFFF))
    if at < 0 or len(data) < at + 22:
        raise refuse("Expected a readable zip file, got a damaged or encrypted one.")
    entries, size = struct.unpack("<HI", data[at + 10 : at + 16])
    if entries > files or size > files * _ENTRY:
        raise refuse(f"Expected at most {files:,} files in the zip, got more.")


def _check_name(member: zipfile.ZipInfo, refuse: Refuse) -> None:
    name, mode = member.filename, member.external_attr >> 16
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or not name.isprintable():
        raise refuse(f"Expected plain names of files in the zip, got {shown(name)}.")
    if member.is_dir() or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise refuse(f"Expected files alone in the zip, got a folder or a link at {shown(name)}.")
