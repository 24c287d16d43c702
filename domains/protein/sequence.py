"""What all protein problems share: one grammar, one set of edits, one export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.protein import export
from domains.protein.alphabet import parse
from domains.protein.edits import edit
from domains.protein.mask import residue_mask
from domains.protein.substitutions import substitutions
from poets_core.protocols import Oracle, TokenMask
from poets_core.types import F8, Artifact, Bool, Design, Evaluation, Given, ProblemInfo, Record, Vocabulary


class SequenceProblem:
    """Sequences of `minimum` to `maximum` residues; a problem adds its oracle and its `library`.

    Attributes:
        info, prompts, oracle, given: see `poets_core.protocols.Problem`.
        minimum, maximum: inclusive limits of the length, in residues.
        wild_type: parent that mutations are named against, ``""`` if there is none.
        positions: number of each residue in the protein, or a label such as B54.
    """

    def __init__(
        self,
        info: ProblemInfo,
        oracle: Oracle,
        *,
        minimum: int,
        maximum: int,
        wild_type: Design = "",
        positions: Sequence[int | str] = (),
    ) -> None:
        self.info: ProblemInfo = info
        self.prompts: tuple[str, ...] = ("",)
        self.given: tuple[Given, ...] = ()
        self.oracle: Oracle = oracle
        self.minimum, self.maximum = minimum, maximum
        self.wild_type = wild_type
        self.positions: tuple[int | str, ...] = tuple(positions) or tuple(range(1, maximum + 1))

    def decode(self, text: str) -> Design:
        """Return the canonical sequence: upper case, without white space.

        Raises:
            InvalidDesign: unknown letter (named, with its position), stop
                codon, empty text, or a length outside the limits.
        """
        return parse(text, self.minimum, self.maximum)

    def encode(self, design: Design) -> str:
        """Return the sequence itself."""
        return design

    def mask(self, vocabulary: Vocabulary) -> TokenMask | None:
        """Return the grammar over this vocabulary, None if no sequence can be written in it."""
        return residue_mask(vocabulary, self.minimum, self.maximum)

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n single edits or crossovers of elites, within the length limits."""
        return edit(elites, n, self.minimum, self.maximum, rng=rng)

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Return the sequence in blocks of ten, and its mutations where there is a wild type."""
        lines = []
        for start in range(0, len(design), 60):
            row = design[start : start + 60]
            blocks = " ".join(row[i : i + 10] for i in range(0, len(row), 10))
            lines.append(f"{self.positions[start]:>5} {blocks}")
        if self.wild_type:
            changed = substitutions(design, self.wild_type, [str(p) for p in self.positions])
            lines.append(f"mutations: {', '.join(changed) if changed else 'none (the wild type)'}")
        lines += [f"{name}: {value}" for name, value in details.items()]
        return [Artifact("sequence.txt", "text/plain", "".join(f"{line}\n" for line in lines).encode())]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as FASTA or CSV, see `domains.protein.export`."""
        return export.write(records, format)

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote; designs come back canonical and equal."""
        return export.read(data, format, self.decode)


def exact(values: F8, reason: Sequence[str], details: Sequence[Mapping[str, Any]] | None = None) -> Evaluation:
    """Return the evaluation of one noiseless objective.

    Args:
        values: f8 (n,); ignored where there is a reason.
        reason: (n,) why a design is invalid, ``""`` where it is valid.
        details: (n,) facts worth keeping.
    """
    valid: Bool = np.array([r == "" for r in reason], dtype=np.bool_)
    column = np.where(valid, values, np.nan).astype(np.float64)[:, None]
    return Evaluation(column, np.zeros_like(column), valid, tuple(reason), tuple(details or [{}] * len(valid)))
