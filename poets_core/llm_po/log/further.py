"""Further rows of a log that an experiment began with: by the same mapping, copies of earlier rows left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poets_core.llm_po.log.read import check_columns, read_rows
from poets_core.llm_po.log.row import Row
from poets_core.llm_po.log.table import LogTable
from poets_core.spec.log_mapping import LogMapping


def further_rows(
    earlier: Sequence[LogTable], table: LogTable, mapping: LogMapping, policies: Sequence[str]
) -> list[Row]:
    """Return the rows of a further file that count; `Row.index` is for the caller to set.

    Args:
        earlier: the files before it, in order.
        table: the file.
        mapping: of the first file.
        policies: of the experiment; rows of others do not count.

    Raises:
        InvalidComparisons: a column that is not there, a word that nothing is said of, no rows; the message says where.
    """
    check_columns(table, mapping)
    # Alone first, so that what is wrong is said with the rows of this file.
    named = {name for role in (mapping.first, mapping.second) if role for name in table.columns[role]}
    named |= {mapping.first_name.strip(), mapping.second_name.strip()} - {""}
    read_rows(table, mapping, [name for name in policies if name in named])
    whole = _joined([*earlier, table])
    before = len(whole.numbers) - len(table.numbers)
    # Read as one log: a copy of an earlier row is one wherever it stands.
    rows = read_rows(whole, mapping, policies).rows
    return [replace(r, number=table.numbers[r.number - before - 1]) for r in rows if r.number > before]


def _joined(tables: Sequence[LogTable]) -> LogTable:
    """Return tables below each other, rows numbered from 1; a column that one of them lacks is empty there."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {
        name: [cell for t in tables for cell in (t.columns.get(name) or [""] * len(t.numbers))] for name in names
    }
    n = sum(len(t.numbers) for t in tables)
    return LogTable(tables[-1].name, columns, range(1, n + 1), (), 0, tables[0].separator)
