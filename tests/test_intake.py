"""What comes in is bounded while it is read: every bound, and any bytes at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domains.protein import export as protein
from domains.protein.tables.read import read_table
from poets_core.errors import InvalidComparisons, InvalidInput, InvalidSpec, InvalidTable
from poets_core.intake import MEMBERS, TableBounds, listed, read_file, read_json, unpacked
from poets_core.intake.archive import read_zip
from poets_core.llm_po.log import read_log, table
from poets_core.spec.read import parse_spec, read_spec
from poets_core.worker.preview import table_preview

HEAD = b"variant,value\n"
LOG = b"prompt,policy_a,policy_b,outcome\n"


def put(folder: Path, data: bytes) -> Path:
    path = folder / "t"
    path.write_bytes(data)
    return path


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def repeated(rows: int, size: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["A" * size])


TABLES: dict[str, Callable[[], bytes]] = {
    "gigabytes in a gzip file": lambda: gzip.compress(HEAD + b"AC,1\n" * 30_000_000, 1, mtime=0),
    "zeros in a gzip file": lambda: gzip.compress(b"\0" * (200 << 20), 1, mtime=0),
    "empty members of a gzip file": lambda: gzip.compress(b"", mtime=0) * (MEMBERS + 1),
    "a million column names": lambda: b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n1\n",
    "wide and short rows": lambda: b"," * 4000 + b"\n" * 100_000,
    "a line without end": lambda: HEAD + b"A" * (2 << 20),
    "a cell over many lines": lambda: HEAD + b'"' + b"A\n" * 600_000,
    "line ends of old": lambda: b"variant,value\r" + b"\r" * 2_100_000,
    "an open quote in the header": lambda: b'variant,"value\n1,2\n' * 3,
    "a long cell": lambda: HEAD + b"A" * 200_000 + b",1\n",
    "one text many times in Parquet": lambda: parquet(variant=repeated(5000, 1 << 20), value=np.zeros(5000)),
    "too many rows of Parquet": lambda: parquet(variant=repeated(2_000_001, 2), value=np.zeros(2_000_001)),
    "too many columns of Parquet": lambda: parquet(**{f"c{i}": [1] for i in range(5000)}),
    "a large page of Parquet": lambda: parquet(variant=["A" * (200 << 20)], value=[1.0]),
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_tables_beyond_a_bound_are_refused_by_reader_and_preview(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = put(tmp_path, make())
    tracemalloc.start()
    with pytest.raises(InvalidTable, match="Expected"):
        read_table(path)
    with contextlib.suppress(InvalidTable):  # a long cell is a table to a preview, which cuts it
        table_preview(path, "t", InvalidTable)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


def test_a_parquet_page_larger_than_the_footer_says_ends_in_a_sentence(tmp_path: Path) -> None:
    """The page's own header is not what the footer claims: memory is limited to the claim."""
    data = bytearray(parquet(variant=["A" * (100 << 20)], value=[1.0]))
    path = put(tmp_path, bytes(data))
    size = pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size

    def varint(n: int) -> bytes:
        out = b""
        n <<= 1  # zigzag
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    footer = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    told = bytes(data[footer:]).replace(varint(size), varint(1000).ljust(0) + b"", 1)
    assert len(told) < len(data) - footer
    out = bytes(data[:footer]) + told[:-8] + struct.pack("<I", len(told) - 8) + b"PAR1"
    with pytest.raises(InvalidTable, match="as large as it says"):
        read_table(put(tmp_path, out))


LOGS: dict[str, Callable[[], bytes]] = {
    "a line of commas": lambda: b"," * 3_000_000,
    "a header, then commas": lambda: LOG + b"," * 3_000_000,
    "a column a row": lambda: b"".join(b'{"k%d": 1}\n' % i for i in range(100_000)),
    "a policy a row": lambda: LOG + b"".join(b"p,a%d,b%d,a\n" % (i, i) for i in range(1000)),
    "brackets without end": lambda: b'{"prompt": ' + b"[" * 100_000,
    "a number without end": lambda: b'{"prompt": ' + b"9" * 100_000 + b"}",
    "a key twice": lambda: b'{"prompt": "p", "prompt": "q", "policy_a": "a", "policy_b": "b", "outcome": "a"}',
    "a line of 2 MiB": lambda: LOG + b"p" * (2 << 20) + b",a,b,a\n",
    "a cell of 2 MiB": lambda: LOG + b'"' + b"p\n" * (1 << 20) + b'",a,b,a\n',
    "an object of 2 MiB": lambda: b'[{"prompt": "' + b"p" * (2 << 20) + b'"}]',
    "an array in an array": lambda: b"[" * 100_000,
    "many keys, late": lambda: b'{"p": 1}\n' * 20_000 + b"{" + b",".join(b'"k%d": 1' % i for i in range(900)) + b"}",
    "more text in a gzip file": lambda: gzip.compress(LOG + (b"p" * 1000 + b",a,b,a\n") * 80_000, 1, mtime=0),
    "a quote without end": lambda: LOG + b'"p,a,b,a\n' + b"q,a,b,a\n" * 100_000,
}


@pytest.mark.parametrize("make", LOGS.values(), ids=LOGS)
def test_logs_beyond_a_bound_are_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    with pytest.raises(InvalidComparisons, match="Expected") as caught:
        read_log(put(tmp_path, make()), None)
    assert caught.value.field in ("experiment.log", "experiment.policies")
    assert len(str(caught.value)) < 500


def test_a_log_has_no_more_rows_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert table.BOUNDS.rows == 500_000
    monkeypatch.setattr(table, "BOUNDS", replace(table.BOUNDS, rows=50))  # half a million take half a minute
    record = b'{"prompt": "p", "policy_a": "a", "policy_b": "b", "outcome": "a"}\n'
    for head, row in ((LOG, b"p,a,b,a\n"), (b"", record)):
        with pytest.raises(InvalidComparisons, match="50"):
            read_log(put(tmp_path, head + row * 52), None)
        assert len(read_log(put(tmp_path, head + row * 50), None).rows) == 50


any_bytes = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
mixed = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from([b"variant", b"value", b"AC", b"1", b",", b"\n", b'"', b"\r", b";", b"\t", b"\0", b"\xff"])
    )
    .map(b"".join)
    .map(lambda b: b"variant,value\n" + b),
    st.binary(max_size=200).map(gzip.compress),
    st.binary(max_size=200).map(lambda b: b"PAR1" + b + b"PAR1"),
    st.lists(st.sampled_from(["{", "}", "[", "]", '"prompt"', ":", ",", "1", "\n", "\\", '"'])).map(
        lambda parts: ("{" + "".join(parts)).encode()
    ),
)


@any_bytes
@given(mixed)
def test_any_bytes_are_a_table_or_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    for read in (
        lambda: read_table(path),
        lambda: table_preview(path, "t", InvalidTable),
        lambda: read_log(path, None),
        lambda: read_spec(path),
        lambda: protein.read(data, "fasta", str),
        lambda: protein.read(data, "csv", str),
        lambda: read_zip(b"PK" + data, files=9, each=99, total=999, refuse=InvalidTable),
    ):
        with contextlib.suppress(InvalidTable, InvalidComparisons, InvalidSpec):
            read()


def test_pipes_devices_folders_and_names_with_nul_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path / "pipe",
        Path("/dev/zero"),
        Path("/proc/self/mem"),
        tmp_path,
        Path("a\0b"),
        tmp_path / "none",
    ):
        with pytest.raises(InvalidTable, match="readable"):
            read_file(path, 10, InvalidTable)
        with pytest.raises(InvalidTable, match="readable"):
            list(unpacked(path, TableBounds(), InvalidTable))


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = put(tmp_path, b"x" * 100)
    assert len(read_file(path, 100, InvalidTable)) == 100
    with pytest.raises(InvalidTable, match="at most"):
        read_file(path, 99, InvalidTable)


@given(st.lists(st.binary(max_size=400), max_size=5))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_members_and_padding_of_a_gzip_file_are_read(tmp_path: Path, parts: list[bytes]) -> None:
    path = put(tmp_path, b"".join(map(gzip.compress, [b"x", *parts])) + b"\0" * 600)
    assert b"".join(unpacked(path, TableBounds(), InvalidTable)) == b"x" + b"".join(parts)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a": ' * 3000,
        '{"seed": ' + "1" * 5000 + "}",
        '{"seed": 1, "seed": 2}',
        '"' + '\\"' * 400_000,
        b"\xff\xfe",
        "{" + ",".join(f'"k{i}": 1' for i in range(50_000)) + "}",
        '{"version": 2, "problem": {"name": "a", "params": {"x": [' + ",".join("1" * 90_000) + "]}}}",
        " " * (9 << 20),
        "[]",
        "",
    ],
    ids=range(11),
)
def test_a_spec_that_no_person_writes_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidSpec, match="Expected") as caught:
        parse_spec(text)
    assert len(str(caught.value)) < 500


def test_json_that_people_write_is_read() -> None:
    tree = {"a": [1, 2.5, {"b": ["]" * 200, '"', "\\"]}], "c": None}
    assert read_json(json.dumps(tree), "JSON", InvalidSpec) == tree
    deep = "[" * 64 + "]" * 64
    assert read_json(deep, "JSON", InvalidSpec)
    with pytest.raises(InvalidSpec, match="64 levels"):
        read_json(f"[{deep}]", "JSON", InvalidSpec)


def zipped(members: dict[str, bytes], mode: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_zips_are_bounded_and_their_names_are_plain() -> None:
    def read(data: bytes) -> list[tuple[str, bytes]]:
        return read_zip(data, files=3, each=100, total=200, refuse=InvalidTable)

    assert read(zipped({"a": b"1", "b": b"2"})) == [("a", b"1"), ("b", b"2")]
    for members in (
        {"a": b"x" * 101},
        {"a": b"x" * 100, "b": b"x" * 100, "c": b"x"},
        {str(i): b"" for i in range(4)},
        {"../a": b""},
        {"/a": b""},
        {"a/../../b": b""},
        {"..\\a": b""},
        {"C:\\a": b""},
        {"a\nb": b""},
    ):
        with pytest.raises(InvalidTable, match="Expected"):
            read(zipped(members))
    with pytest.raises(InvalidTable, match="link"):
        read(zipped({"a": b"/etc/passwd"}, 0o120777))
    with pytest.raises(InvalidTable, match="at most 3 files"):
        read(zipped({str(i): b"" for i in range(100_000)}))


def test_what_is_read_back_of_exports_is_bounded() -> None:
    for data in (b"\n" * 1_100_000, b">" * (33 << 20), b">a value=" + b"9" * 9000 + b" x=" + b"[" * 9000 + b"\nAC\n"):
        with contextlib.suppress(InvalidTable):
            protein.read(data, "fasta", str)
    with pytest.raises(InvalidTable, match="at most"):
        protein.read(b"\n" * 1_100_000, "csv", str)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/mem", "/dev/null", "/proc/self/fd/0"])
def test_what_the_system_says_of_itself_is_no_file_to_read(path: str, tmp_path: Path) -> None:
    link = tmp_path / "table.csv"
    link.symlink_to(path)
    for named in (Path(path), link):
        with pytest.raises(InvalidInput, match="Check the path"):
            read_file(named, 1000, InvalidInput)


def test_a_first_line_that_is_no_header_is_not_repeated() -> None:
    assert listed(["variant", "fitness (a.u.)"]) == "the columns ['variant', 'fitness (a.u.)']"
    for names in (["hunter2"], ["root:x:0:0:root:/root:/bin/bash", "x7q"], ["PATH=/usr/bin\0HOME=/", "x7q"], []):
        assert not any(name in listed(names) for name in names)
