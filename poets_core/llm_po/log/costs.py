"""What responses of a log cost, and the mean of each policy: quality is one side of a choice, its price the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.errors import InvalidComparisons
from poets_core.intake import shown
from poets_core.intake.numbers import KINDS, read_numbers
from poets_core.llm_po.log.row import Row
from poets_core.llm_po.log.table import LogTable
from poets_core.spec.log_mapping import LogMapping


def read_costs(table: LogTable, mapping: LogMapping, role: str) -> list[float | None]:
    """Return the cells of a column of costs as numbers, None where one is empty; nothing where no column is named.

    Args:
        table: the log.
        mapping: names the column.
        role: ``"first_cost"`` or ``"second_cost"``.

    Raises:
        InvalidComparisons: a cell that is no number, is below 0 or can be read in two ways; the message says where.
    """
    column = getattr(mapping, role)
    if not column:
        return []
    cells = table.columns[column]
    found = read_numbers(cells, separator=table.separator or ",")
    where = f"column {shown(column)} (in {table.name})"

    def refuse(at: int, got: str) -> InvalidComparisons:
        return InvalidComparisons(
            f"Expected a cost of 0 or more in row {table.numbers[at]:,} of {where}, got {got}. Mend the cell, or name "
            "no column of costs.",
            field=f"experiment.mapping.{role}",
        )

    if found.doubt is not None:
        at, one, two = found.doubt
        raise refuse(at, f"{shown(cells[at])}, which can be read as {one:g} or {two:g}")
    for at, kind in found.bad.items():
        # An empty cell says that nobody wrote it down, and is no error.
        if kind not in ("empty", "missing"):
            raise refuse(at, f"{shown(cells[at])}: a cell {KINDS[kind]}")
    values: list[float | None] = [None if np.isnan(v) else float(v) for v in found.values]
    for at, value in enumerate(values):
        if value is not None and value < 0.0:
            raise refuse(at, shown(cells[at]))
    return values


def mean_costs(files: Sequence[Sequence[Row]]) -> dict[str, float]:
    """Return the mean cost of a response of each policy that has one; a row judged in both orders counts once.

    Args:
        files: rows of every file.
    """
    seen: dict[tuple[int, int, str], tuple[str, float]] = {}
    for at, rows in enumerate(files):
        for row in rows:
            for name, cost in zip((row.first, row.second), row.costs, strict=True):
                if cost is not None:
                    seen[at, row.number, name] = (name, cost)
    of: dict[str, list[float]] = {}
    for name, cost in seen.values():
        of.setdefault(name, []).append(cost)
    return {name: float(np.mean(costs)) for name, costs in of.items()}
