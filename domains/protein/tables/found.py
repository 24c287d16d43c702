"""What a column of variants was found to be, and what can be wrong with a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from domains.protein.alphabet import LETTERS, name_letter, upper
from poets_core.errors import InvalidTable
from poets_core.intake import shown

KINDS = {
    "empty": "without a variant",
    "unclear": "with an ambiguous residue (B, J, O, U, X or Z)",
    "stop": "with a stop codon",
    "gap": "with a gap",
    "letters": "with a letter that is no amino acid",
    "length": "of another length",
    "indel": "with an insertion or deletion",
    "twice": "that change one residue twice",
    "old": "whose old letter or number is not the parent's",
    "text": "that name no variant",
}
"""What is wrong with a cell, in the words of a report: "3 rows with a stop codon"."""


@dataclass(frozen=True)
class Variants:
    """A column of variants.

    Attributes:
        designs: of every cell the letters at the sites; "" where it holds no variant.
        labels: number of each site.
        parent: the parent's letters at the sites, "" where it is not known.
        bad: index of a cell -> what is wrong with it, a key of `KINDS`.
        wild, controls: indices of cells that name the wild type, or a control; their design is the parent's, or "".
        constant: residues that are the same in all variants and are no sites.
        notation: how the cells are written, in words. notes: what was recognised.
        lengths: residues -> cells, where they differ.
        whole: the whole protein where it is known beyond the sites: the parent, or a variant whose constant residues
            are the parent's; places: index of each site in it.
    """

    designs: list[str]
    labels: tuple[str, ...]
    parent: str
    bad: dict[int, str]
    wild: tuple[int, ...]
    controls: tuple[int, ...]
    constant: int
    notation: str
    notes: tuple[str, ...] = ()
    lengths: dict[int, int] = field(default_factory=dict)
    whole: str = ""
    places: tuple[int, ...] = ()


def refused(message: str, name: str = "table") -> InvalidTable:
    """Return an error of a table's parameter."""
    return InvalidTable(message, field=f"problem.params.{name}")


def told(kind: str, cell: str) -> str:
    """Return a cell as a message quotes it, with the letter that is wrong where one is."""
    # In a mutation the number and the dot before it are no residues.
    if kind in ("letters", "stop", "gap", "unclear") and not any(c.isdigit() for c in cell):
        bare = upper("".join(cell.split()))
        at = next((i for i, c in enumerate(bare) if c not in LETTERS), None)
        if at is not None:
            return f"{name_letter(bare[at])} at position {at + 1} of {shown(cell)}"
    return shown(cell)


def number_of(label: str) -> int | None:
    """Return the number in a site's label, ``"V39"``; None where it has an insertion code or none."""
    found = re.fullmatch(r"[A-Za-z]?(\d{1,6})", label)
    return int(found[1]) if found else None
