"""Tables and report of an archive, written anew from its events and compared; tables cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest

from poets_core.errors import InvalidInput
from poets_core.intake import shown
from poets_core.runs.export import REPORT_NAME, candidates_csv, comparisons_csv, report_of
from poets_core.runs.report.report import REPORT
from poets_core.runs.verify.archive import Archive
from poets_core.runs.verify.finding import Check, Finding, check, not_done
from poets_core.runs.views.fold import RunView

CELL = 64 << 20
"""Characters of a cell, at most."""


def tables(archive: Archive, view: RunView, now: bool) -> Check:
    """Compare the tables of an archive with its events.

    Args:
        archive: of a run.
        view: fold of its events.
        now: whether it is of format 2, and so has the columns that are written today.
    """
    wanted = {"candidates.csv": candidates_csv(view)}
    if view.experiment is not None:
        wanted["comparisons.csv"] = comparisons_csv(view.experiment)
    findings: list[Finding] = []
    for name, data in wanted.items():
        if name not in archive:
            findings.append(Finding(name, "Expected it in the archive, got none."))
            continue
        try:
            findings += _compared(name, archive.read(name), data, now)
        except InvalidInput as error:
            findings.append(Finding(name, str(error)))
    return check("tables", f"{', '.join(wanted)} against the events", findings)


def report(archive: Archive, view: RunView) -> Check:
    """Compare report.html with one that is written anew."""
    if REPORT_NAME not in archive:
        return not_done("report", "the archive has none")
    try:
        here = archive.read(REPORT_NAME)
        members = {n: archive.read(n) for n in ("spec.json", "versions.json", "archive.json") if n in archive}
        wanted = report_of(members, view)
    except (InvalidInput, ValueError, KeyError, TypeError, AttributeError) as error:
        return check("report", "not compared", [Finding(REPORT_NAME, f"Expected a report, got: {error}")])
    if f'poets report {REPORT}"'.encode() not in here[:1000]:
        return not_done("report", "another version of this program has written it")
    if here == wanted:
        return check("report", "report.html against the events", [])
    at = next((i for i, (a, b) in enumerate(zip(here, wanted, strict=False)) if a != b), min(len(here), len(wanted)))
    near, should = (data[max(0, at - 20) : at + 20].decode("utf-8", "replace") for data in (here, wanted))
    said = f"Expected {shown(should)} as written anew from the events, got {shown(near)}."
    return check("report", "report.html against the events", [Finding(REPORT_NAME, said, f"byte {at}")])


def _compared(name: str, here: bytes, wanted: bytes, now: bool) -> Iterator[Finding]:
    if here == wanted:
        return
    head, rows = _rows(name, here)
    known, right = _rows(name, wanted)
    if now and head != known:
        yield Finding(name, f"Expected the columns {shown(known, 80)}, got {shown(head, 80)}.", "line 1")
    # An older program wrote fewer columns, or called one otherwise: those of both are compared.
    both = [(column, head.index(column), known.index(column)) for column in known if column in head]
    before = len(both)
    for number, (row, line) in enumerate(zip_longest(rows, right), 2):
        if row is None or line is None or len(row) != len(head):
            got = "none" if row is None else f"{len(row)} cells {shown(row, 60)}"
            said = "no further row" if line is None else f"a row for {shown(line[0])} of {len(head)} cells"
            yield Finding(name, f"Expected {said}, got {got}.", f"line {number}")
            continue
        for column, at, should in both:
            if row[at] != line[should]:
                place = f"line {number}, {line[0]}"
                yield Finding(name, f"Expected {shown(line[should])}, got {shown(row[at])}.", place, column)
                before = -1
    if now and before == len(both) and head == known:
        yield Finding(name, "Expected it written letter by letter as its events say, got other quotes or line ends.")


def _rows(name: str, data: bytes) -> tuple[list[str], list[list[str]]]:
    # The limit of the csv module is one for the whole process.
    usual = csv.field_size_limit(CELL)
    try:
        head, *rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    except (ValueError, csv.Error) as error:
        raise InvalidInput(f"Expected a table in {name}, got: {error}.") from error
    finally:
        csv.field_size_limit(usual)
    return head, rows
