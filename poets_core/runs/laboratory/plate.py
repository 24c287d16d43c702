"""Which design lies in which well: a pure function of the batch, so that nothing about it needs to be stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from poets_core.spec.laboratory import PLATES, LaboratorySpec
from poets_core.types import round_number

PARENT = "parent"
"""What the control is called that holds the parent itself."""
_ID = re.compile(r"([0-9a-z]{4})_b(\d{1,6})_(c?)(\d{1,6})(?:r(\d{1,3}))?", re.IGNORECASE)
_WELL = re.compile(
    r"(?:(?:plate\s*)?(?P<plate>\d{1,3})\s*[:/_-]\s*)?(?P<row>[A-P])0*(?P<column>[1-9]\d?)", re.IGNORECASE
)

_PLATE_DIGITS = 9
"""Digits of a plate's number; Python refuses to read thousands of them."""


@dataclass(frozen=True)
class Well:
    """One well of a batch, or one line of a list.

    Attributes:
        id: for the tube and the file; see `public_id`.
        plate: number from 1; 0 without plates.
        well: ``"A01"``; ``""`` without plates.
        candidate: id of the design in it; ``""`` for a control.
        control: name of the control in it; ``""`` for a design.
    """

    id: str
    plate: int
    well: str
    candidate: str = ""
    control: str = ""

    @property
    def place(self) -> str:
        """Plate and well, ``"1:A01"``; ``""`` without plates."""
        return f"{self.plate}:{self.well}" if self.well else ""


def public_id(run: str, round: int, number: int, *, replicate: int = 0, control: bool = False) -> str:
    """Return the id of a well for people and instruments: ``"7fbc_b2_017"``, ``"7fbc_b2_017r2"``, ``"7fbc_b2_c01"``.

    The end of the run's id, the batch and the number of the design, or of the control. No spreadsheet takes it for a
    date, a number or a formula, and it tells the plates of two runs apart. It belongs to the design: where others are
    proposed in the place of some, it stays.

    Args:
        run: id of the run.
        round: of the batch, from 0.
        number: of the design or control in the batch, from 0.
        replicate: of the design, from 0.
        control: whether it is one.
    """
    again = f"r{replicate + 1}" if replicate else ""
    digits = f"c{number + 1:02d}" if control else f"{number + 1:03d}"
    return f"{run[-4:]}_b{round_number(round)}_{digits}{again}"


def read_public_id(text: str) -> tuple[str, int] | None:
    """Return the end of the run's id and the round (from 0) of an id; None for another text."""
    found = _ID.fullmatch(text.strip())
    return None if found is None else (found[1].lower(), int(found[2]) - 1)


def read_place(well: str, plate: str = "") -> str:
    """Return a well as `Well.place` writes it: ``"1:A01"`` of ``"a1"``, ``"A01"``, ``"2-A1"``; ``""`` for none.

    Args:
        well: of a file.
        plate: of another column, ``""`` for none.
    """
    found = _WELL.fullmatch(well.strip())
    if found is None:
        return ""
    number = found["plate"] or "".join(c for c in plate if c.isdecimal()) or "1"
    if len(number) > _PLATE_DIGITS:
        return ""
    return f"{int(number)}:{found['row'].upper()}{int(found['column']):02d}"


def wells_of(run: str, round: int, candidates: Sequence[str], spec: LaboratorySpec, *, parent: bool) -> list[Well]:
    """Lay a batch out.

    Controls come first on the first plate and are spread over it, replicates of a design follow one another at a
    distance of one whole batch, so that neighbours are never replicates.

    Args:
        run: its id.
        round: of the batch, from 0.
        candidates: ids of the designs, in their order.
        spec: plates, replicates and controls.
        parent: whether the problem has a parent, which then gets its wells.
    """
    controls = [PARENT] * (spec.parent_wells if parent else 0) + list(spec.control_names)
    designs = [(id, again) for again in range(spec.replicates) for id in candidates]
    total = len(designs) + len(controls)
    # Spread evenly: wells at the rim of a plate differ from those in the middle, and controls should see both.
    at = {int(total * (k + 0.5) / len(controls)): k for k in range(len(controls))}
    left, found = iter(designs), []
    for number in range(total):
        plate, well = _place(number, spec.wells)
        if number in at:
            id = public_id(run, round, at[number], control=True)
            found.append(Well(id, plate, well, control=controls[at[number]]))
            continue
        candidate, again = next(left)
        id = public_id(run, round, int(candidate.rpartition("-")[2]), replicate=again)
        found.append(Well(id, plate, well, candidate))
    return found


def _place(number: int, plate: int) -> tuple[int, str]:
    if not plate:
        return 0, ""
    _, columns = PLATES[plate]
    on_plate = number % plate
    return number // plate + 1, f"{ascii_uppercase[on_plate // columns]}{on_plate % columns + 1:02d}"
