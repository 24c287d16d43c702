"""The files of a batch that go to the laboratory: a list to fill in as CSV or xlsx, and maps of its plates."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from poets_core.cells import guarded
from poets_core.runs.laboratory.plate import Well
from poets_core.spec.laboratory import PLATES

LIST = "results"
"""Title of the sheet that is to be filled in; people add others, before it and behind."""
_NOT_A_SHEET = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True)
class HandOut:
    """A batch as its files show it.

    Attributes:
        wells: in their order.
        texts: id of a candidate -> heading -> text, such as its mutations and its full sequence.
        parent: the same of the parent.
        value: heading of the column to be filled in: what is measured, with its unit.
        plate: wells of a plate; 0 for a list.
    """

    wells: Sequence[Well]
    texts: Mapping[str, Mapping[str, str]]
    parent: Mapping[str, str]
    value: str
    plate: int

    @property
    def headings(self) -> list[str]:
        """Headings of the list."""
        return ["id", *(["plate", "well"] if self.plate else []), "content", *self._named, self.value, "note"]

    @property
    def _named(self) -> list[str]:
        return list(dict.fromkeys(name for texts in (*self.texts.values(), self.parent) for name in texts))

    def rows(self) -> list[list[str | int]]:
        """Return the lines of the list, values and notes empty."""
        found: list[list[str | int]] = []
        for well in self.wells:
            texts = (
                self.texts.get(well.candidate, {})
                if well.candidate
                else self.parent
                if well.control == "parent"
                else {}
            )
            place: list[str | int] = [well.plate, well.well] if self.plate else []
            content = "design" if well.candidate else well.control
            found.append([well.id, *place, content, *(texts.get(name, "") for name in self._named), "", ""])
        return found


def heading_of(name: str, unit: str) -> str:
    """Return the heading of a column of values: ``"activity (U/mg)"``."""
    return f"{name} ({unit})" if unit else name


def as_csv(batch: HandOut) -> bytes:
    """Return the list as CSV; cells that a spreadsheet would take for a formula are guarded."""
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow([guarded(h) for h in batch.headings])
    table.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in batch.rows())
    return buffer.getvalue().encode()


def as_xlsx(batch: HandOut) -> bytes:
    """Return a workbook: the list, and a map of each plate. Every text cell is typed as text, so none becomes a date.

    Raises:
        ImportError: openpyxl is not installed.
    """
    from openpyxl import Workbook  # on use: a second, and only for this
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    book = Workbook(write_only=True)

    def text(sheet: WriteOnlyWorksheet, value: str | int, *, bold: bool = False) -> WriteOnlyCell:
        # A workbook holds no control characters; names of controls and of what is measured come from people.
        cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
        if isinstance(value, str):
            cell.data_type, cell.number_format = "s", "@"
        cell.font = Font(bold=bold)
        return cell

    def fill(title: str, rows: Sequence[Sequence[str | int]]) -> None:
        sheet = book.create_sheet(_NOT_A_SHEET.sub(" ", title)[:31])
        sheet.freeze_panes = "B2"
        for number, row in enumerate(rows):
            sheet.append([text(sheet, cell, bold=not number) for cell in row])

    fill(LIST, [batch.headings, *batch.rows()])
    for plate in sorted({w.plate for w in batch.wells if w.plate}):
        fill(f"plate {plate}", plate_map(batch, plate))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def plate_map(batch: HandOut, plate: int) -> list[list[str]]:
    """Return a plate as a grid with its row letters and column numbers; a well says its number and what is in it."""
    rows, columns = PLATES[batch.plate]
    there = {w.well: w for w in batch.wells if w.plate == plate}
    short = batch._named[0] if batch._named else ""
    grid = [["", *(str(c + 1) for c in range(columns))]]
    for row in range(rows):
        line = [ascii_uppercase[row]]
        for column in range(columns):
            well = there.get(f"{ascii_uppercase[row]}{column + 1:02d}")
            said = "" if well is None else well.control or batch.texts.get(well.candidate, {}).get(short, "")
            line.append("" if well is None else f"{well.id.rpartition('_')[2]} {said}".strip())
        grid.append(line)
    return grid


def maps_as_csv(batch: HandOut) -> bytes:
    """Return the maps of all plates under one another as CSV."""
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    for plate in sorted({w.plate for w in batch.wells if w.plate}):
        table.writerow([f"plate {plate}"])
        table.writerows([[guarded(cell) for cell in row] for row in plate_map(batch, plate)])
        table.writerow([])
    return buffer.getvalue().encode()
