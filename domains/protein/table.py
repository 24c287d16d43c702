"""Reads a table of measured variants, and says what is wrong with it by row and column.

CSV, TSV (or semicolons) and Parquet, each also gzipped, are told apart by
their content. Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of, name_letter, upper
from poets_core.errors import InvalidTable
from poets_core.types import F8, Design

MOST_ROWS = 10_000_000
MOST_BYTES = 2 * 1024**3
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
            wrong; names row and column.
    """
    frame = _load(path)
    variant = _choose(frame, variant_column, VARIANT_NAMES, numeric=False, other=value_column)
    value = _choose(frame, value_column, VALUE_NAMES, numeric=True, other=variant)
    frame = frame[[variant, value]]
    blank = (frame == "").all(axis=1).to_numpy()
    frame = frame.iloc[: len(frame) - int(np.argmin(blank[::-1])) if not blank.all() else 0]  # blank lines at the end
    if frame.empty:
        raise InvalidTable(f"Expected measured variants in {path.name}, got a table without rows.")
    designs = [upper(v) for v in frame[variant].tolist()]
    length = _check_variants(designs, variant)
    values = _check_values(frame[value], value)
    found = dict(zip(designs, values.tolist(), strict=True))
    if len(found) < len(designs):
        _check_duplicates(designs, values, variant, value)
    return MeasuredTable(found, length, variant, value, len(designs))


def _check_variants(designs: list[str], column: str) -> int:
    lengths = np.fromiter(map(len, designs), dtype=np.int64, count=len(designs))
    joined = "".join(designs)
    for wrong, tell in (
        (lengths == 0, lambda d: "an empty cell. Fill it in or remove the row"),
        (_unknown(joined, lengths), _first_unknown),
    ):
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InvalidTable(f"Expected letters {LETTERS} in {_cell(at, column)}, got {tell(designs[at])}.")
    wrong = lengths != lengths[0]
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InvalidTable(
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
        raise InvalidTable(
            f"Expected a finite number in {_cell(at, column)}, got {cells.iloc[at]!r}. "
            "Correct it, or remove the row if the variant was not measured."
        )
    return values


def _check_duplicates(designs: list[str], values: F8, variant: str, value: str) -> None:
    first: dict[str, int] = {}
    for row, design in enumerate(designs):
        seen = first.setdefault(design, row)
        if values[seen] != values[row]:
            raise InvalidTable(
                f"Expected one value for variant {design!r}, got {float(values[seen])!r} in {_cell(seen, value)} and "
                f"{float(values[row])!r} in {_cell(row, value)}. Average replicates, or remove one of the rows."
            )


def _cell(row: int, column: str) -> str:
    return f"row {row + 2}, column {column!r}"


def _choose(frame: pd.DataFrame, wanted: str, usual: tuple[str, ...], *, numeric: bool, other: str) -> str:
    """Return the column asked for, or one with a usual name, or the first of the right kind."""
    names = [str(c) for c in frame.columns]
    kind = "numeric" if numeric else "text"
    if wanted:
        if wanted not in names:
            raise InvalidTable(f"Expected a column {wanted!r}, got the columns {names}. Choose one of these.")
        return wanted
    free = [n for n in names if n != other]
    for name in free:
        if name.strip().lower() in usual:
            return name
    for name in free:
        some = frame[name].head(200)
        some = some[some != ""]
        numbers = pd.to_numeric(some, errors="coerce").notna().mean() if len(some) else 0.0
        if len(some) and (numbers > 0.5) == numeric:
            return name
    raise InvalidTable(f"Expected a {kind} column beside {other or 'the others'!r}, got the columns {names}. Name it.")


def _load(path: Path) -> pd.DataFrame:
    """Return all cells as stripped text; missing cells are empty text."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = _read_limited(stream, path)
        frame = _parquet(data, path) if data[:4] == b"PAR1" else _delimited(data, path)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError, pa.ArrowException) as error:
        raise InvalidTable(
            f"Expected a readable CSV, TSV or Parquet table in {path.name}, got {type(error).__name__}: {error}. "
            "Save it again as UTF-8 CSV."
        ) from error
    frame.columns = [str(c).strip() for c in frame.columns]
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise InvalidTable(f"Expected distinct column names in {path.name}, got {doubled[0]!r} twice. Rename one.")
    cells: pd.DataFrame = frame.fillna("").apply(lambda column: column.str.strip())
    return cells


def _read_limited(stream: gzip.GzipFile | io.BufferedReader, path: Path) -> bytes:
    """Read to the end, but stop at the first sign of a table that is too large to hold."""
    blocks, lines, size = [], 0, 0
    text = None
    while block := stream.read(1 << 22):
        text = block[:4] != b"PAR1" if text is None else text
        lines += block.count(b"\n") if text else 0
        size += len(block)
        if lines > MOST_ROWS + 1 or size > MOST_BYTES:
            raise InvalidTable(
                f"Expected at most {MOST_ROWS:,} rows and {MOST_BYTES // 1024**2:,} MiB in {path.name}, got more. "
                "Keep the variants at the positions of interest."
            )
        blocks.append(block)
    return b"".join(blocks)


def _parquet(data: bytes, path: Path) -> pd.DataFrame:
    file = pq.ParquetFile(io.BytesIO(data))
    if file.metadata.num_rows > MOST_ROWS:
        raise InvalidTable(f"Expected at most {MOST_ROWS:,} rows in {path.name}, got {file.metadata.num_rows:,}.")
    frame: pd.DataFrame = file.read().to_pandas()
    return frame.map(_cell_text)


def _cell_text(cell: object) -> str:
    """Return a Parquet cell as a CSV would hold it; repr keeps every digit of a float."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell is pd.NA or cell != cell:
        return ""
    return repr(cell.item() if isinstance(cell, np.generic) else cell)


def _delimited(data: bytes, path: Path) -> pd.DataFrame:
    text = data.decode("utf-8-sig")
    header = text[: text.find("\n")] if "\n" in text else text
    if not header.strip():
        raise InvalidTable(f"Expected a header row in {path.name}, got an empty {'line' if text else 'file'}.")
    mark = "\t" if "\t" in header else ";" if ";" in header and "," not in header else ","
    # header=None: pandas would rename doubled columns, and cut rows that are too long, without a word
    cells = pd.read_csv(
        io.StringIO(text), sep=mark, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
    )
    frame = cells.iloc[1:].reset_index(drop=True)
    frame.columns = cells.iloc[0]
    return frame
