"""Any spreadsheet-like file as columns of text: CSV, TSV, semicolons, blanks, UTF-8, UTF-16, cp1252, xlsx, Parquet,
gzip.

What a file is, is told by its content and never by its name. It is read within `TableBounds`, in one way for form,
command line and worker. Text needs the standard library alone.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from poets_core.intake import Lines, Refuse, TableBounds, Unpacked, shown, unpacked
from poets_core.intake.layout import BLANKS, COMMENTS, Layout, layout, records, sep_line, separator_of, split

HEAD_ROWS, HEAD_CELLS = 20_000, 1_000_000
"""Of the beginning by which columns are chosen."""
BEGIN, FIRST = 1 << 18, 200
"""Characters and records by which separator, header and units are found."""
CHUNK = 8192
UNNAMED = "Unnamed: "
"""What a column without a name is called, with its number from 0, as pandas does."""
_OLD_EXCEL, _ZIP, _PARQUET = b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True)
class Sheet:
    """A table as text.

    Attributes:
        name: of the file.
        columns: header -> stripped cells, "" where one is missing; all of one length.
        rows: the number that a spreadsheet shows for each row; the header's is 1 where nothing stands above it.
        notes: what was recognised or passed over, in sentences without an end.
        separator: of the cells: a comma, a semicolon, a tab, a blank, "|"; "" of Parquet and xlsx.
        blank: lines among the rows without a cell that says anything; they were skipped.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    rows: Sequence[int]
    notes: tuple[str, ...]
    separator: str
    blank: int = 0


@dataclass(frozen=True)
class Form:
    """How the form of a table is recognised.

    Attributes:
        separator: of the cells, by the beginning of a text.
        layout: where header and rows begin, by the first records; None where nothing stands there.
        strict: whether a quote that is not closed, or closed before the cell ends, is an error.
        nested: whether lists and records of a Parquet file are read, as JSON; else their columns are left out.
    """

    separator: Callable[[str], str] = separator_of
    layout: Callable[[Sequence[Sequence[str]]], Layout | None] = layout
    strict: bool = False
    nested: bool = False


FORM = Form()
"""Tables of measurements."""


Choose = Callable[[Sheet], Sequence[str]]
"""Called with the beginning of a sheet; returns the columns that are wanted."""


def read_sheet(
    path: Path,
    bounds: TableBounds,
    refuse: Refuse,
    *,
    columns: Choose | None = None,
    name: str = "",
    first_sheet: str = "",
    form: Form = FORM,
) -> Sheet:
    """Read a table.

    Args:
        path: of the file, gzipped or not.
        bounds: of the table.
        refuse: makes the error: unreadable, beyond a bound, without header or rows, a name twice, a row too long.
        columns: chooses the columns by the first `HEAD_ROWS` rows; None: all of them.
        name: as a person calls the file; "": its own.
        first_sheet: of a workbook, looked at before the others where there is one of this title.
        form: how separator and header are found.
    """
    name = name or path.name
    choose = columns or (lambda head: list(head.columns))
    blocks = unpacked(path, bounds, refuse)
    first = next(blocks, b"")
    if first[:4] == _PARQUET:
        return _parquet(b"".join(chain([first], blocks)), name, bounds, refuse, choose, form.nested)
    if first[:4] == _OLD_EXCEL:
        raise refuse(
            f"Expected a table in {name[:80]}, got an old or encrypted Excel file. Save it as xlsx without a "
            "password, or as CSV."
        )
    if first[:4] == _ZIP:
        with _needed("openpyxl", name, refuse):
            from poets_core.intake.xlsx import read_workbook  # text does without

            rows, notes = read_workbook(b"".join(chain([first], blocks)), name, bounds, refuse, first_sheet)
        return _Table(name, "", bounds, refuse, choose, form).read(rows, rows[:FIRST], notes)
    return _text(path, name, first, blocks, bounds, refuse, choose, form)


def _text(
    path: Path,
    name: str,
    first: bytes,
    blocks: Iterator[bytes],
    bounds: TableBounds,
    refuse: Refuse,
    choose: Choose,
    form: Form,
) -> Sheet:
    # Looked at once before it is parsed: what is too large costs no parsing.
    encoding, begin = _look(name, first, blocks, bounds, refuse)
    if "\0" in begin:
        raise refuse(f"Expected a readable CSV, TSV, xlsx or Parquet table in {name[:80]}, got bytes that are no text.")
    if not begin.strip():
        raise refuse(f"Expected a header row in {name[:80]}, got an empty {'line' if begin else 'file'}.")
    notes = [] if encoding.startswith("utf-8") else [f"read as {encoding.removesuffix('-le').removesuffix('-be')}"]
    mark = sep_line(begin)
    raw = Unpacked(unpacked(path, bounds, refuse))
    stream = io.TextIOWrapper(io.BufferedReader(raw), encoding, errors="replace", newline="")
    if mark:
        notes.append(f"the separator {shown(mark)} is named in the first line")
        stream.readline()  # a spreadsheet does not show this line, and does not count it
        begin = begin.split("\n" if "\n" in begin else "\r", 1)[-1]
    else:
        mark = form.separator(begin)
    if mark == BLANKS:
        notes.append("blanks separate the cells")
    rows = records(stream, mark, strict=form.strict)
    try:
        table = _Table(name, mark, bounds, refuse, choose, form)
        return table.read(rows, split(begin, mark, FIRST), notes)
    except csv.Error as error:
        near = f", near line {rows.line_num}" if form.strict and hasattr(rows, "line_num") else ""
        raise refuse(
            f"Expected a readable CSV, TSV, xlsx or Parquet table in {name[:80]}, got: {error}{near}. Save it again as "
            "CSV."
        ) from error


def _look(name: str, first: bytes, blocks: Iterator[bytes], bounds: TableBounds, refuse: Refuse) -> tuple[str, str]:
    """Pass over a whole text; return its encoding and the first `BEGIN` characters."""
    lines, encoding = Lines(name, bounds, refuse), _sixteen(first) or "utf-8-sig"
    wide = encoding.startswith("utf-16")
    decoder = codecs.getincrementaldecoder(encoding)("replace" if wide else "strict")
    kept: list[bytes] = []
    for block in chain([first], blocks):
        if sum(map(len, kept)) < 2 * BEGIN:
            kept.append(block)
        if wide:
            lines.add(decoder.decode(block).encode())
            continue
        lines.add(block)
        if encoding != "cp1252":
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                encoding = "cp1252"  # every byte is a letter in it, nearly: what it is not shows in the cells
    text = b"".join(kept).decode(encoding, "replace")[:BEGIN]
    return encoding, text


def _sixteen(first: bytes) -> str:
    """Return which UTF-16 a text is in, "" for none: by its mark, or by every other byte being NUL."""
    if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    some = first[:400]
    if len(some) > 7 and not any(some[1::2]):
        return "utf-16-le"
    return "utf-16-be" if len(some) > 7 and not any(some[::2]) else ""


@contextmanager
def _needed(package: str, name: str, refuse: Refuse) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise refuse(
            f"Expected the package {package} to read {name[:80]}, got none installed. Install it, or save the table as "
            "CSV."
        ) from error


class _Table:
    """Records on their way into columns."""

    def __init__(
        self, name: str, mark: str, bounds: TableBounds, refuse: Refuse, choose: Choose, form: Form = FORM
    ) -> None:
        self._name, self._mark, self._bounds, self._refuse, self._choose = name, mark, bounds, refuse, choose
        self._layout = form.layout
        self._names: list[str] = []
        self._header: list[str] = []
        self._kept: list[int] = []
        self._cells: list[list[str]] = []
        self._rows: list[int] = []
        self._blank = self._again = self._said = 0
        self._chosen = False

    def read(self, rows: Iterator[list[str]] | list[list[str]], begin: list[list[str]], notes: Sequence[str]) -> Sheet:
        """Take in all records; `begin` are the first ones, stripped."""
        found = self._layout(begin)
        if found is None:
            raise self._refuse(f"Expected a header row in {self._name[:80]}, got an empty file.")
        self._take_names(found)
        source = iter(rows)
        for at, record in zip(range(found.header + 1), source, strict=False):
            if at == found.header:
                self._header = [c.strip() for c in record]
        number = found.header + 1
        while block := list(islice(source, CHUNK)):
            if found.skipped and number <= max(found.skipped):
                rest = [(number + i + 1, r) for i, r in enumerate(block) if number + i not in found.skipped]
                self._slow(rest)
            else:
                self._add(number + 1, block)
            number += len(block)
            if not self._chosen and len(self._rows) >= self._head_rows:
                self._decide(notes, found)
        if not self._chosen:
            self._decide(notes, found)
        return self._sheet(self._notes(notes, found))

    @property
    def _head_rows(self) -> int:
        return max(FIRST, min(HEAD_ROWS, HEAD_CELLS // max(1, len(self._names))))

    def _take_names(self, found: Layout) -> None:
        bounds, names = self._bounds, list(found.names)
        while names and not names[-1]:
            names.pop()  # commas at the end of every line
        if not names:
            raise self._refuse(f"Expected a header row in {self._name[:80]}, got an empty line.")
        if names[0].startswith(">"):
            raise self._refuse(
                f"Expected a table in {self._name[:80]}, got what looks like FASTA: its first line begins with '>'. "
                "Give a table with a header line, a column of variants and a column of values."
            )
        if len(names) > bounds.columns:
            raise self._refuse(f"Expected at most {bounds.columns:,} columns in {self._name[:80]}, got {len(names):,}.")
        names = [n or f"{UNNAMED}{i}" for i, n in enumerate(names)]
        if len(set(names)) < len(names):
            twice = next(n for i, n in enumerate(names) if n in names[:i])
            raise self._refuse(
                f"Expected distinct column names in {self._name[:80]}, got {shown(twice)} twice. Rename one."
            )
        self._names, self._kept = names, list(range(len(names)))
        self._cells = [[] for _ in names]

    def _add(self, number: int, block: list[list[str]]) -> None:
        """Take in records that follow each other; `number` is the first one's. Quick where nothing is odd."""
        width = len(self._names)
        lengths = set(map(len, block))
        if lengths != {width} and (min(lengths) < width or any(c.strip() for r in block for c in r[width:])):
            self._slow([(number + i, r) for i, r in enumerate(block)])
            return
        columns = list(zip(*block, strict=False))
        taken = [[cell.strip() for cell in columns[i]] for i in self._kept]
        probe = [cell.strip() for cell in columns[0]] if self._kept[:1] != [0] else taken[0]
        if "" in probe or self._names[0] in probe or "\n#" in "\n".join(["", *probe]):
            self._slow([(number + i, r) for i, r in enumerate(block)])
            return
        for cells, new in zip(self._cells, taken, strict=True):
            cells += new
        self._rows += range(number, number + len(block))
        self._check(len(block))

    def _slow(self, block: Sequence[tuple[int, list[str]]]) -> None:
        """Take in records one by one: blank, too short, too long, a comment, the header again."""
        width = len(self._names)
        before = len(self._rows)
        for number, record in block:
            cells = [c.strip() for c in record]
            if not any(cells):
                self._blank += 1
                continue
            if cells[0].startswith(COMMENTS) and (len(cells) != width or not any(cells[1:])):
                self._said += 1
                continue
            if len(cells) != width:
                if any(cells[width:]):
                    raise self._too_long(number, len(cells))
                cells = (cells + [""] * width)[:width]
            if cells == self._header[:width]:
                self._again += 1
                continue
            for column, at in zip(self._cells, self._kept, strict=True):
                column.append(cells[at])
            self._rows.append(number)
        self._check(len(self._rows) - before)

    def _too_long(self, number: int, cells: int) -> Exception:
        hint = (
            " Decimal commas in a table whose cells commas separate cannot be told apart." if self._mark == "," else ""
        )
        return self._refuse(
            f"Expected a readable table of {len(self._names)} columns in {self._name[:80]}, got {cells} cells in line "
            f"{number}.{hint} Quote the cells, or save it with another separator."
        )

    def _check(self, new: int) -> None:
        bounds, rows = self._bounds, len(self._rows)
        if rows > bounds.rows or rows * len(self._names) > bounds.cells:
            raise self._refuse(
                f"Expected at most {bounds.rows:,} rows and {bounds.cells:,} cells in {self._name[:80]}, got "
                f"more. Keep "
                "those that are needed."
            )
        for at, cells in zip(self._kept, self._cells, strict=True):
            longest = max(map(len, cells[len(cells) - new :]), default=0)
            if longest > bounds.cell:
                row = next(r for r, c in zip(self._rows, cells, strict=True) if len(c) > bounds.cell)
                raise self._refuse(
                    f"Expected at most {bounds.cell:,} characters in row {row}, column {shown(self._names[at])}, got "
                    f"{longest:,}."
                )

    def _decide(self, notes: Sequence[str], found: Layout) -> None:
        """Let the columns be chosen by what is there, and forget the others."""
        self._chosen = True
        # Columns without a name and without a cell are what a spreadsheet leaves beside a table.
        held = [i for i in self._kept if any(self._cells[i]) or not self._names[i].startswith(UNNAMED)]
        self._cells, self._kept = [self._cells[i] for i in held], held
        wanted = self._choose(self._sheet(self._notes(notes, found)))
        places = {self._names[at]: i for i, at in enumerate(self._kept)}
        picked = [places[name] for name in wanted]
        self._cells, self._kept = [self._cells[i] for i in picked], [self._kept[i] for i in picked]

    def _notes(self, notes: Sequence[str], found: Layout) -> tuple[str, ...]:
        out = [*notes, *found.notes]
        for n, what in (
            (self._blank, "blank line"),
            (self._said, "comment line among the rows"),
            (self._again, "repeated header"),
        ):
            if n:
                one, many = (what, what.replace("line", "lines", 1) if "line" in what else f"{what}s")
                out.append(f"{n:,} {one if n == 1 else many} {'was' if n == 1 else 'were'} skipped")
        return tuple(out)

    def _sheet(self, notes: tuple[str, ...]) -> Sheet:
        columns = {self._names[at]: cells for at, cells in zip(self._kept, self._cells, strict=True)}
        return Sheet(self._name, columns, self._rows, notes, self._mark, self._blank)


def _parquet(data: bytes, name: str, bounds: TableBounds, refuse: Refuse, choose: Choose, nested: bool) -> Sheet:
    with _needed("pyarrow", name, refuse):
        from poets_core.intake.parquet import read_parquet  # text does without

    def sheet(columns: Mapping[str, Sequence[str]]) -> Sheet:
        rows = len(next(iter(columns.values()), ()))
        return Sheet(name, columns, range(2, rows + 2), (), "")

    def chosen(columns: Mapping[str, Sequence[str]]) -> list[str]:
        return list(choose(sheet(columns)))

    return sheet(read_parquet(data, name, bounds, refuse, chosen, nested=nested))
