"""Designs that are letters at the sites of a protein, inside hard constraints or a set of measured variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.protein.alphabet import LETTERS, codes_of, parse, text_of
from domains.protein.automaton import Automaton
from domains.protein.constraints import Constraints
from domains.protein.letter_mask import letter_mask
from domains.protein.parent import UNKNOWN_LETTER, Scaffold
from domains.protein.replay import Replay
from domains.protein.residues import alike
from domains.protein.sequence import SequenceProblem
from domains.protein.sited_edits import edit_within
from domains.protein.variants_file import VariantsFile
from poets_core.errors import InvalidDesign
from poets_core.protocols import Oracle, TokenMask
from poets_core.types import F8, Artifact, Design, ProblemInfo, Record, Vocabulary


class SitedProblem(SequenceProblem):
    """A protein of which some sites vary; a problem adds its oracle and what was measured before.

    Attributes:
        scaffold: parent and sites.
        automaton: accepts the designs of the problem, and no others.
        constraints: what they hold, for messages; None where the automaton is a set of variants.
        weights: f8 (sites, 20), the prior of each site.
        file: writes candidates.
    """

    def __init__(
        self,
        info: ProblemInfo,
        oracle: Oracle,
        scaffold: Scaffold,
        automaton: Automaton | Replay,
        weights: F8,
        constraints: Constraints | None = None,
        file: VariantsFile | None = None,
    ) -> None:
        sites = len(scaffold.sites)
        super().__init__(info, oracle, minimum=sites, maximum=sites, wild_type=scaffold.wild_type)
        self.scaffold, self.automaton, self.weights, self.constraints = scaffold, automaton, weights, constraints
        self.file = file or VariantsFile(scaffold, info.objectives[0].name)

    @property
    def alike(self) -> tuple[str, F8]:
        """How alike the letters of designs are; see `domains.protein.residues`."""
        return alike()

    def decode(self, text: str) -> Design:
        """Return the letters at the sites: of a text of so many letters, or of the whole protein.

        Raises:
            InvalidDesign: an unknown letter, another length, another protein, or a constraint that it breaks.
        """
        plain = "".join(text.split())
        if len(plain) != self.maximum and len(plain) >= len(self.scaffold.parent) > self.maximum:
            plain = self.scaffold.design(plain)
        design = parse(plain, self.maximum, self.maximum)
        if not self.holds(design):
            broken = self.constraints.broken(design) if self.constraints else ""
            raise InvalidDesign(
                broken or f"Expected one of the {self.automaton.size:,.0f} variants of the table, got {design}."
            )
        return design

    def holds(self, design: Design) -> bool:
        """Return whether a design of the right length is one of the problem."""
        return bool(self.automaton.accepts(codes_of(design)[None])[0])

    def mask(self, vocabulary: Vocabulary) -> TokenMask | None:
        """Return the grammar over this vocabulary, None if no design can be written in it."""
        return letter_mask(self.automaton, vocabulary)

    def edit(self, elites: Sequence[Design], n: int, *, rng: np.random.Generator) -> list[Design]:
        """Return n edits of elites that are designs of the problem."""
        return edit_within(elites, n, self.automaton, self.automaton.letters, self.wild_type, rng=rng)

    def library(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Return n designs of the prior, given that they are designs of the problem."""
        return [text_of(row) for row in self.automaton.sample(self.weights, n, rng=rng)]

    def export(self, records: Sequence[Record], format: str) -> bytes:
        """Write records as whole proteins with their mutations, or as genes; see `VariantsFile`."""
        return self.file.write(records, format)

    def read_export(self, data: bytes, format: str) -> list[Record]:
        """Read what `export` wrote; designs come back canonical and equal."""
        return self.file.read(data, format)

    def render(self, design: Design, details: Mapping[str, Any]) -> list[Artifact]:
        """Return the whole protein in blocks of ten, chain by chain, with its mutations."""
        return [whole_protein(self.scaffold, design, details)]


def whole_protein(scaffold: Scaffold, design: Design, details: Mapping[str, Any]) -> Artifact:
    """Return a design's protein as a text file: its sites, its mutations, its residues in blocks of ten."""
    sites = ", ".join(f"{label} {letter}" for label, letter in zip(scaffold.labels, design, strict=True))
    lines = [f"sites: {sites}"]
    if scaffold.wild_type:
        lines.append(f"mutations: {', '.join(scaffold.mutations(design)) or 'none (the wild type)'}")
    lines += [f"{name}: {value}" for name, value in details.items()]
    for name, residues in scaffold.split(scaffold.full(design)):
        lines += ["", *([f"chain {name}"] if len(scaffold.chains) > 1 else [])]
        for start in range(0, len(residues), 60):
            row = residues[start : start + 60]
            lines.append(f"{start + 1:>5} {' '.join(row[i : i + 10] for i in range(0, len(row), 10))}")
    return Artifact("sequence.txt", "text/plain", "".join(f"{line}\n" for line in lines).encode())


def facts_of(scaffold: Scaffold) -> dict[str, Any]:
    """Return what pages need to know about a scaffold, JSON values."""
    return {
        "alphabet": LETTERS,
        "wild_type": scaffold.wild_type,
        "parent": scaffold.parent.replace(UNKNOWN_LETTER, "-"),
        "sites": list(scaffold.labels),
        "site_index": list(scaffold.sites),
        "positions": numbers_of(scaffold),
        "chains": [[c.name, c.start, c.length] for c in scaffold.chains],
    }


def numbers_of(scaffold: Scaffold) -> list[int | str]:
    """Return the number of each site, as a number where its label is one."""
    return [int(x) if x.lstrip("-").isdecimal() else x for x in scaffold.labels]
