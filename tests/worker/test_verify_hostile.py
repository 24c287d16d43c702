"""Archives that come from anybody: bombs, names that lead elsewhere, links, millions of entries, files of others."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from poets_core.cli import app
from poets_core.errors import InvalidInput
from poets_core.runs.verify import archive as archive_module
from poets_core.runs.verify.archive import open_archive
from tests.worker.forged import Members, packed, places, summed, verified
from tests.worker.test_verify import members

__all__ = ["members"]


def raw(path: Path, *entries: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, data in entries:
            file.writestr(info, data)
    return path


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("spec.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name", ["../spec.json", "/etc/passwd", "a/../../b", "a\\b", "C:x", "a//b", "./a", "a\x07", "adapters/"]
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    path = raw(tmp_path / "x.zip", (zipfile.ZipInfo(name), b""))
    with pytest.raises(InvalidInput, match="archive"), open_archive(path):
        pass


def test_links_and_doubled_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="link"), open_archive(raw(tmp_path / "x.zip", (link(), b"/etc/passwd"))):
        pass
    with pytest.warns(UserWarning, match="Duplicate"):
        path = raw(tmp_path / "y.zip", (zipfile.ZipInfo("a"), b"1"), (zipfile.ZipInfo("a"), b"2"))
    with pytest.raises(InvalidInput, match="once"), open_archive(path):
        pass


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the directory says of sizes, and by what comes out where it lies."""
    monkeypatch.setattr(archive_module, "UNPACKED", 1 << 20)
    bomb = packed({"events.jsonl": b"0" * (2 << 20)}, tmp_path / "x.zip")
    with pytest.raises(InvalidInput, match="GiB"), open_archive(bomb):
        pass
    many = packed({f"{i}": b"0" * (1 << 19) for i in range(2)}, tmp_path / "y.zip")
    with open_archive(many) as opened:
        assert all(len(opened.read(str(i))) == 1 << 19 for i in range(2))
        with pytest.raises(InvalidInput, match="unpack"):
            opened.read("0")


def test_millions_of_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    data = bytearray(packed({"a": b""}, tmp_path / "x.zip").read_bytes())
    data[-14:-10] = struct.pack("<HH", 0xFFFE, 0xFFFE)
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(InvalidInput, match="files"), open_archive(tmp_path / "x.zip"):
        pass
    end = bytes(data[-22:])
    (tmp_path / "y.zip").write_bytes(bytes(data[:-22]) + b"PK\x06\x07" + bytes(16) + end)
    with pytest.raises(InvalidInput, match="ZIP64"), open_archive(tmp_path / "y.zip"):
        pass


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(17), os.urandom(5000)])
def test_what_is_no_archive_ends_with_code_2(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(InvalidInput, match="zip"), open_archive(tmp_path / "x.zip"):
        pass


def test_a_byte_that_was_flipped_in_the_zip_is_named(members: Members, tmp_path: Path) -> None:
    path = packed(members, tmp_path / "run.zip")
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("candidates.csv")
    data = bytearray(path.read_bytes())
    data[info.header_offset + 60] ^= 0xFF
    path.write_bytes(data)
    done = CliRunner().invoke(app, ["verify", str(path), "--json", "--no-measure"])
    assert done.exit_code == 1
    assert ("checksums", "candidates.csv", "", "") in places(json.loads(done.stdout))


def test_a_table_outside_the_archive_is_never_read(members: Members, tmp_path: Path) -> None:
    """The spec of anybody may name any file of this machine."""
    (tmp_path / "mine.csv").write_text("variant,value\nAA,1\n")
    spec = json.loads(members["spec.json"])
    spec["problem"] = {"name": "protein/landscape", "params": {"table": str(tmp_path / "mine.csv"), "wild_type": "AA"}}
    forged = summed(members | {"spec.json": json.dumps(spec).encode()})
    _, said = verified(forged, tmp_path)
    assert ("measured again", "spec.json", "", "problem") in places(said)
