"""A file of results as lines for the designs and controls of a run; a report of every row precedes every write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, TypeAlias

from poets_core.errors import InvalidTable
from poets_core.intake import TableBounds, shown
from poets_core.intake.numbers import read_numbers
from poets_core.intake.sheet import Sheet
from poets_core.runs.event_fields import MeasuredWell
from poets_core.runs.laboratory.batch import Batch, Campaign
from poets_core.runs.laboratory.columns import Columns, other_unit
from poets_core.runs.laboratory.orders import Results
from poets_core.runs.laboratory.plate import PARENT, Well, read_place, read_public_id, wells_of
from poets_core.spec.laboratory import LaboratorySpec

BOUNDS = TableBounds()
_CONTROL = frozenset(("", "blank", "empty", "control", "sterile", "media", "medium", "buffer", "none"))

_QUOTED = 4
"""Values of one well that a row of the report repeats."""

Kind: TypeAlias = Literal[
    "new",
    "failed",
    "replicate",
    "correction",
    "unchanged",
    "control",
    "not yet",
    "unknown",
    "another run",
    "another batch",
    "twice",
    "no number",
    "extra",
]
SAYS: Mapping[Kind, str] = {
    "new": "first results of designs",
    "failed": "wells without a value, kept as failed",
    "replicate": "further replicates",
    "correction": "corrections of what was handed in before",
    "unchanged": "rows that say what was handed in before; nothing is written for them",
    "control": "control wells",
    "not yet": "rows still to be filled in; they say nothing",
    "unknown": "rows that name no design of this run; left out",
    "another run": "rows of another run's plates; left out",
    "another batch": "rows of a batch that was never proposed; left out",
    "twice": "rows for a well that another row has with another value; left out until one of them is removed",
    "no number": "rows whose value is no number; left out",
    "extra": "rows of wells that were left free; left out",
}
"""What becomes of a row, in the order of the report."""
TAKEN: frozenset[Kind] = frozenset(("new", "failed", "replicate", "correction", "control"))


@dataclass(frozen=True)
class Row:
    """One row of the file.

    Attributes:
        number: as a spreadsheet shows it.
        kind: what becomes of it.
        says: about this row alone: what was expected, what came.
        round: of the batch it belongs to; -1 where it belongs to none.
        line: as it is written; None where nothing is.
        was: value that it corrects.
    """

    number: int
    kind: Kind
    says: str
    round: int = -1
    line: MeasuredWell | None = None
    was: float | None = None


@dataclass(frozen=True)
class Report:
    """What a file of results says, before anything is written.

    Attributes:
        file, sha256: where it came from.
        id_column, value_column: that were read; ``""`` where wells name the rows.
        unit_in_doubt: the unit in the heading of the values, where it is another than the run's; ``""`` else.
        notes: what was recognised while reading, in sentences.
        rows: every row.
        missing: designs that still lack a result after this file, by round.
    """

    file: str
    sha256: str
    id_column: str
    value_column: str
    unit_in_doubt: str
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    missing: Mapping[int, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[Kind, int]:
        """How many rows of each kind there are, in the order of `SAYS`."""
        found = Counter(row.kind for row in self.rows)
        return {kind: found[kind] for kind in SAYS if found[kind]}

    @property
    def orders(self) -> list[Results]:
        """What is to be sent when the report is accepted: one order a batch."""
        rounds = sorted({row.round for row in self.rows if row.kind in TAKEN})
        return [
            Results(
                round,
                tuple(r.line for r in self.rows if r.kind in TAKEN and r.round == round and r.line is not None),
                self.file,
                self.sha256,
            )
            for round in rounds
        ]

    def lines(self) -> list[str]:
        """Say it in sentences: the counts, the first row of each kind that is left out, and what is still missing."""
        said = [f"Values are read from {shown(self.value_column)}."]
        said += [f"{note}." for note in self.notes]
        if self.unit_in_doubt:
            said.append(f"The heading says {shown(self.unit_in_doubt)}, which is not the unit of this run: check it.")
        for kind, count in self.counts.items():
            first = next(row for row in self.rows if row.kind == kind)
            about = "" if kind in ("new", "unchanged", "not yet") else f" First, row {first.number}: {first.says}."
            said.append(f"{count:,} {SAYS[kind]}.{about}")
        for round, count in self.missing.items():
            said.append(
                f"Batch {round + 1} is complete with this file."
                if not count
                else f"{count:,} designs of batch {round + 1} still have no result."
            )
        return said


@dataclass(frozen=True)
class Known:
    """What rows may name.

    Attributes:
        run: its id.
        campaign: batches, and what was measured.
        wells: of every batch, by round.
        designs: other names of a design (its letters, full sequence, mutations), in lower case -> ids, newest first.
        unit: of the values; name: of what is measured.
    """

    run: str
    campaign: Campaign
    wells: Mapping[int, Sequence[Well]]
    designs: Mapping[str, Sequence[str]]
    name: str
    unit: str

    @staticmethod
    def of(
        run: str,
        campaign: Campaign,
        spec: LaboratorySpec,
        names: Mapping[str, Sequence[str]],
        *,
        parent: bool,
        name: str,
        unit: str,
    ) -> Known:
        """Gather it.

        Args:
            run: its id.
            campaign: as the log has it.
            spec: how batches are laid out.
            names: id of each design -> its names.
            parent: whether the problem has a parent.
            name, unit: of what is measured.
        """
        wells = {r: wells_of(run, r, b.candidates, spec, parent=parent) for r, b in campaign.batches.items()}
        designs: dict[str, list[str]] = {}
        for id in reversed([id for batch in campaign.batches.values() for id in batch.candidates]):
            for text in names.get(id, ()):
                if text:
                    designs.setdefault(text.lower(), []).append(id)
        return Known(run, campaign, wells, designs, name, unit)


def read_results(
    sheet: Sheet, known: Known, *, sha256: str = "", id_column: str = "", value_column: str = "", decimal: str = "auto"
) -> Report:
    """Match the rows of a sheet with the wells of a run.

    Args:
        sheet: as `poets_core.intake.sheet.read_sheet` returns it.
        known: what rows may name.
        sha256: of the file.
        id_column, value_column: headers; ``""``: found by their names and contents.
        decimal: mark of decimals, ``"auto"``, ``"point"`` or ``"comma"``.

    Raises:
        InvalidTable: no column names wells or designs, or it is not clear which one holds the values; with the field.
    """
    columns = Columns.of(sheet, known, id_column, value_column)
    cells = sheet.columns[columns.value]
    numbers = read_numbers(cells, decimal=decimal, separator=sheet.separator)  # type: ignore[arg-type]
    if numbers.doubt is not None:
        at, one, other = numbers.doubt
        raise InvalidTable(
            f"Expected numbers that can be read in one way in {shown(columns.value)}, got {shown(cells[at])} in row "
            f"{sheet.rows[at]}, which is {one:g} or {other:g}. Say which mark stands before the decimals.",
            field="decimal",
        )
    matched = [_Match.of(sheet, columns, k, known) for k in range(len(sheet.rows))]
    standing = {round: batch.standing() for round, batch in known.campaign.batches.items()}
    rows = [
        _row(
            match,
            sheet.rows[k],
            None if k in numbers.bad else float(numbers.values[k]),
            cells[k],
            numbers.bad.get(k),
            columns.note_of(sheet, k),
            standing.get(match.round, {}),
        )
        for k, match in enumerate(matched)
    ]
    rows = _without_conflicts(rows)
    return Report(
        sheet.name,
        sha256,
        columns.id or columns.well or columns.design,
        columns.value,
        other_unit(columns.value, known.name, known.unit),
        (*sheet.notes, *numbers.notes),
        tuple(rows),
        _missing(rows, known.campaign),
    )


@dataclass(frozen=True)
class _Match:
    """What a row names: a well with its round, or a kind of row that names none."""

    round: int = -1
    candidate: str = ""
    control: str = ""
    place: str = ""
    kind: Kind = "new"
    says: str = ""

    @staticmethod
    def of(sheet: Sheet, columns: Columns, k: int, known: Known) -> _Match:
        if columns.id and (text := sheet.columns[columns.id][k]):
            return _by_id(text, known)
        if columns.well and (text := sheet.columns[columns.well][k]):
            return _by_well(text, sheet.columns[columns.plate][k] if columns.plate else "", known)
        text = sheet.columns[columns.design][k] if columns.design else ""
        if text.lower() in (PARENT, "wt", "wild type", "wildtype"):
            batch = known.campaign.open
            return _Match(batch.round if batch else max(known.campaign.batches, default=0), control=PARENT)
        ids = known.designs.get(text.lower(), ())
        if not ids:
            kind: Kind = "extra" if text.lower() in _CONTROL else "unknown"
            return _Match(kind=kind, says=f"{shown(text)} is no design of this run")
        return _Match(_round_of(ids[0], known.campaign), candidate=ids[0])


def _by_id(text: str, known: Known) -> _Match:
    found = read_public_id(text)
    if found is None:
        return _Match(kind="unknown", says=f"expected an id such as {known.run[-4:]}_b1_001, got {shown(text)}")
    run, round = found
    if run != known.run[-4:].lower():
        return _Match(kind="another run", says=f"{shown(text)} is of a run that ends in {run}")
    well = next((w for w in known.wells.get(round, ()) if w.id.lower() == text.strip().lower()), None)
    if well is None:
        return _Match(kind="another batch", says=f"{shown(text)} was not handed out, or was rejected")
    return _Match(round, well.candidate, well.control, well.place)


def _by_well(text: str, plate: str, known: Known) -> _Match:
    batch = known.campaign.open
    round = batch.round if batch else max(known.wells, default=-1)
    place = read_place(text, plate)
    well = next((w for w in known.wells.get(round, ()) if place and w.place == place), None)
    if well is None:
        kind: Kind = "extra" if place else "unknown"
        return _Match(kind=kind, says=f"well {shown(text)} holds nothing in batch {round + 1}")
    return _Match(round, well.candidate, well.control, well.place)


def _round_of(id: str, campaign: Campaign) -> int:
    return next(r for r, b in campaign.batches.items() if id in b.candidates)


def _row(
    match: _Match,
    number: int,
    value: float | None,
    cell: str,
    bad: str | None,
    note: str,
    standing: Mapping[str, Sequence[MeasuredWell]],
) -> Row:
    """Say what becomes of one row; `standing` are the lines that count in its batch."""
    if match.kind != "new":
        return Row(number, match.kind, match.says)
    if bad == "empty" and not note:
        # A list is often handed in half filled. A well that failed says so by a word or a note.
        return Row(number, "not yet", "empty", match.round)
    if bad is not None and bad not in ("empty", "missing"):
        return Row(number, "no number", f"expected a number, got {shown(cell)}", match.round)
    says = note or ("" if value is not None else "failed")
    line = MeasuredWell(match.candidate, match.control, match.place, value, says, number)
    who = match.control or match.candidate
    if match.control:
        return Row(number, "control", f"{who}: {_shown(value)}", match.round, line)
    there = standing.get(match.candidate, [])
    old = [w for w in there if w.place == match.place or not match.place]
    if old and all(w.value == value for w in old):
        return Row(number, "unchanged", f"{who}: {_shown(value)}", match.round)
    if old:
        was = old[0].value
        return Row(number, "correction", f"{who}: {_shown(was)} becomes {_shown(value)}", match.round, line, was)
    if value is None:
        return Row(number, "failed", f"{who}: {says}", match.round, line)
    kind: Kind = "replicate" if there else "new"
    return Row(number, kind, f"{who}: {_shown(value)}", match.round, line)


def _shown(value: float | None) -> str:
    return "failed" if value is None else f"{value:g}"


def _without_conflicts(rows: Sequence[Row]) -> list[Row]:
    """Leave out rows for one well that say different things: nobody knows which one is meant.

    Without wells, several rows of one design are replicates.
    """
    said: dict[tuple[int, str, str], set[float | None]] = {}
    for row in rows:
        if row.line is not None and row.line.place:
            said.setdefault((row.round, row.line.candidate or row.line.control, row.line.place), set()).add(
                row.line.value
            )
    found = []
    seen: set[tuple[int, str, str]] = set()
    for row in rows:
        key = (row.round, row.line.candidate or row.line.control, row.line.place) if row.line is not None else None
        if key is None or not key[2]:
            found.append(row)
        elif len(said[key]) > 1:
            found.append(Row(row.number, "twice", f"well {key[2]} has {_several(said[key])}", row.round))
        else:
            # The same row twice says nothing more.
            found.append(row if key not in seen else Row(row.number, "unchanged", row.says, row.round))
            seen.add(key)
    return found


def _several(values: Collection[float | None]) -> str:
    """Return the first of several values, and how many more there are: a file may hold one well 100,000 times."""
    some = sorted(map(_shown, islice(values, _QUOTED)))
    more = len(values) - len(some)
    return ", ".join(some) + (f" and {more:,} more" if more else "")


def _missing(rows: Sequence[Row], campaign: Campaign) -> dict[int, int]:
    """How many designs of each open batch, and of each that the file speaks of, lack a result after it."""
    there: dict[int, set[str]] = {}
    for row in rows:
        if row.line is not None and row.line.candidate:
            there.setdefault(row.round, set()).add(row.line.candidate)
    shown_batches: list[Batch] = [b for r, b in campaign.batches.items() if not b.complete or r in there]
    return {b.round: len(set(b.missing()) - there.get(b.round, set())) for b in shown_batches if not b.complete}
