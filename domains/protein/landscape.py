"""A measured table searched as if it were unmeasured: site-saturation libraries such as GB1."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from domains.protein.alphabet import codes_of, text_of
from domains.protein.export import FORMATS
from domains.protein.given import PARAMS, Sited, read_measured, sited
from domains.protein.letter_mask import letter_mask
from domains.protein.parent import UNKNOWN_LETTER, Chain, Parent, Scaffold, read_parent
from domains.protein.replay import replay_of
from domains.protein.residues import alike
from domains.protein.sequence import SequenceProblem, exact
from domains.protein.sited import facts_of, numbers_of, whole_protein
from domains.protein.sited_edits import edit_within
from domains.protein.sites import Sites, read_sites
from domains.protein.tables.read import MeasuredTable, Replicates, Rows, TableSettings, Wanted
from domains.protein.variants_file import VariantsFile
from poets_core.errors import InvalidDesign, InvalidInput, InvalidSpec, InvalidTable
from poets_core.intake import shown
from poets_core.intake.numbers import Decimal
from poets_core.protocols import TokenMask
from poets_core.types import F8, Artifact, Design, Evaluation, Objective, ProblemInfo, Record, Vocabulary

POSITIONS = f"{PARAMS}.positions"
KEEP = 0.3
CONCENTRATION = 3.0
"""Prior around the wild type: a position keeps its residue with probability
KEEP, else follows a background drawn from a Dirichlet of this concentration."""

SPARSE = 0.1
"""Share of the possible variants below which a table is too thin to be searched as if all were in it."""
ROWS = 4
"""Where the report says what it took of the table; what follows from how much of the space it holds stands before."""


class LandscapeOracle:
    """Looks variants up; one that was not measured is invalid, never zero.

    Args:
        values: by design.
        absent: whether nothing is known of one that was not measured, so that nothing is learnt from it; or it is as
            bad as a design that cannot be.
    """

    def __init__(self, values: Mapping[Design, float], absent: Literal["invalid", "missing"] = "invalid") -> None:
        self.values, self._absent = values, absent

    def evaluate(self, designs: Sequence[Design], prompts: Sequence[int], *, rng: np.random.Generator) -> Evaluation:
        """Look n variants up; exact, so `prompts` and `rng` are not used."""
        found = [self.values.get(d) for d in designs]
        values = np.array([np.nan if v is None else v for v in found], dtype=np.float64)
        answer = exact(values, ["not in the table" if v is None else "" for v in found])
        return answer if self._absent == "invalid" else replace(answer, missing=tuple(v is None for v in found))


class Landscape(SequenceProblem):
    """Find the best of the measured variants of an uploaded table.

    Args:
        table: path of the file.
        wild_type: residues at the mutable positions, or the whole protein; ``""`` if there is none.
        variant_column, value_column, direction, bad_rows, replicates, decimal: how the table is read, see
            `domains.protein.tables.read.TableSettings`.
        positions: numbers of the mutable residues as people write them, see `domains.protein.sites`; ``""`` counts
            from 1.
        use: ``"benchmark"``: any variant can be proposed, and one that was not measured costs a call.
            ``"replay"``: measured variants alone can be proposed.

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
        use: str = "benchmark",
    ) -> None:
        parent = read_parent(wild_type, f"{PARAMS}.wild_type")
        settings = TableSettings(variant_column, value_column, direction, bad_rows, replicates, decimal)
        found, measured = _read(table, settings, parent, positions)
        values, scaffold, length = found.values, found.scaffold, len(found.scaffold.sites)
        if not values:
            raise InvalidTable(
                f"Expected variants that differ from the wild type at positions {shown(positions)} alone, got none.",
                field=POSITIONS,
            )
        # Below zero lies nothing in a table of activities: what was not measured then counts as none.
        best = max if measured.direction == "maximise" else min
        unmeasured = {"invalid_value": 0.0} if best is max and min(values.values()) >= 0 else {}
        lines = measured.report.lines()
        lines[ROWS:ROWS] = _sparse(len(values), measured.report.space, use)
        self.report = {"lines": [*lines, *_outside(found)], "facts": measured.report.facts()}
        value = Objective(
            measured.value_column,
            "units of the table",
            measured.direction,
            optimum=best(values.values()),
            optimum_source=f"{'largest' if best is max else 'smallest'} of {len(values):,} measured variants",
        )
        info = ProblemInfo(
            name="protein/landscape",
            domain="protein",
            title="Measured landscape",
            objectives=(value,),
            chunk=64,
            export_formats=FORMATS,
            max_tokens=length,
            facts=facts_of(scaffold) | _facts(found, measured) | {"use": use, **unmeasured},
        )
        super().__init__(
            info,
            LandscapeOracle(values),
            minimum=length,
            maximum=length,
            wild_type=scaffold.wild_type,
            positions=numbers_of(scaffold),
        )
        self.scaffold = scaffold
        self._whole = len(scaffold.parent) > len(scaffold.sites)
        self._file = VariantsFile(scaffold, value.name)
        self.replay = replay_of(values) if use == "replay" else None

    @property
    def alike(self) -> tuple[str, F8]:
        """How alike the letters of designs are; see `domains.protein.residues`."""
        return alike()

    def decode(self, text: str) -> Design:
        """Return the canonical letters at the positions.

        Raises:
            InvalidDesign: an unknown letter or another length; in a replay, a variant that was not measured.
        """
        design = super().decode(text)
        if self.replay is not None and not self.replay.accepts(codes_of(design)[None])[0]:
            raise InvalidDesign(f"Expected one of the {len(self.replay.codes):,} measured variants, got {design}.")
        return design

    def mask(self, vocabulary: Vocabulary) -> TokenMask | None:
        """Return the grammar over this vocabulary: all variants, in a replay the measured ones."""
        return super().mask(vocabulary) if self.replay is None else letter_mask(self.replay, vocabulary)

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n single edits or crossovers of elites; in a replay, measured variants near them."""
        if self.replay is None:
            return super().edit(elites, n, rng=rng)
        return edit_within(elites, n, self.replay, self.replay.letters, self.wild_type, rng=rng)

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Return the sequence, whole where the whole protein is known, and its mutations."""
        return [whole_protein(self.scaffold, design, details)] if self._whole else super().render(design, details)

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as FASTA or CSV: as whole proteins where the whole protein is known."""
        return (
            self._file.write(records, format) if self._whole and format in FORMATS else super().export(records, format)
        )

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote; designs come back canonical and equal."""
        if self._whole and format in FORMATS:
            return self._file.read(data, format)
        return super().read_export(data, format)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n variants around the wild type; the background is drawn from `rng` first.

        Without a wild type every position follows the background. In a replay, those that were not measured are
        measured ones instead, drawn alike.
        """
        background = rng.dirichlet(np.full(20, CONCENTRATION))
        codes = rng.choice(20, size=(n, self.maximum), p=background)
        if self.wild_type:
            kept = rng.random(codes.shape) < KEEP
            codes = np.where(kept, codes_of(self.wild_type).astype(np.int64), codes)
        if self.replay is not None:
            lost = np.flatnonzero(~self.replay.accepts(codes.astype(np.uint8)))
            codes[lost] = self.replay.codes[rng.integers(0, len(self.replay.codes), len(lost))]
        return [text_of(row) for row in codes]


def _facts(found: Sited, measured: MeasuredTable) -> dict[str, Any]:
    """Return what is worth knowing about a table, JSON values."""
    values, length = found.values, len(found.scaffold.sites)
    return {
        "wild_type_value": values.get(found.scaffold.wild_type),
        "measured": len(values),
        "rows": measured.rows,
        "space": 20**length if length <= 12 else f"20^{length}",
        "variant_column": measured.variant_column,
        "value_column": measured.value_column,
        "sha256": checksum(values),
        "outside": found.outside,
    }


def checksum(values: Mapping[Design, float]) -> str:
    """Return the SHA-256 of measured variants, hex: of every variant with its value, whatever their order.

    It is of what was read and not of a file's bytes: the same data packed or as Parquet are the same data, and nobody
    can change the file between its reading and its checksum.
    """
    designs = sorted(values)
    found = hashlib.sha256("\n".join(designs).encode())
    found.update(np.array([values[d] for d in designs], dtype="<f8").tobytes())
    return found.hexdigest()


def _sparse(measured: int, space: int, use: str) -> list[str]:
    if use != "benchmark" or measured >= SPARSE * space:
        return []
    return [
        "Most proposals will not be in this table: each is invalid and costs a call. Where variants not in the "
        "table are set to replay, measured ones alone are proposed."
    ]


def _outside(found: Sited) -> list[str]:
    if not found.outside:
        return []
    return [f"{found.outside:,} variants differ from the wild type at other positions as well, and are left out."]


def _read(path: str, settings: TableSettings, parent: Parent, positions: str) -> tuple[Sited, MeasuredTable]:
    """Return the variants at their positions, and the table; errors name this problem's fields.

    Raises:
        InvalidTable: a table that cannot be used, or variants that are not as long as the wild type.
        InvalidSpec: wrong positions.
    """
    named = read_sites(positions, None, POSITIONS) if positions.strip() else None
    # A wild type with a letter for every position is those letters; a longer one is the whole protein.
    if named and parent.sequence and len(named.labels) != len(parent.sequence):
        named = read_sites(positions, parent, POSITIONS)
    measured = read_measured(path, settings, parent.sequence, named, {})
    table = measured.table
    if not table.whole and len(parent.sequence) in (0, len(table.labels)):
        return Sited(_listed(table, parent, named), table.values, table.std), table
    try:
        if table.whole and len(parent.sequence) in (0, len(table.places)):
            # Whole proteins, of which the wild type gives the sites alone, or nothing.
            return sited(measured, Parent("", ()), "" if parent.sequence else positions, "table"), table
        return sited(measured, parent, named or "", "table"), table
    except InvalidInput as error:
        fields = {k.replace(".sites", ".positions"): v for k, v in error.fields.items()}
        raise type(error)(str(error), fields=fields) from error


def _listed(table: MeasuredTable, parent: Parent, named: Sites | None) -> Scaffold:
    """Return the scaffold of a table of sites: each letter of a variant is one.

    Raises:
        InvalidSpec: not one position for each, or a letter that the wild type has not.
    """
    length = len(table.labels)
    letters = parent.sequence or table.parent or UNKNOWN_LETTER * length
    chains = parent.chains or (Chain("A", 0, length),)
    if named is None:
        return Scaffold(letters, table.labels, tuple(range(length)), chains)
    if len(named.labels) != length:
        raise InvalidSpec(
            f"Expected {length} distinct residue numbers, one for each letter, got {', '.join(named.labels[:40])}.",
            field=POSITIONS,
        )
    for label, stated, own in zip(named.labels, named.letters, letters, strict=True):
        if stated and own not in (stated, UNKNOWN_LETTER):
            raise InvalidSpec(
                f"Expected {stated} at position {label}, got {own} in the wild type {shown(letters)}. Correct one of "
                "them.",
                field=POSITIONS,
            )
    return Scaffold(letters, named.labels, tuple(range(length)), chains)


if TYPE_CHECKING:
    from poets_core.protocols import Problem

    _: type[Problem] = Landscape
