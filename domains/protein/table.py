"""Reads a table of measured variants, and says what is wrong with it by row and column.

CSV, TSV (or semicolons) and Parquet, each also gzipped, are told apart by
their content. Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of, name_letter, upper
from poets_core.errors import InvalidTable
from poets_core.intake import Lines, TableBounds, Unpacked, listed, separator, shown, unpacked
from poets_core.types import F8, Design

BOUNDS = TableBounds()
CHUNK = 200_000
"""Rows that are parsed at a time: of each, two columns are kept."""
HEAD = 200
"""Rows by which a column's kind is told."""
VARIANT_NAMES = ("variant", "variants", "sequence", "sequences", "aaseq")
VALUE_NAMES = ("value", "fitness", "score", "activity", "measurement")


@dataclass(frozen=True)
class MeasuredTable:
    """Distinct variants of one length and their values.

    Attributes:
        values: value of every variant, in the order of the file.
        length: residues of every variant.
        variant_column, value_column: the columns used.
        rows: rows read, duplicates included.
    """

    values: dict[Design, float]
    length: int
    variant_column: str
    value_column: str
    rows: int


def read_table(path: Path, *, variant_column: str = "", value_column: str = "") -> MeasuredTable:
    """Read and check a table.

    Args:
        path: CSV, TSV or Parquet, gzipped or not.
        variant_column, value_column: names; empty looks for a usual name,
            then takes the first text and the first numeric column.

    Raises:
        InvalidTable: unreadable, too large, wrong columns, or a cell that is
            wrong; names row and column, and the form's field.
    """
    frame = _load(path, variant_column, value_column)
    variant, value = map(str, frame.columns)
    blank = (frame == "").all(axis=1).to_numpy()
    frame = frame.iloc[: len(frame) - int(np.argmin(blank[::-1])) if not blank.all() else 0]  # blank lines at the end
    if frame.empty:
        raise _wrong(f"Expected measured variants in {path.name}, got a table without rows.")
    _check_cells(frame)
    designs = _upper(frame[variant].tolist())
    length = _check_variants(designs, variant)
    values = _check_values(frame[value], value)
    found = dict(zip(designs, values.tolist(), strict=True))
    if len(found) < len(designs):
        _check_duplicates(designs, values, variant, value)
    return MeasuredTable(found, length, variant, value, len(designs))


def _upper(texts: list[str]) -> list[str]:
    """Return the texts in upper case; as one text, which is many times quicker, where no cell has lines in it."""
    split = upper("\n".join(texts)).split("\n")
    return split if len(split) == len(texts) else [upper(text) for text in texts]


def _check_variants(designs: list[str], column: str) -> int:
    lengths = np.fromiter(map(len, designs), dtype=np.int64, count=len(designs))
    joined = "".join(designs)
    for wrong, tell in (
        (lengths == 0, lambda d: "an empty cell. Fill it in or remove the row"),
        (_unknown(joined, lengths), _first_unknown),
    ):
        if wrong.any():
            at = int(np.argmax(wrong))
            raise _wrong(f"Expected letters {LETTERS} in {_cell(at, column)}, got {tell(designs[at])}.")
    wrong = lengths != lengths[0]
    if wrong.any():
        at = int(np.argmax(wrong))
        raise _wrong(
            f"Expected variants of one length, {lengths[0]} residues as in row 2, got {lengths[at]} in "
            f"{_cell(at, column)} ({designs[at][:40]!r}). Give the residues at the mutable positions only."
        )
    return int(lengths[0])


def _unknown(
    joined: str, lengths: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    wrong = np.zeros(len(lengths), dtype=np.bool_)
    letters = np.flatnonzero(codes_of(joined) == UNKNOWN)
    wrong[np.searchsorted(np.cumsum(lengths), letters, side="right")] = True
    return wrong


def _first_unknown(design: str) -> str:
    at = int(np.argmax(codes_of(design) == UNKNOWN))
    return f"{name_letter(design[at])} at position {at + 1} of {design[:40]!r}"


def _check_values(cells: pd.Series[str], column: str) -> F8:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise _wrong(
            f"Expected a finite number in {_cell(at, column)}, got {shown(cells.iloc[at])}. "
            "Correct it, or remove the row if the variant was not measured."
        )
    return values


def _check_duplicates(designs: list[str], values: F8, variant: str, value: str) -> None:
    first: dict[str, int] = {}
    for row, design in enumerate(designs):
        seen = first.setdefault(design, row)
        if values[seen] != values[row]:
            raise _wrong(
                f"Expected one value for variant {shown(design)}, got {float(values[seen])!r} in {_cell(seen, value)} "
                f"and {float(values[row])!r} in {_cell(row, value)}. Average replicates, or remove one of the rows."
            )


def _cell(row: int, column: str) -> str:
    return f"row {row + 2}, column {shown(column)}"


def _wrong(message: str, field: str = "table") -> InvalidTable:
    return InvalidTable(message, field=f"problem.params.{field}")


def _check_cells(frame: pd.DataFrame) -> None:
    for column in frame.columns:
        lengths = frame[column].str.len().to_numpy()
        if lengths.max() > BOUNDS.cell:
            at = int(np.argmax(lengths > BOUNDS.cell))
            raise _wrong(f"Expected at most {BOUNDS.cell:,} characters in {_cell(at, column)}, got {lengths[at]:,}.")


def _choose(head: pd.DataFrame, wanted: str, usual: tuple[str, ...], *, numeric: bool, other: str) -> str:
    """Return the column asked for, or one with a usual name, or the first of the right kind.

    Args:
        head: the first rows as text.
        wanted, usual: names; other: the column that is taken already.
        numeric: the kind.
    """
    names = [str(c) for c in head.columns]
    got = listed(names)
    kind, field = ("numeric", "value_column") if numeric else ("text", "variant_column")
    if wanted:
        if wanted not in names:
            raise _wrong(f"Expected a column {shown(wanted)}, got {got}. Choose one of these.", field)
        return wanted
    free = [n for n in names if n != other]
    for name in free:
        if name.strip().lower() in usual:
            return name
    for name in free:
        some = head[name]
        some = some[some != ""]
        numbers = pd.to_numeric(some, errors="coerce").notna().mean() if len(some) else 0.0
        if len(some) and (numbers > 0.5) == numeric:
            return name
    beside = shown(other) if other and len(names) > 1 else "the other"
    raise _wrong(f"Expected a {kind} column beside {beside}, got {got}. Name it.", field)


def _two(head: pd.DataFrame, variant_column: str, value_column: str, path: Path) -> list[str]:
    """Return the names of the column of variants and that of values."""
    doubled = head.columns[head.columns.duplicated()]
    if len(doubled):
        raise _wrong(f"Expected distinct column names in {path.name}, got {shown(doubled[0])} twice. Rename one.")
    variant = _choose(head, variant_column, VARIANT_NAMES, numeric=False, other=value_column)
    return [variant, _choose(head, value_column, VALUE_NAMES, numeric=True, other=variant)]


def _load(path: Path, variant_column: str, value_column: str) -> pd.DataFrame:
    """Return two columns, variants and values, as stripped text; missing cells are empty text."""
    blocks = unpacked(path, BOUNDS, _wrong)
    try:
        first = next(blocks, b"")
        if first[:4] == b"PAR1":
            from poets_core.intake.parquet import read_parquet  # pyarrow: CSV does without

            data = b"".join(chain([first], blocks))
            return read_parquet(
                data, path.name, BOUNDS, _wrong, lambda head: _two(head, variant_column, value_column, path)
            )
        # Looked at once before it is parsed: what is too large costs no parsing.
        lines = Lines(path.name, BOUNDS, _wrong)
        for block in chain([first], blocks):
            lines.add(block)
        return _delimited(lines, path, variant_column, value_column)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise _wrong(
            f"Expected a readable CSV, TSV or Parquet table in {path.name}, got {type(error).__name__}: "
            f"{str(error)[:200]}. Save it again as UTF-8 CSV."
        ) from error


def _delimited(lines: Lines, path: Path, variant_column: str, value_column: str) -> pd.DataFrame:
    header = lines.header.decode("utf-8-sig")
    if not header.strip():
        raise _wrong(f"Expected a header row in {path.name}, got an empty {'line' if lines.rows else 'file'}.")
    # header=None: pandas would rename doubled columns, and cut rows that are too long, without a word
    reader = pd.read_csv(
        Unpacked(unpacked(path, BOUNDS, _wrong)),
        sep=separator(header),
        header=None,
        dtype=str,
        keep_default_na=False,
        skip_blank_lines=False,
        chunksize=CHUNK,
        encoding="utf-8-sig",
    )
    names: list[str] = []
    two: list[str] = []
    kept: list[pd.DataFrame] = []
    for number, chunk in enumerate(reader):
        if not number:
            names = [str(c).strip() for c in chunk.iloc[0]]
            chunk = chunk.iloc[1:]
        chunk.columns = names
        if not number:
            two = _two(_text(chunk.head(HEAD)), variant_column, value_column, path)
        kept.append(_text(chunk[two]))
    return pd.concat(kept, ignore_index=True)


def _text(frame: pd.DataFrame) -> pd.DataFrame:
    text: pd.DataFrame = frame.fillna("").apply(lambda column: column.str.strip())
    return text
