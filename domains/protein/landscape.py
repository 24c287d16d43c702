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
from domains.protein.table import read_table
from poets_core.errors import InvalidSpec, InvalidTable
from poets_core.intake import shown
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
        table: path of a CSV, TSV or Parquet file.
        wild_type: residues at the mutable positions, ``""`` if there is none.
        variant_column, value_column: column names, ``""`` to find them.
        positions: numbers of the mutable residues in the protein, separated by
            commas; ``""`` counts from 1.

    Raises:
        InvalidTable: the table cannot be used, or its variants are not as long as the wild type.
        InvalidSpec: the wild type or the positions are wrong.
    """

    def __init__(
        self, table: str, wild_type: str = "", variant_column: str = "", value_column: str = "", positions: str = ""
    ) -> None:
        measured = read_table(Path(table), variant_column=variant_column, value_column=value_column)
        parent, length = check_wild_type(wild_type), measured.length
        if parent and len(parent) != length:
            raise InvalidTable(
                f"Expected variants as long as the wild type {shown(parent)} ({len(parent)} residues), got {length} "
                f"residues in row 2, column {shown(measured.variant_column)}. Give its mutable residues only.",
                field="problem.params.wild_type",
            )
        numbers = _numbers(positions, length)
        values = measured.values
        # Below zero lies nothing in a table of activities: what was not measured then counts as none.
        unmeasured = {"invalid_value": 0.0} if min(values.values()) >= 0 else {}
        value = Objective(
            measured.value_column,
            "units of the table",
            optimum=max(values.values()),
            optimum_source=f"largest of {len(values):,} measured variants",
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


def _numbers(text: str, length: int) -> tuple[int, ...]:
    """Parse residue numbers.

    Raises:
        InvalidSpec: not integers, or not one for each mutable position.
    """
    if not text.strip():
        return tuple(range(1, length + 1))
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidSpec(
            f"Expected residue numbers such as 39,40,41,54, got {shown(text)}. Separate whole numbers by commas.",
            field=POSITIONS,
        ) from error
    if any(abs(number) > LARGEST for number in numbers):
        raise InvalidSpec(f"Expected residue numbers of at most {LARGEST:,}, got {shown(text)}.", field=POSITIONS)
    if len(numbers) != length or len(set(numbers)) != length:
        raise InvalidSpec(
            f"Expected {length} distinct residue numbers, one for each letter, got {shown(text)}.", field=POSITIONS
        )
    return numbers


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Landscape
