"""Columns of a Parquet file as text, within bounds: what a file holds is not what it weighs.

A dictionary of one long text and a run of a million indices is a few bytes, and its pages may be larger than the footer
says. Texts stay in their dictionary until their length is known, and the memory is limited to what the file claims.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from poets_core.intake import Refuse, TableBounds, memory_limited, shown

Columns = Mapping[str, list[str]]
HEAD = 2000
MOST_PARTS = 100_000
"""Row groups times columns, at most: each has an entry in the footer."""
ROOM = 96 << 20
"""Bytes that pyarrow itself may take beside the data."""


def read_parquet(
    data: bytes,
    name: str,
    bounds: TableBounds,
    refuse: Refuse,
    choose: Callable[[Columns], Sequence[str]],
    *,
    nested: bool = False,
) -> Columns:
    """Return the columns that are chosen: name -> cells as text, "" where one is missing.

    Args:
        data: the file; name: for messages.
        bounds: of the table.
        refuse: makes the error: unreadable, or larger than the bounds.
        choose: called with the first rows as text, returns names.
        nested: whether columns of lists and records are read, as JSON.
    """
    with _refused(name, refuse):
        size, rows, schema = _opened(data, name, bounds, refuse)
        with _own_memory(ROOM + 2 * size + 16 * rows):
            file = _file(data, schema)
            chosen = choose(_head(file, name, bounds, refuse, nested))
            # Names are stripped for people, and are the file's own where it is asked.
            own = {str(field.name).strip(): field.name for field in file.schema_arrow}
            whole = file.read(columns=[own[title] for title in chosen], use_threads=False)
            columns = _columns(whole.select([own[title] for title in chosen]), name, bounds, refuse)
            _check_cells(columns, name, bounds, refuse)
            return columns


def _file(data: bytes, schema: pa.Schema) -> pq.ParquetFile:
    texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    return pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts, pre_buffer=False)


def _opened(data: bytes, name: str, bounds: TableBounds, refuse: Refuse) -> tuple[int, int, pa.Schema]:
    """Check the footer; return bytes after unpacking by the file's own word, rows, and columns with their types."""
    with _own_memory(ROOM + 4 * len(data)):
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        size = _check_footer(file.metadata, name, bounds, refuse)
        return size, file.metadata.num_rows, file.schema_arrow


def _head(file: pq.ParquetFile, name: str, bounds: TableBounds, refuse: Refuse, nested: bool) -> Columns:
    """Return the first rows, nested columns where they are wanted; what pandas keeps of a plain index is left out."""
    names = [f.name for f in file.schema_arrow if nested or not pa.types.is_nested(f.type)]
    stripped = [str(title).strip() for title in names]
    if len(set(stripped)) < len(stripped):
        twice = next(title for i, title in enumerate(stripped) if title in stripped[:i])
        raise refuse(f"Expected distinct column names in {name}, got {shown(twice)} twice. Rename one.")
    batch = next(file.iter_batches(HEAD, columns=names, use_threads=False), None)
    table = file.schema_arrow.empty_table().select(names) if batch is None else pa.table(batch)
    return _columns(table, name, bounds, refuse)


@contextmanager
def _refused(name: str, refuse: Refuse) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise refuse(f"Expected a Parquet table in {name} as large as it says, got a larger one.") from error
    except (pa.ArrowException, OSError, KeyError) as error:
        raise refuse(
            f"Expected a readable CSV, TSV or Parquet table in {name}, got {type(error).__name__}: "
            f"{str(error)[:120]}. Save it again as CSV."
        ) from error


@contextmanager
def _own_memory(most: int) -> Iterator[None]:
    """Limit the memory, and let pyarrow take it from the system: its own pool claims a gigabyte at once."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        with memory_limited(most):
            yield
    finally:
        pa.set_memory_pool(before)


def _check_footer(about: pq.FileMetaData, name: str, bounds: TableBounds, refuse: Refuse) -> int:
    """Return how many bytes the columns have after unpacking, by the file's own word."""
    rows, columns, groups = about.num_rows, about.num_columns, about.num_row_groups
    if rows > bounds.rows or columns > bounds.columns or rows * columns > bounds.cells or groups * columns > MOST_PARTS:
        raise refuse(
            f"Expected at most {bounds.rows:,} rows, {bounds.columns:,} columns, {bounds.cells:,} cells and "
            f"{MOST_PARTS:,} column parts in {name}, got {rows:,} rows, {columns:,} columns and {groups:,} groups "
            "of rows. Keep those that are needed."
        )
    parts = (about.row_group(g).column(c) for g in range(groups) for c in range(columns))
    size = sum(max(0, part.total_uncompressed_size) for part in parts)
    if size > bounds.bytes:
        raise refuse(
            f"Expected at most {bounds.bytes / 2**20:,.3g} MiB in {name} after unpacking, got "
            f"{size / 2**20:,.0f} MiB. Keep the rows and columns that are needed."
        )
    return int(size)


def _columns(table: pa.Table, name: str, bounds: TableBounds, refuse: Refuse) -> Columns:
    """Return all cells as a CSV would hold them, stripped."""
    columns: dict[str, list[str]] = {}
    for title, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            texts = pa.types.is_string(column.type.value_type) or pa.types.is_large_string(column.type.value_type)
            if texts and _characters(column) > bounds.bytes:
                raise refuse(
                    f"Expected at most {bounds.bytes / 2**20:,.3g} MiB of text in column {shown(title)} of {name}, "
                    "got more. Keep the rows that are needed."
                )
            column = column.cast(column.type.value_type)
        columns[str(title).strip()] = [_cell_text(cell).strip() for cell in column.to_pylist()]
    return columns


def _check_cells(columns: Columns, name: str, bounds: TableBounds, refuse: Refuse) -> None:
    for title, cells in columns.items():
        if (longest := max(map(len, cells), default=0)) > bounds.cell:
            raise refuse(
                f"Expected at most {bounds.cell:,} characters in column {shown(title)} of {name}, got {longest:,}."
            )


def _characters(column: pa.ChunkedArray) -> int:
    """Bytes of a column of texts, without unfolding it."""
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary)
        total += pc.sum(lengths.take(chunk.indices).cast(pa.int64())).as_py() or 0
    return int(total)


def _cell_text(cell: object) -> str:
    """Return a cell as a CSV would hold it; repr keeps every digit of a float."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    if isinstance(cell, Decimal | date | datetime):
        return str(cell)
    return repr(cell.item() if isinstance(cell, np.generic) else cell)
