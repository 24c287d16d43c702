"""A table of measured variants, read once for form, command line and worker alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from domains.protein.tables.apart import Parts, joined, parts_of
from domains.protein.tables.columns import Chosen, choose
from domains.protein.tables.direction import Way
from domains.protein.tables.found import KINDS as VARIANT_KINDS
from domains.protein.tables.found import Variants, refused, told
from domains.protein.tables.report import LeftOut, TableReport, counted
from domains.protein.tables.variants import read_variants
from poets_core.intake import TableBounds, listed, shown
from poets_core.intake.numbers import KINDS as NUMBER_KINDS
from poets_core.intake.numbers import Decimal, Numbers, read_numbers
from poets_core.intake.sheet import Sheet, read_sheet

Wanted = Literal["auto", "maximise", "minimise"]
Rows = Literal["refuse", "leave out"]
Replicates = Literal["average", "refuse"]
BOUNDS = TableBounds()
MENTIONED = 6
"""Kinds of wrong rows that one message names."""


@dataclass(frozen=True)
class TableSettings:
    """What a person may decide about a table.

    Attributes:
        variant_column, value_column: names; "" lets them be found.
        direction: which way is better; auto: less of Kd, IC50, EC50, KM and ddG, more of anything else.
        bad_rows: whether rows that are wrong are refused or left out and counted.
        replicates: whether rows of one variant are averaged, or refused where they differ.
        decimal: the mark before decimals; auto: what the values tell.
    """

    variant_column: str = ""
    value_column: str = ""
    direction: Wanted = "auto"
    bad_rows: Rows = "refuse"
    replicates: Replicates = "average"
    decimal: Decimal = "auto"


@dataclass(frozen=True)
class MeasuredTable:
    """Distinct variants and their values.

    Attributes:
        values: value of every variant, the mean of its rows, in the order of the file. A variant is its letters at
            the sites.
        std: standard error of the mean of its rows; a variant that is not here was measured once.
        replicates: rows of a variant, where there are several.
        labels: number of each site, as people write it.
        parent: the parent's letters at the sites, "" where it is not known.
        direction: which way is better.
        variant_column, value_column: the columns used.
        rows: rows of the file that were read, those left out included.
        report: what was found, for people and programs.
        whole: the whole protein where the table tells it, the parent or one of the variants; "" where it holds the
            sites alone. places: index of each site in `whole`.
    """

    values: dict[str, float]
    std: dict[str, float]
    replicates: dict[str, int]
    labels: tuple[str, ...]
    parent: str
    direction: Way
    variant_column: str
    value_column: str
    rows: int
    report: TableReport
    whole: str = ""
    places: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """Letters of a variant."""
        return len(self.labels)


def read_table(
    path: Path, settings: TableSettings | None = None, *, parent: str = "", labels: Sequence[str] = ()
) -> MeasuredTable:
    """Read and check a table.

    Args:
        path: CSV, TSV, xlsx or Parquet, gzipped or not.
        settings: of a person.
        parent: the whole protein or its letters at the sites, canonical; "" where it is not known. Mutations need it.
        labels: numbers of the sites, ``("39", "40")``; none: 1, 2, 3, ...

    Raises:
        InvalidTable: unreadable, too large, columns that a person has to choose, or rows that are wrong: one message
            that counts them by kind, quotes the first of each, and names the form's field.
    """
    settings = settings or TableSettings()
    chosen: list[Chosen] = []
    apart: list[Parts] = []

    def two(head: Sheet) -> list[str]:
        parts = parts_of(head, settings.variant_column)
        apart[:] = [parts] if parts else []
        variant = parts.new if parts else settings.variant_column
        chosen[:] = [choose(head, variant, settings.value_column, settings.direction)]
        if chosen[0].variant == chosen[0].value:
            raise refused(
                f"Expected two columns, got {shown(chosen[0].value)} for variants and values.", "value_column"
            )
        return [chosen[0].variant, chosen[0].value, *(parts.columns if parts else ())]

    sheet = read_sheet(path, BOUNDS, refused, columns=two)
    picked = chosen[0]
    if apart:
        picked = replace(picked, why_variant=f"with {listed(apart[0].columns)} it says a mutation")
        whole = {**sheet.columns, picked.variant: joined(apart[0], sheet.columns)}
        sheet = replace(sheet, columns=whole)
    cells, written = sheet.columns[picked.variant], sheet.columns[picked.value]
    if not sheet.rows or not (any(cells) or any(written)):
        raise refused(f"Expected measured variants in {path.name[:80]}, got a table without rows.")
    variants = read_variants(cells, sheet.rows, picked.variant, parent, labels)
    numbers = read_numbers(written, decimal=settings.decimal, separator=sheet.separator)
    _check_doubt(numbers, written, sheet, picked)
    left = _left_out(variants, numbers, sheet, picked)
    if left and settings.bad_rows == "refuse":
        raise refused(_counted_message(left, len(sheet.rows), variants))
    return _finished(sheet, picked, variants, numbers, left, settings)


def _check_doubt(numbers: Numbers, written: Sequence[str], sheet: Sheet, picked: Chosen) -> None:
    if numbers.doubt is not None:
        at, point, comma = numbers.doubt
        raise refused(
            f"Expected numbers that can be read in one way in column {shown(picked.value)}, got "
            f"{shown(written[at])} in row "
            f"{sheet.rows[at]}: {point:.10g} with a decimal point, {comma:.10g} with a decimal comma. Choose "
            f"the decimal mark.",
            "decimal",
        )


def _left_out(variants: Variants, numbers: Numbers, sheet: Sheet, picked: Chosen) -> list[LeftOut]:
    """Return the rows that are wrong, by kind; a row without both counts once."""
    cells, written = sheet.columns[picked.variant], sheet.columns[picked.value]
    named = {*variants.controls}
    bad_values = {i: str(kind) for i, kind in numbers.bad.items() if i not in named and i not in variants.bad}
    words = {str(kind): what for kind, what in NUMBER_KINDS.items()}
    out = counted(variants.bad, VARIANT_KINDS, sheet.rows, picked.variant, lambda i: told(variants.bad[i], cells[i]))
    return out + counted(bad_values, words, sheet.rows, picked.value, lambda i: shown(written[i]))


def _counted_message(left: Sequence[LeftOut], rows: int, variants: Variants) -> str:
    bad = sum(one.count for one in left)
    named = "; ".join(map(str, left[:MENTIONED])) + ("; and more" if len(left) > MENTIONED else "")
    lengths = ""
    if len(variants.lengths) > 1:
        parts = (f"{n} residues in {count:,}" for n, count in sorted(variants.lengths.items(), key=lambda p: -p[1])[:4])
        lengths = f" Variants must have one length; there are {', '.join(parts)} rows."
    return (
        f"Expected a variant and a number in every row, got {bad:,} of {rows:,} rows that are wrong: "
        f"{named}.{lengths} Correct "
        "them, or choose to leave bad rows out."
    )


def _finished(
    sheet: Sheet, picked: Chosen, variants: Variants, numbers: Numbers, left: list[LeftOut], settings: TableSettings
) -> MeasuredTable:
    values, designs = numbers.values, variants.designs
    skip = {*variants.controls, *variants.bad, *numbers.bad}
    if not variants.parent:
        skip |= {*variants.wild}
    plain = not skip
    kept = designs if plain else [d for i, d in enumerate(designs) if i not in skip]
    rows = (
        np.arange(len(designs))
        if plain
        else np.array([i for i in range(len(designs)) if i not in skip], dtype=np.int64)
    )
    if not kept:
        raise refused(
            f"Expected measured variants in {sheet.name[:80]}, got none in {len(sheet.rows):,} rows: "
            f"{'; '.join(map(str, left[:3])) or 'controls alone'}. Choose other columns."
        )
    taken = values[rows]
    means = dict(zip(kept, taken.tolist(), strict=True))
    std: dict[str, float] = {}
    several: dict[str, int] = {}
    noise: float | None = None
    if len(means) < len(kept):
        noise = _average(kept, taken, means, std, several, rows, sheet, settings)
    wild = [i for i in variants.wild if i not in numbers.bad]
    found = float(np.mean(values[wild])) if wild else means.get(variants.parent)
    report = _report(sheet, picked, variants, numbers, left, len(kept), means, several, noise, found)
    return MeasuredTable(
        means,
        std,
        several,
        variants.labels,
        variants.parent,
        picked.direction,
        picked.variant,
        picked.value,
        len(sheet.rows),
        report,
        variants.whole,
        variants.places,
    )


def _average(
    kept: Sequence[str],
    taken: np.ndarray[tuple[int], np.dtype[np.float64]],
    means: dict[str, float],
    std: dict[str, float],
    several: dict[str, int],
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    sheet: Sheet,
    settings: TableSettings,
) -> float | None:
    """Average rows of one variant, in place; return the standard deviation of a row about its mean."""
    place = {design: i for i, design in enumerate(means)}
    group = np.fromiter((place[d] for d in kept), dtype=np.int64, count=len(kept))
    count = np.bincount(group)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(count)
    squares, free = 0.0, 0
    names = list(means)
    for g in np.flatnonzero(count > 1):
        own = order[ends[g] - count[g] : ends[g]]
        found = taken[own]
        if settings.replicates == "refuse" and np.ptp(found) > 0:
            other = own[int(np.argmax(found != found[0]))]
            raise refused(
                f"Expected one value for variant {shown(names[g])}, got {float(found[0])!r} in row "
                f"{sheet.rows[rows[own[0]]]} and "
                f"{float(taken[other])!r} in row {sheet.rows[rows[other]]}. Choose to average replicates, or "
                f"remove rows."
            )
        same = np.ptp(found) == 0
        spread = 0.0 if same else float(found.std(ddof=1))
        means[names[g]] = float(found[0] if same else found.mean())
        std[names[g]], several[names[g]] = spread / float(np.sqrt(len(found))), len(found)
        squares, free = squares + spread**2 * (len(found) - 1), free + len(found) - 1
    return float(np.sqrt(squares / free)) if free else None


def _report(
    sheet: Sheet,
    picked: Chosen,
    variants: Variants,
    numbers: Numbers,
    left: Sequence[LeftOut],
    taken: int,
    means: Mapping[str, float],
    several: Mapping[str, int],
    noise: float | None,
    wild: float | None,
) -> TableReport:
    cells = sheet.columns[picked.variant]

    def rows_of(found: Sequence[int], what: str) -> LeftOut | None:
        return (
            LeftOut(what, len(found), sheet.rows[found[0]], picked.variant, shown(cells[found[0]])) if found else None
        )

    rows = "row" if len(variants.wild) == 1 else "rows"
    return TableReport(
        file=sheet.name,
        notes=(*sheet.notes, *numbers.notes, *variants.notes),
        variant_column=picked.variant,
        value_column=picked.value,
        direction=picked.direction,
        why_variant=picked.why_variant,
        why_value=picked.why_value,
        why_direction=picked.why_direction,
        notation=variants.notation,
        rows=len(sheet.rows),
        taken=taken,
        left_out=tuple(left),
        controls=rows_of(variants.controls, "row" if len(variants.controls) == 1 else "rows"),
        wild_rows=rows_of(variants.wild, rows),
        wild_value=None if wild is None else float(wild),
        measured=len(means),
        replicated=len(several),
        noise=noise,
        labels=variants.labels,
        parent=variants.parent,
        constant=variants.constant,
        least=min(means.values()),
        most=max(means.values()),
        more={"percent": numbers.percent, "decimal": numbers.decimal},
    )
