"""A measured table searched as if it were unmeasured: site-saturation libraries such as GB1."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domains.protein.alphabet import LETTERS, check_wild_type, codes_of, text_of
from domains.protein.export import FORMATS
from domains.protein.sequence import SequenceProblem, exact
from domains.protein.tables.read import Replicates, Rows, TableSettings, Wanted, read_table
from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.intake.numbers import Decimal
from poets_core.types import Design, Evaluation, Objective, ProblemInfo

POSITIONS = "problem.params.positions"
LARGEST = 1_000_000
"""Residue number; no protein is a thirtieth as long."""
KEEP = 0.3
CONCENTRATION = 3.0
"""Prior around the wild type: a position keeps its residue with probability
KEEP, else follows a background drawn from a Dirichlet of this concentration."""


class LandscapeOracle:
    """Looks variants up; one that was not measured is invalid, never zero."""

    def __init__(self, values: Mapping[Design, float]) -> None:
        self.values = values

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Look n variants up; exact, so `prompts` and `rng` are not used."""
        found = [self.values.get(d) for d in designs]
        values = np.array([np.nan if v is None else v for v in found], dtype=np.float64)
        return exact(values, ["not in the table" if v is None else "" for v in found])


class Landscape(SequenceProblem):
    """Find the best of the measured variants of an uploaded table.

    Args:
        table: path of a CSV, TSV, xlsx or Parquet file.
        wild_type: the whole protein or its residues at the mutable positions, ``""`` if it is not known.
        variant_column, value_column: column names, ``""`` to find them.
        positions: numbers of the mutable residues in the protein, separated by
            commas; ``""`` takes those that the table tells, else counts from 1.
        direction, bad_rows, replicates, decimal: see `domains.protein.tables.read.TableSettings`.

    Attributes:
        report: what was found in the table: ``"lines"`` for people, ``"facts"`` as JSON values.

    Raises:
        InvalidTable: the table cannot be used, or its variants do not fit the wild type.
        InvalidSpec: the wild type or the positions are wrong.
    """

    def __init__(
        self,
        table: str,
        wild_type: str = "",
        variant_column: str = "",
        value_column: str = "",
        positions: str = "",
        direction: Wanted = "auto",
        bad_rows: Rows = "refuse",
        replicates: Replicates = "average",
        decimal: Decimal = "auto",
    ) -> None:
        settings = TableSettings(variant_column, value_column, direction, bad_rows, replicates, decimal)
        asked = tuple(map(str, _numbers(positions)))
        measured = read_table(Path(table), settings, parent=check_wild_type(wild_type), labels=asked)
        parent, length, values = measured.parent, measured.length, measured.values
        # Numbers are numbers to those who draw them; a label such as B54 or 100a is a text.
        numbers = tuple(int(label) if label.isdecimal() else label for label in measured.labels)
        self.report = {"lines": measured.report.lines(), "facts": measured.report.facts()}
        more = measured.direction == "maximise"
        # Below zero lies nothing in a table of activities: what was not measured then counts as none.
        unmeasured = {"invalid_value": 0.0} if more and min(values.values()) >= 0 else {}
        value = Objective(
            measured.value_column,
            "units of the table",
            measured.direction,
            optimum=max(values.values()) if more else min(values.values()),
            optimum_source=f"{'largest' if more else 'smallest'} of {len(values):,} measured variants",
        )
        info = ProblemInfo(
            name="protein/landscape",
            domain="protein",
            title="Measured landscape",
            objectives=(value,),
            chunk=64,
            export_formats=FORMATS,
            max_tokens=length,
            facts={
                "alphabet": LETTERS,
                "wild_type": parent,
                "wild_type_value": values.get(parent),
                "positions": list(numbers),
                "measured": len(values),
                "rows": measured.rows,
                "space": 20**length if length <= 12 else f"20^{length}",
                "variant_column": measured.variant_column,
                "value_column": measured.value_column,
                "sha256": checksum(values),
                **unmeasured,
            },
        )
        oracle = LandscapeOracle(values)
        super().__init__(info, oracle, minimum=length, maximum=length, wild_type=parent, positions=numbers)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n variants around the wild type; the background is drawn from `rng` first.

        Without a wild type every position follows the background.
        """
        background = rng.dirichlet(np.full(20, CONCENTRATION))
        codes = rng.choice(20, size=(n, self.maximum), p=background)
        if self.wild_type:
            kept = rng.random(codes.shape) < KEEP
            codes = np.where(kept, codes_of(self.wild_type).astype(np.int64), codes)
        return [text_of(row) for row in codes]


def checksum(values: Mapping[Design, float]) -> str:
    """Return the SHA-256 of measured variants, hex: of every variant with its value, whatever their order.

    It is of what was read and not of a file's bytes: the same data packed or as Parquet are the same data, and nobody
    can change the file between its reading and its checksum.
    """
    designs = sorted(values)
    found = hashlib.sha256("\n".join(designs).encode())
    found.update(np.array([values[d] for d in designs], dtype="<f8").tobytes())
    return found.hexdigest()


def _numbers(text: str) -> tuple[int, ...]:
    """Parse residue numbers; none of an empty text.

    Raises:
        InvalidSpec: not integers, or one twice.
    """
    if not text.strip():
        return ()
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidSpec(
            f"Expected residue numbers such as 39,40,41,54, got {shown(text)}. Separate whole numbers by commas.",
            field=POSITIONS,
        ) from error
    if any(abs(number) > LARGEST for number in numbers):
        raise InvalidSpec(f"Expected residue numbers of at most {LARGEST:,}, got {shown(text)}.", field=POSITIONS)
    if len(set(numbers)) != len(numbers):
        raise InvalidSpec(
            f"Expected distinct residue numbers, one for each letter, got {shown(text)}. Remove one.", field=POSITIONS
        )
    return numbers


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Landscape
