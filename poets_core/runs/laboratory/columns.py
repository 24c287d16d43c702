"""Which columns of a file of results name wells or designs, and which one holds the values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from poets_core.errors import InvalidTable
from poets_core.intake import listed, shown
from poets_core.intake.numbers import read_numbers
from poets_core.intake.sheet import Sheet
from poets_core.runs.laboratory.hand_out import heading_of
from poets_core.runs.laboratory.orders import LONGEST
from poets_core.runs.laboratory.plate import read_public_id

ID_NAMES = ("id", "sample", "sampleid", "samplename", "wellid", "tube", "name", "variantid", "designid", "candidate")
WELL_NAMES = ("well", "position", "wellposition", "wellname", "coordinate")
PLATE_NAMES = ("plate", "platenumber", "plateid", "platename")
DESIGN_NAMES = ("sequence", "fullsequence", "design", "variant", "mutations", "mutation", "mutant", "aaseq")
VALUE_NAMES = ("value", "result", "measured", "measurement", "activity", "fitness", "score", "yield", "signal", "mean")
NOTE_NAMES = ("note", "notes", "comment", "comments", "remark", "remarks", "status", "flag")
_UNIT = re.compile(r"^(?P<name>[^(\[]*?)\s*[(\[](?P<unit>[^)\]]*)[)\]]\s*$")


class Names(Protocol):
    """What has to be known of a run: its id, and what is measured."""

    @property
    def run(self) -> str:
        """Id of the run."""
        ...

    @property
    def name(self) -> str:
        """What is measured."""
        ...

    @property
    def unit(self) -> str:
        """Unit of it."""
        ...


@dataclass(frozen=True)
class Columns:
    """Headers of a file of results; ``""`` where there is no such column."""

    id: str
    well: str
    plate: str
    design: str
    value: str
    note: str

    @staticmethod
    def of(sheet: Sheet, known: Names, id_column: str, value_column: str) -> Columns:
        """Find them.

        Raises:
            InvalidTable: nothing names wells or designs, or it is not clear which column holds the values.
        """
        names = list(sheet.columns)
        for wanted, where in ((id_column, "id_column"), (value_column, "value_column")):
            if wanted and wanted not in names:
                raise InvalidTable(
                    f"Expected a column {shown(wanted)} in {shown(sheet.name)}, got {listed(names)}.", field=where
                )
        id = id_column or max(names, key=lambda n: (_ids(sheet.columns[n]), _plain(n) in ID_NAMES))
        id = id if _ids(sheet.columns[id]) else ""
        well = _named(names, WELL_NAMES, {id})
        plate = _named(names, PLATE_NAMES, {id, well})
        design = _named(names, DESIGN_NAMES, {id, well, plate}) or _named(names, ID_NAMES, {id, well, plate})
        if not (id or well or design):
            raise InvalidTable(
                f"Expected a column with the ids of the wells, such as {known.run[-4:]}_b1_001, with wells, or with "
                f"sequences in {shown(sheet.name)}, got {listed(names)}. Fill in the file that was handed out.",
                field="id_column",
            )
        note = _named(names, NOTE_NAMES, {id, well, plate, design})
        taken = {id, well, plate, design, note}
        return Columns(id, well, plate, design, value_column or _value(sheet, known, taken), note)

    def note_of(self, sheet: Sheet, k: int) -> str:
        """Return what was noted in a row."""
        return sheet.columns[self.note][k][:LONGEST] if self.note else ""


def _plain(name: str) -> str:
    """A heading without unit, case and punctuation."""
    bare = found["name"] if (found := _UNIT.match(name)) else name
    return re.sub(r"[^0-9a-z]", "", bare.lower())


def _ids(cells: Sequence[str]) -> int:
    return sum(read_public_id(cell) is not None for cell in cells)


def _named(names: Sequence[str], wanted: Sequence[str], taken: set[str]) -> str:
    return next((n for w in wanted for n in names if _plain(n) == w and n not in taken), "")


def _value(sheet: Sheet, known: Names, taken: set[str]) -> str:
    """Find the column of values: by the name of what is measured, by a usual name, or the only one with numbers."""
    free = [n for n in sheet.columns if n not in taken]
    # As it was handed out, before units are taken off: what is measured may itself be called "kcat (1/s)".
    for heading in (heading_of(known.name, known.unit), known.name):
        if heading in free:
            return heading
    for wanted in (_plain(known.name), *VALUE_NAMES):
        same = [n for n in free if _plain(n) == wanted]
        if len(same) == 1:
            return same[0]
    numeric = [n for n in free if _numeric(sheet.columns[n], sheet.separator)]
    if len(numeric) == 1:
        return numeric[0]
    raise InvalidTable(
        f"Expected one column with values, named {shown(known.name)}, in {shown(sheet.name)}, got "
        f"{listed(numeric) if numeric else 'none with numbers among ' + listed(free)}. Say which one it is.",
        field="value_column",
    )


def _numeric(cells: Sequence[str], separator: str) -> bool:
    some = [cell for cell in cells if cell]
    return bool(some) and len(read_numbers(some, separator=separator).bad) <= len(some) // 2


def other_unit(header: str, name: str, unit: str) -> str:
    """Return the unit in a heading, where it is another than the run's; ``""`` else."""
    if header in (name, heading_of(name, unit)):
        return ""
    found = _UNIT.match(header)
    said = found["unit"].strip() if found else ""
    return "" if not said or not unit or _plain(said) == _plain(unit) else said
