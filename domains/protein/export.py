"""Candidates as FASTA and CSV that other programs read, and that reload equal.

Metadata travels as ``key=value``. Numbers, booleans and other JSON values are
written as JSON, plain text as itself unless it would read as JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from poets_core.cells import guarded, unguarded
from poets_core.errors import InvalidDesign, InvalidInput, InvalidTable
from poets_core.intake import check_text, shown
from poets_core.types import Design, Record

FORMATS = ("fasta", "csv")
MAX_BYTES, MAX_LINES = 32 << 20, 1_000_000
"""Of a file that is read back."""
_FIXED = ("id", "design", "value")


def write(records: Sequence[Record], format: str) -> bytes:
    """Write records as ``"fasta"`` or ``"csv"``, UTF-8.

    Raises:
        InvalidInput: another format, or metadata named like a fixed column.
    """
    _check_format(format)
    for r in records:
        if clash := sorted(set(r.metadata) & set(_FIXED)):
            raise InvalidInput(f"Expected metadata named otherwise than {_FIXED}, got {clash} in record {r.id!r}.")
    return (_write_fasta(records) if format == "fasta" else _write_csv(records)).encode("utf-8")


def read(data: bytes, format: str, decode: Callable[[str], Design]) -> list[Record]:
    """Read what `write` wrote.

    Args:
        data: the file.
        format: ``"fasta"`` or ``"csv"``.
        decode: parses a sequence into a canonical design.

    Raises:
        InvalidTable: names the line that cannot be read.
        InvalidInput: another format.
    """
    _check_format(format)
    check_text(data, f"{format} export", MAX_BYTES, MAX_LINES, InvalidTable)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTable(f"Expected UTF-8 text in the {format} export, got {error}. Save it as UTF-8.") from error
    return _read_fasta(text, decode) if format == "fasta" else _read_csv(text, decode)


def _check_format(format: str) -> None:
    if format not in FORMATS:
        raise InvalidInput(f"Expected an export format among {list(FORMATS)}, got {format!r}.")


def _write_fasta(records: Sequence[Record]) -> str:
    lines = []
    for r in records:
        fields = {"value": r.value, **r.metadata}
        header = " ".join(f"{quote(k, safe='')}={quote(cell_of(v), safe='+-.:,/[]{}')}" for k, v in fields.items())
        lines.append(f">{quote(r.id, safe='+-.:,/')} {header}")
        lines += [r.design[i : i + 60] for i in range(0, len(r.design), 60)]
    return "".join(f"{line}\n" for line in lines)


def _read_fasta(text: str, decode: Callable[[str], Design]) -> list[Record]:
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(">"):
            blocks.append((number, line[1:], []))
        elif line.strip() and not blocks:
            raise InvalidTable(
                f"Expected a header that starts with '>' in line {number} of the FASTA, got {shown(line)}."
            )
        elif line.strip():
            blocks[-1][2].append(line)
    records = []
    for number, header, sequence in blocks:
        where = f"line {number} of the FASTA"
        name, *fields = header.split() or [""]
        if not name:
            raise InvalidTable(f"Expected '>', an id and value=... in {where}, got {shown(header)}.")
        pairs = {unquote(k): unquote(v) for k, _, v in (f.partition("=") for f in fields)}
        value = _number(pairs.pop("value", ""), where)
        records.append(_record(unquote(name), "".join(sequence), value, pairs, decode, where))
    return records


def _write_csv(records: Sequence[Record]) -> str:
    keys = list(dict.fromkeys(k for r in records for k in r.metadata))
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")  # RFC 4180; cells that hold either character are quoted
    table.writerow([*_FIXED, *map(_guard, keys)])
    for r in records:
        cells = [cell_of(r.metadata[k]) if k in r.metadata else "" for k in keys]
        table.writerow([_guard(r.id), _guard(r.design), repr(float(r.value)), *map(_guard, cells)])
    return out.getvalue()


def _read_csv(text: str, decode: Callable[[str], Design]) -> list[Record]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[Record] = []
    try:
        names = [unguarded(c) for c in next(rows, [])]
        if tuple(names[:3]) != _FIXED:
            raise InvalidTable(
                f"Expected the columns {', '.join(_FIXED)} first in the CSV export, got {shown(','.join(names[:3]))}."
            )
        for row in rows:
            where = f"row {rows.line_num} of the CSV"
            if len(row) != len(names):
                raise InvalidTable(f"Expected {len(names)} cells in {where}, got {len(row)}.")
            pairs = {k: unguarded(c) for k, c in zip(names[3:], row[3:], strict=True) if c}
            records.append(_record(unguarded(row[0]), unguarded(row[1]), _number(row[2], where), pairs, decode, where))
    except csv.Error as error:
        raise InvalidTable(f"Expected CSV, got {error} in row {rows.line_num}. Export it again.") from error
    return records


def _record(
    name: str, text: str, value: float, pairs: dict[str, str], decode: Callable[[str], Design], where: str
) -> Record:
    try:
        return Record(name, decode(text), value, {k: value_of(v) for k, v in pairs.items()})
    except InvalidDesign as error:
        raise InvalidTable(f"Expected a design of this problem in {where}: {error}") from error


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidTable(f"Expected a number as value in {where}, got {shown(text)}.") from error


def cell_of(value: Any) -> str:
    """Return a metadata value as text that `value_of` turns back into it."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    plain = value != "" and isinstance(value_of(value), str) and value_of(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)


def value_of(text: str) -> Any:
    """Return the JSON value that a text spells, or the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also numbers of thousands of digits, and brackets without end
        return text


def _guard(cell: str) -> str:
    """Put an apostrophe before text a spreadsheet would run as a formula; numbers stay numbers."""
    return cell if isinstance(value_of(cell), int | float) else guarded(cell, reversible=True)
