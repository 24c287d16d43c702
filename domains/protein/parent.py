"""The protein that a campaign starts from, as people paste it, and the designs that are put into it.

A design is the letters at the variable sites alone. Everything else of the protein is constant and is never modelled:
what a search costs depends on its sites, not on how long the protein is.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqUtils import IUPACData

from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of, name_letter, shorten, upper
from domains.protein.substitutions import substitutions
from poets_core.errors import InvalidDesign, InvalidSpec
from poets_core.intake import shown
from poets_core.types import Design

FIELD = "problem.params.parent"
LONGEST = 40_000
"""Residues of a parent, all chains together; titin has 35,000."""
MOST_CHAINS = 26
UNKNOWN_LETTER = "X"
"""Stands in a parent where a site's own letter is not known, as in a table without a wild type."""
SHORTEST_DNA = 12
"""A shorter text of A, C, G and T may be a peptide."""
_THREE = {k.upper(): v for k, v in IUPACData.protein_letters_3to1.items()}
_NUMBERS = re.compile(r"(?<![^\W\d_])\d+(?![^\W\d_])")
_CHAIN = re.compile(r"(?i)\bchains?\s+([a-z0-9])\b|[_:|]([A-Za-z])(?=\s|$)")


@dataclass(frozen=True)
class Chain:
    """A polypeptide of the parent.

    Attributes:
        name: letter by which people call it.
        start: index of its first residue in the joined sequence.
        length: residues.
    """

    name: str
    start: int
    length: int


@dataclass(frozen=True)
class Parent:
    """A protein of one or more chains.

    Attributes:
        sequence: residues of all chains, one chain after the other.
        chains: in order; one even where the protein has a single chain.
    """

    sequence: str
    chains: tuple[Chain, ...]


def parent_of(sequences: list[tuple[str, str]]) -> Parent:
    """Return the parent of named chains, (name, residues) each."""
    chains, start = [], 0
    for name, residues in sequences:
        chains.append(Chain(name, start, len(residues)))
        start += len(residues)
    return Parent("".join(residues for _, residues in sequences), tuple(chains))


def read_parent(text: str, field: str = FIELD) -> Parent:
    """Read a parent sequence: letters, FASTA or the body of a GenPept entry; chains by ``:``, ``/`` or records.

    Blanks, line breaks and numbers between blocks do not count, nor does case; a stop at the end is left out.
    Three-letter codes are read where every word is one.

    Args:
        text: what was pasted; blank text gives a parent without residues.
        field: of the form, for errors.

    Raises:
        InvalidSpec: DNA, an unknown letter (named, with its place), a record without residues, or too much.
    """
    text = text.replace("\ufeff", "").replace("\xa0", " ").strip()
    if not text:
        return Parent("", ())
    found = _records(text, field)
    chains = [(name, _residues(block, where, field)) for name, block, where in found]
    if len(chains) > MOST_CHAINS or sum(len(c) for _, c in chains) > LONGEST:
        raise InvalidSpec(
            f"Expected a parent of at most {MOST_CHAINS} chains and {LONGEST:,} residues, got {len(chains)} chains of "
            f"{sum(len(c) for _, c in chains):,} residues. Give the protein that is changed alone.",
            field=field,
        )
    # Names have to tell the chains apart; what the headers say counts only where it does.
    names = [name for name, _ in chains]
    if "" in names or len(set(names)) < len(names):
        names = [chr(ord("A") + k) for k in range(len(chains))]
    return parent_of([(name, residues) for name, (_, residues) in zip(names, chains, strict=True)])


def _records(text: str, field: str) -> list[tuple[str, str, str]]:
    """Split a text into (chain's name or "", residues as written, where that is)."""
    if ">" not in text:
        # A GenPept entry ends in //, and its sequence begins after ORIGIN.
        body = re.sub(r"(?im)^\s*(origin.*|//)\s*$", "", text)
        blocks = re.split(r"[:/|]", body)
        return [("", block, f"chain {k + 1}" if len(blocks) > 1 else "the parent") for k, block in enumerate(blocks)]
    if not text.startswith(">"):
        raise InvalidSpec(
            f"Expected a FASTA record that starts with '>', got {shown(text.splitlines()[0])} before it. Remove that.",
            field=field,
        )
    out = []
    for header, block in SimpleFastaParser(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))):
        if not block.strip():
            raise InvalidSpec(
                f"Expected residues below the header {shown('>' + header)}, got none. Keep the line break after the "
                "header, or paste the residues alone.",
                field=field,
            )
        found = _CHAIN.search(header)
        name = (found[1] or found[2]).upper() if found else header.strip().upper() if len(header.strip()) == 1 else ""
        # A chain that is written into one record with others, as structure predictors take it, has no name of its own.
        pieces = re.split(r"[:/|]", block)
        out += [(name if len(pieces) == 1 else "", piece, f"record {shown(header)}") for piece in pieces]
    return out


def _residues(block: str, where: str, field: str) -> str:
    """Return the residues of one chain."""
    words = re.split(r"[\s-]+", _NUMBERS.sub(" ", block).strip().removesuffix("*"))
    if len(words) > 2 and all(upper(w) in _THREE for w in words):
        return "".join(_THREE[upper(w)] for w in words)
    residues = upper("".join(words) if all(len(w) == 1 for w in words) else "".join(_NUMBERS.sub(" ", block).split()))
    residues = residues.removesuffix("*")
    if not residues:
        raise InvalidSpec(f"Expected residues in {where}, got none. Remove the empty chain.", field=field)
    if len(residues) >= SHORTEST_DNA and set(residues) <= set("ACGTUN"):
        raise InvalidSpec(
            f"Expected a protein in {where}, got {shorten(residues)}, which looks like DNA. Translate it.", field=field
        )
    wrong = codes_of(residues) == UNKNOWN
    if wrong.any():
        at = int(wrong.argmax())
        raise InvalidSpec(
            f"Expected the letters {LETTERS} in {where}, got {name_letter(residues[at])} at position {at + 1}. "
            "Write one of the 20 amino acids there.",
            field=field,
        )
    return residues


@dataclass(frozen=True)
class Scaffold:
    """A parent with its variable sites: what turns designs into whole proteins and back.

    Attributes:
        parent: residues of all chains; `UNKNOWN_LETTER` at sites whose own letter is not known.
        labels: how people write the number of each site: ``"39"``, ``"100a"``, ``"B54"``.
        sites: index of each site in `parent`, ascending.
        chains: of the parent.
    """

    parent: str
    labels: tuple[str, ...]
    sites: tuple[int, ...]
    chains: tuple[Chain, ...]

    @property
    def wild_type(self) -> Design:
        """The parent's letters at the sites, ``""`` where one is not known."""
        letters = "".join(self.parent[i] for i in self.sites)
        return "" if UNKNOWN_LETTER in letters else letters

    @property
    def own_letters(self) -> list[str]:
        """The parent's letter at each site, `UNKNOWN_LETTER` where it is not known."""
        return [self.parent[i] for i in self.sites]

    def full(self, design: Design) -> str:
        """Return the whole protein with a design's letters put in; (sites,) letters become (parent,) letters."""
        letters = list(self.parent)
        for i, letter in zip(self.sites, design, strict=True):
            letters[i] = letter
        return "".join(letters)

    def design(self, full: str) -> Design:
        """Return the letters at the sites of a whole protein; chain separators are allowed.

        Raises:
            InvalidDesign: another length, or another letter where the protein is constant.
        """
        residues = upper("".join(re.split(r"[\s:/|]+", full)))
        if len(residues) != len(self.parent):
            raise InvalidDesign(
                f"Expected a protein of {len(self.parent)} residues, got {len(residues)} in {shorten(residues)}."
            )
        design = "".join(residues[i] for i in self.sites)
        if (whole := self.full(design)) != residues:
            at = next(i for i, (a, b) in enumerate(zip(whole, residues, strict=True)) if a != b)
            raise InvalidDesign(
                f"Expected {whole[at]} at residue {at + 1}, where the protein is constant, got "
                f"{name_letter(residues[at])}. Name it as a site to let it vary."
            )
        return design

    def mutations(self, design: Design) -> list[str]:
        """Return substitutions such as ``"V39A"``, or ``"B:V54A"`` with chains; none where the parent is not known."""
        return substitutions(design, self.wild_type, self.labels)

    def split(self, full: str) -> list[tuple[str, str]]:
        """Return (name, residues) of each chain of a whole protein."""
        return [(c.name, full[c.start : c.start + c.length]) for c in self.chains]
