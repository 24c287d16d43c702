"""Hostile files: tables, logs, specs, circuits, archives and sequences, made when they are needed.

Each maker writes one file; nothing hostile is kept in the repository.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Make = Callable[[], bytes]
HEAD = b"variant,value\n"
LOG = b"prompt,policy_a,policy_b,outcome\n"
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
REGISTER = QASM + "qubit[7] q;\n"


def packed(parts: int, part: bytes, before: bytes = b"") -> bytes:
    """A gzip file of `parts` equal members, of which one is packed."""
    return gzip.compress(before) + gzip.compress(part) * parts


def parquet(compression: str = "zstd", **columns: object) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression=compression)
    return out.getvalue()


def again(rows: int, size: int) -> pa.DictionaryArray:
    """One text of `size` letters in every row; on disk a few bytes."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["A" * size])


def groups() -> bytes:
    """A Parquet file of 40,000 groups of rows."""
    out, table = io.BytesIO(), pa.table({"variant": ["A"], "value": [1.0], "c": [1]})
    with pq.ParquetWriter(out, table.schema) as writer:
        for _ in range(40_000):
            writer.write_table(table)
    return out.getvalue()


def zipped(members: dict[str, bytes], mode: int = 0, repeat: int = 1) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            for i in range(repeat):
                info = zipfile.ZipInfo(name if repeat == 1 else f"{name}{i}")
                info.external_attr = mode << 16
                archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def workbook(rows: bytes, before: bytes = b"", texts: bytes = b"") -> bytes:
    """An xlsx file with these rows, and these shared texts."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    documents = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = b"http://schemas.openxmlformats.org/package/2006"
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml."

    def related(*targets: tuple[bytes, bytes]) -> bytes:
        found = b"".join(
            b'<Relationship Id="r%d" Type="%s/%s" Target="%s"/>' % (i, documents, name, target)
            for i, (name, target) in enumerate(targets)
        )
        return b'<Relationships xmlns="%s/relationships">%s</Relationships>' % (package, found)

    parts = ((b"workbook", b"sheet.main"), (b"sheet1", b"worksheet"), (b"sharedStrings", b"sharedStrings"))
    types = b"".join(b'<Override PartName="/xl/%s.xml" ContentType="%s%s+xml"/>' % (n, kind, t) for n, t in parts)
    sheets = b'<sheets><sheet name="a" sheetId="1" r:id="r0"/></sheets>'
    members = {
        "[Content_Types].xml": b'<Types xmlns="%s/content-types">%s</Types>' % (package, types),
        "_rels/.rels": related((b"officeDocument", b"xl/workbook.xml")),
        "xl/workbook.xml": b'<workbook xmlns="%s" xmlns:r="%s">%s</workbook>' % (main, documents, sheets),
        "xl/_rels/workbook.xml.rels": related((b"worksheet", b"sheet1.xml"), (b"sharedStrings", b"sharedStrings.xml")),
        "xl/sharedStrings.xml": b'<sst xmlns="%s">%s</sst>' % (main, texts),
        "xl/sheet1.xml": before + b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, rows),
    }
    return zipped(members)


TABLES: dict[str, Make] = {
    "4 GiB of zeros, gzipped": lambda: packed(256, b"\0" * (16 << 20)),
    "4 GiB of rows, gzipped": lambda: packed(256, b"ACDE,1\n" * (2 << 20), HEAD),
    "long rows, gzipped": lambda: packed(4000, (b"A" * 90 + b",1\n") * 1000, HEAD),
    "200,000 empty gzip members": lambda: gzip.compress(b"") * 200_000,
    "gzip in gzip in gzip": lambda: gzip.compress(gzip.compress(packed(64, b"\0" * (16 << 20)))),
    "a gzip file cut off": lambda: gzip.compress(HEAD + b"AC,1\n" * 1000)[:-9],
    "a gzip file with a false checksum": lambda: gzip.compress(HEAD + b"AC,1\n" * 1000)[:-8] + b"\0" * 8,
    "20 GB of text in Parquet": lambda: parquet(variant=again(20_000, 1 << 20), value=np.zeros(20_000)),
    "a page of 1 GiB in Parquet": lambda: parquet(variant=["A" * (1 << 30)], value=[1.0]),
    "10 million rows of Parquet": lambda: parquet(variant=again(10_000_000, 2), value=np.zeros(10_000_000)),
    "5,000 columns of Parquet": lambda: parquet(**{f"c{i}": [1] for i in range(5000)}),
    "40,000 groups of rows in Parquet": groups,
    "lists in lists in Parquet": lambda: parquet(variant=[[["A"]]], value=[[1.0]]),
    "Parquet cut off": lambda: parquet(variant=["A"] * 1000, value=[1.0] * 1000)[:-20],
    "Parquet in name only": lambda: b"PAR1" + b"\xff" * 4000 + b"PAR1",
    "a footer of 2 GiB in Parquet": lambda: b"PAR1" + b"\0" * 100 + b"\xff\xff\xff\x7fPAR1",
    "2 million column names": lambda: b",".join(b"c%d" % i for i in range(2_000_000)) + b"\n1\n",
    "one column name of 16 MB": lambda: b"c" * (16 << 20) + b",v\n1,2\n",
    "4,000 columns, 2 million empty rows": lambda: b"," * 3999 + b"\n" * 2_000_000,
    "18 MB of commas": lambda: b"," * (18 << 20),
    "18 MB of commas below a header": lambda: HEAD + b"," * (18 << 20),
    "18 MB of quotes": lambda: HEAD + b'"' * (18 << 20),
    "18 MB of line feeds": lambda: HEAD + b"\n" * (18 << 20),
    "18 MB of carriage returns": lambda: HEAD + b"\r" * (18 << 20),
    "a cell of 18 MB": lambda: HEAD + b"A" * (18 << 20) + b",1\n",
    "a quoted cell of 18 MB in lines": lambda: HEAD + b'"' + b"A\n" * (9 << 20),
    "18 MB of NUL": lambda: HEAD + b"\0" * (18 << 20),
    "no UTF-8": lambda: HEAD + b"\xff\xfe\xfd,1\n",
    "UTF-16 cut in a character": lambda: "variant,value\nAC,1\n".encode("utf-16")[:-1],
    "an open quote in the header": lambda: b'variant,"value\nAC,1\nAD,2\n',
    "two columns of one name": lambda: b"variant,value,value\nAC,1,2\n",
    "rows longer than the header": lambda: HEAD + b"AC,1\nAD,2,3,4,5\n",
    "text as values": lambda: HEAD + b"AC,1\nAD,high\n",
    "values beyond every number": lambda: HEAD + b"AC,1\nAD,1e999\n",
    "a value of a million digits": lambda: HEAD + b"AC," + b"9" * 900_000 + b"\n",
    "nothing": lambda: b"",
    "numbers of blanks": lambda: HEAD + (b"AC,1" + b" " * 90_000 + b"2x\n") * 20,
    "variants of digits": lambda: HEAD + (b"A" + b"1" * 90_000 + b",1\n") * 20,
    "variants of brackets": lambda: HEAD + (b"A1C" + b"(" * 90_000 + b"x,1\n") * 20,
    "a wild type of underscores": lambda: HEAD + (b"wt" + b"_" * 90_000 + b"x,1\n") * 20,
    "digits that are none": lambda: "variant,value,n\nAC,1,\u00b2\nAD,2,\u00b3\n".encode() + b"A,1,1\n",
    "1 GiB in a workbook": lambda: workbook(b"<row>" + b" " * (1 << 30)),
    "a workbook of a million cells": lambda: workbook(b"<row>" + b"<c><v>1</v></c>" * 1_000_000 + b"</row>"),
    "a workbook of a million rows": lambda: workbook(
        b'<row r="1"/>' * 500_000 + b'<row r="1048576"><c><v>1</v></c></row>'
    ),
    "a workbook with a row of 10^9": lambda: workbook(b'<row r="999999999"><c><v>1</v></c></row>'),
    "a workbook with a column far away": lambda: workbook(b'<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>'),
    "a workbook of wide rows": lambda: workbook(b'<row><c r="XFD1"><v>1</v></c></row>' * 5000),
    "definitions in a workbook": lambda: workbook(b"<row/>", b'<!DOCTYPE a [<!ENTITY b "bbbb">]>'),
    "a workbook of shared texts": lambda: workbook(b"<row/>", texts=b"<si><t>A</t></si>" * 140_000),
    "a workbook cut off": lambda: workbook(b"<row/>")[:-30],
    "a zip that is no workbook": lambda: zipped({"a": b"1"}),
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 5000,
}
LOGS: dict[str, Make] = {
    "18 MB of commas": lambda: b"," * (18 << 20),
    "commas below a header": lambda: LOG + b"," * (18 << 20),
    "a column a row": lambda: b"".join(b'{"k%d": 1}\n' % i for i in range(300_000)),
    "a policy a row": lambda: LOG + b"".join(b"p,a%d,b%d,a\n" % (i, i) for i in range(20_000)),
    "brackets without end": lambda: b'{"prompt": ' + b"[" * 900_000,
    "braces without end": lambda: b'{"prompt": ' * 90_000,
    "a number of 900,000 digits": lambda: b'{"prompt": ' + b"9" * 900_000 + b"}",
    "a key twice": lambda: b'{"prompt": "p", "prompt": "q", "policy_a": "a", "policy_b": "b", "outcome": "a"}',
    "a prompt of 18 MB": lambda: LOG + b"p" * (18 << 20) + b",a,b,a\n",
    "a string without end": lambda: b'{"prompt": "' + b'\\"' * 400_000,
    "4 GiB of rows, gzipped": lambda: packed(256, b"p,a,b,tie\n" * 1_600_000, LOG),
    "a quote without end": lambda: LOG + b'"p,a,b,a\n' + b"q,a,b,a\n" * 200_000,
    "an outcome that is none": lambda: LOG + b"p,a,b,won\n",
    "a policy with itself": lambda: LOG + b"p,a,a,a\n",
    "numbers as text": lambda: b'{"prompt": 1, "policy_a": 2, "policy_b": 3, "outcome": NaN}',
    "no UTF-8": lambda: LOG + b"\xff,a,b,a\n",
    "nothing": lambda: b"",
}


def search(**changes: object) -> bytes:
    """A spec of a search as JSON."""
    whole = {"version": 2, "kind": "search", "problem": {"name": "protein/ehrlich", "params": {}}}
    return json.dumps(whole | changes).encode()


SPECS: dict[str, Make] = {
    "brackets without end": lambda: b"[" * 1_000_000,
    "objects without end": lambda: b'{"a":' * 200_000,
    "a seed of 900,000 digits": lambda: search().replace(b'"kind"', b'"seed": ' + b"9" * 900_000 + b', "kind"'),
    "a seed of 39 digits": lambda: search(seed=10**38),
    "a key twice": lambda: b'{"version": 2, "version": 2}',
    "20 MB of blanks": lambda: b" " * (20 << 20),
    "a million keys": lambda: b"{" + b",".join(b'"k%d":1' % i for i in range(500_000)) + b"}",
    "a million items": lambda: search(problem={"name": "protein/ehrlich", "params": {"length": [0] * 1_000_000}}),
    "a label of 7 MB": lambda: search(label="x" * (7 << 20)),
    "a problem's name of 7 MB": lambda: search(problem={"name": "x" * (7 << 20), "params": {}}),
    "numbers that are none": lambda: search(search={"method": "poets", "beta": float("nan")}),
    "a pool without end": lambda: search(search={"method": "poets", "pool": 10**12}),
    "a budget without end": lambda: search(budget={"rounds": 10**12, "batch": 10**12}),
    "another kind": lambda: search(kind="evil"),
    "another method": lambda: search(search={"method": "__import__('os')"}),
    "NUL in a label": lambda: search(label="a\0b"),
    "half a surrogate pair in a label": lambda: search(label="a\ud800b"),
    "a list": lambda: b"[1, 2]",
    "text": lambda: b'"search"',
    "YAML": lambda: b"!!python/object/apply:os.system [id]",
    "a pickle": lambda: b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "no UTF-8": lambda: b'{"label": "\xff"}',
    "nothing": lambda: b"",
}
CIRCUITS: dict[str, Make] = {
    name: (lambda text=text: text.encode())  # type: ignore[misc]
    for name, text in {
        "blanks after a gate": REGISTER + "h" + " " * 60_000 + "!;",
        "blanks between wires": REGISTER + "cx q[0]" + " " * 60_000 + "!;",
        "blanks in the header": "OPENQASM" + " " * 60_000 + "3;",
        "parentheses 3,000 deep": REGISTER + "rx(" + "(" * 3000 + "1" + ")" * 3000 + ") q[0];",
        "parentheses 90 deep": REGISTER + "rx(" + "(" * 90 + "1" + ")" * 90 + ") q[0];",
        "a tower of powers": REGISTER + "rx(9**9**9**9) q[0];",
        "an infinite angle": REGISTER + "rx(1e308*10) q[0];",
        "a division by zero": REGISTER + "rx(1/0) q[0];",
        "2,000 gates": REGISTER + "h q[0];" * 2000,
        "60,000 semicolons": REGISTER + ";" * 60_000,
        "an include of /etc/passwd": 'OPENQASM 3.0;\ninclude "/etc/passwd";\nqubit[7] q;\nh q[0];',
        "an include beside": 'OPENQASM 3.0;\ninclude "../stdgates.inc";\nqubit[7] q;\nh q[0];',
        "3 million qubits": QASM + "qubit[3000000] q;\nh q[0];",
        "a definition of a gate": QASM + "gate g a { h a; }\nqubit[7] q;\ng q[0];",
        "2^40 gates by definitions": QASM
        + "gate g0 a { h a; h a; }\n"
        + "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}\n" for k in range(40))
        + "qubit[7] q;\ng40 q[0];",
        "a loop": REGISTER + "for int i in [0:1000000000] { h q[0]; }",
        "an extern": QASM + "extern f(int) -> int;\nqubit[7] q;\nh q[0];",
        "a wire that is not there": REGISTER + "h q[99];",
        "one wire twice": REGISTER + "cx q[1], q[1];",
        "a comment of 18 MB": REGISTER + "// " + "x" * (18 << 20),
        "a block comment": REGISTER + "/* h */ h q[0];",
        "OpenQASM 2": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[7];\nh q[0];',
        "facts of another circuit": REGISTER.replace("qubit", '// poets: {"design": "x 0"}\nqubit') + "h q[0];",
        "facts 90,000 brackets deep": REGISTER.replace("qubit", "// poets: " + "[" * 50_000 + "\nqubit") + "h q[0];",
        "nothing": "",
    }.items()
}
ONE = (REGISTER + "h q[0];").encode()
ARCHIVES: dict[str, Make] = {
    "1 GiB in a file": lambda: zipped({"a.qasm": b"x" * (1 << 30)}),
    "4,000 files of 64 kB": lambda: zipped({"a": b"// " + b"x" * 64_000 + b"\n" + ONE[:100]}, repeat=4000),
    "100,000 files": lambda: zipped({"a": b""}, repeat=100_000),
    "a name with ..": lambda: zipped({"../../evil.qasm": ONE}),
    "an absolute name": lambda: zipped({"/etc/cron.d/evil": ONE}),
    "a name of another system": lambda: zipped({"..\\evil.qasm": ONE}),
    "a name with a line feed": lambda: zipped({"a\nb.qasm": ONE}),
    "a symbolic link": lambda: zipped({"a.qasm": b"/etc/passwd"}, 0o120777),
    "a device": lambda: zipped({"a.qasm": b""}, 0o020666),
    "a folder": lambda: zipped({"a/": b""}),
    "a zip in a zip": lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c": b"x" * (64 << 20)})})}),
    "a directory that lies": lambda: zipped({"a.qasm": ONE}).replace(b"PK\x01\x02", b"PK\x01\x03"),
    "a zip cut off": lambda: zipped({"a.qasm": ONE})[:-10],
    "no zip": lambda: b"PK\x03\x04" + b"\xff" * 1000,
}
SEQUENCES: dict[str, Make] = {
    "18 MB of line feeds": lambda: b"\n" * (18 << 20),
    "18 MB of headers": lambda: b">\n" * (9 << 20),
    "no header": lambda: b"ACDE\n",
    "a value that is none": lambda: b">a value=high\nAC\n",
    "40 MB in a line": lambda: b">a value=1\n" + b"A" * (40 << 20),
    "no UTF-8": lambda: b">a value=1\n\xff\n",
    "quotes": lambda: b'id,design,value\n"' * 100_000,
    "commas": lambda: b"id,design,value" + b"," * (18 << 20) + b"\na,AC,1\n",
}


def written(folder: Path, name: str, make: Make) -> Path:
    """Write a file, unless it is the one that lies there, and return its path; its name says nothing of its kind."""
    path, mark = folder / "upload.csv", folder / "made"
    if not mark.exists() or mark.read_text() != name:
        path.write_bytes(make())
        mark.write_text(name)
    return path
