"""The first table of an Excel workbook (xlsx) as rows of text, within bounds: a workbook is a zip of XML files.

Every member is unpacked once and counted before openpyxl sees it, since what a zip says of its sizes may be false, and
what XML says of its rows and columns too.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time

from poets_core.errors import InvalidInput
from poets_core.intake import Refuse, TableBounds, memory_limited, shown
from poets_core.intake.archive import check_directory

MEMBERS, BYTES, TAGS, ROWS, CELLS = 2000, 24 << 20, 800_000, 60_000, 110_000
"""Of a workbook: files in it, bytes of all of them unpacked, XML tags, rows and cells of the sheet that is read."""
PACKED = 24 << 20
ROOM = 256 << 20
"""Bytes of memory that reading may take."""
_BLOCK = 1 << 16
_FAR = re.compile(rb'[ \t\n]r="(?:[A-Za-z]{4,}|\d{8,})|<!(?:DOCTYPE|ENTITY)')
"""Columns beyond XFD, rows of eight digits, and definitions, which no spreadsheet writes."""


def read_workbook(
    data: bytes, name: str, bounds: TableBounds, refuse: Refuse, first_sheet: str = ""
) -> tuple[list[list[str]], list[str]]:
    """Return the rows of the first sheet that holds a table, and what is to be said of it.

    Args:
        data: the file; name: for messages.
        bounds: of a table; a workbook has lower ones, see above.
        refuse: makes the error.
        first_sheet: title of the sheet that is looked at before the others; "" or none of it: in their order.
    """
    name = name[:80]
    if len(data) > PACKED:
        raise refuse(
            f"Expected a workbook of at most {PACKED >> 20} MiB in {name}, got {len(data) >> 20}. Save it as CSV."
        )
    check_directory(data, MEMBERS, refuse)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" not in names:
                raise refuse(f"Expected a table in {name}, got a zip file that is no xlsx. Save it as xlsx or CSV.")
            _measure(archive, name, refuse)
        with memory_limited(ROOM):
            return _rows(data, name, bounds, refuse, first_sheet)
    except MemoryError as error:
        raise refuse(f"Expected a workbook that needs less memory in {name}. Save it as CSV.") from error
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, struct.error) as error:
        raise refuse(f"Expected a readable xlsx in {name}, got a damaged or encrypted one. Save it as CSV.") from error


def _measure(archive: zipfile.ZipFile, name: str, refuse: Refuse) -> None:
    """Unpack every member in small pieces, keep none, and refuse what is too much."""
    size = tags = rows = 0
    for member in archive.infolist():
        with archive.open(member) as file:
            last = b""
            while block := file.read(_BLOCK):
                size, tags = size + len(block), tags + block.count(b"<")
                rows += block.count(b"<row") + block.count(b":row")
                if size > BYTES or tags > TAGS or rows > ROWS:
                    raise refuse(
                        f"Expected a workbook of at most {BYTES >> 20} MiB unpacked and {CELLS:,} cells in {name}, got "
                        "more. Save it as CSV, which may be larger."
                    )
                if _FAR.search(last + block):
                    raise refuse(
                        f"Expected a workbook as Excel writes it in {name}, got one that is not. Save it as CSV."
                    )
                last = block[-64:]


def _rows(
    data: bytes, name: str, bounds: TableBounds, refuse: Refuse, first_sheet: str
) -> tuple[list[list[str]], list[str]]:
    import warnings

    from openpyxl import load_workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that are not read
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            sheets = [s for s in book.worksheets if isinstance(s, ReadOnlyWorksheet) and s.sheet_state == "visible"]
            for sheet in sorted(sheets, key=lambda s: s.title != first_sheet):
                sheet.reset_dimensions()  # a file may claim any
                rows = list(_taken(sheet.iter_rows(values_only=True), name, bounds, refuse))
                if sum(sum(map(bool, r)) > 1 for r in rows) > 1:
                    more = f", of {len(sheets)} sheets" if len(sheets) > 1 else ""
                    return rows, [f"read from the sheet {shown(sheet.title)}{more}"]
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError) as error:
            if isinstance(error, InvalidInput):
                raise
            # Whatever openpyxl meets in XML that it does not expect; its parser's errors are SyntaxErrors.
            raise refuse(
                f"Expected a readable xlsx in {name}, got {type(error).__name__} in its XML. Save it as CSV."
            ) from error
    raise refuse(f"Expected a sheet with a header row and data in {name}, got none. Save it as CSV.")


def _taken(rows: Iterator[tuple[object, ...]], name: str, bounds: TableBounds, refuse: Refuse) -> Iterator[list[str]]:
    cells = 0
    for number, row in enumerate(rows, 1):
        cells += len(row)
        if number > min(ROWS, bounds.rows) or cells > CELLS or len(row) > bounds.columns:
            raise refuse(
                f"Expected at most {ROWS:,} rows and {CELLS:,} cells in the workbook {name}, got more. Save it as CSV."
            )
        out = [_text(cell) for cell in row]
        while out and not out[-1]:
            out.pop()  # formats without a cell
        yield out


def _text(cell: object) -> str:
    """Return a cell as a CSV would hold it; repr keeps every digit of a number."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, datetime):
        return str(cell.date()) if cell.time() == time(0) else str(cell)
    return str(cell) if isinstance(cell, date | time) else repr(cell)
